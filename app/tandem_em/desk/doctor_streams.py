"""What the doctor finds by looking at the streams of a session: stamps, clocks, calibration, links, staleness."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk.findings import Finding
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage


def look(session: Session) -> list[Finding]:
    """Everything that can be said without reading big data; quick enough to do on open."""
    found: list[Finding] = []
    for run in session.runs:
        found += _run(run)
    for stack in session.stacks:
        found += _stack(stack)
    for image in session.maps:
        found += _map(image)
    for clock in _clocks_in_use(session):
        found += _clock(clock)
    for source in session.sources:
        found += [
            Finding("warning", problem, "Relink the file.", source.id, "relink")
            for problem in source.problems
            if source.linked
        ]
    found += _stale(session)
    return found


def _stamps(times: NDArray[np.float64], what: str, name: str, item_id: str) -> Iterator[Finding]:
    steps = np.diff(times)
    backward, twice = int((steps < 0).sum()), int((steps == 0).sum())
    if backward:
        yield Finding(
            "warning",
            f"{name}: {backward} {what} have a stamp earlier than the one before.",
            "They are shown in the order of their stamps.",
            item_id,
        )
    if twice:
        yield Finding(
            "info",
            f"{name}: {twice} {what} have the same stamp as the one before.",
            "Check the logging program.",
            item_id,
        )


def _run(run: BiasRun) -> Iterator[Finding]:
    yield from _stamps(run.times.view, "samples", run.name, run.id)
    gaps = len(run.gaps())
    if gaps:
        yield Finding(
            "info",
            f"{run.name}: {gaps} gaps in the recording.",
            "They are drawn open and left out of the charge.",
            run.id,
        )
    if "current" in run.columns:
        current = np.abs(run.values("current"))
        if len(current) and float(np.nanmax(current)) > 1.0:
            yield Finding(
                "warning",
                f"{run.name}: currents up to {np.nanmax(current):.3g} A.",
                "Are these milliamperes? Import the log again with the right unit.",
                run.id,
            )


def _stack(stack: FrameStack) -> Iterator[Finding]:
    yield from _stamps(stack.times[np.isfinite(stack.times)], "frames", stack.name, stack.id)
    missing = int(np.isnan(stack.times).sum())
    if missing:
        yield Finding(
            "warning",
            f"{stack.name}: {missing} frames have no time.",
            "They are not shown while playing.",
            stack.id,
        )
    if stack.frame_numbers is not None and len(stack.frame_numbers) > 1:
        dropped = int((np.diff(stack.frame_numbers) - 1).clip(0).sum())
        if dropped:
            yield Finding(
                "info",
                f"{stack.name}: {dropped} frames were dropped by the camera.",
                "Gaps stay gaps.",
                stack.id,
            )
    if stack.times_from == "nominal":
        yield Finding(
            "warning",
            f"{stack.name}: frame times are nominal, from the frame rate.",
            "Give the companion log of the movie if there is one.",
            stack.id,
        )
    if stack.pixel_nm is None:
        yield Finding(
            "warning",
            f"{stack.name} is not calibrated.",
            "Draw a line on the scale bar to set the pixel size.",
            stack.id,
        )
    if stack.axis0_is_time is None:
        yield Finding(
            "warning",
            f"{stack.name}: nobody has said whether its first axis is time.",
            "Answer in the stack pane.",
            stack.id,
        )


def _map(image: SpectrumImage) -> Iterator[Finding]:
    if image.interval is None:
        yield Finding(
            "info",
            f"{image.name} has no place on the time axis.",
            "Type its start in the clock tool.",
            image.id,
        )
    if image.pixel_nm is None and image.shape[0] * image.shape[1] > 1:
        yield Finding("info", f"{image.name} is not calibrated in space.", "Profiles count pixels.", image.id)
    energy = image.energy_eV
    if len(energy) > 1 and energy[-1] - energy[0] > 10_000:
        yield Finding(
            "warning",
            f"{image.name}: the energy axis spans {energy[-1] - energy[0]:.0f} eV.",
            "Is it in eV? Import it again with the right unit.",
            image.id,
        )


def _clocks_in_use(session: Session) -> list[Clock]:
    used = {item.clock.id: item.clock for item in (*session.runs, *session.stacks, *session.maps)}
    return list(used.values())


def _clock(clock: Clock) -> Iterator[Finding]:
    if clock.is_provisional:
        yield Finding(
            "warning",
            f"{clock.name or 'A stream'}: the file has no date, its place on the time axis is provisional.",
            "Align it with the clock tool.",
            clock.id,
        )
    elif clock.zone_assumed:
        yield Finding(
            "info",
            f"{clock.name}: the file does not say its time zone; that of this computer was taken.",
            "Change it in the clock tool if it is wrong.",
            clock.id,
        )


def _stale(session: Session) -> Iterator[Finding]:
    for step in session.steps:
        changed = step.changed_inputs(session.revision_of)
        if changed:
            names = (
                ", ".join(item.name for item in map(session.find, changed) if item is not None)
                or "an input that is gone"
            )
            yield Finding(
                "info", f"{step.what} is stale: {names} has changed since.", "Update it.", step.id, "update"
            )
