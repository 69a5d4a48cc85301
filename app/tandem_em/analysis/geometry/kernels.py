"""Compiled inner loops on polygons: bands along normals, room beside an edge, crossings, covered pixels. Late import."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def sample_band(image, points, normals, offsets, weight, band, mass):
    """Add weight * image at points + offset * normal (bilinear) to band[s, d], and the weight to mass[s, d]."""
    height, width = image.shape
    for s in range(points.shape[0]):
        for d in range(offsets.size):
            x = points[s, 0] + offsets[d] * normals[s, 0]
            y = points[s, 1] + offsets[d] * normals[s, 1]
            if not (x >= 0 and y >= 0 and x < width - 1 and y < height - 1):
                continue
            a, b = int(y), int(x)
            fy, fx = y - a, x - b
            value = (image[a, b] * (1 - fx) + image[a, b + 1] * fx) * (1 - fy)
            value += (image[a + 1, b] * (1 - fx) + image[a + 1, b + 1] * fx) * fy
            if value == value:
                band[s, d] += weight * value
                mass[s, d] += weight


@njit(cache=True, nogil=True)
def _comes_near(points, s, skip, x, y, limit):
    """Whether a part of the outline away from node s is nearer to (x, y) than the root of `limit`."""
    nodes = points.shape[0]
    for j in range(skip, nodes - skip + 1, 2):
        other = (s + j) % nodes
        dx, dy = x - points[other, 0], y - points[other, 1]
        if dx * dx + dy * dy < limit:
            return True
    return False


@njit(cache=True, nogil=True)
def free_reach(points, normals, offsets, skip):
    """How many offsets in and out (from the middle) a normal goes before it is nearer to another part of the outline."""
    nodes, width = points.shape[0], offsets.size
    middle = width // 2
    inner, outer = np.full(nodes, middle, np.int64), np.full(nodes, middle, np.int64)
    for s in range(nodes):
        for sign in (-1, 1):
            d = offsets[middle + sign * middle]  # nothing near the far end: nothing near any place before it
            x, y = points[s, 0] + d * normals[s, 0], points[s, 1] + d * normals[s, 1]
            if not _comes_near(points, s, skip, x, y, d * d):
                continue
            for k in range(2, middle + 1, 2):
                d = offsets[middle + sign * k]
                x, y = points[s, 0] + d * normals[s, 0], points[s, 1] + d * normals[s, 1]
                if _comes_near(points, s, skip, x, y, 0.92 * d * d):
                    if sign < 0:
                        inner[s] = k - 1
                    else:
                        outer[s] = k - 1
                    break
    return inner, outer


@njit(cache=True, nogil=True)
def crosses_itself(points):
    """Whether any two edges of a closed outline that are not neighbours meet."""
    nodes = points.shape[0]
    for i in range(nodes):
        ax, ay = points[i, 0], points[i, 1]
        bx, by = points[(i + 1) % nodes, 0], points[(i + 1) % nodes, 1]
        for j in range(i + 2, nodes):
            if i == 0 and j == nodes - 1:
                continue
            cx, cy = points[j, 0], points[j, 1]
            dx, dy = points[(j + 1) % nodes, 0], points[(j + 1) % nodes, 1]
            if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx):
                continue
            if max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
                continue
            one = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
            two = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
            three = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
            four = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
            if one * two < 0 and three * four < 0:
                return True
    return False


@njit(cache=True, nogil=True)
def covered(points, rows, columns):
    """1 for each pixel whose centre an outline goes around (overlapping and reversed loops count too)."""
    out = np.zeros((rows, columns), np.uint8)
    nodes = points.shape[0]
    where, turn = np.empty(nodes), np.empty(nodes, np.int64)
    for r in range(rows):
        met = 0
        for i in range(nodes):
            ay, by = points[i, 1], points[(i + 1) % nodes, 1]
            if (ay > r) != (by > r):
                ax, bx = points[i, 0], points[(i + 1) % nodes, 0]
                where[met] = ax + (r - ay) * (bx - ax) / (by - ay)
                turn[met] = 1 if by > ay else -1
                met += 1
        order = np.argsort(where[:met])
        around = 0
        for k in range(met - 1):
            around += turn[order[k]]
            if around != 0:
                first = max(0, math.ceil(where[order[k]]))
                last = min(columns - 1, math.floor(where[order[k + 1]]))
                for c in range(first, last + 1):
                    out[r, c] = 1
    return out
