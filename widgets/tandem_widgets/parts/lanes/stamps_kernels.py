"""What can be seen of time stamps in one reading. Numba; imported late, in a worker."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 256


@njit(cache=True, nogil=True)
def look(
    x: NDArray[np.float64],
    limit_s: float,
    rule: tuple[float, float],
    blocks: tuple[int, int],
    wide: NDArray[np.bool_],
) -> tuple[int, float]:
    """How many steps of these blocks do not ascend, and how far a stamp is at most off start + number · step.

    Block i holds the stamps from 256 i on and the steps that begin at them; `wide`: the blocks with a step above the limit."""
    off = np.empty(BLOCK)
    bits = off.view(np.int64)  # the bits of what is not negative are in the order of the numbers
    falling, largest = 0, np.int64(0)
    for i in range(blocks[0], blocks[1]):
        first = i * BLOCK
        count = min(BLOCK, len(x) - 1 - first)
        stamps, following = x[first : first + count], x[first + 1 : first + count + 1]
        long_ones = 0
        for k in range(count):
            length = following[k] - stamps[k]
            # so that NaN does not ascend either
            falling += not length >= 0.0
            long_ones += length > limit_s
        begin = rule[0] + first * rule[1]
        for k in range(count):
            off[k] = abs(stamps[k] - (begin + k * rule[1]))
        for k in range(count):
            largest = max(largest, bits[k])
        wide[i] = long_ones > 0
    # back to a float by way of its bits
    bits[0] = largest
    return falling, off[0]
