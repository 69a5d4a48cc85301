"""The tool while no other is active: choose an outline, drag any part of it softly, delete it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.model.tracks import Particle
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import Polygon, on_screen
from tandem_widgets.parts.image.tools import BaseTool
from tandem_widgets.parts.plot.polyline import polygon as to_qt

GRAB_PX = 7.0
"""How near to an outline the pointer takes hold of it (screen pixels)."""


class EditTool(BaseTool):
    """`shapes()` gives the particles of the shown frame with their outlines; `corrected(particle, polygon)` ends a drag.

    The wheel of influence: a drag moves an eighth of the outline on each side; Shift makes it a small part, Ctrl the whole.
    """

    cursor = Qt.CursorShape.ArrowCursor

    def __init__(
        self,
        canvas: ImageCanvas,
        shapes: Callable[[], list[tuple[Particle, Polygon]]],
        select: Callable[[str], None],
        corrected: Callable[[Particle, Polygon], None],
        delete: Callable[[], bool],
        hide: Callable[[str], None],
    ) -> None:
        super().__init__(lambda: select(""))
        self._canvas, self._shapes, self._select = canvas, shapes, select
        self._corrected, self._delete, self._hide = corrected, delete, hide
        self._held: tuple[Particle, Polygon, int] | None = None
        self._from = (0.0, 0.0)
        self._shape: Polygon | None = None

    def under(self, x: float, y: float) -> tuple[Particle, Polygon, int] | None:
        """The outline whose line is near a point, and the vertex there."""
        best: tuple[float, Particle, Polygon, int] | None = None
        for particle, polygon in self._shapes():
            vertex, far = particles_shape.nearest(polygon, x, y)
            if far * self._canvas.view.zoom <= GRAB_PX and (best is None or far < best[0]):
                best = far, particle, polygon, vertex
        return best[1:] if best is not None else None

    def inside(self, x: float, y: float) -> Particle | None:
        """The particle a point lies in (the smallest one), else the one whose line is near."""
        within = [(_size(s), p) for p, s in self._shapes() if particles_shape.contains(s, x, y)]
        if within:
            # a small particle on a large one could not be chosen otherwise
            return min(within, key=lambda pair: pair[0])[1]
        near = self.under(x, y)
        return near[0] if near is not None else None

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Take hold of the outline under the pointer and choose its particle; elsewhere the image moves."""
        held = self.under(x, y)
        if held is None:
            return False
        self._held, self._from, self._shape = held, (x, y), None
        self._select(held[0].id)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Drag the outline that is held; from two screen pixels on, so that a click changes nothing."""
        if self._held is None:
            near = self.under(x, y)
            shape = Qt.CursorShape.SizeAllCursor if near is not None else Qt.CursorShape.ArrowCursor
            if self._canvas.cursor().shape() != shape:
                self._canvas.setCursor(shape)
            return False
        particle, polygon, vertex = self._held
        dx, dy = x - self._from[0], y - self._from[1]
        if self._shape is None and math.hypot(dx, dy) * self._canvas.view.zoom < 2:
            return False
        self._shape = self._dragged(polygon, vertex, dx, dy, event.modifiers())
        self._hide(particle.id)
        return True

    def _dragged(
        self, polygon: Polygon, vertex: int, dx: float, dy: float, keys: Qt.KeyboardModifier
    ) -> Polygon:
        if keys & Qt.KeyboardModifier.ControlModifier:
            return np.asarray(polygon + np.array([dx, dy]))
        around = float(np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T).sum())
        # sigma of a bell along the outline, as part of its length: an eighth on each side is two of 0.06
        part = 0.02 if keys & Qt.KeyboardModifier.ShiftModifier else 0.06
        return particles_shape.soft_drag(polygon, vertex, dx, dy, part * around)

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Hands over a changed outline; without a change nothing becomes a step to undo."""
        held, shape = self._held, self._shape
        self._held = self._shape = None
        self._hide("")
        if held is not None and shape is not None:
            self._corrected(held[0], shape)
        return held is not None

    def key(self, event: QKeyEvent) -> bool:
        """Delete removes what is chosen; Esc drops the drag, else the choice."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return self._delete()
        if event.key() == Qt.Key.Key_Escape:
            if self._held is not None:
                self._held = self._shape = None
                self._hide("")
            else:
                self._select("")
            return True
        return False

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """The outline while it is dragged, and dotted where it was before."""
        if self._held is None or self._shape is None:
            return
        particle, before, vertex = self._held
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 120), 1, Qt.PenStyle.DotLine))
        painter.drawPolygon(to_qt(*on_screen(canvas, before)))
        line = to_qt(*on_screen(canvas, self._shape))
        painter.setPen(QPen(QColor(0, 0, 0, 110), 4))
        painter.drawPolygon(line)
        painter.setPen(QPen(QColor(particle.colour), 2.4))
        painter.drawPolygon(line)
        handle = _at(canvas, self._shape, vertex)
        painter.setBrush(QColor(particle.colour))
        painter.setPen(QPen(QColor("white"), 1.4))
        painter.drawEllipse(handle, 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)


def _at(canvas: ImageCanvas, shape: Polygon, vertex: int) -> QPointF:
    return canvas.to_screen(float(shape[vertex, 0]), float(shape[vertex, 1]))


def _size(shape: NDArray[np.float64]) -> float:
    return float(np.prod(np.ptp(shape, axis=0)))
