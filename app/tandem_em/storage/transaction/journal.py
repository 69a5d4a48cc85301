"""The journal region inside the file: where the pages of one commit wait until they are in place.

The region is the ordinary contiguous data set `/_journal`, always at `REGION_AT`, so it is found without HDF5:

    page 0  anchor    magic, size of the region, identity of the file; written once
    page 1  holder    who has the file open for writing, as JSON; for people, never trusted
    page 2  header    one commit: generation, where its pages are, their digest, the new end of the file
    page 3  mark      the last generation whose pages are in place
    page 4… body      the table of page numbers, then the pages

A commit is pending when header and body agree and the mark is older. Header and body overwrite those of the commit
before, which by then is in place and synced, so a torn journal means there is nothing to do.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_em.storage.transaction.raw_file import Bytes, RawFile

PAGE = 4096
# a fixed place: the journal has to be found without HDF5
REGION_AT = 64 << 10
DATASET = "_journal"
_BODY_AT = 4 * PAGE
_MAGIC = b"TandEMj1"
_ANCHOR = struct.Struct("<8sQ16s")
_HEADER = struct.Struct(
    "<8sQQQQQ16sII"
)  # magic generation end body_at body_bytes pages digest old_head new_head
_MARK = struct.Struct("<8sQ")
# what a disk writes whole or not at all
SECTOR = 512
_PART_BYTES = 4 << 20


@dataclass(frozen=True)
class Region:
    """The journal region of one file: its size in bytes and the file's identity (16 random bytes)."""

    size: int
    identity: bytes

    @property
    def room(self) -> int:
        """Bytes of table and pages that fit; more goes to the tail of the file."""
        return self.size - _BODY_AT

    def contains(self, page: int) -> bool:
        """Whether a page of the file belongs to the journal itself, which no commit may contain."""
        return REGION_AT <= page * PAGE < REGION_AT + self.size


@dataclass(frozen=True)
class Header:
    """One commit as the journal describes it. Sizes and places in bytes."""

    generation: int
    end: int
    body_at: int
    body_bytes: int
    pages: int
    digest: bytes
    old_head: int  # CRC32 of the first sector of the file before and after this commit
    new_head: int


def round_up(size: int, unit: int = PAGE) -> int:
    """The next whole multiple of `unit` (bytes)."""
    return -(-size // unit) * unit


def format_region(raw: RawFile, size: int, identity: bytes) -> Region:
    """Write an empty journal into a fresh region (`size` bytes at REGION_AT), every byte: on a disk that is full later,
    its room is already ours."""
    raw.write_at(bytes(size), REGION_AT)
    raw.write_at(_sealed(_ANCHOR.pack(_MAGIC, size, identity)), REGION_AT)
    return Region(size, identity)


def find_region(raw: RawFile) -> Region | None:
    """The region of a file written by this program, None for any other file."""
    fields = _unsealed(raw, 0, _ANCHOR)
    if fields is None or fields[0] != _MAGIC or not _BODY_AT < fields[1] <= raw.size():
        return None
    return Region(fields[1], fields[2])


def read_header(raw: RawFile) -> Header | None:
    """The commit the journal describes, finished or not; None when the header is torn."""
    fields = _unsealed(raw, 2, _HEADER)
    return Header(*fields[1:]) if fields is not None and fields[0] == _MAGIC else None


def applied_generation(raw: RawFile) -> int:
    """Number of the last commit that is in place; -1 when the mark is torn."""
    fields = _unsealed(raw, 3, _MARK)
    return int(fields[1]) if fields is not None and fields[0] == _MAGIC else -1


def mark_applied(raw: RawFile, generation: int) -> None:
    """Note that the pages of this commit are in place. No sync: a lost mark only means doing it again."""
    raw.write_at(_sealed(_MARK.pack(_MAGIC, generation)), REGION_AT + 3 * PAGE)


def body_size(pages: int) -> int:
    """Bytes of a journal body: the table of page numbers in whole pages, then the pages."""
    return round_up(8 * pages) + pages * PAGE


def write(
    raw: RawFile, generation: int, end: int, pages: Mapping[int, Bytes], old_head: int, at: int | None
) -> None:
    """Write one commit: body (into the region, or at `at` in the tail when it is too big), then header. No sync."""
    numbers = sorted(pages)
    table = struct.pack(f"<{len(numbers)}Q", *numbers)
    place = REGION_AT + _BODY_AT if at is None else at
    digest, written = hashlib.blake2b(digest_size=16), 0
    for part in _parts(table.ljust(round_up(len(table)), b"\0"), [pages[number] for number in numbers]):
        digest.update(part)
        raw.write_at(part, place + written)
        written += len(part)
    # recovery compares it with the disk: only the state before or after this commit may be replayed
    new_head = zlib.crc32(bytes(pages[0][:SECTOR]))
    fields = (generation, end, place, written, len(numbers), digest.digest(), old_head, new_head)
    raw.write_at(_sealed(_HEADER.pack(_MAGIC, *fields)), REGION_AT + 2 * PAGE)


def pending(raw: RawFile) -> tuple[Header, dict[int, bytes]] | None:
    """The commit that reached the journal but is not marked as in place, with its pages; None when there is none."""
    header = read_header(raw)
    if header is None or header.generation <= applied_generation(raw):
        return None
    # a journal in the tail that was cut off, or numbers that contradict each other
    if header.body_bytes != body_size(header.pages) or header.body_at + header.body_bytes > raw.size():
        return None
    body = bytearray(header.body_bytes)
    if raw.read_at(memoryview(body), header.body_at) != len(body):
        return None
    if hashlib.blake2b(body, digest_size=16).digest() != header.digest:
        return None
    return header, dict(_pages(body, header.pages))


def state(raw: RawFile) -> str:
    """Which commit the file is at, as a reader sees it: another text after every commit; empty for a foreign file."""
    region = find_region(raw)
    if region is None:
        return ""
    found = pending(raw)
    return f"{region.identity.hex()}-{applied_generation(raw) if found is None else found[0].generation}"


def head_checksum(raw: RawFile) -> int:
    """CRC32 of the first sector of the file: tells whether another program wrote to it since."""
    sector = bytearray(SECTOR)
    raw.read_at(memoryview(sector), 0)
    return zlib.crc32(sector)


def write_holder(raw: RawFile, text: bytes) -> None:
    """Note who has the file open for writing; an empty text when it is closed properly."""
    raw.write_at(_sealed(text[: PAGE - 8]), REGION_AT + PAGE)


def read_holder(raw: RawFile) -> bytes:
    """The note of who has the file open, as it was written; empty when there is none."""
    page = bytearray(PAGE)
    raw.read_at(memoryview(page), REGION_AT + PAGE)
    return bytes(page[: PAGE - 4]).rstrip(b"\0") if _is_sealed(page) else b""


def _parts(table: bytes, pages: list[Bytes]) -> Iterator[bytearray]:
    """The body in pieces of a few MiB, so that a big one is not in memory twice."""
    part = bytearray(table)
    for page in pages:
        part += page
        if len(part) >= _PART_BYTES:
            yield part
            part = bytearray()
    if part:
        yield part


def _pages(body: bytearray, count: int) -> Iterator[tuple[int, bytes]]:
    start = round_up(8 * count)
    for index, number in enumerate(struct.unpack_from(f"<{count}Q", body)):
        yield number, bytes(body[start + index * PAGE : start + (index + 1) * PAGE])


def _sealed(content: bytes) -> bytes:
    page = content.ljust(PAGE - 4, b"\0")
    return page + struct.pack("<I", zlib.crc32(page))


def _is_sealed(page: bytearray) -> bool:
    return bool(struct.unpack_from("<I", page, PAGE - 4)[0] == zlib.crc32(page[: PAGE - 4]))


def _unsealed(raw: RawFile, index: int, layout: struct.Struct) -> tuple[Any, ...] | None:
    page = bytearray(PAGE)
    if raw.read_at(memoryview(page), REGION_AT + index * PAGE) != PAGE or not _is_sealed(page):
        return None
    return layout.unpack_from(page)
