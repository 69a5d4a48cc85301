"""Curves of biasing runs for figures and movies: columns, scaled currents, charge, resistance; gaps stay open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from tandem_em.analysis.cycling.charge import Zero, integrate
from tandem_em.desk.biasing import views
from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.lanes import lithium_numbers
from tandem_em.desk.lanes.numbers import in_order, resistance, resistance_threshold
from tandem_em.exporters.figures import data
from tandem_em.exporters.movie.lanes import value_at
from tandem_em.model.curves import BiasRun, Cell, usual_gap_limit
from tandem_em.model.session import Session

MOST_POINTS = 4000
CHARGE_COLOUR = "#8a8f98"  # of no particle, on white and on black
Interval = tuple[float, float]
Factor = Callable[[Cell | None], float | None]


def columns(session: Session, name: str, reach: Interval | None) -> list[data.Curve]:
    """A quantity as it was recorded."""
    return _known(
        _curve(run, np.asarray(run.values(name), np.float64), reach, is_step=run.columns[name].is_step)
        for run in _with(session, name)
    )


def currents(session: Session, factor_of: Factor, reach: Interval | None) -> list[data.Curve]:
    """The current less its zero, times what the cell makes of an ampere."""
    made = []
    for run in _with(session, "current"):
        factor = factor_of(cell_of(session, run))
        if factor is not None:
            made.append(_curve(run, run.current * factor, reach))
    return _known(made)


def charges(session: Session, factor_of: Factor, reach: Interval | None) -> list[data.Curve]:
    """Charge passed since the first sample; a band where the zero has an error."""
    made = []
    for run in _with(session, "current"):
        factor = factor_of(cell_of(session, run))
        if factor is not None:
            charge, error = charge_of(run)
            made.append(
                _curve(run, charge * factor, reach, error * factor if run.zero_current_error_A else None)
            )
    return _known(made)


def lithium_charges(session: Session, swollen: list[data.Curve], reach: Interval | None) -> list[data.Curve]:
    """The charge of runs as x in LixSi beside what the swelling says; what it is scaled by stands in the name."""
    made = []
    for run in _with(session, "current"):
        charge, _ = charge_of(run)
        passed = _curve(run, charge, None)
        scaled = lithium_numbers.charge_as_x(
            lithium_numbers.x_per_coulomb(cell_of(session, run)),
            (passed.exact or (passed.x, passed.y))[0],
            [(curve.x, curve.y) for curve in swollen],
            partial(value_at, passed),
        )
        if scaled is not None:
            x = scaled.per_coulomb * (charge - scaled.zero_C)
            made.append(replace(_curve(run, x, reach), name=scaled.label, colour=CHARGE_COLOUR))
    return _known(made)


def charge_of(run: BiasRun) -> tuple[data.Floats, data.Floats]:
    """Charge and its error (C) at every sample, as the lane shows it."""
    zero = Zero(run.zero_current_A, run.zero_current_error_A)
    current = np.asarray(run.values("current"), np.float64)
    found = integrate(run.times.view, current, zero, gap_limit(run), run.segment_starts)
    return found.charge_C, found.error_C


def resistance_of(run: BiasRun) -> data.Floats:
    """Voltage over current (Ω) at every sample, as the lane shows it."""
    current = run.current
    return resistance(np.asarray(run.values("voltage"), np.float64), current, resistance_threshold(current))


def resistances(session: Session, reach: Interval | None) -> list[data.Curve]:
    return _known(_curve(run, resistance_of(run), reach) for run in _with(session, "current", "voltage"))


def gap_limit(run: BiasRun) -> float:
    """Longer pauses of a run are gaps (s)."""
    if run.gap_limit_s is not None:
        return run.gap_limit_s
    return usual_gap_limit(in_order(np.asarray(run.times.view, np.float64))[0])


def _with(session: Session, *quantities: str) -> Iterator[BiasRun]:
    for run in session.runs:
        if run.visible and len(run) and all(name in run.columns for name in quantities):
            yield run


def _known(curves: Iterator[data.Curve] | list[data.Curve]) -> list[data.Curve]:
    return [curve for curve in curves if len(curve.x)]


def _curve(
    run: BiasRun,
    values: data.Floats,
    reach: Interval | None,
    error: data.Floats | None = None,
    *,
    is_step: bool = False,
) -> data.Curve:
    """In order of time, open at gaps, the part within reach, thinned to what can be drawn."""
    t, order = in_order(np.asarray(run.t, np.float64))
    gaps = np.flatnonzero(np.diff(t) > gap_limit(run) * (1.0 + run.clock.rate_ppm * 1e-6)) + 1
    if len(order) == len(run) and bool(np.all(np.diff(order) == 1)):
        gaps = np.union1d(gaps, [s for s in run.segment_starts if 0 < s < len(run)]).astype(np.intp)
    x = np.insert(t, gaps, t[gaps - 1]) if len(gaps) else t
    rows = [
        np.insert(row[order], gaps, np.nan) if len(gaps) else row[order]
        for row in (values, error)
        if row is not None
    ]
    if reach is not None:
        keep = (x >= reach[0]) & (x <= reach[1])
        x, rows = x[keep], [row[keep] for row in rows]
    y = rows[0]
    part = views.thinned(y, MOST_POINTS)
    low, high = (y[part] - rows[1][part], y[part] + rows[1][part]) if error is not None else (None, None)
    return data.Curve(run.name, run.colour, x[part], y[part], low, high, exact=(x, y), is_step=is_step)
