"""Geometry of closed outlines: (N, 2) vertices x, y in pixels, not closed, in either direction of turning."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

Polygon = NDArray[np.float64]


def as_polygon(points: object, name: str = "The outline") -> Polygon:
    """Vertices as an array, without repeats; refuses what is not an outline."""
    try:
        polygon = np.asarray(points, float)
    except (TypeError, ValueError):
        raise UserError(
            f"{name} is not a list of x, y points.", "Give at least three points [x, y]."
        ) from None
    if polygon.ndim != 2 or polygon.shape[1:] != (2,) or not np.isfinite(polygon).all():
        raise UserError(f"{name} is not a list of x, y points.", "Give at least three points [x, y].")
    apart = np.hypot(*(polygon - np.roll(polygon, 1, axis=0)).T) > 1e-9
    polygon = polygon[apart]
    if len(polygon) < 3 or area(polygon) < 1e-6:
        raise UserError(
            f"{name} encloses no area.", "Draw it around the particle, with at least three points."
        )
    return polygon


def signed_area(polygon: Polygon) -> float:
    """Shoelace area, positive when x turns towards y."""
    x, y = polygon[:, 0] - polygon[0, 0], polygon[:, 1] - polygon[0, 1]
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def area(polygon: Polygon) -> float:
    """Enclosed area, px²."""
    return abs(signed_area(polygon))


def perimeter(polygon: Polygon) -> float:
    """Length of the outline, px."""
    return float(np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T).sum())


def centroid(polygon: Polygon) -> Floats:
    """Centre of mass of the enclosed area (x, y)."""
    origin = polygon[0]
    a, b = polygon - origin, np.roll(polygon, -1, axis=0) - origin
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    total = cross.sum()
    if abs(total) < 1e-12:
        return np.asarray(polygon.mean(axis=0))
    return np.asarray(origin + ((a + b) * cross[:, None]).sum(axis=0) / (3 * total))


def circularity(polygon: Polygon) -> float:
    """4π area / perimeter²: 1 for a disc."""
    around = perimeter(polygon)
    return 4 * math.pi * area(polygon) / around**2 if around > 0 else math.nan


def oriented(polygon: Polygon) -> Polygon:
    """The same outline turning from x to y, so that `normals` point outwards."""
    return polygon if signed_area(polygon) >= 0 else polygon[::-1]


def resampled(polygon: Polygon, count: int) -> Polygon:
    """`count` vertices at equal distances along the outline, starting at the same vertex."""
    closed = np.vstack([polygon, polygon[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], axis=1)


def smoothed(values: Floats, sigma: float) -> Floats:
    """Gaussian mean along a closed outline, over `sigma` vertices; for vertices or numbers at vertices."""
    if sigma <= 0:
        return values
    taps = _bell(sigma)
    reach = len(taps) // 2
    around = np.asarray(values, float)[np.arange(-reach, len(values) + reach) % len(values)]
    if around.ndim == 1:
        return np.asarray(np.convolve(around, taps, "valid"))
    return np.stack([np.convolve(column, taps, "valid") for column in around.T], axis=1)


@lru_cache(maxsize=64)
def _bell(sigma: float) -> Floats:
    reach = int(4 * sigma + 0.5)
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(taps / taps.sum())


def relaxed(polygon: Polygon, sigma: float) -> Polygon:
    """Smoothed outline that does not shrink: what smoothing took away at large scale is given back."""
    once = smoothed(polygon, sigma)
    return np.asarray(once + smoothed(polygon - once, sigma))


def normals(polygon: Polygon, sigma: float = 2.0) -> Floats:
    """Outward unit normals at the vertices of an oriented outline; tangents are means over `sigma` vertices."""
    tangent = smoothed(_chords(polygon), sigma)
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    length = np.hypot(*outward.T)
    return np.asarray(outward / np.where(length > 1e-12, length, 1.0)[:, None])


def _chords(polygon: Polygon) -> Floats:
    """From the vertex before to the vertex after."""
    closed = np.concatenate([polygon[-1:], polygon, polygon[:1]])
    return np.asarray(closed[2:] - closed[:-2])


def solidity(polygon: Polygon) -> float:
    """Area relative to that of the convex hull: 1 without notches."""
    from scipy.spatial import ConvexHull

    return area(polygon) / float(ConvexHull(polygon).volume)


def bulge_radius(polygon: Polygon) -> float:
    """Usual radius of curvature of the parts that bulge outwards: of a cluster, that of its particles, px."""
    wide = len(polygon) / 30  # waves of the surface are not particles
    tangent = smoothed(_chords(polygon), wide)
    angle = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
    turn = smoothed(np.diff(angle, append=angle[:1] + 2 * np.pi), 3.0)
    bulging = turn[turn > 0]
    whole = math.sqrt(area(polygon) / math.pi)
    if not len(bulging):
        return whole
    return float(np.clip(perimeter(polygon) / len(polygon) / np.median(bulging), 0.3 * whole, whole))


def contains(polygon: Polygon, x: float, y: float) -> bool:
    """Whether a point lies inside."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        where = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    return bool((crosses & (x < where)).sum() % 2)


def mask(
    polygon: Polygon, shape: tuple[int, int], origin: tuple[float, float] = (0.0, 0.0), fine: int = 1
) -> Floats:
    """Share of each pixel (rows, columns of `shape`, first pixel centre at `origin`) that lies inside."""
    points = (polygon - np.asarray(origin) + 0.5) * fine - 0.5
    inside = _filled(points, shape[0] * fine, shape[1] * fine).astype(float)
    return np.asarray(inside.reshape(shape[0], fine, shape[1], fine).mean(axis=(1, 3)))


def _filled(polygon: Polygon, rows: int, columns: int) -> NDArray[np.bool_]:
    """Which grid points lie inside: every edge toggles all that is right of it, row by row."""
    (px, py), (qx, qy) = polygon.T, np.roll(polygon, -1, axis=0).T
    first, last = (np.ceil(np.clip(f(py, qy), 0, rows)).astype(int) for f in (np.minimum, np.maximum))
    counts = last - first
    edge = np.repeat(np.arange(len(polygon)), counts)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    x = px[edge] + (row - py[edge]) * ((qx - px)[edge] / (qy - py)[edge])
    toggles = np.zeros((rows, columns + 1), np.uint8)
    np.add.at(toggles, (row, np.ceil(np.clip(x, 0, columns)).astype(int)), 1)
    return np.asarray(np.cumsum(toggles[:, :columns], axis=1, dtype=np.uint8) % 2 == 1)


def overlap(one: Polygon, other: Polygon, fine: int = 4) -> float:
    """Intersection over union of two outlines, on a grid of 1/`fine` px."""
    low = np.floor(np.minimum(one.min(axis=0), other.min(axis=0))) - 1
    high = np.ceil(np.maximum(one.max(axis=0), other.max(axis=0))) + 2
    columns, rows = (int(n) for n in high - low)
    a, b = (_filled((p - low) * fine, rows * fine, columns * fine) for p in (one, other))
    union = float((a | b).sum())
    return float((a & b).sum()) / union if union else 0.0


def crosses_itself(polygon: Polygon) -> bool:
    """Whether any two edges that are not neighbours meet."""
    from tandem_em.analysis.geometry import kernels

    return bool(kernels.crosses_itself(np.ascontiguousarray(polygon)))


def has_fingers(polygon: Polygon, thinnest: float) -> bool:
    """Whether some part of an oriented outline is thinner than `thinnest` px."""
    from tandem_em.analysis.geometry import kernels

    half = -thinnest / 2
    ends = np.array([half, half, half, 0.0, 0.0, 0.0, 0.0])
    inner, _ = kernels.free_reach(polygon, normals(polygon), ends, 6)
    return bool((inner < 3).any())


def outer_outline(polygon: Polygon, count: int, thin: float = 0.0) -> Polygon:
    """The outer line of an outline that crosses itself, as `count` vertices; parts thinner than 2 `thin` px go."""
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import find_contours

    low = np.floor(polygon.min(axis=0)) - 3
    size = np.ceil(polygon.max(axis=0)) + 4 - low
    covered = mask(polygon, (int(size[1]), int(size[0])), (float(low[0]), float(low[1])), fine=4)
    if thin > 0:
        depth = distance_transform_edt(covered > 0.5)
        near = distance_transform_edt(~(depth > thin)) <= thin + 0.5
        covered = np.where(near, covered, 0.0)
    lines = find_contours(covered, 0.5)
    if not lines:
        return resampled(polygon, count)
    longest = max(lines, key=len)
    return resampled(oriented(np.asarray(longest[:-1, ::-1] + low)), count)
