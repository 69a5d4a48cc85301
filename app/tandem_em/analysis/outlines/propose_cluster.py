"""The whole cluster around an outline: all that hangs together with a particle, a proposal to be corrected.

Thresholds between the particle and the background cut out nested regions around it; the one whose edge is steepest
is where the cluster ends. What comes in from outside and is far darker than overlapping particles, like a needle, does
not belong to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Flags

WORK_PX = 192
"""Frames are binned until their smaller side is no longer than twice this."""
THRESHOLDS = 48
OVERLAPPING = 2.5
"""So many particles over each other are no darker than this, in bright field; a needle is."""
LEAST_LARGER = 1.5
STEEP_ENOUGH = 0.75
"""A larger region wins over the particle itself when its edge is so steep in comparison."""
MOST_AT_FRAME = 0.05
"""Of the edge of a cluster; a region that runs along the frame is background."""
LEAST_OF_PARTICLE = 0.5

Picture = NDArray[np.float64]


@dataclass(frozen=True)
class _Region:
    mask: Flags
    steepness: float
    growth: float


def propose_cluster(image: NDArray[Any], particle: Polygon) -> Polygon:
    """Outline of everything that hangs together with a particle. UserError when it stands alone or nothing stands out."""
    bins = max(1, min(image.shape) // WORK_PX)
    picture = _binned(np.nan_to_num(np.asarray(image, np.float64)), bins)
    regions = list(_nested(picture, (particle + 0.5) / bins - 0.5))
    larger = [region for region in regions if region.growth > LEAST_LARGER]
    steepest = max((region.steepness for region in regions), default=0.0)
    best = max(larger, key=lambda region: region.steepness, default=None)
    if best is None or best.steepness < STEEP_ENOUGH * steepest:
        raise UserError(
            "No larger outline was found around this one.", "Shift+click the neighbours that belong to it."
        )
    # pixel centres at whole numbers, in bins as in pixels
    return (_outline(best.mask) + 0.5) * bins - 0.5


def _binned(image: Picture, bins: int) -> Picture:
    height, width = (side // bins * bins for side in image.shape)
    blocks = image[:height, :width].reshape(height // bins, bins, width // bins, bins)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _nested(picture: Picture, particle: Polygon) -> Iterator[_Region]:
    from scipy.ndimage import binary_dilation, gaussian_filter, median_filter
    from skimage.draw import polygon2mask

    smallest = min(picture.shape)
    blur = max(1.5, smallest / 110)
    smooth = np.asarray(gaussian_filter(median_filter(picture, 3), blur))
    core = polygon2mask(picture.shape, particle[:, ::-1])
    ring = binary_dilation(core, iterations=max(3, smallest // 40)) & ~core
    if not core.any() or not ring.any():
        return
    if np.median(smooth[core]) > np.median(smooth[ring]):
        # bright particles: from here on the sample is dark
        smooth = -smooth
    gradient = np.hypot(*np.gradient(smooth))
    inside, background = float(np.median(smooth[core])), float(np.percentile(smooth, 97))
    is_sample = np.ones_like(core)
    if 0 < inside < background:
        darkest = background * (inside / background) ** OVERLAPPING
        is_sample = ~_reaching_in(smooth < darkest, round(3 * blur)) | core
    for threshold in np.linspace(inside, background, THRESHOLDS + 1)[1:-1]:
        region = _region((smooth < threshold) & is_sample, core, gradient)
        if region is not None:
            yield region


def _reaching_in(dark: Flags, rim: int) -> Flags:
    """The dark pieces that come from outside of the frame, with their blurred rim."""
    from scipy.ndimage import binary_dilation, label

    pieces, _ = label(dark)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return np.asarray(binary_dilation(np.isin(pieces, border[border > 0]), iterations=rim))


def _region(below: Flags, core: Flags, gradient: Picture) -> _Region | None:
    """The piece that holds the particle, without holes and thin links; None where it is background, or none of it."""
    from scipy.ndimage import binary_erosion, binary_fill_holes, binary_opening, label
    from skimage.morphology import disk

    pieces, _ = label(binary_opening(below, disk(max(1, round(min(below.shape) / 100)))))
    shared = np.bincount(pieces[core])
    if len(shared) < 2 or shared[1:].max() < LEAST_OF_PARTICLE * core.sum():
        return None
    # gaps inside a cluster belong to it
    mask = np.asarray(binary_fill_holes(pieces == 1 + shared[1:].argmax()))
    edge = mask & ~binary_erosion(mask)
    at_frame = sum(int(side.sum()) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    if at_frame > MOST_AT_FRAME * edge.sum():
        return None
    return _Region(mask, float(gradient[edge].mean()), float(mask.sum() / core.sum()))


def _outline(mask: Flags) -> Polygon:
    from scipy.ndimage import gaussian_filter
    from skimage.measure import find_contours

    # padded, so that a region at the frame is closed as well
    soft = gaussian_filter(np.pad(mask, 2).astype(np.float32), 1.0)
    longest = max(find_contours(soft, 0.5), key=len)
    return np.asarray(longest[:-1, ::-1] - 2, np.float64)
