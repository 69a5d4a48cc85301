"""The two trackers everybody writes first, from scikit-image: threshold and link, and a marker-controlled watershed.

Both start from the same first outline, get the same drift, and give the area of the same thing; neither knows when it
is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon
from tandem_em.core.numeric import Flags

Image = NDArray[np.float64]
SMOOTH_PX = 2.0
MARKER_PX = 4


def threshold_and_link(
    frames: NDArray[np.uint16], first: Polygon, drift_px: NDArray[np.float64]
) -> dict[int, Polygon]:
    """Otsu's threshold, holes filled; in each frame the region that covers most of the one before."""
    from scipy.ndimage import binary_fill_holes
    from skimage.filters import threshold_otsu
    from skimage.measure import label

    before, found = _mask(frames[0].shape, first), {0: first}
    for frame in range(1, len(frames)):
        before = _moved(before, drift_px[frame] - drift_px[frame - 1])
        image = _calm(frames[frame])
        regions = label(np.asarray(binary_fill_holes(image < threshold_otsu(image))))
        shares = np.bincount(regions[before], minlength=regions.max() + 1)
        # Region 0 is the background.
        shares[0] = 0
        if shares.max():
            before = regions == int(shares.argmax())
            _note(found, frame, before)
    return found


def watershed_from_last(
    frames: NDArray[np.uint16], first: Polygon, drift_px: NDArray[np.float64]
) -> dict[int, Polygon]:
    """Watershed of the gradient: markers are the last region made smaller, and all that is far outside of it."""
    from scipy.ndimage import binary_dilation, binary_erosion
    from skimage.filters import sobel
    from skimage.segmentation import watershed

    before, found = _mask(frames[0].shape, first), {0: first}
    for frame in range(1, len(frames)):
        before = _moved(before, drift_px[frame] - drift_px[frame - 1])
        core = binary_erosion(before, iterations=MARKER_PX)
        # Nothing is left of the last region: there is no marker to flood from.
        if not core.any():
            break
        markers = np.where(core, 1, 0) + np.where(binary_dilation(before, iterations=MARKER_PX), 0, 2)
        before = watershed(sobel(_calm(frames[frame])), markers) == 1
        _note(found, frame, before)
    return found


def _calm(frame: NDArray[np.generic]) -> Image:
    from scipy.ndimage import gaussian_filter, median_filter

    return np.asarray(gaussian_filter(median_filter(np.asarray(frame, np.float64), 3), SMOOTH_PX))


def _mask(shape: tuple[int, ...], polygon: Polygon) -> Flags:
    from skimage.draw import polygon2mask

    return np.asarray(polygon2mask(shape, polygon[:, ::-1]))


def _moved(mask: Flags, step: NDArray[np.float64]) -> Flags:
    dx, dy = (round(float(v)) for v in step)
    return np.roll(mask, (dy, dx), axis=(0, 1))


def _note(found: dict[int, Polygon], frame: int, region: Flags) -> None:
    """The longest contour of a region; none of an empty one."""
    from skimage.measure import find_contours

    # A border of zeros closes contours that reach the edge; it is taken off again below.
    rings = find_contours(np.pad(region, 1).astype(np.float32), 0.5)
    if rings:
        found[frame] = max(rings, key=len)[:-1, ::-1] - 1
