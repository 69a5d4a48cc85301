"""Axes of the x–y plot: scales, grid, tick labels, titles, legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QLineF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPen

from tandem_em.core import texts
from tandem_em.core.texts import figure
from tandem_widgets.parts.basic import theme

Align = Qt.AlignmentFlag


@dataclass(frozen=True)
class Axis:
    """What an axis shows: its title and base unit (a prefix is found for it)."""

    title: str
    unit: str = ""


class PlotFonts:
    """The fonts of a plot, made once per theme."""

    def __init__(self) -> None:
        self.tick = theme.numbers_font(11)
        self.title = theme.numbers_font(11)
        self.hint = theme.numbers_font(13)
        self.metrics = QFontMetricsF(self.tick)


class AxisScale:
    """Values low..high over pixels start..end (end may be smaller: upwards)."""

    def __init__(self, axis: Axis, low: float, high: float, start: float, end: float) -> None:
        self.axis, self.low, self.high, self.start, self.end = axis, low, high, start, end
        # one value only
        self.per_unit = (end - start) / ((high - low) or 1.0)
        # without the room around the values, which must not decide about the prefix
        largest = max(abs(low), abs(high)) / 1.1
        voltage = axis.unit == "V" and largest > 0.03
        self.factor, self.unit = (1.0, "V") if voltage else texts.reading_unit(largest, axis.unit)

    def pixel(self, value: float) -> float:
        """Widget pixel of a value in the base unit."""
        return self.start + (value - self.low) * self.per_unit

    def pixels(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Widget pixels of many values at once."""
        return np.asarray(self.start + (values - self.low) * self.per_unit, np.float64)

    def value(self, pixel: float) -> float:
        """The value (base unit) at a widget pixel."""
        return self.low + (pixel - self.start) / self.per_unit

    def reading(self, value: float) -> str:
        """A value with four digits in the unit of the axis."""
        return f"{figure(value * self.factor, 4)} {self.unit}".rstrip()

    def ticks(self, spacing_px: float) -> list[tuple[float, str]]:
        """Pixels and texts of round values, about `spacing_px` apart or more."""
        most = max(2, int(abs(self.end - self.start) / spacing_px))
        marks = texts.ticks(self.low * self.factor, self.high * self.factor, most)
        decimals = texts.decimals_for(marks)
        return [(self.pixel(mark / self.factor), texts.tick_text(mark, decimals)) for mark in marks]

    @property
    def title(self) -> str:
        """With a capital as on every axis; what begins with a symbol (dQ/dV, log₁₀ D) stays as it is."""
        title = self.axis.title
        if title[:2].isalpha() and title[:2].islower() and not title.startswith("log"):
            title = title[:1].upper() + title[1:]
        return f"{title} ({self.unit})" if self.unit else title


def paint_axes(painter: QPainter, area: QRectF, across: AxisScale, up: AxisScale, fonts: PlotFonts) -> None:
    """Grid, tick labels and titles around `area`."""
    active = theme.active()
    grid = theme.colour(active.line, 0.55)
    painter.setFont(fonts.tick)
    for x, text in across.ticks(80):
        # as in the lanes: a line that shines through takes far longer than a rectangle
        painter.fillRect(QRectF(round(x), area.top(), 1, area.height()), grid)
        painter.setPen(theme.colour(active.quiet))
        painter.drawText(QRectF(x - 50, area.bottom() + 2, 100, 15), Align.AlignCenter, text)
    for y, text in up.ticks(26):
        painter.fillRect(QRectF(area.left(), round(y), area.width(), 1), grid)
        painter.setPen(theme.colour(active.quiet))
        painter.drawText(QRectF(18, y - 8, area.left() - 24, 16), Align.AlignRight | Align.AlignVCenter, text)
    painter.setPen(QPen(theme.colour(active.line), 1.0))
    painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))
    painter.drawLine(QLineF(area.left(), area.top(), area.left(), area.bottom()))
    painter.setFont(fonts.title)
    painter.setPen(theme.colour(active.quiet))
    painter.drawText(
        QRectF(area.left(), area.bottom() + 18, area.width(), 16), Align.AlignCenter, across.title
    )
    painter.save()
    painter.translate(11, area.center().y())
    painter.rotate(-90)
    painter.drawText(QRectF(-area.height() / 2, -8, area.height(), 16), Align.AlignCenter, up.title)
    painter.restore()


def paint_legend(
    painter: QPainter,
    area: QRectF,
    entries: list[tuple[str, str]],
    points: NDArray[np.float64],
    fonts: PlotFonts,
) -> None:
    """Names in their colours, in the corner with the fewest points (pixels, one per row); too many end in a count."""
    most = max(1, int(area.height() / 15) - 1)
    # lines of one name and colour stand there once
    shown = list(dict.fromkeys(entries))
    more = len(shown) - most
    if more > 0:
        shown = shown[: most - 1]
    if not shown:
        return
    wide = max(fonts.metrics.horizontalAdvance(label) for label, _colour in shown) + 12
    box = _emptiest(area, wide, 15.0 * (len(shown) + (more > 0)) + 1, points)
    painter.fillRect(box, theme.colour(theme.active().plot, 0.8))
    painter.setFont(fonts.tick)
    y = box.top()
    for label, colour in shown:
        painter.setPen(theme.colour(theme.ink(colour)))
        painter.drawText(QRectF(box.left() + 6, y, wide, 15), Align.AlignLeft | Align.AlignVCenter, label)
        y += 15
    if more > 0:
        painter.setPen(theme.colour(theme.active().quiet))
        painter.drawText(QRectF(box.left() + 6, y, wide, 15), Align.AlignLeft, f"and {more + 1} more")


def _emptiest(area: QRectF, wide: float, high: float, points: NDArray[np.float64]) -> QRectF:
    """The box in a corner or in the middle of an edge where it hides least: top right first."""
    boxes = [
        QRectF(left, top, wide, high)
        for left in (area.right() - wide - 2, area.left() + 4, area.center().x() - wide / 2)
        for top in (area.top() + 3, area.bottom() - high - 4)
    ]

    def hidden(box: QRectF) -> int:
        inside = (points[:, 0] > box.left()) & (points[:, 0] < box.right())
        return int(np.count_nonzero(inside & (points[:, 1] > box.top()) & (points[:, 1] < box.bottom())))

    return min(boxes, key=hidden)
