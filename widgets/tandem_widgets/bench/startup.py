"""How soon the window of an empty session is painted, beside bare windows of PyQt6 and pyqtgraph, in fresh processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from tandem_em.core.benchmark import Figure

SHOW_AND_TELL = """
import time
from PyQt6.QtCore import QTimer
def tell():
    print(time.process_time(), flush=True)
    app.exit()
QTimer.singleShot(0, lambda: QTimer.singleShot(0, tell))
app.exec()
import os
os._exit(0)
"""

BARE_QT = (
    """
from PyQt6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1600, 1000)
window.show()
"""
    + SHOW_AND_TELL
)

BARE_PYQTGRAPH = (
    """
from PyQt6.QtWidgets import QApplication
app = QApplication([])
import pyqtgraph as pg
window = pg.PlotWidget()
window.resize(1600, 1000)
window.plot([1, 2, 3])
window.show()
"""
    + SHOW_AND_TELL
)

OURS = (
    """
from tandem_widgets.shell import application
app = application.make_application()
window, bridge = application.make_window()
window.show()
"""
    + SHOW_AND_TELL
)

HEAVY = ("hyperspy", "exspy", "scipy", "skimage", "matplotlib", "dask", "pandas", "numba", "h5py", "rsciio")


def run(quick: bool = False) -> list[Figure]:
    """Wall and processor time to the first painted window, medians, taken in turn."""
    programs = {"TandEM": OURS, "PyQt6 window": BARE_QT, "pyqtgraph plot": BARE_PYQTGRAPH}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TANDEM_HOME": home, "QT_QPA_PLATFORM": "offscreen"}
        for turn in range(3 if quick else 9):
            for name, program in programs.items():
                measured = time_to_window(program, environment)
                if turn:  # the first turn warms the disk
                    times[name].append(measured)
        heavy = heavy_imports(environment)
    cpu = {name: statistics.median(c for _, c in rows) for name, rows in times.items()}
    wall = {name: statistics.median(w for w, _ in rows) for name, rows in times.items()}
    ratio = cpu["TandEM"] / cpu["pyqtgraph plot"]
    return [
        Figure(
            "window shown, processor time", cpu["TandEM"], "ms", "pyqtgraph plot", cpu["pyqtgraph plot"], ratio,
            "at most 1.3x a bare pyqtgraph window", ratio <= 1.3,
        ),
        Figure(
            "window shown, wall", wall["TandEM"], "ms", "pyqtgraph plot", wall["pyqtgraph plot"],
            wall["TandEM"] / wall["pyqtgraph plot"], "at most 1.3x", wall["TandEM"] <= 1.3 * wall["pyqtgraph plot"],
        ),
        Figure(
            "window shown, processor time", cpu["TandEM"], "ms", "PyQt6 window", cpu["PyQt6 window"],
            cpu["TandEM"] / cpu["PyQt6 window"],
        ),
        Figure("heavy libraries loaded at start", len(heavy), "", goal="none", met=not heavy, remark=" ".join(heavy)),
    ]  # fmt: skip


def time_to_window(program: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall (ms) from the start of the process, and its processor time (ms)."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    wall = time.perf_counter() - began
    child.wait(30)
    if not line:
        raise RuntimeError("a window did not open")
    return wall * 1e3, float(line) * 1e3


def heavy_imports(environment: dict[str, str]) -> list[str]:
    """Which libraries that ought to wait were imported when the empty window is there."""
    program = OURS.replace(
        "print(time.process_time(), flush=True)",
        f"import sys; print(' '.join(m for m in {HEAVY!r} if m in sys.modules), flush=True)",
    )
    output = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env=environment,
        text=True,
        timeout=60,
        check=False,
    )
    return output.stdout.split()
