"""TIA series (.ser) and their .emi partner: images, stacks and spectra of FEI microscopes, left in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError, block_fits
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import FramesAt, PositionedFile
from tandem_em.importers.core.times import iso_of_epoch
from tandem_em.importers.core.views import Flattened, Flipped, Reordered, Unflattened
from tandem_em.importers.microscope.emi import facts_of
from tandem_em.model.arrays import ArraySource

TYPES = {1: "<u1", 2: "<u2", 3: "<u4", 4: "<i1", 5: "<i2", 6: "<i4", 7: "<f4", 8: "<f8", 9: "<c8", 10: "<c16"}
SPECTRA, IMAGES = 0x4120, 0x4122
WITH_POSITION = 0x4142


@dataclass
class Dimension:
    """One direction of the scan: steps in `unit`, `offset` is the first place."""

    size: int
    offset: float
    step: float
    unit: str


def read(path: Path, options: ImportOptions) -> list[Found]:
    """A .ser file, or all .ser files that belong to an .emi."""
    if path.suffix.lower() != ".emi":
        emi = _partner(path)
        found = read_series(path, facts_of(emi, _number(path)))
        found.files += [emi] if emi is not None else []
        return [found]
    series = sorted(path.parent.glob(f"{_escaped(path.stem)}_[0-9]*.ser"), key=_number)
    if not series:
        raise UserError(
            f"{path.name} keeps its images in files called {path.stem}_1.ser, which are missing.",
            "Copy the .ser files into the same folder.",
        )
    founds, problems = [], []
    for each in series:
        try:
            founds.append(read_series(each, facts_of(path, _number(each))))
        except (DamagedError, OSError) as error:
            problems.append(f"{each.name} cannot be read: {error}.")
    if not founds:
        raise DamagedError("none of its .ser files can be read")
    founds[0].problems += problems
    return founds


def _escaped(stem: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", stem)


def _number(path: Path) -> int:
    match = re.search(r"_(\d+)$", path.stem)
    return int(match[1]) if match else 1


def _partner(path: Path) -> Path | None:
    emi = path.with_name(re.sub(r"_\d+$", "", path.stem) + ".emi")
    return emi if emi.is_file() else None


def read_series(path: Path, facts: Facts) -> Found:
    """One series: its frames where they are, its dimensions, its time tags."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 16)
        order, version, kind, tag_kind, total, valid = _header(head)
        # version 0x220 has 8-byte offsets
        wide = version > 0x210
        table_at = int.from_bytes(head[22 : 30 if wide else 26], order)
        dimensions = _dimensions(head, 34 if wide else 30, order)
        if valid == 0:
            raise DamagedError("it contains no finished image or spectrum")
        item = np.dtype("<u8" if wide else "<u4")
        block_fits(size, table_at, (2, total), item, "table of contents")
        file.seek(table_at)
        tables = np.frombuffer(file.read(2 * total * item.itemsize), item).reshape(2, total)
        first = int(tables[0, 0])
        if first + 50 > size:
            raise DamagedError("it was cut off before its first image")
        file.seek(first)
        calibration, dtype, shape, start = _element(file.read(50), kind)
        stamps = _time_tags(file, tables[1, :valid], size)
    block_fits(size, first + start, shape, dtype, "first image")
    offsets = tables[0, :valid].astype(np.int64) + start
    whole = int(np.count_nonzero(offsets + int(np.prod(shape)) * dtype.itemsize <= size))
    problems = _missing(path, whole, valid, total)
    frames = FramesAt([PositionedFile(path)], offsets[:whole], shape, dtype)
    found = Found(frames, [Axis(whole), *calibration], facts=facts, problems=problems)
    if kind == SPECTRA:
        _as_spectra(found, dimensions, whole)
    else:
        # the rows of TIA run from bottom to top
        found.source = Flipped(frames, 1)
    _set_times(found, stamps[:whole], tag_kind, kind)
    found.files.append(path)
    return found


def _header(head: bytes) -> tuple[Any, int, int, int, int, int]:
    if len(head) < 30 or head[:4] != b"II\x97\x01":
        raise DamagedError("it does not start like a TIA series")
    values = np.frombuffer(
        head[4:22], np.dtype([("v", "<u2"), ("k", "<u4"), ("t", "<u4"), ("n", "<u4"), ("m", "<u4")])
    )[0]
    version, kind, tag, total, valid = (int(each) for each in values)
    if kind not in (SPECTRA, IMAGES):
        raise DamagedError(f"its data type {kind:#x} is not known")
    if valid > total:
        raise DamagedError("it has more images than it has room for")
    return "little", version, kind, tag, total, valid


def _dimensions(head: bytes, at: int, order: Literal["little", "big"]) -> list[Dimension]:
    count = int.from_bytes(head[at - 4 : at], order)
    if count > 16:
        raise DamagedError(f"it has {count} dimensions")
    out = []
    for _ in range(count):
        if at + 28 > len(head):
            raise DamagedError("it was cut off in its header")
        size = int.from_bytes(head[at : at + 4], order)
        offset, step = (float(each) for each in np.frombuffer(head[at + 4 : at + 20], "<f8"))
        length = int.from_bytes(head[at + 24 : at + 28], order)
        at += 28 + length
        length = int.from_bytes(head[at : at + 4], order)
        unit = head[at + 4 : at + 4 + length].decode("latin-1").strip("\x00")
        at += 4 + length
        out.append(Dimension(size, offset, step, unit))
    return out


def _element(head: bytes, kind: int) -> tuple[list[Axis], np.dtype[Any], tuple[int, ...], int]:
    """(axes, type, shape, bytes before the numbers) of the first element."""
    if kind == SPECTRA:
        calibrations, at = 1, 20
    else:
        calibrations, at = 2, 40
    code = int.from_bytes(head[at : at + 2], "little")
    if code not in TYPES:
        raise DamagedError(f"its numbers have the unknown type {code}")
    sizes = [int.from_bytes(head[at + 2 + 4 * i : at + 6 + 4 * i], "little") for i in range(calibrations)]
    axes = []
    for i, size in enumerate(sizes):
        offset, step = (float(each) for each in np.frombuffer(head[20 * i : 20 * i + 16], "<f8"))
        element = int.from_bytes(head[20 * i + 16 : 20 * i + 20], "little", signed=True)
        # the calibration names the element its offset belongs to
        axes.append(Axis(size, step, offset - element * step, "eV" if kind == SPECTRA else "m"))
    # a pixel above a millimetre is none of a microscope
    if kind != SPECTRA and axes and abs(axes[0].scale) > 1e-3:
        # diffraction patterns are in 1/m: no length of a pixel
        for axis in axes:
            axis.units = "1/m"
    return axes[::-1], np.dtype(TYPES[code]), tuple(reversed(sizes)), at + 2 + 4 * calibrations


def _time_tags(file: BinaryIO, places: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Seconds since 1970 of every element, NaN where the tag is missing."""
    out = np.full(len(places), np.nan)
    for number_, place in enumerate(places):
        if int(place) + 8 <= size and int(place) > 0:
            file.seek(int(place) + 4)
            seconds = int.from_bytes(file.read(4), "little")
            # below one day the clock was never set
            if seconds > 86400:
                out[number_] = seconds
    return out


def _missing(path: Path, whole: int, valid: int, total: int) -> list[str]:
    said = []
    if whole < valid:
        said.append(f"{path.name} was cut off: {whole} of {valid} images are there.")
    if valid < total:
        said.append(f"{path.name} was stopped early: {valid} of {total} images were taken.")
    return said


def _as_spectra(found: Found, dimensions: list[Dimension], whole: int) -> None:
    """Spectra: one, a line, or a map whose fast direction is the first dimension."""
    energy = found.axes[1]
    found.type, found.energy_axis = "EELS", 1
    sizes = [each.size for each in dimensions]
    source: ArraySource = found.source
    if whole == 1:
        found.source, found.axes, found.energy_axis = Flattened(Reordered(source, (0, 1)), 2), [energy], 0
    # a map that was stopped at the end of a row is a map of fewer rows
    elif len(dimensions) >= 2 and sizes[0] > 0 and sizes[0] * sizes[1] >= whole and whole % sizes[0] == 0:
        rows = whole // sizes[0]
        found.source = Unflattened(source, (rows, sizes[0]))
        x, y = dimensions[0], dimensions[1]
        found.axes = [
            Axis(rows, y.step, y.offset, _unit(y)),
            Axis(x.size, x.step, x.offset, _unit(x)),
            energy,
        ]
        found.energy_axis = 2
    elif dimensions:
        each = dimensions[0]
        found.axes[0] = Axis(whole, each.step, each.offset, _unit(each))


def _unit(dimension: Dimension) -> str:
    return "m" if dimension.unit.lower().startswith("met") else dimension.unit


def _set_times(found: Found, stamps: NDArray[np.float64], tag_kind: int, kind: int) -> None:
    if not np.isfinite(stamps).any():
        return
    first = float(stamps[np.isfinite(stamps)][0])
    found.facts.start_iso = found.facts.start_iso or iso_of_epoch(first)
    if kind == IMAGES and len(stamps) > 1:
        found.times_s = stamps - first
        # frames taken at positions may be a scan: then the format does not say that they are a movie
        found.axis0_is_time = tag_kind != WITH_POSITION or None
        if np.all(found.times_s == 0):
            found.times_s = None
