"""Attributes and single values of foreign HDF5 files in plain Python; nothing huge is read, nothing unpacked."""

from __future__ import annotations

from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Group, H5Object
from tandem_em.importers.core.units import clean
from tandem_em.importers.hdf5.foreign import library

ATTRIBUTE_LIMIT = 1 << 20
"""Entries of an attribute; a damaged file may promise billions."""


def text_of(value: object) -> str:
    """An attribute or scalar dataset as text."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def attribute(entry: H5Object, name: str) -> Any:
    """An attribute in plain Python, None when it is missing, huge or cannot be read."""
    try:
        if (
            name not in entry.attrs
            or int(np.prod(entry.attrs.get_id(name).shape, dtype=object)) > ATTRIBUTE_LIMIT
        ):
            return None
        value = entry.attrs[name]
    except (OSError, TypeError, KeyError, ValueError, RuntimeError, MemoryError):
        return None
    # programs differ in writing single values as arrays of one
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def attributes(group: H5Group, depth: int = 12) -> dict[str, Any]:
    """The attributes of a group and its groups as nested dictionaries; datasets and references are left out."""
    h5py = library()
    out: dict[str, Any] = {}
    for name in group.attrs:
        value = attribute(group, name)
        if isinstance(value, (str, int, float, bool)):
            out[name] = value
    if depth > 0:
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                entry = group[name]
                if isinstance(entry, h5py.Group) and name != "_HyperSpy":
                    out[name] = attributes(entry, depth - 1)
    return out


def scalars(group: H5Group, depth: int = 12) -> dict[str, Any]:
    """Single numbers and texts stored as datasets (and attributes) below a group, as nested dictionaries."""
    h5py = library()
    out = attributes(group, 0)
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink) or name == "_HyperSpy":
            continue
        entry = group[name]
        if isinstance(entry, h5py.Group):
            if depth > 0:
                out[name] = scalars(entry, depth - 1)
        elif entry.shape == () and entry.dtype.itemsize < 1 << 16:
            value = entry[()]
            out[name] = (
                value.item()
                if isinstance(value, np.generic) and value.dtype.kind in "iufb"
                else text_of(value)
            )
    return out


def unit_text(value: object) -> str:
    """Units as EMD writes them: `[n_m]` is nm."""
    return clean(text_of(value)).replace("_", "")
