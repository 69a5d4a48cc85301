"""What the doctor finds by looking at the streams of a session: stamps, clocks, calibration, units, links, staleness."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.desk import recompute
from tandem_em.desk.diagnostics import reimport
from tandem_em.desk.diagnostics.finding import Finding, Severity
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.check.streams import (
    HIGHEST_A,
    HIGHEST_V,
    LOOKED_AT,
    SATURATED_FRACTION,
    UNITS_OF,
    is_lost_link,
    look_at_stamps,
)


def look(session: Session) -> list[Finding]:
    """Everything that can be said without reading big data; quick enough to do on open."""
    found: list[Finding] = []
    for run in session.runs:
        found += _run(run)
    for stack in session.stacks:
        found += _stack(stack)
    for image in session.maps:
        found += _map(image)
    for clock in {
        item.clock.id: item.clock for item in (*session.runs, *session.stacks, *session.maps)
    }.values():
        found += _clock(clock)
    for source in session.sources:
        name = source.name or Path(source.path).name
        for problem in source.problems:
            said = problem if name in problem else f"{name}: {problem}"
            if is_lost_link(session, source, problem):
                found.append(Finding("error", said, "Find the file at its new place.", source.id, "relink"))
            else:
                found.append(Finding("info", said, "", source.id))
    found += _stale(session)
    return found


def looking(session: Session, folder: Path | None = None) -> Job[list[Finding]]:
    """The same, and a look into the frames themselves and at the files everything came from."""
    found = look(session)
    for changed in (yield from reimport.looking(session, folder)):
        sentence = f"{changed.source.name} has changed since it was imported ({changed.when})."
        advice = "Import it again to use its present content; names, clocks and outlines are kept."
        found.append(
            Finding("info", sentence, advice, changed.source.id, "reimport", detail=str(changed.path))
        )
    for stack in session.stacks:
        found += yield from _saturated(stack)
    return found


def _stamps(
    times: NDArray[np.float64], what: str, name: str, item_id: str, *, numbered: bool = False
) -> Iterator[Finding]:
    """`numbered`: the instrument numbers what it sends, so gaps need not be guessed at."""
    odd = look_at_stamps(times)
    finite = times[np.isfinite(times)]
    steps = np.diff(finite)

    def finding(
        severity: Severity, sentence: str, advice: str, bad: NDArray[np.bool_] | None = None
    ) -> Finding:
        if bad is None or not bad.any():
            return Finding(severity, f"{name}: {sentence}", advice, item_id)
        # bad counts steps: the sample after the step is the odd one.
        return Finding(
            severity, f"{name}: {sentence}", advice, item_id, "show", float(finite[int(np.argmax(bad)) + 1])
        )

    if odd.missing and odd.missing < len(times):
        advice = "They are not shown while playing."
        sentence = f"{counted(odd.missing, what[:-1])} without a time stamp."
        yield replace(finding("warning", sentence, advice), fix="stamps" if what == "frames" else "")
    if odd.duplicate:
        sentence = f"{counted(odd.duplicate, what[:-1])} with the same time stamp as the one before."
        yield finding("info", sentence, "Check the logging program.", steps == 0)
    if odd.backward:
        advice = "They are shown in the order of their time stamps. Check the clock of the instrument."
        yield finding("warning", f"time runs backwards {counted(odd.backward, 'time')}.", advice, steps < 0)
    if odd.jumps:
        bad = np.zeros(len(steps), bool)
        bad[[jump - 1 for jump in odd.jumps]] = True
        yield finding(
            "warning",
            f"the clock jumps {counted(len(odd.jumps), 'time')}.",
            "Was the clock set, or are these two recordings?",
            bad,
        )
    # The counter of the camera knows exactly what this would guess.
    if odd.dropped and not numbered:
        usual = float(np.median(steps[steps > 0]))
        yield finding(
            "info",
            f"about {counted(odd.dropped, what[:-1])} missing.",
            "Gaps are drawn as gaps.",
            steps > 1.5 * usual,
        )


def _run(run: BiasRun) -> Iterator[Finding]:
    yield from _stamps(np.asarray(run.times.view, np.float64), "samples", run.name, run.id)
    for key, column in run.columns.items():
        values = np.asarray(column.values.view)
        if len(values) != len(run):
            sentence = (
                f"{run.name}: {key} has {counted(len(values), 'value')} for {counted(len(run), 'time')}."
            )
            yield Finding("error", sentence, "Import the log again.", run.id, "reread")
        expected = UNITS_OF.get(column.quantity)
        if expected is not None and column.unit not in expected:
            sentence = f"{run.name}: {key} is in {column.unit or 'no unit'}, not in {min(expected)}."
            yield Finding("error", sentence, "Import the log again with the right unit.", run.id, "reread")
        limit = {"voltage": HIGHEST_V, "current": HIGHEST_A}.get(column.quantity)
        most = (
            float(np.nanmax(np.abs(values), initial=0.0)) if values.dtype.kind == "f" and len(values) else 0.0
        )
        # mV taken for V or mA for A: only the size gives it away.
        if limit is not None and most > limit:
            sentence = f"{run.name}: {key} reaches {most:.3g} {column.unit}, which is not plausible for a cell in a microscope."
            advice = f"Was m{column.unit} read as {column.unit}? Or import the log again with the right unit."
            yield Finding("error", sentence, advice, run.id, "unit", detail=key)


def _stack(stack: FrameStack) -> Iterator[Finding]:
    numbers = stack.frame_numbers
    numbered = numbers is not None and len(numbers) > 1
    yield from _stamps(np.asarray(stack.times, np.float64), "frames", stack.name, stack.id, numbered=numbered)
    if numbered and numbers is not None:
        steps = np.diff(numbers)
        dropped = int((steps - 1).clip(0).sum())
        if dropped:
            at = int(np.argmax(steps > 1)) + 1
            some = "1 frame was" if dropped == 1 else f"{dropped} frames were"
            sentence = f"{stack.name}: {some} dropped by the camera."
            when = float(stack.times[at]) if at < len(stack.times) else None
            yield Finding(
                "info", sentence, "The gaps are kept.", stack.id, "show" if when is not None else "", when
            )
    if len(stack.times) not in (0, len(stack)):
        sentence = f"{stack.name}: {counted(len(stack.times), 'time')} for {counted(len(stack), 'frame')}."
        yield Finding("error", sentence, "Import the movie again.", stack.id, "reread")
    if stack.times_from == "nominal":
        sentence = f"{stack.name}: frame times are nominal, from the frame rate."
        advice = "Read the times from the companion log of the movie if there is one."
        yield Finding("warning", sentence, advice, stack.id, "times")
    if stack.pixel_nm is None:
        advice = "Draw a line on the scale bar to set the pixel size."
        yield Finding("warning", f"{stack.name} is not calibrated.", advice, stack.id, "calibrate")
    # From a tenth of a picometre to a tenth of a millimetre: outside it is a wrong unit.
    elif not 1e-4 < stack.pixel_nm < 1e5:
        sentence = f"{stack.name}: a pixel of {stack.pixel_nm:g} nm is impossible."
        yield Finding("error", sentence, "Calibrate it on the scale bar.", stack.id, "calibrate")
    if stack.axis0_is_time is None:
        sentence = f"{stack.name}: it is not known whether its first axis is time."
        advice = "It is time in a movie, but not in a tilt or focus series."
        yield Finding("warning", sentence, advice, stack.id, "axis")


def _saturated(stack: FrameStack) -> Job[list[Finding]]:
    # Floats have no top value to be saturated at.
    if stack.source.dtype.kind not in "ui" or not len(stack):
        return []
    top = np.iinfo(stack.source.dtype).max
    # A few frames spread over the movie: reading all would take as long as opening it.
    looked = np.unique(np.linspace(0, len(stack) - 1, min(LOOKED_AT, len(stack))).astype(int))
    bad = []
    for done, index in enumerate(looked):
        yield Progress(done, len(looked), f"Checking {stack.name}")
        try:
            if float((stack.frame(int(index)) == top).mean()) > SATURATED_FRACTION:
                bad.append(int(index))
        except UserError as error:
            return [Finding("error", error.title, error.advice, stack.id)]
    if not bad:
        return []
    sentence = f"{stack.name}: pixels are saturated in {len(bad)} of {counted(len(looked), 'frame')} checked."
    when = float(stack.times[bad[0]]) if bad[0] < len(stack.times) else None
    return [Finding("warning", sentence, "Dose and contrast are wrong there.", stack.id, "show", when)]


def _map(image: SpectrumImage) -> Iterator[Finding]:
    energy, name = image.energy_eV, image.name
    if image.start is None:
        yield Finding(
            "info", f"{name} has no place on the time axis.", "Enter its acquisition time.", image.id, "clock"
        )
    elif image.end is not None and image.end < image.start:
        yield Finding(
            "error", f"{name} ends before it begins.", "Enter its acquisition time.", image.id, "clock"
        )
    if image.pixel_nm is None and image.shape[0] * image.shape[1] > 1:
        yield Finding(
            "info", f"{name} is not calibrated in space.", "Profiles are in pixels.", image.id, "properties"
        )
    if len(energy) != image.shape[2]:
        yield Finding(
            "error",
            f"{name}: {counted(image.shape[2], 'channel')} but {counted(len(energy), 'energy', 'energies')}.",
            "Import it again.",
            image.id,
            "reread",
        )
    elif len(energy) > 1 and not bool((np.diff(energy) > 0).all()):
        yield Finding(
            "error", f"{name}: its energies do not increase.", "Import it again.", image.id, "reread"
        )
    elif len(energy) and not (float(energy[0]) > -1000 and float(energy[-1]) < 20_000):
        sentence = (
            f"{name}: energies from {energy[0]:.0f} to {energy[-1]:.0f} eV are outside what EELS measures."
        )
        yield Finding(
            "error", sentence, "Is the axis in eV? Import it again with the right unit.", image.id, "reread"
        )
    if image.beam_kV is not None and not 1 <= image.beam_kV <= 3000:
        yield Finding(
            "error",
            f"{name}: a beam of {image.beam_kV:g} kV is impossible.",
            "Enter it in kV.",
            image.id,
            "properties",
        )


def _clock(clock: Clock) -> Iterator[Finding]:
    name = clock.name or "A stream"
    # Ten per cent: no quartz is so bad, the alignment went wrong.
    if not math.isfinite(clock.offset_s) or abs(clock.rate_ppm) > 100_000:
        yield Finding(
            "error", f"{name}: its clock has impossible settings.", "Align it again.", clock.id, "clock"
        )
    elif clock.is_provisional:
        sentence = f"{name}: the file has no date, its place on the time axis is provisional."
        yield Finding("warning", sentence, "Align it with an event seen in two streams.", clock.id, "clock")
    elif clock.zone_assumed:
        sentence = f"{name}: the file does not say its time zone; {clock.zone or 'that of this computer'} was assumed."
        yield Finding("info", sentence, "Confirm it, or align the clock.", clock.id, "zone")


def _stale(session: Session) -> Iterator[Finding]:
    for work in recompute.stale(session):
        can = recompute.can_recompute(session, work)
        advice = (
            "Recompute it from its present inputs."
            if can
            else "An input was removed: it can only be kept as it is."
        )
        sentence = f"{work.name}: out of date, {', '.join(work.changed)} has changed since."
        yield Finding("info", sentence, advice, work.items[0].id, "again" if can else "")


def in_session_time(session: Session, found: list[Finding]) -> list[Finding]:
    """Moments of findings from the stream's own clock to session seconds."""
    made = []
    for finding in found:
        item = session.find(finding.where)
        if finding.at is not None and isinstance(item, BiasRun | FrameStack):
            finding = replace(finding, at=float(item.clock.to_session(finding.at)))
        made.append(finding)
    return made
