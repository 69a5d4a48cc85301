"""Extremes of blocks and of ranges in one pass. Numba; imported late, in a worker (see `levels.warm`).

As whole numbers (with the order of the negative ones turned round) the bits of floats are in the order of the floats,
and the extremes of whole numbers are found as fast as memory can be read. Keys beyond those of the infinities are no
numbers: such stretches are read once more, value by value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tandem_widgets.parts.lanes.blocks import BLOCK

Bits = NDArray[Any]
OF_32 = (np.int32, np.int32(31), np.int32(0x7FFFFFFF), np.int32(0x7F800000))
OF_64 = (np.int64, np.int64(63), np.int64(0x7FFFFFFFFFFFFFFF), np.int64(0x7FF0000000000000))
"""The whole numbers as wide as the floats, the place of their sign, all other bits, and the bits of infinity."""


def block_extremes(values: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> None:
    """Smallest and largest number of each whole block of `values`; NaN where a block has none."""
    values = _read_only(values)
    whole, *width = OF_32 if values.dtype == np.float32 else OF_64
    _blocks(values, values.view(whole), low, high, low.view(whole), high.view(whole), *width)


def range_extremes(
    values: NDArray[Any], block_low: NDArray[Any], block_high: NDArray[Any], bounds: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Extremes of values[bounds[i] : bounds[i + 1]]: whole blocks looked up, ragged ends sample by sample."""
    values, block_low, block_high = map(_read_only, (values, block_low, block_high))
    whole, *width = OF_32 if values.dtype == np.float32 else OF_64
    low, high = np.empty(len(bounds) - 1, values.dtype), np.empty(len(bounds) - 1, values.dtype)
    bits = (
        values.view(whole),
        block_low.view(whole),
        block_high.view(whole),
        low.view(whole),
        high.view(whole),
    )
    _ranges(values, *bits, bounds, low, high, *width)
    return low, high


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    """numba compiles once for arrays that may be written and once for others: here there are only others."""
    view = values.view()
    view.flags.writeable = False
    return view


@njit(cache=True, nogil=True)
def _blocks(
    values: NDArray[Any],
    bits: Bits,
    low: NDArray[Any],
    high: NDArray[Any],
    low_bits: Bits,
    high_bits: Bits,
    sign: Any,
    others: Any,
    infinite: Any,
) -> None:
    for i in range(len(low)):
        block = bits[i * BLOCK : (i + 1) * BLOCK]
        smallest, largest = others, -others - 1
        for k in range(BLOCK):
            key = block[k] ^ ((block[k] >> sign) & others)
            smallest, largest = min(smallest, key), max(largest, key)
        if largest <= infinite and smallest >= -infinite - 1:
            low_bits[i] = smallest ^ ((smallest >> sign) & others)
            high_bits[i] = largest ^ ((largest >> sign) & others)
        else:
            low[i], high[i] = _odd(values[i * BLOCK : (i + 1) * BLOCK])


@njit(cache=True, nogil=True)
def _ranges(
    values: NDArray[Any],
    bits: Bits,
    block_low: Bits,
    block_high: Bits,
    low_bits: Bits,
    high_bits: Bits,
    bounds: NDArray[np.int64],
    low: NDArray[Any],
    high: NDArray[Any],
    sign: Any,
    others: Any,
    infinite: Any,
) -> None:
    if len(low):
        # written over below; without a use the compiler would leave the reading out
        low_bits[0] = _touched(bits, bounds)
    for i in range(len(low)):
        first, last = bounds[i], bounds[i + 1]
        inner, outer = -(-first // BLOCK), min(last // BLOCK, len(block_low))
        if inner < outer:
            one, two = (
                _keys(bits[first : inner * BLOCK], sign, others),
                _keys(bits[outer * BLOCK : last], sign, others),
            )
            smallest = min(one[0], two[0], _keys(block_low[inner:outer], sign, others)[0])
            largest = max(one[1], two[1], _keys(block_high[inner:outer], sign, others)[1])
        else:
            smallest, largest = _keys(bits[first:last], sign, others)
        # an empty range has no number at all: `_odd` answers NaN
        if first < last and largest <= infinite and smallest >= -infinite - 1:
            low_bits[i] = smallest ^ ((smallest >> sign) & others)
            high_bits[i] = largest ^ ((largest >> sign) & others)
        else:
            low[i], high[i] = _odd(values[first:last])


@njit(cache=True, nogil=True)
def _touched(bits: Bits, bounds: NDArray[np.int64]) -> int:
    """Read what lies around every bound, all at once: memory answers many questions together, but each one slowly."""
    total = 0
    for i in range(len(bounds)):
        first = bounds[i] // BLOCK * BLOCK
        # memory comes in lines of 64 bytes: one sample of each will do
        for k in range(first, min(first + BLOCK, len(bits)), 16):
            total ^= bits[k]
    return total


@njit(cache=True, nogil=True)
def _keys(bits: Bits, sign: Any, others: Any) -> tuple[Any, Any]:
    """Smallest and largest key of a stretch of bits."""
    smallest, largest = others, -others - 1
    for k in range(len(bits)):
        key = bits[k] ^ ((bits[k] >> sign) & others)
        smallest, largest = min(smallest, key), max(largest, key)
    return smallest, largest


@njit(cache=True, nogil=True)
def _odd(values: NDArray[Any]) -> tuple[float, float]:
    """Extremes among values that may be NaN; NaN when all are."""
    low, high = np.nan, np.nan
    for value in values:
        if value == value:
            # also true while `low` is NaN
            if not low <= value:
                low = value
            if not high >= value:
                high = value
    return low, high
