"""An outline for what lies under a click: the strongest closed edge around the point, a proposal to be corrected.

Rays leave the click; along each, the step from inside to outside brightness is measured at every radius, and the closed
path of strongest steps of one polarity (dark or bright inside) is found by dynamic programming. Once more from the
centre of what was found.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.line_profile import bilinear
from tandem_em.analysis.geometry.polygon import Polygon, mask
from tandem_em.core.notices import UserError

RAYS = 96
SMALLEST_PX = 4.0
LARGEST_SHARE = 0.3
"""The farthest edge looked for, as a share of the frame's smaller side."""
RADII = 140
WITHIN, AROUND = 0.75, (1.25, 1.6)
"""Sizes, relative to a proposal, of what is compared: the inside and the surroundings, without the edge itself."""
SURE = 5.0
"""Deviations of noise by which they have to differ."""
STEPS_BETWEEN_RAYS = 5
STRONGEST = 8.0
"""Noise deviations; a stronger edge than usual around a particle is that of something else, and attracts no more."""


def propose_outline(image: NDArray[Any], x: float, y: float) -> Polygon:
    """Polygon (RAYS, 2) around a click at (x, y) in pixels. UserError when the click is outside or nothing stands out."""
    height, width = image.shape
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise UserError(f"The click at {x:.0f}, {y:.0f} is outside the frame.", "Click inside a particle.")
    smooth = _smoothed(np.asarray(image, np.float64))
    largest = max(3 * SMALLEST_PX, LARGEST_SHARE * min(height, width))
    polygon = _closed_edge(smooth, x, y, largest)
    # again from the middle of what was found: a click near the rim sees its far side badly
    for _ in range(2):
        middle = polygon.mean(axis=0)
        reach = 1.6 * float(np.hypot(*(polygon - middle).T).max())
        polygon = _closed_edge(
            smooth, float(middle[0]), float(middle[1]), min(largest, max(reach, 3 * SMALLEST_PX))
        )
    if not _differs(np.asarray(image, np.float64), polygon):
        raise _nothing()
    return polygon


def _nothing() -> UserError:
    return UserError("No closed edge was found around the click.", "Draw the outline by hand.")


def _differs(image: NDArray[np.float64], polygon: Polygon) -> bool:
    """Whether it is darker or brighter inside than around, by more than noise is.

    The strongest of all closed lines in mere noise looks like an edge; away from that line its two sides are alike.
    """
    from scipy.ndimage import median_filter

    middle = polygon.mean(axis=0)
    widest = middle + AROUND[1] * (polygon - middle)
    low = np.maximum(np.floor(widest.min(axis=0)).astype(int), 0)
    high = np.ceil(widest.max(axis=0)).astype(int) + 2
    near = np.nan_to_num(image[low[1] : high[1], low[0] : high[0]])
    shape = near.shape[0], near.shape[1]
    within, ring, all_of_it = (
        mask(middle + size * (polygon - middle), shape, (float(low[0]), float(low[1]))) > 0.5
        for size in (WITHIN, *AROUND)
    )
    around = all_of_it & ~ring
    # fills the frame or is tiny: nothing to compare with
    if not within.any() or not around.any():
        return True
    calm = median_filter(near, 3)  # without X-rays
    steps = np.abs(np.diff(near, axis=1))
    noise = math.sqrt(float((np.minimum(steps, np.quantile(steps, 0.99)) ** 2).mean()) / 2)
    chance = 1.25 * noise * math.sqrt(1 / within.sum() + 1 / around.sum())
    return abs(float(calm[within].mean() - calm[around].mean())) > SURE * chance


def _smoothed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise down to a fraction of the contrast of a particle: about one pixel in two hundred of the frame."""
    from scipy.ndimage import gaussian_filter, median_filter

    calm = median_filter(np.nan_to_num(image), 3)
    return np.asarray(gaussian_filter(calm, max(1.0, min(image.shape) / 170)))


def _closed_edge(smooth: NDArray[np.float64], x: float, y: float, largest: float) -> Polygon:
    from tandem_em.analysis.outlines.kernels import best_path

    angles = np.linspace(0, 2 * math.pi, RAYS, endpoint=False)
    radii = np.linspace(SMALLEST_PX, largest, RADII)
    px, py = x + np.cos(angles)[:, None] * radii, y + np.sin(angles)[:, None] * radii
    values = bilinear(smooth, px, py)
    outside = np.isnan(values)
    # beyond the frame there is no edge; NaN would spread through the sums
    values = np.where(outside, np.nanmedian(smooth), values)
    half = max(2, RADII // 28)
    step = _step(values, half)
    step[outside] = 0.0
    spread = float(np.median(np.abs(step))) * 1.4826 + 1e-12
    moves = 0.35 * np.arange(STEPS_BETWEEN_RAYS + 1, dtype=np.float64) ** 1.5
    best: tuple[float, NDArray[np.int64]] | None = None
    # nobody has said whether the particle is dark or bright
    for polarity in (1.0, -1.0):
        gain = polarity * step / spread
        # a clear edge is not cut off: what is left of it would be wide, and its nearest place the best
        clear = max(1.0, float(np.median(gain.max(axis=1))) / STRONGEST)
        gain = np.clip(gain / clear, -2, STRONGEST)
        path = best_path(np.ascontiguousarray(-gain), moves)
        score = float(gain[np.arange(RAYS), path].mean())
        if best is None or score > best[0]:
            best = score, path
    assert best is not None
    if best[0] < 1.0:
        raise _nothing()
    radius = radii[best[1]]
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def _step(values: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Mean of the `half` samples outside less those inside, at every radius of every ray."""
    padded = np.pad(values, ((0, 0), (half, half)), mode="edge")
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(padded, axis=1)], axis=1)
    count = values.shape[1]
    inside = sums[:, half : half + count] - sums[:, :count]
    after = sums[:, 2 * half : 2 * half + count] - sums[:, half : half + count]
    return np.asarray((after - inside) / half)
