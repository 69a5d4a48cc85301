"""Verbs of the electron dose: a typed rate or calibrated counts, dose over time, dose over the sample, the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress, Task, call_as_job, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.analysis import Request, ResultAnalysis
from tandem_em.desk.desk import Desk
from tandem_em.model.dose import DoseSettings
from tandem_em.model.edits import ChangeFields, Edit
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_stacks import Dose, DoseMap
from tandem_em.model.session import Session

DOSE, DOSE_MAP = Dose.analysis, DoseMap.analysis


def settings_of(session: Session, stack: FrameStack) -> DoseSettings | None:
    """The dose settings of a stack (rate, budget); None until somebody has set its dose."""
    return next((dose for dose in session.doses if dose.stack_id == stack.id), None)


def of_stack(session: Session, stack: FrameStack, analysis: str = DOSE) -> ResultSet | None:
    """The dose of a stack as it was measured (rates and doses of its frames), or its map."""
    return next((r for r in session.results if r.analysis == analysis and r.owner_id == stack.id), None)


def type_rate(desk: Desk, stack: FrameStack, rate_e_A2s: float, budget_e_A2: float | None) -> Task[Any]:
    """A typed rate (and budget); frames without beam are looked for, they add nothing."""
    _settle(desk, stack, {"rate_from": "typed", "rate_e_A2s": rate_e_A2s, "budget_e_A2": budget_e_A2})
    return _measure(desk, stack, {"rate_e_A2s": rate_e_A2s})


def from_counts(
    desk: Desk, stack: FrameStack, counts_per_electron: float, offset: float, budget_e_A2: float | None = None
) -> Task[Any]:
    """Dose of every frame from its calibrated counts; frames without beam add nothing."""
    calibration: dict[str, Any] = {"counts_per_electron": counts_per_electron, "counts_offset": offset}
    MEASURE_DOSE.ask(desk.session, stack, **calibration)  # says what is missing before anything changes
    if budget_e_A2 is not None:
        _settle(desk, stack, {"rate_from": "counts", "budget_e_A2": budget_e_A2 or None})
    return _measure(desk, stack, calibration)


def rates(given: Mapping[str, Any], pixel_nm: float | None, levels: Floats, on: NDArray[np.bool_]) -> Floats:
    """Rate of every frame (e/Å²s) by what was typed or calibrated (values of the result) and its mean counts."""
    if "rate_e_A2s" in given:
        return np.where(on, float(given["rate_e_A2s"]), 0.0)
    # Noise below the offset is no negative dose.
    electrons = np.clip((levels - given["counts_offset"]) / given["counts_per_electron"], 0, None)
    # Without a pixel size the rate is NaN, not wrong.
    area_A2 = (10 * (pixel_nm or math.nan)) ** 2
    return np.where(on, electrons, 0.0) / (area_A2 * given["exposure_s"])


def _settle(desk: Desk, stack: FrameStack, fields: dict[str, Any]) -> None:
    known = settings_of(desk.session, stack)
    if known is None:
        desk.add("Set the dose rate", DoseSettings(name=stack.name, stack_id=stack.id, **fields))
    else:
        desk.change("Set the dose rate", known, **fields)


def _measure(desk: Desk, stack: FrameStack, given: dict[str, Any]) -> Task[Any]:
    """Brightness of every frame, from it rate and dose: one step, in the place of an older one."""

    def kept(items: list[Item]) -> None:
        result = items[0]
        assert isinstance(result, ResultSet)
        say(desk, stack, result)

    return MEASURE_DOSE.ask(desk.session, stack, **given).start(desk, kept)


class MeasureDose(ResultAnalysis):
    """Rate and dose of every frame, from a typed rate or from calibrated counts."""

    name = Dose.analysis
    menu = "Dose"
    owner = FrameStack
    makes = Dose

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`rate_e_A2s`, or `counts_per_electron` with `counts_offset`; UserError when neither can be used."""
        given = {key: float(parameters[key]) for key in GIVEN if parameters.get(key) is not None}
        if "rate_e_A2s" not in given:
            given = self._calibrated(owner, given)
        settings = settings_of(session, owner) or DoseSettings()
        given["beam_off_fraction"] = settings.beam_off_fraction
        return Request(self, owner, [owner, owner.clock], given)

    def _calibrated(self, stack: FrameStack, given: dict[str, float]) -> dict[str, float]:
        if not stack.pixel_nm:
            raise UserError(f"{stack.name} has no pixel size.", "Calibrate it on the scale bar first.")
        if given.get("counts_per_electron", 0.0) <= 0:
            raise UserError(
                "Counts per electron must be positive.",
                "See the data sheet or the calibration of the camera.",
            )
        return {"counts_offset": 0.0} | given | {"exposure_s": exposure_of(stack)}

    def title(self, request: Request) -> str:
        """Names the stack."""
        return f"Dose of {request.owner.name}"

    def working(self, request: Request) -> str:
        """Names the stack."""
        return f"Measuring the dose of {request.owner.name}"

    def label(self, request: Request) -> str:
        """Undo text: the same as the name of the result."""
        return self.title(request)

    def job(self, session: Session, request: Request) -> Job[Floats]:
        """Mean counts of every frame, also for a typed rate: they tell where the beam was off."""
        assert isinstance(request.owner, FrameStack)
        return brightness(request.owner)

    def typed(self, session: Session, request: Request, found: Any) -> Dose:
        """Rate (e⁻/Å²s) and accumulated dose (e⁻/Å²) of every frame, 0 added without beam."""
        from tandem_em.analysis.images import dose as numbers

        stack, given = request.owner, request.parameters
        assert isinstance(stack, FrameStack)
        on = numbers.beam_is_on(
            found, given["beam_off_fraction"], given.get("counts_offset", stack.counts_offset)
        )
        t = stack.t[: len(found)].copy()
        rate = rates(given, stack.pixel_nm, found, on)
        return Dose(
            t_s=t, rate_e_A2s=rate, dose_e_A2=numbers.over_time(t, rate), beam_on=on,
            typed_rate_e_A2s=given.get("rate_e_A2s"), counts_per_electron=given.get("counts_per_electron"),
            counts_offset=given.get("counts_offset"), exposure_s=given.get("exposure_s"),
        )  # fmt: skip

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """Its map goes too: what was asked anew is another dose."""
        own = (r for r in session.results if r.owner_id == request.owner.id)
        return [r for r in own if r.analysis in (DOSE, DOSE_MAP)]

    def also(self, session: Session, request: Request, label: str) -> list[Edit]:
        """The calibration it was measured with stays with the stack, and does not make it stale."""
        stack = request.owner
        wanted = {key: request.parameters[key] for key in CALIBRATION if key in request.parameters}
        if all(getattr(stack, key) == value for key, value in wanted.items()):
            return []
        # The change of the calibration below raises the revision by one.
        request.step.inputs[stack.id] = stack.revision + 1
        return [ChangeFields(label, stack.id, wanted)]

    def summary(self, item: Item) -> str:
        """The whole dose, and frames in which the beam was off."""
        found = self.of(item)
        return total_text(found) if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """The typed rate, or the calibration of the counts."""
        given = step.parameters
        if "rate_e_A2s" in given:
            return f"{self.subject(session, step)}: {given['rate_e_A2s']:g} e⁻/Å²s in every frame with beam"
        gain, offset = given.get("counts_per_electron", 0.0), given.get("counts_offset", 0.0)
        return f"{self.subject(session, step)}: mean counts of every frame less {offset:g}, {gain:g} counts per electron"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """Rate or calibration as given; exposure and beam-off fraction come from the stack."""
        return {key: step.parameters.get(key) for key in GIVEN}


CALIBRATION = ("counts_per_electron", "counts_offset")
GIVEN = ("rate_e_A2s", *CALIBRATION)
MEASURE_DOSE = MeasureDose()


def brightness(stack: FrameStack) -> Job[Floats]:
    """Mean counts of every frame; NaN where one cannot be read."""
    count = len(stack)  # it may be growing meanwhile
    levels = np.full(count, np.nan)
    for index in range(count):
        yield Progress(index, count, "Measuring the brightness")
        try:
            levels[index] = float(np.mean(stack.frame(index), dtype=np.float64))
        except UserError:
            continue
    return levels


def exposure_of(stack: FrameStack) -> float:
    """Seconds a frame was exposed; without a header the usual step between frames."""
    times = np.sort(stack.times[np.isfinite(stack.times)])
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    return stack.exposure_s or usual


def total_text(found: Dose) -> str:
    """Dose in all, and the frames without beam."""
    dark = np.flatnonzero(~np.asarray(found.beam_on, bool))
    most = float(np.nanmax(found.dose_e_A2)) if len(found.dose_e_A2) else 0.0
    text = f"{most:.4g} e⁻/Å² in total."
    if len(dark):
        first = ", ".join(str(index + 1) for index in dark[:5])
        frames = f"{len(dark)} of {len(found.beam_on)} frames ({first}{' …' if len(dark) > 5 else ''})"
        text += f" The beam was off in {frames}."
    return text


def say(desk: Desk, stack: FrameStack, result: ResultSet) -> None:
    """What the dose came to: beam-off frames, and when the budget was passed."""
    found = Dose.from_result(result)
    text = f"{stack.name}: {total_text(found)}"
    settings = settings_of(desk.session, stack)
    budget = settings.budget_e_A2 if settings is not None else None
    total = found.dose_e_A2
    if budget and len(total) and float(np.nanmax(total)) > budget:
        passed = float(np.nanmin(np.where(total > budget, found.t_s, np.nan)))
        desk.notices.warning(f"{stack.name} passes its budget of {budget:.4g} e⁻/Å² at {passed:.1f} s.", text)
    else:
        desk.notices.info(text, "Dose rate and dose are available as lanes (Lanes ▾).")


class MapDose(ResultAnalysis):
    """Dose at every place of the sample, the drift taken into account."""

    name = DoseMap.analysis
    menu = "Dose over the sample"
    owner = FrameStack
    makes = DoseMap

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the dose of the stack has been measured."""
        return isinstance(owner, FrameStack) and of_stack(session, owner) is not None

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """From the measured dose and the drift; UserError while there is no dose."""
        measured = of_stack(session, owner)
        if measured is None:
            raise UserError(
                f"The dose of {owner.name} is not known yet.",
                "Enter the dose rate or calibrate the counts (⋯, Dose).",
            )
        return Request(self, owner, [owner, measured], {"drift": owner.drift_px is not None})

    def title(self, request: Request) -> str:
        """Names the stack."""
        return f"Dose map of {request.owner.name}"

    def job(self, session: Session, request: Request) -> Job[DoseMap]:
        """Adds up the dose of every frame where the frame lay on the sample."""
        stack, measured = request.owner, request.inputs[1]
        assert isinstance(stack, FrameStack)
        assert isinstance(measured, ResultSet)
        dose = Dose.from_result(measured)
        # As many as there are doses: the stack may have grown since.
        drift = np.array([stack.drift_at(index) for index in range(len(dose.t_s))])
        return call_as_job(lambda: _over_sample(dose, drift, stack.shape), self.title(request))

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """Earlier dose maps of this stack."""
        return [r for r in session.results if r.analysis == DOSE_MAP and r.owner_id == request.owner.id]

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """From the dose as it is now: it may have been measured anew."""
        stack = session.stacks.get(self.owner_of(session, step))
        if stack is None or of_stack(session, stack) is None:
            return None
        return self.ask(session, stack)

    def summary(self, item: Item) -> str:
        """The highest dose anywhere (e⁻/Å²)."""
        found = self.of(item)
        return f"At most {float(found.dose_e_A2.max(initial=0.0)):.4g} e⁻/Å²." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """Whether drift was taken into account."""
        drift = "the drift taken into account" if step.parameters.get("drift") else "without drift"
        return f"{self.subject(session, step)}: dose of all frames at every place of the sample, {drift}"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """None: dose and drift are those of the stack."""
        return {}


MAP_DOSE = MapDose()


def _over_sample(dose: Dose, drift: Floats, shape: tuple[int, int, int]) -> DoseMap:
    from tandem_em.analysis.images import dose as numbers

    _, height, width = shape
    found = numbers.over_sample(numbers.increments(dose.t_s, dose.rate_e_A2s), drift, (height, width))
    x, y = found.origin_px
    return DoseMap(dose_e_A2=found.dose, origin_px=(x, y), step_px=found.step_px)


def map_over_sample(desk: Desk, stack: FrameStack) -> ResultSet:
    """Dose at every place of the sample, at once; kept as one step in the place of an older map."""
    request = MAP_DOSE.ask(desk.session, stack)
    (result,) = request.keep(desk.session, run_to_end(request.job(desk.session)))
    assert isinstance(result, ResultSet)
    return result
