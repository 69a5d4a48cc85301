"""What the report says: summary, numbers and warnings, all out of the session's own records."""

from __future__ import annotations

import math
import re
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em import __version__
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.texts import counted, figure, quantity
from tandem_em.desk.diagnostics.diagnose import look
from tandem_em.desk.export import tables
from tandem_em.desk.export.methods import methods
from tandem_em.desk.inventory import line_of
from tandem_em.exporters import report
from tandem_em.exporters.figures import data, draw
from tandem_em.exporters.figures.style import TWO_COLUMNS_MM, FigureSettings
from tandem_em.model.session import Session

CAPTIONS = {
    "capacity": "Solid: charge, dashed: discharge; later cycles are darker.",
    "dqdv": "Solid: charge, dashed: discharge (downwards); later cycles are darker.",
    "crossing": "All samples in order of time.",
    "cycles": "Filled: charge, open: discharge. Coulombic efficiency: charge of the second half cycle over charge of the "
    "first. Bars: error.",
    "montage": "Frames with the followed outlines, drift not corrected; marks on the curve below show their times.",
    "maps": "Net counts after background subtraction; one colour scale per column, from the 2nd to the 98th percentile.",
    "spectra": "Mean of each map. Pale: background window, strong: signal window, dashed: fitted background.",
    "sites": "Mean of each site, logarithmic and shifted; bands: signal windows.",
    "profiles": "Spectra summed across the line before fitting. Band: counting error and that of the background.",
}
AS_PIXELS = ("montage", "maps")
MOST_ROWS = 40


def write(session: Session, found: data.Picture, path: Path) -> Job[Path]:
    """The page."""
    images = yield from _figures(found)
    yield Progress(0, 0, "Writing the report")
    halves, cycles = tables.cycle_rows(session)
    parts = [
        ("Summary", _summary(session)),
        ("Figures", images),
        ("Particles", report.table(
            ["Particle", "Frames", "First area", "Last area", "± ", "Last / first"], [_particle(t) for t in found.tracks])),
        ("Cycles", _cycles(cycles)),
        ("Half cycles", _halves([h for h in halves if h["kind"] != "rest"])),
        ("Clocks", report.table(
            ["Clock", "Known from", "Offset (s)", "Rate (ppm)", "± (s)"],
            [_clock(row) for row in tables.clock_rows(session)], (0, 1))),
        ("Events", report.table(
            ["Event", "Kind", "Time (s)", "Until (s)"],
            [_event(row) for row in tables.event_rows(session)], (0, 1))),
        ("Warnings", _warnings(session, found)),
        ("Methods", f'<p class="methods">{escape(" ".join(methods(session)))}</p>'),
        ("Simulated data", _simulated(session)),
    ]  # fmt: skip
    mark = "Contains simulated data; the last section lists them." if session.is_simulated else ""
    lead = " · ".join(
        text for text in (session.info.sample, session.info.user, session.info.instrument, _when(session.info.start_iso)) if text
    )  # fmt: skip
    foot = f"Written by TandEM {__version__} from session {session.info.uuid}."
    return report.write_report(path, session.info.name or "Session", lead, mark, parts, foot)


def _figures(found: data.Picture) -> Job[str]:
    """Curves as SVG, sharp at any size; images as pixels."""
    html = []
    wanted = draw.names(found)
    for number, name in enumerate(wanted, 1):
        yield Progress(number, len(wanted), "Drawing the report's figures")
        kind = "png" if name in AS_PIXELS else "svg"
        content = draw.as_bytes(name, found, FigureSettings(dpi=220), kind)
        wide = TWO_COLUMNS_MM if kind == "png" else shown_width(content)
        caption = _lanes_caption(found) if name == "lanes" else CAPTIONS[name]
        html.append(report.picture(content, kind, wide, number, draw.FIGURES[name][0], caption))
    return "".join(html)


def shown_width(svg: bytes) -> float:
    """Figures of one column a little larger than in print, the others across the page (mm)."""
    found = re.search(rb'<svg [^>]*?width="([0-9.]+)pt"', svg)
    # Points to millimetres.
    own = float(found[1]) / 72 * 25.4 if found else TWO_COLUMNS_MM
    return min(1.4 * own, TWO_COLUMNS_MM)


def _lanes_caption(found: data.Picture) -> str:
    """What there is to explain in the curves over time."""
    said = ["Dashed: events."] if found.flags else []
    low, high = found.span or (-math.inf, math.inf)
    is_mapped = any(band.start <= high and band.end >= low for band in found.bands)
    said += ["Shaded over the full height: EELS maps."] if is_mapped else []
    said += (
        ["Band around a line: error."]
        if any(c.low is not None for x in found.lanes for c in x.curves)
        else []
    )
    return " ".join(said)


def _when(iso: str) -> str:
    """A moment as people write it: 2026-03-12 14:05 UTC+01:00."""
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M %Z").strip() if iso else ""


def _summary(session: Session) -> str:
    rows = [
        [item.name, words, line_of(item).removeprefix(item.name).lstrip(": ")]
        for words, items in (
            ("biasing", session.runs),
            ("image stack", session.stacks),
            ("EELS map", session.maps),
        )
        for item in items
    ]
    text = f"<p>{escape(session.info.description)}</p>" if session.info.description else ""
    return text + report.table(["Stream", "Kind", "Description"], rows, (0, 1, 2))


def _warnings(session: Session, found: data.Picture) -> str:
    by_text: dict[str, list[str]] = {}
    for map_name, text in found.guard:
        by_text.setdefault(text, []).append(map_name)
    guard = [("warning", text, ", ".join(names)) for text, names in by_text.items()]
    doctor = [(f.severity, f.what, f.advice) for f in look(session)]
    missing = [("error", f"{name} could not be included: {why}", "") for name, why in found.left_out]
    return report.notes([*missing, *guard, *doctor] or [("info", "None.", "")])


def _simulated(session: Session) -> str:
    """By kind; empty when everything was measured."""
    kinds = {
        "run": "biasing",
        "stack": "image stack",
        "map": "EELS map",
        "particle": "particle",
        "dose": "dose",
        "result": "result",
    }
    found = {
        words: [item.name for item in session.collections[kind] if item.simulated]
        for kind, words in kinds.items()
    }
    kinds_found = [f"{words}: {', '.join(names)}" for words, names in found.items() if names]
    return report.listing(kinds_found) if kinds_found else "<p>None: all data were measured.</p>"


def _number(value: Any, digits: int = 4) -> str:
    return "–" if value is None else figure(float(value), digits)


def _amount(row: dict[str, Any], kind: str = "charge") -> str:
    """A charge as it is best read: per area where the area is known."""
    areal = row.get(f"{kind}_uAh_cm2")
    value = row.get(f"{kind}_C")
    if areal is not None:
        return f"{figure(float(areal), 4)} µAh/cm²"
    return "–" if value is None else quantity(float(value), "C", 4)


def _percent(value: Any) -> str:
    return "–" if value is None else f"{100 * float(value):.2f} %".replace("-", "−")


def _cycles(rows: list[dict[str, Any]]) -> str:
    cells = [
        [str(r["run"]), str(r["number"]), _amount(r), _amount(r, "discharge"), _percent(r.get("efficiency")),
         _percent(r.get("efficiency_error")), _percent(r.get("capacity_loss_fraction"))]
        for r in rows[:MOST_ROWS]
    ]  # fmt: skip
    head = ["Run", "Cycle", "Charge", "Discharge", "Efficiency", "±", "Capacity lost"]
    return report.table(head, cells) + _rest(rows, "cycles.csv")


def _halves(rows: list[dict[str, Any]]) -> str:
    cells = [
        [str(r["run"]), str(r["kind"]), _number(r.get("start_s")), _number(r.get("duration_s")), _amount(r),
         _number(r.get("mean_voltage_V")), _number(r.get("plateau_V"))]
        for r in rows[:MOST_ROWS]
    ]  # fmt: skip
    head = ["Run", "Kind", "Start (s)", "Duration (s)", "Charge", "Mean voltage (V)", "Plateau (V)"]
    return report.table(head, cells, (0, 1)) + _rest(rows, "half_cycles.csv")


def _rest(rows: list[dict[str, Any]], where: str) -> str:
    left = len(rows) - MOST_ROWS
    return f"<p>{counted(left, 'more row')} in {where} of the exported tables.</p>" if left > 0 else ""


def _clock(row: dict[str, Any]) -> list[str]:
    sure = "unknown" if row["uncertainty"] is None else figure(float(row["uncertainty"]), 2)
    return [str(row["name"]), str(row["origin"]), f"{row['offset']:+.3f}".replace("-", "−"),
            f"{row['rate']:+.3g}".replace("-", "−"), sure]  # fmt: skip


def _event(row: dict[str, Any]) -> list[str]:
    return [str(row["name"]), str(row["category"]), _number(row["time"]), _number(row["end"])]


def _particle(track: data.Track) -> list[str]:
    known = np.flatnonzero(np.isfinite(track.area))
    if not len(known):
        return [track.name, "0", "–", "–", "–", "–"]
    first, last = (float(track.area[i]) for i in (known[0], known[-1]))
    error = float(track.high[known[-1]] - track.low[known[-1]]) / 2
    unit = f" {track.unit}²"
    sure = figure(error, 2) + unit if math.isfinite(error) else "–"
    return [
        track.name,
        str(len(known)),
        figure(first, 4) + unit,
        figure(last, 4) + unit,
        sure,
        figure(last / first, 3),
    ]
