"""Painting lanes: grids, curves, limits, names, flags, axis, bands. Everything that stands still while the cursor moves."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen, QPolygonF

from tandem_em.core import texts
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve, Trace, trace
from tandem_widgets.parts.lanes.layout import FLAG, GUTTER, NAME_WIDTH, Layout, has_unit_beside
from tandem_widgets.parts.lanes.model import Band, Flag, Lane, LanesContent, Limit
from tandem_widgets.parts.lanes.time_axis import TimeScale, moments
from tandem_widgets.parts.plot.polyline import draw_thin, polygon

Align = Qt.AlignmentFlag


class Fonts:
    """The few fonts of the lanes, made once per theme."""

    def __init__(self) -> None:
        self.name = theme.numbers_font(12, bold=True)
        self.value = theme.numbers_font(12, bold=True)
        self.small = theme.numbers_font(10)
        self.tick = theme.numbers_font(11)
        self.flag = theme.numbers_font(10, bold=True)
        self.row = theme.numbers_font(11)
        self.tick_metrics = QFontMetricsF(self.tick)
        self.tick_drop = self.tick_metrics.capHeight() / 2
        """From the middle of a line of figures down to its base."""
        self.small_metrics = QFontMetricsF(self.small)
        self.flag_metrics = QFontMetricsF(self.flag)
        self.row_metrics = QFontMetricsF(self.row)


class LaneScale:
    """Values up: low..high over a rectangle's height."""

    def __init__(self, low: float, high: float, rect: QRectF) -> None:
        self.low, self.high, self.rect = low, high, rect
        self.per_unit = rect.height() / ((high - low) or 1.0)

    def y(self, value: float) -> float:
        """Widget pixel of a value in the lane's base unit."""
        return self.rect.bottom() - (value - self.low) * self.per_unit

    def value(self, y: float) -> float:
        """The value at a widget pixel, in the lane's base unit."""
        return self.low + (self.rect.bottom() - y) / self.per_unit


def pen(colour: str, width: float = 1.0, alpha: float = 1.0, dashed: bool = False) -> QPen:
    """A pen whose width does not grow with the zoom."""
    made = QPen(theme.colour(colour, alpha), width)
    made.setCosmetic(True)
    made.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    if dashed:
        made.setStyle(Qt.PenStyle.CustomDashLine)
        made.setDashPattern([4.0, 3.0])
    return made


def paint_lane(
    painter: QPainter, lane: Lane, scale: TimeScale, up: LaneScale, fonts: Fonts, ratio: float
) -> None:
    """One lane: grid and tick labels, limits, curves, name and unit."""
    _paint_grid(painter, lane, up, scale, fonts)
    painter.save()
    # a curve along a limit keeps its whole width
    painter.setClipRect(up.rect.adjusted(0, -1, 0, 1))
    for limit in lane.limits:
        if limit.is_within(scale.low, scale.high):
            _paint_limit(painter, limit, scale, up, fonts)
    for curve in lane.curves:
        paint_curve(painter, curve, scale, up, ratio)
    painter.restore()
    _paint_name(painter, lane, up, fonts)


def paint_run_names(
    painter: QPainter, lanes: list[Lane], scale: TimeScale, ups: list[LaneScale], fonts: Fonts
) -> None:
    """Where several runs are in view, their names in their colours, once: at the foot of the first lane that has them.

    A lane that says so has names of its own.
    """
    is_done = False
    for lane, up in zip(lanes, ups):
        wanted = lane.has_names or not (is_done or lane.shows_each)
        seen = [c for c in lane.main_curves if wanted and c.is_within(scale.low, scale.high)]
        if len({curve.label for curve in seen}) < 2 or up.rect.height() < 40:
            continue
        is_done = is_done or not lane.has_names
        painter.setFont(fonts.small)
        x = up.rect.left() + 8
        for curve in seen:
            width = fonts.small_metrics.horizontalAdvance(curve.label)
            if x + width > up.rect.right():
                break
            box = QRectF(x - 3, up.rect.bottom() - 14, width + 6, 13)
            painter.fillRect(box, theme.colour(theme.active().plot, 0.8))
            painter.setPen(
                theme.colour(theme.active().quiet if curve.is_unplaced else theme.ink(curve.colour))
            )
            painter.drawText(box, Align.AlignCenter, curve.label)
            x += width + 14


def _paint_limit(painter: QPainter, limit: Limit, scale: TimeScale, up: LaneScale, fonts: Fonts) -> None:
    y, rect = up.y(limit.value), up.rect
    if not rect.top() <= y <= rect.bottom():
        return
    left = scale.x(max(limit.start, scale.low))
    right = scale.x(min(limit.end, scale.high))
    painter.setPen(pen(limit.colour, 1.0, 0.9, dashed=True))
    painter.drawLine(QLineF(left, y, right, y))
    if limit.label and right - left > 120 and rect.height() > 44:
        painter.setFont(fonts.small)
        painter.setPen(theme.colour(limit.colour))
        above = y - 13 > rect.top()
        box = QRectF(left + 4, y - 13 if above else y + 1, right - left - 8, 12)
        painter.drawText(box, Align.AlignRight | Align.AlignVCenter, limit.label)


def _tick_count(height: float) -> int:
    """Two or three in a low lane, about one per 45 pixels in a high one."""
    return max(2, min(int(height / 18), 2 + int(height / 45)))


def _paint_grid(painter: QPainter, lane: Lane, up: LaneScale, scale: TimeScale, fonts: Fonts) -> None:
    factor, _unit = lane.unit_for(up.low, up.high)
    marks = texts.ticks(up.low * factor, up.high * factor, _tick_count(up.rect.height()))
    decimals = texts.decimals_for(marks)
    active = theme.active()
    painter.setFont(fonts.tick)
    painter.setPen(theme.colour(active.quiet))
    grid = theme.colour(active.line, 0.55)
    left, width = round(scale.left), round(up.rect.width())
    for mark in marks:
        y = up.y(mark / factor)
        if up.rect.top() - 1 <= y <= up.rect.bottom() + 1:
            painter.fillRect(
                left, round(y), width, 1, grid
            )  # thirty times quicker than a line that shines through
            if not lane.note:
                text = texts.tick_text(mark, decimals)
                x = GUTTER - 8 - fonts.tick_metrics.horizontalAdvance(text)
                # never below its lane: the lowest would be cut off by the strip, or touch the next lane's
                painter.drawText(QPointF(x, min(y + fonts.tick_drop, up.rect.bottom())), text)


def _paint_name(painter: QPainter, lane: Lane, up: LaneScale, fonts: Fonts) -> None:
    active = theme.active()
    top = up.rect.top()
    _factor, unit = lane.unit_for(up.low, up.high)
    painter.setFont(fonts.name)
    painter.setPen(theme.colour(active.text))
    painter.drawText(QRectF(10, top - 1, NAME_WIDTH, 15), Align.AlignLeft | Align.AlignVCenter, lane.title)
    under = QRectF(10, top + 14, NAME_WIDTH, 12)
    if has_unit_beside(lane, up.rect.height()):
        taken = painter.fontMetrics().horizontalAdvance(lane.title) + 6
        under = QRectF(10 + taken, top + 1, NAME_WIDTH + 8 - taken, 12)
    painter.setFont(fonts.small)
    painter.setPen(theme.colour(active.quiet))
    painter.drawText(under, Align.AlignLeft | Align.AlignVCenter, unit)
    if lane.note:
        painter.setFont(fonts.row)
        painter.drawText(up.rect.adjusted(8, 0, -8, 0), Align.AlignLeft | Align.AlignVCenter, lane.note)


def paint_curve(painter: QPainter, curve: Curve, scale: TimeScale, up: LaneScale, ratio: float) -> None:
    """One curve, with its error band behind it; pale where only a coarse answer is there yet."""
    line = trace(curve, scale, max(1, round(scale.width * ratio)))
    if not len(line.xs):
        return
    ys = up.rect.bottom() - (line.values - up.low) * up.per_unit
    active = theme.active()
    colour, alpha = (active.faint, 0.9) if curve.is_stale else (theme.ink(curve.colour), 1.0)
    if curve.is_unplaced:
        colour = active.quiet
    if curve.band is not None or curve.error is not None:
        _paint_band(painter, curve, scale, up, line, colour)
    # pale: a spike may be missing until the levels are built
    strong = 0.55 if line.is_coarse else alpha
    draw_thin(painter, pen(colour, 1.0, strong), line.xs, ys, line.breaks, ratio)


def _paint_band(
    painter: QPainter, curve: Curve, scale: TimeScale, up: LaneScale, line: Trace, colour: str
) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(colour, 0.18))
    if curve.band is not None:
        lower, upper = (trace(curve.limit(side), scale, round(scale.width)) for side in (0, 1))
        # NaN in one edge only: no polygon would be right
        if len(lower.xs) == len(upper.xs):
            _fill_between(painter, lower, upper, up)
        return
    t = scale.low + (line.xs - scale.left) * scale.per_pixel
    error = curve.error_at(t)
    _fill_between(
        painter,
        Trace(line.xs, line.values - error, line.breaks),
        Trace(line.xs, line.values + error, line.breaks),
        up,
    )
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _fill_between(painter: QPainter, lower: Trace, upper: Trace, up: LaneScale) -> None:
    start = 0
    # one polygon would bridge the gaps
    for end in [*(int(b) for b in lower.breaks), len(lower.xs)]:
        part = slice(start, end)
        xs = np.concatenate([lower.xs[part], upper.xs[part][::-1]])
        values = np.concatenate([lower.values[part], upper.values[part][::-1]])
        painter.drawPolygon(polygon(xs, up.rect.bottom() - (values - up.low) * up.per_unit))
        start = end
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_axis(painter: QPainter, layout: Layout, scale: TimeScale, fonts: Fonts) -> None:
    """The common time axis under the lanes, with faint lines up through them."""
    active = theme.active()
    painter.setFont(fonts.tick)
    painter.setPen(theme.colour(active.quiet))
    line = theme.colour(active.line)
    top = round(layout.axis.top())
    base = layout.axis.top() + layout.axis.height() / 2 + 1 + fonts.tick_drop
    for moment, text in moments(scale):
        x = scale.x(moment)
        painter.fillRect(round(x), top, 1, 3, line)
        painter.drawText(QPointF(x - fonts.tick_metrics.horizontalAdvance(text) / 2, base), text)
    painter.fillRect(round(scale.left), top, round(scale.width), 1, line)


def flag_boxes(flags: list[Flag], scale: TimeScale, fonts: Fonts, top: float) -> list[tuple[Flag, QRectF]]:
    """Tabs of the flags in view; those that would overlap go one row down, and without text beyond the third row."""
    ends = [-1e9] * 3
    boxes = []
    for flag in sorted(flags, key=lambda f: f.t):
        x = scale.x(flag.t)
        # a tab that begins left of the view may reach into it
        if not scale.left - 200 <= x <= scale.left + scale.width:
            continue
        width = min(fonts.flag_metrics.horizontalAdvance(flag.text), 220.0) + 10
        row = next((number for number, end in enumerate(ends) if x >= end + 2), None)
        if row is None:
            boxes.append((flag, QRectF(x, top, 5, FLAG)))
            continue
        ends[row] = x + width
        boxes.append((flag, QRectF(x, top + row * (FLAG + 1), width, FLAG)))
    return boxes


def paint_flags(
    painter: QPainter, boxes: list[tuple[Flag, QRectF]], layout: Layout, scale: TimeScale, fonts: Fonts
) -> None:
    """Stretches and dashed lines of the flags, then their tabs, so that no line crosses one."""
    painter.save()
    painter.setClipRect(QRectF(scale.left - 1, 0, scale.width + 2, layout.bottom))
    painter.setFont(fonts.flag)
    for flag, box in boxes:
        if flag.end is not None and flag.end > flag.t:
            right = scale.x(flag.end)
            painter.fillRect(
                QRectF(box.left(), 0, right - box.left(), layout.bottom), theme.colour(flag.colour, 0.10)
            )
        painter.setPen(pen(flag.colour, 1.0, 0.75, dashed=True))
        painter.drawLine(QLineF(box.left(), box.top(), box.left(), layout.bottom))
    for flag, box in sorted(boxes, key=lambda each: each[1].width()):  # a tab without text covers no text
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(flag.colour))
        painter.drawRoundedRect(box, 2, 2)
        if box.width() > 8:
            painter.setPen(
                # read on the flag's own colour, whatever the theme
                theme.colour("#14171c" if theme.colour(flag.colour).lightnessF() > 0.45 else "#ffffff")
            )
            text = fonts.flag_metrics.elidedText(flag.text, Qt.TextElideMode.ElideRight, box.width() - 9)
            painter.drawText(box.adjusted(5, 0, -3, 0), Align.AlignLeft | Align.AlignVCenter, text)
    painter.restore()


def band_boxes(
    bands: list[Band], scale: TimeScale, fonts: Fonts, row: QRectF
) -> list[tuple[Band, QRectF, bool]]:
    """Where the maps lie in their row, and whether one is long enough to be a bar."""
    boxes = []
    for band in bands:
        start, end = scale.x(band.start), scale.x(band.end)
        if end < scale.left - 100 or start > scale.left + scale.width:
            continue
        long = end - start >= 10
        width = max(end - start, 10.0) if long else 10.0
        left = start if long else (start + end) / 2 - 5
        boxes.append((band, QRectF(left, row.top() + 3, width, row.height() - 6), long))
    return boxes


def paint_bands(
    painter: QPainter, boxes: list[tuple[Band, QRectF, bool]], layout: Layout, scale: TimeScale, fonts: Fonts
) -> None:
    """Bars and diamonds of the maps with what they are called, in the row under the axis."""
    painter.save()
    painter.setClipRect(
        QRectF(scale.left - 8, layout.bands.top(), scale.width + 8 + 24, layout.bands.height())
    )
    painter.setFont(fonts.row)
    for number, (band, box, long) in enumerate(boxes):
        # upright edges of bars are sharper without
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not long)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(band.colour, 0.35 if long else 1.0))
        if long:
            painter.drawRect(box)
            painter.setBrush(theme.colour(band.colour))
            painter.drawRect(QRectF(box.left(), box.top(), 2, box.height()))
            painter.drawRect(QRectF(box.right() - 2, box.top(), 2, box.height()))
        else:
            middle, half = box.center(), 5.0
            painter.drawPolygon(
                QPolygonF([QPointF(middle.x(), middle.y() - half), QPointF(middle.x() + half, middle.y()),
                           QPointF(middle.x(), middle.y() + half), QPointF(middle.x() - half, middle.y())])
            )  # fmt: skip
        following = boxes[number + 1][1].left() if number + 1 < len(boxes) else scale.left + scale.width + 24
        _band_text(painter, band, box, long, following, fonts)
    painter.restore()


def _band_text(
    painter: QPainter, band: Band, box: QRectF, long: bool, following: float, fonts: Fonts
) -> None:
    wanted = fonts.row_metrics.horizontalAdvance(band.text)
    inside = long and box.width() > wanted + 12
    left = box.left() + 6 if inside else box.right() + 4
    room = (box.right() if inside else following) - left - 4
    if room < 20:
        return
    painter.setPen(theme.colour(theme.active().text if inside else band.colour))
    text = fonts.row_metrics.elidedText(band.text, Qt.TextElideMode.ElideRight, room)
    painter.drawText(
        QRectF(left, box.top() - 3, room + 4, box.height() + 6), Align.AlignLeft | Align.AlignVCenter, text
    )


def paint_strip(painter: QPainter, content: LanesContent, layout: Layout, scale: TimeScale) -> None:
    """The trust strip: quiet where all is well, coloured where something was found."""
    if content.findings is None:
        return
    rect = layout.strip.adjusted(0, 1, 0, -1)
    painter.fillRect(rect, theme.colour(theme.active().good, 0.35))
    painter.save()
    painter.setClipRect(rect)
    for finding in content.findings:
        left, right = scale.x(finding.start), scale.x(finding.end)
        painter.fillRect(
            QRectF(left - 1, rect.top(), max(right - left, 1.0) + 2, rect.height()),
            theme.colour(finding.colour),
        )
    painter.restore()
