"""From columns of numbers to a BiasRun: clock with zone and uncertainty, and sentences for everything doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.texts import counted
from tandem_em.importers.core.base import Imported, ImportOptions
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Clock
from tandem_em.model.curves import BiasRun, Column

LONGEST_S = 1e11
"""Three thousand years: no recording is as long."""
COLDEST_C = -273.15


@dataclass
class ColumnValues:
    """One column ready to be stored: values in SI (or in the unit named)."""

    values: Floats
    unit: str = ""
    label: str = ""
    is_step: bool = False


@dataclass
class RunParts:
    """What an importer found out about one recording."""

    times: Floats
    columns: dict[str, ColumnValues]
    name: str = ""
    start: datetime | None = None
    start_resolution_s: float = 1.0
    segments: Sequence[int] = ()
    instrument: dict[str, Any] = field(default_factory=dict)
    is_timed: bool = True
    times_are_nominal: bool = False
    """The times are what the instrument was told, not what it measured."""


def build_run(path: Path, parts: RunParts, options: ImportOptions) -> tuple[BiasRun, list[str]]:
    """A BiasRun and the sentences about it. Columns without any value are left out."""
    problems = _drop_untimed(path, parts)
    columns = {key: column for key, column in parts.columns.items() if np.isfinite(column.values).any()}
    for key, column in columns.items():
        if column.unit == "°C" and (too_cold := column.values < COLDEST_C).any():
            column.values = np.where(too_cold, np.nan, column.values)
            problems.append(
                f"{path.name}: {int(too_cold.sum())} values of {column.label or key} are below absolute zero "
                "(no sensor?) and were left out."
            )
    # a second time: a thermometer that is not connected is empty only now
    columns = {key: column for key, column in columns.items() if np.isfinite(column.values).any()}
    clock, more = make_clock(path, parts, options)
    run = BiasRun(
        name=parts.name or path.stem,
        clock=clock,
        times=GrowingArray(parts.times),
        columns={
            key: Column(key, column.unit, GrowingArray(column.values), column.label, column.is_step)
            for key, column in columns.items()
        },
        segment_starts=sorted({0, *parts.segments} - {len(parts.times)}),
        instrument=parts.instrument,
    )
    run.extra["file"] = path.name
    if parts.is_timed:
        problems += time_problems(path, parts.times, run.segment_starts)
    return run, [*problems, *more, *missing_columns(path, columns)]


def _drop_untimed(path: Path, parts: RunParts) -> list[str]:
    """Samples without a time have no place; infinite values are none."""
    for column in parts.columns.values():
        column.values = np.where(np.isfinite(column.values), column.values, np.nan)
    timed = np.isfinite(parts.times) & (np.abs(parts.times) < LONGEST_S)
    missing = len(timed) - int(timed.sum())
    if not missing:
        return []
    if missing == len(timed):
        raise UserError(
            f"{path.name} has no sample with a possible time.", "Copy it again from the instrument."
        )
    parts.segments = [int(np.count_nonzero(timed[:start])) for start in parts.segments]
    parts.times = parts.times[timed]
    for column in parts.columns.values():
        column.values = column.values[timed]
    return [f"{path.name}: {counted(missing, 'sample')} with an impossible time left out."]


def make_clock(path: Path, parts: RunParts, options: ImportOptions) -> tuple[Clock, list[str]]:
    """The clock of a stream: what the file says about its start, and how far that can be trusted."""
    if not parts.is_timed:
        return Clock(name=path.stem), [f"{path.name} has no time column: its samples are numbered instead."]
    problems = []
    if parts.times_are_nominal:
        problems.append(f"{path.name} has no time column: times follow from the step its header states.")
    if parts.start is None:
        problems.append(
            f"{path.name} does not say when it was started: its place on the time axis is provisional."
        )
        return Clock(name=path.stem), problems
    start, zone, assumed = zoned(parts.start, options.zone)
    return Clock(
        name=path.stem,
        origin="file time",
        uncertainty_s=max(TYPICAL_UNCERTAINTY_S["file time"], parts.start_resolution_s),
        start_iso=start.isoformat(),
        zone=zone,
        zone_assumed=assumed,
    ), problems


def zoned(when: datetime, zone: str) -> tuple[datetime, str, bool]:
    """A time with its zone, the zone's name, and whether it had to be assumed."""
    if when.tzinfo is not None:
        return when, _offset_name(when), False
    if not zone:
        try:
            here = when.astimezone()
        except (OverflowError, OSError, ValueError):
            here = when.replace(tzinfo=UTC)
        return here, _offset_name(here), True
    return when.replace(tzinfo=find_zone(zone)), zone, True


def find_zone(zone: str) -> tzinfo:
    """A zone from its IANA name or +hh:mm."""
    from zoneinfo import ZoneInfo

    if zone.upper() in ("UTC", "Z"):
        return UTC
    if zone[:1] in "+-" and zone[1:3].isdigit():
        minutes = int(zone[1:3]) * 60 + int(zone[-2:] if len(zone) > 3 else 0)
        return timezone((-1 if zone[0] == "-" else 1) * timedelta(minutes=minutes))
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise UserError(
            f"The time zone {zone!r} is unknown.", "Use a name like Europe/Oslo or an offset like +02:00."
        ) from error


def _offset_name(when: datetime) -> str:
    text = when.strftime("%z")
    return "UTC" if when.tzinfo is UTC else f"{text[:3]}:{text[3:5]}"


def time_problems(path: Path, times: Floats, segments: Sequence[int] = ()) -> list[str]:
    """Sentences about stamps that repeat or run backwards. The samples stay as they were recorded."""
    steps = np.diff(times)
    inside = np.ones(len(steps), bool)
    inside[[s - 1 for s in segments if 0 < s <= len(steps)]] = False
    same, back = int(np.count_nonzero((steps == 0) & inside)), int(np.count_nonzero((steps < 0) & inside))
    problems = []
    if same:
        problems.append(
            f"{path.name}: {same} of {counted(len(times), 'sample')} with the same time stamp as the one before."
        )
    if back:
        worst = float(steps[inside].min())
        problems.append(
            f"{path.name}: the time runs backwards {counted(back, 'time')} (by up to {-worst:.6g} s)."
        )
    return problems


def missing_columns(path: Path, columns: Mapping[str, ColumnValues]) -> list[str]:
    """What a biasing run usually has and this one lacks."""
    # impedance and temperature logs are no charging curves: they need no current
    if "frequency" in columns or ("temperature" in columns and not {"voltage", "current"} & set(columns)):
        return []
    lacking = [name for name in ("voltage", "current") if name not in columns]
    return [f"{path.name} has no column of {' and none of '.join(lacking)}."] if lacking else []


def imported(path: Path, runs: Sequence[tuple[BiasRun, list[str]]]) -> Imported:
    """One result from the runs of one file; samples there must be."""
    if not runs:
        raise no_samples(path)
    result = Imported(files=[path])
    for run, problems in runs:
        result.items.append(run)
        result.problems += [problem for problem in problems if problem not in result.problems]
    return result


def no_samples(path: Path) -> UserError:
    """The error for a file that has a beginning and nothing else."""
    return UserError(
        f"{path.name} has a header but no samples.",
        "Check that the recording was running, or export it again.",
    )
