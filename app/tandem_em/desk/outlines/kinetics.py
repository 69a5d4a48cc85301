"""Kinetics of a followed particle: its area curve, models of a stretch of it, and the result kept with where it is from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Task, call_as_job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, Edit, RemoveItem
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_resources import read_json

if TYPE_CHECKING:
    from tandem_em.analysis.kinetics.fits import Estimate, Kinetics

KINETICS = "kinetics"
LIMITS_TO_DEVIATION = 1 / (2 * 1.96)
"""From the width of a 95 % band to one standard deviation."""


@dataclass(frozen=True, eq=False)
class AreaCurve:
    """Area of a particle over session seconds, in order; `sigma` one deviation. Lost frames are left out."""

    t: Floats
    area: Floats
    sigma: Floats
    unit: str

    def between(self, span: tuple[float, float]) -> AreaCurve:
        inside = (self.t >= span[0]) & (self.t <= span[1])
        return AreaCurve(self.t[inside], self.area[inside], self.sigma[inside], self.unit)


NO_CURVE = AreaCurve(np.zeros(0), np.zeros(0), np.zeros(0), "nm²")


@dataclass(frozen=True)
class Reference:
    """A published diffusivity to set a speed beside (cm²/s)."""

    material: str
    process: str
    value_cm2_s: float
    low_cm2_s: float | None
    high_cm2_s: float | None
    temperature_C: float
    source: str
    note: str
    is_usual: bool


@dataclass(frozen=True, eq=False)
class Analysed:
    """The models of one stretch and the speed along it."""

    curve: AreaCurve
    span: tuple[float, float]
    found: Kinetics
    rate: Floats
    """dA/dt at each frame of the curve, from straight lines through `window_s`."""
    rate_error: Floats
    window_s: float


def area_curve(session: Session, particle: Particle) -> AreaCurve:
    """What kinetics are made from: frames in which the particle was found and is to be trusted."""
    stack = session.stacks.get(particle.stack_id)
    if stack is None or not len(stack.times):
        raise UserError(f"{particle.name} has no times.", "Kinetics need a movie whose frames have times.")
    sure = [k for k, o in particle.outlines.items() if k < len(stack.times) and o.confidence >= DOUBT]
    if len(sure) < 2:
        raise UserError(f"{particle.name} has no area curve.", "Follow it first.")
    frames = np.array(sorted(sure), int)
    rows = [particle.outlines[int(frame)] for frame in frames]
    square = (stack.pixel_nm or 1.0) ** 2
    t, area = stack.t[frames], square * np.array([row.area_px for row in rows])
    width = square * np.array([row.area_high_px - row.area_low_px for row in rows])
    known = np.isfinite(t) & np.isfinite(area)
    order = np.flatnonzero(known)[np.argsort(t[known], kind="stable")]
    sigma = width[order] * LIMITS_TO_DEVIATION
    usual = float(np.median(sigma[sigma > 0])) if np.any(sigma > 0) else 1.0
    sigma = np.where(sigma > 0, sigma, usual)  # what a hand has drawn is as sure as the others
    return AreaCurve(t[order], area[order], sigma, "nm²" if stack.pixel_nm else "px²")


def analyse(
    desk: Desk,
    particle: Particle,
    span: tuple[float, float],
    done: Callable[[Analysed], None],
    failed: Callable[[BaseException], None],
) -> Task[Analysed]:
    """Fit all models to a stretch (session seconds) in a job. A newer call replaces one that is still running."""
    curve = area_curve(desk.session, particle).between(span)

    def work() -> Analysed:
        from tandem_em.analysis.kinetics.fits import analyse as analyse_curve
        from tandem_em.analysis.kinetics.fits import speed

        found = analyse_curve(curve.t, curve.area, curve.sigma)
        window_s = smoothing_s(curve.t)
        rate, error = speed(curve.t, curve.area, window_s)
        return Analysed(curve, span, found, rate, error, window_s)

    job = call_as_job(work, "Fitting")
    return desk.start(f"Kinetics of {particle.name}", job, done, on_error=failed, key="kinetics")


def likely_span(curve: AreaCurve) -> tuple[float, float]:
    """From the start to the greatest change of area: what comes after it is another process."""
    half = max(1, len(curve.t) // 40)
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    calm = np.convolve(np.pad(curve.area, half, mode="edge"), kernel, mode="valid")
    farthest = int(np.argmax(np.abs(calm - calm[0])))
    end = farthest if farthest >= len(calm) // 5 else len(calm) - 1
    return float(curve.t[0]), float(curve.t[end])


def smoothing_s(t: Floats) -> float:
    """How long the straight lines are that dA/dt is read from: nine frames, at most a fifth of the stretch."""
    if len(t) < 2:
        return math.inf
    return float(min(9 * np.median(np.diff(t)), max(np.ptp(t) / 5, 3 * np.median(np.diff(t)))))


def references() -> list[Reference]:
    """The shipped diffusivities, the usual ones first."""
    rows = [
        Reference(
            row["material"], row["process"], row["value_cm2_s"], row["low_cm2_s"], row["high_cm2_s"],
            row["temperature_C"], row["source"], row["note"], row["default"],
        )
        for row in read_json("diffusivities.json")["entries"]
    ]  # fmt: skip
    return sorted(rows, key=lambda row: not row.is_usual)


# --- kept in the session --------------------------------------------------------------------------------------------


def kept_for(session: Session, particle: Particle) -> ResultSet | None:
    owned = [r for r in session.results if r.analysis == KINETICS and r.owner_id == particle.id]
    return owned[-1] if owned else None


def is_stale(session: Session, result: ResultSet) -> bool:
    """Whether the areas that were fitted are others now. A new name or colour of the particle changes nothing."""
    particle = session.particles.get(result.owner_id)
    if particle is None or not particle.outlines:
        return True
    low, high = result.values["span_s"]
    try:
        now = area_curve(session, particle).between((low, high))
    except UserError:  # nothing of what was fitted is left
        return True
    return not (
        np.array_equal(now.t, result.arrays["t_s"]) and np.array_equal(now.area, result.arrays["area"])
    )


def keep(desk: Desk, particle: Particle, analysed: Analysed) -> ResultSet:
    """Store the fits as a result of the particle, in place of older ones: one undoable step with its provenance."""
    session, found, curve = desk.session, analysed.found, analysed.curve
    stack = session.stacks[particle.stack_id]
    arrays: dict[str, NDArray[Any]] = {"t_s": curve.t, "area": curve.area, "area_sigma": curve.sigma}
    units = {"t_s": "s", "area": curve.unit, "area_sigma": curve.unit}
    for fit in found.fits:
        arrays[f"fit {fit.model.name}"] = fit.value_at(curve.t)
        units[f"fit {fit.model.name}"] = curve.unit
    arrays |= {"rate": analysed.rate, "rate_sigma": analysed.rate_error}
    units |= {"rate": f"{curve.unit}/s", "rate_sigma": f"{curve.unit}/s"}
    name = f"kinetics of {particle.name}"
    result = ResultSet(
        name=name, analysis=KINETICS, arrays=arrays, units=units, values=numbers(analysed),
        owner_id=particle.id, simulated=particle.simulated,
    )  # fmt: skip
    step = step_for(
        name,
        [stack, stack.clock, particle],
        {"span_s": list(analysed.span), "window_s": analysed.window_s},
        [result.id],
    )
    result.step_id = step.id
    label = f"Keep the {name}"
    edits: list[Edit] = []
    older = kept_for(session, particle)
    if older is not None:
        edits.append(RemoveItem(label, older))
    desk.do(label, *edits, AddItem(label, step), AddItem(label, result))
    return result


def forget(desk: Desk, result: ResultSet) -> None:
    desk.remove(f"Remove the {result.name}", result)


def numbers(analysed: Analysed) -> dict[str, Any]:
    """Everything that was found, as plain numbers; intervals are 95 %. The best model comes first."""
    found = analysed.found
    estimates: dict[str, Estimate] = {
        "start_area": found.start_area,
        "end_area": found.end_area,
        "onset_s": found.onset_s,
        "initial_rate": found.initial_rate,
        "t90_s": found.t90_s,
    }
    if analysed.curve.unit == "nm²":
        estimates["initial_speed_cm2_s"] = found.initial_speed_cm2_s
    return {
        "span_s": [float(analysed.span[0]), float(analysed.span[1])],
        "area_unit": analysed.curve.unit,
        "window_s": float(analysed.window_s),
        "models": [
            {
                "name": fit.model.name, "formula": fit.model.label, "aic": fit.aic, "weight": fit.weight, "rms": fit.rms,
                "parameters": dict(fit.parameters), "intervals": {k: list(v) for k, v in fit.intervals.items()},
            }
            for fit in found.fits
        ],
        **{name: [e.value, e.low, e.high] for name, e in estimates.items()},
    }  # fmt: skip
