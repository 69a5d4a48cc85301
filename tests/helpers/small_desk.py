"""A desk with a small session and no window: what a dialog or a part needs to be built alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from all_lanes import all_lanes_session
from PyQt6.QtWidgets import QApplication

from tandem_em.core.jobs import Runner
from tandem_em.core.notices import Notices
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bridge import Bridge


def small_session() -> Session:
    """Every kind of lane, two events and a small map."""
    session = all_lanes_session()
    session.events.add(Event(name="bias on", t=2.0, category="bias"))
    session.events.add(Event(name="contact lost", t=17.0, category="note"))
    energy = np.linspace(40.0, 120.0, 81)
    image = SpectrumImage(
        name="SI", source=MemoryArray(np.ones((4, 5, 81), np.float32)), energy_eV=energy, pixel_nm=(2.0, 2.0), start=3.0,
        end=6.0,
    )  # fmt: skip
    session.clocks.add(image.clock)
    session.maps.add(image)
    return session


@contextmanager
def small_desk(folder: Path, session: Session | None = None) -> Iterator[Desk]:
    """Jobs run in threads and answer on the GUI thread, as in the window."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.DARK)
    bridge = Bridge()
    runner = Runner(bridge.post)
    try:
        yield Desk(session or small_session(), runner, Notices(), Settings(folder / "preferences.json"))
    finally:
        bridge.close()
        runner.close()
