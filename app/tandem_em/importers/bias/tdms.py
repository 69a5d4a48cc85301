"""LabVIEW TDMS files through npTDMS: one run per group, times from a time channel or the waveform's own start and step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.formats.text.labels import STEPPED, quantity_of, read_label
from tandem_em.formats.text.units import parse_unit
from tandem_em.importers.bias.build import ColumnValues, RunParts, build_run, imported, no_samples
from tandem_em.importers.core.base import Imported, ImportOptions, Kind

if TYPE_CHECKING:
    from nptdms import TdmsChannel, TdmsGroup


class Tdms:
    """LabVIEW TDMS."""

    name = "tdms"
    label = "LabVIEW TDMS"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".tdms",)

    def probe(self, path: Path, head: bytes) -> float:
        """1 when it begins as a TDMS segment."""
        return 1.0 if head.startswith(b"TDSm") else 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """One run for each group that has samples."""
        from nptdms import TdmsFile

        yield Progress(0, 0, f"Reading {path.name}")
        try:
            file = TdmsFile.read(path)
        except (ValueError, OSError, EOFError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path.name} is cut or damaged: {error}.", "Copy it again from the instrument."
            ) from error
        groups = [(group, [c for c in group.channels() if len(c)]) for group in file.groups()]
        groups = [(group, channels) for group, channels in groups if channels]
        if not groups:
            raise no_samples(path)
        runs = []
        for number, (group, channels) in enumerate(groups):
            yield Progress(number, len(groups), f"Reading {path.name}: {group.name}")
            parts, problems = _read_group(path, group, channels, dict(file.properties))
            parts.name = path.stem if len(groups) == 1 else f"{path.stem} {group.name}"
            run, more = build_run(path, parts, options)
            runs.append((run, [*problems, *more]))
        return imported(path, runs)


def _read_group(
    path: Path, group: TdmsGroup, channels: Sequence[TdmsChannel], root: dict[str, Any]
) -> tuple[RunParts, list[str]]:
    """One group: channels of different length are cut to the shortest (the last rows were not complete)."""
    problems: list[str] = []
    values = [(channel, np.asarray(channel[:])) for channel in channels]
    values = [(channel, array) for channel, array in values if array.dtype.kind in "fiubM"]
    shortest = min((len(array) for _, array in values), default=0)
    if any(len(array) != shortest for _, array in values):
        longest = max(len(array) for _, array in values)
        problems.append(
            f"{path.name} ({group.name}): its channels have {shortest} to {longest} samples; all were cut to {shortest}."
        )
    parts = RunParts(np.arange(float(shortest)), {}, is_timed=False)
    parts.instrument = {
        "format": "LabVIEW TDMS",
        "header": {str(k): str(v) for k, v in {**root, **group.properties}.items()},
    }
    for channel, array in values:
        _take_channel(parts, channel, array[:shortest])
    if not parts.is_timed:
        _waveform_times(parts, [channel for channel, _ in values], shortest)
    if parts.start is None:
        parts.start = _start({**root, **group.properties})
    return parts, problems


def _take_channel(parts: RunParts, channel: TdmsChannel, array: NDArray[Any]) -> None:
    spelled = str(channel.properties.get("unit_string", channel.properties.get("NI_UnitDescription", "")))
    label = read_label(str(channel.name))
    if label.unit is None and parse_unit(spelled):
        label = read_label(str(channel.name), spelled)
    quantity = quantity_of(label) or ""
    if array.dtype.kind == "M":
        if not parts.is_timed and len(array):
            nanoseconds = array.astype("datetime64[ns]").astype(np.int64)
            parts.times = (nanoseconds - nanoseconds[0]) * 1e-9
            parts.start = datetime.fromtimestamp(int(nanoseconds[0]) * 1e-9, UTC)
            parts.is_timed = True
        return
    numbers = array.astype(np.float64)
    factor, offset = (label.unit.factor, label.unit.offset) if label.unit else (1.0, 0.0)
    if quantity == "time" and not parts.is_timed:
        parts.times, parts.is_timed = numbers * factor + offset, True
        return
    if quantity in ("time", "skip", "datetime", "state", "fraction", ""):
        quantity = (
            label.unit.dimension
            if label.unit and label.unit.dimension in ("voltage", "current")
            else label.name
        )
    key, count = quantity, 2
    while key in parts.columns:
        key, count = f"{quantity} {count}", count + 1
    unit = label.unit.si if label.unit else (spelled or label.unit_text)
    parts.columns[key] = ColumnValues(numbers * factor + offset, unit, str(channel.name), quantity in STEPPED)


def _waveform_times(parts: RunParts, channels: Sequence[TdmsChannel], count: int) -> None:
    """Waveform channels define their own start and step."""
    for channel in channels:
        step = channel.properties.get("wf_increment")
        if step:
            parts.times = float(channel.properties.get("wf_start_offset", 0.0)) + float(step) * np.arange(
                float(count)
            )
            parts.is_timed = parts.times_are_nominal = True
            parts.start = parts.start or _start(channel.properties)
            return


def _start(properties: dict[str, Any]) -> datetime | None:
    for name in ("wf_start_time", "DateTime", "datetime", "Start time"):
        value = properties.get(name)
        if isinstance(value, np.datetime64) and not np.isnat(value):
            return datetime.fromtimestamp(value.astype("datetime64[us]").astype(np.int64) * 1e-6, UTC)
        if isinstance(value, datetime):
            return value
    return None


TDMS = Tdms()
