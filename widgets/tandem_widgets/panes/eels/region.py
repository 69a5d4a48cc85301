"""A region of a map drawn by dragging on any picture: its mean spectrum follows the hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPen

from tandem_widgets.panes.eels.sites import ToMap
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import BaseTool


@dataclass(frozen=True)
class Region:
    """A rectangle of whole pixels of a map; x1 and y1 are the last ones inside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def between(cls, one: tuple[float, float], other: tuple[float, float], shape: tuple[int, int]) -> Region:
        """The pixels from one place to another, held inside the map (height, width)."""
        (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(one, other))
        inside = [
            min(max(round(value), 0), size - 1)
            for value, size in ((x0, shape[1]), (y0, shape[0]), (x1, shape[1]), (y1, shape[0]))
        ]
        return cls(*inside)

    @property
    def text(self) -> str:
        return f"region {self.x1 - self.x0 + 1} × {self.y1 - self.y0 + 1} px"


class RegionTool(BaseTool):
    """In hand when nothing else is. A drag draws the region; a click takes it away; zoomed in, Shift+drag draws it."""

    hint = "Drag: spectrum of a region · click: whole map again"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(
        self,
        canvas: ImageCanvas,
        to_map: ToMap,
        shape: Callable[[], tuple[int, int] | None],
        changed: Callable[[Region | None, bool], None],
    ) -> None:
        super().__init__(lambda: changed(None, False))
        self._canvas, self._to_map, self._shape, self._changed = canvas, to_map, shape, changed
        self._start: tuple[float, float] | None = None
        self._moved = False

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._shape() is None or not (shift or self._canvas.is_fitted):
            return False
        self._start, self._moved = self._to_map(self._canvas, x, y), False
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        shape = self._shape()
        if self._start is None or shape is None:
            return False
        self._moved = True
        self._changed(Region.between(self._start, self._to_map(self._canvas, x, y), shape), True)
        return True

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        shape, start = self._shape(), self._start
        self._start = None
        if start is None or shape is None:
            return False
        region = Region.between(start, self._to_map(self._canvas, x, y), shape) if self._moved else None
        self._changed(region, False)
        return True


def paint_region(painter: QPainter, place: QRectF) -> None:
    """A thin white frame with a dark rim: seen on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
    painter.drawRect(place)
    painter.setPen(QPen(QColor(255, 255, 255, 230), 1.2))
    painter.drawRect(place)
