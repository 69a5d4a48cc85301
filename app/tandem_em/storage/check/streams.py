"""What the items of a session say about themselves: stamps, zones, saturation, units, linked files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.texts import counted
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.arrays import UnavailableArray
from tandem_em.storage.check.finding import IntegrityFinding

SATURATED_FRACTION = 1e-4
"""More pixels than this at the top of the scale: the detector was saturated."""
LOOKED_AT = 16
"""Frames of a movie that are read for saturation."""
# no cell in a microscope has as much: a unit was misread
HIGHEST_V, HIGHEST_A = 1000.0, 10.0
UNITS_OF = {
    "voltage": {"V"},
    "current": {"A"},
    "charge": {"C"},
    "temperature": {"°C", "K"},
    "resistance": {"Ω", "ohm"},
}


@dataclass(frozen=True)
class Stamps:
    """What is odd about a row of time stamps (s)."""

    missing: int = 0
    duplicate: int = 0
    backward: int = 0
    dropped: int = 0
    """Stamps that a regular row would have in its gaps."""
    jumps: tuple[int, ...] = ()
    """Numbers of the values before which the clock jumped by more than 1000 usual steps."""


def look_at_stamps(times: NDArray[np.float64]) -> Stamps:
    """Count what is odd; the usual step is the median one."""
    finite = times[np.isfinite(times)]
    missing = len(times) - len(finite)
    steps = np.diff(finite)
    forward = steps[steps > 0]
    if len(forward) == 0:
        return Stamps(missing, int((steps == 0).sum()), int((steps < 0).sum()))
    usual = float(np.median(forward))
    wide = steps > 1.5 * usual
    jumps = np.flatnonzero((steps > max(1000 * usual, 60.0)) | (steps < -max(10 * usual, 1.0))) + 1
    # a movie may have a few pauses: only steps up to 1000 usual ones are counted as lost stamps
    lost = np.round(steps[wide & (steps <= 1000 * usual)] / usual) - 1
    # without a regular step (a cycler samples when the voltage moves) nothing can be called missing
    regular = len(forward) > 4 and float(np.abs(forward - usual)[forward < 1.5 * usual].mean()) < 0.25 * usual
    dropped = int(lost.sum()) if regular else 0
    return Stamps(
        missing, int((steps == 0).sum()), int((steps < 0).sum()), dropped, tuple(int(j) for j in jumps)
    )


def check_streams(session: Session) -> Job[list[IntegrityFinding]]:
    """Findings about every stream of a session."""
    findings: list[IntegrityFinding] = []
    streams = [*session.runs, *session.stacks, *session.maps]
    for number, item in enumerate(streams):
        yield Progress(number, len(streams), f"Checking {item.name}")
        findings += _check_clock(item.clock, item.name)
        if isinstance(item, BiasRun):
            findings += _check_run(item)
        elif isinstance(item, FrameStack):
            findings += _check_stack(item)
        else:
            findings += _check_map(item)
    for origin in session.sources:
        findings += _check_source(session, origin)
    return findings


def _finding(what: str, where: str, advice: str, severity: str = "warning") -> IntegrityFinding:
    return IntegrityFinding(what, where, advice, severity)  # type: ignore[arg-type]


def say_stamps(times: NDArray[np.float64], name: str, what: str) -> list[IntegrityFinding]:
    """Sentences about time stamps. `what`: "frames" or "samples"."""
    odd = look_at_stamps(times)
    found: list[IntegrityFinding] = []
    if odd.missing and odd.missing < len(times):
        found.append(
            _finding(
                f"{counted(odd.missing, what[:-1])} without a time stamp.",
                name,
                "They are shown without a time.",
            )
        )
    if odd.duplicate:
        found.append(
            _finding(
                f"{counted(odd.duplicate, what[:-1])} with the same time stamp as the one before.",
                name,
                "Check the exporter.",
            )
        )
    if odd.backward:
        found.append(
            _finding(
                f"Time runs backwards {counted(odd.backward, 'time')}.",
                name,
                "Check the clock of the instrument.",
                "error",
            )
        )
    if odd.dropped:
        found.append(
            _finding(
                f"About {counted(odd.dropped, what[:-1])} missing in gaps.", name, "Gaps are drawn as gaps."
            )
        )
    if odd.jumps:
        where = ", ".join(str(jump) for jump in odd.jumps[:5])
        found.append(
            _finding(f"The clock jumps before number {where}.", name, "Correct it in Edit → Clocks…")
        )
    return found


def _check_clock(clock: Clock, name: str) -> list[IntegrityFinding]:
    found: list[IntegrityFinding] = []
    if clock.zone_assumed:
        where = clock.zone or "this computer's"
        found.append(
            _finding(
                f"Its time zone was not in the file; {where} was assumed.",
                name,
                "Confirm it in File → Diagnostics.",
                "info",
            )
        )
    if not math.isfinite(clock.offset_s) or abs(clock.rate_ppm) > 100_000:
        found.append(
            _finding("Its clock has impossible settings.", name, "Align it again in Edit → Clocks…", "error")
        )
    elif clock.is_provisional:
        found.append(
            _finding("Its place in time is provisional.", name, "Align it in Edit → Clocks…", "info")
        )
    return found


def _check_run(run: BiasRun) -> list[IntegrityFinding]:
    found = say_stamps(np.asarray(run.times.view, np.float64), run.name, "samples")
    for key, column in run.columns.items():
        values = np.asarray(column.values.view)
        if len(values) != len(run):
            found.append(
                _finding(
                    f"{key} has {counted(len(values), 'value')} for {counted(len(run), 'time')}.",
                    run.name,
                    "Import it again.",
                    "error",
                )
            )
        expected = UNITS_OF.get(column.quantity)
        if expected is not None and column.unit not in expected:
            found.append(
                _finding(f"{key} is in {column.unit or 'no unit'}, not in {min(expected)}.", run.name,
                         "Import it again with the right unit.", "error")
            )  # fmt: skip
        limit = {"voltage": HIGHEST_V, "current": HIGHEST_A}.get(column.quantity)
        most = (
            float(np.nanmax(np.abs(values), initial=0.0)) if values.dtype.kind == "f" and len(values) else 0.0
        )
        if limit is not None and most > limit:
            found.append(
                _finding(f"{key} reaches {most:.3g} {column.unit}, which is not plausible for a cell in a microscope.", run.name,
                         "The unit of the import may be wrong (mA read as A?).", "error")
            )  # fmt: skip
    return found


def _check_stack(stack: FrameStack) -> list[IntegrityFinding]:
    found = say_stamps(np.asarray(stack.times, np.float64), stack.name, "frames")
    numbers = stack.frame_numbers
    if numbers is not None and len(numbers) > 1:
        lost = int((np.diff(numbers)[np.diff(numbers) > 1] - 1).sum())
        if lost:
            found.append(
                _finding(
                    f"{counted(lost, 'frame')} counted by the camera missing.",
                    stack.name,
                    "They were dropped while recording.",
                )
            )
    if stack.pixel_nm is not None and not 1e-4 < stack.pixel_nm < 1e5:
        found.append(
            _finding(f"A pixel of {stack.pixel_nm:g} nm is impossible.", stack.name, "Calibrate it.", "error")
        )
    if stack.axis0_is_time is None:
        found.append(
            _finding(
                "It is not known whether its first axis is time.",
                stack.name,
                "Answer the question in the stack pane.",
                "info",
            )
        )
    if stack.pixel_nm is None:
        found.append(_finding("It has no calibration.", stack.name, "Calibrate it on its scale bar.", "info"))
    if not isinstance(stack.source, UnavailableArray) and len(stack):
        found += _check_saturation(stack)
    return found


def _check_saturation(stack: FrameStack) -> list[IntegrityFinding]:
    if stack.source.dtype.kind not in "ui":
        return []
    top = np.iinfo(stack.source.dtype).max
    looked = np.unique(np.linspace(0, len(stack) - 1, min(LOOKED_AT, len(stack))).astype(int))
    bad = [int(i) for i in looked if float((stack.frame(int(i)) == top).mean()) > SATURATED_FRACTION]
    if not bad:
        return []
    share = f"{len(bad)} of {counted(len(looked), 'frame')} checked"
    return [
        _finding(
            f"Pixels are saturated in {share}.",
            stack.name,
            "Dose and contrast are wrong there.",
        )
    ]


def _check_map(spectrum_image: SpectrumImage) -> list[IntegrityFinding]:
    found: list[IntegrityFinding] = []
    energy, channels, name = spectrum_image.energy_eV, spectrum_image.shape[2], spectrum_image.name
    if len(energy) != channels:
        found.append(
            _finding(
                f"{counted(channels, 'channel')} but {counted(len(energy), 'energy', 'energies')}.",
                name,
                "Calibrate it.",
                "error",
            )
        )
    elif len(energy) > 1 and not bool((np.diff(energy) > 0).all()):
        found.append(
            _finding("Its energies do not increase.", name, "Calibrate the energy axis again.", "error")
        )
    elif len(energy) and not (float(energy[0]) > -1000 and float(energy[-1]) < 20_000):
        found.append(
            _finding("Its energies are outside what EELS measures.", name, "Check the unit (keV?).", "error")
        )
    if spectrum_image.beam_kV is not None and not 1 <= spectrum_image.beam_kV <= 3000:
        found.append(
            _finding(
                f"A beam of {spectrum_image.beam_kV:g} kV is impossible.", name, "Check the unit.", "error"
            )
        )
    if spectrum_image.start is None:
        found.append(_finding("Its acquisition time is not known.", name, "Set it in Edit → Clocks…", "info"))
    elif spectrum_image.end is not None and spectrum_image.end < spectrum_image.start:
        found.append(_finding("It ends before it begins.", name, "Set its times again.", "error"))
    return found


def _check_source(session: Session, origin: SourceFile) -> list[IntegrityFinding]:
    name, found = origin.name or Path(origin.path).name, []
    for sentence in origin.problems:
        if is_lost_link(session, origin, sentence):
            found.append(
                _finding(sentence, name, "Find the file at its new place with File → Diagnostics.", "error")
            )
        else:
            found.append(_finding(sentence, name, "", "info"))
    return found


def is_lost_link(session: Session, origin: SourceFile, sentence: str) -> bool:
    """Whether a sentence on a source says that its data cannot be had now; the others are remarks of the import."""
    own = [item.source for item in (*session.stacks, *session.maps) if item.source_id == origin.id]
    gone = [source.problem for source in own if isinstance(source, UnavailableArray)]
    return origin.linked and (not own or sentence in gone)
