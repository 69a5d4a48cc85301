"""What is in a session or a file, as plain data and as lines of text: `tandem info`, the session tree, reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.texts import byte_size, counted, quantity
from tandem_em.desk import importing
from tandem_em.desk.document import files, recovery
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Particle


def describe_file(path: Path) -> Job[dict[str, Any]]:
    """Describe a session, or whatever an importer finds in another file."""
    if files.is_session_file(path):
        opened = yield from files.open_session(path, readonly=True)
        try:
            found = describe_session(opened.session)
            found |= {
                "file": str(path),
                "kind": "session",
                "size_bytes": path.stat().st_size,
                "problems": opened.problems,
            }
            if opened.store.holder:
                found["being_written_by"] = opened.store.holder.sentence()
            elif crashed := files.crash_text(path):
                found["not_closed"] = crashed
            if lost := recovery.find(path):
                found["unsaved_changes"] = f"{lost[0].sentence} {recovery.WHERE}"
        finally:
            opened.store.close()
        return found
    imported = yield from importing.import_files(Session(), [path])
    return {
        "file": str(path),
        "kind": "import",
        "size_bytes": path.stat().st_size,
        "problems": imported.problems,
        "questions": [question.text for question in imported.questions],
        "streams": [describe(item) for item in importing.stream_items(imported.items)],
    }


def describe_session(session: Session) -> dict[str, Any]:
    """Streams, particles, events, results and clocks as plain data for JSON; times in session seconds."""
    info = session.info
    extent = session.extent()
    return {
        "title": info.name,
        "start": info.start_iso,
        "duration_s": extent[1] - extent[0] if extent else 0.0,
        "simulated": session.is_simulated,
        "streams": [describe(item) for item in (*session.runs, *session.stacks, *session.maps)],
        "particles": [describe(particle) for particle in session.particles],
        "edges": [edge.name for edge in session.edges],
        "sites": len(session.sites),
        "events": [{"t": event.t, "text": event.name, "type": event.category} for event in session.events],
        "results": [{"name": result.name, "analysis": result.analysis} for result in session.results],
        "clocks": [
            {
                "name": clock.name,
                "offset_s": clock.offset_s,
                "rate_ppm": clock.rate_ppm,
                "uncertainty_s": clock.uncertainty_s,
                "origin": clock.origin,
                "zone": clock.zone,
            }
            for clock in session.clocks
        ],
    }


def describe(item: Item) -> dict[str, Any]:
    """One stream or particle as plain numbers."""
    found: dict[str, Any] = {"type": item.kind, "name": item.name, "id": item.id, "simulated": item.simulated}
    if isinstance(item, BiasRun):
        found |= _describe_run(item)
    elif isinstance(item, FrameStack):
        found |= _describe_stack(item)
    elif isinstance(item, SpectrumImage):
        found |= _describe_map(item)
    elif isinstance(item, Particle):
        found |= {"stack": item.stack_id, "frames": len(item.outlines), "keys": sorted(item.keys)}
    return found


def _span(values: Any) -> list[float | None]:
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    return [float(finite.min()), float(finite.max())] if len(finite) else [None, None]


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _describe_run(run: BiasRun) -> dict[str, Any]:
    return {
        "samples": len(run),
        "start": run.clock.start_iso,
        "clock_origin": run.clock.origin,
        "clock_uncertainty_s": run.clock.uncertainty_s if np.isfinite(run.clock.uncertainty_s) else None,
        "zone": run.clock.zone,
        "zone_assumed": run.clock.zone_assumed,
        "time_s": list(run.extent or (None, None)),
        "gaps": len(run.gaps()),
        "columns": {
            name: {
                "unit": column.unit,
                "range": _span(column.values.view),
                "ends": [_number(value) for value in column.values.view[[0, -1]]] if len(run) else [],
                "label": column.label,
            }
            for name, column in run.columns.items()
        },
    }


def _describe_stack(stack: FrameStack) -> dict[str, Any]:
    frames, height, width = stack.shape
    return {
        "frames": frames,
        "shape": [frames, height, width],
        "dtype": str(stack.source.dtype),
        "pixel_nm": stack.pixel_nm,
        "start": stack.clock.start_iso,
        "time_s": _span(stack.t),
        "times_from": stack.times_from,
        "axis0_is_time": stack.axis0_is_time,
        "exposure_s": stack.exposure_s,
        "bad_frames": list(stack.bad_frames),
        "drift_corrected": stack.drift_px is not None,
    }


def _describe_map(spectrum_image: SpectrumImage) -> dict[str, Any]:
    energy = spectrum_image.energy_eV
    return {
        "shape": list(spectrum_image.shape),
        "dtype": str(spectrum_image.source.dtype),
        "energy_eV": [float(energy[0]), float(energy[-1])] if len(energy) else [],
        "energy_step_eV": float(energy[1] - energy[0]) if len(energy) > 1 else None,
        "pixel_nm": list(spectrum_image.pixel_nm) if spectrum_image.pixel_nm else None,
        "interval_s": list(spectrum_image.interval) if spectrum_image.interval else None,
        "adf": list(spectrum_image.adf.shape) if spectrum_image.adf is not None else None,
        "beam_kV": spectrum_image.beam_kV,
        "state": spectrum_image.state,
    }


def lines_of(found: dict[str, Any]) -> list[str]:
    """The same as text for people."""
    lines = [f"{Path(found['file']).name}  {found['kind']}, {byte_size(found['size_bytes'])}"]
    if found.get("title"):
        lines.append(f"  {found['title']}")
    if found.get("simulated"):
        lines.append("  simulated data")
    if found.get("start"):
        lines.append(f"  start {found['start']}, {found['duration_s']:.1f} s")
    lines += [f"  {_line(stream)}" for stream in found["streams"]]
    lines += [
        f"  particle {p['name']}: {counted(p['frames'], 'outline')}" for p in found.get("particles", [])
    ]
    lines += _counted(found, ("events", "edges", "results"))
    lines += [
        f"  clock {c['name']}: {c['origin']}, {c['offset_s']:+.3f} s ± {c['uncertainty_s']:.3g} s"
        for c in found.get("clocks", [])
    ]
    if found.get("being_written_by"):
        lines.append(f"  It is being written to. {found['being_written_by']}")
    if found.get("not_closed"):
        lines.append(f"  ! {found['not_closed']}")
    if found.get("unsaved_changes"):
        lines.append(f"  ! {found['unsaved_changes']}")
    lines += [f"  ! {problem}" for problem in found.get("problems", [])]
    lines += [f"  ? {question}" for question in found.get("questions", [])]
    return lines


def _counted(found: dict[str, Any], names: Iterable[str]) -> list[str]:
    return [f"  {counted(len(found[name]), name[:-1])}" for name in names if found.get(name)]


def line_of(item: Item) -> str:
    """An item in one line, without its name."""
    if isinstance(item, Particle):
        return f"{counted(len(item.outlines), 'outline')}, {len(item.keys)} drawn by hand"
    if isinstance(item, BiasRun | FrameStack | SpectrumImage):
        return _line(describe(item)).partition(": ")[2]
    return ""


def _line(stream: dict[str, Any]) -> str:
    name = stream["name"]
    if stream["type"] == "run":
        columns = ", ".join(f"{q} ({c['unit']})" if c["unit"] else q for q, c in stream["columns"].items())
        return f"biasing {name}: {counted(stream['samples'], 'sample')}, {columns}"
    if stream["type"] == "stack":
        frames, height, width = stream["shape"]
        pixel = f", {stream['pixel_nm']:.4g} nm/px" if stream["pixel_nm"] else ", not calibrated"
        size = f"{counted(frames, 'frame')} of {width} × {height}"
        return f"stack {name}: {size} {stream['dtype']}{pixel}, times: {stream['times_from']}"
    height, width, channels = stream["shape"]
    low, high = stream["energy_eV"]
    step = quantity(stream["energy_step_eV"] or 0.0, "eV")
    reach = f"{low:.1f} to {high:.1f} eV".replace("-", "−")
    return f"EELS {name}: {width} × {height} × {channels}, {reach}, {step} per channel"
