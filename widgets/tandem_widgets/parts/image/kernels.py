"""Pixels for the screen in one pass over the frame: area mean, levels, colour. Numba; imported late, in a worker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

LOOSE = {"reassoc", "contract", "arcp", "nsz"}
"""Sums may be reordered (that is what vectorises them), but NaN stays NaN."""


@njit(cache=True, nogil=True, fastmath=LOOSE)
def _sum_rows(
    frame: NDArray[Any], top: int, bottom: int, left: int, right: int, zero: Any, line: NDArray[Any]
) -> None:
    """line = the sum of some rows (at least one) of the columns left .. right, up to four rows in one pass."""
    # the first one to four rows here, so that what is left is a multiple of four
    y = top + (bottom - top - 1) % 4 + 1
    one = frame[top, left:right]
    if y == top + 1:
        for x in range(len(line)):
            line[x] = zero + one[x]
    elif y == top + 2:
        two = frame[top + 1, left:right]
        for x in range(len(line)):
            line[x] = zero + one[x] + two[x]
    elif y == top + 3:
        two, three = frame[top + 1, left:right], frame[top + 2, left:right]
        for x in range(len(line)):
            line[x] = zero + one[x] + two[x] + three[x]
    else:
        two = frame[top + 1, left:right]
        three, four = frame[top + 2, left:right], frame[top + 3, left:right]
        for x in range(len(line)):
            # `zero` carries the type of the sum: pixels of 8 or 16 bits would overflow
            line[x] = zero + one[x] + two[x] + three[x] + four[x]
    while y < bottom:
        one, two = frame[y, left:right], frame[y + 1, left:right]
        three, four = frame[y + 2, left:right], frame[y + 3, left:right]
        for x in range(len(line)):
            line[x] += one[x] + two[x] + three[x] + four[x]
        y += 4


@njit(cache=True, nogil=True, fastmath=LOOSE)
def _add_neighbours(line: NDArray[Any], group: int, small: NDArray[np.float32]) -> None:
    """small[i] = the sum of `group` (1, 2 or 4) neighbours of the line; the last may be fewer."""
    whole = len(line) // group
    if group == 4:
        for x in range(whole):
            small[x] = (line[4 * x] + line[4 * x + 1]) + (line[4 * x + 2] + line[4 * x + 3])
    elif group == 2:
        for x in range(whole):
            small[x] = line[2 * x] + line[2 * x + 1]
    else:
        for x in range(whole):
            small[x] = line[x]
    for x in range(whole * group, len(line)):
        small[whole] = (small[whole] if x > whole * group else np.float32(0)) + line[x]


@njit(cache=True, nogil=True, fastmath=LOOSE)
def _add_wide_boxes(
    small: NDArray[np.float32], edges: NDArray[np.uint32], boxes: NDArray[np.float32]
) -> None:
    """boxes[i] = the sum of small[edges[i]] .. small[edges[i + 1]], whatever their widths."""
    for i in range(len(boxes)):
        total = np.float32(0)
        for x in range(edges[i], edges[i + 1]):
            total += small[x]
        boxes[i] = total


@njit(cache=True, nogil=True, fastmath=LOOSE)
def _add_boxes(
    small: NDArray[np.float32],
    edges: NDArray[np.uint32],
    least: int,
    extra: NDArray[np.uint32],
    boxes: NDArray[np.float32],
) -> None:
    """boxes[i] = the sum of small[edges[i]] .. small[edges[i + 1]].

    Boxes are `least` or `least` + 1 wide; extra[i] is where the one more lies, or the zero at the end of `small`.
    A loop whose length changes from box to box would take three times as long. `least` 0: any widths.
    """
    count = len(boxes)
    second, third = small[1:], small[2:]
    if count == len(small) - 1:
        for i in range(count):  # not `boxes[:] = …`: its words for unequal lengths take seconds to compile
            boxes[i] = small[i]
    elif least == 1:
        for i in range(count):
            boxes[i] = small[edges[i]] + small[extra[i]]
    elif least == 2:
        for i in range(count):
            boxes[i] = small[edges[i]] + second[edges[i]] + small[extra[i]]
    elif least == 3:
        for i in range(count):
            boxes[i] = small[edges[i]] + second[edges[i]] + third[edges[i]] + small[extra[i]]
    else:
        _add_wide_boxes(small, edges, boxes)


@njit(cache=True, nogil=True, fastmath=LOOSE)
def _colour(
    boxes: NDArray[np.float32],
    weights: NDArray[np.float32],
    factor: np.float32,
    offset: np.float32,
    table: NDArray[np.uint32],
    out: NDArray[np.uint32],
) -> None:
    steps = np.float32(len(table) - 1)
    for i in range(len(boxes)):
        value = boxes[i] * weights[i] * factor - offset
        value = value if value > 0 else np.float32(0)  # NaN too: `_stripe` blanks it
        out[i] = table[np.uint32(value if value < steps else steps)]


@njit(cache=True, nogil=True)
def _stripe(
    frame: NDArray[Any],
    rows: NDArray[np.int64],
    left: int,
    right: int,
    edges: NDArray[np.uint32],
    least: int,
    extra: NDArray[np.uint32],
    weights: NDArray[np.float32],
    group: int,
    zero: Any,
    low: np.float32,
    scale: np.float32,
    table: NDArray[np.uint32],
    out: NDArray[np.uint32],
    first: int,
    blank: np.uint32,
) -> None:
    line = np.full(right - left, zero)  # of the type of the sums
    # one more than groups: the zero that boxes without an extra column point at
    small = np.zeros((right - left + group - 1) // group + 1, np.float32)
    boxes = np.empty(len(weights), np.float32)
    for j in range(out.shape[0]):
        seen = out[j, first : first + len(boxes)]
        # outside the frame
        if rows[j + 1] <= rows[j]:
            for i in range(len(seen)):
                seen[i] = blank
            continue
        _sum_rows(frame, rows[j], rows[j + 1], left, right, zero, line)
        _add_neighbours(line, group, small)
        _add_boxes(small, edges, least, extra, boxes)
        _colour(boxes, weights, scale / np.float32(rows[j + 1] - rows[j]), low * scale, table, seen)
        for i in range(len(boxes)):
            # NaN
            if boxes[i] != boxes[i]:
                seen[i] = blank


@njit(cache=True, nogil=True, parallel=True)
def shrink(
    frame: NDArray[Any],
    rows: NDArray[np.int64],
    left: int,
    right: int,
    edges: NDArray[np.uint32],
    least: int,
    extra: NDArray[np.uint32],
    weights: NDArray[np.float32],
    group: int,
    zero: Any,
    low: np.float32,
    scale: np.float32,
    table: NDArray[np.uint32],
    out: NDArray[np.uint32],
    first: int,
    blank: np.uint32,
    stripes: int,
) -> None:
    """Area mean of whole pixels: out[j, first + i] is the mean of frame[rows[j]:rows[j + 1], columns i].

    The columns lie between `left` and `right`. Whole arrays are handed in, never parts of them: a part is another
    type to numba, and that would be compiled while somebody zooms.

    Every pixel counts in exactly one pixel of the screen; rows without pixels are `blank`. Neighbouring columns are
    first added in groups (1, 2 or 4), `edges` count groups (`least` and `extra`: see `_add_boxes`) and `weights` are one
    over the columns of each box. `zero`
    carries the type of the sums (uint32 for small integers, float32 otherwise). Work is cut into `stripes`: a plain
    loop inside a stripe is vectorised, a parallel one is not.
    """
    height = out.shape[0]
    for s in prange(stripes):
        top, bottom = height * s // stripes, height * (s + 1) // stripes
        _stripe(
            frame, rows[top : bottom + 1], left, right, edges, least, extra, weights, group, zero, low, scale, table,
            out[top:bottom], first, blank,
        )  # fmt: skip


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
            for i in range(width):
                out[j, i] = blank
            continue
        for i in range(width):
            x = columns[i]
            if x < 0 or x >= frame.shape[1]:
                out[j, i] = blank
            else:
                value = (np.float32(frame[y, x]) - low) * scale
                # NaN has no place in the table
                out[j, i] = table[min(max(int(value), 0), steps)] if value == value else blank
