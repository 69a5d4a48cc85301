"""The methods paragraph of the report, made from what was really done: clocks, calibrations, windows, models, steps."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tandem_em import __version__
from tandem_em.core.texts import counted, figure, quantity
from tandem_em.desk import analyses
from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.clocks.align import clocks_in_use
from tandem_em.desk.eels import maps
from tandem_em.desk.stacks import dose
from tandem_em.model.curves import Cell
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import BACKGROUND_TITLES, Edge

KNOWN_FROM = {
    "trigger": "from a trigger", "same host": "from the recording computer", "ntp": "from network time (NTP)",
    "marked event": "from a marked event", "correlation": "from the correlation of the streams",
    "file time": "from the time in the file", "provisional": "not known",
}  # fmt: skip
"""How a clock is known, in words that follow "the clock is"."""


def methods(session: Session) -> list[str]:
    """Sentences in the order of the work."""
    return [
        f"Data were evaluated with TandEM {__version__}.",
        *_clocks(session),
        *(sentence for stack in session.stacks for sentence in _stack(session, stack)),
        *_cells(session),
        *_charges(session),
        *_outlines(session),
        *_edges(session),
        *_profiles(session),
        *_steps(session),
    ]


def _clocks(session: Session) -> Iterator[str]:
    for clock, streams in clocks_in_use(session):
        going = ", ".join(stream.name for stream in streams)
        is_sure = math.isfinite(clock.uncertainty_s)
        sure = f"± {figure(clock.uncertainty_s, 2)} s" if is_sure else "uncertainty unknown"
        offset = f"offset {clock.offset_s:+.3f} s, rate {clock.rate_ppm:+.3g} ppm".replace("-", "−")
        known = "is not known" if clock.is_provisional else f"is known {KNOWN_FROM[clock.origin]}"
        yield f"The clock of {going} {known} ({offset}, {sure})."


def _stack(session: Session, stack: FrameStack) -> Iterator[str]:
    pixel = "not calibrated"
    if stack.pixel_nm:
        pixel = f"{stack.pixel_nm:.4g} nm per pixel (from {stack.pixel_from or 'an unknown source'})"
    drift = (
        "drift was corrected in the view only" if stack.drift_px is not None else "drift was not corrected"
    )
    yield f"{stack.name}: {counted(len(stack), 'frame')}, {pixel}, frame times from {stack.times_from}; {drift}."
    settings = dose.settings_of(session, stack)
    if settings is not None and settings.rate_from == "counts":
        yield f"The dose of {stack.name} was measured from calibrated counts."
    elif settings is not None and settings.rate_e_A2s is not None:
        is_measured = dose.of_stack(session, stack) is not None
        where = "frames without beam excluded" if is_measured else "over the whole movie"
        yield f"The dose of {stack.name} follows from a given dose rate of {settings.rate_e_A2s:g} e⁻/Å²s, {where}."


def _cells(session: Session) -> Iterator[str]:
    by_text: dict[str, list[str]] = {}
    for run in session.runs:
        cell = cell_of(session, run)
        text = _cell(cell) if cell is not None else ""
        if text:
            by_text.setdefault(text, []).append(run.name)
    for text, names in by_text.items():
        yield f"Cell of {', '.join(names)}: {text}."


def _cell(cell: Cell) -> str:
    area, capacity = cell.electrode_area_cm2, cell.capacity_uAh_cm2
    parts = [f"electrode area {figure(area * 1e8, 4)} µm²"] if area else []
    parts += [f"full capacity {figure(capacity, 4)} µAh/cm²"] if capacity else []
    return ", ".join(parts)


def _charges(session: Session) -> Iterator[str]:
    by_zero: dict[str, list[str]] = {}
    for run in session.runs:
        if "current" in run.columns:
            zero = f"a zero of {quantity(run.zero_current_A, 'A')}" if run.zero_current_A else "no zero"
            by_zero.setdefault(zero, []).append(run.name)
    for zero, names in by_zero.items():
        going = ", ".join(names)
        yield f"Charge of {going}: trapezoidal integration over the recorded time stamps, gaps excluded, {zero} subtracted."


def _outlines(session: Session) -> Iterator[str]:
    for particle in session.particles:
        drawn = len(particle.keys)
        followed = len(particle.outlines) - drawn
        yield f"Outline of {particle.name}: {drawn} drawn or corrected by hand, {followed} followed."


def _edges(session: Session) -> Iterator[str]:
    for edge in list(session.edges) or _default_edges(session):
        model = BACKGROUND_TITLES.get(edge.background, edge.background)
        order = f" of order {edge.order}" if "polynomial" in edge.background else ""
        yield (
            f"{edge.name}: {model} background{order} fitted from {edge.fit[0]:g} to {edge.fit[1]:g} eV, net counts "
            f"summed from {edge.signal[0]:g} to {edge.signal[1]:g} eV."
        )


def _default_edges(session: Session) -> list[Edge]:
    """The edges of the table that were used because nobody chose any."""
    found = {
        edge.name: edge
        for image in session.maps
        for edge in maps.fitting_edges(maps.default_edges(), image.energy_eV)
    }
    return list(found.values())


def _profiles(session: Session) -> Iterator[str]:
    for line in session.profiles:
        start, end = (f"({x:g}, {y:g})" for x, y in (line.start, line.end))
        yield f"Profile {line.name}: from {start} to {end} px, spectra summed over {line.width_px:g} px across it."


def _steps(session: Session) -> Iterator[str]:
    """How each piece of work was done; not those that a later one has taken the place of."""
    for step in session.steps:
        if not analyses.is_superseded(session, step):
            stale = "; an input has changed since" if session.is_stale(step.id) else ""
            yield f"{analyses.method(session, step)} (TandEM {step.version}, {step.when[:10]}{stale})."
