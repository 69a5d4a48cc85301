"""The parts of the file that other programs look at: NXdata groups with calibrated axes over data that lie elsewhere.

Everything here can be rebuilt from the items: data sets are hard links, only axes are numbers of their own.
Rules found by trial: `interpretation` on the group and on the data set; float64 axes in nm, s, eV; no empty data sets
and no text arrays outside an NXdata; image and spectrum data carry their chunk shape as an attribute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.hdf5_types import H5Group, H5Object
from tandem_em.core.numeric import AnyArray
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import write_array
from tandem_em.storage.codec.fields import presentable, remove, set_attr

ROOM = "tandem_room"
# bytes; given back when the attributes of the NXdata come
ATTRIBUTE_ROOM = 1536
_STREAM_STEMS = tuple(f"{place.stem}_" for place in layout.PLACES.values() if place.has_item_group)


@dataclass(frozen=True)
class TimeAxis:
    """What plots use as first axis. `values` are session seconds, or frame numbers when the stamps make no axis."""

    name: str
    values: NDArray[np.float64]
    is_uniform_stand_in: bool = False
    deviation_s: float = 0.0


def time_axis(stamps: NDArray[np.float64], count: int) -> TimeAxis:
    """The axis for `count` values with these true stamps (session s): a uniform base when it is good enough for
    programs that know no other, else the stamps, else plain numbers."""
    stamps = stamps[:count]
    # stamps that repeat, run backwards or are missing make no axis
    if len(stamps) < count or not bool(np.isfinite(stamps).all()) or bool((np.diff(stamps) <= 0).any()):
        return TimeAxis("frame", np.arange(count, dtype=np.float64))
    if count < 3 or count > layout.UNIFORM_LIMIT:
        return TimeAxis("time", stamps)
    # a straight line through all stamps (least squares)
    index = np.arange(count, dtype=np.float64)
    middle, mean = (count - 1) / 2.0, float(stamps.mean())
    step = float(((index - middle) * (stamps - mean)).sum() / ((index - middle) ** 2).sum())
    uniform = mean + step * (index - middle)
    deviation = float(np.abs(stamps - uniform).max())
    if deviation < layout.UNIFORM_FRACTION * step:
        return TimeAxis("time", uniform, True, deviation)
    return TimeAxis("time", stamps, False, deviation)


def set_text(group: H5Group, name: str, text: str, **attributes: Any) -> None:
    """A scalar text, written only when it differs; removed when empty."""
    text = presentable(text)
    if not text:
        remove(group, name)
        return
    if name not in group or group[name].shape != () or group[name].asstr()[()] != text:
        remove(group, name)
        group[name] = text
    for key, value in attributes.items():
        set_attr(group[name], key, value)


def set_number(group: H5Group, name: str, value: float | None, units: str = "") -> None:
    """A scalar float64 with its units; None removes it."""
    remove(group, name)
    if value is not None:
        group[name] = np.float64(value)
        if units:
            group[name].attrs["units"] = units


def set_axis(
    group: H5Group, name: str, values: AnyArray, units: str, long_name: str, **attributes: Any
) -> None:
    """A float64 axis with units and a title for plots, written anew."""
    remove(group, name)
    dataset = write_array(group, name, np.asarray(values, np.float64))
    describe(dataset, units, long_name, **attributes)


def describe(dataset: H5Object, units: str, long_name: str, **attributes: Any) -> None:
    """Units, title and further attributes of a data set; empty texts and None are left out."""
    for key, value in {"units": units, "long_name": long_name, **attributes}.items():
        if value is not None and not (isinstance(value, str) and not value):
            set_attr(dataset, key, value)


def link(group: H5Group, name: str, target: H5Object) -> None:
    """A second name for a data set (hard link), unless it has that name already."""
    if name in group and group[name] == target:
        return
    remove(group, name)
    group[name] = target


def ensure_group(parent: H5Group, path: str, nx_class: str = "NXcollection") -> H5Group:
    """A group, made with everything above it when it is missing."""
    group = parent
    for part in path.strip("/").split("/"):
        child = group.get(part)
        if child is None or not hasattr(child, "keys"):
            remove(group, part)
            child = _create_group(group, part)
            child.attrs["NX_class"] = layout.FOLDER_CLASSES.get(child.name.strip("/"), "NXcollection")
        group = child
    if group.attrs.get("NX_class") == "NXcollection" or "NX_class" not in group.attrs:
        set_attr(group, "NX_class", nx_class)
    return group


def _create_group(parent: H5Group, name: str) -> H5Group:
    """A group with room for its attributes at its head: what describes the data lies before them in the file, so that
    a file that was cut short still says what it holds."""
    import h5py

    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_link_creation_order(h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED)
    # up to 40 attributes stay in the header of the group, beside its name
    creation.set_attr_phase_change(40, 30)
    made = h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=creation))
    if name.startswith(_STREAM_STEMS):
        made.attrs[ROOM] = np.zeros(ATTRIBUTE_ROOM, np.uint8)
    return made


def make_nxdata(group: H5Group, signal: str, axes: list[str], interpretation: str, title: str) -> None:
    """Attributes that make a group plottable. The axes belong to the signal's dimensions in order."""
    # the room was kept for the attributes that come now
    text_list = np.array(axes, dtype=object)
    if ROOM in group.attrs:
        del group.attrs[ROOM]
    set_attr(group, "NX_class", "NXdata")
    set_attr(group, "signal", signal)
    present = group.attrs.get("axes")
    if present is None or [str(axis) for axis in np.atleast_1d(present)] != axes:
        import h5py

        group.attrs.create("axes", text_list, dtype=h5py.string_dtype())
    # axes of an earlier form of the group
    for name in [name for name in group.attrs if name.endswith("_indices") and name[:-8] not in axes]:
        del group.attrs[name]
    for number, axis in enumerate(axes):
        set_attr(group, f"{axis}_indices", np.int32(number))
    set_attr(group, "interpretation", interpretation)
    dataset = group[signal]
    set_attr(dataset, "interpretation", interpretation)
    if dataset.chunks is not None and "chunks" not in dataset.attrs:
        dataset.attrs["chunks"] = np.array(dataset.chunks, np.int64)
    set_text(group, "title", title)


def not_nxdata(group: H5Group) -> None:
    """A group without anything to plot yet."""
    set_attr(group, "NX_class", "NXcollection")
    for name in [
        n for n in group.attrs if n in ("signal", "axes", "interpretation") or n.endswith("_indices")
    ]:
        del group.attrs[name]
