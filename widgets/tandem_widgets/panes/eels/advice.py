"""One quiet line under the pictures: what is doubtful about the chosen map, or why it cannot be made."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QPoint, Qt, QTimer
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.eels.interactive_map import LiveMap
from tandem_em.model.spectra import Edge
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.pane_frame import ElidedLabel

PANEL_WIDTH = 520
SETTLED_MS = 350
"""Windows that have not moved for so long are checked."""


class NoteLine(ElidedLabel):
    """Amber text; a click opens every doubt with its reason. Empty while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(17)
        self.setContentsMargins(10, 0, 8, 0)
        self.sentence = ""
        self.warnings: list[dict[str, Any]] = []

    def say(self, sentence: str) -> None:
        """A sentence that goes before the doubts: the map cannot be made. Empty takes it back."""
        if sentence != self.sentence:
            self.sentence = sentence
            self.write()

    def doubt(self, warnings: list[dict[str, Any]]) -> None:
        """Takes the doubts about the shown map; an empty list clears the line."""
        self.warnings = warnings
        self.write()

    def write(self) -> None:
        """Writes the sentence, if any, else the first doubt and how many there are, in amber."""
        self.setStyleSheet(f"color: {theme.active().warning};")
        if self.sentence:
            self.set_text(f"⚠ {self.sentence}")
            return
        titles = [str(each["title"]).rstrip(".") for each in self.warnings]
        count = f"{len(titles)} warnings; first: " if len(titles) > 1 else ""
        self.set_text(f"⚠ {count}{titles[0]}" if titles else "")
        self.setToolTip("\n\n".join(f"{each['title']}\n{each['reason']}" for each in self.warnings))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Opens the doubts with their reasons below the line."""
        if self.warnings and event is not None:
            panel = DoubtsPanel(self, self.warnings)
            panel.move(self.mapToGlobal(QPoint(0, self.height() + 2)))
            panel.show()


class DoubtsPanel(QFrame):
    """Every doubt with its reason; goes away with a click elsewhere."""

    def __init__(self, parent: QWidget, warnings: list[dict[str, Any]]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "pane")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(8)
        look = theme.active()
        for each in warnings:
            grave = each["level"] == "warning"
            text = QLabel(
                f'<span style="color: {look.warning if grave else look.text}; font-weight: 600">'
                f"{escape(str(each['title']))}</span><br>{escape(str(each['reason']))}"
            )
            text.setStyleSheet(f"color: {look.quiet};")
            text.setWordWrap(True)
            text.setFixedWidth(PANEL_WIDTH)
            column.addWidget(text)


class EdgeAdvice:
    """Checks the chosen edge of the shown map in a job, once its windows stand still."""

    def __init__(self, desk: Desk, line: NoteLine, parent: QWidget) -> None:
        self._desk, self._line = desk, line
        self._asked: tuple[Any, ...] = ()
        self._live: LiveMap | None = None
        self._edge: Edge | None = None
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.check)

    def watch(self, live: LiveMap | None, edge: Edge | None) -> None:
        """This edge of this map is shown; says nothing new when its windows are those already checked."""
        self._live, self._edge = live, edge
        if live is None or edge is None:
            self._asked = ()
            self._timer.stop()
            self._line.doubt([])
            return
        # an estimate would raise doubts that the spectra do not
        if not live.is_ready:
            return
        state = self._state(live, edge)
        if state != self._asked:
            another = self._asked[:2] != state[:2]
            self._asked = state
            # doubts of the edge before must not stand beside this one
            if another:
                self._line.doubt([])
            # while windows are dragged nobody reads: checked once they rest
            self._timer.start(0 if another else SETTLED_MS)

    def _state(self, live: LiveMap, edge: Edge) -> tuple[Any, ...]:
        windows = tuple(
            (each.id, each.background, each.order, each.fit, each.signal) for each in self._desk.session.edges
        )
        return live.image.id, edge.id, windows

    def check(self) -> None:
        """Ask now; an answer for windows that have moved on is dropped."""
        self._timer.stop()
        live, edge = self._live, self._edge
        if live is None or edge is None:
            return
        job = live.doubts(edge, list(self._desk.session.edges))
        self._desk.start(
            f"Checking {edge.name}", job, partial(self._take, self._asked), on_error=lambda _e: self._take(self._asked, []),
            key="eels advice",
        )  # fmt: skip

    def _take(self, asked: tuple[Any, ...], warnings: list[dict[str, Any]]) -> None:
        if asked == self._asked and not sip.isdeleted(
            self._line
        ):  # the session may have been closed meanwhile
            self._line.doubt(warnings)
