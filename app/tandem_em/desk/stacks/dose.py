"""Verbs of the electron dose: a typed rate or calibrated counts, dose over time, dose over the sample, the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress, Task
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.dose import DoseSettings
from tandem_em.model.edits import AddItem, ChangeFields, Edit, RemoveItem
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session

DOSE, DOSE_MAP = "dose", "dose map"


def settings_of(session: Session, stack: FrameStack) -> DoseSettings | None:
    return next((dose for dose in session.doses if dose.stack_id == stack.id), None)


def of_stack(session: Session, stack: FrameStack, analysis: str = DOSE) -> ResultSet | None:
    """The dose of a stack as it was measured (rates and doses of its frames), or its map."""
    return next((r for r in session.results if r.analysis == analysis and r.owner_id == stack.id), None)


def type_rate(desk: Desk, stack: FrameStack, rate_e_A2s: float, budget_e_A2: float | None) -> Task[Any]:
    """A typed rate (and budget); frames without beam are looked for, they add nothing."""
    _settle(desk, stack, {"rate_from": "typed", "rate_e_A2s": rate_e_A2s, "budget_e_A2": budget_e_A2})

    return _measure(desk, stack, {"rate_e_A2s": rate_e_A2s}, {})


def from_counts(
    desk: Desk, stack: FrameStack, counts_per_electron: float, offset: float, budget_e_A2: float | None = None
) -> Task[Any]:
    """Dose of every frame from its calibrated counts; frames without beam add nothing."""
    if not stack.pixel_nm:
        raise UserError(f"{stack.name} has no pixel size.", "Calibrate it on the scale bar first.")
    if counts_per_electron <= 0:
        raise UserError(
            "Counts per electron must be positive.", "The camera's data sheet or its calibration has it."
        )
    calibration = {"counts_per_electron": counts_per_electron, "counts_offset": offset}
    if budget_e_A2 is not None:
        _settle(desk, stack, {"rate_from": "counts", "budget_e_A2": budget_e_A2 or None})
    return _measure(desk, stack, calibration | {"exposure_s": exposure_of(stack)}, calibration)


def rates(given: Mapping[str, Any], pixel_nm: float | None, levels: Floats, on: NDArray[np.bool_]) -> Floats:
    """Rate of every frame (e/Å²s) by what was typed or calibrated (values of the result) and its mean counts."""
    if "rate_e_A2s" in given:
        return np.where(on, float(given["rate_e_A2s"]), 0.0)
    electrons = np.clip((levels - given["counts_offset"]) / given["counts_per_electron"], 0, None)
    area_A2 = (10 * (pixel_nm or math.nan)) ** 2
    return np.where(on, electrons, 0.0) / (area_A2 * given["exposure_s"])


def _settle(desk: Desk, stack: FrameStack, fields: dict[str, Any]) -> None:
    known = settings_of(desk.session, stack)
    if known is None:
        desk.add("Set the dose rate", DoseSettings(name=stack.name, stack_id=stack.id, **fields))
    else:
        desk.change("Set the dose rate", known, **fields)


def _measure(
    desk: Desk,
    stack: FrameStack,
    parameters: dict[str, Any],
    calibration: dict[str, Any],
) -> Task[Any]:
    """Brightness of every frame, from it rate and dose: one step, in the place of an older one."""
    from tandem_em.analysis.images import dose as numbers

    label = f"Dose of {stack.name}"
    settings = settings_of(desk.session, stack) or DoseSettings()
    offset = calibration.get("counts_offset", stack.counts_offset)

    def finished(levels: Floats) -> None:
        if desk.session.stacks.get(stack.id) is not stack:
            return
        on = numbers.beam_is_on(levels, settings.beam_off_fraction, offset)
        t = stack.t[: len(levels)].copy()
        rate = rates(parameters, stack.pixel_nm, levels, on)
        total = numbers.over_time(t, rate)
        step = step_for(
            label, [stack, stack.clock], parameters | {"beam_off_fraction": settings.beam_off_fraction}
        )
        result = ResultSet(
            name=label, analysis=DOSE, arrays={"t_s": t, "rate_e_A2s": rate, "dose_e_A2": total, "beam_on": on},
            units={"t_s": "s", "rate_e_A2s": "e/Å²s", "dose_e_A2": "e/Å²"}, values=dict(parameters), owner_id=stack.id,
            step_id=step.id, simulated=stack.simulated,
        )  # fmt: skip
        step.outputs.append(result.id)
        edits: list[Edit] = [
            RemoveItem(label, old)
            for old in desk.session.results
            if old.analysis in (DOSE, DOSE_MAP) and old.owner_id == stack.id
        ]
        if calibration:
            edits.append(ChangeFields(label, stack.id, calibration))
            step.inputs[stack.id] = stack.revision + 1
        desk.do(label, *edits, AddItem(label, step), AddItem(label, result))
        say(desk, stack, result)

    return desk.start(f"Measuring the {label.lower()}", brightness(stack), finished, key=f"dose {stack.id}")


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


def say(desk: Desk, stack: FrameStack, result: ResultSet) -> None:
    """What the dose came to: beam-off frames, and when the budget was passed."""
    t, total, on = (result.arrays[name] for name in ("t_s", "dose_e_A2", "beam_on"))
    dark = np.flatnonzero(~np.asarray(on, bool))
    most = float(np.nanmax(total)) if len(total) else 0.0
    text = f"{stack.name}: {most:.4g} e⁻/Å² in all."
    if len(dark):
        first = ", ".join(str(index + 1) for index in dark[:5])
        text += (
            f" The beam was off in {len(dark)} of {len(on)} frames ({first}{' …' if len(dark) > 5 else ''})."
        )
    settings = settings_of(desk.session, stack)
    budget = settings.budget_e_A2 if settings is not None else None
    if budget and most > budget:
        passed = float(np.nanmin(np.where(total > budget, t, np.nan)))
        desk.notices.warning(f"{stack.name} passes its budget of {budget:.4g} e⁻/Å² at {passed:.1f} s.", text)
    else:
        desk.notices.info(text, "Rate and dose have lanes: lanes ▾.")


def map_over_sample(desk: Desk, stack: FrameStack) -> ResultSet:
    """Dose at every place of the sample, the drift taken into account; kept as one step in the place of an older map."""
    from tandem_em.analysis.images import dose as numbers

    measured = of_stack(desk.session, stack)
    if measured is None:
        raise UserError(
            f"The dose of {stack.name} is not known yet.", "Type the rate, or calibrate the counts (⋯, Dose)."
        )
    t, rate = measured.arrays["t_s"], measured.arrays["rate_e_A2s"]
    drift = np.array([stack.drift_at(index) for index in range(len(t))])
    _, height, width = stack.shape
    found = numbers.over_sample(numbers.increments(t, rate), drift, (height, width))
    label = f"Dose map of {stack.name}"
    step = step_for(label, [stack, measured], {"drift": stack.drift_px is not None})
    result = ResultSet(
        name=label, analysis=DOSE_MAP, arrays={"dose_e_A2": found.dose}, units={"dose_e_A2": "e/Å²"},
        values={"origin_px": list(found.origin_px), "step_px": found.step_px}, owner_id=stack.id, step_id=step.id,
        simulated=stack.simulated,
    )  # fmt: skip
    step.outputs.append(result.id)
    older = of_stack(desk.session, stack, DOSE_MAP)
    edits: list[Edit] = [] if older is None else [RemoveItem(label, older)]
    desk.do(label, *edits, AddItem(label, step), AddItem(label, result))
    return result
