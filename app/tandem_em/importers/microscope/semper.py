"""Semper pictures (.unf): Fortran records of a header, a title, a label and one record per row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError, block_fits
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.times import iso_of
from tandem_em.importers.core.units import clean, number
from tandem_em.model.arrays import MemoryArray

TYPES = {0: "i1", 1: "<i2", 2: "<f4", 3: "<c8", 4: "<i4"}
# it is read whole: its rows are framed one by one
WHOLE_LIMIT = 1 << 30
# words of the label, counted from 0
DATE, REAL, SCALES, UNITS = slice(21, 27), 62, (91, 83, 75), (244, 248, 252)


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The picture, its layers one after the other."""
    size = path.stat().st_size
    if size > WHOLE_LIMIT:
        raise DamagedError("it is larger than 1 GiB, too large for a Semper image")
    raw = path.read_bytes()
    head, at = _record(raw, 0)
    if len(head) < 12:
        raise DamagedError("its header is too short")
    columns, rows, layers, _, form, flag = (int(each) for each in np.frombuffer(head[:12], "<i2"))
    if min(columns, rows, layers) < 1 or form not in TYPES:
        raise DamagedError("its header has impossible sizes")
    facts = Facts()
    if flag % 1000:
        title, at = _record(raw, at)
        facts.title = title.decode("latin-1").strip("\x00 ")
    label = None
    if flag // 1000 % 10:
        words, at = _record(raw, at)
        # a short label has another layout
        label = np.frombuffer(words[: len(words) // 2 * 2], "<i2") if len(words) >= 512 else None
    dtype = np.dtype(TYPES[form])
    length = int.from_bytes(raw[at : at + 4], "little")
    if length < columns * dtype.itemsize:
        raise DamagedError("its rows are too short")
    row = np.dtype(
        {"names": ["row"], "formats": [(dtype, (columns,))], "offsets": [4], "itemsize": length + 8}
    )
    block_fits(size, at, (layers, rows), row, "rows")
    pixels = np.frombuffer(raw, row, rows * layers, at)["row"].reshape(layers, rows, columns)
    axes = [Axis(n) for n in (layers, rows, columns)]
    if label is not None:
        _label(label, axes, facts)
    return [_found(pixels, axes, facts)]


def _found(pixels: np.ndarray[Any, Any], axes: list[Axis], facts: Facts) -> Found:
    source = MemoryArray(np.ascontiguousarray(pixels))
    # a spectrum or line: one row of one layer
    if axes[0].size == 1 and axes[1].size == 1:
        return Found(MemoryArray(source.array[0, 0]), axes[2:], facts=facts)
    return (
        Found(source, axes, facts=facts)
        if axes[0].size > 1
        else Found(MemoryArray(source.array[0]), axes[1:], facts=facts)
    )


def _record(raw: bytes, at: int) -> tuple[bytes, int]:
    """(content, where the next one starts) of a record framed by its length."""
    length = int.from_bytes(raw[at : at + 4], "little")
    end = at + 4 + length
    # Fortran writes the length of a record before and behind it
    if length > 1 << 16 or end + 4 > len(raw) or raw[end : end + 4] != raw[at : at + 4]:
        raise DamagedError("a record does not end where it should")
    return raw[at + 4 : end], end + 4


def _label(words: np.ndarray[Any, Any], axes: list[Axis], facts: Facts) -> None:
    year, month, day, hour, minute, second = (int(each) for each in words[DATE])
    facts.start_iso = iso_of(
        f"{year + 1900:04d}-{month:02d}-{day:02d}", f"{hour:02d}:{minute:02d}:{second:02d}"
    )
    if words[REAL] != 1:
        return
    for axis, scale, unit in zip(reversed(axes), SCALES, UNITS, strict=True):
        step = number(np.frombuffer(words[scale : scale + 4].astype("u1").tobytes(), "<f4")[0])
        axis.scale = step or 1.0
        letters = words[unit : unit + 4]
        axis.units = clean("".join(chr(int(each)) for each in letters if 0 < each < 0x3000))
