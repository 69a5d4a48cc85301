"""Outlines over the image: one colour a particle, its change in words beside it, dotted ghosts of reference shapes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPolygonF

from tandem_em.core.texts import figure
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle, Polygon
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import draw_tag
from tandem_widgets.parts.plot.polyline import polygon as fast_polygon

NOTHING: Mapping[int, Outline] = MappingProxyType({})


def to_polygon(canvas: ImageCanvas, vertices: Polygon) -> QPolygonF:
    origin, unit = canvas.to_screen(0.0, 0.0), canvas.view.zoom
    return fast_polygon(vertices[:, 0] * unit + origin.x(), vertices[:, 1] * unit + origin.y())


class OutlineOverlay:
    """Paints the particles of one stack at the frame the canvas shows."""

    def __init__(self, session: Session, stack: FrameStack) -> None:
        self._session = session
        self._stack = stack
        self.frame = 0
        self.selected = ""
        self.hidden_id = ""
        """The particle that a tool is drawing itself."""
        self.with_ghosts = True
        self.reach = 0
        """While filming: an outline that is so many frames old at most is shown for one that is not there yet."""

    def newest(self, particle: Particle) -> int | None:
        """The frame that following has reached just now."""
        return self._session.growing.newest(particle.id)

    def outline_of(self, particle: Particle) -> Outline | None:
        """What is shown of a particle in this frame: what is being followed wins over what was kept."""
        fresh = self._session.growing.of(particle.id).get(self.frame)
        return fresh if fresh is not None else particle.outlines.get(self.frame)

    def latest(self, particle: Particle) -> tuple[Outline | None, int]:
        """The outline to show in this frame, and how many frames old it is."""
        for age in range(self.reach + 1):
            outline = particle.outlines.get(self.frame - age) if age else self.outline_of(particle)
            if outline is not None:
                return outline, age
        return None, 0

    def newest_followed(self, frame: int, reach: int) -> int:
        """The newest frame up to this one that has every outline, at most `reach` frames older; else the frame itself."""
        followed = [particle for particle in self.shown() if particle.outlines]
        for age in range(reach + 1 if followed else 0):
            if all(frame - age in particle.outlines for particle in followed):
                return frame - age
        return frame

    def shown(self) -> list[Particle]:
        return [p for p in self._session.particles if p.stack_id == self._stack.id and p.visible]

    def __call__(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Lines first: no line runs through the words of another particle."""
        labels = [self._paint(painter, canvas, particle) for particle in self.shown()]
        for label in labels:
            if label is not None:
                self._label(painter, canvas, *label)

    def _paint(
        self, painter: QPainter, canvas: ImageCanvas, particle: Particle
    ) -> tuple[str, str, QPolygonF] | None:
        """The lines of a particle; returns what is written beside it, its colour and the shape it stands beside."""
        colour = QColor(particle.colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for reference in particle.reference_frames if self.with_ghosts else ():
            ghost = particle.outlines.get(reference)
            if ghost is not None and reference != self.frame:
                painter.setPen(QPen(colour, 1.4, Qt.PenStyle.DotLine))
                painter.drawPolygon(to_polygon(canvas, ghost.polygon - self._between(reference)))
        self._paint_newest(painter, canvas, particle)
        outline, age = self.latest(particle)
        if outline is None or particle.id == self.hidden_id:
            return None
        unsure = outline.confidence < DOUBT
        moved = self._between(self.frame - age) if age else 0.0
        polygon = to_polygon(canvas, outline.polygon - moved)
        width = 2.6 if particle.id == self.selected else 1.8
        painter.setPen(QPen(QColor(0, 0, 0, 90), width + 1.6))
        painter.drawPolygon(polygon)
        painter.setPen(QPen(colour, width, Qt.PenStyle.DashLine if unsure else Qt.PenStyle.SolidLine))
        painter.drawPolygon(polygon)
        if outline.is_key and particle.id == self.selected:
            self._handles(painter, polygon, colour)
        return self._words(particle, outline, age), particle.colour, polygon

    def _paint_newest(self, painter: QPainter, canvas: ImageCanvas, particle: Particle) -> None:
        """While a particle is being followed, its newest outline moves over the frame on screen."""
        newest = self.newest(particle)
        if newest is not None and newest != self.frame:
            painter.setPen(QPen(theme.colour(particle.colour, 0.75), 1.2))
            outline = self._session.growing.of(particle.id)[newest]
            painter.drawPolygon(to_polygon(canvas, outline.polygon - self._between(newest)))

    def _handles(self, painter: QPainter, polygon: QPolygonF, colour: QColor) -> None:
        """A key outline that is selected carries a few dots: this one was drawn by a hand."""
        painter.setPen(QPen(QColor(255, 255, 255, 200), 1))
        painter.setBrush(colour)
        for index in range(0, polygon.count(), max(1, polygon.count() // 12)):
            painter.drawEllipse(polygon.at(index), 2.6, 2.6)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _between(self, reference: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """How far frame `reference` lies from the shown one (image pixels): ghosts stay on the sample."""
        return np.subtract(self._stack.drift_at(reference), self._stack.drift_at(self.frame))

    def _words(self, particle: Particle, outline: Outline, age: int) -> str:
        growing = self._session.growing.of(particle.id)
        text = f"{particle.name}{change_text(particle, outline, particle.id == self.selected, growing)}"
        if self._stack.axis0_is_time is False or len(self._stack) == 1:
            return f"{text} {self._area_text(outline)}"
        if age:
            return f"{text} · {age} frame{'s' if age > 1 else ''} ago"
        newest = self.newest(particle)
        if newest is not None and outline.is_key:
            change = change_text(particle, growing[newest], growing=growing)
            return f"{particle.name} · frame {newest + 1}:{change}"
        if newest is not None:
            return f"{text} …"
        if outline.confidence < DOUBT:
            return f"{text} ?"
        if particle.provenance_id and self._session.is_stale(particle.provenance_id):
            return f"{text} · stale"
        return text

    def _area_text(self, outline: Outline) -> str:
        """Where nothing is followed the area itself is what was asked for."""
        pixel = self._stack.pixel_nm
        return f"{figure(outline.area_px * pixel**2)} nm²" if pixel else f"{figure(outline.area_px)} px²"

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


def change_text(
    particle: Particle, outline: Outline, with_ghost: bool = False, growing: Mapping[int, Outline] = NOTHING
) -> str:
    """` +41 %`: the area against the first outline, as in the lane; with a later ghost also ` (+12 % vs frame 120)`."""
    known = particle.outlines | dict(growing) if growing else particle.outlines
    start = min(known, default=-1)
    ghosts = [frame for frame in particle.reference_frames if frame != start]
    text = _percent(known.get(start), outline)
    if with_ghost and ghosts:
        change = _percent(known.get(ghosts[-1]), outline)
        text += f" ({change.strip()} vs frame {ghosts[-1] + 1})" if change else ""
    return text


def _percent(first: Outline | None, outline: Outline) -> str:
    if first is None or first is outline or not first.area_px > 0 or not np.isfinite(outline.area_px):
        return ""
    return f" {100 * (outline.area_px / first.area_px - 1):+.0f} %".replace("-", "−")
