"""The lanes as figures, movie and tables want them: every series read now, thinned to what can be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import run_to_end
from tandem_em.core.numeric import Floats
from tandem_em.desk.biasing.views import thinned
from tandem_em.desk.lanes.derived import Computed, Derivation
from tandem_em.desk.lanes.ordered import Ordered, ordered
from tandem_em.desk.lanes.registry import LANES
from tandem_em.desk.lanes.run_lane import RunLane
from tandem_em.desk.lanes.series import Interval, OfRun, Points, Series
from tandem_em.desk.lanes.shown import ShownLane, shown
from tandem_em.desk.lanes.source import Heading
from tandem_em.exporters.figures import data
from tandem_em.exporters.movie.lanes import value_at
from tandem_em.exporters.tables import Column, Table
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

MOST_POINTS = 4000
EVERYTHING = (-np.inf, np.inf)
ROUNDING_S = 1e-9
"""A view that ends with a sample holds it, whichever way its clock is rounded."""


class Numbers:
    """What is computed of runs, kept while one export goes through the lanes: charge serves three of them."""

    def __init__(self) -> None:
        self._ordered: dict[str, Ordered] = {}
        self._computed: dict[tuple[str, str], Computed] = {}

    def ordered(self, run: BiasRun) -> Ordered:
        """Stamps of a run in order of time, sorted once for each export."""
        if run.id not in self._ordered:
            self._ordered[run.id] = ordered(run)
        return self._ordered[run.id]

    def computed(self, run: BiasRun, what: Derivation) -> Computed:
        """A derived quantity of a run, computed once for each export."""
        key = run.id, what.name
        if key not in self._computed:
            self._computed[key] = run_to_end(what.whole(run, self.ordered(run)))
        return self._computed[key]

    def values(self, samples: OfRun, part: slice = slice(None)) -> tuple[Floats, Floats | None]:
        """Samples in order of time, with their errors."""
        if not isinstance(samples.what, str):
            made = self.computed(samples.run, samples.what)
            return made.values[part], None if made.error is None else made.error[part]
        values, order = samples.run.values(samples.what), self.ordered(samples.run).order
        return np.asarray(values[part] if order is None else values[order[part]], np.float64), None


def lanes(session: Session, reach: Interval | None) -> list[data.Lane]:
    """What the pane shows, in its order; of every series the part within reach."""
    numbers = Numbers()
    drawn = (_drawn(lane, reach, numbers) for lane in shown(session, reach))
    return [lane for lane in drawn if any(np.isfinite(curve.y).any() for curve in lane.curves)]


def _drawn(lane: ShownLane, reach: Interval | None, numbers: Numbers) -> data.Lane:
    curves = [curve for series in lane.curves if (curve := drawn_curve(series, reach, numbers)) is not None]
    heading, y = lane.heading, lane.choice.y
    return data.Lane(
        heading.label, heading.drawn_unit, curves, tuple({each.value: each.name for each in lane.limits}.items()),
        heading.title, lane.choice.kind, y if isinstance(y, tuple) else None, lane.source.from_zero,
    )  # fmt: skip


def drawn_curve(series: Series, reach: Interval | None, numbers: Numbers) -> data.Curve | None:
    """A series as a plain curve; None where nothing of it is within reach."""
    samples = series.samples
    if isinstance(samples, Points):
        return _of_points(series, samples, reach)
    scaled = series if series.scaling is None else _scaled(series, samples, numbers)
    return None if scaled is None else _of_run(scaled, samples, reach, numbers)


def _scaled(series: Series, samples: OfRun, numbers: Numbers) -> Series | None:
    """A series that is scaled by its own values; None where they give no scale."""
    whole = _of_run(series, samples, None, numbers)
    if series.scaling is None or whole is None or whole.exact is None:
        return None
    x, _ = whole.exact
    found = series.scaling((float(x[0]), float(x[-1])), partial(value_at, whole))
    return None if found is None else replace(series, name=found.name, factor=found.factor, shift=found.shift)


def _of_points(series: Series, points: Points, reach: Interval | None) -> data.Curve | None:
    x, y = points.x, _shown(series, points.y)
    if not len(x):
        return None
    low, high = (None if side is None else _shown(series, side) for side in (points.low, points.high))
    # A negative factor turns the band upside down.
    if low is not None and high is not None and series.factor < 0:
        low, high = high, low
    if points.error is not None:
        half = points.error * abs(series.factor)
        low, high = y - half, y + half
    made = data.Curve(
        series.name, series.colour, x, y, low, high, "fit" if series.is_fit else "", hold_s=series.hold_s,
        marker=series.has_marker, is_linear=series.is_linear, role=series.role,
    )  # fmt: skip
    return _with_points_between(made, reach) if series.is_linear else made


def _with_points_between(curve: data.Curve, reach: Interval | None) -> data.Curve:
    """Enough points of a line known by its ends that the part in view decides the height of its lane."""
    low, high = reach or (curve.x[0], curve.x[-1])
    between = np.linspace(max(low, curve.x[0]), min(high, curve.x[-1]), 1000) if low < high else curve.x
    x = np.union1d(curve.x, between[(between >= curve.x[0]) & (between <= curve.x[-1])])
    return replace(curve, x=x, y=np.interp(x, curve.x, curve.y))


def _of_run(series: Series, samples: OfRun, reach: Interval | None, numbers: Numbers) -> data.Curve | None:
    """Open at gaps, the part within reach, thinned to what can be drawn."""
    run, known = samples.run, numbers.ordered(samples.run)
    low, high = EVERYTHING if reach is None else reach
    # Cut by the run's own clock: converting hours of stamps first would cost their memory.
    first = np.searchsorted(known.x, run.clock.to_device(low - ROUNDING_S))
    last = np.searchsorted(known.x, run.clock.to_device(high + ROUNDING_S), side="right")
    part = slice(int(first), int(last))
    t = np.asarray(run.clock.to_session(known.x[part]), np.float64)
    if not len(t):
        return None
    values, error = numbers.values(samples, part)
    gaps = known.gaps[(known.gaps > part.start) & (known.gaps < part.stop)] - part.start
    # Two points at one time: the line ends there, and nothing is drawn across the gap.
    x = np.insert(t, gaps, t[gaps - 1]) if len(gaps) else t
    y = _open(_shown(series, values), gaps)
    keep = thinned(y, MOST_POINTS)
    lower = upper = None
    if error is not None:
        half = _open(np.asarray(error, np.float64) * abs(series.factor), gaps)[keep]
        lower, upper = y[keep] - half, y[keep] + half
    is_step = isinstance(samples.what, str) and run.columns[samples.what].is_step
    return data.Curve(
        series.name, series.colour, x[keep], y[keep], lower, upper, exact=(x, y), is_step=is_step,
        hold_s=known.hold_s, role=series.role,
    )  # fmt: skip


def _open(values: Floats, gaps: NDArray[np.intp]) -> Floats:
    """A NaN before each sample that follows a gap."""
    return np.insert(values, gaps, np.nan) if len(gaps) else values


def _shown(series: Series, values: Floats) -> Floats:
    return values if series.factor == 1.0 and series.shift == 0.0 else values * series.factor + series.shift


# --- tables --------------------------------------------------------------------------------------------------------


def run_columns(session: Session, run: BiasRun) -> Iterator[Column]:
    """What the lanes make of a run, sample by sample as they were recorded; columns as they stand are not repeated."""
    numbers = Numbers()
    for source in LANES:
        if not isinstance(source, RunLane) or not source.has(run):
            continue
        unit = source.heading(session).unit if source.table_unit is None else source.table_unit
        for series in source.of_run(session, run):
            is_recorded = isinstance(series.samples, OfRun) and isinstance(series.samples.what, str)
            if isinstance(series.samples, OfRun) and not (is_recorded and _is_plain(series)):
                yield from _columns(series, series.samples, source.table_factor, unit, numbers)


def _is_plain(series: Series) -> bool:
    return series.factor == 1.0 and series.shift == 0.0


def _columns(series: Series, samples: OfRun, factor: float, unit: str, numbers: Numbers) -> Iterator[Column]:
    values, error = numbers.values(samples)
    order, count = numbers.ordered(samples.run).order, len(samples.run)
    name = series.quantity or series.name
    yield Column(name, unit, _as_recorded(_shown(series, values) * factor, order, count))
    if error is not None:
        half = np.asarray(error, np.float64) * abs(series.factor * factor)
        yield Column(f"{name} error", unit, _as_recorded(half, order, count))


def _as_recorded(values: Floats, order: NDArray[np.intp] | None, count: int) -> Floats:
    """From the order of time to that of the recording; NaN for samples without a time."""
    if order is None:
        return values
    made = np.full(count, np.nan)
    made[order] = values
    return made


def lane_tables(session: Session, notes: dict[str, str]) -> Iterator[Table]:
    """A table for each series of a lane that is in no other table."""
    for source in LANES:
        for series in source.curves(session, None) if source.has_table else ():
            if isinstance(series.samples, Points):
                yield _lane_table(source.kind, source.heading(session), series, series.samples, notes)


def _lane_table(kind: str, heading: Heading, series: Series, points: Points, notes: dict[str, str]) -> Table:
    # A table holds what was measured, without points in between.
    curve = _of_points(replace(series, is_linear=False), points, None)
    columns = [
        Column("time", "s", points.x),
        Column(heading.label.lower(), heading.drawn_unit, _shown(series, points.y)),
    ]
    if curve is not None and curve.low is not None and curve.high is not None:
        columns.append(Column("lower limit", heading.drawn_unit, curve.low))
        columns.append(Column("upper limit", heading.drawn_unit, curve.high))
    return Table(
        f"lane_{kind}_{series.name}", columns, notes | {"lane": heading.label, "series": series.name}
    )
