"""A histogram of a map with two limits that are dragged; double click goes back to automatic ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.polyline import polygon

BINS = 128
GRAB_PX = 7.0
SAMPLED = 65536


class Histogram(QWidget):
    """Shows how often each value occurs, and between which limits it is drawn."""

    dragged = pyqtSignal(float, float)
    """low, high: while the hand moves."""
    reset = pyqtSignal()

    def __init__(self, colour: str) -> None:
        super().__init__()
        self.colour = colour
        self.limits = (0.0, 1.0)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Drag the limits · Double-click: automatic")
        self._heights: NDArray[np.float64] = np.zeros(0)
        self._range = (0.0, 1.0)
        self._held: int | None = None

    def sizeHint(self) -> QSize:
        """Wide and low; only its width grows with the room."""
        return QSize(260, 58)

    def show_values(self, image: NDArray[Any], limits: tuple[float, float]) -> None:
        """The values of a map and the limits in use."""
        values = image.ravel()[:: max(1, image.size // SAMPLED)]
        values = values[np.isfinite(values)]
        self.limits = limits
        if values.size:
            # a few hot pixels would squeeze everything else into one bin
            low, high = (float(each) for each in np.percentile(values, [0.05, 99.95]))
            # limits beyond the data are to be seen and dragged as well
            low, high = min(low, limits[0]), max(high, limits[1])
            # `or`: a map of one value
            room = 0.04 * (high - low) or 1.0
            self._range = (low - room, high + room)
            counts, _ = np.histogram(values, BINS, self._range)
            self._heights = np.sqrt(
                counts / max(1, counts.max())
            )  # small heaps stay visible beside large ones
        else:
            self._heights = np.zeros(0)
        self.update()

    def show_limits(self, limits: tuple[float, float]) -> None:
        """Move the two lines without counting the values again."""
        self.limits = limits
        self.update()

    # --- painting ------------------------------------------------------------------------------------------------

    def _area(self) -> QRectF:
        return QRectF(6, 4, max(10, self.width() - 12), max(10, self.height() - 8))

    def _to_px(self, value: float) -> float:
        area, (low, high) = self._area(), self._range
        return area.left() + (value - low) / (high - low) * area.width()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Heights in the channel's colour; what lies outside the limits is in the shade."""
        look, area, painter = theme.active(), self._area(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(area, QColor(look.plot))
        if len(self._heights):
            x = area.left() + np.linspace(0, area.width(), BINS)
            y = area.bottom() - self._heights * (area.height() - 2)
            outline = polygon(np.r_[x, x[-1], x[0]], np.r_[y, area.bottom(), area.bottom()])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(self.colour, 0.55))
            painter.drawPolygon(outline)
        low, high = (min(max(self._to_px(each), area.left()), area.right()) for each in self.limits)
        shade = theme.colour(look.pane, 0.7)
        painter.fillRect(QRectF(area.left(), area.top(), low - area.left(), area.height()), shade)
        painter.fillRect(QRectF(high, area.top(), area.right() - high, area.height()), shade)
        painter.setPen(QPen(QColor(look.text), 1.6))
        for place in (low, high):
            painter.drawLine(QPointF(place, area.top()), QPointF(place, area.bottom()))
            painter.setBrush(QColor(look.text))
            painter.drawEllipse(QPointF(place, area.top() + 3), 3, 3)

    # --- gestures ------------------------------------------------------------------------------------------------

    def _grip(self, px: float) -> int | None:
        apart = [abs(px - self._to_px(each)) for each in self.limits]
        nearest = 0 if apart[0] < apart[1] else 1
        return nearest if apart[nearest] <= GRAB_PX else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of a limit near the pointer."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = self._grip(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the limit that is held; else the pointer's shape says whether there is one."""
        if event is None:
            return
        px = event.position().x()
        if self._held is None:
            near = self._grip(px) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
            return
        area, (low, high) = self._area(), self._range
        value = low + (px - area.left()) / area.width() * (high - low)
        # the limits may come close but not meet or cross
        least = (high - low) / 500
        first, last = self.limits
        self.limits = (
            (min(value, last - least), last) if self._held == 0 else (first, max(value, first + least))
        )
        self.dragged.emit(*self.limits)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of the limit."""
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to automatic limits."""
        self._held = None
        self.reset.emit()
