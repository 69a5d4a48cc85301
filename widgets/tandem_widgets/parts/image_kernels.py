"""Pixels for the screen in one pass over the frame: area mean, levels, colour. Numba; imported late, in a worker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, nogil=True, parallel=True, fastmath=True)
def shrink(
    frame: NDArray[Any],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    low: float,
    scale: float,
    table: NDArray[np.uint32],
    out: NDArray[np.uint32],
    blank: np.uint32,
) -> None:
    """Area mean of whole pixels: out[j, i] is the mean of rows[j]..rows[j+1] × columns[i]..columns[i+1].

    Every pixel of the frame counts in exactly one pixel of the screen. Empty ranges are `blank`.
    """
    height, width = out.shape
    steps = len(table) - 1
    left, right = max(columns[0], 0), columns[width]
    for j in prange(height):
        top, bottom = rows[j], rows[j + 1]
        if bottom <= top:
            out[j, :] = blank
            continue
        line = np.zeros(max(right - left, 0), np.float32)
        for y in range(top, bottom):
            source = frame[y, left:right]
            for x in range(len(line)):
                line[x] += np.float32(source[x])
        for i in range(width):
            first, last = columns[i], columns[i + 1]
            if last <= first:
                out[j, i] = blank
                continue
            total = np.float32(0)
            for x in range(first - left, last - left):
                total += line[x]
            value = (total / ((last - first) * (bottom - top)) - low) * scale
            out[j, i] = table[min(max(int(value), 0), steps)] if value == value else blank


@njit(cache=True, nogil=True, parallel=True)
def magnify(
    frame: NDArray[Any],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    low: float,
    scale: float,
    table: NDArray[np.uint32],
    out: NDArray[np.uint32],
    blank: np.uint32,
) -> None:
    """Each screen pixel shows the one frame pixel under it: honest squares when zoomed in."""
    height, width = out.shape
    steps = len(table) - 1
    for j in prange(height):
        y = rows[j]
        if y < 0 or y >= frame.shape[0]:
            out[j, :] = blank
            continue
        for i in range(width):
            x = columns[i]
            if x < 0 or x >= frame.shape[1]:
                out[j, i] = blank
            else:
                value = (np.float32(frame[y, x]) - low) * scale
                out[j, i] = table[min(max(int(value), 0), steps)] if value == value else blank
