"""Where big numbers come from: arrays in memory, in files, or still growing, behind one small face."""

from __future__ import annotations

from mmap import mmap
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.numeric import AnyArray, Index
from tandem_em.model.disk_arrays import let_go, make_room

LEAST = 1024
PIECE = 1 << 15
"""So many numbers at least are moved with one append while a longer storage is prepared."""
LET_GO = 1 << 16
"""After so many numbers were written the memory of a storage on disk is given back."""


@runtime_checkable
class ArraySource(Protocol):
    """Read-only array of any size. `read` takes a numpy basic index (int, slice or a tuple of them) and may be called
    from any thread; it returns an array of its own (or a view nobody writes to)."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def read(self, index: Index) -> AnyArray: ...
    def close(self) -> None: ...


class MemoryArray:
    """An ArraySource over an ordinary numpy array."""

    def __init__(self, array: AnyArray) -> None:
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def read(self, index: Index) -> AnyArray:
        return np.asarray(self.array[index])

    def close(self) -> None:
        pass


class GrowingArray:
    """A one-dimensional array that is appended to for hours: doubling storage, cheap views, and no append that takes long.

    Before the storage is full the next one is made, and every append moves a piece over. A long storage lies in a
    temporary file (`disk_arrays`), so that hours of stamps take no memory."""

    def __init__(self, values: AnyArray | None = None, dtype: DTypeLike = np.float64) -> None:
        start = np.asarray(values if values is not None else (), dtype=dtype)
        self._storage = start.copy() if values is not None else np.empty(LEAST, dtype)
        self._mapped: mmap | None = None
        self._size = len(start)
        self._next: AnyArray | None = None
        self._next_mapped: mmap | None = None
        self._moved = 0
        """How much of the storage is in the next one already."""
        self._touched = 0

    def __len__(self) -> int:
        return self._size

    @property
    def view(self) -> AnyArray:
        """What is there now. Stays valid (and unchanged) while the array grows."""
        view = self._storage[: self._size]
        view.flags.writeable = False
        return view

    def append(self, values: AnyArray) -> None:
        self.room(len(values))[:] = values

    def room(self, count: int) -> AnyArray:
        """Make the array longer and give the new part, to be written at once."""
        end = self._size + count
        if end > len(self._storage):
            self._move(self._size)
            self._storage, self._next, self._moved = self._next_storage(end), None, 0
            self._mapped, self._next_mapped = self._next_mapped, None
        elif 4 * end > 3 * len(self._storage):
            self._move(min(self._size, self._moved + max(PIECE, 5 * count)))
        self._touch(count)
        start, self._size = self._size, end
        return self._storage[start:end]

    def _touch(self, count: int) -> None:
        self._touched += count
        if self._touched >= LET_GO:
            self._touched = 0
            let_go(self._mapped)
            let_go(self._next_mapped)

    def _next_storage(self, least: int) -> AnyArray:
        if self._next is None or len(self._next) < least:
            size = max(least, 2 * len(self._storage), LEAST)
            grown, self._next_mapped = make_room(size, self._storage.dtype)
            grown[: self._moved] = self._storage[: self._moved]
            self._next = grown
        return self._next

    def _move(self, end: int) -> None:
        """Copy into the next storage what is not there yet, up to `end`."""
        following = self._next_storage(self._size)
        following[self._moved : end] = self._storage[self._moved : end]
        self._touch(2 * (end - self._moved))
        self._moved = end
