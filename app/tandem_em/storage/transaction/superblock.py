"""The first bytes of an HDF5 file: where it ends, and whether some program still has it open for writing.

Format: the HDF5 file format specification, superblock versions 0 to 3, for files without a user block.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SIZE = 96  # bytes that hold the longest superblock
_FLAGS_AT = 11  # versions 2 and 3
_OPEN_FOR_WRITING = 0x05  # write access, single-writer-multiple-reader access
_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Superblock:
    """What the transactions need to know: version, end of the allocated file (bytes) and the open-for-writing flags."""

    version: int
    end: int
    flags: int


def parse(head: bytes | bytearray | memoryview) -> Superblock | None:
    """Read the superblock at the start of a file; None when it is none or damaged."""
    head = bytes(head[:SIZE])
    if len(head) < 64 or head[:8] != SIGNATURE:
        return None
    version = head[8]
    if version in (2, 3):
        # offsets and lengths of 8 bytes are the only ones we write or read
        if head[9] != 8 or head[10] != 8:
            return None
        if struct.unpack_from("<I", head, 44)[0] != lookup3(head[:44]):
            return None
        return Superblock(version, struct.unpack_from("<Q", head, 28)[0], head[_FLAGS_AT])
    if version in (0, 1) and head[13] == 8 and head[14] == 8:
        return Superblock(version, struct.unpack_from("<Q", head, 40 if version == 0 else 44)[0], 0)
    return None


def settled(head: bytes, end: int) -> bytes:
    """The same first bytes with the open-for-writing flags cleared and `end` as the end of the file."""
    block = bytearray(head)
    if block[8] in (2, 3):
        block[_FLAGS_AT] &= ~_OPEN_FOR_WRITING & 0xFF
        struct.pack_into("<Q", block, 28, end)
        struct.pack_into("<I", block, 44, lookup3(bytes(block[:44])))
    else:
        struct.pack_into("<Q", block, 40 if block[8] == 0 else 44, end)
    return bytes(block)


def is_open_for_writing(block: Superblock) -> bool:
    """Whether some program has it open for writing, or ended without closing it."""
    return bool(block.flags & _OPEN_FOR_WRITING)


def lookup3(data: bytes) -> int:
    """Bob Jenkins' lookup3 hash (public domain), the checksum of HDF5's metadata."""
    length = len(data)
    a = b = c = (0xDEADBEEF + length) & _MASK
    at = 0
    while length - at > 12:
        x, y, z = struct.unpack_from("<III", data, at)
        a, b, c = _mix((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)
        at += 12
    if length == at:
        return c
    x, y, z = struct.unpack("<III", data[at:].ljust(12, b"\0"))
    return _final((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)


def _rot(x: int, k: int) -> int:
    return ((x << k) | (x >> (32 - k))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = ((a - c) & _MASK) ^ _rot(c, first)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rot(a, second)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rot(b, third)
        b = (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    c = ((c ^ b) - _rot(b, 14)) & _MASK
    a = ((a ^ c) - _rot(c, 11)) & _MASK
    b = ((b ^ a) - _rot(a, 25)) & _MASK
    c = ((c ^ b) - _rot(b, 16)) & _MASK
    a = ((a ^ c) - _rot(c, 4)) & _MASK
    b = ((b ^ a) - _rot(a, 14)) & _MASK
    return ((c ^ b) - _rot(b, 24)) & _MASK
