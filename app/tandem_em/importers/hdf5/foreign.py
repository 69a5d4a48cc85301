"""HDF5 files of other people: opened without plug-ins, looked through for anything that leads out of the file, read lazily."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.hdf5_types import H5Dataset, H5File
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.importers.core.errors import DamagedError
from tandem_em.importers.core.sources import FramesAt, PositionedFile, RawArray, native
from tandem_em.importers.core.views import Reordered
from tandem_em.model.arrays import ArrayBase, ArraySource

KNOWN_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 5: "nbit", 6: "scale-offset", 32000: "lzf"}
NAMED_FILTERS = {
    4: "szip",
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32015: "Zstandard",
    32026: "Blosc2",
}
# every object is opened once: more would take minutes
OBJECTS_LIMIT = 100_000
# a block is unpacked as a whole
CHUNK_LIMIT = 2 << 30
CACHE_BYTES = 64 << 20
MAGIC = b"\x89HDF\r\n\x1a\n"


def library() -> Any:
    """h5py with dynamic filter plug-ins switched off: a file cannot make us load code."""
    os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")
    import h5py

    return h5py


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, open for reading and audited."""
    h5py = library()
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise DamagedError(f"HDF5 cannot open it ({str(error).splitlines()[0][:120]})") from error
    with file:
        audit(file, path)
        yield file


def audit(file: H5File, path: Path) -> None:
    """Refuse links and data that live outside the file; every object is looked at once, whatever circles there are."""
    h5py = library()
    seen: set[int] = set()
    waiting = [file["/"]]
    count = 0
    while waiting:
        group = waiting.pop()
        for name in group:
            count += 1
            if count > OBJECTS_LIMIT:
                raise UserError(
                    f"{path.name} has more than {OBJECTS_LIMIT} objects.", "Export only what you need."
                )
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise UserError(
                    f"{path.name} contains a link out to another file ({link.filename}).",
                    "TandEM does not follow it. Save the data themselves into one file.",
                )
            if not isinstance(link, h5py.HardLink):
                continue
            entry = group[name]
            address = h5py.h5o.get_info(entry.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(entry, h5py.Group):
                waiting.append(entry)
            elif isinstance(entry, h5py.Dataset):
                _audit_dataset(entry, path)


def _audit_dataset(dataset: H5Dataset, path: Path) -> None:
    if dataset.is_virtual or dataset.external:
        raise UserError(
            f"{path.name} keeps the data of {dataset.name} in another file.",
            "TandEM does not follow it. Save the data themselves into one file.",
        )


def source_of(path: Path, dataset: H5Dataset, frame_axis: int = 0) -> ArraySource:
    """A lazy source over a dataset: straight from the file where its bytes are plain, through HDF5 otherwise.

    `frame_axis` is the axis along which single frames will be asked for."""
    if dataset.dtype.hasobject or library().check_string_dtype(dataset.dtype) is not None:
        raise UserError(
            f"{path.name} contains Python objects or text in {dataset.name}; these are not opened, for safety.",
            "Save the data again as an ordinary numeric array.",
        )
    _check_filters(path, dataset)
    if dataset.dtype.kind in "iufc" and dataset.size:
        direct = _direct(path, dataset, frame_axis)
        if direct is not None:
            return direct
    return Hdf5Array(path, dataset.name, dataset.shape, dataset.dtype)


def _check_filters(path: Path, dataset: H5Dataset) -> None:
    plist = dataset.id.get_create_plist()
    for number in range(plist.get_nfilters()):
        code = plist.get_filter(number)[0]
        if code not in KNOWN_FILTERS:
            name = NAMED_FILTERS.get(code, f"number {code}")
            raise UserError(
                f"{path.name} is compressed with the HDF5 filter {name}, which is not built in.",
                "Save it again uncompressed or with gzip, for instance with HyperSpy or h5repack.",
            )
    if dataset.chunks and int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize > CHUNK_LIMIT:
        raise DamagedError(f"{dataset.name} has blocks of more than 2 GiB")
    # a small file may claim gigantic images: gzip reaches about 1000 to 1
    frame = int(np.prod(dataset.shape[-2:], dtype=object)) * dataset.dtype.itemsize
    if frame > (64 << 20) + 10_000 * dataset.id.get_storage_size():
        raise DamagedError(f"{dataset.name} claims images of {frame >> 20} MiB that are not in the file")


def _direct(path: Path, dataset: H5Dataset, frame_axis: int) -> ArraySource | None:
    """The dataset as plain bytes in the file, None where it is compressed or scattered."""
    if dataset.id.get_create_plist().get_nfilters():
        return None
    size = path.stat().st_size
    offset = dataset.id.get_offset()
    if dataset.chunks is None:
        fits = offset is not None and offset + dataset.id.get_storage_size() <= size
        return RawArray(path, offset, dataset.shape, dataset.dtype) if fits else None
    shape = dataset.shape
    frame = tuple(n for axis, n in enumerate(shape) if axis != frame_axis)
    # only chunks of exactly one frame can be read as frames
    if dataset.chunks != tuple(1 if axis == frame_axis else n for axis, n in enumerate(shape)):
        return None
    offsets = np.zeros(shape[frame_axis], np.int64)

    def take(chunk: Any) -> None:
        offsets[chunk.chunk_offset[frame_axis]] = chunk.byte_offset

    dataset.id.chunk_iter(take)
    if np.any(offsets <= 0) or int(offsets.max()) + int(np.prod(frame)) * dataset.dtype.itemsize > size:
        return None
    frames: ArraySource = FramesAt([PositionedFile(path)], offsets, frame, dataset.dtype)
    if frame_axis:
        order = list(range(1, len(shape)))
        order.insert(frame_axis, 0)
        return Reordered(frames, order)
    return frames


class Hdf5Array(ArrayBase):
    """A dataset read through HDF5; the file is opened at the first read and kept open."""

    def __init__(self, path: Path, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        super().__init__(shape, native(np.dtype(dtype)))
        self.path, self.name = path, name
        self._file: Any = None
        self._lock = threading.Lock()

    def read(self, index: Index) -> AnyArray:
        """The part through HDF5, one reader at a time."""
        # nobody may close the file while another thread reads
        with self._lock:
            try:
                if self._file is None:
                    # the default cache of 1 MiB would unpack a block again for each of its frames
                    self._file = library().File(self.path, "r", locking=False, rdcc_nbytes=CACHE_BYTES)
                piece = self._file[self.name][index]
            except (OSError, KeyError, RuntimeError) as error:
                raise UserError(
                    f"{self.path.name} can no longer be read at this place ({str(error)[:120]}).",
                    "It may be damaged or its drive may be gone.",
                ) from error
        return np.asarray(piece, dtype=self.dtype)

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
