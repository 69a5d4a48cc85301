"""What the stack pane says quietly: a question with two answers above the image, sentences on it, marks of results."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from tandem_em.desk.stacks import layers
from tandem_em.desk.stacks.stack import REGION
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.panes.stack.questions import Questions
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import ElidedLabel
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import draw_path, draw_rectangle, draw_tag


class AskBar(QFrame):
    """Shows the question of the scene; an answer closes it."""

    def __init__(self, questions: Questions) -> None:
        super().__init__()
        self._questions = questions
        self._text = ElidedLabel("")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 2, 8, 4)
        self._row.addWidget(self._text, 1)
        self.buttons: list[QPushButton] = []
        self._bindings = Bindings(self)
        self._bindings.on(questions.changed, self._show_question)
        self._show_question()

    @property
    def text(self) -> str:
        """The whole question, also where the bar is too narrow to show it."""
        return self._text.toolTip()

    def _show_question(self) -> None:
        for button in self.buttons:
            self._row.removeWidget(button)
            # not at once: it may be the very button whose click is being answered
            button.deleteLater()
        self.buttons = []
        question = self._questions.question
        if question is not None:
            self._text.set_text(question.text)
        for title, call in question.answers if question is not None else ():
            button = QPushButton(title)
            button.clicked.connect(lambda _checked=False, call=call: self._questions.answer(call))
            self._row.addWidget(button)
            self.buttons.append(button)
        self.setVisible(question is not None)


BESIDE_PX = 160.0
"""Left free beside a note: the time of the frame stands at the right."""


class Notes:
    """An overlay: how the active tool is used, why a frame is not shown, and how far live outlines are behind."""

    def __init__(self, scene: StackScene) -> None:
        self._scene = scene

    @property
    def hint(self) -> str:
        """How the active tool is used; "" without one."""
        return self._scene.hint

    @property
    def trouble(self) -> str:
        """Why the wanted frame is not shown; "" when all is well."""
        return self._scene.trouble

    @property
    def lag(self) -> str:
        """How far live outlines are behind the newest frame; "" when they are not."""
        return self._scene.lag

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Sentences over the image: trouble, hint, and how far live outlines are behind."""
        if self.trouble:
            self._plate(painter, canvas, self.trouble, canvas.height() / 2, theme.active().warning)
        if self.hint:
            self._plate(painter, canvas, self.hint, 22.0, "#e8ebef")
        if self.lag:
            self._plate(painter, canvas, self.lag, canvas.height() - 20.0, "#e8ebef")

    def _plate(self, painter: QPainter, canvas: ImageCanvas, text: str, y: float, colour: str) -> None:
        painter.setFont(theme.numbers_font(12))
        room = QRectF(0, 0, canvas.width() - BESIDE_PX, 200.0)
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

    def __init__(self, scene: StackScene) -> None:
        self._scene, self._session = scene, scene.session

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """What results mark on this frame: lines, edges of layers, regions."""
        stack = self._scene.stack
        if stack is None:
            return
        dx, dy = stack.drift_at(self._frame)
        colour = theme.active().warning
        regions = [r for r in self._session.results if r.analysis == REGION and r.owner_id == stack.id]
        for result in regions:
            x0, y0, x1, y1 = result.values["region"]
            name = result.name.split(" of ")[0]
            corners = (x0 - 0.5 + dx, y0 - 0.5 + dy), (x1 - 0.5 + dx, y1 - 0.5 + dy)
            draw_rectangle(painter, canvas, *corners, colour, name)
        for line in self._session.profiles:
            if line.owner_id == stack.id and line.visible:
                points = [(x + dx, y + dy) for x, y in line.points]
                draw_path(painter, canvas, points, line.name, line.width_px, line.colour)
                self._paint_layers(painter, canvas, line, points)

    @property
    def _frame(self) -> int:
        return max(0, self._scene.shown)

    def _paint_layers(
        self, painter: QPainter, canvas: ImageCanvas, line: ProfileLine, points: list[tuple[float, float]]
    ) -> None:
        """The followed edges of this frame as bars across the line, and the thickness between them."""
        result = layers.of_line(self._session, line)
        if result is None:
            return
        bars = [along(points, place, line.width_px) for place in layers.edges_at(result, self._frame)]
        painter.setPen(QPen(QColor(line.colour), 2.4))
        for bar in bars:
            if bar is not None:
                painter.drawLine(canvas.to_screen(*bar[0]), canvas.to_screen(*bar[1]))
        for number, (values, errors, unit) in enumerate(layers.thicknesses(result)):
            bar = bars[number]
            if bar is not None and self._frame < len(values) and np.isfinite(values[self._frame]):
                text = f"{values[self._frame]:.1f} ± {errors[self._frame]:.1f} {unit}"
                draw_tag(painter, canvas.to_screen(*bar[1]) + QPointF(4, 2), text, line.colour, 11)


def along(
    points: list[tuple[float, float]], place: float, width_px: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Both ends of a bar across a polyline, `place` px from its start; None where that is not on it."""
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        if 0 <= place <= length and length:
            # at least 8 px: a bar as narrow as its line would not be seen
            ux, uy, half = (x1 - x0) / length, (y1 - y0) / length, max(width_px, 8.0) / 2
            x, y = x0 + ux * place, y0 + uy * place
            return (x + uy * half, y - ux * half), (x - uy * half, y + ux * half)
        place -= length
    return None
