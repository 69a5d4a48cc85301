"""The open message of TandEM: ZeroMQ multipart `[kind, JSON, raw bytes]`. Anybody can send it; nothing is unpickled.

    b"frame"   JSON {v, source, seq, t, t_clock, shape: [Y, X], dtype, encoding, scale, unit}, raw pixels
    b"sample"  JSON {v, source, seq, t, t_clock, columns, units, shape: [N, 1 + columns], dtype, encoding}, raw table
               whose first column is the time; or without raw bytes: {…, values: {"voltage": 3.7}, units: {…}}
    b"event"   JSON {v, source, seq, t, t_clock, text, category}
    b"end"     JSON {v, source}: the sender stops; what comes later is a new stretch

`t` in seconds of the sender's clock; `t_clock` says which: "device", "unix" or "host" (`time.perf_counter` of this
computer). `encoding` is "raw", "lz4" or "bslz4" (HDF5 framing). `scale` is the pixel size in `unit`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tandem_em.formats.text.units import parse_unit
from tandem_em.sources.core.checked import read_json, real
from tandem_em.sources.core.compressed import CompressedDataError, decompressed

VERSION = 1
# 64 KiB: the description names things, the data come as raw bytes.
MAX_JSON = 1 << 16
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
KINDS = (b"frame", b"sample", b"event", b"end")
LENGTHS_NM = {"nm": 1.0, "µm": 1e3, "um": 1e3, "pm": 1e-3, "Å": 0.1, "A": 0.1, "m": 1e9, "mm": 1e6}
Category = Literal["bias", "contact", "beam", "warning", "note"]
# Taken from the type, so that neither can forget one.
CATEGORIES: tuple[Category, ...] = get_args(Category)


class MessageError(ValueError):
    """A message that is not taken; the text is a sentence."""


@dataclass(frozen=True)
class Heard:
    """A message that was checked. `table` rows begin with the time; `pixels` only for frames."""

    kind: str
    sender: str
    number: int | None
    t: float
    t_clock: str
    pixels: NDArray[Any] | None = None
    times: NDArray[np.float64] | None = None
    columns: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    text: str = ""
    category: Category = "note"
    pixel_nm: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def write_message(kind: str, facts: dict[str, Any], array: NDArray[Any] | None = None) -> list[bytes]:
    """The parts of a message; an array brings its own shape and dtype."""
    facts = {"v": VERSION, **facts}
    parts = [kind.encode()]
    if array is None:
        return [*parts, json.dumps(facts).encode()]
    # Little-endian on the wire, whatever this computer is.
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    facts |= {"shape": list(array.shape), "dtype": array.dtype.newbyteorder("=").name}
    facts.setdefault("encoding", "raw")
    return [*parts, json.dumps(facts).encode(), plain.tobytes()]


def read_message(parts: list[bytes], max_bytes: int = 256 << 20) -> Heard:
    """Check and read a message. Sizes are compared before any array is made."""
    if not 2 <= len(parts) <= 3:
        raise MessageError(f"A message has {len(parts)} parts instead of two or three.")
    if parts[0] not in KINDS:
        raise MessageError(f"A message is of the unknown kind {bytes(parts[0][:20])!r}.")
    facts = _facts(parts[1])
    kind = parts[0].decode()
    number = facts.get("seq")
    common: dict[str, Any] = {
        "kind": kind,
        # Somebody else's text: bounded before it is kept.
        "sender": str(facts.get("source", ""))[:80],
        "number": number if isinstance(number, int) and not isinstance(number, bool) else None,
        "t": real(facts.get("t"), math.nan),
        "t_clock": str(facts.get("t_clock", "device")),
        "facts": facts,
    }
    raw = parts[2] if len(parts) == 3 else None
    if kind == "frame":
        return Heard(**common, pixels=_pixels(facts, raw, max_bytes), pixel_nm=_pixel_nm(facts))
    if kind == "sample":
        return _samples(common, facts, raw, max_bytes)
    category: Category = "note"
    for each in CATEGORIES:
        if each == facts.get("category"):
            category = each
    return Heard(**common, text=str(facts.get("text", ""))[:2000], category=category)


def _facts(part: bytes) -> dict[str, Any]:
    if len(part) > MAX_JSON:
        raise MessageError("The description of a message is larger than 64 KiB.")
    try:
        facts = read_json(part)
    except ValueError as error:
        raise MessageError("The description of a message is not valid JSON.") from error
    if not isinstance(facts, dict):
        raise MessageError("The description of a message is not a JSON object.")
    version = facts.get("v", VERSION)
    if version != VERSION:
        raise MessageError(f"A message has version {version!r}; this TandEM reads version {VERSION}.")
    return facts


def _array(facts: dict[str, Any], raw: bytes | None, dimensions: int, max_bytes: int) -> NDArray[Any]:
    if raw is None:
        raise MessageError("A message has no raw bytes.")
    shape, name = facts.get("shape"), facts.get("dtype")
    # True would pass for 1; it is no size.
    whole = isinstance(shape, list) and all(
        isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in shape
    )
    if not whole or shape is None or len(shape) != dimensions:
        raise MessageError(f"A message has the shape {str(shape)[:60]}.")
    if name not in DTYPES:
        raise MessageError(f"A message has the number type {str(name)[:20]!r}.")
    dtype = np.dtype(str(name)).newbyteorder("<")
    wanted = math.prod(shape) * dtype.itemsize
    # Before anything is allocated or unpacked.
    if wanted > max_bytes:
        raise MessageError(
            f"A message of {wanted / 2**20:.0f} MiB is larger than the {max_bytes / 2**20:.0f} allowed."
        )
    encoding = facts.get("encoding", "raw")
    if encoding in ("lz4", "bslz4"):
        try:
            raw = decompressed(str(encoding), dtype.itemsize, raw, wanted)
        except CompressedDataError as error:
            raise MessageError(str(error)) from error
    elif encoding != "raw":
        raise MessageError(f"A message has the encoding {str(encoding)[:20]!r}.")
    if len(raw) != wanted:
        raise MessageError(f"A message brings {len(raw)} bytes where its shape needs {wanted}.")
    return np.frombuffer(raw, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _pixels(facts: dict[str, Any], raw: bytes | None, max_bytes: int) -> NDArray[Any]:
    return _array(facts, raw, 2, max_bytes)


def _samples(common: dict[str, Any], facts: dict[str, Any], raw: bytes | None, max_bytes: int) -> Heard:
    if raw is None:
        values = facts.get("values")
        if not isinstance(values, dict) or not values:
            raise MessageError("A sample has neither values nor raw bytes.")
        table = np.array([[common["t"], *(real(value, math.nan) for value in values.values())]])
        names = [str(name) for name in values]
    else:
        names = facts.get("columns") or []
        table = np.asarray(_array(facts, raw, 2, max_bytes), np.float64)
        if not isinstance(names, list) or table.shape[1] != len(names) + 1:
            raise MessageError("A table of samples does not have one column more than it has names.")
    # Two columns of one name would lie upon each other.
    if len(set(map(str, names))) != len(names) or len(names) > 64:
        raise MessageError("The columns of a sample are named twice, or there are too many.")
    given = facts.get("units") or {}
    spelled = dict(zip(map(str, names), given)) if isinstance(given, list) else given
    columns: dict[str, NDArray[np.float64]] = {}
    units: dict[str, str] = {}
    for place, name in enumerate(map(str, names)):
        text = str(spelled.get(name, "")) if isinstance(spelled, dict) else ""
        unit = parse_unit(text, "temperature" if name == "temperature" else "")
        units[name] = unit.si if unit else text
        column = table[:, place + 1]
        columns[name] = column * unit.factor + unit.offset if unit else column
    return Heard(**common, times=table[:, 0], columns=columns, units=units)


def _pixel_nm(facts: dict[str, Any]) -> float | None:
    scale, factor = real(facts.get("scale"), 0.0), LENGTHS_NM.get(str(facts.get("unit", "")))
    return scale * factor if scale > 0 and factor else None
