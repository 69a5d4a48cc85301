"""TVIPS camera streams (.tvips): numbered parts, frames with a header each that carries time, magnification and stage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import AnyArray
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import FramesAt, PositionedFile
from tandem_em.importers.core.times import iso_of_epoch
from tandem_em.importers.core.units import positive

GENERAL = np.dtype([(name, "<u4") for name in (
    "size", "version", "width", "height", "bits", "x", "y", "bin_x", "bin_y", "pixel_nm", "volt", "magnification",
    "frame_header",
)])  # fmt: skip
FRAME = np.dtype([("number", "<u4"), ("seconds", "<u4"), ("ms", "<u4")])
MODE = np.dtype([("lut", "<u4"), ("current", "<f4"), ("mag", "<u4"), ("mode", "<u4")])


def looks_like(head: bytes) -> bool:
    """Whether a file starts with a plausible general header."""
    if len(head) < GENERAL.itemsize:
        return False
    general = np.frombuffer(head, GENERAL, 1)[0]
    return bool(
        52 <= general["size"] <= 4096
        and general["version"] in (1, 2)
        and general["bits"] in (8, 16)
        and 0 < general["width"] <= 1 << 15
        and 0 < general["height"] <= 1 << 15
    )


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The stream this file belongs to, from its part 000 on."""
    parts = _parts(path)
    with parts[0].open("rb") as file:
        head = file.read(4096)
    if not looks_like(head):
        raise DamagedError("its header is not one of a TVIPS stream")
    general = np.frombuffer(head, GENERAL, 1)[0]
    shape = (int(general["height"]), int(general["width"]))
    dtype = np.dtype("<u1" if general["bits"] == 8 else "<u2")
    # version 1 does not state the length of its frame headers
    header = 12 if general["version"] == 1 else int(general["frame_header"])
    if not 12 <= header <= 1 << 16:
        raise DamagedError("its frame headers have an impossible length")
    step = header + shape[0] * shape[1] * dtype.itemsize
    files, offsets, file_of, stamps = [], [], [], []
    problems: list[str] = []
    for number, part in enumerate(parts):
        start = int(general["size"]) if number == 0 else 0
        count, rest = divmod(max(0, part.stat().st_size - start), step)
        if rest:
            problems.append(f"{part.name} was cut off in its last frame, which is left out.")
        places = start + np.arange(count, dtype=np.int64) * step
        opened = PositionedFile(part)
        stamps.append(_frame_headers(opened, places))
        files.append(opened)
        offsets.append(places + header)
        file_of.append(np.full(count, number, np.int64))
    frames = np.concatenate(stamps)
    if not len(frames):
        raise DamagedError("it was cut off in its first frame")
    source = FramesAt(files, np.concatenate(offsets), shape, dtype, np.concatenate(file_of))
    mode = _mode(files[0], int(general["size"])) if header >= FRAME.itemsize + MODE.itemsize else 1
    found = Found(
        source,
        _axes(source.shape, general, mode),
        facts=_facts(general, mode, frames),
        problems=problems,
        files=parts,
    )
    seconds = frames["seconds"].astype(np.float64) + frames["ms"] * 1e-3
    if np.any(seconds > 0):
        found.times_s, found.axis0_is_time = seconds - seconds[0], True
    return [found]


def _parts(path: Path) -> list[Path]:
    match = re.fullmatch(r"(.*_)(\d{3})", path.stem)
    if not match:
        return [path]
    parts = []
    for number in range(1000):
        part = path.with_name(f"{match[1]}{number:03d}{path.suffix}")
        if not part.is_file():
            break
        parts.append(part)
    if not parts:
        raise DamagedError(f"its first part {match[1]}000{path.suffix} is missing")
    return parts


def _frame_headers(file: PositionedFile, places: NDArray[np.int64]) -> Any:
    out = np.zeros(len(places), FRAME)
    for number, place in enumerate(places):
        file.read_into(int(place), out[number : number + 1])
    return out


def _mode(file: PositionedFile, start: int) -> int:
    out = np.zeros(1, MODE)
    file.read_into(start + FRAME.itemsize, out)
    return int(out[0]["mode"])


def _axes(shape: tuple[int, ...], general: np.void, mode: int) -> list[Axis]:
    pixel = positive(int(general["pixel_nm"]))
    # mode 2 is diffraction
    unit = "1/nm" if mode == 2 else "nm"
    return [Axis(shape[0], name="time")] + [
        Axis(size, pixel or 1.0, units=unit if pixel else "") for size in shape[1:]
    ]


def _facts(general: np.void, mode: int, frames: AnyArray) -> Facts:
    volt = positive(int(general["volt"]))
    # above 1000 it can only be volts, else it is kilovolts
    facts = Facts(beam_kV=None if volt is None else volt / 1e3 if volt > 1000 else volt)
    if mode != 2:
        facts.magnification = positive(int(general["magnification"]))
    facts.start_iso = iso_of_epoch(float(frames[0]["seconds"]) + float(frames[0]["ms"]) * 1e-3)
    facts.instrument = {"camera": "TVIPS", "binning": int(general["bin_x"])}
    return facts
