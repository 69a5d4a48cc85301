"""MRC stacks (.mrc, .mrcs, .rec, .st, .ali) of CCP4, IMOD, FEI and Direct Electron, left in the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError, block_fits
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.sources import RawArray, shape_bytes
from tandem_em.importers.core.times import iso_of_epoch
from tandem_em.importers.core.units import number, positive

MODES: dict[int, str] = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2"}
COLOURS = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def looks_like(head: bytes) -> bool:
    """Whether these first bytes can be an MRC header, in either byte order."""
    if len(head) < 1024:
        return False
    for order in "<>":
        nx, ny, nz, mode = np.frombuffer(head, order + "i4", 4)
        if 0 < nx < 1 << 20 and 0 < ny < 1 << 20 and 0 < nz < 1 << 28 and mode in (0, 1, 2, 4, 6, 12, 16):
            return True
    return False


def read(path: Path, options: ImportOptions) -> list[Found]:
    """The stack in the file; a file shorter than its header says is opened as far as it goes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
        if len(head) < 1024:
            raise DamagedError("it is shorter than its header")
        order = "<" if _mode(head, "<") in (*MODES, 16) else ">"
        nx, ny, nz, mode = (int(each) for each in np.frombuffer(head, order + "i4", 4))
        extended = int(np.frombuffer(head, order + "i4", 1, 92)[0])
        kind = head[104:108].decode("latin-1").strip("\x00 ")
        first = file.read(min(max(extended, 0), 4096))
    if mode not in (*MODES, 16) or min(nx, ny, nz) < 1:
        raise DamagedError("its header has impossible sizes")
    signed = mode == 0 and not _old_unsigned_bytes(head, order)
    dtype = COLOURS if mode == 16 else np.dtype(order + ("u1" if mode == 0 and not signed else MODES[mode]))
    offset = 1024 + max(extended, 0)
    problems: list[str] = []
    frame = shape_bytes((ny, nx), dtype)
    whole = (size - offset) // frame
    if whole < nz:
        if whole < 1:
            block_fits(size, offset, (1, ny, nx), dtype, "first frame")
        problems.append(f"{path.name} was cut off: {whole} of {nz} frames are there.")
        nz = whole
    facts, pixels = _facts(path, first, kind, order)
    axes = _axes(head, order, (nz, ny, nx), pixels)
    found = Found(RawArray(path, offset, (nz, ny, nx), dtype), axes, facts=facts, problems=problems)
    if nz == 1:
        found.axes[0] = Axis(1)
    return [found]


def _mode(head: bytes, order: str) -> int:
    return int(np.frombuffer(head, order + "i4", 1, 12)[0])


def _old_unsigned_bytes(head: bytes, order: str) -> bool:
    """IMOD says with a flag whether bytes are signed; without its stamp, old and FEI files mean unsigned."""
    stamp, flags = (int(each) for each in np.frombuffer(head, order + "i4", 2, 152))
    # the letters IMOD
    if stamp == 1146047817:
        return not flags & 1
    minimum, maximum = np.frombuffer(head, order + "f4", 2, 76)
    return bool(minimum >= 0 or maximum > 127)


def _axes(head: bytes, order: str, shape: tuple[int, int, int], pixels: float | None) -> list[Axis]:
    """Cell lengths in Å divided by the sampling; the extended header's own pixel size wins."""
    sampling = np.frombuffer(head, order + "i4", 3, 28)
    cell = np.frombuffer(head, order + "f4", 3, 40)
    axes = []
    for size, cells, length in zip(shape, sampling[::-1], cell[::-1], strict=True):
        step = float(length) / float(cells) if cells > 0 and np.isfinite(length) and length != 0 else 0.0
        # 1 Å per pixel in every direction is what writers put when they know nothing
        known = step != 0 and not (np.allclose(cell, sampling) or pixels is not None)
        axes.append(Axis(size, step if known else 1.0, units="Å" if known else ""))
    if pixels is not None:
        axes[1:] = [Axis(size, pixels, units="nm") for size in shape[1:]]
    axes[0].units = ""
    return axes


def _facts(path: Path, extended: bytes, kind: str, order: str) -> tuple[Facts, float | None]:
    facts = Facts()
    if kind in ("FEI1", "FEI2") and len(extended) >= 192:
        return facts, None
    if len(extended) >= 128 and kind in ("", "FEI"):
        values = np.frombuffer(extended, order + "f4", 13)
        exposure, pixel_m, magnification = float(values[8]), float(values[11]), float(values[12])
        # the old FEI header has no mark of its own: believe it only when all of it makes sense
        if 1e-13 < pixel_m < 1e-4 and 0 <= exposure < 1e5 and 0 <= magnification < 1e9:
            facts.exposure_s = exposure or None
            facts.magnification = magnification or None
            return facts, pixel_m * 1e9
    pixels = _direct_electron(path, facts)
    return facts, pixels


def _direct_electron(path: Path, facts: Facts) -> float | None:
    """Frame rate, start and pixel size from the `…_info.txt` a Direct Electron camera writes beside its movie."""
    match = re.match(r"(?P<stem>.+?)_(?:movie|final)", path.stem)
    candidates = [f"{match['stem']}_info.txt"] if match else []
    info = next((path.with_name(name) for name in candidates if path.with_name(name).is_file()), None)
    if info is None or info.stat().st_size > 4 << 20:
        return None
    values: dict[str, str] = {}
    for line in info.read_text("latin-1").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip()] = value.strip()
    rate = positive(values.get("Frames Per Second"))
    if rate is not None and path.stem.endswith("movie"):
        facts.frame_interval_s = (positive(values.get("Autosave Movie Sum Count")) or 1.0) / rate
    facts.start_iso = iso_of_epoch(number(values.get("Timestamp (seconds since Epoch)")) or 0.0)
    voltage = positive(values.get("Instrument Accelerating Voltage (V)"))
    facts.beam_kV = voltage / 1e3 if voltage is not None else None
    facts.magnification = positive(values.get("Instrument Project Magnification"))
    facts.exposure_s = facts.frame_interval_s
    camera: dict[str, Any] = {"camera": values.get("Camera Model", "")}
    facts.instrument = {key: value for key, value in camera.items() if value}
    return positive(values.get("Specimen Pixel Size X (nanometers)"))
