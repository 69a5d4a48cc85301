"""Items to stored fields, and stored fields to HDF5: generic, so that a new field of a model class needs no code here.

Encoding is pure and quick (arrays by reference, growing arrays as the view of this moment): it takes the snapshot on
the caller's thread. Writing runs on the storage thread and touches only what differs from what was written before.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Group, H5Object
from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun
from tandem_em.model.items import Item
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import crc32, write_array
from tandem_em.storage.codec.json_values import Hint, dataclass_in, hint_for, to_json

# a checksum of larger arrays would hold up the save: they are told apart by identity
FINGERPRINT_LIMIT = 64 << 20


@dataclass(frozen=True)
class Number:
    """A single number or truth value, kept as a scalar data set."""

    value: Any


@dataclass(frozen=True)
class Text:
    """A text, or with `is_json` anything else that was made into one."""

    text: str
    is_json: bool = False


@dataclass(frozen=True)
class Array:
    """`grower`: the growing array this is the present state of; its head never changes."""

    values: AnyArray
    grower: GrowingArray | None = None


@dataclass(frozen=True)
class Branch:
    """A group: the entries of a dict or the fields of a record; `unit` goes to their arrays."""

    children: dict[str, Encoded]
    unit: str = ""


@dataclass(frozen=True)
class Nothing:
    """None: the field is named in the list of absent ones."""


Encoded = Number | Text | Array | Branch | Nothing


@dataclass
class Record:
    """An item as it is to be stored. `item` is kept for what needs more than fields (sources, outlines)."""

    kind: str
    id: str
    revision: int
    fields: dict[str, Encoded]
    item: Item
    listed: bool = True


@dataclass
class Written:
    """What is known to be in the file for one group: marks by field path, and the paths a recorder writes itself."""

    marks: dict[str, Any] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    staged: dict[str, str] = field(default_factory=dict)
    """Field paths whose big arrays are in the file already, below `_incoming`."""


@dataclass(frozen=True, eq=False)
class Same:
    """Compares as the very same object."""

    it: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it

    def __hash__(self) -> int:
        return id(self.it)


def hints_of(cls: type) -> dict[str, Any]:
    """Declared types of the fields of a class."""
    return _hints(cls)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def stored_fields(cls: type) -> list[str]:
    """Names of the fields that go into the file."""
    hidden: frozenset[str] = getattr(cls, "not_stored", frozenset())
    return [f.name for f in dataclasses.fields(cls) if f.name not in hidden and not f.name.startswith("_")]


def encode_item(item: Item, leave_out: frozenset[str] = frozenset()) -> Record:
    """The snapshot of an item. TypeError names the field that cannot be stored."""
    hints = hints_of(type(item))
    fields: dict[str, Encoded] = {}
    for name in stored_fields(type(item)):
        if name in leave_out or name == "revision":
            continue
        try:
            fields[name] = encode(getattr(item, name), hints[name])
        except TypeError as error:
            raise TypeError(f"{type(item).__name__}.{name} of {item.name or item.id}: {error}") from error
    return Record(item.kind, item.id, item.revision, fields, item)


def encode(value: object, hint: Hint) -> Encoded:
    """One field by what it is and what it is declared to be."""
    if value is None:
        return Nothing()
    if isinstance(value, Item):
        return Text(value.id)
    if isinstance(value, str):
        # HDF5 texts end at NUL and have to be UTF-8: others are kept as JSON
        return Text(str(value)) if _is_plain_text(value) else Text(to_json(str(value)), is_json=True)
    if isinstance(value, (bool, np.bool_)):
        return Number(np.bool_(value))
    if isinstance(value, (int, float, np.number)) and not isinstance(value, np.timedelta64):
        # HDF5 integers have 64 bits at most
        fits = not isinstance(value, int) or -(2**63) <= value < 2**63
        return Number(value) if fits else Text(to_json(value), is_json=True)
    if isinstance(value, GrowingArray):
        return _array_or_text(np.asarray(value.view), hint, value)
    if isinstance(value, np.ndarray):
        return _array_or_text(value, hint, None)
    if dataclasses.is_dataclass(value) and dataclass_in(hint) is type(value):
        return _dataclass_branch(value)
    if isinstance(value, dict) and _is_branch_hint(hint) and all(isinstance(key, str) for key in value):
        inner = (hint_for(hint, dict) or (Any, Any))[1]
        return Branch({key: encode(each, inner) for key, each in value.items()})
    return Text(to_json(value, hint), is_json=True)


def _is_plain_text(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_branch_hint(hint: Hint) -> bool:
    """Declared as a dict of arrays or records: each entry becomes an object of its own."""
    arguments = hint_for(hint, dict)
    if not arguments or arguments[0] is not str:
        return False
    inner = arguments[1]
    return dataclass_in(inner) is not None or is_array_hint(inner)


def is_array_hint(hint: Hint) -> bool:
    """Whether a declared type speaks of arrays, alone or in a union."""
    return any(
        option in (np.ndarray, GrowingArray) or typing.get_origin(option) is np.ndarray
        for option in (typing.get_args(hint) or (hint,))
    ) or typing.get_origin(hint) is np.ndarray  # fmt: skip


def _array_or_text(values: AnyArray, hint: Hint, grower: GrowingArray | None) -> Encoded:
    """Empty and odd arrays go as text: HDF5 readers stumble over them."""
    odd = (
        values.size == 0 or values.dtype.kind not in "biufc" or values.ndim == 0 or values.dtype.itemsize > 16
    )
    return Text(to_json(values), is_json=True) if odd else Array(values, grower)


def _dataclass_branch(value: object) -> Branch:
    hints = hints_of(type(value))
    names = stored_fields(type(value))
    unit = getattr(value, "unit", "")
    children = {name: encode(getattr(value, name), hints[name]) for name in names}
    return Branch(children, unit if isinstance(unit, str) else "")


# ---- to HDF5 (storage thread) ----


def write_record(group: H5Group, record: Record, written: Written) -> None:
    """Bring a group up to date with a record; fields it does not know stay as they are."""
    set_attr(group, layout.KIND_ATTR, record.kind)
    set_attr(group, layout.ID_ATTR, record.id)
    set_attr(group, layout.REVISION_ATTR, np.int64(record.revision))
    set_attr(group, layout.LISTED_ATTR, np.bool_(record.listed))
    write_fields(group, record.fields, written, "")
    for old_name in record.item.stored_before.values():
        if "." not in old_name:  # an entry of a dict went when the dict was written
            remove(group, old_name)


def write_fields(
    group: H5Group, fields: dict[str, Encoded], written: Written, path: str, unit: str = ""
) -> None:
    """Bring the fields of one group up to date; `path` is where it lies below its item, for the marks."""
    # fields of a newer TandEM that are None stay so
    unknown = [name for name in _none_names(group) if name not in fields]
    # what a recorder writes itself would be written over with an older state
    fields = {name: value for name, value in fields.items() if f"{path}/{name}" not in written.recorded}
    nothing = [name for name, value in fields.items() if isinstance(value, Nothing)]
    for name in nothing:
        remove(group, name)
        written.marks.pop(f"{path}/{name}", None)
    if nothing or unknown or layout.NONE_ATTR in group.attrs:
        set_attr(group, layout.NONE_ATTR, json.dumps(sorted({*nothing, *unknown})))
    for name, value in fields.items():
        if isinstance(value, Branch):
            _write_branch(group, name, value, written, f"{path}/{name}")
        elif not isinstance(value, Nothing):
            mark, old_mark = mark_of(value), written.marks.get(f"{path}/{name}")
            if name not in group or old_mark != mark:
                own_unit = unit if isinstance(value, Array) and unit else layout.unit_of(name)
                staged = written.staged.pop(f"{path}/{name}", None)
                if staged is not None:
                    _take_staged(group, name, staged, own_unit)
                else:
                    _write_value(group, name, value, own_unit, may_grow=is_longer(old_mark, mark))
                written.marks[f"{path}/{name}"] = mark


def remember(record: Record, written: Written) -> None:
    """Take note that the file holds exactly this record (after reading it)."""

    def walk(fields: dict[str, Encoded], path: str) -> None:
        for name, value in fields.items():
            if isinstance(value, Branch):
                walk(
                    {child_name: child for child_name, (_key, child) in branch_names(value).items()},
                    f"{path}/{name}",
                )
            elif not isinstance(value, Nothing):
                written.marks[f"{path}/{name}"] = mark_of(value)

    walk(record.fields, "")


def branch_names(branch: Branch) -> dict[str, tuple[str, Encoded]]:
    """Safe, distinct HDF5 names for the keys of a dict: name -> (key, value)."""
    names: dict[str, tuple[str, Encoded]] = {}
    for key, value in branch.children.items():
        name = stem = layout.safe_name(key)
        number = 1
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names[name] = key, value
    return names


def _write_branch(group: H5Group, name: str, branch: Branch, written: Written, path: str) -> None:
    child_group = group.get(name)
    if child_group is None or not hasattr(child_group, "keys"):
        remove(group, name)
        child_group = group.create_group(name, track_order=True)
        set_attr(child_group, "NX_class", "NXcollection")
    names = branch_names(branch)
    keys = {key: child_name for child_name, (key, _value) in names.items()}
    if child_group.attrs.get(layout.KEY_ATTR + "s") != json.dumps(keys):
        # only what we gave a name to is removed: members of other programs stay
        for old in list(child_group):
            if old not in names and old in _key_names(child_group):
                remove(child_group, old)
                for mark in [
                    m for m in written.marks if m == f"{path}/{old}" or m.startswith(f"{path}/{old}/")
                ]:
                    del written.marks[mark]
        set_attr(child_group, layout.KEY_ATTR + "s", json.dumps(keys))
    values = {child_name: value for child_name, (_key, value) in names.items()}
    write_fields(child_group, values, written, path, branch.unit)


def _key_names(group: H5Group) -> set[str]:
    text = group.attrs.get(layout.KEY_ATTR + "s")
    return set(json.loads(text).values()) if isinstance(text, str) else set()


def _none_names(group: H5Group) -> list[str]:
    text = group.attrs.get(layout.NONE_ATTR)
    names = json.loads(text) if isinstance(text, str) else []
    return [str(name) for name in names] if isinstance(names, list) else []


def mark_of(value: Encoded) -> Any:
    """Equal marks: the file already has this value."""
    if isinstance(value, Array):
        array = value.values
        if value.grower is not None:
            return ("growing", Same(value.grower), len(array))
        # small arrays by content, so that one computed anew to the same numbers is not written again
        if array.nbytes <= FINGERPRINT_LIMIT:
            return ("array", array.shape, array.dtype.str, crc32(np.ascontiguousarray(array).data.cast("B")))
        return ("big", Same(array), array.shape, array.dtype.str)
    if isinstance(value, Number):
        return ("number", type(value.value).__name__, repr(value.value))
    return value


def run_marks(run: BiasRun) -> dict[str, Any]:
    """Marks that say: the growing arrays of this run are in the file as they are now."""
    marks: dict[str, Any] = {}
    for name in ("times", "host_times"):
        values = getattr(run, name)
        if values is not None:
            marks[f"/{name}"] = ("growing", Same(values), len(values))
    for name, (key, _value) in branch_names(Branch(dict.fromkeys(run.columns, Nothing()))).items():
        values = run.columns[key].values
        marks[f"/columns/{name}/values"] = ("growing", Same(values), len(values))
    return marks


def is_longer(old_mark: object, mark: object) -> bool:
    """The same growing array as last time, with more at its end."""
    return (
        isinstance(old_mark, tuple)
        and isinstance(mark, tuple)
        and old_mark[:2] == mark[:2]
        and mark[0] == "growing"
        and bool(mark[2] > old_mark[2])
    )


def _write_value(group: H5Group, name: str, value: Encoded, unit: str, may_grow: bool) -> None:
    if isinstance(value, Array):
        _write_array(group, name, value, may_grow)
    else:
        remove(group, name)
        if isinstance(value, Number):
            group[name] = value.value
        elif isinstance(value, Text):
            group[name] = value.text
            if value.is_json:
                set_attr(group[name], layout.ENCODING_ATTR, "json")
    if unit and not isinstance(value, Text):
        set_attr(group[name], "units", unit)


def _take_staged(group: H5Group, name: str, staged: str, unit: str) -> None:
    """Give an array that was written beforehand its name."""
    remove(group, name)
    group[name] = group.file[staged]
    del group.file[staged]
    if unit:
        set_attr(group[name], "units", unit)


def _write_array(group: H5Group, name: str, value: Array, may_grow: bool) -> None:
    old, array = group.get(name), value.values
    # only the new values at the end are written while a run grows
    if may_grow and old is not None and old.dtype == array.dtype and old.shape[0] <= len(array):
        start = old.shape[0]
        old.resize(len(array), axis=0)
        old[start:] = array[start:]
        return
    remove(group, name)
    write_array(group, name, array, grows=value.grower is not None)


def presentable(text: str) -> str:
    """A text HDF5 can hold as it is: without NUL and half characters. For what is shown, not for what is kept."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def remove(group: H5Group, name: str) -> None:
    """Unlink a member; nothing happens when there is none."""
    if name in group:
        del group[name]


def set_attr(owner: H5Object, name: str, value: object) -> None:
    """Write an attribute only when it differs: an untouched header is no write at all."""
    if isinstance(value, str):
        value = presentable(value)
    present = owner.attrs.get(name)
    # True == 1 == 1.0: the types have to agree too
    same = type(present) is type(value) and not isinstance(value, np.ndarray) and present == value
    if not same:
        owner.attrs[name] = value
