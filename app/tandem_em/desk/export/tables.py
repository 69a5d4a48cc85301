"""Which tables a session gives, with the notes that say where each comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tandem_em import __version__
from tandem_em.analysis.cycling.electrochemistry import cycles_report
from tandem_em.core.texts import figure
from tandem_em.desk import analyses
from tandem_em.desk.biasing import runs as biasing
from tandem_em.desk.eels import maps
from tandem_em.desk.export import lanes
from tandem_em.desk.lanes.ordered import gap_limit
from tandem_em.desk.outlines import table as particles_table
from tandem_em.exporters import map_files
from tandem_em.exporters.figures import data
from tandem_em.exporters.tables import Column, Table, table_of_rows
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session

HALF_UNITS = {
    "run": "", "number": "", "kind": "", "cycle": "", "start_s": "s", "end_s": "s", "duration_s": "s", "charge_C": "C",
    "charge_error_C": "C", "charge_uAh_cm2": "µAh/cm²", "mean_voltage_V": "V", "energy_J": "J", "efficiency": "",
    "plateau_V": "V", "plateau_scatter_V": "V", "plateau_length_s": "s", "gap_s": "s",
}  # fmt: skip
CYCLE_UNITS = {
    "run": "", "number": "", "first": "", "charge_C": "C", "discharge_C": "C", "charge_uAh_cm2": "µAh/cm²",
    "discharge_uAh_cm2": "µAh/cm²", "efficiency": "", "efficiency_error": "", "energy_efficiency": "",
    "capacity_loss_C": "C", "capacity_loss_fraction": "",
}  # fmt: skip
EVENT_UNITS = {"time": "s", "end": "s", "category": "", "name": "", "author": ""}
CLOCK_UNITS = {
    "name": "",
    "origin": "",
    "offset": "s",
    "rate": "ppm",
    "uncertainty": "s",
    "zone": "",
    "device zero": "",
}


def file_stem(text: str) -> str:
    """A file name of plain letters; micro becomes u."""
    # Both the micro sign and the Greek letter are in use.
    return map_files.file_stem(text.replace("µ", "u").replace("μ", "u"))


def tables(session: Session, found: data.Picture) -> Iterator[Table]:
    """Every table, one at a time."""
    notes = common_notes(session)
    for run in session.runs:
        yield run_table(session, run, notes)
    for stack in session.stacks:
        yield frame_table(stack, notes)
    for particle in session.particles:
        owner = session.stacks.get(particle.stack_id)
        if owner is not None and particle.outlines:
            yield particles_table.table(owner, particle, notes)
    windows = notes | edge_notes(session)
    for image in found.maps:
        yield from map_tables(image, windows)
    for spectrum in found.spectra:
        yield spectrum_table(spectrum, notes)
    for profile in found.profiles:
        yield profile_table(profile, windows)
    yield from cycle_tables(session, notes)
    yield table_of_rows("events", event_rows(session), EVENT_UNITS, notes)
    yield table_of_rows("clocks", clock_rows(session), CLOCK_UNITS, notes)
    yield from result_tables(session, notes)
    for table in lanes.lane_tables(session, notes):
        yield replace(table, stem=file_stem(table.stem))


def cycle_tables(session: Session, notes: dict[str, str]) -> Iterator[Table]:
    """Half cycles and cycles, where there are any."""
    halves, cycles = cycle_rows(session)
    if halves:
        yield table_of_rows("half_cycles", halves, HALF_UNITS, notes)
    if cycles:
        yield table_of_rows("cycles", cycles, CYCLE_UNITS, notes)


def frame_table(stack: FrameStack, notes: dict[str, str]) -> Table:
    """When each frame of a stack was taken, and its drift."""
    count = len(stack)
    drift = np.full((count, 2), np.nan)
    if stack.drift_px is not None:
        # A movie may have grown since its drift was measured.
        drift[: len(stack.drift_px)] = stack.drift_px[:count]
    return Table(
        f"frames_{file_stem(stack.name)}",
        [Column("frame", "", np.arange(count)), Column("time", "s", stack.t[:count]),
         Column("device time", "s", stack.times[:count]), Column("drift x", "px", drift[:, 0]),
         Column("drift y", "px", drift[:, 1])],
        notes | {"stack": stack.name, "clock": clock_text(stack.clock), "times from": stack.times_from,
                 "simulated": yes(stack.simulated)},
    )  # fmt: skip


def spectrum_table(spectrum: data.SpectrumSet, notes: dict[str, str]) -> Table:
    """The mean spectrum of a map and those of its sites."""
    columns = [
        Column("energy loss", "eV", spectrum.energy),
        Column("mean of map", "counts", spectrum.mean),
    ]
    columns += [Column(site.name, "counts", site.y) for site in spectrum.sites]
    return Table(f"spectra_{file_stem(spectrum.name)}", columns, notes | {"map": spectrum.name})


def edge_notes(session: Session) -> dict[str, str]:
    """Of every edge what its counts are made of."""
    edges = list(session.edges) or maps.default_edges()
    return {
        f"edge {edge.name}": f"{edge.background} background{f' of order {edge.order}' if 'polynomial' in edge.background else ''}"
        f" from {edge.fit[0]:g} to {edge.fit[1]:g} eV, counts from {edge.signal[0]:g} to {edge.signal[1]:g} eV"
        for edge in edges
    }


def common_notes(session: Session) -> dict[str, str]:
    """Notes that every table begins with: program, session, time zero, simulated or not."""
    notes = {
        "session": session.info.name,
        "session id": session.info.uuid,
        "time zero": session.info.start_iso,
    }
    return {"written by": f"TandEM {__version__}", **notes, "simulated": yes(session.is_simulated)}


def yes(value: bool) -> str:
    """`yes` or `no`, as notes spell it."""
    return "yes" if value else "no"


def clock_text(clock: Clock) -> str:
    """`camera, marked event, offset +0.000 s, rate +0 ppm, ± 0.02 s`."""
    sure = (
        f"± {figure(clock.uncertainty_s, 2)} s"
        if math.isfinite(clock.uncertainty_s)
        else "uncertainty unknown"
    )
    return f"{clock.name or 'clock'}, {clock.origin}, offset {clock.offset_s:+.4g} s, rate {clock.rate_ppm:+.3g} ppm, {sure}"


def run_table(session: Session, run: BiasRun, notes: dict[str, str]) -> Table:
    """Every sample: as recorded, and what the lanes make of it."""
    columns = [Column("time", "s", run.t), Column("device time", "s", run.times.view)]
    for name, column in run.columns.items():
        columns.append(Column(name, column.unit, np.asarray(run.values(name))))
    columns += lanes.run_columns(session, run)
    own = {"run": run.name, "clock": clock_text(run.clock), "simulated": yes(run.simulated)}
    # repr: whoever adds it back needs every digit.
    own["zero"] = f"{run.zero_current_A!r} A, subtracted in the columns after the recorded ones"
    own["gaps"] = f"pauses longer than {gap_limit(run):.6g} s add no charge"
    return Table(f"run_{file_stem(run.name)}", columns, notes | own)


def map_tables(image: data.MapSet, notes: dict[str, str]) -> Iterator[Table]:
    """One table a spectrum image: a row a pixel, a column an edge."""
    height, width = image.maps[0].counts.shape
    y, x = np.mgrid[:height, :width]
    step, unit = (image.pixel_nm, "nm") if image.pixel_nm else ((1.0, 1.0), "px")
    columns = [Column("x", unit, x.ravel() * step[0]), Column("y", unit, y.ravel() * step[1])]
    for each in image.maps:
        columns.append(Column(each.edge, "counts", np.asarray(each.counts, float).ravel()))
        if each.error is not None:
            columns.append(Column(f"{each.edge} error", "counts", np.asarray(each.error, float).ravel()))
    yield Table(f"map_{file_stem(image.name)}", columns, notes | {"map": image.name, "state": image.state})


def profile_table(profile: data.ProfileSet, notes: dict[str, str]) -> Table:
    """Counts of each edge and their errors along a profile; distance in nm, px without calibration."""
    columns = [Column("distance", profile.unit, profile.edges[0].x)]
    for curve in profile.edges:
        columns.append(Column(curve.name, "counts", curve.y))
        if curve.high is not None:
            columns.append(Column(f"{curve.name} error", "counts", curve.high - curve.y))
    stem = f"profile_{file_stem(profile.name)}_{file_stem(profile.state)}"
    return Table(stem, columns, notes | {"profile": profile.name, "state": profile.state})


def cycle_rows(session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Half cycles and cycles of every run with current."""
    halves, cycles = [], []
    for run in session.runs:
        if "current" not in run.columns or len(run) < 2:
            continue
        report = cycles_report(run, biasing.cell_of(session, run))
        halves += [{"run": run.name} | row for row in report["half_cycles"]]
        cycles += [{"run": run.name} | row for row in report["cycles"]]
    return halves, cycles


def event_rows(session: Session) -> list[dict[str, Any]]:
    """Events in order of time (session seconds), a dict for each."""
    rows = [
        {"time": e.t, "end": e.end, "category": e.category, "name": e.name, "author": e.author}
        for e in session.events
    ]
    return sorted(rows, key=lambda row: float(row["time"] or 0))


def clock_rows(session: Session) -> list[dict[str, Any]]:
    """Clocks with offset (s), rate (ppm) and uncertainty (s; None: unknown), a dict for each."""
    return [
        {"name": c.name, "origin": c.origin, "offset": c.offset_s, "rate": c.rate_ppm, "zone": c.zone,
         "uncertainty": c.uncertainty_s if math.isfinite(c.uncertainty_s) else None, "device zero": c.start_iso}
        for c in session.clocks
    ]  # fmt: skip


def result_tables(session: Session, notes: dict[str, str]) -> Iterator[Table]:
    """Stored results whose arrays are columns of one length; two-dimensional ones belong to `tandem maps`."""
    for result in session.results:
        flat = {name: array for name, array in result.arrays.items() if array.ndim == 1}
        longest = max((len(array) for array in flat.values()), default=0)
        columns = [
            Column(name, result.units.get(name, ""), array)
            for name, array in flat.items()
            # Shorter arrays (a scree, a few limits) belong to no row.
            if len(array) == longest
        ]
        if columns and longest:
            own = {"result": result.name, "analysis": result.analysis, "simulated": yes(result.simulated)}
            step = session.steps.get(result.made_by)
            own |= {"method": analyses.method(session, step)} if step is not None else {}
            numbers = {
                name: json.dumps(value, ensure_ascii=False, default=str)
                for name, value in result.values.items()
            }
            yield Table(f"result_{file_stem(result.name)}", columns, notes | own | numbers)
