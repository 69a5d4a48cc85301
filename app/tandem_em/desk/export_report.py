"""What the report says: summary, numbers, warnings and the methods paragraph, all out of the session's own records."""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np

from tandem_em import __version__
from tandem_em.desk import export_tables
from tandem_em.desk.doctor_streams import look
from tandem_em.desk.inventory import line_of
from tandem_em.exporters import figures_data as data
from tandem_em.exporters import report
from tandem_em.model.session import Session

CAPTIONS = {
    "lanes": "Biasing and particle areas over time. Shaded: error band of the area; grey: EELS maps; dashed: events.",
    "capacity": "Voltage against capacity.", "montage": "Frames with outlines, and area against time.",
    "maps": "Net element counts (1st to 99th percentile) and RGB composite.",
    "spectra": "Spectra with background fits and windows.", "profiles": "Line profile across the map in every state.",
}  # fmt: skip


def write(session: Session, found: data.Picture, guard: list[str], pictures: Path, path: Path) -> Path:
    """The page, with the figures found in a folder."""
    streams = [f"{item.name}: {line_of(item)}" for item in (*session.runs, *session.stacks, *session.maps)]
    halves, cycles = export_tables.cycle_rows(session)
    doctor = [f"{f.severity}: {f.what} {f.advice}" for f in look(session)]
    images = [report.picture(pictures / f"{stem}.png", text) for stem, text in CAPTIONS.items()
              if (pictures / f"{stem}.png").exists()]  # fmt: skip
    simulated = [f"{item.kind} {item.name}" for item in session.items() if item.simulated and item.name]
    parts = [
        ("Summary", report.listing([f"Sample: {session.info.sample or 'not stated'}",
                                    f"Start: {session.info.start_iso or 'not known'}", *streams])),
        ("Figures", "".join(images)),
        ("Particles", report.table([_particle(t) for t in found.tracks], {
            "name": "Particle", "frames": "Frames followed", "first": "First area", "last": "Last area", "ratio": "Last / first",
            "error": "± (last area)", "unit": "Unit"})),
        ("Cycles", report.table(cycles, _headers(export_tables.CYCLE_UNITS))),
        ("Half cycles", report.table([h for h in halves if h["kind"] != "rest"], _headers(export_tables.HALF_UNITS))),
        ("Clocks", report.table(export_tables.clock_rows(session), _headers(export_tables.CLOCK_UNITS))),
        ("Events", report.table(export_tables.event_rows(session), _headers(export_tables.EVENT_UNITS))),
        ("Warnings", report.listing([*guard, *doctor] or ["None."])),
        ("Methods", f"<p>{escape(' '.join(methods(session)))}</p>"),
    ]  # fmt: skip
    if simulated:
        parts.append(("What is simulated", report.listing(simulated)))
    mark = "This session holds simulated data." if session.is_simulated else ""
    return report.write_report(path, session.info.name or "Session", mark, parts)


def _headers(units: dict[str, str]) -> dict[str, str]:
    return {
        key: f"{key.replace('_', ' ')} ({unit})" if unit else key.replace("_", " ")
        for key, unit in units.items()
    }


def _particle(track: data.Track) -> dict[str, object]:
    known = np.flatnonzero(np.isfinite(track.area))
    first, last = (float(track.area[i]) for i in (known[0], known[-1]))
    error = float(track.high[known[-1]] - track.low[known[-1]]) / 2
    return {"name": track.name, "frames": len(known), "first": first, "last": last, "ratio": last / first,
            "error": error, "unit": f"{track.unit}²"}  # fmt: skip


def methods(session: Session) -> list[str]:
    """Sentences for the methods section: software, clocks, calibration, windows, models, steps."""
    said = [f"Data were evaluated with TandEM {__version__}."]
    for clock in session.clocks:
        said.append(f"Clock {export_tables.clock_text(clock)}.")
    for stack in session.stacks:
        pixel = (
            f"{stack.pixel_nm:.4g} nm per pixel (from {stack.pixel_from or 'unknown'})"
            if stack.pixel_nm
            else "no calibration"
        )
        drift = "drift was taken off" if stack.drift_px is not None else "drift was not corrected"
        said.append(f"{stack.name}: {len(stack)} frames, {pixel}, times from: {stack.times_from}; {drift}.")
    for run in session.runs:
        if "current" in run.columns:
            said.append(
                f"{run.name}: charge by trapezoids over the true time stamps, gaps left out, "
                f"zero of {run.zero_current_A:.3g} A taken off."
            )
    for particle in session.particles:
        said.append(
            f"Outline {particle.name}: {len(particle.keys)} drawn by hand, "
            f"{len(particle.outlines) - len(particle.keys)} followed."
        )
    for edge in session.edges:
        order = f" of order {edge.order}" if "polynomial" in edge.background else ""
        said.append(f"{edge.name}: background {edge.background}{order}, fitted from {edge.fit[0]:g} to {edge.fit[1]:g} eV, "
                    f"signal summed from {edge.signal[0]:g} to {edge.signal[1]:g} eV.")  # fmt: skip
    for line in session.profiles:
        said.append(
            f"Profile {line.name}: from {line.start} to {line.end} px, {line.width_px:g} px wide, "
            f"spectra summed across it before fitting."
        )
    for step in session.steps:
        stale = "; an input has changed since" if session.is_stale(step.id) else ""
        said.append(f"{step.what} (TandEM {step.version}, {step.when}{stale}): {step.parameters}.")
    return said
