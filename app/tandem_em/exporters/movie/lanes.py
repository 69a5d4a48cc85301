"""The biasing lanes in a movie: drawn once bright and once faint; the cursor is where one turns into the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.core.texts import axis_unit, figure, time_unit
from tandem_em.exporters.figures.data import Curve, Lane, Picture
from tandem_em.exporters.movie.canvas import Canvas, Rect
from tandem_em.exporters.movie.look import Colours

FAINT = 0.28
TIGHT = 56.0
"""Lanes lower than this carry their name, unit and value in two lines."""


@dataclass(frozen=True)
class Plot:
    """Where a lane stands in the pane and which values it spans, in its shown unit."""

    lane: Lane
    rect: Rect
    low: float
    high: float
    factor: float
    unit: str

    def y(self, values: Floats) -> Floats:
        """Values in their own unit as heights in the pane (px, down)."""
        _, top, _, tall = self.rect
        return top + tall * (self.high - values * self.factor) / (self.high - self.low)


class LanesPainter:
    """Paints lanes over time with the cursor at t."""

    def __init__(
        self, found: Picture, span: tuple[float, float], colours: Colours, rect: Rect, unit: float
    ) -> None:
        self._colours, self._unit, self._span = colours, unit, span
        self._x, self._y = round(rect[0]), round(rect[1])
        self._size = round(rect[2]), round(rect[3])
        axis = 96 * unit
        self._axis = axis, self._size[0] - axis - 16 * unit
        top, bottom = 24 * unit, 26 * unit + (14 * unit if found.bands else 0)
        each = (self._size[1] - top - bottom) / max(len(found.lanes), 1)
        self._is_tight = each < TIGHT * unit
        self._plots = [
            _plot(lane, (axis, top + number * each, self._axis[1], each - 10 * unit), span)
            for number, lane in enumerate(found.lanes)
        ]
        # drawn once: a frame only joins two halves of these at the cursor
        self._bright, self._faint = (self._drawn(found, alpha) for alpha in (1.0, FAINT))

    def x_of(self, t: float | Floats) -> Floats:
        """Session seconds as places in the pane (px)."""
        low, high = self._span
        return np.asarray(self._axis[0] + self._axis[1] * (np.asarray(t) - low) / (high - low))

    def paint(self, canvas: Canvas, t: float) -> None:
        """Paints what has happened by `t` bright, what is to come faint, and the cursor between them."""
        inside = min(max(t, self._span[0]), self._span[1])
        cut = round(float(self.x_of(inside)))
        width, height = self._size
        canvas.picture(self._bright.pixels[:height, :cut], self._x, self._y)
        canvas.picture(self._faint.pixels[:height, cut:width], self._x + cut, self._y)
        first, last = self._plots[0].rect, self._plots[-1].rect
        x = self._x + cut
        ends = np.array(
            [(x, self._y + first[1] - 4 * self._unit), (x, self._y + last[1] + last[3] + 2 * self._unit)]
        )
        canvas.line(ends, self._colours.cursor, max(1.0, 1.4 * self._unit))
        for plot in self._plots:
            self._values(canvas, plot, t, x)

    def _values(self, canvas: Canvas, plot: Plot, t: float, x: float) -> None:
        unit, many = self._unit, sum(c.kind != "fit" for c in plot.lane.curves) > 1
        size, below = (9 * unit, 19 * unit) if self._is_tight else (11 * unit, 38 * unit)
        left, line = self._x + 8 * unit, self._y + plot.rect[1] + below
        place = left
        for curve in plot.lane.curves:
            value = value_at(curve, t)
            if curve.kind == "fit" or not np.isfinite(value):
                continue
            colour = _own(curve, self._colours) if many else self._colours.text
            if many or curve.marker:
                canvas.dot(
                    x,
                    self._y + float(plot.y(np.asarray(value))),
                    3.4 * unit,
                    _own(curve, self._colours),
                    self._colours.cursor,
                )
            text = reading(value, plot)
            if self._is_tight and plot.rect[3] < 20 * unit:
                continue
            if place + canvas.text_width(text, size, bold=True) > left + 60 * unit:
                if self._is_tight:
                    continue
                place, line = left, line + 13 * unit
            place += canvas.text(place, line, text, size, colour, bold=True) + 7 * unit

    # --- what stays ----------------------------------------------------------------------------------------------

    def _drawn(self, found: Picture, alpha: float) -> Canvas:
        canvas = Canvas(*self._size)
        canvas.fill(self._colours.window)
        canvas.box((0, 0, *self._size), self._colours.pane, radius=5 * self._unit)
        self._bands(canvas, found)
        for plot in self._plots:
            self._frame(canvas, plot)
            self._curves(canvas, plot, alpha)
        self._time_axis(canvas)
        self._flags(canvas, found)
        return canvas

    def _frame(self, canvas: Canvas, plot: Plot) -> None:
        unit, c = self._unit, self._colours
        x, y, w, h = plot.rect
        title = plot.lane.title or plot.lane.label
        if self._is_tight:
            gone = canvas.text(8 * unit, y + 8 * unit, title, 9.5 * unit, c.text, bold=True)
            beside = 12 * unit + gone + canvas.text_width(plot.unit, 8 * unit) < x - 34 * unit
            place = (12 * unit + gone, y + 8 * unit) if beside else (8 * unit, y + 18 * unit)
            canvas.text(*place, plot.unit, 8 * unit, c.quiet)
        else:
            canvas.text(8 * unit, y + 10 * unit, title, 11 * unit, c.text, bold=True)
            canvas.text(8 * unit, y + 23 * unit, plot.unit, 9.5 * unit, c.quiet)
        for tick in ticks(plot.low, plot.high, max(2, int(h / (24 * unit)))):
            at = y + h * (plot.high - tick) / (plot.high - plot.low)
            canvas.line(np.array([(x, at), (x + w, at)]), c.line, 0.8)
            canvas.text(x - 6 * unit, at + 3.5 * unit, number(tick), 9.5 * unit, c.quiet, align="right")

        for value, name in plot.lane.limits:
            if plot.low < value * plot.factor < plot.high:
                at = float(plot.y(np.asarray(value)))
                canvas.line(np.array([(x, at), (x + w, at)]), "#ff5a5f", 1.0, dash=4 * unit)
                canvas.text(x + w, at + 11 * unit, name, 9.5 * unit, "#ff5a5f", align="right")

    def _curves(self, canvas: Canvas, plot: Plot, alpha: float) -> None:
        for curve in plot.lane.curves:
            points = np.stack([self.x_of(curve.x), plot.y(np.asarray(curve.y, float))], axis=1)
            if curve.is_step:
                points = stairs(points)
            colour = self._colours.text if curve.kind == "fit" else _own(curve, self._colours)
            canvas.line(points, colour, 1.3 * self._unit, alpha=alpha, clip=plot.rect)

    def _time_axis(self, canvas: Canvas) -> None:
        _, y, _, h = self._plots[-1].rect
        for moment, text in moments(self._span, max(3, int(self._axis[1] / (90 * self._unit)))):
            canvas.text(
                float(self.x_of(moment)),
                y + h + 15 * self._unit,
                text,
                9.5 * self._unit,
                self._colours.quiet,
                align="centre",
            )

    def _bands(self, canvas: Canvas, found: Picture) -> None:
        unit, top = self._unit, self._plots[0].rect[1]
        bottom = self._plots[-1].rect[1] + self._plots[-1].rect[3]
        for band in found.bands:
            start, end = (
                float(self.x_of(min(max(t, self._span[0]), self._span[1]))) for t in (band.start, band.end)
            )
            if end <= start:
                continue
            canvas.box((start, top, end - start, bottom - top), band.colour, alpha=0.10)
            canvas.box((start, bottom + 20 * unit, end - start, 3 * unit), band.colour)
            canvas.text(
                (start + end) / 2, bottom + 34 * unit, band.name, 9.5 * unit, band.colour, align="centre"
            )

    def _flags(self, canvas: Canvas, found: Picture) -> None:
        unit, top = self._unit, self._plots[0].rect[1]
        bottom = self._plots[-1].rect[1] + self._plots[-1].rect[3]
        free = -np.inf
        for flag in sorted(found.flags, key=lambda flag: flag.t):
            if not self._span[0] <= flag.t <= self._span[1]:
                continue
            x, size = float(self.x_of(flag.t)), 9.5 * unit
            canvas.line(np.array([(x, top), (x, bottom)]), flag.colour, 1.0, dash=4.0 * unit)
            wide = canvas.text_width(flag.name, size, bold=True) + 8 * unit
            # a flag at the right end is written leftwards
            left = min(x, self._size[0] - wide - 4 * unit)
            # its name would lie on the one before; its line stays
            if left < free:
                continue
            free = left + wide + 2 * unit
            canvas.box((left, top - 18 * unit, wide, 15 * unit), flag.colour, radius=2 * unit)
            canvas.text(left + 4 * unit, top - 7 * unit, flag.name, size, "#10141a", bold=True)


def _own(curve: Curve, colours: Colours) -> str:
    """Of the quantity, as in the window; particles keep theirs."""
    return colours.roles.get(curve.role, curve.colour)


def reading(value: float, plot: Plot) -> str:
    """Volts to the millivolt, as in the window; everything else with three figures."""
    if plot.unit == "V":
        return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")
    return figure(value * plot.factor, 3)


def value_at(curve: Curve, t: float) -> float:
    """The last sample that is not later, held for a moment at a gap; NaN in gaps and outside."""
    x, y = curve.exact or (curve.x, curve.y)
    if not len(x) or not x[0] <= t <= x[-1] + curve.hold_s:
        return float("nan")
    if curve.is_linear:
        return float(np.interp(t, x, y)) if t <= x[-1] else float("nan")
    at = max(int(np.searchsorted(x, t + 1e-9, side="right")) - 1, 0)
    # a gap opens at a sample's own moment: there the sample still counts
    opens = at > 0 and x[at] == x[at - 1] and np.isnan(y[at])
    return float(y[at - 1] if opens and t <= x[at] + curve.hold_s else y[at])


def stairs(points: Floats) -> Floats:
    """Each value holds until the next point."""
    ends = np.column_stack([np.append(points[1:, 0], points[-1:, 0]), points[:, 1]])
    return np.stack([points, ends], axis=1).reshape(-1, 2)


def _plot(lane: Lane, rect: Rect, span: tuple[float, float]) -> Plot:
    inside = [c.y[(c.x >= span[0]) & (c.x <= span[1])] for c in lane.curves]
    values = np.concatenate([v[np.isfinite(v)] for v in inside]) if inside else np.zeros(0)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    if lane.y is not None:
        low, high = lane.y
    elif lane.from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    factor, unit = axis_unit(max(abs(low), abs(high)), lane.unit)
    low, high = low * factor, high * factor
    if lane.y is not None:
        return Plot(lane, rect, low, high, factor, unit)
    # a constant curve has no span of its own
    edge = 0.08 * (high - low) or max(abs(high), 1e-12) * 0.1
    return Plot(lane, rect, low - edge, high + edge, factor, unit)


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two values."""
    step = 10.0 ** np.floor(np.log10((high - low) / max(most, 1)))
    # the next round step that leaves few enough ticks
    step = next(step * times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= most)
    first = int(np.ceil(low / step - 1e-9))
    return [float(n * step) for n in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def moments(span: tuple[float, float], most: int) -> list[tuple[float, str]]:
    """Round moments (s) within a span, with their texts in seconds, minutes or hours."""
    factor, unit = time_unit(span[1] - span[0])
    return [
        (mark / factor, f"{number(mark)} {unit}") for mark in ticks(span[0] * factor, span[1] * factor, most)
    ]


def number(value: float) -> str:
    """A number for a tick, with a true minus sign and never as −0."""
    return f"{round(value, 10) + 0.0:g}".replace("-", "−")
