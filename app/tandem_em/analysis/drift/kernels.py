"""Compiled inner loops of the drift estimate: means of pixel blocks that ignore hot pixels. Imported late."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def block_means(frame, x0, y0, x1, y1, side, spike):
    """Means of side x side blocks of frame[y0:y1, x0:x1]; a pixel that stands `spike` above the rest is left out."""
    rows, columns = (y1 - y0) // side, (x1 - x0) // side
    out = np.empty((rows, columns), np.float32)
    count = side * side
    for r in range(rows):
        for c in range(columns):
            total, highest = 0.0, -1e30
            for a in range(side):
                for b in range(side):
                    value = np.float64(frame[y0 + r * side + a, x0 + c * side + b])
                    total += value
                    highest = max(highest, value)
            # what the block shows without its brightest pixel, which may be an X-ray hit
            rest = (total - highest) / (count - 1) if count > 1 else total
            if count == 1:
                # a cheap look first: only a pixel that stands out is compared with all its neighbours
                beside = c - 1 if c > 0 else c + 1
                if total > np.float64(frame[y0 + r, x0 + beside]) + 0.7 * spike:
                    rest = _around(frame, y0 + r, x0 + c)
            out[r, c] = rest if highest > rest + spike else total / count
    return out


@njit(cache=True, nogil=True)
def _around(frame, r, c):
    """Mean of the eight neighbours of a pixel without the highest of them."""
    total, highest, count = 0.0, -1e30, 0
    for a in range(max(r - 1, 0), min(r + 2, frame.shape[0])):
        for b in range(max(c - 1, 0), min(c + 2, frame.shape[1])):
            if a != r or b != c:
                value = np.float64(frame[a, b])
                total += value
                highest = max(highest, value)
                count += 1
    return (total - highest) / (count - 1)


@njit(cache=True, nogil=True)
def flatten_to_bytes(image, background, contrast):
    """image / background - 1 from -contrast..contrast to 0..254; `background` is a coarse grid, interpolated."""
    rows, columns = image.shape
    grid_y, grid_x = background.shape
    out = np.empty((rows, columns), np.uint8)
    for r in range(rows):
        # just below the last node, so that a + 1 exists
        gy = min(max((r + 0.5) * grid_y / rows - 0.5, 0.0), grid_y - 1.000001)
        a = int(gy)
        fy = gy - a
        for c in range(columns):
            gx = min(max((c + 0.5) * grid_x / columns - 0.5, 0.0), grid_x - 1.000001)
            b = int(gx)
            fx = gx - b
            level = (background[a, b] * (1 - fx) + background[a, b + 1] * fx) * (1 - fy)
            level += (background[a + 1, b] * (1 - fx) + background[a + 1, b + 1] * fx) * fy
            value = (image[r, c] / level - 1) / contrast if level > 0 else 0.0
            out[r, c] = np.uint8(127.5 + 127 * min(1.0, max(-1.0, value)))
    return out


@njit(cache=True, nogil=True)
def add_moved(total, squares, image, dx, dy):
    """Add an image moved by (dx, dy) bins, and its square; bilinear, borders repeated."""
    rows, columns = image.shape
    left, top = int(np.floor(-dx)), int(np.floor(-dy))
    fx, fy = np.float32(-dx - left), np.float32(-dy - top)
    for r in range(rows):
        a0 = min(max(r + top, 0), rows - 1)
        a1 = min(max(r + top + 1, 0), rows - 1)
        for c in range(columns):
            b0 = min(max(c + left, 0), columns - 1)
            b1 = min(max(c + left + 1, 0), columns - 1)
            value = (image[a0, b0] * (1 - fx) + image[a0, b1] * fx) * (1 - fy)
            value += (image[a1, b0] * (1 - fx) + image[a1, b1] * fx) * fy
            total[r, c] += value
            squares[r, c] += value * value
