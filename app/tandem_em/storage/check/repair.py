"""Saving what can be read of a damaged session into a new file. The damaged one is never touched."""

from __future__ import annotations

import math
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.core.texts import counted
from tandem_em.model.arrays import ArrayBase, ArraySource, full_index
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.storage.arrays import ChunkIndex, UnavailableArray, index_of
from tandem_em.storage.check.integrity import damaged, read_chunk
from tandem_em.storage.check.repair_tail import salvaged, whole_file
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import chunk_grid
from tandem_em.storage.codec.read_fields import child
from tandem_em.storage.gate.audit import audit
from tandem_em.storage.gate.version import found_in
from tandem_em.storage.migrations import migrated_copy
from tandem_em.storage.read.session import read_session
from tandem_em.storage.session_store import SessionStore
from tandem_em.storage.transaction.hdf5_store import Hdf5Store


class MendedArray(ArrayBase):
    """A stream of a damaged file: what is readable as it was, zeros where it is not. Counts what it had to leave out."""

    def __init__(self, store: Hdf5Store, index: ChunkIndex, crcs: AnyArray | None) -> None:
        super().__init__(index.shape, index.dtype)
        self._store = store
        self._index = index
        self._crcs = crcs
        self.lost: set[int] = set()

    def read(self, index: Index) -> AnyArray:
        """Whole frames are put together and then cut, as embedding asks for them one after the other."""
        first, *rest = full_index(index, self.shape)
        numbers = range(self.shape[0])[first] if isinstance(first, slice) else range(first, first + 1)
        start, stop = (min(numbers), max(numbers) + 1) if numbers else (0, 0)
        slab = np.zeros((stop - start, *self.shape[1:]), self.dtype)
        grid = chunk_grid(self.shape, self._index.chunks)
        per_row = math.prod(grid[1:])
        low, high = start // self._index.chunks[0], -(-stop // self._index.chunks[0])
        for number in range(low * per_row, high * per_row):
            place = np.unravel_index(number, grid)
            self._put(slab, start, number, [int(at) * size for at, size in zip(place, self._index.chunks)])
        wanted = slab[(slice(None, None, numbers.step), *rest)]
        return wanted if isinstance(first, slice) else np.asarray(wanted[0])

    def _put(self, slab: AnyArray, start: int, number: int, corner: list[int]) -> None:
        values = self._chunk(number)
        if values is None:
            self.lost.add(number)
            return
        low = max(corner[0], start)
        high = min(corner[0] + self._index.chunks[0], start + len(slab), self.shape[0])
        rows = min(self._index.chunks[1], self.shape[1] - corner[1])
        columns = min(self._index.chunks[2], self.shape[2] - corner[2])
        part = values.reshape(self._index.chunks)[low - corner[0] : high - corner[0], :rows, :columns]
        slab[low - start : high - start, corner[1] : corner[1] + rows, corner[2] : corner[2] + columns] = part

    def _chunk(self, number: int) -> AnyArray | None:
        if self._index.offsets[number] == 0:
            return None
        crc = int(self._crcs[number]) if self._crcs is not None and number < len(self._crcs) else None
        if crc is not None and damaged(self._index, number, crc, self._store.read_at):
            return None
        try:
            return np.asarray(read_chunk(self._index, number, self._store.read_at))
        except (ValueError, OSError, UserError):
            return None


class _Owner:
    """Stored arrays are never asked here: each gets a MendedArray."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0

    def read_at(self, into: memoryview, offset: int) -> None:
        raise UserError(f"{self.path.name} is being repaired.")

    def written(self, item_id: str) -> int | None:
        return None

    def load_index(self, item_id: str) -> ChunkIndex | None:
        return None

    def read_slowly(self, item_id: str, index: Index) -> AnyArray:
        raise UserError(f"{self.path.name} is being repaired.")


def repair(path: Path, out: Path) -> Job[list[str]]:
    """Write everything readable of `path` into the new session `out`; returns what was done and what is lost.

    UserError when nothing can be read. Stopped half-way, `out` is not there."""
    path, out = Path(path), Path(out)
    if out.exists():
        raise UserError(f"{out.name} exists already.", "Choose another name for the repaired session.")
    yield Progress(0, 0, f"Reading {path.name}")
    whole, report = whole_file(path, out)
    try:
        report += yield from _repair(whole, path, out)
    finally:
        if whole != path:
            whole.unlink(missing_ok=True)
    return report


def _repair(whole: Path, path: Path, out: Path) -> Job[list[str]]:
    if not audit(whole):
        return (yield from _read_and_save(whole, path, out))
    clean, report = yield from salvaged(whole, out)
    try:
        report += yield from _read_and_save(clean, path, out)
    finally:
        clean.unlink(missing_ok=True)
    return report


def _read_and_save(whole: Path, path: Path, out: Path) -> Job[list[str]]:
    store = Hdf5Store.open(whole, "r")
    migrated: Path | None = None
    reason: UserError | None = None
    try:
        try:
            found = store.call(lambda h5: found_in(h5, path.name)).result()
        except UserError as error:
            # the note about the version may just be gone: read it as one of the present
            found, reason = None, error
            if whole != path:
                reason = UserError(
                    f"The remains of {path.name} do not say what they contained.",
                    "Copy it again from where it came from.",
                )
        if found is not None and found.needs_migration:
            store.abandon()
            migrated = yield from migrated_copy(whole)
            store = Hdf5Store.open(migrated, "r")
        report = yield from _move_over(store, path, out, reason)
    finally:
        store.abandon()
        if migrated is not None:
            shutil.rmtree(migrated.parent, ignore_errors=True)
    return report


def _move_over(store: Hdf5Store, path: Path, out: Path, reason: UserError | None) -> Job[list[str]]:
    """Read the items and save them anew. `reason`: why this may be no session at all."""
    loaded = yield from read_session(store.call, _Owner(path), path, None)
    if reason is not None and not loaded.file_index.group_paths:
        raise reason
    session: Session = loaded.session
    elsewhere = {sentence for source in session.sources if source.linked for sentence in source.problems}
    remarks = [sentence for sentence in loaded.problems if sentence not in elsewhere]
    report = [f"{counted(len(list(session.items())), 'item')} read.", *remarks]
    mended: dict[str, MendedArray] = {}
    for item in [*session.stacks, *session.maps]:
        home = loaded.file_index.group_paths[item.id]
        array = store.call(partial(_mended, home=home, store=store)).result()
        if array is not None:
            mended[item.id], item.source = array, array
        else:
            item.source = _nothing(item)
    is_complete = False
    made = SessionStore.create(out)
    try:
        yield from made.save(session)
        made.close()
        is_complete = True
    finally:
        if not is_complete:
            made.abandon()
            out.unlink(missing_ok=True)
    for item_id, array in mended.items():
        if array.lost:
            name = session.item(item_id).name or item_id
            report.append(
                f"{name}: {counted(len(array.lost), 'damaged part')} could not be read and left black."
            )
    report.append(f"{out.name} contains what was recovered.")
    return report


def _mended(h5: H5File, home: str, store: Hdf5Store) -> MendedArray | None:
    data = child(h5, f"{home}/data")
    if data is None or getattr(data, "ndim", 0) != 3:
        return None
    index = index_of(data)
    crcs = child(h5, f"{home}/{layout.ITEM}/{layout.CRC}")
    return None if index is None else MendedArray(store, index, None if crcs is None else crcs[...])


def _nothing(item: FrameStack | SpectrumImage) -> ArraySource:
    """Data that are gone or linked: the item stays, with what is known of their shape."""
    source = item.source
    return (
        source
        if isinstance(source, UnavailableArray)
        else UnavailableArray((0, 1, 1), np.dtype(np.uint16), "Its data are lost.", "")
    )
