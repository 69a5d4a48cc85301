"""What the tags of a TIFF say: pixel size, what the third axis is, frame times, microscope."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Facts
from tandem_em.importers.core.times import iso_of
from tandem_em.importers.core.units import clean, length_nm, number, positive, time_s
from tandem_em.importers.microscope.dm_facts import facts_from_tags
from tandem_em.importers.microscope.dm_tags import TagReader

if TYPE_CHECKING:
    from tifffile import TiffFile

DM_UNITS, DM_OFFSETS, DM_SCALES = (65003, 65004, 65005), (65006, 65007, 65008), (65009, 65010, 65011)
"""Tags DigitalMicrograph writes, in the order x, y, z."""


def tag(tif: TiffFile, code: int) -> Any:
    """A tag of the first page, None when it is missing."""
    entry = tif.pages[0].tags.get(code)
    return entry.value if entry is not None else None


def vendor(tif: TiffFile, name: str) -> Any:
    """The metadata of one vendor (`fei`, `sis`, `sem`, `ome`), None when absent or broken."""
    try:
        return getattr(tif, f"{name}_metadata") if getattr(tif, f"is_{name}", False) else None
    except Exception:  # noqa: BLE001 - broken vendor tags must not cost the image
        return None


def calibration(tif: TiffFile, frames: int, shape: tuple[int, ...]) -> tuple[Axis, bool | None, list[Axis]]:
    """(axis 0, whether it is time, [y, x]) of a stack of this many frames."""
    y, x = Axis(shape[-2]), Axis(shape[-1])
    z = Axis(frames)
    if tag(tif, DM_SCALES[0]) is not None:
        _dm(tif, z, y, x)
        return z, _dm_is_time(z), [y, x]
    if tif.is_imagej and tif.imagej_metadata:
        return _imagej(tif, z, y, x)
    # the first vendor that knows the size; each has its own place for it
    for step_nm in (_fei(tif), _olympus(tif), _zeiss(tif), _ome(tif)):
        if step_nm is not None:
            x.scale = y.scale = step_nm
            x.units = y.units = "nm"
            return z, None, [y, x]
    _resolution(tif, y, x)
    return z, None, [y, x]


def _dm(tif: TiffFile, z: Axis, y: Axis, x: Axis) -> None:
    for axis, unit, offset, scale in zip((x, y, z), DM_UNITS, DM_OFFSETS, DM_SCALES, strict=True):
        axis.units = clean(tag(tif, unit) or "")
        axis.scale = number(tag(tif, scale)) or 1.0
        axis.offset = number(tag(tif, offset)) or 0.0


def _dm_is_time(z: Axis) -> bool | None:
    return True if time_s(z.units) is not None else None


def _imagej(tif: TiffFile, z: Axis, y: Axis, x: Axis) -> tuple[Axis, bool | None, list[Axis]]:
    metadata = tif.imagej_metadata
    unit = clean(str(metadata.get("unit", "")))
    _imagej_pixels(tif, unit, y, x)
    interval = positive(metadata.get("finterval"))
    rate = positive(metadata.get("fps"))
    frames, slices = int(metadata.get("frames", 1) or 1), int(metadata.get("slices", 1) or 1)
    # channels one after the other are no time
    if int(metadata.get("channels", 1) or 1) > 1:
        return Axis(z.size, name="channel"), None, [y, x]
    if frames > 1 or slices <= 1:
        z.name = "time" if frames > 1 else ""
        if interval is not None:
            z.scale, z.units = interval, str(metadata.get("tunit", "s") or "s")
            z.units = z.units if time_s(z.units) is not None else "s"
        elif rate is not None and frames > 1:
            z.scale, z.units = 1.0 / rate, "s"
        return z, True if frames > 1 else None, [y, x]
    spacing = positive(metadata.get("spacing"))
    if spacing is not None:
        z.scale, z.units = spacing, unit
    if interval is not None:
        z.scale, z.units = interval, "s"
        return z, True, [y, x]
    return z, None, [y, x]


def _imagej_pixels(tif: TiffFile, unit: str, y: Axis, x: Axis) -> None:
    """The size of a pixel, where the unit is a length."""
    if length_nm(unit) is not None:
        for axis, code in ((x, 282), (y, 283)):
            per_unit = _ratio(tag(tif, code))
            if per_unit:
                axis.scale, axis.units = 1.0 / per_unit, unit
    elif unit:
        x.units = y.units = unit


def _ratio(value: object) -> float | None:
    if isinstance(value, (tuple, list)) and len(value) == 2:
        top, bottom = number(value[0]), number(value[1])
        return top / bottom if top and bottom else None
    return positive(value)


def _resolution(tif: TiffFile, y: Axis, x: Axis) -> None:
    """Pixels per cm or inch, when that is a microscope's scale and not a printer's 72 dpi."""
    unit = {2: "inch", 3: "cm"}.get(int(number(tag(tif, 296)) or 0))
    if unit is None:
        return
    for axis, code in ((x, 282), (y, 283)):
        per_unit = _ratio(tag(tif, code))
        step = (length_nm(unit) or 0.0) / per_unit if per_unit else None
        # above 1 µm it is a resolution for printing
        if step is not None and step < 1000:
            axis.scale, axis.units = step, "nm"


def _fei(tif: TiffFile) -> float | None:
    """Helios, Magellan, Titan in SEM style: metres."""
    metadata = vendor(tif, "fei")
    for group, key in (("Scan", "PixelWidth"), ("EScan", "PixelWidth"), ("Image", "PixelWidth")):
        if isinstance(metadata, dict) and isinstance(metadata.get(group), dict):
            metres = positive(metadata[group].get(key))
            if metres is not None:
                return metres * 1e9
    return None


def _olympus(tif: TiffFile) -> float | None:
    metadata = vendor(tif, "sis")
    metres = positive(metadata.get("pixelsizex")) if isinstance(metadata, dict) else None
    return metres * 1e9 if metres is not None else None


def _zeiss(tif: TiffFile) -> float | None:
    metadata = vendor(tif, "sem")
    if not isinstance(metadata, dict):
        return None
    for key in ("ap_image_pixel_size", "ap_pixel_size"):
        value = metadata.get(key)
        if isinstance(value, (tuple, list)) and len(value) >= 3:
            size, factor = positive(value[1]), length_nm(value[2])
            if size is not None and factor is not None:
                return size * factor
    return None


def _ome(tif: TiffFile) -> float | None:
    text = vendor(tif, "ome")
    if not isinstance(text, str):
        return None
    size = re.search(r'PhysicalSizeX="([-+.\deE]+)"', text)
    unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', text)
    value, factor = positive(size[1]) if size else None, length_nm(unit[1] if unit else "µm")
    return value * factor if value is not None and factor is not None else None


def frame_stamps(tif: TiffFile, frames: int) -> NDArray[np.float64] | None:
    """True times after the first frame from per-frame metadata (`FrameInfo` JSON, MicroManager, OME), None without."""
    if frames < 2:
        return None
    listed = _frame_info(tag(tif, 270), frames)
    if listed is not None:
        return listed
    text = vendor(tif, "ome")
    if isinstance(text, str):
        deltas = re.findall(r'<Plane[^>]*DeltaT="([-+.\deE]+)"', text)
        if len(deltas) == frames:
            return np.array(
                [number(each) if number(each) is not None else np.nan for each in deltas], np.float64
            )
    return None


def _frame_info(description: object, frames: int) -> NDArray[np.float64] | None:
    """`{"FrameInfo": [{"t": 0.0}, …]}` or a list of seconds, in the description of the first page."""
    if not isinstance(description, str) or not description.lstrip().startswith(("{", "[")):
        return None
    try:
        tree = json.loads(description)
    except (ValueError, RecursionError):
        return None
    listed = (
        next((tree[key] for key in ("FrameInfo", "frames", "timestamps", "times_s") if key in tree), None)
        if (isinstance(tree, dict))
        else tree
    )
    if not isinstance(listed, list) or len(listed) != frames:
        return None
    times = np.array([_seconds(each) for each in listed], np.float64)
    return times - times[0] if np.isfinite(times).any() else None


def _seconds(entry: object) -> float:
    if isinstance(entry, dict):
        for key, factor in (
            ("t", 1.0),
            ("time_s", 1.0),
            ("time", 1.0),
            ("timestamp", 1.0),
            ("ElapsedTime-ms", 1e-3),
        ):
            value = number(entry.get(key))
            if value is not None:
                return value * factor
        return float("nan")
    value = number(entry)
    return value if value is not None else float("nan")


def tiff_facts(tif: TiffFile) -> Facts:
    """Date, voltage and magnification where a vendor's tags or the plain date tag have them."""
    facts = Facts(title=PurePath(tif.filename).stem)
    date = tag(tif, 306)
    if isinstance(date, str):
        day, _, clock = date.strip("\x00 ").partition(" ")
        facts.start_iso = iso_of(day, clock)
    metadata = vendor(tif, "fei")
    if isinstance(metadata, dict):
        beam = metadata.get("Beam") if isinstance(metadata.get("Beam"), dict) else {}
        volt = positive((beam or {}).get("HV"))
        facts.beam_kV = volt / 1e3 if volt is not None else None
        scan = metadata.get("Scan") if isinstance(metadata.get("Scan"), dict) else {}
        facts.dwell_s = positive((scan or {}).get("Dwelltime"))
    sis = vendor(tif, "sis")
    if isinstance(sis, dict):
        facts.magnification = positive(sis.get("magnification"))
    _from_dm_tags(tif, facts)
    return facts


def _from_dm_tags(tif: TiffFile, facts: Facts) -> None:
    """DigitalMicrograph exports its tag tree as one binary tag (65027) in the layout of its own files."""
    raw = tag(tif, 65027)
    if not isinstance(raw, bytes) or len(raw) > 64 << 20:
        return
    try:
        tags = TagReader(BytesIO(raw), len(raw)).tree()
    except (DamagedError, ValueError, IndexError):
        return
    said = facts_from_tags({}, tags)
    said.title = facts.title
    said.start_iso = said.start_iso or facts.start_iso
    facts.__dict__.update(said.__dict__)
