"""Merlin detectors (.mib): frames with a text header each, which carries their time stamp."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import FramesAt, PositionedFile
from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.core.units import positive
from tandem_em.importers.core.views import Flipped

# numbers of several bytes have the high one first
TYPES = {"U01": "u1", "U08": "u1", "U8": "u1", "U16": ">u2", "U32": ">u4", "U64": ">u8"}
HEADERS_LIMIT = 200_000
"""Above this many frames the stamps are taken from the first and the last header and said to be nominal."""


def read(path: Path, options: ImportOptions) -> list[Found]:
    """All frames; R64 (raw chip order) is refused because it has to be put in order by the detector's software."""
    size = path.stat().st_size
    with path.open("rb") as file:
        fields = _fields(file.read(768))
        header = int(fields[2])
        width, height = int(fields[4]), int(fields[5])
        kind = fields[6].strip()
        if kind == "R64":
            raise DamagedError("it holds raw chip data (R64)")
        if kind not in TYPES or not 1 <= width <= 1 << 15 or not 1 <= height <= 1 << 15:
            raise DamagedError(f"its header gives {width} × {height} pixels of the type {kind}")
        if not 128 <= header <= 1 << 16:
            raise DamagedError("its header has an impossible length")
        dtype = np.dtype(TYPES[kind])
        step = header + width * height * dtype.itemsize
        count = size // step
        if count < 1:
            raise DamagedError("it was cut off in its first frame")
        facts, times, numbers, exact = _stamps(file, count, step, header)
    problems = [f"{path.name} was cut off in frame {count + 1}, which is left out."] if size % step else []
    problems += _scan_sentence(path)
    offsets = np.arange(count, dtype=np.int64) * step + header
    # row 0 of the detector is at the bottom
    source = Flipped(FramesAt([PositionedFile(path)], offsets, (height, width), dtype), 1)
    found = Found(source, [Axis(count), Axis(height), Axis(width)], facts=facts, problems=problems)
    if times is not None:
        found.times_s, found.frame_numbers, found.axis0_is_time = times, numbers, True
        found.times_from = "file" if exact else "nominal"
    return [found]


def _fields(head: bytes) -> list[str]:
    text = head.decode("latin-1").strip("\x00")
    fields = text.split(",")
    if not text.startswith("MQ1") or len(fields) < 8 or not fields[2].strip().isdigit():
        raise DamagedError("it has no Merlin header")
    for number in (4, 5):
        if not fields[number].strip().isdigit():
            raise DamagedError("its header has no image size")
    return fields


def _stamps(
    file: object, count: int, step: int, header: int
) -> tuple[Facts, NDArray[np.float64] | None, NDArray[np.int64] | None, bool]:
    """(facts, seconds after the first frame, frame numbers, whether every header was read)."""
    exact = count <= HEADERS_LIMIT
    chosen = range(count) if exact else (0, count - 1)
    moments: list[tuple[str, float]] = []
    numbers: list[int] = []
    first: list[str] = []
    for frame in chosen:
        file.seek(frame * step)  # type: ignore[attr-defined]
        fields = file.read(min(header, 1024)).decode("latin-1").strip("\x00").split(",")  # type: ignore[attr-defined]
        first = first or fields
        moments.append(_moment(fields))
        numbers.append(int(fields[1]) if len(fields) > 1 and fields[1].strip().isdigit() else -1)
    facts = Facts(start_iso=moments[0][0], exposure_s=_exposure(first))
    facts.instrument = {"detector": "Merlin", "chips": first[7].strip()}
    seconds = np.array([second for _, second in moments])
    if not np.isfinite(seconds).any() or count < 2:
        return facts, None, None, False
    seconds -= seconds[np.isfinite(seconds)][0]
    if exact:
        return facts, seconds, np.array(numbers) if min(numbers) >= 0 else None, True
    return facts, np.linspace(seconds[0], seconds[-1], count), None, False


def _moment(fields: list[str]) -> tuple[str, float]:
    """(ISO time, seconds since 1970 to the nanosecond) of one header; the stamp with a zone is preferred."""
    # a stamp that ends with Z says its zone: it is tried first
    for text in sorted((f for f in fields[8:] if "-" in f and ":" in f), key=lambda f: not f.endswith("Z")):
        moment = parse_iso(text.strip().replace(" ", "T"))
        if moment is not None:
            # parse_iso keeps microseconds, Merlin writes nanoseconds
            fraction = text.strip().rstrip("Z").partition(".")[2]
            whole = moment.replace(microsecond=0)
            seconds = _epoch(whole) + (float(f"0.{fraction}") if fraction.isdigit() else 0.0)
            return moment.isoformat(), seconds
    return "", float("nan")


def _epoch(moment: datetime) -> float:
    return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()


def _exposure(fields: list[str]) -> float | None:
    nanoseconds = next((f for f in fields if f.strip().endswith("ns")), "")
    value = positive(nanoseconds.strip()[:-2])
    if value is not None:
        return value * 1e-9
    return positive(fields[10]) if len(fields) > 10 else None


def _scan_sentence(path: Path) -> list[str]:
    header = path.with_suffix(".hdr")
    if not header.is_file() or header.stat().st_size > 1 << 20:
        return []
    for line in header.read_text("latin-1").splitlines():
        key, _, value = line.partition("\t")
        if key.startswith("Trigger Start") and "edge" in value.lower():
            return [
                f"{path.name} was triggered from outside: it may be a scan over positions and not a movie."
            ]
    return []
