"""DECTRIS stream messages: version 1 (JSON and blobs) and version 2 (CBOR), to frames.

Whatever claims a size is checked against the shape and an upper limit before anything is decompressed.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.sources.core.checked import read_json, real, whole
from tandem_em.sources.core.compressed import CompressedDataError, decompressed

# What a message claims is believed up to here.
MAX_FRAME_BYTES = 512 << 20
V1_TYPES = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "int8": "i1", "int16": "i2", "int32": "i4"}
# RFC 8746: 64 to 87. Missing are clamped bytes and what numpy has no type for.
TYPED_ARRAYS = {
    64: "u1", 65: ">u2", 66: ">u4", 67: ">u8", 68: "u1", 69: "<u2", 70: "<u4", 71: "<u8", 72: "i1", 73: ">i2",
    74: ">i4", 75: ">i8", 77: "<i2", 78: "<i4", 79: "<i8", 80: ">f2", 81: ">f4", 82: ">f8", 84: "<f2", 85: "<f4",
    86: "<f8",
}  # fmt: skip
# DECTRIS' own tag, then the arrays of RFC 8746: rows first, columns first.
COMPRESSED, ARRAY, ARRAY_COLUMNS_FIRST = 56500, 40, 1040
SELF_DESCRIBED = 55799
"""Every message of a real detector begins with this tag; what it wraps is then an unchangeable mapping."""


class DectrisFormatError(ValueError):
    """A message that cannot be read; the text is a sentence."""


@dataclass
class SeriesStart:
    """A series begins; `facts`: what the detector says about it, may fill with later parts."""

    series: int
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class SeriesEnd:
    """The series is complete."""

    series: int


@dataclass
class DectrisFrame:
    """One image; `start_s` seconds since the start of the series."""

    series: int
    number: int
    pixels: NDArray[Any]
    start_s: float
    real_s: float


Message = SeriesStart | SeriesEnd | DectrisFrame


class Version1:
    """Parts in, messages out. Parts may come in one multipart message or one by one (some replayers do that)."""

    def __init__(self) -> None:
        self._image: dict[str, Any] | None = None
        self._data: dict[str, Any] | None = None
        self._pixels: NDArray[Any] | None = None
        self._blob_follows = False
        self._series: SeriesStart | None = None

    def take(self, parts: list[bytes]) -> list[Message]:
        """What is complete after these parts; nothing while an image still lacks some."""
        # A whole message: what an earlier one left unfinished will not be finished any more.
        if len(parts) > 1:
            self._reset()
        done: list[Message] = []
        for part in parts:
            self._part(part, done)
        if len(parts) > 1:
            self._finish(done)
        return done

    def _part(self, part: bytes, done: list[Message]) -> None:
        # The part after a description is the blob, whatever it looks like.
        if self._data is not None and self._pixels is None:
            self._pixels = v1_pixels(part, self._data)
            return
        # Flat field, mask and table come with a blob that is of no use here.
        if self._blob_follows:
            self._blob_follows = False
            return
        facts = _json(part)
        if facts is not None:
            self._header(facts, done)

    def _header(self, facts: dict[str, Any], done: list[Message]) -> None:
        kind = str(facts.get("htype", "")).split("-")[0]
        if kind == "dheader":
            self._reset()
            self._series = SeriesStart(whole(facts.get("series")))
            done.append(self._series)
        elif kind == "dimage":
            self._finish(done)
            self._image = facts
        elif kind == "dimage_d":
            self._data, self._pixels = facts, None
        elif kind == "dconfig":
            self._finish(done, facts)
        elif kind == "dseries_end":
            self._finish(done)
            done.append(SeriesEnd(whole(facts.get("series"))))
        elif kind in ("dflatfield", "dpixelmask", "dcountrate_table"):
            self._blob_follows = True
        elif not kind and self._series is not None:
            self._series.facts.update(facts)

    def _finish(self, done: list[Message], config: dict[str, Any] | None = None) -> None:
        """An image is complete with its times, or without them when the next one begins."""
        if self._image is not None and self._pixels is not None:
            done.append(
                DectrisFrame(
                    series=whole(self._image.get("series")),
                    number=whole(self._image.get("frame")),
                    pixels=self._pixels,
                    start_s=real((config or {}).get("start_time")) * 1e-9,
                    real_s=real((config or {}).get("real_time")) * 1e-9,
                )
            )
        self._reset()

    def _reset(self) -> None:
        self._image = self._data = self._pixels = None
        self._blob_follows = False


def v1_pixels(blob: bytes, facts: dict[str, Any]) -> NDArray[Any]:
    """Decode a blob by its `dimage_d` description; the shape there is width first."""
    try:
        shape = tuple(int(n) for n in facts["shape"])[::-1]
        dtype = np.dtype(V1_TYPES[str(facts["type"])])
        encoding = str(facts["encoding"])
    except (KeyError, TypeError, ValueError) as error:
        raise DectrisFormatError("An image description is incomplete.") from error
    if encoding.endswith(">"):
        dtype = dtype.newbyteorder(">")
    wanted = _checked_bytes(shape, dtype)
    if "lz4" in encoding:
        shuffled = encoding.startswith("bs")
        if shuffled and encoding[2:4].rstrip("-") != str(8 * dtype.itemsize):
            raise DectrisFormatError(
                f"The encoding {encoding!r} does not fit pixels of the type {dtype.name}."
            )
        # imagecodecs wants HDF5 framing, which version 1 leaves out for plain LZ4.
        framed = blob if shuffled else struct.pack(">QII", wanted, wanted, len(blob)) + blob
        blob = _unpacked("bslz4" if shuffled else "lz4", dtype.itemsize, framed, wanted)
    elif encoding.strip("<>"):
        raise DectrisFormatError(f"The encoding {encoding!r} is not known.")
    return _as_array(blob, shape, dtype)


def read_v2(message: bytes, channel: str = "") -> Message | None:
    """One CBOR message; None for kinds that are of no interest here."""
    import cbor2

    try:
        facts = cbor2.loads(message)
    # The decoder raises whatever the bytes provoke.
    except Exception as error:
        raise DectrisFormatError(f"A CBOR message could not be read ({error}).") from error
    while getattr(facts, "tag", None) == SELF_DESCRIBED:
        facts = facts.value
    if not isinstance(facts, Mapping) or "type" not in facts:
        raise DectrisFormatError("A CBOR message has no type.")
    series = whole(facts.get("series_id"))
    if facts["type"] == "start":
        wanted = ("count_time", "frame_time", "image_size_x", "image_size_y", "detector_description", "channels",
                  "detector_serial_number", "number_of_images", "saturation_value", "incident_energy")  # fmt: skip
        return SeriesStart(series, {key: facts[key] for key in wanted if key in facts})
    if facts["type"] == "end":
        return SeriesEnd(series)
    if facts["type"] != "image":
        return None
    data = facts.get("data")
    if not isinstance(data, Mapping) or not data:
        raise DectrisFormatError("An image message carries no data.")
    name = channel or next(iter(data))
    if name not in data:
        raise DectrisFormatError(f"The channel {name!r} is not sent; there are {', '.join(map(str, data))}.")
    return DectrisFrame(
        series=series,
        number=whole(facts.get("image_id")),
        pixels=_multi_dim(data[name]),
        start_s=_rational(facts.get("start_time")),
        real_s=_rational(facts.get("real_time")),
    )


def _unpacked(algorithm: str, item_bytes: int, blob: bytes, wanted: int) -> bytes:
    try:
        return decompressed(algorithm, item_bytes, blob, wanted)
    except CompressedDataError as error:
        raise DectrisFormatError(str(error)) from error


def _multi_dim(item: Any) -> NDArray[Any]:
    """Tag 40 (rows first) or 1040 around a typed array, whose bytes may be compressed."""
    tag, value = getattr(item, "tag", None), getattr(item, "value", None)
    if tag not in (ARRAY, ARRAY_COLUMNS_FIRST) or not isinstance(value, list | tuple) or len(value) != 2:
        raise DectrisFormatError("The data of an image are not an array.")
    shape = tuple(whole(n) for n in value[0]) if isinstance(value[0], list | tuple) else ()
    typed = value[1]
    kind = TYPED_ARRAYS.get(getattr(typed, "tag", -1))
    if kind is None:
        raise DectrisFormatError("The pixels of an image have a type that is not known.")
    dtype = np.dtype(kind)
    wanted = _checked_bytes(shape, dtype)
    content = typed.value
    if getattr(content, "tag", None) == COMPRESSED:
        try:
            algorithm, item_bytes, blob = content.value
        except (TypeError, ValueError) as error:
            raise DectrisFormatError("A compressed image is described wrongly.") from error
        if algorithm == "bslz4" and item_bytes != dtype.itemsize:
            raise DectrisFormatError("A compressed image is shuffled for another pixel size.")
        content = _unpacked(str(algorithm), dtype.itemsize, bytes(blob), wanted)
    if not isinstance(content, bytes):
        raise DectrisFormatError("The pixels of an image are not bytes.")
    if tag == ARRAY_COLUMNS_FIRST:
        return np.ascontiguousarray(_as_array(content, shape[::-1], dtype).T)
    return _as_array(content, shape, dtype)


def _as_array(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if len(data) < math.prod(shape) * dtype.itemsize:
        raise DectrisFormatError("An image is shorter than its shape says.")
    array = np.frombuffer(data, dtype, math.prod(shape)).reshape(shape)
    # A stack of one image is the image.
    array = array.reshape(shape[-2:]) if len(shape) > 2 and math.prod(shape[:-2]) == 1 else array
    return array.astype(dtype.newbyteorder("="), copy=False)


def _checked_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    size = math.prod(shape) * dtype.itemsize
    # Checked before anything is unpacked: sizes come from the message.
    if len(shape) < 2 or min(shape) <= 0 or math.prod(shape[:-2]) != 1 or size > MAX_FRAME_BYTES:
        raise DectrisFormatError(f"An image of the shape {shape} is not supported.")
    return size


def _rational(value: Any) -> float:
    try:
        top, bottom = value
        # A time comes as counts and counts per second.
        return real(top) / real(bottom)
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan


def _json(part: bytes) -> dict[str, Any] | None:
    if part[:1] != b"{" or len(part) > 1 << 24:
        return None
    try:
        facts = read_json(part)
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
