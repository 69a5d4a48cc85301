"""What the stack pane says quietly: a question with two answers above the image, sentences on it, marks of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from tandem_em.desk.stacks import REGION
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.parts import theme
from tandem_widgets.parts.image_canvas import ImageCanvas
from tandem_widgets.parts.image_tools import draw_rectangle, draw_ruler
from tandem_widgets.parts.pane_frame import ElidedLabel

Answer = tuple[str, Callable[[], object]]


class AskBar(QFrame):
    """One question at a time; an answer closes it."""

    def __init__(self) -> None:
        super().__init__()
        self.about = ""
        """What is being asked, so that the same question is not put twice."""
        self._text = ElidedLabel("")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 2, 8, 4)
        self._row.addWidget(self._text, 1)
        self.buttons: list[QPushButton] = []
        self.hide()

    @property
    def text(self) -> str:
        return self._text.toolTip()

    def ask(self, about: str, text: str, answers: Sequence[Answer]) -> None:
        self._clear()
        self.about = about
        self._text.set_text(text)
        for title, call in answers:
            button = QPushButton(title)
            button.clicked.connect(lambda _checked=False, call=call: self._answered(call))
            self._row.addWidget(button)
            self.buttons.append(button)
        self.show()

    def withdraw(self, about: str) -> None:
        """The question has answered itself."""
        if self.about.startswith(about):
            self._clear()
            self.hide()

    def _answered(self, call: Callable[[], object]) -> None:
        self._clear()
        self.hide()
        call()

    def _clear(self) -> None:
        self.about = ""
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []


class Notes:
    """An overlay: how the tool in hand is used, and why a frame is not shown."""

    def __init__(self) -> None:
        self.hint = ""
        self.trouble = ""

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        if self.trouble:
            self._plate(painter, canvas, self.trouble, canvas.height() / 2, theme.active().warning)
        if self.hint:
            self._plate(painter, canvas, self.hint, 22.0, "#e8ebef")

    def _plate(self, painter: QPainter, canvas: ImageCanvas, text: str, y: float, colour: str) -> None:
        painter.setFont(theme.numbers_font(12))
        room = QRectF(0, 0, canvas.width() - 40.0, 200.0)
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        box = painter.boundingRect(room, flags, text).adjusted(-10, -5, 10, 5)
        box.moveCenter(QPointF(canvas.width() / 2, y))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 12, 15, 190))
        painter.drawRoundedRect(box, 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(colour))
        painter.drawText(box, flags, text)


class Marks:
    """An overlay: the regions and profile lines of a stack, at their place on the sample."""

    def __init__(self, session: Session, stack: FrameStack) -> None:
        self._session, self._stack = session, stack
        self.frame = 0

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        dx, dy = self._stack.drift_at(self.frame)
        colour = theme.active().warning
        regions = [r for r in self._session.results if r.analysis == REGION and r.owner_id == self._stack.id]
        for result in regions:
            x0, y0, x1, y1 = result.values["region"]
            name = result.name.split(" of ")[0]
            corners = (x0 - 0.5 + dx, y0 - 0.5 + dy), (x1 - 0.5 + dx, y1 - 0.5 + dy)
            draw_rectangle(painter, canvas, *corners, colour, name)
        for line in self._session.profiles:
            if line.owner_id == self._stack.id and line.visible:
                ends = (
                    (line.start[0] + dx, line.start[1] + dy),
                    (line.end[0] + dx, line.end[1] + dy),
                )
                draw_ruler(painter, canvas, *ends, line.name, line.width_px, line.colour)
