"""HyperSpy files (.hspy and the older .hdf5), read without HyperSpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.core.notices import UserError
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.hyperspy import facts_from_hyperspy, signal_type
from tandem_em.importers.core.signal import Axis, Found
from tandem_em.importers.core.units import clean, number
from tandem_em.importers.hdf5.foreign import library, source_of
from tandem_em.importers.hdf5.tree import attribute, attributes, text_of


def experiments(path: Path, file: H5File) -> list[Found]:
    """All signals under /Experiments."""
    h5py = library()
    founds: list[Found] = []
    refused: list[UserError] = []
    for group in file["Experiments"].values():
        if not isinstance(group, h5py.Group) or not isinstance(group.get("data"), h5py.Dataset):
            continue
        try:
            founds.append(_signal(path, group))
        except UserError as error:
            refused.append(error)
    if not founds:
        raise refused[0] if refused else DamagedError("it has no signal with data")
    founds[0].problems += [error.title for error in refused]
    return founds


def _signal(path: Path, group: H5Group) -> Found:
    data = group["data"]
    if group.get("ragged_shapes") is not None or "ragged_shapes" in group:
        raise UserError(f"{path.name} holds a ragged signal.", "Make it an ordinary array in HyperSpy first.")
    axes = _axes(group, data.shape)
    name = "metadata" if "metadata" in group else "mapped_parameters"
    metadata = attributes(group[name]) if name in group else {}
    facts = facts_from_hyperspy(metadata)
    facts.title = facts.title or text_of(group.name).rsplit("/", 1)[-1].replace("__unnamed__", "")
    found = Found(source_of(path, data), axes, facts=facts)
    found.type = signal_type(metadata)
    return found


def _axes(group: H5Group, shape: tuple[int, ...]) -> list[Axis]:
    """The axes in the order of the array; old files number them in `index_in_array`."""
    axes = [Axis(size) for size in shape]
    for number_ in range(len(shape)):
        entry = group.get(f"axis-{number_}", group.get(f"coordinate-{number_}"))
        if entry is None:
            continue
        index = attribute(entry, "index_in_array")
        place = int(index) if isinstance(index, int) and 0 <= index < len(shape) else number_
        scale, offset = number(attribute(entry, "scale")), number(attribute(entry, "offset"))
        axes[place] = Axis(
            shape[place],
            1.0 if scale is None else scale,
            offset or 0.0,
            clean(attribute(entry, "units")).replace("_None_", ""),
            text_of(attribute(entry, "name")).replace("_None_", ""),
            _values(entry, shape[place]),
        )
    return axes


def _values(entry: H5Group, size: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The values of a non-uniform axis, stored as an attribute or a dataset called `axis`."""
    values = attribute(entry, "axis") if "axis" in entry.attrs else entry.get("axis")
    if values is None or getattr(values, "shape", ()) != (size,) or values.dtype.kind not in "iuf":
        return None
    return np.asarray(values[()], np.float64)
