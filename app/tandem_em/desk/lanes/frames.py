"""Curves of frames for figures and movies: particles, layers, regions, drift, dose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tandem_em.desk.eels import lithium_of_sites
from tandem_em.desk.lanes import lithium_numbers
from tandem_em.desk.lanes.numbers import SHAPES, area_track, in_mode, in_order, shape_track
from tandem_em.desk.outlines import kinetics
from tandem_em.desk.stacks import layers
from tandem_em.desk.stacks.stack import REGION
from tandem_em.exporters.figures import data
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle

DOSE_COLOUR = "#b98cff"
COLOURS = ("#4a9eff", "#2fb36d", "#e0a100", "#b98cff")
FIT_COLOUR = "#444444"
Curves = tuple[list[data.Curve], str]


def areas(session: Session, mode: str) -> list[data.Curve]:
    """Sizes of the visible particles with their limits, and the fits of their kinetics that were kept."""
    shown: dict[str, data.Curve] = {}
    for particle in session.particles:
        stack = session.stacks.get(particle.stack_id)
        if particle.visible and particle.outlines and stack is not None and len(stack.times):
            curve = _sizes(particle, stack, mode)
            if curve is not None:
                shown[particle.id] = curve
    return [*shown.values(), *(_fits(session, shown, mode) if mode not in SHAPES else [])]


def lithium_of_swelling(session: Session) -> list[data.Curve]:
    """x in LixSi that the swelling of each visible particle says."""
    curves = []
    for curve in areas(session, "volume"):
        if curve.kind != "fit" and curve.low is not None and curve.high is not None:
            y, low, high = (lithium_numbers.x_from_volume(row) for row in (curve.y, curve.low, curve.high))
            curves.append(replace(curve, y=y, low=low, high=high))
    return curves


def lithium_of_maps(session: Session) -> list[data.Curve]:
    """x in LixSi that was read from EELS maps, as long as each took."""
    return [
        data.Curve(
            each.name, each.colour, np.array([each.start, each.end]), np.full(2, each.x), np.full(2, each.x - each.error),
            np.full(2, each.x + each.error),
        )
        for each in lithium_of_sites.readings(session)
    ]  # fmt: skip


def _sizes(particle: Particle, stack: FrameStack, mode: str) -> data.Curve | None:
    track = shape_track(particle, stack, mode) if mode in SHAPES else area_track(particle.outlines)
    if track is None:
        return None
    inside = track.frames < len(stack.times)
    t, order = in_order(np.asarray(stack.t[track.frames[inside]], np.float64))
    rows = [values[inside][order] for values in (track.area, track.low, track.high)]
    made = [in_mode(row, rows[0], mode, stack.pixel_nm) for row in rows]
    if any(row is None for row in made) or not len(t):
        return None
    y, low, high = (row for row in made if row is not None)
    return data.Curve(particle.name, particle.colour, t, y, low, high, hold_s=_usual_step(t), marker=True)


def _fits(session: Session, shown: dict[str, data.Curve], mode: str) -> list[data.Curve]:
    curves = []
    for result in session.results:
        particle = session.particles.get(result.owner_id)
        if result.analysis != kinetics.KINETICS or particle is None or particle.id not in shown:
            continue
        stack = session.stacks[particle.stack_id]
        model = result.values["models"][0]["name"]
        fitted = np.asarray(result.arrays[f"fit {model}"], np.float64)
        in_nm = result.values["area_unit"] == "nm²"
        if in_nm and not stack.pixel_nm:
            continue
        square = stack.pixel_nm**2 if in_nm and stack.pixel_nm else 1.0
        y = in_mode(fitted / square, area_track(particle.outlines).area, mode, stack.pixel_nm)
        if y is not None:
            t = np.asarray(result.arrays["t_s"], np.float64)
            curves.append(data.Curve(f"{particle.name}, {model}", FIT_COLOUR, t, y, kind="fit"))
    return curves


def thickness(session: Session) -> Curves:
    """Thickness of the layers that were followed, with their deviation."""
    curves: list[data.Curve] = []
    unit = "nm"
    for result in session.results:
        if result.analysis != layers.LAYERS:
            continue
        line = session.profiles.get(str(result.values.get("line_id")))
        name, colour = (line.name, line.colour) if line is not None else (result.name, COLOURS[0])
        found = layers.thicknesses(result)
        unit = found[0][2] if found else unit
        for number, (values, errors, _) in enumerate(found, start=1):
            label = name if len(found) == 1 else f"{name}.{number}"
            curves.append(_of_frames(label, colour, result, values, (values - errors, values + errors)))
    return curves, unit


def regions(session: Session) -> Curves:
    """Mean of each region of a stack."""
    found = [r for r in session.results if r.analysis == REGION and "mean" in r.arrays]
    curves = [
        _of_frames(r.name.split(" of ")[0], COLOURS[n % len(COLOURS)], r, r.arrays["mean"])
        for n, r in enumerate(found)
    ]
    return curves, found[0].units.get("mean", "counts") if found else "counts"


def _of_frames(
    label: str,
    colour: str,
    result: ResultSet,
    values: data.Floats,
    limits: tuple[data.Floats, data.Floats] | None = None,
) -> data.Curve:
    x, order = in_order(np.asarray(result.arrays["t_s"], np.float64))
    low, high = (None, None) if limits is None else (limits[0][order], limits[1][order])
    return data.Curve(label, colour, x, values[order], low, high, hold_s=_usual_step(x), marker=True)


def drift(session: Session) -> Curves:
    """How far the content of each frame has moved in x and y."""
    curves: list[data.Curve] = []
    unit = "nm"
    for stack in session.stacks:
        if stack.drift_px is None or not len(stack.times):
            continue
        count = min(len(stack.drift_px), len(stack.times))
        x, order = in_order(np.asarray(stack.t[:count], np.float64))
        unit = "nm" if stack.pixel_nm else "px"
        for axis, name in enumerate("xy"):
            y = stack.drift_px[:count][order, axis] * (stack.pixel_nm or 1.0)
            curves.append(data.Curve(name, COLOURS[axis], x, y))
    return curves, unit


def dose(session: Session, *, cumulative: bool) -> tuple[list[data.Curve], tuple[tuple[float, str], ...]]:
    """Rate or dose: as computed from counts when that was done, else from the typed rate over the movie; the budget."""
    settings = session.doses.first
    budget = settings.budget_e_A2 if settings is not None and cumulative else None
    limits = ((budget, "budget"),) if budget else ()
    computed = next(
        (r for r in reversed(list(session.results)) if r.analysis == "dose" and "t_s" in r.arrays), None
    )
    name = "dose_e_A2" if cumulative else "rate_e_A2s"
    if computed is not None and name in computed.arrays:
        t, order = in_order(np.asarray(computed.arrays["t_s"], np.float64))
        y = np.asarray(computed.arrays[name], np.float64)[order]
        return [data.Curve("dose", DOSE_COLOUR, t, y)], limits
    if settings is None or not settings.rate_e_A2s:
        return [], ()
    stack = session.stacks.get(settings.stack_id) or session.stacks.first
    times = np.sort(stack.t[np.isfinite(stack.t)]) if stack is not None else np.zeros(0)
    extent = session.extent()
    if len(times) < 2 and extent is not None:
        times = np.linspace(*extent, 1000)
    if len(times) < 2 or times[-1] <= times[0]:
        return [], ()
    rate = settings.rate_e_A2s
    y = (times - times[0]) * rate if cumulative else np.full(len(times), rate)
    return [data.Curve("dose", DOSE_COLOUR, times, y, is_linear=True)], limits


def _usual_step(t: data.Floats) -> float:
    return float(np.median(np.diff(t))) if len(t) > 1 else 1.0
