"""An outline proposed from a click inside a particle, on one frame.

Rays from the click are searched for the closed line with the strongest edge of one polarity all round, for a range of
sizes; the best one is then moved along its own normals, so that it need not stay star-shaped.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.outline_band import Band, as_nodes, edge_taps, read_band
from tandem_em.analysis.outline_crops import Crops
from tandem_em.analysis.outline_levels import FrameLevel
from tandem_em.analysis.outline_locate import Search, expected_strength, find_edge, learn_polarity
from tandem_em.analysis.outline_walk import moved_outline
from tandem_em.analysis.polygon import Array, Polygon, area
from tandem_em.notices import UserError

RAYS = 96
SMALLEST = 5.0  # px, radius
BINS = 280  # of the search picture, along its longer side
TURNS = 3


def propose_outline(
    image: NDArray[np.generic], x: float, y: float, largest_px: float | None = None
) -> Polygon:
    """Outline (N, 2) of the particle at pixel (x, y). `largest_px` limits its radius (default: half the frame)."""
    frame = np.asarray(image)
    rows, columns = frame.shape
    if not (0 <= x <= columns - 1 and 0 <= y <= rows - 1):
        raise UserError("The click lies outside the frame.", "Click inside a particle.")
    if frame.dtype.kind not in "uif" or not frame.dtype.isnative:
        frame = frame.astype(np.float32)
    level = FrameLevel.of(frame)
    if level.level <= 0:
        raise UserError("This frame is blank.", "Click in a frame with beam.")
    largest = min(largest_px or math.inf, 0.5 * max(rows, columns))
    rough = _star(frame, level, x, y, largest)
    return _polished(frame, level, rough)


def _star(frame: NDArray[np.generic], level: FrameLevel, x: float, y: float, largest: float) -> Polygon:
    """Best star-shaped outline around the click, on a picture of a few hundred bins."""
    from scipy.ndimage import gaussian_filter

    from tandem_em.analysis import outline_kernels as kernels

    side = max(1, math.ceil(max(frame.shape) / BINS))
    high = level.bright + 7 * level.noise
    small = kernels.crop(
        frame, 0, 0, frame.shape[0] // side, frame.shape[1] // side, side, 1 / level.level, -high, high
    )
    noise = level.noise / level.level / side
    cx, cy = ((v - (side - 1) / 2) / side for v in (x, y))
    best: tuple[float, Polygon] | None = None
    finest = float(np.clip(5 * noise, 0.8, 4.0))
    for blur in (finest, 1.8 * finest, 3.2 * finest):
        soft = gaussian_filter(np.where(np.isfinite(small), small, 1.0), blur)
        left = noise / (2 * math.sqrt(math.pi) * blur)
        for start in _starts(cx, cy):
            found = _star_from(soft, *start, largest / side, left)
            if found is not None and (best is None or found[0] > best[0] + 0.05):
                best = found
    if best is None:
        raise UserError("No edge was found around this point.", "Draw the outline by hand.")
    return np.asarray(best[1] * side + (side - 1) / 2)


def _starts(cx: float, cy: float) -> list[tuple[float, float]]:
    """The click itself and places near it, in case it is near an edge."""
    return [(cx + dx, cy + dy) for dx, dy in ((0, 0), (4, 0), (-4, 0), (0, 4), (0, -4))]


def _star_from(
    small: NDArray[np.float32], cx: float, cy: float, largest: float, noise: float
) -> tuple[float, Polygon] | None:
    """Score and outline of the best closed path through the rays from a point, over sizes and polarities."""
    from tandem_em.analysis import outline_kernels as kernels

    angles = np.arange(RAYS) * (2 * np.pi / RAYS)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    radii = np.arange(1.0, largest, 0.5)
    if radii.size < 20:
        return None
    total, mass = np.zeros((RAYS, radii.size)), np.zeros((RAYS, radii.size))
    kernels.sample_band(small, np.tile([cx, cy], (RAYS, 1)), rays, radii, 1.0, total, mass)
    polar = np.where(mass > 0, total, np.nan)
    answer = kernels.edge_response(polar, edge_taps(1.2))
    shift = (radii.size - answer.shape[1]) // 2
    middles = radii[shift : shift + answer.shape[1]]
    best: tuple[float, Polygon] | None = None
    for polarity in (1.0, -1.0):
        highest = np.where(np.isfinite(answer), polarity * answer, -1.0).max(axis=1)
        usual = float(np.quantile(highest, 0.5))
        if usual <= 1.5 * noise:
            continue
        for size in np.geomspace(SMALLEST, max(SMALLEST + 1, 0.8 * middles[-1]), 12):
            found = _path_near(polarity * answer, middles, float(size), usual)
            if found is not None and (best is None or found[0] * _taste(polarity) > best[0]):
                points = np.stack([cx, cy]) + rays * found[1][:, None]
                best = found[0] * _taste(polarity), points
    return best


def _taste(polarity: float) -> float:
    """In bright field particles are dark: a bright one must have the clearly stronger edge."""
    return 1.0 if polarity > 0 else 0.75


def _path_near(answer: Array, radii: Array, size: float, usual: float) -> tuple[float, Array] | None:
    """Closed path near a radius: its mean answer over the usual one, less for ragged paths and missing edges."""
    from tandem_em.analysis import outline_kernels as kernels

    use = (radii > 0.55 * size) & (radii < 1.7 * size)
    if use.sum() < 8:
        return None
    part = np.where(np.isfinite(answer[:, use]), answer[:, use] / usual, -0.5)
    cost = -np.clip(part, -0.5, 1.4) * 3
    walk = 0.35 * np.arange(7.0) / max(1.0, size / 12)
    path = kernels.best_path(np.ascontiguousarray(cost), walk)
    strength = np.clip(part[np.arange(RAYS), path], -0.5, 1.4)
    found = radii[use][path]
    ragged = float(np.abs(np.diff(found, append=found[:1])).mean() / found.mean())
    score = float(strength.mean() + 0.6 * np.quantile(strength, 0.15)) - 2.0 * ragged
    return (score, found) if score > 0.25 else None


def _polished(frame: NDArray[np.generic], level: FrameLevel, rough: Polygon) -> Polygon:
    """Move the outline along its normals to the steepest edge."""
    crops = Crops.around([(0, rough)], np.zeros((1, 2)))
    crops.add(0, frame, level)
    points = as_nodes(crops.to_work(rough, 0))
    width = float(np.clip(1.2 + 4 * crops.noises[0], 1.2, 3.0))
    reach = float(np.clip(0.12 * math.sqrt(area(points) / math.pi), 4.0, 10.0)) + 3 * width
    polarity, strength = learn_polarity(_band(crops, points, reach), width)
    expected = np.full(len(points), max(strength, 1e-3))
    for _ in range(TURNS):
        band = _band(crops, points, reach)
        found = find_edge(band, polarity, expected, Search(width, 2.0 + 6 * crops.noises[0], 0.25, 2.5))
        points = moved_outline(points, band.normals, found.moved)
        expected = expected_strength(found.strength)
    return crops.to_frame(points, 0)


def _band(crops: Crops, points: Polygon, reach: float) -> Band:
    return read_band(crops, {0: points}, {0: 1.0}, points, reach)
