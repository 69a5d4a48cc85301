"""Writes LZ4 and bitshuffled LZ4, as detectors send it, for simulators. Finds runs of equal bytes only: valid LZ4 that
any decoder reads, and small for bitshuffled counts, where most bit planes are empty."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 8192
MIN_RUN = 16


def lz4_block(data: bytes) -> bytes:
    """One raw LZ4 block."""
    values = np.frombuffer(data, np.uint8)
    out = bytearray()
    written = 0
    for start, length in _runs(values):
        # The format wants the last bytes of a block as literals; no match may reach into them.
        end = min(start + length, len(data) - 12)
        # A match is at least four bytes long.
        if end - start - 1 < 4 or start < written:
            continue
        _sequence(out, data[written : start + 1], end - start - 1)
        written = end
    _sequence(out, data[written:], 0)
    return bytes(out)


def lz4_framed(data: bytes) -> bytes:
    """LZ4 in HDF5 framing, one block."""
    block = lz4_block(data)
    return struct.pack(">QII", len(data), len(data), len(block)) + block


def bslz4_framed(data: bytes, item_bytes: int) -> bytes:
    """Bitshuffle + LZ4 in HDF5 framing."""
    out = [struct.pack(">QI", len(data), BLOCK_BYTES)]
    # Fewer than eight items at the end cannot be bit-transposed and follow as they are.
    whole = len(data) // (8 * item_bytes) * (8 * item_bytes)
    for start in range(0, whole, BLOCK_BYTES):
        block = lz4_block(bitshuffle(data[start : min(start + BLOCK_BYTES, whole)], item_bytes))
        out.append(struct.pack(">I", len(block)) + block)
    return b"".join([*out, data[whole:]])


def bitshuffle(data: bytes, item_bytes: int) -> bytes:
    """All lowest bits first, then all second bits, …; a multiple of eight items."""
    items = np.frombuffer(data, np.uint8).reshape(-1, item_bytes)
    bits = np.unpackbits(items, axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").tobytes()


def _runs(values: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Start and length of the runs of equal bytes that are worth a match."""
    edges = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1, [len(values)]))
    lengths = np.diff(edges)
    long = lengths >= MIN_RUN
    return list(zip(edges[:-1][long].tolist(), lengths[long].tolist()))


def _sequence(out: bytearray, literals: bytes, match: int) -> None:
    """Literals, then (when `match` > 0) that many times the byte before."""
    short_literals = min(len(literals), 15)
    out.append(short_literals << 4 | (min(match - 4, 15) if match else 0))
    if short_literals == 15:
        _length(out, len(literals) - 15)
    out += literals
    if match:
        # Offset 1, little-endian: repeat the byte before.
        out += b"\x01\x00"
        if match - 4 >= 15:
            _length(out, match - 4 - 15)


def _length(out: bytearray, rest: int) -> None:
    out += b"\xff" * (rest // 255)
    out.append(rest % 255)
