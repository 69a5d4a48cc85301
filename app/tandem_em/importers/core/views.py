"""Lazy views of an array source: axes in another order, flattened, flipped, converted. Nothing is read before it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.numeric import AnyArray, Index
from tandem_em.model.arrays import ArrayBase, ArraySource, Part, full_index


class View(ArrayBase):
    """Base of all views: keeps the source and closes it."""

    def __init__(self, source: ArraySource, shape: Sequence[int], dtype: DTypeLike | None = None) -> None:
        super().__init__(tuple(shape), dtype if dtype is not None else source.dtype)
        self.source = source

    @property
    def is_packed(self) -> bool:
        """As the source: what it has to unpack, the view has too."""
        return self.source.is_packed

    def close(self) -> None:
        """Close the source."""
        self.source.close()


class Reordered(View):
    """The axes of a source in another order; axes of size one may be put in (order -1)."""

    def __init__(self, source: ArraySource, order: Sequence[int]) -> None:
        super().__init__(source, [1 if axis < 0 else source.shape[axis] for axis in order])
        self.order = tuple(order)

    def read(self, index: Index) -> AnyArray:
        """The part of the source, its axes turned on the way."""
        parts = full_index(index, self.shape)
        inner: list[Part] = [slice(None)] * len(self.source.shape)
        for part, axis in zip(parts, self.order, strict=True):
            if axis >= 0:
                inner[axis] = part
        # trailing full slices are left out so that the source sees a whole frame as one run
        while len(inner) > 1 and inner[-1] == slice(None):
            inner.pop()
        piece = self.source.read(tuple(inner))
        left = [axis for axis in range(len(self.source.shape)) if not self._is_int(inner, axis)]
        wanted = [
            axis
            for part, axis in zip(parts, self.order, strict=True)
            if axis >= 0 and not isinstance(part, int)
        ]
        piece = piece.transpose([left.index(axis) for axis in wanted])
        new: list[Any] = []
        for part, axis in zip(parts, self.order, strict=True):
            if axis >= 0:
                new += [] if isinstance(part, int) else [slice(None)]
            elif isinstance(part, slice):
                new.append(None)
        piece = piece[tuple(new)] if new else piece
        for position, (part, axis) in enumerate(
            [(p, a) for p, a in zip(parts, self.order, strict=True) if not isinstance(p, int)]
        ):
            if axis < 0 and isinstance(part, slice) and len(range(1)[part]) == 0:
                piece = np.take(piece, [], axis=position)
        return np.asarray(piece)

    @staticmethod
    def _is_int(inner: list[Part], axis: int) -> bool:
        return axis < len(inner) and isinstance(inner[axis], int)


class Flattened(View):
    """The first `count` axes of a source run one after the other as one axis."""

    def __init__(self, source: ArraySource, count: int) -> None:
        self.lead = source.shape[:count]
        super().__init__(source, (int(np.prod(self.lead, dtype=np.int64)), *source.shape[count:]))

    def read(self, index: Index) -> AnyArray:
        """Entries of the long axis, one read of the source for each."""
        first, *rest = full_index(index, self.shape)
        if isinstance(first, int):
            return self._one(first, rest)
        numbers = range(self.shape[0])[first]
        if not numbers:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        return np.stack([self._one(number, rest) for number in numbers])

    def _one(self, number: int, rest: list[Part]) -> AnyArray:
        place = [int(each) for each in np.unravel_index(number, self.lead)]
        inner: list[Part] = [*place, *rest]
        while len(inner) > len(place) and inner[-1] == slice(None):
            inner.pop()
        return self.source.read(tuple(inner))


class Flipped(View):
    """A source with one axis running backwards (a descending energy axis made ascending)."""

    def __init__(self, source: ArraySource, axis: int) -> None:
        super().__init__(source, source.shape)
        self.axis = axis % len(source.shape)

    def read(self, index: Index) -> AnyArray:
        """The part read forwards and then turned."""
        parts = list(full_index(index, self.shape))
        size, part = self.shape[self.axis], parts[self.axis]
        if isinstance(part, int):
            parts[self.axis] = size - 1 - part
            return self.source.read(tuple(parts))
        numbers = range(size)[part]
        # a whole axis (the usual case) is turned without picking entries one by one
        if len(numbers) == size and part.step in (None, 1):
            axis = sum(1 for each in parts[: self.axis] if not isinstance(each, int))
            while len(parts) > 1 and parts[-1] == slice(None):
                parts.pop()
            return np.flip(self.source.read(tuple(parts)), axis)
        low, high = (min(numbers), max(numbers) + 1) if numbers else (0, 0)
        parts[self.axis] = slice(size - high, size - low)
        piece = self.source.read(tuple(parts))
        axis = sum(1 for each in parts[: self.axis] if not isinstance(each, int))
        return np.take(np.flip(piece, axis), [number - low for number in numbers], axis=axis)


class Converted(View):
    """A source whose numbers are changed one by one on the way: complex to modulus, bool to bytes, colour records to grey."""

    def __init__(
        self, source: ArraySource, convert: Callable[[AnyArray], AnyArray], dtype: DTypeLike
    ) -> None:
        super().__init__(source, source.shape, dtype)
        self.convert = convert

    def read(self, index: Index) -> AnyArray:
        """The part of the source, converted."""
        return self.convert(self.source.read(index))


class GreyChannels(View):
    """A source whose last axis is colour (RGB, RGBA), seen as grey."""

    def __init__(self, source: ArraySource) -> None:
        super().__init__(source, source.shape[:-1], source.dtype)

    def read(self, index: Index) -> AnyArray:
        """The part in grey: all its channels are read."""
        return grey(self.source.read((*full_index(index, self.shape), slice(None))))


def grey(colours: AnyArray) -> AnyArray:
    """Luminance of (…, channels) numbers, in their own type. Images that were grey come back exactly as they were."""
    if colours.shape[-1] < 3:
        return np.array(colours[..., 0])
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.array(red)
    out = np.empty(red.shape, colours.dtype)
    # in strips: the sum in floats of a large picture would take eight times its memory
    for start in range(0, len(red) if red.ndim else 1, 256):
        strip = slice(start, start + 256) if red.ndim else ()
        mixed = (
            red[strip] * np.float32(0.299)
            + green[strip] * np.float32(0.587)
            + blue[strip] * np.float32(0.114)
        )
        out[strip] = np.rint(mixed) if colours.dtype.kind in "ui" else mixed
    return out


def grey_record(colours: AnyArray) -> AnyArray:
    """Grey of structured pixels with fields R, G, B."""
    return grey(np.stack([colours[name] for name in "RGB"], axis=-1))


def modulus(values: AnyArray) -> AnyArray:
    """Amounts of complex numbers."""
    return np.asarray(np.abs(values))


def plain(source: ArraySource) -> tuple[ArraySource, str]:
    """The source in plain real numbers, and a sentence when that lost something."""
    dtype = source.dtype
    if dtype.kind == "c":
        # as precise as the numbers were
        real = np.float32 if dtype.itemsize == 8 else np.float64
        return Converted(source, modulus, real), "The data are complex numbers: their modulus is shown."
    if dtype.kind == "b":
        return Converted(source, lambda values: values.astype(np.uint8), np.uint8), ""
    if dtype == np.float16:
        return Converted(source, lambda values: values.astype(np.float32), np.float32), ""
    if dtype.names and {"R", "G", "B"} <= set(dtype.names):
        return Converted(source, grey_record, dtype["R"]), "The pixels are coloured: they are shown in grey."
    return source, ""


class Unflattened(View):
    """The first axis of a source folded into several (spectra one after the other folded into a map)."""

    def __init__(self, source: ArraySource, lead: tuple[int, ...]) -> None:
        super().__init__(source, (*lead, *source.shape[1:]))
        self.lead = lead

    def read(self, index: Index) -> AnyArray:
        """The part of the map; neighbouring entries come in one read."""
        parts = full_index(index, self.shape)
        outer, rest = parts[: len(self.lead)], parts[len(self.lead) :]
        numbers = np.arange(int(np.prod(self.lead, dtype=np.int64))).reshape(self.lead)[outer]
        if numbers.ndim == 0:
            return self.source.read((int(numbers), *rest))
        flat = numbers.ravel()
        # a run of neighbours is read in one go
        run = len(flat) > 0 and int(flat[-1] - flat[0]) == len(flat) - 1 and bool(np.all(np.diff(flat) == 1))
        if run:
            piece = self.source.read((slice(int(flat[0]), int(flat[-1]) + 1), *rest))
        elif len(flat):
            piece = np.stack([self.source.read((int(number), *rest)) for number in flat])
        else:
            piece = self.source.read((slice(0, 0), *rest))
        return np.asarray(piece.reshape(*numbers.shape, *piece.shape[1:]))
