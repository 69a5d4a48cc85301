"""Numbers at known places of a file, read frame by frame from any thread without reading the rest."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Index
from tandem_em.model import buffers
from tandem_em.model.arrays import ArrayBase, FrameByFrame


class PositionedFile:
    """A file opened at its first read; reads at given offsets do not disturb each other. Closes itself when dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number: int | None = None
        self._lock = threading.Lock()

    def _open(self) -> int:
        with self._lock:
            if self._number is None:
                try:
                    self._number = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                except OSError as error:
                    raise UserError(
                        f"{self.path.name} can no longer be read: {error.strerror}.",
                        "Reconnect the drive, or link the file at its new location.",
                    ) from error
            return self._number

    def read_into(self, offset: int, buffer: AnyArray) -> None:
        """Fill a contiguous array from this byte on. A short file or a lost drive is a UserError."""
        view = memoryview(buffer.reshape(-1).view(np.uint8).data)
        done = 0
        while done < len(view):
            try:
                count = self._read_some(offset + done, view[done:])
            except OSError as error:
                raise UserError(
                    f"{self.path.name} can no longer be read: {error.strerror}.", "Reconnect the drive."
                ) from error
            if count <= 0:
                raise UserError(
                    f"{self.path.name} ends before the end of its data.",
                    "Copy it again from the instrument.",
                )
            done += count

    def _read_some(self, offset: int, view: memoryview) -> int:
        number = self._open()
        # preadv leaves the position of the file alone: threads need no lock
        if hasattr(os, "preadv"):
            return os.preadv(number, [view], offset)
        # Windows has one position for the file: nobody may move it in between
        with self._lock:
            os.lseek(number, offset, os.SEEK_SET)
            piece = os.read(number, len(view))
        view[: len(piece)] = piece
        return len(piece)

    def size(self) -> int:
        """Size of the file now (bytes)."""
        return os.fstat(self._open()).st_size

    def close(self) -> None:
        """Close it; a later read opens it again."""
        with self._lock:
            number, self._number = self._number, None
        if number is not None:
            os.close(number)

    def __del__(self) -> None:
        self.close()


def shape_bytes(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """Bytes of an array of this shape, in Python integers that cannot overflow."""
    total = int(dtype.itemsize)
    for size in shape:
        total *= int(size)
    return total


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in the byte order of this computer."""
    return np.dtype(dtype.newbyteorder("="))


class RawArray(ArrayBase):
    """A C-ordered block of numbers in a file. Whole leading blocks (frames) are read in one go, other pieces are
    mapped: one frame costs one frame."""

    def __init__(self, path: Path, offset: int, shape: Sequence[int], dtype: DTypeLike) -> None:
        super().__init__(tuple(shape), native(np.dtype(dtype)))
        self.file = PositionedFile(path)
        self.offset = int(offset)
        self._file_dtype = np.dtype(dtype)
        self._map: np.memmap[Any, Any] | None = None
        self._lock = threading.Lock()

    def read(self, index: Index) -> AnyArray:
        """An array of the reader's own, in the byte order of this computer."""
        block = self._leading_block(index)
        if block is not None:
            start, shape = block
            out = buffers.empty(shape, self._file_dtype)
            if out.size:
                self.file.read_into(self.offset + start * self.dtype.itemsize, out)
            return out.astype(self.dtype, copy=False)
        # a copy: a mapping that outlives the drive would end the program
        return np.array(self._mapped()[index], dtype=self.dtype)

    def _leading_block(self, index: Index) -> tuple[int, tuple[int, ...]] | None:
        """(first element, shape) when the index is one run of bytes: integers, then at most one slice, then all."""
        parts = index if isinstance(index, tuple) else (index,)
        start, run, taken = 0, 1, 0
        for size in self._shape:
            run *= size
        for taken, part in enumerate(parts):
            if taken >= len(self._shape):
                return None
            size = self._shape[taken]
            run //= max(size, 1)
            if isinstance(part, (int, np.integer)):
                if not -size <= part < size:
                    raise IndexError(f"index {part} of axis {taken} with {size} entries")
                start += int(part) % size * run
                continue
            if isinstance(part, slice) and all(p == slice(None) for p in parts[taken + 1 :]):
                first, stop, step = part.indices(size)
                if step == 1:
                    return start + first * run, (max(0, stop - first), *self._shape[taken + 1 :])
            return None
        return start, self._shape[len(parts) :]

    def _mapped(self) -> np.memmap[Any, Any]:
        with self._lock:
            # a mapping past the end of a file that shrank would kill the program: look first
            if self.file.size() < self.offset + shape_bytes(self.shape, self.dtype):
                raise UserError(
                    f"{self.file.path.name} became shorter since it was opened.", "Copy it again."
                )
            if self._map is None:
                self._map = np.memmap(
                    self.file.path, self._file_dtype, mode="r", offset=self.offset, shape=self._shape
                )
            return self._map

    def close(self) -> None:
        """Close the file and let the mapping go; a later read opens both again."""
        self.file.close()
        with self._lock:
            self._map = None


class FramesAt(FrameByFrame):
    """Frames of one size at their own offsets in one or several files (headers between them are skipped)."""

    def __init__(
        self,
        files: Sequence[PositionedFile],
        offsets: NDArray[np.int64],
        frame_shape: tuple[int, ...],
        dtype: DTypeLike,
        file_of: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__(len(offsets), frame_shape, native(np.dtype(dtype)))
        self.files, self.offsets, self.file_of = files, np.asarray(offsets, np.int64), file_of
        self._file_dtype = np.dtype(dtype)

    def one(self, number: int) -> AnyArray:
        """The frame at its offset, in memory that may be used again."""
        file = self.files[0 if self.file_of is None else int(self.file_of[number])]
        out = buffers.empty(self.shape[1:], self._file_dtype)
        if out.size:
            file.read_into(int(self.offsets[number]), out)
        return out.astype(self.dtype, copy=False)

    def close(self) -> None:
        """Close all files."""
        for file in self.files:
            file.close()
