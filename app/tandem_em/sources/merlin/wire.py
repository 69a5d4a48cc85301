"""The Merlin data protocol: `MPX,` ten digits, comma, then a header block or a frame (`MQ1,…` and big-endian pixels).

Sizes are checked before memory is taken; what is not a message is skipped up to the next one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

PREFIX = re.compile(rb"MPX,(\d{10}),")
# "MPX,", ten digits and a comma.
PREFIX_BYTES = 15
MAX_MESSAGE = 96 << 20
"""A 2048 × 2048 frame of 64 bits with room; more is not a Merlin."""
MAX_HEADER = 16384
PIXELS = {"U01": ">u1", "U1": ">u1", "U8": ">u1", "U08": ">u1", "U16": ">u2", "U32": ">u4", "U64": ">u8"}


class MerlinFormatError(ValueError):
    """A message that cannot be read; the text is a sentence."""


@dataclass(frozen=True)
class MerlinFrame:
    """One frame; `stamp` seconds since 1970 (NaN when unreadable)."""

    number: int
    pixels: NDArray[Any]
    stamp: float
    exposure_s: float
    bit_depth: int


def read_acquisition_header(payload: bytes) -> dict[str, str]:
    """The `HDR` block as key and value."""
    lines = payload.decode("latin-1").splitlines()
    pairs = (line.split("\t", 1) for line in lines if "\t" in line)
    return {
        key.rstrip(":,").strip(): value.strip()
        for key, value in pairs
        if key.rstrip(":,") not in ("HDR", "End")
    }


def read_frame(payload: bytes | memoryview) -> MerlinFrame:
    """A frame message without its MPX prefix."""
    head = bytes(payload[:MAX_HEADER])
    start = head[:40].split(b",", 3)
    try:
        number, offset = int(start[1]), int(start[2])
    except (IndexError, ValueError) as error:
        raise MerlinFormatError("A frame header is cut off.") from error
    if not 60 <= offset <= min(MAX_HEADER, len(payload)):
        raise MerlinFormatError(f"A frame header says its pixels begin at {offset}.")
    fields = head[:offset].decode("latin-1").rstrip("\x00 ").rstrip(",").split(",")
    try:
        width, height, kind = int(fields[4]), int(fields[5]), fields[6].strip().upper()
        layout = fields[7].strip()
        exposure = float(fields[10])
        extended = "MQ1A" in fields
        depth = int(fields[-1]) if extended else 0
        stamp = _seconds(fields[-3] if extended else fields[9])
    except (IndexError, ValueError) as error:
        raise MerlinFormatError("A frame header could not be read.") from error
    if not (0 < width <= 8192 and 0 < height <= 8192):
        raise MerlinFormatError(f"A frame header gives the size {width} × {height}.")
    pixels = _raw_pixels if kind.startswith("R") else _plain_pixels
    return MerlinFrame(
        number, pixels(payload[offset:], width, height, kind, depth, layout), stamp, exposure, depth
    )


class MerlinStream:
    """Bytes in, messages out. `skipped` counts bytes that belonged to no message."""

    def __init__(self, buffer_bytes: int = 8 << 20) -> None:
        self._buffer = bytearray(buffer_bytes)
        self._start = self._end = 0
        self.skipped = 0
        self.oversized = 0

    def room(self) -> memoryview:
        """Where to receive into next."""
        # Empty: begin in front, so that nothing has to be moved.
        if self._start == self._end:
            self._start = self._end = 0
        # Room for the whole message, if its length is known by now.
        wanted = self._message_bytes() or 0
        if self._start and (
            len(self._buffer) - self._end < 1 << 16 or self._start + wanted > len(self._buffer)
        ):
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        if self._end == len(self._buffer):  # it grows with what has come, not with what a message claims
            grown = bytearray(2 * len(self._buffer))
            grown[: self._end] = self._buffer[: self._end]
            self._buffer = grown
        return memoryview(self._buffer)[self._end :]

    def received(self, count: int) -> None:
        """So many bytes were received into `room`."""
        self._end += count

    def messages(self) -> Iterator[memoryview]:
        """Complete payloads. A view is valid until the next one is asked for."""
        while True:
            size = self._message_bytes()
            if size is None or self._end - self._start < size:
                return
            start, self._start = self._start, self._start + size
            with memoryview(self._buffer)[start + PREFIX_BYTES : start + size] as payload:
                yield payload

    def _message_bytes(self) -> int | None:
        """Length with prefix of the message at the start, after skipping what is none; None: not known yet."""
        while self._end - self._start >= PREFIX_BYTES:
            match = PREFIX.match(self._buffer, self._start, self._end)
            if match is not None:
                length = int(match[1]) - 1
                if 0 < length <= MAX_MESSAGE:
                    return PREFIX_BYTES + length
                self.oversized += 1
                # Past "MPX,", so that the search goes on behind it.
                self._skip(4)
                continue
            found = self._buffer.find(b"MPX,", self._start + 1, self._end)
            # The last three bytes may be the beginning of the next prefix.
            self._skip((found if found >= 0 else max(self._end - 3, self._start + 1)) - self._start)
        return None

    def _skip(self, count: int) -> None:
        self._start += count
        self.skipped += count


def command(verb: str, name: str, value: Any = 0) -> bytes:
    """A line for the command socket: SET, GET or CMD."""
    text = f"{verb},{name},{value}"
    return f"MPX,{len(text) + 1:010d},{text}".encode("ascii")


def _plain_pixels(
    data: bytes | memoryview, width: int, height: int, kind: str, _depth: int, _layout: str
) -> NDArray[Any]:
    if kind not in PIXELS:
        raise MerlinFormatError(f"Pixels of the kind {kind!r} are not known.")
    dtype = np.dtype(PIXELS[kind])
    if len(data) < width * height * dtype.itemsize:
        raise MerlinFormatError(f"A frame is shorter than its {width} × {height} pixels.")
    big = np.frombuffer(data, dtype, width * height).reshape(height, width)
    return big.astype(dtype.newbyteorder("="))


def _raw_pixels(
    data: bytes | memoryview, width: int, height: int, _kind: str, depth: int, layout: str
) -> NDArray[Any]:
    """Undecoded readout: 64-bit words in which the pixels run backwards; four chips give their rows in turn."""
    chips = layout.upper().replace("G", "")
    side = math.isqrt(width * height // 4)
    if chips == "2X2" and depth in (1, 6, 12) and 4 * side * side == width * height:
        return _quad(_raw_pixels(data, 4 * side, side, _kind, depth, "1X1"))
    if chips not in ("1X1", "NX1", ""):
        raise MerlinFormatError(
            f"Raw frames of {depth} bits of the chips {layout} are not supported: switch RAW off in the Merlin software."
        )
    if depth == 24:
        half = len(data) // 2
        # 24 bits come as two frames of 12: the high half first.
        parts = [_raw_pixels(data[i * half : (i + 1) * half], width, height, "", 12, layout) for i in (0, 1)]
        high, low = (part.astype(np.uint32) for part in parts)
        return (high << 12) | low
    bytes_per_pixel = {1: 1 / 8, 6: 1, 12: 2}.get(depth)
    if bytes_per_pixel is None:
        raise MerlinFormatError(f"Raw frames of {depth} bits are not known.")
    needed = int(width * height * bytes_per_pixel)
    if len(data) < needed:
        raise MerlinFormatError(f"A raw frame is shorter than its {width} × {height} pixels.")
    words = np.frombuffer(data, np.uint8, needed).reshape(-1, 8)
    if depth == 1:
        return np.unpackbits(words, axis=1)[:, ::-1].reshape(height, width)
    if depth == 6:
        return words[:, ::-1].reshape(height, width).copy()
    return words.view(">u2")[:, ::-1].astype(np.uint16).reshape(height, width)


def _quad(rows: NDArray[Any]) -> NDArray[Any]:
    """Four chips side by side, [4 | 3 | 2 | 1], as they lie: 1 and 2 above, 3 and 4 below and turned round."""
    four, three, two, one = np.hsplit(rows, 4)
    return np.block([[one, two], [three[::-1, ::-1], four[::-1, ::-1]]])


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        return float("nan")
