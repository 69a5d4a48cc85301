"""Putting a movie or spectrum image of any size into the file: chunk by chunk, packed in threads, linked in at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import ArraySource
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import Chunk, create_dataset, packed, write_array
from tandem_em.storage.gate import disk_space

Call = Callable[[Callable[[Any], Any]], "Future[Any]"]
"""`store.call`: runs a function of the h5py.File on the storage thread."""
BATCH_BYTES = 16 << 20
# larger slabs are read in bands: a map may be far wider than memory
READ_BYTES = 64 << 20
# the commit itself needs room; a disk filled to its end cannot even delete
KEEP_FREE = 64 << 20


def require_room(path: Path, size: int) -> None:
    """UserError before anything is written when `size` bytes more would fill the disk."""
    free = disk_space.free_bytes(path)
    if free - size < KEEP_FREE:
        raise UserError(
            f"The disk with {path.name} is full: {free / 1e6:.0f} MB are free. Nothing was stored.",
            "Free some space and try again, or save on another disk.",
        )


def stage(
    call: Call, file: Path, item_id: str, kind: str, source: ArraySource, compressed: bool, label: str
) -> Job[str]:
    """Copy a source into `/_incoming/ID` (data, checksums, sum spectrum). Returns the path of the complete group.

    Stopped half-way, nothing is left behind."""
    shape, dtype = tuple(int(n) for n in source.shape), np.dtype(source.dtype)
    chunks = _chunks_for(kind, shape, dtype, label)
    path = f"{layout.INCOMING}/{item_id}"
    is_complete = False
    call(lambda h5: _create(h5, path, shape, dtype, chunks, compressed)).result()
    try:
        total: AnyArray | None = np.zeros(shape[2]) if kind == "map" else None
        blocks = _blocks(source, shape, chunks, total)
        yield from _write_all(call, file, path, packed(blocks, chunks, compressed), shape, dtype, label)
        if total is not None:
            call(lambda h5: write_array(h5[path], "data_sum", total, signal=True)).result()
        is_complete = True
        return path
    finally:
        if not is_complete:
            with suppress(UserError, RuntimeError):  # a full disk: the next opening removes it
                call(lambda h5: discard(h5, path)).result()


def discard(h5: H5File, path: str) -> None:
    """Remove what was written below `_incoming`, and the folder once it is empty."""
    if path in h5:
        del h5[path]
    if layout.INCOMING in h5 and len(h5[layout.INCOMING]) == 0:
        del h5[layout.INCOMING]


def _chunks_for(kind: str, shape: tuple[int, ...], dtype: np.dtype[Any], label: str) -> tuple[int, ...]:
    if dtype.hasobject or dtype.kind not in "biufc" or len(shape) != 3:
        raise UserError(
            f"{label} cannot be stored: its data are {len(shape)}-dimensional {dtype}.",
            "Import it as a stack of grey images or as a spectrum image.",
        )
    if kind == "map":
        return layout.spectrum_chunks(shape, dtype.itemsize)
    return layout.frame_chunks(shape, dtype.itemsize)


def _create(
    h5: H5File,
    path: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    chunks: tuple[int, ...],
    compressed: bool,
) -> None:
    discard(h5, path)
    group = h5.require_group(path)
    maxshape: tuple[int | None, ...] = (None, *shape[1:])
    create_dataset(group, "data", shape, dtype, chunks, compressed=compressed, maxshape=maxshape)


def _blocks(
    source: ArraySource, shape: tuple[int, ...], chunks: tuple[int, ...], total: AnyArray | None
) -> Iterator[tuple[tuple[int, ...], AnyArray]]:
    """The source cut along the chunk grid, read in slabs of whole chunk rows."""
    if 0 in shape:
        return
    slab_bytes = chunks[0] * int(np.prod(shape[1:])) * np.dtype(source.dtype).itemsize
    for start in range(0, shape[0], chunks[0]):
        stop = min(start + chunks[0], shape[0])
        # rows too long for memory are read band by band
        whole = np.asarray(source.read(slice(start, stop))) if slab_bytes <= READ_BYTES else None
        for y in range(0, shape[1], chunks[1]):
            rows = slice(y, y + chunks[1])
            band = (
                whole[:, rows] if whole is not None else np.asarray(source.read((slice(start, stop), rows)))
            )
            if total is not None:
                total += band.sum(axis=(0, 1), dtype=np.float64)
            for x in range(0, shape[2], chunks[2]):
                yield (start, y, x), band[:, :, x : x + chunks[2]]


def _write_all(
    call: Call,
    file: Path,
    path: str,
    chunks: Iterator[Chunk],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    label: str,
) -> Generator[Progress, None, None]:
    """Write chunks in batches, one batch ahead of the disk; checksums at the end."""
    total, done = float(np.prod(shape)) * dtype.itemsize, 0.0
    crcs: list[int] = []
    batch: list[Chunk] = []
    pending: Future[Any] | None = None
    yield Progress(0, total, label)
    try:
        for chunk in chunks:
            batch.append(chunk)
            crcs.append(chunk.crc)
            done += chunk.plain_bytes
            if (size := sum(len(each.content) for each in batch)) >= BATCH_BYTES:
                require_room(file, size)
                # the batch before: its error has to come up before more is written
                if pending is not None:
                    pending.result()
                pending = call(_writing(path, batch))
                batch = []
            yield Progress(min(done, total), total, label)
    finally:
        chunks.close()  # type: ignore[attr-defined]
        if pending is not None:
            pending.result()
    require_room(file, sum(len(each.content) for each in batch))
    call(_writing(path, batch)).result()
    if crcs:
        call(lambda h5: _write_crcs(h5, path, np.array(crcs, np.uint32))).result()


def _write_crcs(h5: H5File, path: str, crcs: AnyArray) -> None:
    write_array(h5[path], layout.CRC, crcs, grows=True)


def _writing(path: str, batch: list[Chunk]) -> Callable[[Any], None]:
    def work(h5: H5File) -> None:
        dataset = h5[path]["data"]
        for chunk in batch:
            dataset.id.write_direct_chunk(chunk.origin, chunk.content)

    return work
