"""Exact extremes of any stretch of a long curve, from the extremes of its blocks. Numpy only; numba when it is warm.

A column of the screen shows the smallest and the largest sample that falls into it. Whole blocks are looked up, the
ragged ends of a range are read from the samples themselves, so every column equals brute force and no spike is lost.
"""

from __future__ import annotations

import threading
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk import compiled
from tandem_em.model.arrays import GrowingArray
from tandem_widgets.parts.lanes.blocks import BLOCK

SMALL = 100_000
"""Fewer samples than this are looked at one by one: no levels are needed."""
AT_ONCE = 50_000_000
"""So many samples can be gone through while somebody waits for a picture: some ten milliseconds, once numba is warm."""
# So many samples between two looks at progress and cancel.
CHUNK = 1 << 22

Extremes = tuple[NDArray[np.float64], NDArray[np.float64]]
_kernels: ModuleType | None = None
# several jobs may want the kernels at the same time
_warming = threading.Lock()


def warm() -> None:
    """Load and compile the kernels. Takes half a second: call it in a job. Until then numpy does the work."""
    global _kernels
    with _warming:
        if _kernels is not None:
            return
        from tandem_widgets.parts.lanes import levels_kernels as kernels

        compiled.ahead("levels", [kernels._blocks, kernels._ranges])
        # every type that `_numbers` lets through, so that nothing is compiled while painting
        for dtype in (np.float64, np.float32):
            levels = Levels(np.zeros(2 * BLOCK + 3, dtype))
            levels.grow(levels.values, kernels)
            levels.extremes(np.array([0, BLOCK + 5, 2 * BLOCK + 1]), kernels)
        _kernels = kernels


def forget_kernels() -> None:
    """Back to numpy (tests compare both ways)."""
    global _kernels
    _kernels = None


def at_once(values: NDArray[Any]) -> Levels | None:
    """The levels of an array here and now; None when that would take too long and a job has to do it."""
    if len(values) > SMALL and (_kernels is None or len(values) > AT_ONCE):
        return None
    levels = Levels(values)
    levels.grow(values)
    return levels


class Levels:
    """The extremes of every block of 128 samples of one growing array."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = _numbers(values)
        self._low, self._high = (GrowingArray(dtype=self.values.dtype) for _ in range(2))

    @property
    def covered(self) -> int:
        """How many samples the whole blocks reach."""
        return len(self._low) * BLOCK

    def grow(self, values: NDArray[Any], kernels: ModuleType | None = None) -> None:
        """Take a longer view of the same array. Costs what was added, whatever is already there."""
        self.values = _numbers(values)
        kernels = kernels or _kernels
        done, whole = len(self._low), len(self.values) // BLOCK
        if whole <= done:
            return
        new = self.values[done * BLOCK : whole * BLOCK]
        low, high = self._low.room(whole - done), self._high.room(whole - done)
        if kernels is None:
            np.fmin.reduce(new.reshape(-1, BLOCK), axis=1, out=low)
            np.fmax.reduce(new.reshape(-1, BLOCK), axis=1, out=high)
        else:
            kernels.block_extremes(new, low, high)  # one thread reads as fast as memory gives
        self._high.publish(whole - done)
        self._low.publish(whole - done)  # its length says how many blocks there are

    def building(self) -> Job[Levels]:
        """Build what is missing, in pieces, off the GUI thread."""
        warm()
        total = len(self.values)
        # kept: `grow` puts the piece it is given in its place
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
        low, high = kernels.range_extremes(self.values, self._low.view, self._high.view, bounds)
        return np.asarray(low, np.float64), np.asarray(high, np.float64)

    def overall(self) -> tuple[float, float]:
        """Smallest and largest of everything; NaN when there is nothing."""
        low, high = self.extremes(np.array([0, len(self.values)]))
        return float(low[0]), float(high[0])

    def _extremes_numpy(self, bounds: NDArray[np.int64]) -> Extremes:
        first, last = bounds[:-1], bounds[1:]
        # rounded up: a block counts only when all of it lies in the range
        inner = -(-first // BLOCK)
        outer = np.minimum(last // BLOCK, len(self._low))
        whole = inner < outer
        raw = (self.values, self.values)
        # a range without a whole block is ragged all through
        low, high = _ragged(raw, first, np.where(whole, inner * BLOCK, last))
        for source, start, end in (
            (raw, np.where(whole, outer * BLOCK, last), last),
            ((self._low.view, self._high.view), inner, np.where(whole, outer, inner)),
        ):
            other_low, other_high = _ragged(source, start, end)
            low, high = np.fmin(low, other_low), np.fmax(high, other_high)
        return low, high


def build(values: NDArray[Any]) -> Job[Levels]:
    """The levels of an array, as a job."""
    return (yield from Levels(values).building())


def glance(values: NDArray[Any], bounds: NDArray[Any], looks: int = 6) -> Extremes:
    """The coarse answer while the levels are being built: a few samples of each range. May miss a spike."""
    first, last = bounds[:-1, None], bounds[1:, None]
    at = first + (last - first) * np.arange(looks) // looks
    seen = np.asarray(values[np.minimum(at, len(values) - 1)], np.float64)
    # the samples that were looked at belong to the next range
    seen[(last <= first)[:, 0]] = np.nan
    return np.fmin.reduce(seen, axis=1), np.fmax.reduce(seen, axis=1)


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype in (np.float32, np.float64) else np.asarray(values, np.float64)


def _ragged(source: tuple[NDArray[Any], NDArray[Any]], first: NDArray[Any], last: NDArray[Any]) -> Extremes:
    """Extremes of many ranges of any length by one `reduceat`."""
    low, high = np.full(len(first), np.nan), np.full(len(first), np.nan)
    lengths = np.maximum(last - first, 0)
    # reduceat gives a sample for an empty range
    some = lengths > 0
    total = int(lengths.sum())
    if not total:
        return low, high
    starts = np.cumsum(lengths[some]) - lengths[some]
    index = np.arange(total) + np.repeat(first[some] - starts, lengths[some])
    low[some] = np.fmin.reduceat(source[0][index], starts)
    high[some] = np.fmax.reduceat(source[1][index], starts)
    return low, high
