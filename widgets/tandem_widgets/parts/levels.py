"""Exact extremes of any stretch of a long curve, from a pyramid of block extremes. Numpy only; numba when it is warm.

A column of the screen shows the smallest and the largest sample that falls into it. Whole blocks come from the levels,
the ragged ends of a range from the samples themselves, so every column equals brute force and no spike is ever lost.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.jobs import Job, Progress
from tandem_em.model.arrays import GrowingArray

FINE = 32
COARSE = 512
SMALL = 100_000
"""Fewer samples than this are looked at one by one: no levels are needed."""
CHUNK = 1 << 22

Extremes = tuple[NDArray[np.float64], NDArray[np.float64]]
_kernels: ModuleType | None = None
_warming = threading.Lock()


def warm() -> None:
    """Load and compile the kernels. Takes half a second: call it in a job. Until then numpy does the work."""
    global _kernels
    with _warming:
        if _kernels is not None:
            return
        from tandem_widgets.parts import levels_kernels as kernels

        for dtype in (np.float64, np.float32):
            levels = Levels(np.zeros(2 * COARSE + FINE + 3, dtype))
            levels.grow(levels.values, kernels)
            levels.extremes(np.array([0, COARSE + 5, 2 * COARSE + 7]), kernels)
        _kernels = kernels


def forget_kernels() -> None:
    """Back to numpy (tests compare both ways)."""
    global _kernels
    _kernels = None


class Levels:
    """The pyramid of one growing array: extremes of blocks of 32 and of 512 samples."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = _numbers(values)[:0]
        dtype = self.values.dtype
        self._fine = (GrowingArray(dtype=dtype), GrowingArray(dtype=dtype))
        self._coarse = (GrowingArray(dtype=dtype), GrowingArray(dtype=dtype))
        self.values = _numbers(values)

    @property
    def covered(self) -> int:
        """How many samples the whole blocks reach."""
        return len(self._fine[0]) * FINE

    def grow(self, values: NDArray[Any], kernels: ModuleType | None = None) -> None:
        """Take a longer view of the same array. Costs what was added, whatever is already there."""
        self.values = _numbers(values)
        kernels = kernels or _kernels
        _add_blocks((self.values, self.values), self._fine, FINE, kernels)
        _add_blocks((self._fine[0].view, self._fine[1].view), self._coarse, COARSE // FINE, kernels)

    def building(self) -> Job[Levels]:
        """Build what is missing, in pieces, off the GUI thread."""
        warm()
        total = len(self.values)
        whole = self.values
        for end in range(min(self.covered + CHUNK, total), total, CHUNK):
            self.grow(whole[:end])
            yield Progress(end, total)
        self.grow(whole)
        yield Progress(total, total)
        return self

    def extremes(self, bounds: NDArray[Any], kernels: ModuleType | None = None) -> Extremes:
        """Smallest and largest of values[bounds[i]:bounds[i+1]] for ascending bounds; NaN where there is none."""
        bounds = np.ascontiguousarray(bounds, np.int64)
        kernels = kernels or _kernels
        if kernels is None:
            return self._extremes_numpy(bounds)
        low, high = np.empty(len(bounds) - 1), np.empty(len(bounds) - 1)
        kernels.range_extremes(
            self.values, self._fine[0].view, self._fine[1].view, self._coarse[0].view, self._coarse[1].view,
            FINE, COARSE, bounds, low, high,
        )  # fmt: skip
        return low, high

    def overall(self) -> tuple[float, float]:
        """Smallest and largest of everything; NaN when there is nothing."""
        low, high = self.extremes(np.array([0, len(self.values)]))
        return float(low[0]), float(high[0])

    def _extremes_numpy(self, bounds: NDArray[np.int64]) -> Extremes:
        first, last = bounds[:-1], bounds[1:]
        inner = -(-first // FINE)
        outer = np.minimum(last // FINE, len(self._fine[0]))
        raw = (self.values, self.values)
        whole = inner < outer
        if not whole.any():
            return _ragged(raw, first, last)
        big = -(-inner // (COARSE // FINE))
        large = np.minimum(outer // (COARSE // FINE), len(self._coarse[0]))
        deep = whole & (big < large)
        ratio = COARSE // FINE
        fine, coarse = _views(self._fine), _views(self._coarse)
        parts = [
            _ragged(raw, first, np.where(whole, inner * FINE, last)),
            _ragged(raw, np.where(whole, outer * FINE, last), last),
            _ragged(fine, inner, np.where(deep, big * ratio, np.where(whole, outer, inner))),
            _ragged(fine, np.where(deep, large * ratio, outer), outer),
            _ragged(coarse, big, np.where(deep, large, big)),
        ]
        low, high = parts[0]
        for other_low, other_high in parts[1:]:
            low, high = np.fmin(low, other_low), np.fmax(high, other_high)
        return low, high


def build(values: NDArray[Any]) -> Job[Levels]:
    return (yield from Levels(values).building())


def glance(values: NDArray[Any], bounds: NDArray[Any], looks: int = 6) -> Extremes:
    """The coarse answer while the levels are being built: a few samples of each range. May miss a spike."""
    first, last = bounds[:-1, None], bounds[1:, None]
    at = first + (last - first) * np.arange(looks) // looks
    seen = np.asarray(values[np.minimum(at, len(values) - 1)], np.float64)
    seen[(last <= first)[:, 0]] = np.nan
    return np.fmin.reduce(seen, axis=1), np.fmax.reduce(seen, axis=1)


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype in (np.float32, np.float64) else np.asarray(values, np.float64)


def _views(level: tuple[GrowingArray, GrowingArray]) -> tuple[NDArray[Any], NDArray[Any]]:
    return level[0].view, level[1].view


def _add_blocks(
    source: tuple[NDArray[Any], NDArray[Any]],
    level: tuple[GrowingArray, GrowingArray],
    block: int,
    kernels: ModuleType | None,
) -> None:
    done, whole = len(level[0]), len(source[0]) // block
    if whole <= done:
        return
    if kernels is not None and source[0] is source[1]:
        low, high = np.empty(whole - done, source[0].dtype), np.empty(whole - done, source[0].dtype)
        kernels.block_extremes(source[0][done * block : whole * block], block, low, high)
    else:
        low = np.fmin.reduce(source[0][done * block : whole * block].reshape(-1, block), axis=1)
        high = np.fmax.reduce(source[1][done * block : whole * block].reshape(-1, block), axis=1)
    level[0].append(low)
    level[1].append(high)


def _ragged(source: tuple[NDArray[Any], NDArray[Any]], first: NDArray[Any], last: NDArray[Any]) -> Extremes:
    """Extremes of many ranges of any length by one `reduceat`."""
    low, high = np.full(len(first), np.nan), np.full(len(first), np.nan)
    lengths = np.maximum(last - first, 0)
    some = lengths > 0
    total = int(lengths.sum())
    if not total:
        return low, high
    starts = np.cumsum(lengths[some]) - lengths[some]
    index = np.arange(total) + np.repeat(first[some] - starts, lengths[some])
    low[some] = np.fmin.reduceat(source[0][index], starts)
    high[some] = np.fmax.reduceat(source[1][index], starts)
    return low, high
