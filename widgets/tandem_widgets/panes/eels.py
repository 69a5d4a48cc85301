"""The EELS maps pane."""

from __future__ import annotations

from PyQt6.QtWidgets import QWidget

from tandem_em.desk.desk import Desk
from tandem_widgets.parts.pane_frame import EmptyHint, PaneFrame


class EelsPane(PaneFrame):
    """A first face: says what it waits for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("EELS maps", QWidget())
        self.set_empty(EmptyHint("Drop a spectrum image here: .dm3 .dm4 .emd .hspy .msa", []))
