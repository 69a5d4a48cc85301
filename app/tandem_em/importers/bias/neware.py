"""Neware .nda and .ndax files: samples, steps and stamps without losing the wall clock between the steps."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.importers.bias.build import ColumnValues, RunParts, build_run, imported, no_samples
from tandem_em.importers.bias.neware_parts import (
    UnknownPartError,
    extra_values,
    kind_and_version,
    split_records,
    whole_records,
)
from tandem_em.importers.bias.neware_records import (
    BTS9,
    BTS91,
    EXTRA,
    NDA29,
    Records,
    UnknownRangeError,
    add_extras,
    from_bts9,
    from_bts91,
    from_counts,
    is_plausible,
    ordered,
    packed,
    step_numbers,
    total_times,
)
from tandem_em.importers.core.base import Imported, ImportOptions, Kind

MAGIC = b"NEWARE"
NO_EXTRAS = np.empty(0, packed(EXTRA, 86))
LARGEST = 4 * 1024**3
"""No part of an archive is unpacked beyond this (bytes)."""


class Neware:
    """Neware cycler data."""

    name = "neware"
    label = "Neware cycler data"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".nda", ".ndax")

    def probe(self, path: Path, head: bytes) -> float:
        """1 for .nda by its first bytes, 0.95 for an archive with Neware's parts or suffix."""
        if head.startswith(MAGIC):
            return 1.0
        names = (b"data.ndc", b"TestInfo.xml", b"VersionInfo.xml")
        # an archive of another suffix still names its parts in the first bytes
        if head.startswith(b"PK\x03\x04") and (
            path.suffix.lower() == ".ndax" or any(name in head for name in names)
        ):
            return 0.95
        return 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """One run from the samples of all steps."""
        yield Progress(0, 0, f"Reading {path.name}")
        try:
            with path.open("rb") as file:
                is_nda = file.read(6) == MAGIC
            with np.errstate(all="ignore"):
                records, problems = read_nda(path) if is_nda else read_ndax(path)
        except UnknownRangeError as error:
            raise UserError(
                f"{path.name} uses a {error} TandEM does not know.", "Export it from BTSDA as text."
            ) from error
        except UnknownPartError as error:
            raise UserError(
                f"{path.name} is of an unknown Neware version ({error}).", "Export it from BTSDA as text."
            ) from error
        if not len(records):
            raise no_samples(path)
        run, more = build_run(path, as_parts(records, problems, path), options)
        return imported(path, [(run, [*problems, *more])])


def as_parts(records: Records, problems: list[str], path: Path) -> RunParts:
    """One run: times since the start of the test from the steps' own times and the wall clock."""
    times, pauses = total_times(records)
    if pauses:
        problems.append(
            f"{path.name}: {counted(pauses, 'gap')} between the end of a step and the start of the next; gaps are kept."
        )
    columns = {
        "voltage": ColumnValues(records.voltage, "V", "Voltage"),
        "current": ColumnValues(records.current, "A", "Current"),
        "charge_capacity": ColumnValues(records.charge, "C", "Charge capacity"),
        "discharge_capacity": ColumnValues(records.discharge, "C", "Discharge capacity"),
        "charge_energy": ColumnValues(records.charge_energy, "J", "Charge energy"),
        "discharge_energy": ColumnValues(records.discharge_energy, "J", "Discharge energy"),
        "step_time": ColumnValues(records.step_time, "s", "Step time"),
        "step": ColumnValues(step_numbers(records.step, records.step_time).astype(float), "", "Step", True),
        "status": ColumnValues(records.status.astype(float), "", "Status", True),
    }
    if records.cycle.any():
        columns["cycle"] = ColumnValues(records.cycle.astype(float), "", "Cycle", True)
    for number, (name, values) in enumerate(records.temperatures.items()):
        columns["temperature" if not number else f"temperature {number + 1}"] = ColumnValues(
            values, "°C", name
        )
    start = None
    known = np.flatnonzero(np.isfinite(records.stamp))
    if len(known):
        k = int(known[0])
        start = datetime(1970, 1, 1) + timedelta(seconds=float(records.stamp[k] - times[k]))
        # stamps of older versions are the wall clock of the cycler, without a zone
        start = start if records.stamp_is_local else start.replace(tzinfo=UTC)
    return RunParts(
        times, columns, path.stem, start, records.stamp_resolution_s, instrument={"format": "Neware"}
    )


def read_nda(path: Path) -> tuple[Records, list[str]]:
    """Samples of an .nda file of version 29 or 130."""
    data = path.read_bytes()
    version = data[14] if len(data) > 14 else -1
    if version == 29:
        records, extras, problems = _nda29(path, data)
    elif version == 130:
        records, extras, problems = _nda130(path, data)
    else:
        raise UnknownPartError(f"version {version}")
    records, twice = ordered(records)
    if twice:
        problems.append(f"{path.name} contains {counted(twice, 'sample')} twice; the copies were left out.")
    missing = int(records.index[-1] - records.index[0]) + 1 - len(records) if len(records) else 0
    if missing:
        problems.append(f"{path.name}: {counted(missing, 'sample')} missing in between.")
    if len(records) and len(extras):
        add_extras(records, extras)
    return records, problems


def _nda29(path: Path, data: bytes) -> tuple[Records, NDArray[Any], list[str]]:
    """Records of 86 bytes after the first place where two of them follow each other."""
    mark, size = b"\x00\x00\x00\x00\x55\x00", NDA29.itemsize
    place = data.find(mark)
    while place != -1:
        start = place + 4
        following = data[start + size : start + size + 1]
        if data[start + 12 : start + 13] not in (b"", b"\x00") and following in (b"\x55", b"\x65", b""):
            break
        place = data.find(mark, place + 4)
    if place == -1:
        return from_counts(np.empty(0, NDA29)), NO_EXTRAS, []
    start = place + 4
    rows = np.frombuffer(data, NDA29, (len(data) - start) // size, start)
    good = (rows["mark"] == 0x55) & (rows["end"] == 0) & is_plausible(rows)
    problems = []
    if (len(data) - start) % size and rows["mark"][-1:].tolist() in ([0x55], [0x65]):
        problems.append(f"{path.name}: the last record is cut and was left out.")
    extras = np.frombuffer(data, packed(EXTRA, size), len(rows), start)
    return from_counts(rows[good]), extras[(extras["mark"] == 0x65) & (rows["end"] == 0)], problems


def _nda130(path: Path, data: bytes) -> tuple[Records, NDArray[Any], list[str]]:
    """Records of BTS 9 (88 bytes) or BTS 9.1 (size found from the distance of the first two)."""
    if len(data) < 1030:
        return from_bts9(np.empty(0, BTS9)), NO_EXTRAS, []
    if data[1024] == 0x55:
        second = data.find(data[1024:1026], 1026)
        # a distance that cannot be one of records: the usual size
        size = second - 1024 if 52 <= second - 1024 <= 256 else 56
        # only in records of 56 bytes it is known where the temperature stands
        layout = {**BTS91, "T": ("<f4", 52)} if size == 56 else BTS91
        rows = np.frombuffer(data, packed(layout, size), (len(data) - 1024) // size, 1024)
        end = np.flatnonzero(rows["mark"] == 0x81)
        rows = rows[: end[0]] if len(end) else rows
        return from_bts91(rows[(rows["mark"] == 0x55) & is_plausible(rows)]), NO_EXTRAS, []
    size = BTS9.itemsize
    raw = np.frombuffer(data, f"V{size}", (len(data) - 1024) // size, 1024)
    heads = np.frombuffer(raw.tobytes(), "u1").reshape(len(raw), size)[:, :6]
    end = np.flatnonzero(heads[:, 0] == 0x81)
    good = np.all(heads == np.frombuffer(data[1024:1030], "u1"), axis=1)
    if len(end):
        good[end[0] :] = False
    problems = []
    if not len(end) and (len(data) - 1024) % size:
        problems.append(f"{path.name} ends within a record; the last one was left out.")
    shifted = packed({name: (kind, place + 4) for name, (kind, place) in EXTRA.items()}, size)
    is_extra = np.all(heads[:, :5] == (0, 0, 0, 0, 0x65), axis=1)
    rows = np.frombuffer(raw.tobytes(), BTS9)
    return (
        from_bts9(rows[good & is_plausible(rows)]),
        np.frombuffer(raw.tobytes(), shifted)[is_extra],
        problems,
    )


def read_ndax(path: Path) -> tuple[Records, list[str]]:
    """Samples of an .ndax archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {}
            for info in archive.infolist():
                # unpacking a damaged or hostile archive must not fill the memory
                if info.file_size > LARGEST:
                    raise UserError(
                        f"{path.name} claims to hold {info.file_size} bytes in {info.filename}.",
                        "It may be damaged.",
                    )
                if info.filename.endswith((".ndc", "TestInfo.xml")):
                    parts[info.filename.rsplit("/", 1)[-1]] = archive.read(info)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{path.name} is cut or damaged: {error}.", "Copy it again from the cycler."
        ) from error
    if "data.ndc" not in parts:
        raise UserError(
            f"{path.name} is not a Neware archive: it has no data.ndc.", "Check that it is the right file."
        )
    problems: list[str] = []
    if {"data_runInfo.ndc", "data_step.ndc"} <= set(parts):
        records, filled = split_records(parts["data.ndc"], parts["data_runInfo.ndc"], parts["data_step.ndc"])
        if filled:
            problems.append(
                f"{path.name}: {filled} of {len(records)} samples have no time stamp; the interval stated in the file was used."
            )
        _add_temperatures(records, parts, problems, path)
        return records, problems
    kind, version = kind_and_version(parts["data.ndc"])
    if kind != 1 or version not in (2, 5):
        raise UnknownPartError(f"version {version}, kind {kind}")
    records, twice = ordered(whole_records(parts["data.ndc"]))
    if twice:
        problems.append(f"{path.name} contains {counted(twice, 'sample')} twice; the copies were left out.")
    return records, problems


def _add_temperatures(records: Records, parts: dict[str, bytes], problems: list[str], path: Path) -> None:
    """Thermometers, when the archive's description says which extra channel is one."""
    names = sorted(
        (n for n in parts if n.startswith("data_AUX_")), key=lambda n: [int(x) for x in n[9:-4].split("_")]
    )
    channels = _extra_channels(parts.get("TestInfo.xml", b""))
    if len(channels) != len(names):
        if names:
            problems.append(f"{path.name}: its extra channels are not described and were left out.")
        return
    for name, (label, is_temperature) in zip(names, channels):
        values = extra_values(parts[name])
        if values is not None and is_temperature:
            padded = np.full(int(records.index.max()) + 1, np.nan)
            count = min(len(values), len(padded) - 1)
            # samples are numbered from 1
            padded[1 : 1 + count] = values[:count]
            records.temperatures[label] = padded[records.index]


def _extra_channels(xml: bytes) -> list[tuple[str, bool]]:
    try:
        info = ElementTree.fromstring(xml.decode("gb2312", "replace")).find("config/TestInfo")
    except ElementTree.ParseError:
        return []
    found = [] if info is None else [each.attrib for each in info if "Aux" in each.tag]
    return [
        (f"T{each.get('AuxID', number + 1)}", each.get("ChlType") == "103")
        for number, each in enumerate(found)
    ]


NEWARE = Neware()
