"""Compiled loops of the prepared sums. Import late; see `eels_kernels` for the rules."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tandem_em.analysis.eels.kernels import FAST


@njit(cache=True, nogil=True, fastmath=FAST)
def block_sum(row):  # type: ignore[no-untyped-def]
    """Sum of a few channels."""
    value = 0.0
    for count in row:
        value += count
    return value


@njit(cache=True, nogil=True)
def block_prefix(data, block, prefix, odd):  # type: ignore[no-untyped-def]
    """Running sums at every block-th channel (blocks + 1, pixels); non-finite values count 0 and mark the pixel.

    Pixels are taken in tiles of eight so that each write fills a cache line.
    """
    pixels, channels = data.shape
    blocks = prefix.shape[0] - 1
    # eight pixels are a cache line of the result
    for begin in range(0, pixels, 8):
        end = min(begin + 8, pixels)
        for pixel in range(begin, end):
            prefix[0, pixel] = 0.0
        for b in range(blocks):
            first = b * block
            last = min(first + block, channels)
            for pixel in range(begin, end):
                value = block_sum(data[pixel, first:last])
                # NaN or infinity in the block: the pixel is marked and summed without it
                if not (-math.inf < value < math.inf):
                    odd[pixel] = True
                    value = 0.0
                    for i in range(first, last):
                        one = float(data[pixel, i])
                        if -math.inf < one < math.inf:
                            value += one
                prefix[b + 1, pixel] = prefix[b, pixel] + value


UNIT = 16
TILE = 64


@njit(cache=True, nogil=True)
def unfold(data, before, first, start, stop, base, rows):  # type: ignore[no-untyped-def]
    """Turn channels start to stop into rows of pixels, exactly as they are; `base` becomes the running sum before them.

    `before` is the running sum at channel `first` <= start. Spectra of 2^n channels all fall on the same few cache
    lines, so each is copied into a tile before the next is touched; the usual sixteen channels are a constant loop.
    """
    pixels = data.shape[0]
    tile = np.empty((UNIT, TILE), data.dtype)
    for begin in range(0, pixels, TILE):
        number = min(TILE, pixels - begin)
        for p in range(number):
            row = data[begin + p, start:stop]
            base[begin + p] = before[begin + p] + block_sum(data[begin + p, first:start])
            # a length the compiler knows is unrolled
            if stop - start == UNIT:
                for i in range(UNIT):
                    tile[i, p] = row[i]
            else:
                for i in range(stop - start):
                    tile[i, p] = row[i]
        for i in range(stop - start):
            target = rows[i, begin : begin + number]
            source = tile[i]
            for p in range(number):
                target[p] = source[p]


@njit(cache=True, nogil=True)
def add_rows(base, rows, number, out):  # type: ignore[no-untyped-def]
    """`base` plus the first rows."""
    pixels = base.shape[0]
    # in pieces that stay in the cache while all rows are added
    for begin in range(0, pixels, 1024):
        end = min(begin + 1024, pixels)
        for pixel in range(begin, end):
            out[pixel] = base[pixel]
        for k in range(number):
            row = rows[k]
            for pixel in range(begin, end):
                out[pixel] += row[pixel]
