"""Where big numbers come from: arrays in memory, in files, or still growing, behind one small face."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from mmap import mmap
from types import EllipsisType
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.numeric import AnyArray, Index
from tandem_em.model.disk_arrays import let_go, make_room

# values a new array has room for
LEAST = 1024
PIECE = 1 << 15
"""So many numbers at least are moved with one append while a longer storage is prepared."""
LET_GO = 1 << 16
"""After so many numbers were written the memory of a storage on disk is given back."""
Part = int | slice


class ArraySource(Protocol):
    """Read-only array of any size, to be asked from any thread. Kinds inherit what they share from `ArrayBase`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes; axis 0 is that of the frames, samples or rows."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values as they are stored: nothing is scaled."""

    @property
    def ready(self) -> int:
        """How many entries of axis 0 can be read at once: fewer than there are while a recording waits for the disk."""
        ...

    @property
    def is_growing(self) -> bool:
        """Whether more entries of axis 0 may still come."""
        ...

    @property
    def is_packed(self) -> bool:
        """Whether its frames lie packed in a session file: each is unpacked when it is read."""
        ...

    def read(self, index: Index) -> AnyArray:
        """Take a numpy basic index: an int, a slice or a tuple of them. The array that comes is the reader's own, or a
        view nobody writes to."""
        ...

    def __len__(self) -> int: ...
    def __getitem__(self, index: Index) -> AnyArray:
        """Any basic index of numpy, with negative numbers and an ellipsis."""
        ...

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """All that is ready, read into memory."""
        ...

    def close(self) -> None:
        """Let go of open files; reading again may open them anew."""


class ArrayBase:
    """What all kinds of `ArraySource` share: numpy's way of asking, and the answers of an array that stands still."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._shape = tuple(int(size) for size in shape)
        self._dtype = np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values that `read` gives."""
        return self._dtype

    @property
    def ready(self) -> int:
        """How many entries of axis 0 can be read at once."""
        return self.shape[0] if self.shape else 1

    @property
    def is_growing(self) -> bool:
        """No more entries come."""
        return False

    @property
    def is_packed(self) -> bool:
        """Reading costs no unpacking."""
        return False

    def read(self, index: Index) -> AnyArray:
        """The values at a basic index of numpy; each kind says how."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single number has no length")
        return self.shape[0]

    def __getitem__(self, index: Index) -> AnyArray:
        """Any basic index of numpy; trailing full slices are left out, so that a whole frame is seen as one run."""
        parts = full_index(index, self.shape)
        while len(parts) > 1 and parts[-1] == slice(None):
            parts = parts[:-1]
        return self.read(parts[0] if len(parts) == 1 else parts)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """All that is ready, read into memory: numpy functions take any source."""
        if copy is False:
            raise ValueError("An array source is read into memory: that is always a copy.")
        values = self.read(slice(0, self.ready) if self.shape else ())
        return np.array(values, dtype) if copy else np.asarray(values, dtype)


def full_index(index: Index, shape: tuple[int, ...]) -> tuple[Part, ...]:
    """A basic index written out: one int (not negative) or slice per axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    where = next((at for at, part in enumerate(parts) if part is Ellipsis), None)
    if where is not None:
        parts[where : where + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    parts += [slice(None)] * (len(shape) - len(parts))
    if len(parts) > len(shape):
        raise IndexError(f"{len(parts)} indices for {len(shape)} axes")
    # slices stay as they are (the reader cuts them); only ints are checked and made positive here
    out: list[Part] = []
    for part, size in zip(parts, shape, strict=True):
        if isinstance(part, slice):
            out.append(part)
        elif isinstance(part, EllipsisType):
            raise IndexError("an index can have only one ellipsis")
        else:
            number = operator.index(part)
            if not -size <= number < size:
                raise IndexError(f"index {number} of an axis with {size} entries")
            out.append(number % size)
    return tuple(out)


class MemoryArray(ArrayBase):
    """An ArraySource over an ordinary numpy array."""

    def __init__(self, array: AnyArray) -> None:
        super().__init__(array.shape, array.dtype)
        self.array = array

    def read(self, index: Index) -> AnyArray:
        """A view of the array, without a copy."""
        return np.asarray(self.array[index])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        """The array itself where numpy asks for no copy."""
        if copy is False and dtype is not None and np.dtype(dtype) != self.dtype:
            raise ValueError("Numbers of another type are always a copy.")
        return np.array(self.array, dtype) if copy else np.asarray(self.array, dtype)


class FrameByFrame(ArrayBase):
    """An array that can only give whole frames, one at a time: a kind says how `one` is read."""

    def __init__(self, count: int, frame_shape: Sequence[int], dtype: Any) -> None:
        super().__init__((count, *frame_shape), dtype)

    def one(self, number: int) -> AnyArray:
        """Frame `number`, from 0 to one less than there are."""
        raise NotImplementedError

    def read(self, index: Index) -> AnyArray:
        """Frames first, the rest of the index inside them."""
        parts = index if isinstance(index, tuple) else (index,)
        first, rest = (parts[0], tuple(parts[1:])) if parts else (slice(None), ())
        count = self.shape[0]
        if isinstance(first, (int, np.integer)):
            if not -count <= first < count:
                raise IndexError(f"frame {first} of {count}")
            frame = self.one(int(first) % count)
            return frame[rest] if rest else frame
        if not isinstance(first, slice):
            raise IndexError("frames are picked by number or by slice")
        numbers = range(count)[first]
        if not numbers:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        pieces = [self.one(number)[rest] if rest else self.one(number) for number in numbers]
        return np.stack(pieces)


class HeldArray(ArrayBase):
    """What there is now of an array that goes on growing."""

    def __init__(self, source: ArraySource) -> None:
        super().__init__(source.shape, source.dtype)
        self._source = source

    @property
    def ready(self) -> int:
        """Never more than there was when it was held."""
        return min(self._source.ready, self.shape[0])

    @property
    def is_packed(self) -> bool:
        """As the array it holds."""
        return self._source.is_packed

    def read(self, index: Index) -> AnyArray:
        """Values from what was there when it was held; what has come since is out of reach."""
        first, *rest = full_index(index, self.shape)
        if isinstance(first, slice):
            start, stop, step = first.indices(self.shape[0])
            # a backward slice to the start has stop -1, which would mean "the last one" when asked again
            first = slice(start, stop if stop >= 0 else None, step)
        while rest and rest[-1] == slice(None):
            rest.pop()
        return self._source.read((first, *rest) if rest else first)


class GrowingArray(ArrayBase):
    """A one-dimensional array that is appended to for hours: doubling storage, cheap views, and no append that takes long.

    Before the storage is full the next one is made, and every append moves a piece over. A long storage lies in a
    temporary file (`disk_arrays`), so that hours of stamps take no memory. One thread appends; others may read at any
    time: the new length is told last, when the new values are there."""

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

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values published so far."""
        return (self._size,)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values; a longer storage keeps it."""
        return self._storage.dtype

    @property
    def is_growing(self) -> bool:
        """Always: nobody says when the last value has come."""
        return True

    def __len__(self) -> int:
        return self._size

    def read(self, index: Index) -> AnyArray:
        """A read-only view of what is there now."""
        return np.asarray(self.view[index])

    @property
    def view(self) -> AnyArray:
        """What is there now. Stays valid (and unchanged) while the array grows."""
        size = self._size  # first: a longer storage that comes meanwhile holds all of these too
        view = self._storage[:size]
        view.flags.writeable = False
        return view

    def still(self) -> GrowingArray:
        """The array as it is now, without a copy of its numbers; what is appended to one is not in the other."""
        view = self.view
        made = GrowingArray(view[:0], self.dtype)
        made._storage, made._size = view, len(view)
        return made

    def append(self, values: AnyArray) -> None:
        """Add values at the end: readers see all of them or none."""
        count = len(values)
        self.room(count)[:] = values
        self.publish(count)

    def room(self, count: int) -> AnyArray:
        """Place for the next values: `publish` makes them part of the array once they are written."""
        end = self._size + count
        if end > len(self._storage):
            self._move(self._size)
            self._storage, self._next, self._moved = self._next_storage(end), None, 0
            self._mapped, self._next_mapped = self._next_mapped, None
        # from three quarters on the next storage is filled bit by bit: no single append copies all
        elif 4 * end > 3 * len(self._storage):
            self._move(min(self._size, self._moved + max(PIECE, 5 * count)))
        self._touch(count)
        return self._storage[self._size : end]

    def publish(self, count: int) -> None:
        """The array is longer by what was written into its `room`."""
        self._size += count

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
