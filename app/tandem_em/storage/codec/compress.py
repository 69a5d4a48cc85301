"""gzip with byte shuffle, the one compressed form every HDF5 program opens, made fast: chunks are packed here with isal
in a few threads and handed to HDF5 ready made.
"""

from __future__ import annotations

import itertools
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.hdf5_types import H5Dataset, H5Group
from tandem_em.core.numeric import AnyArray
from tandem_em.storage.codec import layout

THREADS = 2
# a low one: a recording must not wait for its packing
LEVEL = 1
SMALL_BYTES = 1 << 16
"""Arrays up to this size are written plain: their chunk index would be larger than what is saved."""
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """One chunk as it goes into the file. `crc` is that of its plain bytes."""

    origin: tuple[int, ...]
    content: bytes | memoryview
    crc: int
    plain_bytes: int


@cache
def _codec() -> Any:
    """isal's zlib where it is installed, the standard one otherwise: the same bytes to every reader, three times slower."""
    try:
        from isal import isal_zlib
    except ImportError:  # pragma: no cover - every supported platform has a wheel
        return zlib
    return isal_zlib


def crc32(data: bytes | bytearray | memoryview | AnyArray) -> int:
    """CRC-32 of plain bytes, as zlib counts it."""
    return int(_codec().crc32(data))


def shuffled(plain: memoryview, itemsize: int) -> bytes | memoryview:
    """HDF5's byte shuffle: all first bytes, then all second bytes, …"""
    if itemsize == 1:
        return plain
    return np.frombuffer(plain, np.uint8).reshape(-1, itemsize).T.tobytes()


def unshuffled(content: bytes | bytearray, itemsize: int) -> bytes | bytearray | AnyArray:
    """The inverse of `shuffled`: bytes of each value together again."""
    if itemsize == 1:
        return content
    count = len(content) // itemsize
    out = np.empty((count, itemsize), np.uint8)
    planes = np.frombuffer(content, np.uint8).reshape(itemsize, count)
    for byte in range(itemsize):
        out[:, byte] = planes[byte]
    return out.reshape(-1)


def pack(block: AnyArray, origin: tuple[int, ...], chunk_shape: tuple[int, ...], compressed: bool) -> Chunk:
    """A block of values as one chunk; blocks at the edge of an array are filled up with zeros."""
    if block.shape != chunk_shape:
        full = np.zeros(chunk_shape, block.dtype)
        full[tuple(slice(0, size) for size in block.shape)] = block
        block = full
    plain = np.ascontiguousarray(block).data.cast("B")
    crc = crc32(plain)
    content = _codec().compress(shuffled(plain, block.dtype.itemsize), LEVEL) if compressed else plain
    return Chunk(origin, content, crc, len(plain))


def unpack(
    content: bytes | bytearray, dtype: np.dtype[Any], plain_bytes: int, shuffle: bool, deflate: bool
) -> AnyArray:
    """The plain values of one chunk, flat. ValueError when it is damaged or grows beyond `plain_bytes`."""
    if deflate:
        # never more than was declared is unpacked, whatever the stream says
        engine = _codec().decompressobj()
        try:
            # one byte more than declared tells a stream that would go on
            content = engine.decompress(content, plain_bytes + 1)
        except (zlib.error, _codec().error) as error:
            raise ValueError(f"a damaged chunk: {error}") from error
    if len(content) != plain_bytes:
        raise ValueError(f"a damaged chunk: {len(content)} bytes instead of {plain_bytes}")
    plain = unshuffled(content, dtype.itemsize) if shuffle else content
    return np.frombuffer(plain, dtype)


def packed(
    blocks: Iterable[tuple[tuple[int, ...], AnyArray]], chunk_shape: tuple[int, ...], compressed: bool
) -> Generator[Chunk, None, None]:
    """Pack blocks in order, a few at a time in parallel. Closing the iterator stops the threads."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="pack") as pool:
        waiting: deque[Future[Chunk]] = deque()
        try:
            for origin, block in blocks:
                waiting.append(pool.submit(pack, block, origin, chunk_shape, compressed))
                # a few ahead keep the threads busy; more would hold a whole movie in memory
                while len(waiting) > THREADS * 2:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def chunk_grid(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """How many chunks there are along each axis, those cut off at the edge included."""
    return tuple(-(-size // chunk) for size, chunk in zip(shape, chunks))


def blocks_of(array: AnyArray, chunks: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], AnyArray]]:
    """An array in memory cut along its chunk grid, in the order of the grid."""
    for index in itertools.product(*(range(count) for count in chunk_grid(array.shape, chunks))):
        origin = tuple(i * chunk for i, chunk in zip(index, chunks))
        yield origin, array[tuple(slice(start, start + chunk) for start, chunk in zip(origin, chunks))]


def create_dataset(
    group: H5Group,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    chunks: tuple[int, ...],
    *,
    compressed: bool,
    maxshape: tuple[int | None, ...] | None = None,
) -> H5Dataset:
    """An empty chunked data set whose chunks are written ready made."""
    import h5py

    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk(chunks)
    creation.set_fill_time(h5py.h5d.FILL_TIME_IFSET)
    creation.set_attr_creation_order(0)
    if compressed:
        creation.set_shuffle()
        creation.set_deflate(LEVEL)
    limits = (
        shape
        if maxshape is None
        else tuple(h5py.h5s.UNLIMITED if size is None else size for size in maxshape)
    )
    space = h5py.h5s.create_simple(shape, limits)
    made = h5py.h5d.create(
        group.id, name.encode(), h5py.h5t.py_create(np.dtype(dtype), logical=True), space, creation
    )
    return h5py.Dataset(made)


def write_array(
    group: H5Group, name: str, array: AnyArray, *, grows: bool = False, signal: bool = False
) -> H5Dataset:
    """An array as a data set: small ones plain, large ones chunked and compressed. `signal`: always chunked, because
    lazy readers ask for chunks."""
    if not grows and not signal and array.ndim == 1 and array.nbytes <= SMALL_BYTES:
        return group.create_dataset(name, data=array)
    chunks = chunks_for(array, grows)
    compressed = array.nbytes > SMALL_BYTES
    maxshape = (None, *array.shape[1:]) if grows else None
    dataset = create_dataset(
        group, name, array.shape, array.dtype, chunks, compressed=compressed, maxshape=maxshape
    )
    write_chunks(dataset, packed(blocks_of(array, chunks), chunks, compressed))
    return dataset


def write_chunks(
    dataset: H5Dataset, chunks: Iterable[Chunk], after_each: Callable[[Chunk], None] | None = None
) -> None:
    """Hand packed chunks to HDF5 as they are; `after_each` is told when one is written."""
    for chunk in chunks:
        dataset.id.write_direct_chunk(chunk.origin, chunk.content)
        if after_each is not None:
            after_each(chunk)


def chunks_for(array: AnyArray, grows: bool) -> tuple[int, ...]:
    """The chunk shape of an array: rows of a curve, or pieces of about a megabyte."""
    if array.ndim == 1:
        large = array.nbytes > 16 * SMALL_BYTES
        length = layout.IMPORTED_CURVE_CHUNK if large else layout.CURVE_CHUNK
        return (length if grows else min(length, len(array)),)
    chunks = list(array.shape)
    for axis in range(len(chunks)):
        while chunks[axis] > 1 and int(np.prod(chunks)) * array.dtype.itemsize > CHUNK_BYTES:
            chunks[axis] = -(-chunks[axis] // 2)
    return tuple(chunks)
