"""Values to JSON, exactly: what the declared type does not tell is tagged, so that it comes back the same.

A tag is an object with the one extra key `~`: `{"~": "tuple", "v": [...]}`. Plain lists, dicts with text keys, finite
numbers, texts, booleans and None stay what they are, so that other programs can read the text.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import types
import typing
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import GrowingArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TAG = "~"
Hint = object
"""A type as a field declares it: a class, a union, `list[float]`, … Python has no common class for them."""
Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
"""What a JSON text says."""


def to_json(value: object, hint: Hint = Any) -> str:
    """JSON text of a value; `hint` is its declared type. TypeError for what cannot be stored."""
    return dump(plain(value, hint))


def dump(value: Json) -> str:
    """JSON text that is always valid UTF-8."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a character from somewhere: escaped
        return json.dumps(value, allow_nan=False)
    return text


def plain(value: object, hint: Hint = Any) -> Json:
    """Only dicts, lists, texts, finite numbers, booleans and None: what `json` writes."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (np.generic, np.ndarray, GrowingArray)):
        return _plain_numpy(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {TAG: "float", "v": repr(float(value))}
    if isinstance(value, complex):
        return {TAG: "complex", "v": [plain(value.real), plain(value.imag)]}
    if isinstance(value, (bytes, bytearray)):
        return {TAG: "bytes", "v": base64.b64encode(bytes(value)).decode("ascii")}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain_dataclass(value, hint)
    if isinstance(value, dict):
        return _plain_dict(value, hint)
    return _plain_sequence(value, hint)


def alternatives(hint: Hint) -> tuple[Any, ...]:
    """The types of a union; a single type as a tuple of one."""
    origin = typing.get_origin(hint)
    return typing.get_args(hint) if origin in (typing.Union, types.UnionType) else (hint,)


def hint_for(hint: Hint, container: type) -> tuple[Any, ...] | None:
    """The arguments of the `container[...]` in a hint; None when the hint does not speak of such a container."""
    for option in alternatives(hint):
        if option is container or typing.get_origin(option) is container:
            return typing.get_args(option)
    return None


def dataclass_in(hint: Hint) -> type[DataclassInstance] | None:
    """The record type a hint speaks of; None when it speaks of none."""
    return next((h for h in alternatives(hint) if isinstance(h, type) and dataclasses.is_dataclass(h)), None)


def element_hints(arguments: tuple[Any, ...], count: int) -> list[Any]:
    """Declared types of the `count` elements of a tuple."""
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return [arguments[0]] * count
    return list(arguments) if len(arguments) == count else [Any] * count


def _plain_sequence(value: object, hint: Hint) -> Json:
    if isinstance(value, list):
        arguments = hint_for(hint, list)
        inner = arguments[0] if arguments else Any
        elements = [plain(each, inner) for each in value]
        # a bare list where a tuple, set or record is declared must not come back as one
        unclear = arguments is None and any(
            hint_for(hint, other) is not None for other in (tuple, set, frozenset)
        )
        return {TAG: "list", "v": elements} if unclear else elements
    if isinstance(value, tuple):
        arguments = hint_for(hint, tuple)
        if arguments is None or hint_for(hint, list) is not None:
            return {TAG: "tuple", "v": [plain(each) for each in value]}
        return [plain(each, inner) for each, inner in zip(value, element_hints(arguments, len(value)))]
    if isinstance(value, (set, frozenset)):
        elements = [plain(each) for each in sorted(value, key=repr)]
        return {TAG: type(value).__name__, "v": elements}
    raise TypeError(f"a {type(value).__name__} cannot be kept in a session file")


def _plain_dict(value: dict[object, object], hint: Hint) -> dict[str, Json]:
    arguments = hint_for(hint, dict)
    key_hint, inner = arguments if arguments else (Any, Any)
    if key_hint is int and all(type(key) is int for key in value):
        return {str(key): plain(each, inner) for key, each in value.items()}
    if key_hint is not int and all(isinstance(key, str) for key in value) and TAG not in value:
        unclear = dataclass_in(hint) is not None
        if not unclear:
            return {str(key): plain(each, inner) for key, each in value.items()}
    return {TAG: "dict", "v": [[plain(key), plain(each, inner)] for key, each in value.items()]}


def _plain_dataclass(value: DataclassInstance, hint: Hint) -> dict[str, Json]:
    if dataclass_in(hint) is not type(value):
        raise TypeError(f"a {type(value).__name__} cannot be kept where {hint} is declared")
    hints = typing.get_type_hints(type(value))
    return {
        f.name: plain(getattr(value, f.name), hints[f.name])
        for f in dataclasses.fields(value)
        if f.name[0] != "_"
    }


def _plain_numpy(value: np.generic | AnyArray | GrowingArray) -> Json:
    if isinstance(value, GrowingArray):
        return plain(np.array(value.view))
    if isinstance(value, np.float64):
        return plain(float(value))
    if isinstance(value, np.bool_):
        return bool(value)
    array = np.asarray(value)
    if array.dtype.kind in "US":
        return {
            TAG: "texts",
            "kind": array.dtype.kind,
            "shape": list(array.shape),
            "v": plain(array.ravel().tolist()),
        }
    if array.dtype.hasobject or array.dtype.names is not None:
        raise TypeError(f"an array of {array.dtype} cannot be kept in a session file")
    return {
        TAG: "array" if isinstance(value, np.ndarray) else "scalar",
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "v": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii"),
    }
