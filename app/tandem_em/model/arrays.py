"""Where big numbers come from: arrays in memory, in files, or still growing, behind one small face."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]


@runtime_checkable
class ArraySource(Protocol):
    """Read-only array of any size. `read` takes a numpy basic index (int, slice or a tuple of them) and may be called
    from any thread; it returns an array of its own (or a view nobody writes to)."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def read(self, index: Any) -> AnyArray: ...
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

    def read(self, index: Any) -> AnyArray:
        return np.asarray(self.array[index])

    def close(self) -> None:
        pass


class GrowingArray:
    """A one-dimensional array that is appended to for hours: doubling storage, cheap views."""

    def __init__(self, values: AnyArray | None = None, dtype: Any = np.float64) -> None:
        start = np.asarray(values if values is not None else (), dtype=dtype)
        self._storage = start.copy() if values is not None else np.empty(1024, dtype)
        self._size = len(start)

    def __len__(self) -> int:
        return self._size

    @property
    def view(self) -> AnyArray:
        """What is there now. Stays valid (and unchanged) while the array grows."""
        view = self._storage[: self._size]
        view.flags.writeable = False
        return view

    def append(self, values: AnyArray) -> None:
        end = self._size + len(values)
        if end > len(self._storage):
            grown = np.empty(max(end, 2 * len(self._storage), 1024), self._storage.dtype)
            grown[: self._size] = self._storage[: self._size]
            self._storage = grown
        self._storage[self._size : end] = values
        self._size = end
