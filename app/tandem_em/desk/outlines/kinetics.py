"""Kinetics of a followed particle: its area curve, models of a stretch of it, and the result kept with where it is from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.jobs import Job, Task, call_as_job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Request, ResultAnalysis
from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_stacks import Estimate, Kinetics
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle
from tandem_resources import read_json

if TYPE_CHECKING:
    from tandem_em.analysis.kinetics import fits
    from tandem_em.analysis.kinetics.fits import Kinetics as FittedKinetics
    from tandem_em.analysis.kinetics.models import KineticsFit as KineticsFit

    FitEstimate = fits.Estimate

KINETICS = Kinetics.analysis
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
        """The part from `span[0]` to `span[1]` (session seconds), ends included."""
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
    found: FittedKinetics
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
    # Stamps of a movie may run backwards; fits need them in order.
    order = np.flatnonzero(known)[np.argsort(t[known], kind="stable")]
    sigma = width[order] * LIMITS_TO_DEVIATION
    usual = float(np.median(sigma[sigma > 0])) if np.any(sigma > 0) else 1.0
    sigma = np.where(sigma > 0, sigma, usual)  # what a hand has drawn is as sure as the others
    return AreaCurve(t[order], area[order], sigma, "nm²" if stack.pixel_nm else "px²")


class FitKinetics(ResultAnalysis):
    """Models of a stretch of the area of a particle, and the speed along it."""

    name = Kinetics.analysis
    menu = "Kinetics"
    owner = Particle
    makes = Kinetics

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the particle has at least two outlines."""
        return isinstance(owner, Particle) and len(owner.outlines) > 1

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`span_s` (session seconds) None: from the start to the greatest change of area."""
        curve = area_curve(session, owner)
        low, high = parameters.get("span_s") or likely_span(curve)
        stack = session.stacks[owner.stack_id]
        given = {"span_s": [low, high], "window_s": smoothing_s(curve.between((low, high)).t)}
        return Request(self, owner, [stack, stack.clock, owner], given)

    def working(self, request: Request) -> str:
        """Names the particle."""
        return f"Kinetics of {request.owner.name}"

    def label(self, request: Request) -> str:
        """Undo text for keeping what the dialog has shown already."""
        return f"Keep the {self.title(request)}"

    def key(self, request: Request) -> str:
        """One for all particles: the dialog shows one fit at a time."""
        return "kinetics"

    def job(self, session: Session, request: Request) -> Job[Analysed]:
        """Fits all models to the area in the span, and the speed along it."""
        assert isinstance(request.owner, Particle)
        low, high = request.parameters["span_s"]
        curve = area_curve(session, request.owner).between((low, high))
        return call_as_job(lambda: _analysed(curve, (low, high)), "Fitting")

    def typed(self, session: Session, request: Request, found: Any) -> Kinetics:
        """The fits as arrays that a session file can hold."""
        return kinetics_of(found)

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """The kept kinetics of this particle, at most one."""
        older = session.particles.get(request.owner.id)
        kept = kept_for(session, older) if older is not None else None
        return [] if kept is None else [kept]

    def is_stale(self, session: Session, item: MadeItem) -> bool:
        """By the fitted areas, not by revisions: a new colour changes nothing."""
        return not isinstance(item, ResultSet) or is_stale(session, item)

    def summary(self, item: Item) -> str:
        """Name of the best model by AIC."""
        found = self.of(item)
        return f"Best model: {found.best}." if found is not None and found.best else ""

    def method(self, session: Session, step: Step) -> str:
        """Span (s), models that were tried and the window of dA/dt."""
        low, high = step.parameters["span_s"]
        kept = next(
            (found for r in session.results if r.made_by == step.id and (found := Kinetics.of(r))), None
        )
        models = ", ".join(str(model["name"]) for model in kept.models) if kept is not None else ""
        best = f"; models {models}, the best by AIC first" if models else ""
        window = f"dA/dt from straight lines through {step.parameters['window_s']:.3g} s"
        return f"{self.subject(session, step)}: area from {low:.1f} to {high:.1f} s{best}; {window}"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """The span; the smoothing window follows from it."""
        return {"span_s": step.parameters.get("span_s")}


FIT_KINETICS = FitKinetics()


def _analysed(curve: AreaCurve, span: tuple[float, float]) -> Analysed:
    from tandem_em.analysis.kinetics.fits import analyse as analyse_curve
    from tandem_em.analysis.kinetics.fits import speed

    found = analyse_curve(curve.t, curve.area, curve.sigma)
    window_s = smoothing_s(curve.t)
    rate, error = speed(curve.t, curve.area, window_s)
    return Analysed(curve, span, found, rate, error, window_s)


def analyse(
    desk: Desk,
    particle: Particle,
    span: tuple[float, float],
    done: Callable[[Analysed], None],
    failed: Callable[[BaseException], None],
) -> Task[Analysed]:
    """Fit all models to a stretch (session seconds) in a job. A newer call replaces one that is still running."""
    request = FIT_KINETICS.ask(desk.session, particle, span_s=span)
    job = request.job(desk.session)
    label, key = FIT_KINETICS.working(request), FIT_KINETICS.key(request)
    return desk.start(label, job, done, on_error=failed, key=key)


def likely_span(curve: AreaCurve) -> tuple[float, float]:
    """From the start to the greatest change of area: what comes after it is another process."""
    # Smoothed over a twentieth of the curve: a single noisy frame must not be the greatest change.
    half = max(1, len(curve.t) // 40)
    kernel = np.ones(2 * half + 1) / (2 * half + 1)
    calm = np.convolve(np.pad(curve.area, half, mode="edge"), kernel, mode="valid")
    farthest = int(np.argmax(np.abs(calm - calm[0])))
    # A change within the first fifth is too short to fit: then the whole curve is taken.
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
    """The kinetics kept for a particle, the newest; None when none were kept."""
    owned = [r for r in session.results if r.analysis == KINETICS and r.owner_id == particle.id]
    return owned[-1] if owned else None


def is_stale(session: Session, result: ResultSet) -> bool:
    """Whether the areas that were fitted are others now. A new name or colour of the particle changes nothing."""
    particle, fitted = session.particles.get(result.owner_id), Kinetics.of(result)
    if particle is None or fitted is None or not particle.outlines:
        return True
    try:
        now = area_curve(session, particle).between(fitted.span_s)
    except UserError:  # nothing of what was fitted is left
        return True
    return not (np.array_equal(now.t, fitted.t_s) and np.array_equal(now.area, fitted.area))


def keep(desk: Desk, particle: Particle, analysed: Analysed) -> ResultSet:
    """Store the fits as a result of the particle, in place of older ones: one undoable step with its provenance."""
    request = FIT_KINETICS.ask(desk.session, particle, span_s=analysed.span)
    (result,) = request.keep(desk.session, analysed)
    assert isinstance(result, ResultSet)
    return result


def forget(desk: Desk, result: ResultSet) -> None:
    """Remove kept kinetics; the particle stays."""
    desk.remove(f"Remove the {result.name}", result)


def kinetics_of(analysed: Analysed) -> Kinetics:
    """Everything that was found, to be stored; intervals are 95 %. The best model comes first."""
    found, curve = analysed.found, analysed.curve
    is_in_nm = curve.unit == "nm²"
    return Kinetics(
        t_s=curve.t, area=curve.area, area_sigma=curve.sigma, unit=curve.unit,
        fits={fit.model.name: fit.value_at(curve.t) for fit in found.fits},
        rate=analysed.rate, rate_sigma=analysed.rate_error, window_s=float(analysed.window_s),
        span_s=(float(analysed.span[0]), float(analysed.span[1])),
        models=[
            {
                "name": fit.model.name, "formula": fit.model.label, "aic": fit.aic, "weight": fit.weight, "rms": fit.rms,
                "parameters": dict(fit.parameters), "intervals": {k: list(v) for k, v in fit.intervals.items()},
            }
            for fit in found.fits
        ],
        start_area=_limits(found.start_area), end_area=_limits(found.end_area), onset_s=_limits(found.onset_s),
        initial_rate=_limits(found.initial_rate), t90_s=_limits(found.t90_s),
        # A speed in cm²/s needs a calibration.
        initial_speed_cm2_s=_limits(found.initial_speed_cm2_s) if is_in_nm else None,
    )  # fmt: skip


def _limits(estimate: FitEstimate) -> Estimate:
    return estimate.value, estimate.low, estimate.high
