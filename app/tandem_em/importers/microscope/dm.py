"""Gatan DigitalMicrograph files (.dm3, .dm4): images, stacks, spectra and spectrum images, left in the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.sources import RawArray
from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.core.units import clean, energy_eV, number
from tandem_em.importers.microscope.dm_facts import facts_from_tags, format_of, signal_of, start_of
from tandem_em.importers.microscope.dm_tags import Block, dig, read_tags
from tandem_em.model.arrays import ArraySource

COLOURS = np.dtype([("B", "u1"), ("G", "u1"), ("R", "u1"), ("A", "u1")])
DATA_TYPES: dict[int, Any] = {
    1: "i2", 2: "f4", 3: "c8", 5: "c8", 6: "u1", 7: "i4", 8: COLOURS, 9: "i1", 10: "u2", 11: "u4", 12: "f8",
    13: "c16", 14: "?", 23: COLOURS, 39: "i8", 40: "u8",
}  # fmt: skip
MakeSource = Callable[[Block, tuple[int, ...], np.dtype[Any]], ArraySource]


def read(path: Path, options: ImportOptions) -> list[Found]:
    """Everything in a .dm3 or .dm4 file but its thumbnails."""

    def source(block: Block, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ArraySource:
        return RawArray(path, block.offset, shape, dtype)

    return images_from_tags(read_tags(path), source)


def start_s(path: Path) -> float:
    """When the image of a file was started (s since 1970), NaN when it does not say or cannot be read."""
    try:
        tags = read_tags(path)
    except (DamagedError, OSError, ValueError):
        return float("nan")
    images = dig(tags, "ImageList") or {}
    for image in reversed(list(images.values())):
        moment = parse_iso(start_of(dig(image, "ImageTags") or {}))
        if moment is not None:
            return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds()
    return float("nan")


def images_from_tags(tags: dict[str, Any], source: MakeSource) -> list[Found]:
    """The images of a tag tree, whichever container it came from."""
    images = dig(tags, "ImageList")
    if not isinstance(images, dict) or not images:
        raise DamagedError("it has no list of images")
    thumbnails = _thumbnails(tags, images)
    founds, reasons = [], []
    for number_, image in enumerate(images.values()):
        if number_ in thumbnails or not isinstance(dig(image, "ImageData", "Data"), Block):
            continue
        try:
            founds.append(_image(image, source))
        except DamagedError as reason:
            reasons.append(reason)
    if not founds:
        raise reasons[0] if reasons else DamagedError("it has no image with data")
    return founds


def _thumbnails(tags: dict[str, Any], images: dict[str, Any]) -> set[int]:
    named = {
        int(index)
        for each in (dig(tags, "Thumbnails") or {}).values()
        if isinstance(index := dig(each, "ImageIndex"), int)
    }
    first = next(iter(images.values()))
    # files without a list of thumbnails: a colour image in front is one
    if not named and len(images) > 1 and dig(first, "ImageData", "DataType") in (8, 23):
        named = {0}
    return named if len(named) < len(images) else set()


def _image(image: dict[str, Any], source: MakeSource) -> Found:
    data = image["ImageData"]
    shape = _shape(data)
    block: Block = data["Data"]
    dtype = _dtype(int(data.get("DataType", 0)), block)
    total = int(np.prod([int(size) for size in shape], dtype=object))
    if total * dtype.itemsize > block.count * block.dtype.itemsize:
        raise DamagedError(f"its {' × '.join(map(str, shape))} pixels are not all there")
    axes = _axes(data, shape)
    image_tags: dict[str, Any] = dig(image, "ImageTags") or {}
    found = Found(source(block, shape, dtype), axes, facts=facts_from_tags(image, image_tags))
    found.type = signal_of(image_tags)
    found.energy_axis = _energy_axis(found, format_of(image_tags))
    return found


def image_from_parts(image: dict[str, Any], source: ArraySource, dimensions: list[dict[str, Any]]) -> Found:
    """An image whose numbers are already a source (.dm5), with the tags that came with it."""
    axes = _axes({"Calibrations": {"Dimension": dict(enumerate(dimensions))}}, source.shape)
    tags: dict[str, Any] = dig(image, "ImageTags") or {}
    found = Found(source, axes, facts=facts_from_tags(image, tags))
    found.type = signal_of(tags)
    found.energy_axis = _energy_axis(found, format_of(tags))
    return found


def _shape(data: dict[str, Any]) -> tuple[int, ...]:
    sizes = [value for value in (dig(data, "Dimensions") or {}).values() if isinstance(value, int)]
    if not sizes or min(sizes) < 1:
        raise DamagedError("an image has no dimensions")
    return tuple(reversed(sizes))


def _dtype(kind: int, block: Block) -> np.dtype[Any]:
    if kind not in DATA_TYPES:
        raise DamagedError(
            f"its pixels have the type {kind} (a packed Fourier transform?), which is not known"
        )
    order = block.dtype.byteorder if block.dtype.names is None else block.dtype[0].byteorder
    dtype: np.dtype[Any] = np.dtype(DATA_TYPES[kind])
    swapped: np.dtype[Any] = dtype.newbyteorder(">" if order == ">" else "<")
    return swapped


def _axes(data: dict[str, Any], shape: tuple[int, ...]) -> list[Axis]:
    dimensions = list((dig(data, "Calibrations", "Dimension") or {}).values())
    dimensions += [{}] * (len(shape) - len(dimensions))
    axes = []
    for size, each in zip(shape, reversed(dimensions[: len(shape)]), strict=True):
        scale = number(dig(each, "Scale"))
        origin = number(dig(each, "Origin")) or 0.0
        step = 1.0 if scale is None else scale
        unit = dig(each, "Units")
        axes.append(Axis(size, step, -origin * step, clean(unit) if isinstance(unit, str) else ""))
    return axes


def _energy_axis(found: Found, shown_as: str) -> int | None:
    """The energy axis: in eV where one is, else where DigitalMicrograph keeps it (first of a map, last of a line)."""
    in_eV = [i for i, axis in enumerate(found.axes) if energy_eV(axis.units) is not None]
    if in_eV:
        return in_eV[0]
    if found.type == "other" or not (found.type or shown_as == "Spectrum image"):
        return None
    if shown_as == "Image" and len(found.axes) > 1:
        return None
    return 0 if len(found.axes) == 3 else len(found.axes) - 1
