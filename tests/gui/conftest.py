"""What every test of the window needs: a session with all three streams, and a window that is closed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.shell.application import make_application, make_window
from tandem_widgets.shell.window.main_window import MainWindow


def small_session() -> Session:
    """Ten seconds of bias, twenty frames, one small map, one event."""
    rng = np.random.default_rng(3)
    session = Session("small")
    times = np.linspace(0, 10, 101)
    run = BiasRun(
        name="log",
        times=GrowingArray(times),
        columns={
            "voltage": Column("voltage", "V", GrowingArray(np.where(times > 2, -0.2, 0.0))),
            "current": Column("current", "A", GrowingArray(rng.normal(-9e-11, 1e-12, 101))),
        },
    )
    stack = FrameStack(
        name="movie",
        source=MemoryArray(rng.integers(0, 4000, (20, 64, 80), dtype=np.uint16)),
        times=np.linspace(0, 10, 20),
        times_from="file",
        pixel_nm=0.5,
    )
    energy = np.linspace(30, 160, 261)
    spectra = (1e6 * energy**-2.5 * rng.normal(1, 0.01, (8, 10, 261))).astype(np.float32)
    image = SpectrumImage(
        name="SI-1", source=MemoryArray(spectra), energy_eV=energy, pixel_nm=(2.0, 2.0), start=3.0, end=6.0
    )
    for stream, collection in ((run, session.runs), (stack, session.stacks), (image, session.maps)):
        session.clocks.add(stream.clock)
        collection.add(stream)
    session.events.add(Event(name="bias on", t=2.0, category="bias"))
    return session


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """The real window with the small session."""
    make_application()
    made, bridge = make_window(Settings(tmp_path / "preferences.json"))
    made.resize(1280, 800)
    try:
        made.show_session(small_session())
        made.show()
        # a fresh environment compiles its kernels now, and that may take a minute or two where others compute as well
        qtbot.waitUntil(lambda: not made.services.runner.tasks, timeout=240_000)
        yield made
    finally:  # a window that is left behind takes the whole process down when that ends
        made.files.close()
        made.hide()
        made.docks.close_panes()
        bridge.close()
        made.services.runner.close()
        made.deleteLater()
