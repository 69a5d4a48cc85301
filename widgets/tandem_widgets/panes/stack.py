"""The Image stack pane."""

from __future__ import annotations

from PyQt6.QtWidgets import QWidget

from tandem_em.desk.desk import Desk
from tandem_widgets.parts.pane_frame import EmptyHint, PaneFrame


class StackPane(PaneFrame):
    """A first face: says what it waits for."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("Image stack", QWidget())
        self.set_empty(EmptyHint("Drop a movie, a stack or a folder of images here.", []))
