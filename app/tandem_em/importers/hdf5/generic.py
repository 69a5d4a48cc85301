"""HDF5 of other programs: NeXus, DM5, pyEELSMODEL, Nion Swift, and plain files with one obvious array."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group
from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.hyperspy import facts_from_hyperspy, signal_type
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.importers.core.times import parse_iso
from tandem_em.importers.core.units import clean, number
from tandem_em.importers.hdf5.emd import berkeley, emd_groups, is_velox, velox
from tandem_em.importers.hdf5.foreign import library, opened, source_of
from tandem_em.importers.hdf5.hspy import experiments
from tandem_em.importers.hdf5.tree import attribute, attributes, scalars, text_of
from tandem_em.importers.microscope.dm import image_from_parts

# more plots than anybody wants as items; the first ones have the most axes
ARRAYS_LIMIT = 16


def read(path: Path, options: ImportOptions) -> list[Found]:
    """Whatever this HDF5 file is, by what it contains and not by its name."""
    with opened(path) as file:
        if attribute(file, "creator") == "tandem":
            raise UserError(
                f"{path.name} is a TandEM session.", "Open it as a session instead of importing it."
            )
        if "Experiments" in file:
            return experiments(path, file)
        if is_velox(file):
            return velox(path, file)
        if "Data" in file and "Energy_axis" in file:
            return [_pyeelsmodel(path, file)]
        if "ImageList" in file:
            return _dm5(path, file)
        groups = emd_groups(file)
        if groups:
            return berkeley(path, groups)
        nexus = _nxdata_groups(file)
        if nexus:
            return [_nxdata(path, file, group, signal) for group, signal in nexus[:ARRAYS_LIMIT]]
        return _plain(path, file)


def _pyeelsmodel(path: Path, file: H5File) -> Found:
    """A spectrum (or map) of pyEELSMODEL: array plus an energy axis group."""
    data, energy = file["Data"], file["Energy_axis"]
    scale, offset = number(attribute(energy, "Dispersion")), number(attribute(energy, "Offset"))
    axes = [Axis(size) for size in data.shape[:-1]]
    axes.append(Axis(data.shape[-1], scale or 1.0, offset or 0.0, "eV", "Energy loss"))
    return Found(source_of(path, data), axes, "EELS", len(axes) - 1)


def _nxdata_groups(file: H5File) -> list[tuple[Any, Any]]:
    """(group, signal) of every NXdata whose signal is an array of at least two numbers; the default one first."""
    h5py = library()
    out: list[tuple[Any, Any]] = []

    def visit(_: str, entry: H5Dataset | H5Group) -> None:
        if not isinstance(entry, h5py.Group) or text_of(attribute(entry, "NX_class")) != "NXdata":
            return
        name = text_of(attribute(entry, "signal"))
        signal = entry.get(name) if name else _marked(entry)
        if isinstance(signal, h5py.Dataset) and signal.dtype.kind in "iufcb" and signal.size > 1:
            out.append((entry, signal))

    file.visititems(visit)
    # images and maps before curves
    out.sort(key=lambda pair: -pair[1].ndim)
    seen: set[int] = set()
    unique = []
    for pair in out:
        address = h5py.h5o.get_info(pair[1].id).addr
        if address not in seen:
            seen.add(address)
            unique.append(pair)
    return [pair for pair in unique if pair[1].ndim >= 2] or unique


def _marked(group: H5Group) -> Any:
    """The signal of old NeXus files: the dataset with @signal = 1, else the one called data."""
    h5py = library()
    for entry in group.values():
        if isinstance(entry, h5py.Dataset) and text_of(attribute(entry, "signal")) == "1":
            return entry
    return group.get("data")


def _nxdata(path: Path, file: H5File, group: H5Group, signal: H5Dataset) -> Found:
    names = attribute(group, "axes")
    if names is None:
        names = attribute(signal, "axes")
    if isinstance(names, str):
        names = names.strip("[]").replace(",", ":").split(":")
    listed = [text_of(name).strip() for name in names] if names is not None else []
    listed += ["."] * (signal.ndim - len(listed))
    axes = [_nx_axis(group, name, size) for name, size in zip(listed, signal.shape, strict=False)]
    said = group.parent.get("auxiliary/hyperspy_metadata")
    metadata = scalars(said) if isinstance(said, library().Group) else {}
    facts = facts_from_hyperspy(metadata)
    facts.title = text_of(group.get("title")[()]) if _is_scalar(group.get("title")) else facts.title
    name = text_of(group.name).rsplit("/", 1)[-1]
    facts.title = facts.title or ("" if name.startswith("unnamed") else name)
    facts.start_iso = _nx_start(file, group) or facts.start_iso
    facts.unit = text_of(attribute(signal, "units"))
    return Found(source_of(path, signal), axes, signal_type(metadata), facts=facts)


def _is_scalar(entry: object) -> bool:
    return isinstance(entry, library().Dataset) and entry.size == 1 and entry.dtype.itemsize < 1 << 20


def _nx_start(file: H5File, group: H5Group) -> str:
    """`start_time` of the entry the data belong to."""
    entry = group
    while entry.name != "/":
        start = entry.get("start_time")
        if _is_scalar(start):
            moment = parse_iso(text_of(start[()]))
            return moment.isoformat() if moment is not None else ""
        entry = entry.parent
    return ""


def _nx_axis(group: H5Group, name: str, size: int) -> Axis:
    entry = group.get(name) if name not in ("", ".") else None
    if not isinstance(entry, library().Dataset) or entry.shape not in ((size,), (size + 1,)):
        return Axis(size, name="" if name == "." else name)
    if entry.dtype.kind not in "iuf":
        return Axis(size, name=name)
    values = np.asarray(entry[()], np.float64)
    # edges of the bins: their middles are the places
    if len(values) == size + 1:
        values = (values[:-1] + values[1:]) / 2
    scale = float(values[-1] - values[0]) / (size - 1) if size > 1 else 1.0
    return Axis(
        size, scale, float(values[0]), clean(attribute(entry, "units")), name, values if size > 1 else None
    )


def _dm5(path: Path, file: H5File) -> list[Found]:
    """Gatan's HDF5 variant: the same tags as .dm4, as attributes."""
    founds = []
    for group in file["ImageList"].values():
        data = group.get("ImageData")
        array = data.get("Data") if data is not None else None
        if array is None or (array.dtype.names and "R" not in array.dtype.names):
            continue
        image = _tags(group)
        dimensions = [
            image_axis for _, image_axis in _numbered(image, "ImageData", "Calibrations", "Dimension")
        ]
        founds.append(image_from_parts(image, source_of(path, array), dimensions))
    if not founds:
        raise DamagedError("it has no image with data")
    # colour images are thumbnails beside the data
    return founds if len(founds) == 1 else [each for each in founds if not each.source.dtype.names] or founds


def _tags(group: H5Group) -> dict[str, Any]:
    return attributes(group, 20)


def _numbered(tree: dict[str, Any], *keys: str) -> list[tuple[int, dict[str, Any]]]:
    here: Any = tree
    for key in keys:
        here = here.get(key, {}) if isinstance(here, dict) else {}
    out = []
    for name, each in here.items() if isinstance(here, dict) else ():
        digits = name.strip("[]#")
        if digits.isdigit() and isinstance(each, dict):
            out.append((int(digits), each))
    return sorted(out, key=lambda pair: pair[0])


def _plain(path: Path, file: H5File) -> list[Found]:
    """A file without any convention: its largest arrays with the same number of axes."""
    h5py = library()
    arrays: list[Any] = []

    def visit(_: str, entry: H5Dataset | H5Group) -> None:
        if (
            isinstance(entry, h5py.Dataset)
            and entry.ndim >= 1
            and (entry.dtype.hasobject or entry.dtype.kind in "iufcb")
        ):
            arrays.append(entry)

    file.visititems(visit)
    numeric = [each for each in arrays if not each.dtype.hasobject and each.size > 1]
    if not numeric:
        raise UserError(
            f"{path.name} contains no array of numbers.",
            "Export the images or spectra again from the program that made them.",
        )
    # more axes before more numbers: a map is worth more than a long curve
    best = max(numeric, key=lambda each: (min(each.ndim, 4), each.size))
    found = Found(source_of(path, best), [Axis(size) for size in best.shape], facts=Facts(title=path.stem))
    _nion(best, found)
    if len(numeric) > 1:
        found.problems.append(f"{path.name} follows no convention: its largest array {best.name} is shown.")
    return [found]


def _nion(dataset: H5Dataset, found: Found) -> None:
    """Calibrations as Nion Swift keeps them: JSON in an attribute."""
    try:
        properties = json.loads(text_of(attribute(dataset, "properties")) or "{}")
    except (ValueError, RecursionError):
        return
    listed = properties.get("dimensional_calibrations") if isinstance(properties, dict) else None
    if not isinstance(listed, list) or len(listed) != len(found.axes):
        return
    for axis, each in zip(found.axes, listed, strict=True):
        if isinstance(each, dict):
            axis.scale = number(each.get("scale")) or 1.0
            axis.offset = number(each.get("offset")) or 0.0
            axis.units = clean(each.get("units"))
