"""Outlines over the image: one colour a particle, its change in words beside it, dotted ghosts of reference shapes."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle, Polygon
from tandem_widgets.parts import theme
from tandem_widgets.parts.image_canvas import ImageCanvas

UNSURE = 0.5
"""Outlines with less confidence are dashed: do not trust them."""


def to_polygon(canvas: ImageCanvas, vertices: Polygon) -> QPolygonF:
    return QPolygonF([canvas.to_screen(float(x), float(y)) for x, y in vertices])


class OutlineOverlay:
    """Paints the particles of one stack at the frame the canvas shows."""

    def __init__(self, session: Session, stack: FrameStack) -> None:
        self._session = session
        self._stack = stack
        self.frame = 0
        self.selected = ""
        self.hidden_id = ""
        """The particle that a tool is drawing itself."""

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        for particle in self._session.particles:
            if particle.stack_id == self._stack.id and particle.visible and particle.id != self.hidden_id:
                self._paint(painter, canvas, particle)

    def _paint(self, painter: QPainter, canvas: ImageCanvas, particle: Particle) -> None:
        colour = QColor(particle.colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for reference in particle.reference_frames:
            ghost = particle.outlines.get(reference)
            if ghost is not None and reference != self.frame:
                pen = QPen(colour, 1.2, Qt.PenStyle.DotLine)
                painter.setPen(pen)
                painter.drawPolygon(to_polygon(canvas, ghost.polygon - self._between(reference)))
        outline = particle.outlines.get(self.frame)
        if outline is None:
            return
        style = Qt.PenStyle.SolidLine if outline.confidence >= UNSURE else Qt.PenStyle.DashLine
        polygon = to_polygon(canvas, outline.polygon)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 3.4))
        painter.drawPolygon(polygon)
        painter.setPen(QPen(colour, 2.4 if particle.id == self.selected else 1.8, style))
        painter.drawPolygon(polygon)
        self._label(painter, canvas, particle, outline, polygon)

    def _between(self, reference: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """How far frame `reference` lies from the shown one (image pixels): ghosts stay on the sample."""
        return np.array(self._stack.drift_at(reference)) - np.array(self._stack.drift_at(self.frame))

    def _label(
        self, painter: QPainter, canvas: ImageCanvas, particle: Particle, outline: Outline, polygon: QPolygonF
    ) -> None:
        text = f"{particle.name}{change_text(particle, outline)}"
        painter.setFont(theme.numbers_font(13, bold=True))
        metrics = painter.fontMetrics()
        box = polygon.boundingRect()
        width, height = metrics.horizontalAdvance(text), metrics.height()
        place = QPointF(box.right() - width * 0.25, box.center().y())
        x = min(max(place.x(), 4), canvas.width() - width - 6)
        y = min(max(place.y(), height), canvas.height() - 8)
        area = QRectF(x, y - height / 2, width + 4, height)
        painter.setPen(QColor(0, 0, 0, 150))
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            painter.drawText(area.translated(dx, dy), Qt.AlignmentFlag.AlignLeft, text)
        painter.setPen(QColor(particle.colour))
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft, text)


def change_text(particle: Particle, outline: Outline) -> str:
    """` +41 %`: the area against that of the reference (or first) frame; empty when there is nothing to compare."""
    frames = [f for f in particle.reference_frames if f in particle.outlines] or sorted(particle.outlines)
    if not frames:
        return ""
    first = particle.outlines[frames[0]]
    if (
        first is outline
        or not np.isfinite(first.area_px)
        or not np.isfinite(outline.area_px)
        or first.area_px <= 0
    ):
        return ""
    percent = 100 * (outline.area_px / first.area_px - 1)
    return f" {percent:+.0f} %".replace("-", "−")
