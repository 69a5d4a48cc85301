"""Frozen dataclasses as plain JSON values and back, taken only when every field is there and is what its type says."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tandem_em.sources.core.checked import real

T = TypeVar("T")
SHOWN = 40
"""Of a value that does not fit, so many characters are said."""


class FieldError(ValueError):
    """What does not fit, as the rest of a sentence that begins with "it": the message comes from somebody else."""


def to_plain(value: Any) -> Any:
    """A dataclass and those in it as dictionaries, paths as text; anything else as it is."""
    if is_dataclass(value):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    return str(value) if isinstance(value, Path) else value


def from_plain(kind: type[T], raw: Any, *, nan: bool, whole: bool = False, where: str = "") -> T:
    """A dataclass of this kind. `nan`: numbers may be NaN; `whole`: fields that have a default must be given too."""
    if not isinstance(raw, dict):
        raise FieldError(f"has {_said(raw)} as {where} instead of an object" if where else "is no object")
    described: Any = kind
    hints = _hints(described)
    known = {each.name: each for each in fields(described)}
    for key in raw:
        if key not in known:
            raise FieldError(f"has the unknown field {_said(f'{where}.{key}' if where else key)}")
    given: dict[str, Any] = {}
    for name, each in known.items():
        place = f"{where}.{name}" if where else name
        if name in raw:
            given[name] = _checked(hints[name], raw[name], place, nan)
        elif whole or (each.default is MISSING and each.default_factory is MISSING):
            raise FieldError(f"has no {place}")
    return kind(**given)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _checked(kind: Any, raw: Any, where: str, nan: bool) -> Any:
    """The value, of the type that is declared; what is in a message is whole, whatever has a default."""
    if kind is Any:
        return raw
    if is_dataclass(kind):
        return from_plain(kind, raw, nan=nan, whole=True, where=where)  # type: ignore[arg-type]
    origin, parts = get_origin(kind), get_args(kind)
    # Only "something or None" occurs in our messages.
    if origin in (Union, UnionType):
        rest = next(each for each in parts if each is not type(None))
        return None if raw is None else _checked(rest, raw, where, nan)
    if origin is Literal:
        if isinstance(raw, str) and raw in parts:
            return raw
        raise FieldError(f"has {_said(raw)} as {where} instead of one of {', '.join(map(repr, parts))}")
    if origin is tuple:
        return _row(parts, raw, where, nan)
    return _plain_value(origin or kind, raw, where, nan)


def _row(parts: tuple[Any, ...], raw: Any, where: str, nan: bool) -> tuple[Any, ...]:
    if not isinstance(raw, list | tuple):
        raise FieldError(f"has {_said(raw)} as {where} instead of a list")
    if parts[-1] is Ellipsis:
        parts = (parts[0],) * len(raw)
    if len(raw) != len(parts):
        raise FieldError(f"has {len(raw)} instead of {len(parts)} values in {where}")
    return tuple(_checked(kind, each, where, nan) for kind, each in zip(parts, raw))


def _plain_value(kind: Any, raw: Any, where: str, nan: bool) -> Any:
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    if kind is float and is_number:
        number = real(raw)
        # NaN is the only number that differs from itself.
        if nan or number == number:
            return number
    elif kind is int and is_number and isinstance(raw, int) and abs(raw) < 1 << 62:
        return raw
    elif kind is Path and isinstance(raw, str) and raw:
        return Path(raw)
    elif kind in (bool, str, dict) and isinstance(raw, kind):
        return raw
    words = {float: "a number", int: "a whole number", bool: "true or false", dict: "an object"}
    raise FieldError(f"has {_said(raw)} as {where} instead of {words.get(kind, 'a text')}")


def _said(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
