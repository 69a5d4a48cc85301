"""What the first window loads: no heavy library, and none of the rooms that are not needed to show it."""

from __future__ import annotations

import subprocess
import sys

START = """
from tandem_widgets.shell import application
app = application.make_application()
window, bridge = application.make_window()
window.show()
from PyQt6.QtCore import QTimer
import sys
def tell():
    print("\\n".join(sorted(sys.modules)), flush=True)
    app.exit()
QTimer.singleShot(0, lambda: QTimer.singleShot(0, tell))
app.exec()
import os
os._exit(0)
"""
HEAVY = (
    "av", "dask", "exspy", "h5py", "hyperspy", "matplotlib", "numba", "pandas", "pydantic", "pyqtgraph", "pyvisa", "rsciio", "scipy",
    "skimage", "tifffile", "zmq",
)  # fmt: skip
NOT_NEEDED = (
    "tandem_em.storage.session_store", "tandem_em.importers.registry", "tandem_em.exporters", "tandem_em.simulation",
    "tandem_em.sources.guardian", "tandem_em.desk.demo", "tandem_em.desk.export", "tandem_widgets.dialogs.instruments.dialog",
)  # fmt: skip
MOST_MODULES = 240
"""Of our own; each costs about half a millisecond."""


def test_the_first_window_loads_only_what_it_shows() -> None:
    started = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, timeout=120, check=False
    )
    loaded = started.stdout.split()
    assert "tandem_widgets.shell.window.main_window" in loaded, started.stderr
    assert [name for name in HEAVY if name in loaded] == []
    assert [name for name in loaded if name.startswith(NOT_NEEDED)] == []
    assert sum(name.startswith("tandem_") for name in loaded) <= MOST_MODULES
