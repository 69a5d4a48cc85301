"""Extremes of blocks and of ranges in one pass. Numba; imported late, in a worker (see `levels.warm`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def block_extremes(values: NDArray[Any], block: int, low: NDArray[Any], high: NDArray[Any]) -> None:
    """Smallest and largest number of each whole block of `values`; NaN where a block has none."""
    for i in range(len(low)):
        smallest, largest = np.inf, -np.inf
        for value in values[i * block : (i + 1) * block]:
            if value < smallest:
                smallest = value
            if value > largest:
                largest = value
        if smallest <= largest:
            low[i], high[i] = smallest, largest
        elif smallest == np.inf and largest == np.inf:
            low[i], high[i] = np.inf, np.inf
        else:
            low[i], high[i] = _odd(values[i * block : (i + 1) * block])


@njit(cache=True, nogil=True)
def _odd(values: NDArray[Any]) -> tuple[float, float]:
    """Blocks that hold nothing but NaN and infinities."""
    low, high = np.nan, np.nan
    for value in values:
        if value == value:
            if not low <= value:
                low = value
            if not high >= value:
                high = value
    return low, high


@njit(cache=True, nogil=True)
def _take(
    low: NDArray[Any], high: NDArray[Any], first: int, last: int, best: tuple[float, float]
) -> tuple[float, float]:
    smallest, largest = best
    for i in range(first, last):
        if low[i] < smallest:
            smallest = low[i]
        if high[i] > largest:
            largest = high[i]
    return smallest, largest


@njit(cache=True, nogil=True)
def _touch(
    values: NDArray[Any],
    low_1: NDArray[Any],
    high_1: NDArray[Any],
    fine: int,
    reach: int,
    bounds: NDArray[np.int64],
) -> float:
    """Read what lies around every bound, all at once: memory answers many questions together, but each one slowly."""
    total = 0.0
    for i in range(len(bounds)):
        block = bounds[i] // fine
        sample = block * fine
        if sample + fine <= len(values):
            for k in range(0, fine, 8):
                total += values[sample + k]
        if reach <= block < len(low_1) - reach:
            total += low_1[block] + high_1[block]
            total += (
                low_1[block - reach] + high_1[block - reach] + low_1[block + reach] + high_1[block + reach]
            )
    return total


@njit(cache=True, nogil=True)
def range_extremes(
    values: NDArray[Any],
    low_1: NDArray[Any],
    high_1: NDArray[Any],
    low_2: NDArray[Any],
    high_2: NDArray[Any],
    fine: int,
    coarse: int,
    bounds: NDArray[np.int64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    """Extremes of values[bounds[i] : bounds[i + 1]]: whole blocks from the levels, ragged ends sample by sample."""
    ratio = coarse // fine
    if len(low) == 0:
        return
    low[0] = _touch(values, low_1, high_1, fine, ratio - 1, bounds)
    for i in range(len(low)):
        first, last = bounds[i], bounds[i + 1]
        best = (np.inf, -np.inf)
        inner, outer = -(-first // fine), min(last // fine, len(low_1))
        if inner >= outer:
            best = _take(values, values, first, last, best)
        else:
            best = _take(values, values, first, inner * fine, best)
            big, large = -(-inner // ratio), min(outer // ratio, len(low_2))
            if big >= large:
                best = _take(low_1, high_1, inner, outer, best)
            else:
                best = _take(low_1, high_1, inner, big * ratio, best)
                best = _take(low_2, high_2, big, large, best)
                best = _take(low_1, high_1, large * ratio, outer, best)
            best = _take(values, values, outer * fine, last, best)
        if best[0] <= best[1]:
            low[i], high[i] = best
        else:
            low[i], high[i] = _odd(values[first:last])
