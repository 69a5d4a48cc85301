"""Movies and spectrum images read lazily: chunks straight from the disk at their offsets, without h5py, in any thread."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.model import buffers
from tandem_em.model.arrays import ArrayBase, full_index
from tandem_em.storage.codec.compress import chunk_grid, unpack

# beyond this a chunk is no frame but a damaged header: HDF5 may try, we do not
MAX_CHUNK_BYTES = 1 << 30


@dataclass(frozen=True)
class ChunkIndex:
    """Where the chunks of a data set lie: arrays in the order of the chunk grid. Offset 0: never written."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    offsets: np.ndarray[Any, np.dtype[np.int64]]
    sizes: np.ndarray[Any, np.dtype[np.int64]]
    skipped: np.ndarray[Any, np.dtype[np.uint32]]
    """Filter masks: bits of the filters that were left out for this chunk."""
    shuffle: int = -1
    deflate: int = -1
    """Positions in the filter pipeline, -1 when absent."""

    @property
    def chunk_bytes(self) -> int:
        """Bytes of one whole chunk once it is unpacked."""
        return math.prod(self.chunks) * self.dtype.itemsize


def index_of(dataset: H5Dataset) -> ChunkIndex | None:
    """The chunk index of a data set (storage thread); None when its form is not ours to read directly."""
    import h5py

    shape, dtype = tuple(int(n) for n in dataset.shape), dataset.dtype
    if dtype.hasobject or dtype.kind not in "biufc" or len(shape) == 0:
        return None
    if dataset.chunks is None:
        return _contiguous_index(dataset, shape, dtype)
    chunks = tuple(int(n) for n in dataset.chunks)
    positions = {"shuffle": -1, "deflate": -1}
    creation = dataset.id.get_create_plist()
    for number in range(creation.get_nfilters()):
        code = creation.get_filter(number)[0]
        name = {h5py.h5z.FILTER_SHUFFLE: "shuffle", h5py.h5z.FILTER_DEFLATE: "deflate"}.get(code)
        # what we unpack is shuffle then deflate, each at most once: any other order is left to h5py
        if name is None or positions[name] >= 0 or (name == "shuffle" and positions["deflate"] >= 0):
            return None
        positions[name] = number
    grid = chunk_grid(shape, chunks)
    count = math.prod(grid)
    # an absurd chunk of a damaged file must not take all memory
    if math.prod(chunks) * dtype.itemsize > MAX_CHUNK_BYTES:
        return None
    offsets, sizes = np.zeros(count, np.int64), np.zeros(count, np.int64)
    skipped = np.zeros(count, np.uint32)

    def take(info: Any) -> None:
        place = tuple(int(at) // size for at, size in zip(info.chunk_offset, chunks))
        # a damaged index may speak of chunks outside the array
        if all(at < most for at, most in zip(place, grid)):
            number = int(np.ravel_multi_index(place, grid))
            offsets[number], sizes[number], skipped[number] = info.byte_offset, info.size, info.filter_mask

    if count:
        dataset.id.chunk_iter(take)
    return ChunkIndex(
        shape, dtype, chunks, offsets, sizes, skipped, positions["shuffle"], positions["deflate"]
    )


def _contiguous_index(dataset: H5Dataset, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ChunkIndex | None:
    offset = dataset.id.get_offset()
    if offset is None or dataset.nbytes == 0:
        return None
    one = np.ones(1, np.int64)
    return ChunkIndex(shape, dtype, shape, one * offset, one * dataset.nbytes, np.zeros(1, np.uint32))


class Owner(Protocol):
    """What a stored array needs of its store."""

    @property
    def path(self) -> Path:
        """The session file, for messages."""

    @property
    def generation(self) -> int:
        """Moves when the file was replaced and offsets are void."""
        ...

    def read_at(self, into: memoryview, offset: int) -> None:
        """Fill a buffer with bytes of the file, in any thread."""

    def load_index(self, item_id: str) -> ChunkIndex | None:
        """Where the chunks of an item's data lie now; None when they can only be read through h5py."""

    def written(self, item_id: str) -> int | None:
        """Frames that are in the file already while it is being recorded; None when it is not."""

    def read_slowly(self, item_id: str, index: Index) -> AnyArray:
        """Values through h5py on the storage thread, for forms that cannot be read directly."""


class StoredArray(ArrayBase):
    """An ArraySource over the `data` of a stream in a session file."""

    def __init__(self, owner: Owner, item_id: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(shape, dtype)
        self.owner = owner
        self.item_id = item_id
        self._index: ChunkIndex | None = None
        self._generation = -1
        self._lock = threading.Lock()

    def grow(self, count: int) -> None:
        """Tell that there are `count` frames now."""
        self._shape = (count, *self._shape[1:])

    @property
    def is_growing(self) -> bool:
        """Whether it is being recorded."""
        return self.owner.written(self.item_id) is not None

    @property
    def ready(self) -> int:
        """Frames that can be read at once: fewer than there are while a recording waits for the disk."""
        written = self.owner.written(self.item_id)
        return self._shape[0] if written is None else min(written, self._shape[0])

    @property
    def is_packed(self) -> bool:
        """Whether every frame has to be unpacked."""
        table = self._table(tuple(range(min(1, size)) for size in self._shape))
        return table is not None and table.deflate >= 0

    def close(self) -> None:
        """The file belongs to the store."""

    def read(self, index: Index) -> AnyArray:
        """Values straight from the chunks; through h5py where their form is not ours."""
        region, squeeze = normalised(index, self._shape)
        if not all(region):  # there may be no data set yet: a recording makes it with its first frame
            kept = [len(axis) for axis, gone in zip(region, squeeze) if not gone]
            return np.empty(kept, self._dtype)
        table = self._table(region)
        if table is None:
            return np.asarray(self.owner.read_slowly(self.item_id, index))
        whole = self._read_region(table, region)
        return whole[tuple(0 if gone else slice(None) for gone in squeeze)]

    def _table(self, region: tuple[range, ...]) -> ChunkIndex | None:
        """The chunk index, read again when the file was replaced or the array has grown beyond it."""
        with self._lock:
            known = self._index
            is_void = known is None or self._generation != self.owner.generation
            if not is_void and known is not None and not _covers(known, region):
                # read under the lock: two readers must not both load the index of a large file
                is_void = True
            if is_void:
                self._generation = self.owner.generation
                self._index = known = self.owner.load_index(self.item_id)
            return known if known is not None and _covers(known, region) else None

    def _read_region(self, table: ChunkIndex, region: tuple[range, ...]) -> AnyArray:
        out = buffers.empty(tuple(len(axis) for axis in region), table.dtype)
        grid = chunk_grid(table.shape, table.chunks)
        touched = [_chunks_touched(axis, size) for axis, size in zip(region, table.chunks)]
        is_one_whole_chunk = out.shape == table.chunks and all(len(each) == 1 for each in touched)
        for place in itertools.product(*touched):
            number = int(np.ravel_multi_index(tuple(i for i, _, _ in place), grid))
            # the frame of a plain movie goes from the disk into its array without a copy in between
            if is_one_whole_chunk and table.deflate < 0 and table.shuffle < 0 and table.offsets[number]:
                self.owner.read_at(out.reshape(-1).view(np.uint8).data, int(table.offsets[number]))
                return out
            if is_one_whole_chunk and table.offsets[number]:
                return self._chunk(table, number)
            target = out[tuple(into for _, into, _ in place)]
            # never written: HDF5 promises the fill value, which is 0 in our files
            if table.offsets[number] == 0:
                target[...] = 0
                continue
            target[...] = self._chunk(table, number)[tuple(within for _, _, within in place)]
        return out

    def _chunk(self, table: ChunkIndex, number: int) -> AnyArray:
        mask = int(table.skipped[number])
        deflate = table.deflate >= 0 and not mask >> table.deflate & 1
        shuffle = table.shuffle >= 0 and not mask >> table.shuffle & 1
        # gzip never doubles its input: the index is damaged
        if int(table.sizes[number]) > 2 * table.chunk_bytes + 4096:
            raise UserError(
                "A frame in the session file has an impossible size.",
                "Run File → Diagnostics or tandem check on it.",
            )
        content = bytearray(int(table.sizes[number]))
        self.owner.read_at(memoryview(content), int(table.offsets[number]))
        try:
            return unpack(content, table.dtype, table.chunk_bytes, shuffle, deflate).reshape(table.chunks)
        except ValueError as error:
            raise UserError(
                f"Part of {self.owner.path.name} is damaged and cannot be shown.",
                "Run tandem check --repair; it writes everything else to a new file.",
            ) from error


class UnavailableArray(ArrayBase):
    """Data that are not where they should be: the shape is known, reading says why there is nothing."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], problem: str, advice: str) -> None:
        super().__init__(shape, dtype)
        self.problem, self.advice = problem, advice

    def read(self, index: Index) -> AnyArray:
        """UserError with the problem and what to do."""
        raise UserError(self.problem, self.advice)


LinkOpener = Callable[[Path, str], Any]
"""`open(path, dataset)` gives an ArraySource over a linked file; handed in by whoever knows the importers."""


def normalised(index: Index, shape: tuple[int, ...]) -> tuple[tuple[range, ...], tuple[bool, ...]]:
    """A basic index as one range per axis, and which axes it drops."""
    parts = full_index(index, shape)
    ranges = [
        range(*part.indices(size)) if isinstance(part, slice) else range(part, part + 1)
        for part, size in zip(parts, shape)
    ]
    return tuple(ranges), tuple(not isinstance(part, slice) for part in parts)


def _covers(table: ChunkIndex, region: tuple[range, ...]) -> bool:
    return all(len(axis) == 0 or max(axis) < size for axis, size in zip(region, table.shape))


def _chunks_touched(axis: range, chunk: int) -> list[tuple[int, slice, slice]]:
    """For one axis: chunk number, where it goes in the result, what is taken of the chunk."""
    if len(axis) == 0:
        return []
    found: list[tuple[int, slice, slice]] = []
    step = axis.step
    done = 0
    while done < len(axis):
        number = axis[done] // chunk
        last = done
        edge = (number + 1) * chunk - 1 if step > 0 else number * chunk
        last = done + (edge - axis[done]) // step
        last = min(last, len(axis) - 1)
        first_in, last_in = axis[done] - number * chunk, axis[last] - number * chunk
        stop = last_in + (1 if step > 0 else -1)
        # a backward slice that runs to the first value has no number for its end
        within = slice(first_in, None if stop < 0 else stop, step)
        found.append((number, slice(done, last + 1), within))
        done = last + 1
    return found
