"""The Python file object between HDF5 and the disk: it turns HDF5's writes into commits.

Writes beyond the committed end of the file go straight to disk: nothing committed refers to them yet. Writes below it
stay in memory as 4 KiB pages until a commit. HDF5's reads see them. `h5py.File(TransactionalFile(...), "r+")`.

Two threads meet here: the one that calls h5py (all callbacks) and the one that commits. The only lock they share is
h5py's own, `phil`, which HDF5 holds during every callback: with any other lock, a garbage collection that closes an
h5py object on one thread would wait for the other for ever. `write` never raises, because HDF5 does not survive a
half-failed write: what the disk refuses is kept in memory and tried again at the next commit.

No callback may let go of an h5py object either: closing a data set inside HDF5's flush makes HDF5 crash. So garbage is
not collected in here, and no error is kept together with its traceback, whose frames hold the caller's data sets.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tandem_em.storage.transaction import journal, superblock
from tandem_em.storage.transaction.collector import without_collection
from tandem_em.storage.transaction.journal import PAGE, Region, round_up
from tandem_em.storage.transaction.raw_file import Bytes, RawFile, SyncPoint

Pages = dict[int, bytearray]


@dataclass
class Snapshot:
    """Everything of one commit. `end` is the new end of the file in bytes; `pages` is complete and never changes."""

    generation: int
    end: int
    old_end: int
    pages: Pages
    is_durable: bool = False


@dataclass(frozen=True)
class EditMark:
    """The moment before an edit: the newest pages and the size of the file as HDF5 saw it."""

    layer: Pages
    size: int


class BrokenStoreError(OSError):
    """The state in memory can no longer be committed; the file keeps its last commit."""


class TransactionalFile:
    """A file object for h5py's `fileobj` driver over a RawFile that holds a journal region (see `journal`)."""

    def __init__(self, raw: RawFile, region: Region, generation: int, committed_end: int) -> None:
        from h5py._objects import phil

        self.raw = raw
        self.region = region
        self.generation = generation
        self.begun = generation
        self.committed_end = committed_end
        self.trouble: OSError | None = None  # the last write the disk refused; None again after a good commit
        self.broken: BaseException | None = None
        self.is_abandoned = False
        self.has_news = False  # something was written since the last snapshot
        self._phil = phil
        self._layers: list[Pages] = [{}]  # newest first; all but the first are frozen
        self._highest_page = -1  # no page above it is in memory
        self._boundary = round_up(committed_end)  # below it: memory; from it on: straight to disk
        self._edit_floor = 0  # while an edit runs: what it may roll back stays below
        self._hold_from: int | None = None  # from here on: memory, because the journal lies there
        self._position = 0
        self._size = committed_end  # the file as HDF5 sees it
        self._direct_end = committed_end
        self._watched_size = -1
        self._watched_at: int | None = None

    # ---- called by HDF5, with phil held -------------------------------------------------------------------------

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position that HDF5 reads and writes at; nothing touches the disk."""
        base = 0 if whence == os.SEEK_SET else self._size if whence == os.SEEK_END else self._position
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where HDF5 reads or writes next (bytes)."""
        return self._position

    @without_collection
    def readinto(self, buffer: memoryview) -> int:
        """Fill the whole buffer: space that was allocated and never written reads as zeros."""
        into = memoryview(buffer).cast("B")
        self._read(into, self._position)
        self._position += len(into)
        return len(into)

    def read(self, size: int = -1) -> bytes:
        """The bytes as HDF5 sees them; zeros where nothing was written."""
        content = bytearray(max(0, self._size - self._position) if size < 0 else size)
        self.readinto(memoryview(content))
        return bytes(content)

    @without_collection
    def write(self, data: Bytes) -> int:
        """Take bytes of HDF5, to memory or straight to disk. Never raises: see `broken` and `trouble`."""
        view = memoryview(data).cast("B")
        self.has_news = True
        if len(view) == self._watched_size:
            self._watched_at = self._position
        try:
            self._write(view, self._position)
        except BaseException as error:  # noqa: BLE001  never raise into HDF5; no commit follows this one
            self.broken = error.with_traceback(None)
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Note the new size as HDF5 sees it; the disk learns of it with the next commit."""
        self._size = self._position if size is None else size
        return self._size

    def flush(self) -> None:
        """HDF5 flushes often; only a commit makes anything durable."""

    def place_of(self, write: Callable[[], None], size: int) -> int | None:
        """Let HDF5 write one block of `size` bytes; where in the file it went, None when no such write was seen.

        HDF5 itself answers this for a chunk only by going through all chunks before it.
        """
        self._watched_size, self._watched_at = size, None
        try:
            write()
        finally:
            self._watched_size = -1
        return self._watched_at

    # ---- pages --------------------------------------------------------------------------------------------------

    @property
    def bytes_in_memory(self) -> int:
        """Bytes of pages that wait for a commit."""
        return sum(len(layer) for layer in self._layers) * PAGE

    @property
    def size(self) -> int:
        """Size of the file as HDF5 sees it (bytes)."""
        return self._size

    def read_at(self, into: memoryview, at: int) -> None:
        """The bytes as HDF5 sees them, for any thread and without HDF5: never older than when the call began."""
        self._read(into, at)

    def _find(self, number: int) -> bytearray | None:
        return _newest(self._layers, number)

    def _read(self, into: memoryview, at: int) -> None:
        highest, layers = self._highest_page, self._layers  # before the disk: a commit may end in between
        done = 0 if self.is_abandoned else self.raw.read_at(into, at)
        if done < len(into):
            into[done:] = bytes(len(into) - done)
        if at // PAGE > highest:
            return
        for number, start, stop in _parts_in_memory(layers, at, len(into), highest):
            page = _newest(layers, number)
            if page is not None:
                into[number * PAGE + start - at : number * PAGE + stop - at] = page[start:stop]

    def _write(self, data: memoryview, at: int) -> None:
        end = at + len(data)
        first_direct = max(self._boundary, (self._highest_page + 1) * PAGE)
        last_direct = end if self._hold_from is None else self._hold_from
        if self.is_abandoned or at < first_direct or end > last_direct:
            self._write_mixed(data, at)
        else:
            self._write_direct(data, at)

    def _write_mixed(self, data: memoryview, at: int) -> None:
        """Some of it goes to memory: page by page, with the direct stretches in one piece."""
        run_start: int | None = None
        for number, start, stop in _page_parts(at, len(data)):
            place = number * PAGE + start
            if self._belongs_in_memory(number):
                if run_start is not None:
                    self._write_direct(data[run_start - at : place - at], run_start)
                    run_start = None
                self._put(number, start, data[place - at : place - at + stop - start])
            elif run_start is None:
                run_start = place
        if run_start is not None:
            self._write_direct(data[run_start - at :], run_start)

    def _belongs_in_memory(self, number: int) -> bool:
        place = number * PAGE
        if self.is_abandoned or place < self._boundary:
            return True
        if self._hold_from is not None and place + PAGE > self._hold_from:
            return True
        return number <= self._highest_page and self._find(number) is not None

    def _write_direct(self, data: memoryview, at: int) -> None:
        try:
            self.raw.write_at(data, at)
            self._direct_end = max(self._direct_end, at + len(data))
        except OSError as error:
            self.trouble = OSError(error.errno, error.strerror)  # without the frames, which hold h5py objects
            for number, start, stop in _page_parts(at, len(data)):
                place = number * PAGE + start - at
                self._put(number, start, data[place : place + stop - start])

    def _put(self, number: int, start: int, part: memoryview) -> None:
        top = self._layers[0]
        page = top.get(number)
        if page is None:
            page = bytearray(PAGE)
            if len(part) < PAGE:
                old = self._find(number)
                if old is not None:
                    page[:] = old
                elif not self.is_abandoned:
                    self.raw.read_at(memoryview(page), number * PAGE)
            top[number] = page
            self._highest_page = max(self._highest_page, number)
        page[start : start + len(part)] = part

    # ---- commit -------------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Freeze the present state for a commit. Call right after HDF5's flush, on the thread that calls h5py."""
        if self.broken is not None:
            raise BrokenStoreError(f"writing failed inside the store: {self.broken}")
        # no callback of HDF5 may write between the merge and the new layers
        with self._phil:
            pages = self._merged()
            head = pages.get(0)
            if head is None:
                head = bytearray(PAGE)
                self.raw.read_at(memoryview(head), 0)
            pages[0] = bytearray(superblock.settled(bytes(head), self._size))
            # pages behind the end are of no use, and those of the journal must not be in a commit
            pages = {n: p for n, p in pages.items() if n * PAGE < self._size and not self.region.contains(n)}
            shot = Snapshot(self.generation + 1, self._size, self.committed_end, pages)
            self.begun = shot.generation
            # readers see the frozen pages until they are in place
            self._layers = [{}, pages]
            # from now on the committed file refers to what lies below: no more direct writes there
            self._boundary = max(self._boundary, round_up(self._size))
            self.has_news = False
            return shot

    def commit(self, shot: Snapshot) -> None:
        """Make a snapshot durable; the slow part, on any thread, one at a time. Raises OSError when the disk refuses.

        After a failure before `is_durable` take a new snapshot (it includes this one); after that call again.
        """
        if not shot.is_durable:
            self._write_fresh(shot)
            # fresh data first: the journal that is written next makes the file refer to them
            self._sync("data")
            self._write_journal(shot)
            self._sync("journal")
            shot.is_durable = True  # the commit point
            self.generation = shot.generation
        write_in_place(self.raw, shot.pages, shot.end)
        # synced before the mark: it says that the pages are in place
        self._sync("in place")
        journal.mark_applied(self.raw, shot.generation)
        with self._phil:
            self._finish(shot)

    def _sync(self, point: SyncPoint) -> None:
        """After a failed sync nobody knows which writes the system has dropped: no later commit can be trusted."""
        try:
            self.raw.sync(point)
        except OSError as error:
            self.broken = error
            raise

    def _write_fresh(self, shot: Snapshot) -> None:
        """Write what lies beyond the committed end, and let the file reach as far as its superblock will say."""
        fresh = {n: p for n, p in shot.pages.items() if n * PAGE >= shot.old_end}
        write_in_place(self.raw, fresh, shot.end)
        if self.raw.size() < shot.end:
            self.raw.write_at(b"\0", shot.end - 1)

    def _write_journal(self, shot: Snapshot) -> None:
        pages = {n: p for n, p in shot.pages.items() if n * PAGE < shot.old_end}
        at: int | None = None
        if journal.body_size(len(pages)) > self.region.room:
            with self._phil:
                # HDF5 may go on appending meanwhile: it must not write over the journal in the tail
                at = self._hold_from = round_up(max(self._size, self._direct_end, shot.end, shot.old_end))
        journal.write(self.raw, shot.generation, shot.end, pages, journal.head_checksum(self.raw), at)

    def _finish(self, shot: Snapshot) -> None:
        # the pages are on disk now; only what came since stays in memory
        self._layers = [layer for layer in self._layers if layer is not shot.pages]
        self._highest_page = max((max(layer, default=-1) for layer in self._layers), default=-1)
        self.committed_end = shot.end
        self._boundary = max(round_up(shot.end), self._edit_floor)
        self._release_tail()
        self.trouble = None

    def give_up(self, shot: Snapshot, error: OSError) -> None:
        """Remember a failed commit: its pages stay in memory and go into the next one."""
        self.trouble = error
        if not shot.is_durable:
            with self._phil:
                self.has_news = True
                self._release_tail()

    def _release_tail(self) -> None:
        if self._hold_from is not None:
            self.raw.truncate(self._hold_from)
            self._hold_from = None

    # ---- edits that can be taken back ---------------------------------------------------------------------------

    def begin_edit(self) -> EditMark:
        """Start remembering, right after HDF5's flush. `roll_back(mark)` returns to this moment."""
        mark = EditMark(self._layers[0], self._size)
        self._layers = [{}, *self._layers]
        # what the edit writes below the present size can be rolled back only from memory
        self._edit_floor = round_up(self._size)
        self._boundary = max(self._boundary, self._edit_floor)
        return mark

    def keep_edit(self, mark: EditMark) -> None:
        """The edit succeeded: its pages join those from before it."""
        with self._phil:
            mark.layer.update(self._layers[0])
            self._layers = self._layers[1:]
            self._edit_floor = 0

    def roll_back(self, mark: EditMark) -> None:
        """Forget everything since `begin_edit`. HDF5 must be closed: its handle knows the newer state."""
        with self._phil:
            self._layers = self._layers[1:]
            self._size = mark.size
            self._edit_floor = 0
            head = bytearray(PAGE)
            self._read(memoryview(head), 0)  # HDF5 refuses to open what it still has open itself
            self._layers[0][0] = bytearray(superblock.settled(bytes(head), mark.size))

    def _merged(self) -> Pages:
        merged: Pages = {}
        for layer in reversed(self._layers):
            merged.update(layer)
        return merged


def _newest(layers: list[Pages], number: int) -> bytearray | None:
    for layer in layers:
        page = layer.get(number)
        if page is not None:
            return page
    return None


def _parts_in_memory(
    layers: list[Pages], at: int, length: int, highest: int
) -> Iterator[tuple[int, int, int]]:
    """The parts of a stretch that may be in memory; for a long stretch it is quicker to ask the memory."""
    # a short stretch (under 256 kB) touches few pages: asking for each is quicker
    if length // PAGE < 64:
        yield from _page_parts(at, length, highest)
        return
    first, last, end = at // PAGE, (at + length - 1) // PAGE, at + length
    for number in {n for layer in layers for n in list(layer) if first <= n <= last}:
        yield number, max(at - number * PAGE, 0), min(end - number * PAGE, PAGE)


def write_in_place(raw: RawFile, pages: Mapping[int, Bytes], end: int) -> None:
    """Write pages where they belong, neighbours together, nothing beyond `end` (bytes)."""
    for number, content in _joined(pages):
        raw.write_at(memoryview(content)[: end - number * PAGE], number * PAGE)


def _joined(pages: Mapping[int, Bytes]) -> Iterator[tuple[int, bytearray]]:
    first, content = -1, bytearray()
    for number in sorted(pages):
        if content and number * PAGE != first * PAGE + len(content):
            yield first, content
            content = bytearray()
        if not content:
            first = number
        content += pages[number]
    if content:
        yield first, content


def _page_parts(at: int, length: int, highest: int | None = None) -> Iterator[tuple[int, int, int]]:
    """The pages that a stretch of bytes touches: (page number, first byte within, end within)."""
    end = at + length
    last = (end - 1) // PAGE
    for number in range(at // PAGE, (last if highest is None else min(last, highest)) + 1):
        yield number, max(at - number * PAGE, 0), min(end - number * PAGE, PAGE)
