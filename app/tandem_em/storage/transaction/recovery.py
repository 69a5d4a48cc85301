"""Opening a session file: finish the commit a crash interrupted, cut off what was never committed, or only look.

`recover` is for the one writer (after the lock); `look` is for readers and changes nothing on disk.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import journal, superblock
from tandem_em.storage.transaction.collector import without_collection
from tandem_em.storage.transaction.journal import PAGE
from tandem_em.storage.transaction.paged_file import TransactionalFile, write_in_place
from tandem_em.storage.transaction.raw_file import Bytes, RawFile


@dataclass(frozen=True)
class Recovery:
    """What opening had to mend: pages put in place, bytes cut off, time taken (s), a foreign change that was kept."""

    pages: int = 0
    cut_bytes: int = 0
    seconds: float = 0.0
    kept_foreign_change: bool = False

    @property
    def was_needed(self) -> bool:
        """Whether a crash had left something: pages put in place or bytes cut off."""
        return bool(self.pages or self.cut_bytes)


def recover(raw: RawFile, name: str) -> tuple[TransactionalFile, Recovery]:
    """Bring a file to its last commit and open it for writing. The caller holds the lock."""
    started = time.perf_counter()
    region = journal.find_region(raw)
    if region is None:
        _check_head(_head(raw), raw.size(), name)
        raise UserError(
            f"{name} was not written by TandEM, so it is not changed.", "Import it into a new session."
        )
    applied, is_foreign = _replay(raw)
    block = _check_head(_head(raw), raw.size(), name)
    if superblock.is_open_for_writing(block):
        raise UserError(
            f"{name} was left open by another program that wrote to it.",
            "Close that program, or save a copy.",
        )
    cut = raw.size() - block.end
    if cut > 0:
        raw.truncate(block.end)
    header = journal.read_header(raw)
    # a header without its pages still uses up its number
    generation = max(journal.applied_generation(raw), header.generation if header is not None else 0, 0)
    report = Recovery(applied, max(cut, 0), time.perf_counter() - started, is_foreign)
    return TransactionalFile(raw, region, generation, block.end), report


def _replay(raw: RawFile) -> tuple[int, bool]:
    """Apply a pending commit again; doing so twice does no harm. Returns pages applied, foreign change found."""
    found = journal.pending(raw)
    if found is None:
        return 0, False
    header, pages = found
    # another program wrote to the file since the crash: our pages would destroy its work
    if journal.head_checksum(raw) not in (header.old_head, header.new_head):
        journal.mark_applied(raw, header.generation)
        return 0, True
    raw.sync("recovery")  # the journal may so far exist in the computer's memory only
    write_in_place(raw, pages, header.end)
    raw.sync("in place")
    journal.mark_applied(raw, header.generation)
    return len(pages), False


class Overlay:
    """A read-only file object for h5py: the disk with the pages of a pending commit laid over it."""

    def __init__(self, raw: RawFile, pages: dict[int, bytes], size: int, stamp: bytes) -> None:
        self.raw = raw
        self.stamp = stamp
        self._pages = pages
        self._size = size
        self._position = 0

    @property
    def size(self) -> int:
        """Size of the last commit (bytes), whatever the disk has behind it."""
        return self._size

    def read_at(self, into: memoryview, at: int) -> None:
        """The bytes as HDF5 sees them, for any thread."""
        _read_over(self.raw, self._pages, into, at)

    def is_current(self) -> bool:
        """False once a newer commit has begun to change the file under this view."""
        return _stamp(self.raw) == self.stamp

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position that HDF5 reads at."""
        self._position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[
            whence
        ] + offset
        return self._position

    def tell(self) -> int:
        """Where HDF5 reads next (bytes)."""
        return self._position

    @without_collection
    def readinto(self, buffer: memoryview) -> int:
        """Fill the whole buffer, with zeros behind the end."""
        into = memoryview(buffer).cast("B")
        _read_over(self.raw, self._pages, into, self._position)
        self._position += len(into)
        return len(into)

    def read(self, size: int = -1) -> bytes:
        """Bytes from the position on; a negative size reads to the end."""
        content = bytearray(max(0, self._size - self._position) if size < 0 else size)
        self.readinto(memoryview(content))
        return bytes(content)

    def write(self, data: Bytes) -> int:
        """Refused: OSError."""
        raise OSError("this file is open for reading only")

    def truncate(self, size: int | None = None) -> int:
        """Nothing changes: HDF5 asks for it even when it only reads."""
        return self._size

    def flush(self) -> None:
        """Nothing to flush."""


def look(raw: RawFile, name: str, tries: int = 50) -> Overlay:
    """A view of the last commit, also while another program writes. Never writes, never needs permission to."""
    for _ in range(tries):
        stamp = _stamp(raw)
        found = journal.pending(raw) if journal.find_region(raw) is not None else None
        pages = {} if found is None or _is_foreign(raw, found[0]) else found[1]
        head = pages.get(0) or _head(raw)
        # a reader holds no lock: it looks again when a commit began while it was reading
        if _stamp(raw) != stamp:
            time.sleep(0.005)  # a commit came in between
            continue
        block = _check_head(head, raw.size(), name)
        if superblock.is_open_for_writing(block):
            pages[0] = superblock.settled(
                head, block.end
            )  # a program died; reading what it left does no harm
        return Overlay(raw, pages, block.end, stamp)
    raise UserError(f"{name} is being written to all the time.", "Try again in a moment.")


def _is_foreign(raw: RawFile, header: journal.Header) -> bool:
    return journal.head_checksum(raw) not in (header.old_head, header.new_head)


def _stamp(raw: RawFile) -> bytes:
    content = bytearray(PAGE)
    raw.read_at(memoryview(content), journal.REGION_AT + 2 * PAGE)
    return bytes(content)


def _head(raw: RawFile) -> bytes:
    content = bytearray(PAGE)
    raw.read_at(memoryview(content), 0)
    return bytes(content)


def _check_head(head: bytes, size: int, name: str) -> superblock.Superblock:
    if size == 0:
        raise UserError(f"{name} is empty (0 bytes).", "The copy or download may not have finished.")
    if head[:8] != superblock.SIGNATURE:
        raise UserError(f"{name} is not an HDF5 file.", "Choose a session, or import it as measured data.")
    block = superblock.parse(head)
    if block is None:
        raise UserError(
            f"{name} is an HDF5 file whose first bytes are damaged.", "Open a copy or a backup of it."
        )
    if size < block.end:
        raise UserError(
            f"{name} is cut short: {size} of {block.end} bytes are there.",
            "Copy it again from where it came from.",
        )
    return block


def _read_over(raw: RawFile, pages: dict[int, bytes], into: memoryview, at: int) -> None:
    done = raw.read_at(into, at)
    if done < len(into):
        into[done:] = bytes(len(into) - done)
    end = at + len(into)
    for number in pages if pages else ():
        place = number * PAGE
        start, stop = max(at, place), min(end, place + PAGE)
        if start < stop:
            into[start - at : stop - at] = pages[number][start - place : stop - place]
