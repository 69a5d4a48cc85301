"""NanoMegas block files (.blo): a scan of diffraction patterns, shown one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import FramesAt, PositionedFile
from tandem_em.importers.core.units import positive

HEADER = np.dtype([
    ("id", "S6"), ("magic", "<u2"), ("image_at", "<u4"), ("patterns_at", "<u4"), ("flags", "<u4"), ("size", "<u2"),
    ("rotation", "<u2"), ("nx", "<u2"), ("ny", "<u2"), ("scan_rotation", "<u2"), ("sx", "<f8"), ("sy", "<f8"),
    ("volt", "<u4"), ("per_cm", "<u2"), ("camera_length", "<u4"), ("days", "<f8"),
])  # fmt: skip
MARK = 6
"""Bytes in front of every pattern: AA 55 and its number."""


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The patterns that are there; a scan that was stopped early says so."""
    size = path.stat().st_size
    with path.open("rb") as file:
        raw = file.read(HEADER.itemsize)
    if len(raw) < HEADER.itemsize or raw[:6] != b"IMGBLO":
        raise DamagedError("it does not begin like a block file")
    head = np.frombuffer(raw, HEADER)[0]
    side, nx, ny = int(head["size"]), int(head["nx"]), int(head["ny"])
    if min(side, nx, ny) < 1:
        raise DamagedError("its header has impossible sizes")
    step = MARK + side * side
    whole = max(0, size - int(head["patterns_at"])) // step
    if whole < 1:
        raise DamagedError("it was cut off before its first pattern")
    problems = []
    if whole < nx * ny:
        problems.append(f"{path.name} was cut off: {whole} of {nx * ny} patterns are there.")
    count = min(whole, nx * ny)
    problems.append(
        f"{path.name} is a scan of {ny} × {nx} patterns: they are shown one after the other, not in time."
    )
    offsets = int(head["patterns_at"]) + MARK + np.arange(count, dtype=np.int64) * step
    source = FramesAt([PositionedFile(path)], offsets, (side, side), "u1")
    per_cm = positive(int(head["per_cm"]))
    # the size of a detector pixel in cm is no length in the sample
    unit = Axis(side, 100.0 / per_cm if per_cm else 1.0, units="1/nm (detector)")
    found = Found(source, [Axis(count, name="scan"), unit, unit], facts=_facts(head), problems=problems)
    found.axis0_is_time = False
    return [found]


def _facts(head: np.void) -> Facts:
    volt = positive(int(head["volt"]))
    facts = Facts(beam_kV=volt / 1e3 if volt else None)
    days = float(head["days"])
    # day numbers since 1970; an unset clock is before
    if np.isfinite(days) and 25569 < days < 80000:
        moment = datetime(1899, 12, 30, tzinfo=UTC) + timedelta(days=days)
        facts.start_iso = moment.isoformat(timespec="milliseconds")
    facts.instrument = {
        "scan": [int(head["ny"]), int(head["nx"])],
        "scan_step_nm": [float(head["sy"]), float(head["sx"])],
        "camera_length_mm": float(head["camera_length"]) / 10,
    }
    return facts
