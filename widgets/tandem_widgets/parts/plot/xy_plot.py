"""A small x–y plot of our own: lines and points over round axes, one readout, wheel zoom, drag, double-click fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QContextMenuEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QMenu, QSizePolicy, QWidget

from tandem_em.core import texts
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.axes import Axis, AxisScale, PlotFonts, paint_axes, paint_legend
from tandem_widgets.parts.plot.copy import copy_picture, copy_text, table_text
from tandem_widgets.parts.plot.polyline import draw_thin, polygon

Align = Qt.AlignmentFlag
LEFT, RIGHT, TOP, BOTTOM = 66.0, 18.0, 8.0, 38.0
NEAR_PX = 24.0


@dataclass(eq=False)
class PlotLine:
    """One line: x, y and, where the plot is linked to the cursor, the session second of each point."""

    key: str
    label: str
    colour: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    t: NDArray[np.float64] | None = None
    alpha: float = 1.0
    points: bool = False
    error: NDArray[np.float64] | None = None
    in_legend: bool = True


class XYPlot(QWidget):
    """Shows lines; `picked` carries key and point number of a clicked point."""

    picked = pyqtSignal(str, int)

    def __init__(self, hint: str = "") -> None:
        super().__init__()
        self.setAccessibleName("Plot")
        # every pixel is painted: Qt need not clear it first
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 80)
        self.setToolTip(
            "Wheel zooms (over an axis: that axis only), drag pans, double-click fits, click moves the cursor there."
        )
        self.lines: list[PlotLine] = []
        self.hint = hint
        self.marks: list[tuple[float, float, str]] = []
        """Dots on top (x, y, colour): where the cursor is."""
        self.across, self.up = Axis(""), Axis("")
        self._view: tuple[float, float, float, float] | None = None
        self._still: QPixmap | None = None
        self._fonts: PlotFonts | None = None
        self._scales: tuple[AxisScale, AxisScale] | None = None
        self._drag: QPointF | None = None
        self._moved = False
        self._near: tuple[PlotLine, int] | None = None

    def sizeHint(self) -> QSize:
        """The size it has where the layout leaves it a choice."""
        return QSize(600, 260)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_lines(
        self, lines: Sequence[PlotLine], across: Axis, up: Axis, *, keep_view: bool = False
    ) -> None:
        """Show other lines; `keep_view` keeps the zoom while the axes mean the same."""
        same_axes = (across, up) == (self.across, self.up)
        self.lines, self.across, self.up = list(lines), across, up
        # a zoom into other quantities would show nothing
        if not (keep_view and same_axes):
            self._view = None
        self._near = None
        self.invalidate()

    def show_marks(self, marks: list[tuple[float, float, str]]) -> None:
        """Move the dots (x, y, colour) without painting the lines again."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def reading(self, x: float, y: float) -> str:
        """A point in words, in the units of the axes."""
        self._still_picture()  # the scales of what is shown now
        assert self._scales is not None
        return "  ".join(part for part in (self._scales[0].reading(x), self._scales[1].reading(y)) if part)

    def fit(self) -> None:
        """Show all of the lines."""
        self._view = None
        self.invalidate()

    def invalidate(self) -> None:
        """Paint the lines anew at the next turn."""
        self._still = None
        self.update()

    def limits(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the view, in base units."""
        if self._view is not None:
            return self._view
        lefts, rights = _ends([line.x for line in self.lines])
        lows, highs = _ends([line.y for line in self.lines])
        return *texts.padded(lefts, rights, 0.02), *texts.padded(lows, highs, unit=self.up.unit)

    # --- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """The kept picture, then the dots and the readout."""
        still = self._still_picture()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, still)
        self._paint_marks(painter)
        painter.end()

    def _still_picture(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        if self._still is not None and self._still.size() == size:
            return self._still
        fonts = self._fonts = self._fonts or PlotFonts()
        left, right, low, high = self.limits()
        area = QRectF(LEFT, TOP, max(self.width() - LEFT - RIGHT, 10), max(self.height() - TOP - BOTTOM, 10))
        across = AxisScale(self.across, left, right, area.left(), area.right())
        up = AxisScale(self.up, low, high, area.bottom(), area.top())
        self._scales = across, up
        picture = QPixmap(size)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme.colour(theme.active().plot))
        painter = QPainter(picture)
        if self.lines:
            paint_axes(painter, area, across, up, fonts)
            painter.setClipRect(area.adjusted(-1, -1, 1, 1))
            for line in self.lines:
                self._paint_line(painter, line, across, up, ratio)
            names = [(line.label, line.colour) for line in self.lines if line.in_legend and line.label]
            points = [np.column_stack([across.pixels(line.x), up.pixels(line.y)]) for line in self.lines]
            paint_legend(painter, area, names, np.concatenate(points), fonts)
        else:
            painter.setFont(fonts.hint)
            painter.setPen(theme.colour(theme.active().quiet))
            painter.drawText(QRectF(self.rect()), Align.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
        painter.end()
        self._still = picture
        return picture

    def _paint_line(
        self, painter: QPainter, line: PlotLine, across: AxisScale, up: AxisScale, ratio: float
    ) -> None:
        xs, ys = across.pixels(line.x), up.pixels(line.y)
        good = np.isfinite(xs) & np.isfinite(ys)
        if line.error is not None and good.any():
            wide = np.abs(up.pixels(line.y + line.error) - ys)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(line.colour, 0.16))
            x, y, e = xs[good], ys[good], wide[good]
            painter.drawPolygon(polygon(np.concatenate([x, x[::-1]]), np.concatenate([y - e, (y + e)[::-1]])))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if line.points:
            _paint_points(painter, xs[good], ys[good], line)
            return
        # missing points interrupt the line; they are not bridged
        breaks = np.flatnonzero(good[1:] & ~good[:-1]) + 1
        number: NDArray[np.intp] = np.cumsum(good) - good
        pen = QPen(theme.colour(theme.ink(line.colour), line.alpha))
        pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
        cuts = number[breaks]
        draw_thin(painter, pen, xs[good], ys[good], cuts[(cuts > 0) & (cuts < int(good.sum()))], ratio)

    def _paint_marks(self, painter: QPainter) -> None:
        if self._scales is None or not self.lines:
            return
        across, up = self._scales
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        for x, y, colour in self.marks:
            at = QPointF(across.pixel(x), up.pixel(y))
            painter.setPen(QPen(theme.colour(theme.active().cursor), 1.0))
            painter.setBrush(theme.colour(colour))
            painter.drawEllipse(at, 4.0, 4.0)
        if self._near is not None:
            self._paint_readout(painter, *self._near)

    def _paint_readout(self, painter: QPainter, line: PlotLine, index: int) -> None:
        assert self._scales is not None
        across, up = self._scales
        x, y = float(line.x[index]), float(line.y[index])
        at = QPointF(across.pixel(x), up.pixel(y))
        painter.setPen(QPen(theme.colour(line.colour), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(at, 4.5, 4.5)
        fonts = self._fonts or PlotFonts()
        text = f"{line.label}  {self.reading(x, y)}".strip()
        width = fonts.metrics.horizontalAdvance(text) + 14
        left = min(max(at.x() + 10, LEFT + 2), self.width() - width - 4)
        top = at.y() - 26 if at.y() > 34 else at.y() + 10
        box = QRectF(left, top, width, 18)
        painter.setPen(QPen(theme.colour(theme.active().line), 1.0))
        painter.setBrush(theme.colour(theme.active().raised, 0.95))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(fonts.tick)
        painter.setPen(theme.colour(theme.active().text))
        painter.drawText(box, Align.AlignCenter, text)

    # --- gestures ------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom about the pointer; over an axis that axis only."""
        if event is None or self._scales is None:
            return
        # a notch of the wheel is 120: a sixth less
        factor = 1.0015 ** -event.angleDelta().y()
        at = event.position()
        across, up = self._scales
        left, right, low, high = self.limits()
        x, y = across.value(at.x()), up.value(at.y())
        if at.x() > LEFT:
            left, right = x + (left - x) * factor, x + (right - x) * factor
        if at.y() < self.height() - BOTTOM:
            low, high = y + (low - y) * factor, y + (high - y) * factor
        self._set_view(left, right, low, high)
        event.accept()

    def _set_view(self, left: float, right: float, low: float, high: float) -> None:
        # zooming far enough ends in equal or infinite limits
        if right > left and high > low and all(map(math.isfinite, (left, right, low, high))):
            self._view = left, right, low, high
            self.invalidate()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """The start of a drag or a click."""
        if event is not None:
            self._drag, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Pan while a button is down; else show the nearest point."""
        if event is None or self._scales is None:
            return
        if self._drag is not None and event.buttons():
            delta = event.position() - self._drag
            # less is a click of an unsteady hand
            if self._moved or delta.manhattanLength() > 4:
                self._moved = True
                self._drag = event.position()
                across, up = self._scales
                left, right, low, high = self.limits()
                dx, dy = delta.x() / across.per_unit, delta.y() / up.per_unit
                self._set_view(left - dx, right - dx, low - dy, high - dy)
            return
        near = self._nearest(event.position())
        if near != self._near:
            self._near = near
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """A press that did not move picks the nearest point."""
        if event is not None and not self._moved and event.button() == Qt.MouseButton.LeftButton:
            near = self._nearest(event.position())
            if near is not None:
                self.picked.emit(near[0].key, near[1])
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show all of the lines."""
        self.fit()

    def leaveEvent(self, event: QEvent | None) -> None:
        """The readout goes."""
        if self._near is not None:
            self._near = None
            self.update()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Copies of picture and numbers."""
        if event is None or not self.lines:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy as image", lambda: copy_picture(self, self.as_text()))
        menu.addAction("Copy data as a table", lambda: copy_text(self.as_text()))
        menu.addAction("Show all", self.fit)
        menu.popup(event.globalPos())

    def as_text(self) -> str:
        """All lines as pairs of columns in base units."""
        headings, columns = [], []
        for line in self.lines:
            for axis, values in ((self.across, line.x), (self.up, line.y)):
                headings.append(
                    f"{line.label} {axis.title} ({axis.unit})" if axis.unit else f"{line.label} {axis.title}"
                )
                columns.append(values)
        return table_text(headings, columns)

    def _nearest(self, at: QPointF) -> tuple[PlotLine, int] | None:
        if self._scales is None:
            return None
        across, up = self._scales
        best: tuple[float, PlotLine, int] | None = None
        for line in self.lines:
            if not len(line.x):
                continue
            far = (across.pixels(line.x) - at.x()) ** 2 + (up.pixels(line.y) - at.y()) ** 2
            # nanargmin raises then
            if np.isnan(far).all():
                continue
            index = int(np.nanargmin(far))
            if best is None or far[index] < best[0]:
                best = float(far[index]), line, index
        return (best[1], best[2]) if best is not None and best[0] < NEAR_PX**2 else None

    def changeEvent(self, event: QEvent | None) -> None:
        """Another theme: fonts and picture are made anew."""
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._fonts = None
            self.invalidate()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """The picture has another size now."""
        self.invalidate()


def _ends(parts: list[NDArray[Any]]) -> tuple[float, float]:
    lows = [float(np.nanmin(part)) for part in parts if len(part) and np.isfinite(part).any()]
    highs = [float(np.nanmax(part)) for part in parts if len(part) and np.isfinite(part).any()]
    return (min(lows), max(highs)) if lows else (0.0, 1.0)


def _paint_points(painter: QPainter, xs: NDArray[Any], ys: NDArray[Any], line: PlotLine) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(line.colour, line.alpha))
    for x, y in zip(xs.tolist(), ys.tolist()):
        painter.drawEllipse(QPointF(x, y), 3.0, 3.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
