"""Outlines over the image: one colour a particle, its change in words beside it, dotted ghosts of reference shapes."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from tandem_em.desk.outlines.following import DOUBT
from tandem_em.model.tracks import Particle, Polygon
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import draw_tag
from tandem_widgets.parts.image.shown_outlines import ShownOutlines
from tandem_widgets.parts.plot.polyline import polygon as fast_polygon


def to_polygon(canvas: ImageCanvas, vertices: Polygon) -> QPolygonF:
    """An outline (n, 2) of image pixels as a polygon in widget pixels."""
    origin, unit = canvas.to_screen(0.0, 0.0), canvas.view.zoom
    return fast_polygon(vertices[:, 0] * unit + origin.x(), vertices[:, 1] * unit + origin.y())


class OutlineOverlay:
    """Paints the particles of one stack at the frame the canvas shows."""

    def __init__(self, outlines: ShownOutlines) -> None:
        self._outlines = outlines

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Lines first: no line runs through the words of another particle."""
        labels = [self._paint(painter, canvas, particle) for particle in self._outlines.particles()]
        for label in labels:
            if label is not None:
                self._label(painter, canvas, *label)

    def _paint(
        self, painter: QPainter, canvas: ImageCanvas, particle: Particle
    ) -> tuple[str, str, QPolygonF] | None:
        """The lines of a particle; returns what is written beside it, its colour and the shape it stands beside."""
        shown, colour = self._outlines, QColor(particle.colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for reference in particle.reference_frames if shown.with_ghosts else ():
            ghost = particle.outlines.get(reference)
            if ghost is not None and reference != shown.frame:
                painter.setPen(QPen(colour, 1.4, Qt.PenStyle.DotLine))
                painter.drawPolygon(to_polygon(canvas, ghost.polygon - shown.between(reference)))
        self._paint_newest(painter, canvas, particle)
        outline, age = shown.latest(particle)
        # after the ghosts: these stay while a tool draws the outline itself
        if outline is None or particle.id == shown.hidden_id:
            return None
        unsure = outline.confidence < DOUBT
        moved = shown.between(shown.frame - age) if age else 0.0
        polygon = to_polygon(canvas, outline.polygon - moved)
        width = 2.6 if particle.id == shown.selected else 1.8
        painter.setPen(QPen(QColor(0, 0, 0, 90), width + 1.6))
        painter.drawPolygon(polygon)
        painter.setPen(QPen(colour, width, Qt.PenStyle.DashLine if unsure else Qt.PenStyle.SolidLine))
        painter.drawPolygon(polygon)
        if outline.is_key and particle.id == shown.selected:
            self._handles(painter, polygon, colour)
        return shown.words(particle, outline, age), particle.colour, polygon

    def _paint_newest(self, painter: QPainter, canvas: ImageCanvas, particle: Particle) -> None:
        """While a particle is being followed, its newest outline moves over the frame on screen."""
        shown = self._outlines
        newest = shown.newest(particle)
        if newest is not None and newest != shown.frame:
            painter.setPen(QPen(theme.colour(particle.colour, 0.75), 1.2))
            outline = shown.session.growing.of(particle.id)[newest]
            painter.drawPolygon(to_polygon(canvas, outline.polygon - shown.between(newest)))

    def _handles(self, painter: QPainter, polygon: QPolygonF, colour: QColor) -> None:
        """A key outline that is selected carries a few dots: this one was drawn by a hand."""
        painter.setPen(QPen(QColor(255, 255, 255, 200), 1))
        painter.setBrush(colour)
        for index in range(0, polygon.count(), max(1, polygon.count() // 12)):
            painter.drawEllipse(polygon.at(index), 2.6, 2.6)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _label(
        self, painter: QPainter, canvas: ImageCanvas, text: str, colour: str, polygon: QPolygonF
    ) -> None:
        pixels = 12 if canvas.width() > 300 else 9  # small panels of a montage
        painter.setFont(theme.numbers_font(pixels, bold=True))
        width = painter.fontMetrics().horizontalAdvance(text) + 10
        box = polygon.boundingRect()
        x = box.right() + 5
        if x + width > canvas.width() - 4:
            x = box.left() - width - 5
        draw_tag(painter, QPointF(x, box.center().y() - 9), text, colour, pixels)
