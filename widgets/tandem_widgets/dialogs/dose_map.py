"""The dose of every place of the sample as a picture with a scale; what lies over the budget is lined in red."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen
from PyQt6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.stacks import dose
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.of_stacks import DoseMap
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.contrast import colours_named
from tandem_widgets.parts.image.marks import draw_rectangle, draw_tag
from tandem_widgets.parts.image.render import colour_table


class DoseMapDialog(QDialog):
    """Shows one dose map; the field of view of the first frame is drawn as a rectangle."""

    def __init__(self, parent: QWidget, desk: Desk, stack: FrameStack, result: ResultSet) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"{result.name}")
        self._stack, self._result = stack, result
        found = DoseMap.from_result(result)
        self.values = np.asarray(found.dose_e_A2, np.float32)
        self._step = float(found.step_px)
        x, y = found.origin_px
        self._origin = float(x), float(y)
        settings = dose.settings_of(desk.session, stack)
        self._budget = settings.budget_e_A2 if settings is not None else None
        self.canvas = ImageCanvas()
        self.canvas.pixel_nm = stack.pixel_nm * self._step if stack.pixel_nm else None
        self.canvas.levels = 0.0, max(float(self.values.max()), 1e-9)
        self.canvas.table = colour_table(colours_named("inferno"))
        self.canvas.overlays = [self._paint_scale, self._paint_frame]
        self.canvas.hovered.connect(self._read_out)
        self.readout = QLabel(self._summary())
        self.readout.setProperty("role", "quiet")
        self.readout.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.readout)
        self.resize(620, 640)
        self.canvas.show_frame(self.values)

    def _summary(self) -> str:
        # the map is larger than the field of view: what was never lit is no least dose
        seen = self.values[self.values > 1e-6 * self.values.max(initial=0.0)]
        if not len(seen):
            return "No part of the sample received any dose."
        text = f"{seen.min():.4g} to {seen.max():.4g} e⁻/Å² in the field of view."
        if self._budget:
            over = float((seen > self._budget).mean())
            text += f" {100 * over:.0f} % of that area is over the budget of {self._budget:.4g} e⁻/Å²."
        if self._stack.drift_px is None:
            text += " The drift has not been measured and is not corrected in this map."
        return text

    def _read_out(self, x: float, y: float) -> None:
        row, column = round(y), round(x)
        if not (0 <= row < self.values.shape[0] and 0 <= column < self.values.shape[1]):
            self.readout.setText(self._summary())
            return
        place = self._origin[0] + column * self._step, self._origin[1] + row * self._step
        value = float(self.values[row, column])
        budget = f" · {100 * value / self._budget:.0f} % of the budget" if self._budget else ""
        self.readout.setText(
            f"x {place[0]:.0f}  y {place[1]:.0f} px in the first frame · {value:.4g} e⁻/Å²{budget}"
        )

    def _paint_frame(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Where the first frame lies."""
        _, height, width = self._stack.shape
        # the map begins at its origin, the frame at 0, 0
        x, y = (-each / self._step - 0.5 for each in self._origin)
        corner = x + width / self._step, y + height / self._step
        draw_rectangle(painter, canvas, (x, y), corner, theme.active().accent, "First frame")

    def _paint_scale(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """A strip of the colours with its numbers, and the budget on it."""
        low, high = canvas.levels
        strip = QRectF(canvas.width() - 28.0, 40.0, 12.0, min(180.0, canvas.height() - 90.0))
        colours = canvas.table[:: max(1, len(canvas.table) // 256)][::-1].copy()
        image = QImage(colours.data, 1, len(colours), 4, QImage.Format.Format_ARGB32)  # type: ignore[call-overload]
        painter.drawImage(strip, image)
        painter.setPen(QPen(QColor(0, 0, 0, 160), 1))
        painter.drawRect(strip)
        texts = [(high, "e⁻/Å²  " + f"{high:.4g}", "#ffffff"), (low, f"{low:.4g}", "#ffffff")]
        if self._budget and low < self._budget < high:
            texts.append((self._budget, f"Budget {self._budget:.4g}", theme.active().bad))
        for value, text, colour in texts:
            y = strip.bottom() - (value - low) / (high - low) * strip.height()
            painter.setPen(QPen(QColor(colour), 1.6))
            painter.drawLine(QPointF(strip.left() - 3, y), QPointF(strip.right(), y))
            painter.setFont(theme.numbers_font(12, bold=True))
            wide = painter.fontMetrics().horizontalAdvance(text) + 14
            draw_tag(painter, QPointF(strip.left() - wide - 2, y - 9), text, colour, 12)
