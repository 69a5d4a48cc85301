"""The one cursor over the lanes, the second one, and the stretch between two moments with its differences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPen

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes import layout as lanes_layout
from tandem_widgets.parts.lanes.layout import GUTTER, NAME_WIDTH, VALUE_ROW, Layout
from tandem_widgets.parts.lanes.model import Lane, value_text
from tandem_widgets.parts.lanes.paint import Align, Fonts, LaneScale
from tandem_widgets.parts.lanes.time_axis import TimeScale, span_text

GRIP_PX = 4.0


@dataclass
class Stretch:
    """Two moments (session seconds) whose difference is looked at; `b` follows the pointer while dragging."""

    a: float
    b: float

    @property
    def low(self) -> float:
        """The earlier moment."""
        return min(self.a, self.b)

    @property
    def high(self) -> float:
        """The later moment."""
        return max(self.a, self.b)


def paint_cursor(painter: QPainter, t: float, layout: Layout, scale: TimeScale) -> None:
    """The line at session second t through all lanes, if that is in view."""
    x = scale.x(t)
    if scale.left - 0.5 <= x <= scale.left + scale.width + 0.5:
        pen = QPen(theme.colour(theme.active().cursor), 1.0)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawLine(QLineF(x, 0, x, layout.bottom))


def paint_markers(painter: QPainter, lane: Lane, t: float, scale: TimeScale, up: LaneScale) -> None:
    """A dot on each marked curve where the cursor meets it."""
    x = scale.x(t)
    if not scale.left <= x <= scale.left + scale.width:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for curve in lane.curves:
        value = curve.value_at(t) if curve.marker else math.nan
        if math.isfinite(value) and up.low <= value <= up.high:
            painter.setPen(QPen(theme.colour(theme.active().cursor), 1.0))
            painter.setBrush(theme.colour(curve.colour))
            painter.drawEllipse(QPointF(x, up.y(value)), 4.0, 4.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_values(painter: QPainter, lane: Lane, t: float, up: LaneScale, fonts: Fonts) -> None:
    """The values at the cursor in the gutter, under the unit."""
    factor, _unit = lane.unit_for(up.low, up.high)
    top = up.rect.top() + 26
    mains = lane.main_curves
    if lane.note or not mains:
        return
    alone = [curve for curve in mains if not math.isnan(curve.value_at(t))]
    if not lane.shows_each:
        # of several runs the one that has a value at this moment
        chosen = alone[0] if alone else mains[0]
        painter.setFont(fonts.value)
        painter.setPen(theme.colour(theme.active().text))
        text = value_text(chosen.value_at(t), up.low, up.high, factor, lane.least_decimals(factor))
        painter.drawText(QRectF(10, top, NAME_WIDTH + 6, 15), Align.AlignLeft | Align.AlignVCenter, text)
        return
    painter.setFont(fonts.small)
    texts = [value_text(curve.value_at(t), up.low, up.high, factor) for curve in mains]
    widths = [fonts.small_metrics.horizontalAdvance(text) + 7 for text in texts]
    if lanes_layout.has_unit_beside(lane, up.rect.height()):
        top -= VALUE_ROW
    rows = int((up.rect.bottom() + 4 - top) // VALUE_ROW)
    places = lanes_layout.in_rows(widths, NAME_WIDTH + 2, rows)
    for (x, row), text, width, curve in zip(places, texts, widths, mains):
        painter.setPen(theme.colour(theme.ink(curve.colour)))
        _small(painter, text, x, top + row * VALUE_ROW, width)
    left_out = len(mains) - len(places)
    if left_out and places:
        painter.setPen(theme.colour(theme.active().quiet))
        x, row = places[-1][0] + widths[len(places) - 1], places[-1][1]
        _small(painter, f"+{left_out}", x, top + row * VALUE_ROW, lanes_layout.MORE_PX)


def _small(painter: QPainter, text: str, x: float, top: float, width: float) -> None:
    painter.drawText(QRectF(10 + x, top, width, VALUE_ROW), Align.AlignLeft | Align.AlignVCenter, text)


def lag_text(lag_s: float, clocks_agree_s: float) -> tuple[str, bool]:
    """A lag in words, and whether the clocks are good enough to say it between two of them."""
    text = f"Δt {span_text(lag_s)}"
    if abs(lag_s) > clocks_agree_s or not clocks_agree_s:
        return text, True
    known = f"± {span_text(clocks_agree_s)}" if math.isfinite(clocks_agree_s) else "one clock is provisional"
    return f"{text} · within the clock uncertainty ({known})", False


def paint_stretch(
    painter: QPainter,
    stretch: Stretch,
    layout: Layout,
    scale: TimeScale,
    fonts: Fonts,
    clocks_agree_s: float = 0.0,
) -> None:
    """The band between two moments, its edges and its length; grey where that is less than the clocks agree to."""
    text, is_resolved = lag_text(stretch.b - stretch.a, clocks_agree_s)
    accent = theme.active().accent if is_resolved else theme.active().faint
    left, right = scale.x(stretch.low), scale.x(stretch.high)
    painter.save()
    painter.setClipRect(QRectF(scale.left, 0, scale.width, layout.axis.bottom()))
    painter.fillRect(QRectF(left, 0, right - left, layout.bottom), theme.colour(accent, 0.13))
    pen = QPen(theme.colour(accent), 1.0)
    painter.setPen(pen)
    for x in (left, right):
        painter.drawLine(QLineF(x, 0, x, layout.bottom))
    painter.restore()
    # the length stays readable where the stretch leaves the view
    middle = min(max((left + right) / 2, scale.left + 40), scale.left + scale.width - 40)
    chip(painter, text, QPointF(middle, layout.axis.center().y()), fonts, accent, centred=True)


def paint_difference(
    painter: QPainter,
    lane: Lane,
    stretch: Stretch,
    statistics: str,
    scale: TimeScale,
    up: LaneScale,
    fonts: Fonts,
) -> None:
    """What one lane says about the stretch: the difference of its ends at once, the statistics when they are there."""
    factor, unit = lane.unit_for(up.low, up.high)
    parts = []
    for curve in lane.main_curves[:4]:
        change = curve.value_at(stretch.b) - curve.value_at(stretch.a)
        if math.isfinite(change):
            sign = "+" if change > 0 else ""
            name = f"{curve.label} " if lane.shows_each else ""
            parts.append(f"{name}Δ {sign}{value_text(change, up.low, up.high, factor)} {unit}")
            if not lane.shows_each:
                break
    if statistics:
        parts.append(statistics)
    if not parts:
        return
    right = min(scale.x(stretch.high), scale.left + scale.width)
    text = "  ·  ".join(parts)
    width = fonts.row_metrics.horizontalAdvance(text) + 12
    left = (
        right + 6
        if right + 6 + width < scale.left + scale.width
        else max(scale.x(stretch.low) - width - 6, GUTTER + 2)
    )
    chip(painter, text, QPointF(left, up.rect.top() + 9), fonts, theme.active().line)


def chip(
    painter: QPainter, text: str, at: QPointF, fonts: Fonts, edge: str, *, centred: bool = False
) -> None:
    """A small label on the ground of the pane, so that it reads over any curve."""
    width = fonts.row_metrics.horizontalAdvance(text) + 12
    box = QRectF(at.x() - (width / 2 if centred else 0), at.y() - 8.5, width, 17)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(theme.colour(edge), 1.0))
    painter.setBrush(theme.colour(theme.active().raised, 0.94))
    painter.drawRoundedRect(box, 4, 4)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setFont(fonts.row)
    painter.setPen(theme.colour(theme.active().text))
    painter.drawText(box, Align.AlignCenter, text)
