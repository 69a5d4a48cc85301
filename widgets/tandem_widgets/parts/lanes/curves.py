"""What a lane draws: curves over true stamps, and how a stretch of one becomes a line on so many columns of pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.levels import Levels
from tandem_widgets.parts.lanes.stamps import Even
from tandem_widgets.parts.lanes.time_axis import TimeScale

RAW_PER_COLUMN = 2.5
"""Up to so many samples per column are drawn one by one; beyond, each column shows its extremes."""

_NONE = np.zeros(0, np.intp)


@dataclass(eq=False)
class Curve:
    """One quantity over time. `x` are the stamps of its own clock in ascending order; shown = y × factor + shift."""

    key: str
    label: str
    colour: str
    x: NDArray[np.float64]
    y: NDArray[Any]
    levels: Levels | None = None
    even: Even | None = None
    """The rule of the stamps, where they follow one: saves looking them up."""
    offset_s: float = 0.0
    rate: float = 1.0
    """Session time = offset_s + x × rate."""
    factor: float = 1.0
    shift: float = 0.0
    gaps: NDArray[np.intp] = field(default_factory=lambda: _NONE)
    """Numbers of the samples before which the line is interrupted."""
    is_step: bool = False
    is_stale: bool = False
    is_unplaced: bool = False
    """Its clock has no known place among the others: drawn grey."""
    marker: bool = False
    """Whether a dot marks it at the cursor."""
    band: tuple[NDArray[Any], NDArray[Any]] | None = None
    """Lower and upper error limits, aligned with y."""
    error: NDArray[Any] | None = None
    """Half width of an error band (in y's unit), aligned with y."""
    nearest: bool = False
    """Whether the value at a moment is that of the nearest sample (frames) instead of the last one before."""
    hold_s: float = 1.0
    """How long the last sample still counts after the end."""
    is_main: bool = True
    """Whether its value is the one written in the gutter."""

    _whole: tuple[int, float, float] | None = None

    def positions(self, own: Any) -> Any:
        """Numbers of the first samples that are not earlier than these own seconds."""
        return np.searchsorted(self.x, own) if self.even is None else self.even.positions(self.x, own)

    def own(self, t: Any) -> Any:
        """Session seconds as seconds of the curve's own clock."""
        return (t - self.offset_s) / self.rate

    def session(self, x: Any) -> Any:
        """Seconds of the curve's own clock as session seconds."""
        return self.offset_s + x * self.rate

    def shown(self, y: Any) -> Any:
        """Stored values in the unit and place they are drawn at."""
        return y if self.factor == 1.0 and self.shift == 0.0 else y * self.factor + self.shift

    def error_at(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half width of the error band at session times, as shown."""
        if self.error is None or not len(self.x):
            return np.zeros(len(t))
        at = np.searchsorted(self.x, self.own(t) + 1e-9, side="right") - 1
        return np.asarray(self.error[np.clip(at, 0, len(self.error) - 1)] * abs(self.factor), np.float64)

    def limit(self, side: int) -> Curve:
        """The lower (0) or upper (1) edge of the error band as a curve."""
        assert self.band is not None
        # levels and error are those of the old y
        return replace(self, y=self.band[side], band=None, levels=None, error=None)

    @property
    def extent(self) -> tuple[float, float] | None:
        """First and last moment (session seconds); None without samples."""
        if not len(self.x):
            return None
        return float(self.session(self.x[0])), float(self.session(self.x[-1]))

    def is_within(self, low: float, high: float) -> bool:
        """Whether some of it lies between two moments."""
        extent = self.extent
        return extent is not None and extent[0] <= high and extent[1] >= low

    def index_at(self, t: float) -> int:
        """The sample that counts at session time t; -1 in gaps and outside."""
        own = self.own(t)
        # 1e-9: a cursor that was set to a stamp lies on it, whatever rounding between clocks says
        at = int(np.searchsorted(self.x, own + 1e-9, side="right")) - 1
        if self.nearest and at + 1 < len(self.x) and (at < 0 or self.x[at + 1] - own < own - self.x[at]):
            return at + 1 if self.x[at + 1] - own <= self.hold_s else -1
        if at < 0 or (at == len(self.x) - 1 and own > self.x[-1] + self.hold_s):
            return -1
        if len(self.gaps) and not self.nearest:
            following = int(np.searchsorted(self.gaps, at, side="right"))
            in_gap = following < len(self.gaps) and self.gaps[following] == at + 1
            if in_gap and own > self.x[at] + self.hold_s:
                return -1
        return at

    def value_at(self, t: float) -> float:
        """The shown value that counts at session time t; NaN in gaps and outside."""
        at = self.index_at(t)
        return float(self.shown(float(self.y[at]))) if at >= 0 else float("nan")

    def range_between(self, low: float, high: float) -> tuple[float, float]:
        """Smallest and largest shown value between two moments; NaN when there is none."""
        first, last = self.positions(np.array([self.own(low), self.own(high)]))
        return self._range(int(first), int(last) + 1)

    def whole_range(self) -> tuple[float, float]:
        """Smallest and largest shown value of everything; kept until there is more."""
        if self._whole is None or self._whole[0] != len(self.x):
            self._whole = len(self.x), *self._range(0, len(self.x))
        return self._whole[1], self._whole[2]

    @property
    def known_levels(self) -> Levels | None:
        """The levels; made here and now when nobody has them yet and they can be had in a moment."""
        if self.levels is None and len(self.y) > levels.SMALL:
            # asked for while painting: None rather than a pause
            self.levels = levels.at_once(self.y)
        return self.levels

    def _range(self, first: int, last: int) -> tuple[float, float]:
        last = min(last, len(self.x))
        if last <= first:
            return float("nan"), float("nan")
        lower, upper = self.band if self.band is not None else (self.y, self.y)
        if self.band is None and self.known_levels is not None:
            low, high = self.known_levels.extremes(np.array([first, last]))
        elif last - first <= levels.SMALL:
            low = np.array([np.fmin.reduce(np.fmin(lower[first:last], self.y[first:last]))])
            high = np.array([np.fmax.reduce(np.fmax(upper[first:last], self.y[first:last]))])
        else:
            # no levels yet: a coarse range until the job has built them
            low, high = levels.glance(self.y, np.linspace(first, last, 257).astype(np.intp), 8)
            low, high = np.fmin.reduce(low, keepdims=True), np.fmax.reduce(high, keepdims=True)
        ends = float(self.shown(float(low[0]))), float(self.shown(float(high[0])))
        return min(ends), max(ends)


@dataclass
class Trace:
    """A line in pixels across and shown values up, interrupted before the point numbers in `breaks`."""

    xs: NDArray[np.float64]
    values: NDArray[np.float64]
    breaks: NDArray[np.intp]
    is_coarse: bool = False


def trace(curve: Curve, scale: TimeScale, columns: int) -> Trace:
    """The line of a curve on `columns` columns of pixels: every sample, or exact extremes where there are too many."""
    x = curve.x
    ends = curve.positions(np.array([curve.own(scale.low), curve.own(scale.high)]))
    # one more on either side: the line goes on to the edges of the view
    first, last = max(int(ends[0]) - 1, 0), min(int(ends[1]) + 1, len(x))
    if last <= first:
        return Trace(np.zeros(0), np.zeros(0), _NONE)
    if last - first <= RAW_PER_COLUMN * columns:
        return _raw_trace(curve, scale, first, last)
    return _column_trace(curve, scale, columns)


def _gaps_within(curve: Curve, first: int, last: int) -> NDArray[np.intp]:
    if not len(curve.gaps):
        return _NONE
    start, end = np.searchsorted(curve.gaps, (first + 1, last))
    return curve.gaps[start:end]


def _raw_trace(curve: Curve, scale: TimeScale, first: int, last: int) -> Trace:
    xs = scale.x(np.asarray(curve.session(curve.x[first:last]), np.float64))
    ys = np.asarray(curve.shown(curve.y[first:last]), np.float64)
    breaks = _gaps_within(curve, first, last) - first
    return _without_nan(*(_staircase(xs, ys, breaks) if curve.is_step else (xs, ys, breaks)))


def _staircase(
    xs: NDArray[np.float64], ys: NDArray[np.float64], breaks: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Each value holds until the next sample: point i becomes 2i, its end 2i + 1."""
    # nothing holds the last value any longer
    ends = np.append(xs[1:], xs[-1:])
    if len(breaks):
        ends[breaks - 1] = xs[breaks - 1]
    return np.column_stack([xs, ends]).ravel(), np.repeat(ys, 2), breaks * 2


def _without_nan(xs: NDArray[np.float64], ys: NDArray[np.float64], breaks: NDArray[np.intp]) -> Trace:
    good = np.isfinite(ys)
    if good.all():
        return Trace(xs, ys, breaks)
    number = np.cumsum(good) - good
    opened = np.flatnonzero(good[1:] & ~good[:-1]) + 1
    # both count points that are left, not samples
    cuts = np.union1d(number[opened], number[breaks])
    kept = int(good.sum())
    # a break before the first or after the last point is none
    return Trace(xs[good], ys[good], cuts[(cuts > 0) & (cuts < kept)].astype(np.intp))


def _extremes(curve: Curve, bounds: NDArray[np.intp]) -> tuple[NDArray[Any], NDArray[Any], bool]:
    if curve.known_levels is not None:
        return *curve.known_levels.extremes(bounds), False
    first, last = int(bounds[0]), int(bounds[-1])
    if last - first <= levels.SMALL:
        return *Levels(curve.y[first:last]).extremes(bounds - first), False
    return *levels.glance(curve.y, bounds), True


def _column_trace(curve: Curve, scale: TimeScale, columns: int) -> Trace:
    # the few edges are converted, never the millions of stamps
    edges = curve.own(np.linspace(scale.low, scale.high, columns + 1))
    bounds = curve.positions(edges)
    low, high, coarse = _extremes(curve, bounds)
    if (
        not curve.is_step
        and bounds[0] < bounds[-1]
        and not len(_gaps_within(curve, int(bounds[0]), int(bounds[-1])))
    ):
        full = _full_columns(curve, scale, low, high)
        if full is not None:
            full.is_coarse = coarse
            return full
    filled = bounds[1:] > bounds[:-1]
    good = np.flatnonzero(filled & np.isfinite(low) & np.isfinite(high))
    if not len(good):
        return Trace(np.zeros(0), np.zeros(0), _NONE, coarse)
    corners = np.empty((len(good), 4))
    # up in one column, down in the next: no line from top to bottom between them
    odd = good % 2 == 1
    corners[:, 0] = curve.y[bounds[good]]
    corners[:, 1] = np.where(odd, high[good], low[good])
    corners[:, 2] = np.where(odd, low[good], high[good])
    corners[:, 3] = curve.y[bounds[good + 1] - 1]
    keep = np.ones((len(good), 4), bool)
    alone = np.diff(good) > 1
    # first and last sample of a column are seen only where its neighbour is empty
    keep[0, 0] = keep[-1, 3] = False
    keep[1:, 0] = keep[:-1, 3] = alone
    breaks = _column_breaks(curve, bounds, filled, good)
    step_px = scale.width / columns
    xs = np.repeat(scale.left + (good + 0.5) * step_px, 4).reshape(-1, 4)
    if curve.is_step:
        keep[:, 0] = keep[:, 3] = True
        # a step holds its value until the next sample
        corners[1:, 0] = corners[:-1, 3]
        corners[breaks, 0] = curve.y[bounds[good[breaks]]]
    before = np.cumsum(keep.sum(axis=1)) - keep.sum(axis=1)
    made = _without_nan(xs[keep], np.asarray(curve.shown(corners[keep]), np.float64), before[breaks])
    made.is_coarse = coarse
    return made


def _full_columns(curve: Curve, scale: TimeScale, low: NDArray[Any], high: NDArray[Any]) -> Trace | None:
    """The usual case, quickly: every column has samples and nothing is interrupted. None when that is not so."""
    values = np.empty(2 * len(low))
    values[0::4], values[1::4] = low[0::2], high[0::2]
    values[2::4], values[3::4] = high[1::2], low[1::2]
    # one sum shows whether there is any NaN
    if not np.isfinite(np.add.reduce(values)):
        return None
    shown = (
        values if curve.factor == 1.0 and curve.shift == 0.0 else np.asarray(curve.shown(values), np.float64)
    )
    xs = scale.left + (np.arange(2 * len(low)) // 2 + 0.5) * (scale.width / len(low))
    return Trace(np.asarray(xs, np.float64), shown, _NONE)


def _column_breaks(
    curve: Curve, bounds: NDArray[np.intp], filled: NDArray[np.bool_], good: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Numbers (in `good`) of the columns before which the line is interrupted: by gaps, and by columns of only NaN."""
    cut = np.zeros(len(good), bool)
    gaps = _gaps_within(curve, int(bounds[0]), int(bounds[-1]))
    if len(gaps):
        before = np.searchsorted(bounds, gaps - 1, side="right") - 1
        after = np.searchsorted(bounds, gaps, side="right") - 1
        cut[np.searchsorted(good, after[before != after]).clip(max=len(good) - 1)] = True
    empty = filled.copy()
    empty[good] = False
    if empty.any():
        seen = np.cumsum(empty)
        cut[1:] |= np.diff(seen[good]) > 0
    cut[0] = False
    return np.flatnonzero(cut)
