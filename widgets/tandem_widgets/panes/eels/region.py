"""A region of a map drawn by dragging on any picture: its mean spectrum follows the hand."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPen

from tandem_widgets.panes.eels.scene import EelsScene, Region
from tandem_widgets.panes.eels.sites import ToMap
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import BaseTool


class RegionTool(BaseTool):
    """Active while no other tool is. A drag draws the region; a click takes it away; zoomed in, Shift+drag draws it."""

    hint = "Drag: spectrum of a region · Click: back to the whole map"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self, scene: EelsScene, canvas: ImageCanvas, to_map: ToMap) -> None:
        super().__init__(lambda: scene.draw_region(None))
        self._scene, self._canvas, self._to_map = scene, canvas, to_map
        self._start: tuple[float, float] | None = None
        self._moved = False

    @property
    def _shape(self) -> tuple[int, int] | None:
        """Height and width of the map."""
        return self._scene.image.shape[:2] if self._scene.image is not None else None

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Begins a region; zoomed in and without Shift the press is left to moving the view."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if self._shape is None or not (shift or self._canvas.is_fitted):
            return False
        self._start, self._moved = self._to_map(self._canvas, x, y), False
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Draws the region up to here while the button is held."""
        shape = self._shape
        if self._start is None or shape is None:
            return False
        self._moved = True
        region = Region.between(self._start, self._to_map(self._canvas, x, y), shape)
        self._scene.draw_region(region, moving=True)
        return True

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Ends the region; a click without a move takes it away."""
        shape, start = self._shape, self._start
        self._start = None
        if start is None or shape is None:
            return False
        region = Region.between(start, self._to_map(self._canvas, x, y), shape) if self._moved else None
        self._scene.draw_region(region)
        return True


def paint_region(painter: QPainter, place: QRectF) -> None:
    """A thin white frame with a dark rim: seen on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
    painter.drawRect(place)
    painter.setPen(QPen(QColor(255, 255, 255, 230), 1.2))
    painter.drawRect(place)
