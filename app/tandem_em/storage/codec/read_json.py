"""JSON back to values: tags and declared types give tuples, whole-number keys, arrays and records back."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing
from typing import Any

import numpy as np

from tandem_em.model.arrays import GrowingArray
from tandem_em.storage.codec.json_values import (
    TAG,
    Hint,
    Json,
    alternatives,
    dataclass_in,
    element_hints,
    hint_for,
)


def from_json(text: str, hint: Hint = Any) -> Any:
    """The value that `to_json(value, hint)` was given. ValueError when the text is not what we write."""
    try:
        return restored(json.loads(text), hint)
    except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"JSON that is not ours: {error}") from error


def restored(value: Json, hint: Hint = Any) -> Any:
    """A value from parsed JSON: tags undone, containers as `hint` declares them."""
    if isinstance(value, dict):
        if TAG in value:
            return _from_tag(value, hint)
        return _restored_dict(value, hint)
    if isinstance(value, list):
        return _restored_list(value, hint)
    return value


def as_declared(value: object, hint: Hint) -> Any:
    """An array as the growing array a field wants."""
    if isinstance(value, np.ndarray) and GrowingArray in alternatives(hint):
        return GrowingArray(value, value.dtype)
    return value


def make_dataclass(cls: type, values: dict[str, Any]) -> Any:
    """A record from its stored fields. Fields this version does not know are left out; growing arrays that nothing was
    added to yet are empty."""
    hints = typing.get_type_hints(cls)
    arguments: dict[str, Any] = {}
    for each in dataclasses.fields(cls):
        if each.init and each.name in values:
            arguments[each.name] = values[each.name]
        elif each.init and GrowingArray in alternatives(hints[each.name]):
            arguments[each.name] = GrowingArray()
    return cls(**arguments)


def _restored_list(value: list[Json], hint: Hint) -> Any:
    for_list = hint_for(hint, list)
    if for_list is not None:
        return [restored(each, for_list[0] if for_list else Any) for each in value]
    for_tuple = hint_for(hint, tuple)
    if for_tuple is not None:
        return tuple(
            restored(each, inner) for each, inner in zip(value, element_hints(for_tuple, len(value)))
        )
    return [restored(each) for each in value]


def _restored_dict(value: dict[str, Json], hint: Hint) -> Any:
    arguments = hint_for(hint, dict)
    record = dataclass_in(hint)
    if record is not None and arguments is None:
        hints = typing.get_type_hints(record)
        return make_dataclass(
            record,
            {
                name: as_declared(restored(v, hints.get(name, Any)), hints.get(name, Any))
                for name, v in value.items()
            },
        )
    key_hint, inner = arguments if arguments else (Any, Any)
    return {(int(key) if key_hint is int else key): restored(each, inner) for key, each in value.items()}


def _from_tag(tagged: dict[str, Any], hint: Hint) -> Any:
    kind, value = tagged[TAG], tagged["v"]
    if kind == "float":
        return float(value)
    if kind == "complex":
        return complex(restored(value[0]), restored(value[1]))
    if kind == "bytes":
        return base64.b64decode(value)
    if kind == "dict":
        arguments = hint_for(hint, dict)
        inner = arguments[1] if arguments else Any
        return {restored(key): restored(each, inner) for key, each in value}
    if kind == "list":
        return [restored(each) for each in value]
    if kind in ("tuple", "set", "frozenset"):
        makers: dict[str, type] = {"tuple": tuple, "set": set, "frozenset": frozenset}
        return makers[kind](restored(each) for each in value)
    if kind == "texts":
        texts = restored(value)
        # numpy cannot guess the type of an empty list of texts
        return np.array(texts, dtype=None if texts else f"{tagged['kind']}1").reshape(tagged["shape"])
    if kind in ("array", "scalar"):
        return _array(tagged)
    raise ValueError(f"unknown tag {kind!r}")


def _array(tagged: dict[str, Any]) -> Any:
    dtype = np.dtype(tagged["dtype"])
    if dtype.hasobject or dtype.names is not None:
        raise ValueError(f"an array of {dtype} is not read")
    # a copy: what comes from bytes cannot be written to
    array = np.frombuffer(base64.b64decode(tagged["v"]), dtype).reshape(tagged["shape"]).copy()
    return array if tagged[TAG] == "array" else array[()]
