"""Polygons under the hand: even spacing, a soft drag, a cut, a union. Vertices are (N, 2) in image pixels."""

from __future__ import annotations

import math

import numpy as np

from tandem_em.analysis.geometry.polygon import contains
from tandem_em.model.tracks import Polygon

__all__ = ["contains", "cut", "ellipse", "evened", "nearest", "soft_drag", "union"]


def evened(polygon: Polygon, count: int = 0) -> Polygon:
    """The same shape with vertices at equal steps (about 2 px, 24 to 400 of them), not closed."""
    points = np.asarray(polygon, np.float64)
    # The edge from the last vertex to the first belongs to the outline too.
    closed = np.vstack([points, points[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = count or int(np.clip(round(along[-1] / 2), 24, 400))
    places = np.linspace(0, along[-1], wanted, endpoint=False)
    return np.column_stack([np.interp(places, along, closed[:, axis]) for axis in (0, 1)])


def ellipse(corner: tuple[float, float], other: tuple[float, float], count: int = 72) -> Polygon:
    """The ellipse inscribed in a rectangle."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x = (corner[0] + other[0]) / 2 + abs(other[0] - corner[0]) / 2 * np.cos(angle)
    y = (corner[1] + other[1]) / 2 + abs(other[1] - corner[1]) / 2 * np.sin(angle)
    return np.column_stack([x, y])


def nearest(polygon: Polygon, x: float, y: float) -> tuple[int, float]:
    """The vertex nearest to a point, and how far the outline (not the vertex) is from it (px)."""
    start = np.asarray(polygon, np.float64)
    step = np.roll(start, -1, axis=0) - start
    place = np.array([x, y])
    share = ((place - start) * step).sum(1) / np.maximum((step**2).sum(1), 1e-12)
    foot = start + np.clip(share, 0, 1)[:, None] * step
    edge = int(np.argmin(((foot - place) ** 2).sum(1)))
    vertex = int(np.argmin(((start - place) ** 2).sum(1)))
    return vertex, float(math.hypot(*(foot[edge] - place)))


def soft_drag(polygon: Polygon, vertex: int, dx: float, dy: float, reach: float) -> Polygon:
    """Move a vertex; its neighbours follow the less the further they lie along the outline (px)."""
    points = np.asarray(polygon, np.float64)
    lengths = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    total = float(lengths.sum())
    apart = np.abs(along - along[vertex])
    # The shorter way round.
    apart = np.minimum(apart, total - apart)
    weight = np.exp(-0.5 * (apart / max(reach, 1e-6)) ** 2)
    return np.asarray(points + weight[:, None] * np.array([dx, dy]))


def cut(
    polygon: Polygon, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Polygon, Polygon] | None:
    """Both sides of a line through the polygon; None where it does not cross."""
    points = np.asarray(polygon, np.float64)
    normal = np.array([-(end[1] - start[1]), end[0] - start[0]])
    side = (points - np.array(start)) @ normal
    if not ((side > 0).any() and (side < 0).any()):
        return None
    parts = tuple(_half(points, sign * side) for sign in (1.0, -1.0))
    return evened(parts[0]), evened(parts[1])


def _half(points: Polygon, side: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Polygon:
    kept: list[Polygon] = []
    for index in range(len(points)):
        following = (index + 1) % len(points)
        a, b = side[index], side[following]
        if a >= 0:
            kept.append(points[index])
        if (a >= 0) != (b >= 0):
            kept.append(points[index] + (points[following] - points[index]) * (a / (a - b)))
    return np.array(kept)


GAP_PX = 3.0
"""Neighbours whose outlines come so near are taken to touch: they were drawn by hand."""


def union(one: Polygon, other: Polygon, gap_px: float = GAP_PX, fine: int = 2) -> Polygon | None:
    """The outer outline of two polygons together (drawn on a grid of 1/fine px); None where the gap is wider."""
    from scipy.ndimage import binary_closing
    from skimage.draw import polygon2mask
    from skimage.measure import find_contours, label
    from skimage.morphology import disk

    # Closing a gap needs room around the outlines, or it would bridge at the border.
    pad = math.ceil(gap_px) + 1
    both = np.vstack([one, other])
    corner = np.floor(both.min(0)) - pad
    size = np.ceil((both.max(0) - corner + pad + 1) * fine).astype(int)
    shape = (int(size[1]), int(size[0]))
    mask = np.zeros(shape, bool)
    for polygon in (one, other):
        mask |= polygon2mask(shape, ((np.asarray(polygon) - corner) * fine)[:, ::-1])
    if label(mask).max() > 1:
        mask = binary_closing(mask, disk(round(gap_px / 2 * fine)))
    if label(mask).max() > 1:
        return None
    rings = find_contours(mask.astype(np.float32), 0.5)
    # The longest ring is the outer one; the others are holes between the two.
    outer = max(rings, key=len)[:-1, ::-1] / fine + corner
    return evened(outer)
