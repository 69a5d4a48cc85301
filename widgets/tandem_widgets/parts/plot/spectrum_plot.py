"""A plot of spectra or profiles: curves, labels, and windows that are dragged by their edges or bodies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from tandem_em.core.texts import decimals_for, padded, tick_text, ticks
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.polyline import polygon, runs

GRAB_PX = 5
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 8, 32


@dataclass
class Curve:
    """A line; `error` draws a band of ± that size."""

    x: NDArray[Any]
    y: NDArray[Any]
    colour: str
    width: float = 1.2
    dashed: bool = False
    label: str = ""
    error: NDArray[Any] | None = None
    scales: bool = True
    """Whether it counts when the y axis is fitted."""


@dataclass(frozen=True)
class Band:
    """A window of energy: where a background is fitted, or a signal counted."""

    key: str
    kind: Literal["fit", "signal"]
    low: float
    high: float
    colour: str
    label: str = ""
    selected: bool = False


@dataclass(frozen=True)
class _Grip:
    band: Band
    part: Literal["low", "high", "body"]
    at: float


@dataclass
class Mark:
    """A vertical line with a text at the bottom: a layer boundary."""

    x: float
    text: str = ""
    until: float | None = None
    """Where the layer ends: its name then stands in its middle."""


@dataclass
class Content:
    """Everything the plot shows; replaced as a whole."""

    curves: list[Curve] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    x_label: str = ""
    title: str = ""
    x_range: tuple[float, float] | None = None
    zero_based: bool = False
    y_unit: str = ""
    legend_right: bool = False
    """Labels of curves stand in a margin of their own, so that no curve runs through them."""
    title_right: bool = False
    legend_at_ends: bool = False
    """With `legend_right`: each label stands beside the end of its curve."""
    title_above: bool = False
    """The title gets a row of its own above the curves."""


class SpectrumPlot(QWidget):
    """Shows a Content. Wheel zooms x about the pointer, dragging empty space pans, double click fits."""

    band_dragged = pyqtSignal(str, str, float, float)
    """key, kind, low, high: while the finger moves."""
    band_released = pyqtSignal()
    band_clicked = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumHeight(90)
        self.content = Content()
        self.painted = 0
        self._axes: tuple[Any, QPixmap] | None = None
        self._x_range: tuple[float, float] | None = None
        self._grip: _Grip | None = None
        self._pan: float | None = None

    def show_content(self, content: Content) -> None:
        """Show other curves and windows; the zoom stays unless the content has another range."""
        if self.content.x_range != content.x_range:
            self._x_range = None
        self.content = content
        self.update()

    # --- ranges --------------------------------------------------------------------------------------------------

    @property
    def x_range(self) -> tuple[float, float]:
        """Lowest and highest x in view: zoomed, as the content says, or all of the curves."""
        if self._x_range is not None:
            return self._x_range
        if self.content.x_range is not None:
            return self.content.x_range
        ends = [(float(c.x[0]), float(c.x[-1])) for c in self.content.curves if len(c.x) > 1]
        return (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.0, 1.0)

    def _y_range(self) -> tuple[float, float]:
        low, high = self.x_range
        lows, highs = [], []
        for curve in self.content.curves:
            if not curve.scales:
                continue
            seen = curve.y[(curve.x >= low) & (curve.x <= high)]
            seen = seen[np.isfinite(seen)]
            if len(seen):
                lows.append(float(seen.min()))
                highs.append(float(seen.max()))
        if not lows:
            return 0.0, 1.0
        bottom, top = padded(min(lows), max(highs))
        return (min(0.0, bottom), top) if self.content.zero_based else (bottom, top)

    def _area(self) -> QRectF:
        right = RIGHT + (self._legend_px() if self.content.legend_right else 0)
        top = TOP + (12 if self.content.title_above else 0)
        return QRectF(LEFT, top, max(10, self.width() - LEFT - right), max(10, self.height() - top - BOTTOM))

    def _legend_px(self) -> int:
        metrics = QFontMetrics(theme.numbers_font(11))
        widest = max((metrics.horizontalAdvance(c.label) for c in self.content.curves), default=0)
        # long names are cut rather than the plot
        return min(widest + 8, self.width() // 4)

    def x_to_px(self, x: Any) -> Any:
        """Widget pixels of x values, one or many."""
        area, (low, high) = self._area(), self.x_range
        return area.left() + (x - low) / (high - low) * area.width()

    def _px_to_x(self, px: float) -> float:
        area, (low, high) = self._area(), self.x_range
        return low + (px - area.left()) / area.width() * (high - low)

    # --- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Axes from their picture, windows and marks below the curves, labels on top."""
        self.painted += 1
        painter = QPainter(self)
        area = self._area()
        y_range = self._y_range()
        painter.drawPixmap(0, 0, self._axes_layer(area, y_range))
        painter.save()
        painter.setClipRect(area)
        self._paint_bands(painter, area)
        self._paint_marks(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for curve in self.content.curves:
            self._paint_curve(painter, area, y_range, curve)
        painter.restore()
        self._paint_labels(painter, area)

    def _axes_layer(self, area: QRectF, y_range: tuple[float, float]) -> QPixmap:
        """Ground, axes and ticks: painted anew only when something about them changed, not for every drag."""
        ratio = self.devicePixelRatioF()
        look = theme.active()
        key = (
            self.width(),
            self.height(),
            ratio,
            self.x_range,
            y_range,
            area.getRect(),
            look,
            self.content.x_label,
        )
        if self._axes is None or self._axes[0] != key:
            layer = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            layer.setDevicePixelRatio(ratio)
            layer.fill(QColor(look.plot))
            painter = QPainter(layer)
            self._paint_axes(painter, area, y_range)
            painter.end()
            self._axes = key, layer
        return self._axes[1]

    def _paint_axes(self, painter: QPainter, area: QRectF, y_range: tuple[float, float]) -> None:
        look = theme.active()
        painter.setFont(theme.numbers_font(11))
        low, high = self.x_range
        places = ticks(low, high, max(2, int(area.width() / 70)))
        decimals = decimals_for(places)
        painter.setPen(QColor(look.line))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for place in places:
            x = float(self.x_to_px(place))
            painter.setPen(QColor(look.line))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 3))
            painter.setPen(QColor(look.quiet))
            painter.drawText(
                QRectF(x - 30, area.bottom() + 3, 60, 14),
                Qt.AlignmentFlag.AlignCenter,
                tick_text(place, decimals),
            )
        y_places = ticks(*y_range, max(2, int(area.height() / 34)))
        y_decimals = decimals_for(y_places)
        for place in y_places:
            y = area.bottom() - (place - y_range[0]) / (y_range[1] - y_range[0]) * area.height()
            painter.setPen(theme.colour(look.line, 0.6))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(look.quiet))
            painter.drawText(
                QRectF(0, y - 8, LEFT - 6, 16),
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                short_number(place, y_decimals),
            )
        painter.setPen(QColor(look.quiet))
        painter.drawText(
            QRectF(area.left(), area.bottom() + 16, area.width(), 15),
            Qt.AlignmentFlag.AlignCenter,
            self.content.x_label,
        )

    def _paint_bands(self, painter: QPainter, area: QRectF) -> None:
        for band in self.content.bands:
            left, right = float(self.x_to_px(band.low)), float(self.x_to_px(band.high))
            strength = (0.16, 0.45) if band.selected else (0.09, 0.3)
            alpha = strength[1] if band.kind == "signal" else strength[0]
            place = QRectF(left, area.top(), right - left, area.height())
            painter.fillRect(place, theme.colour(band.colour, alpha))
            if band.selected:
                painter.setPen(QPen(theme.colour(band.colour, 0.8), 1))
                painter.drawLine(place.topLeft(), place.bottomLeft())
                painter.drawLine(place.topRight(), place.bottomRight())

    def _paint_marks(self, painter: QPainter, area: QRectF) -> None:
        look = theme.active()
        painter.setFont(theme.numbers_font(11))
        for mark in self.content.marks:
            x = float(self.x_to_px(mark.x))
            painter.setPen(QColor(look.line))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setPen(QColor(look.quiet))
            if mark.until is None:
                painter.drawText(QPointF(x + 4, area.bottom() - 4), mark.text)
                continue
            room = float(self.x_to_px(mark.until)) - x - 4
            text = painter.fontMetrics().elidedText(mark.text, Qt.TextElideMode.ElideRight, int(room))
            place = QRectF(x + 2, area.bottom() - 17, room, 16)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text if len(text) > 1 else "")

    def _paint_curve(
        self, painter: QPainter, area: QRectF, y_range: tuple[float, float], curve: Curve
    ) -> None:
        if len(curve.x) < 2:
            return
        low, high = self.x_range
        # one more on either side: the line goes on to the edges of the plot
        first = max(0, int(np.searchsorted(curve.x, low)) - 1)
        last = min(len(curve.x), int(np.searchsorted(curve.x, high)) + 2)
        xs = np.asarray(self.x_to_px(curve.x[first:last]), np.float64)
        scale = area.height() / (y_range[1] - y_range[0])
        ys = area.bottom() - (curve.y[first:last] - y_range[0]) * scale
        good = np.isfinite(ys)
        if curve.error is not None:
            # an unknown error is no band there, not a hole in all of it
            band = np.nan_to_num(curve.error[first:last]) * scale
            around = np.concatenate([ys[good] - band[good], (ys[good] + band[good])[::-1]])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(curve.colour, 0.18))
            painter.drawPolygon(polygon(np.concatenate([xs[good], xs[good][::-1]]), around))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        style = Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(theme.ink(curve.colour)), curve.width, style))
        for piece in runs(good):
            line: QPolygonF = polygon(xs[piece], ys[piece])
            painter.drawPolyline(line)

    def _paint_band_labels(self, painter: QPainter, area: QRectF, limit: float) -> None:
        """Above the middle of each band, but left of the title."""
        for band in self.content.bands:
            x = float(self.x_to_px((band.low + band.high) / 2))
            if not band.label or not area.left() <= x <= area.right():
                continue
            width = painter.fontMetrics().horizontalAdvance(band.label)
            painter.setPen(QColor(theme.ink(band.colour)))
            painter.drawText(QPointF(min(x - width / 2, limit - width), area.top() + 11), band.label)

    def _paint_labels(self, painter: QPainter, area: QRectF) -> None:
        look = theme.active()
        painter.setFont(theme.numbers_font(11, bold=True))
        title, metrics = self.content.title, painter.fontMetrics()
        x = area.left() + 4
        if self.content.title_right:
            x = area.right() - metrics.horizontalAdvance(title) - 4
        self._paint_band_labels(painter, area, x - 6 if title and self.content.title_right else area.right())
        painter.setPen(QColor(look.text))
        painter.drawText(QPointF(x, area.top() + (-5 if self.content.title_above else 11)), title)
        painter.setFont(theme.numbers_font(11))
        room = self.width() - int(area.right()) - 8 if self.content.legend_right else self.width() // 3
        y = area.top() + (25 if self.content.title_right and title else 11)
        for curve in self.content.curves:
            if curve.label:
                painter.setPen(QColor(theme.ink(curve.colour)))
                label = painter.fontMetrics().elidedText(curve.label, Qt.TextElideMode.ElideRight, room)
                width = painter.fontMetrics().horizontalAdvance(label)
                x = area.right() + 6 if self.content.legend_right else area.right() - width - 4
                beside = self._end_of(curve, area) if self.content.legend_at_ends else None
                painter.drawText(QPointF(x, y if beside is None else beside + 4), label)
                y += 14

    def _end_of(self, curve: Curve, area: QRectF) -> float | None:
        """Where a curve leaves the plot on the right, in widget pixels."""
        inside = np.flatnonzero((curve.x <= self.x_range[1]) & np.isfinite(curve.y))
        if not len(inside):
            return None
        low, high = self._y_range()
        place = area.bottom() - (float(curve.y[inside[-1]]) - low) / (high - low) * area.height()
        return min(max(place, area.top()), area.bottom())

    # --- gestures ------------------------------------------------------------------------------------------------

    def _grip_at(self, px: float) -> _Grip | None:
        """What is under the pointer: an edge of a band before its body, signal windows before fit windows."""
        bands = sorted(self.content.bands, key=lambda b: (not b.selected, b.kind != "signal"))
        x = self._px_to_x(px)
        for band in bands:
            if abs(px - float(self.x_to_px(band.low))) <= GRAB_PX:
                return _Grip(band, "low", x)
            if abs(px - float(self.x_to_px(band.high))) <= GRAB_PX:
                return _Grip(band, "high", x)
        for band in bands:
            if band.low <= x <= band.high:
                return _Grip(band, "body", x)
        return None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of a window, or of the x axis."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._grip = self._grip_at(event.position().x())
        if self._grip is not None:
            self.band_clicked.emit(self._grip.band.key)
        else:
            self._pan = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the window or the axis; else the pointer's shape says what a press would do."""
        if event is None:
            return
        px = event.position().x()
        if self._grip is not None:
            self._drag(self._px_to_x(px))
        elif self._pan is not None:
            low, high = self.x_range
            step = (self._pan - px) / self._area().width() * (high - low)
            self._x_range, self._pan = (low + step, high + step), px
            self.update()
        else:
            grip = self._grip_at(px)
            shapes = {"low": Qt.CursorShape.SizeHorCursor, "high": Qt.CursorShape.SizeHorCursor}
            shape = (
                Qt.CursorShape.ArrowCursor
                if grip is None
                else shapes.get(grip.part, Qt.CursorShape.OpenHandCursor)
            )
            self.setCursor(shape)

    def _drag(self, x: float) -> None:
        assert self._grip is not None
        band, part = self._grip.band, self._grip.part
        low, high = band.low, band.high
        # a window keeps a width: else its edges could not be told apart any more
        least = (self.x_range[1] - self.x_range[0]) / 1000
        if part == "low":
            low = min(x, high - least)
        elif part == "high":
            high = max(x, low + least)
        else:
            low, high = low + x - self._grip.at, high + x - self._grip.at
        self.band_dragged.emit(band.key, band.kind, low, high)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go; a window that was held is told."""
        if self._grip is not None:
            self._grip = None
            self.band_released.emit()
        self._pan = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Back to the whole range."""
        self._x_range = None
        self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom x about the pointer; y follows what is in view."""
        if event is None:
            return
        low, high = self.x_range
        x = self._px_to_x(event.position().x())
        # a notch of the wheel is 120: a sixth less
        factor = 0.9985 ** event.angleDelta().y()
        self._x_range = (x + (low - x) * factor, x + (high - x) * factor)
        self.update()
        event.accept()


def short_number(value: float, decimals: int) -> str:
    """12000 as 12k: there is little room beside an axis."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if sign == 'k' else limit):g}{sign}".replace("-", "−")
    if decimals > 4:
        return f"{value:.0e}".replace("e-0", "e−").replace("-", "−") if value else "0"
    return tick_text(value, decimals)
