"""An x–y plot with a stretch of its x axis to be chosen: two bounds that are dragged, and what lies outside in the shade."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.xy_plot import BOTTOM, LEFT, RIGHT, TOP, XYPlot

GRAB_PX = 7.0


class IntervalPlot(XYPlot):
    """`interval_moved` while a bound is dragged, `interval_chosen` when it is let go; both carry the two x values."""

    interval_moved = pyqtSignal(float, float)
    interval_chosen = pyqtSignal(float, float)

    def __init__(self, hint: str = "") -> None:
        super().__init__(hint)
        self.setToolTip(
            "Drag the two bounds to choose the fit range. Wheel zooms, drag pans, double-click fits."
        )
        self.interval = (0.0, 0.0)
        self._held: int | None = None

    def show_interval(self, low: float, high: float) -> None:
        """Put the bounds at two x values; none are drawn while low is not below high."""
        if (low, high) != self.interval:
            self.interval = low, high
            self.update()

    def bound_at(self, place: QPointF) -> int | None:
        """Which bound (0 or 1) is under the pointer."""
        if self._scales is None or self.interval[0] >= self.interval[1]:
            return None
        far = [abs(self._scales[0].pixel(bound) - place.x()) for bound in self.interval]
        near = 0 if far[0] <= far[1] else 1
        return near if far[near] <= GRAB_PX else None

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The plot, then shade and bounds over it."""
        super().paintEvent(event)
        if self._scales is None or not self.lines or self.interval[0] >= self.interval[1]:
            return
        room = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        low, high = (
            min(max(self._scales[0].pixel(bound), room.left()), room.right()) for bound in self.interval
        )
        painter = QPainter(self)
        shade = theme.colour(theme.active().plot, 0.62)
        painter.fillRect(QRectF(room.left(), room.top(), low - room.left(), room.height()), shade)
        painter.fillRect(QRectF(high, room.top(), room.right() - high, room.height()), shade)
        painter.setPen(QPen(theme.colour(theme.active().accent), 1.6))
        painter.setBrush(theme.colour(theme.active().accent))
        for x in (low, high):
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
            painter.drawRoundedRect(QRectF(x - 3, room.center().y() - 11, 6, 22), 3, 3)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of a bound; elsewhere the plot pans."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = self.bound_at(event.position())
            if self._held is not None:
                return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the bound that is held, up to the other one."""
        if event is None or self._scales is None:
            return
        if self._held is None:
            over = self.bound_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)
            super().mouseMoveEvent(event)
            return
        bounds = list(self.interval)
        bounds[self._held] = self._scales[0].value(event.position().x())
        if bounds[0] < bounds[1]:
            self.show_interval(*bounds)
            self.interval_moved.emit(*self.interval)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """The interval is chosen, or the plot's own gesture ends."""
        if self._held is None:
            super().mouseReleaseEvent(event)
            return
        self._held = None
        self.interval_chosen.emit(*self.interval)
