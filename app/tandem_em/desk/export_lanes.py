"""The lanes as they are shown in the biasing pane, as plain curves: for figures and movies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tandem_em.desk import biasing, biasing_views
from tandem_em.exporters import figures_data as data
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.session import Session

MOST_POINTS = 4000
Interval = tuple[float, float]


def lanes(session: Session, tracks: list[data.Track], reach: Interval | None) -> list[data.Lane]:
    """What the pane shows, in its order; of every curve the part within reach, and a little more on both sides."""
    made = []
    for choice in biasing.lane_choices(session):
        if choice.shown is False:
            continue
        if choice.kind == "area":
            lane = area_lane(tracks, choice.mode)
        elif choice.kind == "dose":
            lane = _dose(session)
        elif choice.kind in RUN_LANES:
            lane = _runs(session, choice.kind, reach)
        else:
            lane = None
        if lane is not None and lane.curves:
            made.append(lane)
    return made


def area_lane(tracks: list[data.Track], mode: str = "") -> data.Lane | None:
    """Areas of the particles: relative to their start, in nm², as diameter or as volume ratio."""
    if not tracks:
        return None
    unit = tracks[0].unit
    label, shown = {
        "nm2": ("Area", f"{unit}²"), "diameter": ("Diameter", unit), "volume": ("Volume", "× start"),
    }.get(mode, ("Area", "× start"))  # fmt: skip
    curves = []
    for track in tracks:
        if track.unit != unit or not np.isfinite(track.area).any():
            continue
        known = np.isfinite(track.t)
        order = np.argsort(track.t[known], kind="stable")
        start = track.area[np.isfinite(track.area)][0]
        y, low, high = (_in_mode(v[known][order], start, mode) for v in (track.area, track.low, track.high))
        t = track.t[known][order]
        hold = float(np.median(np.diff(t))) if len(t) > 1 else 1.0
        curves.append(data.Curve(track.name, track.colour, t, y, low, high, hold_s=hold, marker=True))
    return data.Lane(label, shown, curves)


def _in_mode(area: data.Floats, start: float, mode: str) -> data.Floats:
    if mode == "nm2":
        return area
    if mode == "diameter":
        return np.asarray(2 * np.sqrt(area / np.pi))
    return np.asarray((area / start) ** (1.5 if mode == "volume" else 1.0))


def _per_area(cell: Cell | None) -> float | None:
    return 1.0 / cell.electrode_area_cm2 if cell is not None and cell.electrode_area_cm2 else None


def _per_one_c(cell: Cell | None) -> float | None:
    area = _per_area(cell)
    return area / (cell.capacity_uAh_cm2 * 1e-6) if cell and area and cell.capacity_uAh_cm2 else None


def _as_it_is(_cell: Cell | None) -> float | None:
    return 1.0


RUN_LANES: dict[str, tuple[str, str, str, Callable[[Cell | None], float | None]]] = {
    "voltage": ("Voltage", "V", "voltage", _as_it_is),
    "current": ("Current", "A", "current", _as_it_is),
    "density": ("Density", "A/cm²", "current", _per_area),
    "c_rate": ("C-rate", "C", "current", _per_one_c),
}
"""Kind -> label, unit, column, factor from the cell."""


def _runs(session: Session, kind: str, reach: Interval | None) -> data.Lane:
    label, unit, column, factor_of = RUN_LANES[kind]
    curves = []
    for run in session.runs:
        factor = factor_of(biasing.cell_of(session, run))
        if run.visible and len(run) and column in run.columns and factor is not None:
            curve = _curve(run, column, factor, reach)
            if len(curve.x):
                curves.append(curve)
    return data.Lane(label, unit, curves)


def _curve(run: BiasRun, column: str, factor: float, reach: Interval | None) -> data.Curve:
    values = np.asarray(run.current if column == "current" else run.values(column), np.float64) * factor
    x, y = _opened(np.asarray(run.t), values, run.gaps())
    if reach is not None:
        keep = (x >= reach[0]) & (x <= reach[1])
        x, y = x[keep], y[keep]
    part = biasing_views.thinned(y, MOST_POINTS)
    return data.Curve(run.name, run.colour, x[part], y[part], exact=(x, y))


def _opened(x: data.Floats, y: data.Floats, gaps: data.Image) -> tuple[data.Floats, data.Floats]:
    """A NaN before every gap, so that nothing is drawn across it."""
    if not len(gaps):
        return x, y
    return np.insert(x, gaps, x[gaps]), np.insert(y, gaps, np.nan)


def _dose(session: Session) -> data.Lane | None:
    """Accumulated dose: as computed from counts when that was done, else from the typed rate over the movie."""
    settings = session.doses.first
    limit = (settings.budget_e_A2, "budget") if settings is not None and settings.budget_e_A2 else None
    computed = [r for r in session.results if r.analysis == "dose" and {"t_s", "dose_e_A2"} <= set(r.arrays)]
    if computed:
        t = np.asarray(computed[-1].arrays["t_s"], np.float64)
        order = np.argsort(t, kind="stable")[: int(np.isfinite(t).sum())]
        y = np.asarray(computed[-1].arrays["dose_e_A2"], np.float64)[order]
        return data.Lane("Dose", "e⁻/Å²", [data.Curve("dose", "#b98cff", t[order], y)], limit)
    if settings is None or not settings.rate_e_A2s:
        return None
    stack = session.stacks.get(settings.stack_id) or session.stacks.first
    times = np.sort(stack.t[np.isfinite(stack.t)]) if stack is not None else np.zeros(0)
    if len(times) < 2:
        return None
    curve = data.Curve("dose", "#b98cff", times, (times - times[0]) * settings.rate_e_A2s)
    return data.Lane("Dose", "e⁻/Å²", [curve], limit)
