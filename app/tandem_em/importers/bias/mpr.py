"""BioLogic EC-Lab binary files (.mpr): modules, a list of column numbers, rows of packed values.

The layout is checked by arithmetic: the rows must end exactly where the module ends, else nothing is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.formats.text.mpt import column_of, unique_quantities
from tandem_em.formats.text.rows import column_infos
from tandem_em.formats.text.settings import TextSettings
from tandem_em.importers.bias.build import ColumnValues, RunParts, build_run, imported, no_samples
from tandem_em.importers.core.base import Imported, ImportOptions, Kind

MAGIC = b"BIO-LOGIC MODULAR FILE\x1a"
DATA_STARTS = (100, 405, 406, 1007, 1008)
"""Where rows may begin in the data module, by its version."""
# where versions of the log module keep the day number of the start
STAMP_PLACES = (465, 469, 473, 585)
FLAGS = {1: ("mode", 0x03), 2: ("ox/red", 0x04), 3: ("error", 0x08), 21: ("control changes", 0x10), 31: ("Ns changes", 0x20),
         65: ("counter inc.", 0x80)}  # fmt: skip
"""Columns that share one byte of each row."""
MORE_COLUMNS: dict[int, tuple[str, str]] = {
    15: ("x", "<f4"), 18: ("Analog IN 3/V", "<f4"), 25: ("x", "<f8"), 155: ("Ecal/V", "<f4"), 182: ("step time/s", "<f8"),
    185: ("<Ece>/V", "<f4"), 215: ("Efficiency/%", "<f8"), 379: ("Energy/W.h", "<f8"),
}  # fmt: skip
# day 0 of the day numbers that Windows programs count
OLE_ZERO = datetime(1899, 12, 30)


@dataclass
class Module:
    """One module of the file: `length` as announced, `data` as far as the file goes."""

    name: str
    version: int
    date: str
    length: int
    data: bytes


class Mpr:
    """BioLogic EC-Lab binary."""

    name = "mpr"
    label = "BioLogic EC-Lab binary"
    kind: Kind = "bias"
    suffixes: Sequence[str] = (".mpr",)

    def probe(self, path: Path, head: bytes) -> float:
        """1 when it begins as EC-Lab's binary files do."""
        return 1.0 if head.startswith(MAGIC) else 0.0

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """One run, with the columns TandEM knows and sentences about the others."""
        yield Progress(0, 0, f"Reading {path.name}")
        modules = list(read_modules(path))
        data = next((m for m in modules if m.name == "VMP data"), None)
        if data is None:
            raise UserError(
                f"{path.name} has no data module; it was cut off, or nothing was recorded.",
                "Copy it again from the instrument.",
            )
        rows, numbers, skipped, missing = read_rows(path, data)
        if not len(rows):
            raise no_samples(path)
        problems = []
        if missing:
            problems.append(
                f"{path.name} is cut off: it announces {counted(len(rows) + missing, 'sample')} and has {len(rows)}."
            )
        if skipped:
            kinds = ", ".join(str(each) for each in skipped)
            problems.append(f"{path.name}: columns of the unknown kinds {kinds} were left out.")
        log = next((m for m in modules if m.name == "VMP LOG"), None)
        start, resolution = find_start(modules, log)
        if start is not None and resolution > 1:
            problems.append(f"{path.name} says only the day of its start, not the time.")
        parts = RunParts(np.empty(0), {}, path.stem, start, resolution)
        parts.instrument = {
            "format": self.label,
            "header": {m.name: f"version {m.version}, {m.date}" for m in modules},
        }
        # damaged floats overflow: what they become is looked at afterwards
        with np.errstate(all="ignore"):
            _fill(parts, rows, numbers, modules)
            problems += derive_current(parts)
        run, more = build_run(path, parts, options)
        return imported(path, [(run, [*problems, *more])])


def read_modules(path: Path) -> Iterator[Module]:
    """All modules of a file, the last one maybe cut."""
    with path.open("rb") as file:
        head = file.read(52)
        if not head.startswith(MAGIC) or len(head) < 52:
            raise UserError(
                f"{path.name} is not a BioLogic .mpr file, or was cut off at its beginning.", "Copy it again."
            )
        while mark := file.read(6):
            if mark != b"MODULE":
                return  # zeros or rubbish after the last module
            header = file.read(51)
            if len(header) < 51:
                return
            name = header[:10].decode("latin-1").strip()
            if header[35:39] == b"\xff\xff\xff\xff":
                header += file.read(8)
                if len(header) < 59:
                    return
                length, version, _ = struct.unpack("<III", header[39:51])
                date = header[51:59]
            else:
                length, version = struct.unpack("<II", header[35:43])
                date = header[43:51]
            yield Module(name, version, date.decode("latin-1"), length, file.read(length))


def read_rows(path: Path, module: Module) -> tuple[NDArray[Any], list[int], list[int], int]:
    """The rows as a record array, the column numbers, those of unknown kind, and how many announced rows are missing."""
    data = module.data
    if len(data) < 6:
        return np.empty(0), [], [], 0
    announced, count = struct.unpack("<IB", data[:5])
    unknown_layout = UserError(
        f"{path.name} has a layout of columns TandEM does not know.",
        "Export it from EC-Lab as text (.mpt) and open that.",
    )
    for numbers in _column_numbers(data, count):
        unknown = [n for n in dict.fromkeys(numbers) if n not in FLAGS and n not in known_columns()]
        # sizes of unknown columns are tried out: only the right ones make the rows fit the module
        for sizes in product((4, 8, 2, 1), repeat=min(len(unknown), 3)):
            if len(sizes) < len(unknown):
                break
            dtype = row_type(numbers, dict(zip(unknown, sizes)))
            start = module.length - announced * dtype.itemsize
            if start not in DATA_STARTS:
                continue
            whole = max(0, (len(data) - start) // dtype.itemsize)
            # a file that was cut gives the rows that are whole
            rows = np.frombuffer(data, dtype, min(announced, whole), start) if whole else np.empty(0, dtype)
            return rows, numbers, unknown, announced - len(rows)
    raise unknown_layout


def _column_numbers(data: bytes, count: int) -> Iterator[list[int]]:
    """The column numbers in each way they may be written."""
    # some versions write the numbers with the high byte first
    if data[5] == 0:
        yield list(np.frombuffer(data, ">u2", count, 5).astype(int)) if len(data) > 5 + 2 * count else []
    if len(data) > 5 + 2 * count:
        yield [int(n) for n in np.frombuffer(data, "<u2", count, 5)]
    if len(data) > 5 + count:
        yield [int(n) for n in np.frombuffer(data, "u1", count, 5)]


def known_columns() -> dict[int, tuple[str, str]]:
    """Column number to heading and type: galvani's list and what it lacks."""
    from galvani.BioLogic import VMPdata_colID_dtype_map

    return {**MORE_COLUMNS, **VMPdata_colID_dtype_map}


def row_type(numbers: Sequence[int], sizes: dict[int, int]) -> np.dtype[Any]:
    """The packed type of a row. Field names are `number:heading`, flags share one byte."""
    known = known_columns()
    fields: list[tuple[str, str]] = []
    has_flags = False
    for place, number in enumerate(numbers):
        if number in FLAGS:
            if not has_flags:
                fields.append(("flags", "u1"))
                has_flags = True
        elif number in known:
            fields.append((f"{place}:{known[number][0]}", known[number][1]))
        else:
            fields.append((f"{place}:?", f"V{sizes[number]}"))
    names = [name for name, _ in fields]
    assert len(set(names)) == len(names)
    return np.dtype(fields)


def find_start(modules: Sequence[Module], log: Module | None) -> tuple[datetime | None, float]:
    """When the acquisition started: the day number in the log module that falls on the module's date, else that date."""
    date = next((d for m in modules if (d := _module_date(m.date))), None)
    if log is not None:
        for place in STAMP_PLACES:
            if len(log.data) >= place + 8:
                (days,) = struct.unpack_from("<d", log.data, place)
                # day numbers between 1982 and 2119
                if 30000 < days < 80000:
                    when = OLE_ZERO + timedelta(days=days)
                    # the place of the stamp differs by version: one that falls on the module's date is right
                    if date is None or when.date() == date.date():
                        return when, 0.001
    return date, 86400.0


def _module_date(text: str) -> datetime | None:
    for pattern in ("%m/%d/%y", "%m-%d-%y", "%m.%d.%y"):
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def _fill(parts: RunParts, rows: NDArray[Any], numbers: Sequence[int], modules: Sequence[Module]) -> None:
    """Times and SI columns from the rows; the same words as in the text export."""
    assert rows.dtype.names is not None
    headings: list[tuple[str, NDArray[np.float64]]] = []
    for field in rows.dtype.names:
        if field == "flags":
            flags = [FLAGS[n] for n in numbers if n in FLAGS]
            headings += [
                (n, ((rows["flags"] & mask) // (mask & -mask)).astype(np.float64)) for n, mask in flags
            ]
        elif not field.endswith(":?"):
            headings.append((field.partition(":")[2], rows[field].astype(np.float64)))
    settings = TextSettings(columns=unique_quantities([column_of(heading) for heading, _ in headings]))
    for info in column_infos(settings):
        values = headings[info.index][1] * info.factor + info.offset
        parts.columns[info.key] = ColumnValues(
            np.asarray(values, np.float64), info.unit, info.label, info.is_step
        )
    time = settings.column("time")
    parts.is_timed = time >= 0
    parts.times = headings[time][1] if time >= 0 else np.arange(float(len(rows)))
    _add_loops(parts, modules)


def _add_loops(parts: RunParts, modules: Sequence[Module]) -> None:
    module = next((m for m in modules if m.name == "VMP loop"), None)
    if module is None or len(module.data) < 8:
        return
    starts = np.frombuffer(module.data[4 : 4 + (len(module.data) - 4) // 4 * 4], "<u4").astype(np.int64)
    # unused places of the list are zeros at its end
    starts = starts[: len(np.trim_zeros(starts, "b"))]
    if len(starts) > 1 and np.all(np.diff(starts) > 0) and starts[0] == 0:
        loops = np.asarray(
            np.searchsorted(starts, np.arange(len(parts.times)), side="right") - 1.0, np.float64
        )
        parts.columns.setdefault("loop", ColumnValues(loops, "", "loop", True))


def derive_current(parts: RunParts) -> list[str]:
    """Galvanostatic files store the charge of every step instead of the current: divided by the step it is the mean
    current over it, as EC-Lab shows."""
    charge = next((parts.columns[k].values for k in ("dq", "dQ") if k in parts.columns), None)
    if "current" in parts.columns or charge is None or not parts.is_timed or len(charge) < 2:
        return []
    steps = np.diff(parts.times, prepend=parts.times[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        # two rows with one stamp: no mean current can be told, unless no charge has flowed
        current = np.where(steps > 0, charge / steps, np.where(charge == 0, 0.0, np.nan))
    parts.columns["current"] = ColumnValues(np.asarray(current, np.float64), "A", "<I> from dq")
    return [f"{parts.name} stores charges instead of currents: the current is the mean over each step."]


MPR = Mpr()
