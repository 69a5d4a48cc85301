"""Stored fields back to items: by the declared types of the model classes, tolerant of what is missing or newer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset, H5Group, H5Object, is_group
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.items import Item
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import hints_of, stored_fields
from tandem_em.storage.codec.json_values import Hint, alternatives, dataclass_in, hint_for
from tandem_em.storage.codec.read_json import as_declared, from_json, make_dataclass

# more than any curve has: a damaged shape must not ask for all memory
MAX_FIELD_BYTES = 16 << 30


class FieldError(ValueError):
    """A field that cannot be understood; the message names it."""


def children(group: H5Group) -> Iterator[tuple[str, Any]]:
    """What a group holds by hard link; soft and external links are not followed."""
    import h5py

    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.HardLink):
            yield name, group[name]


def child(group: H5Group, name: str) -> Any | None:
    """One member by hard link; None when it is missing or a link that leads elsewhere."""
    import h5py

    here = group
    for part in [part for part in name.split("/") if part]:
        if not isinstance(here, h5py.Group) or not isinstance(here.get(part, getlink=True), h5py.HardLink):
            return None
        here = here[part]
    return here


def read_fields(group: H5Group, cls: type, references: dict[str, Item]) -> tuple[dict[str, Any], list[str]]:
    """Constructor arguments of an item or record, and what could not be read (sentences)."""
    hints, problems = hints_of(cls), []
    nothing = none_names(group)
    values: dict[str, Any] = {}
    for name in stored_fields(cls):
        if name in nothing:
            values[name] = None
            continue
        stored = child(group, name)
        if stored is None:
            # an absent field has its default
            continue
        try:
            values[name] = read_value(stored, hints[name], references)
        except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
            problems.append(f"{group.name}/{name} cannot be read: {error}")
    _take_old_names(group, cls, values)
    return values, problems


def _take_old_names(group: H5Group, cls: type, values: dict[str, Any]) -> None:
    """Fields under the names of older files. Our own writing takes those away: where one has a value beside the new
    name, an older TandEM has written it since, so it counts."""
    before: dict[str, str] = getattr(cls, "stored_before", {})
    for name, old_name in before.items():
        owner, _, key = old_name.rpartition(".")
        if owner:
            entries = values.get(owner)
            old = entries.pop(key, None) if isinstance(entries, dict) else None
        else:
            old = text_value(group, old_name)
        if old:
            values[name] = old


def text_value(group: H5Group, name: str) -> str:
    """A plain text field; empty when it is missing or no text."""
    import h5py

    stored = child(group, name)
    is_text = (
        isinstance(stored, h5py.Dataset) and stored.shape == () and h5py.check_string_dtype(stored.dtype)
    )
    return str(stored.asstr()[()]) if stored is not None and is_text else ""


def read_value(stored: H5Dataset | H5Group, hint: Hint, references: dict[str, Item]) -> Any:
    """One field from its data set or group."""
    import h5py

    if is_group(stored):
        return _read_branch(stored, hint, references)
    if h5py.check_string_dtype(stored.dtype) is not None:
        return _read_text(stored, hint, references)
    if stored.shape == ():
        return stored[()].item()
    if stored.dtype.hasobject or stored.dtype.kind not in "biufc":
        raise FieldError(f"an array of {stored.dtype} is not expected here")
    if stored.nbytes > MAX_FIELD_BYTES:
        raise FieldError(f"{stored.nbytes} bytes are more than any field has")
    values = stored[...]
    return GrowingArray(values, values.dtype) if GrowingArray in alternatives(hint) else values


def _read_text(stored: H5Dataset, hint: Hint, references: dict[str, Item]) -> Any:
    if stored.shape != ():
        raise FieldError("a list of texts is not expected here")
    text = stored.asstr()[()]
    if stored.attrs.get(layout.ENCODING_ATTR) == "json":
        return as_declared(from_json(text, hint), hint)
    item_type = _item_type(hint)
    if item_type is None:
        return text
    found = references.get(text)
    if not isinstance(found, item_type):
        raise FieldError(f"it speaks of {text!r}, which is not in the file")
    return found


def _read_branch(group: H5Group, hint: Hint, references: dict[str, Item]) -> Any:
    arguments, record = hint_for(hint, dict), dataclass_in(hint)
    if arguments is None and record is not None:
        values, problems = read_fields(group, record, references)
        if problems:
            raise FieldError("; ".join(problems))
        return make_dataclass(record, values)
    inner = arguments[1] if arguments else Any
    nothing = none_names(group)
    result: dict[str, Any] = {}
    for key, name in _keys(group).items():
        stored = child(group, name)
        if name in nothing:
            result[key] = None
        elif stored is not None:
            result[key] = read_value(stored, inner, references)
    return result


def _keys(group: H5Group) -> dict[str, str]:
    """key -> name, in the order they were given."""
    text = group.attrs.get(layout.KEY_ATTR + "s")
    if isinstance(text, str):
        keys = json.loads(text)
        if isinstance(keys, dict):
            return {str(key): str(name) for key, name in keys.items()}
    return {name: name for name, _child in children(group)}


def _item_type(hint: Hint) -> type[Item] | None:
    return next((h for h in alternatives(hint) if isinstance(h, type) and issubclass(h, Item)), None)


def none_names(group: H5Group) -> frozenset[str]:
    """Names of the fields that are None; empty when the note makes no sense."""
    text = group.attrs.get(layout.NONE_ATTR)
    try:
        names = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return frozenset()
    return frozenset(str(name) for name in names) if isinstance(names, list) else frozenset()


def text_attr(owner: H5Object, name: str, default: str = "") -> str:
    """A text attribute whatever string type a program used for it."""
    value = owner.attrs.get(name, default)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else default


def int_attr(owner: H5Object, name: str, default: int = 0) -> int:
    """A whole-number attribute; the default when it is missing or of another type."""
    value = owner.attrs.get(name, default)
    return int(value) if isinstance(value, (int, np.integer)) else default
