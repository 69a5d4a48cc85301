"""Notches between the particles of a cluster, narrower than an outline along normals can go.

Around strongly concave places the picture itself says what is background: a pixel there that is bright, and joined to
the outside, is cut out of the outline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, oriented, resampled, smoothed
from tandem_em.core.numeric import Floats

FINE = 3  # grid points per pixel
DEEPEST = 12.0  # px, how far from a concave place is looked
SHARP = 0.06  # 1/px, bending inwards from which a place is a notch
LOCAL = 6.0  # px, over which the darkness inside is averaged
SHALLOW = 0.7  # of what is missing at a silhouette: noise and thin rims are not cut
PAD = 4.0


def concave(polygon: Polygon) -> NDArray[np.intp]:
    """Vertices of an oriented outline at which it bends inwards, at the bottom of notches."""
    tangent = smoothed(np.roll(polygon, -1, axis=0) - np.roll(polygon, 1, axis=0), 2.0)
    angle = np.unwrap(np.arctan2(tangent[:, 1], tangent[:, 0]))
    turn = np.diff(angle, append=angle[:1] + 2 * np.pi)
    spacing = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T).mean()
    bend = smoothed(turn, 2.0) / spacing
    return np.flatnonzero(bend < -SHARP)


def cut_notches(
    polygon: Polygon, lack: NDArray[np.float32], depth: float, shift: Floats, silhouette: float
) -> Polygon:
    """The outline (work px) with its notches cut as deep as the picture shows them.

    `lack` is the share of the background's brightness that is missing at each pixel, its content at +`shift`; `depth`
    what is missing inside; `silhouette` the share of it that is missing where a particle ends.
    """
    from scipy.ndimage import binary_propagation, distance_transform_edt, gaussian_filter, map_coordinates
    from skimage.measure import find_contours

    from tandem_em.analysis.geometry import kernels

    bottoms = concave(polygon)
    if not len(bottoms):
        return polygon
    low = np.floor(polygon.min(axis=0) - PAD)
    columns, rows = (int(v) for v in np.ceil(polygon.max(axis=0) + PAD - low) * FINE)
    inside = kernels.covered((polygon - low) * FINE, rows, columns).astype(bool)
    marks = np.ones((rows, columns), bool)
    at = np.rint((polygon[bottoms] - low) * FINE).astype(int)
    marks[np.clip(at[:, 1], 0, rows - 1), np.clip(at[:, 0], 0, columns - 1)] = False
    near = distance_transform_edt(marks) < DEEPEST * FINE
    y, x = np.mgrid[0:rows, 0:columns] / FINE
    sampled = map_coordinates(lack, [y + low[1] + shift[1], x + low[0] + shift[0]], order=1, mode="nearest")
    # rims are thin and would make the particle look lighter than it is
    core = (distance_transform_edt(inside) > 3 * FINE).astype(np.float32)
    mass = gaussian_filter(core, LOCAL * FINE)
    local = np.where(
        mass > 0.05, gaussian_filter(core * sampled, LOCAL * FINE) / np.maximum(mass, 0.05), depth
    )
    bright = (sampled < SHALLOW * silhouette * np.minimum(local, depth)) & inside & near
    # only from outside: a bright place in the middle is no notch
    opened = binary_propagation(~inside, mask=~inside | bright) & inside
    # less than two pixels: noise
    if opened.sum() < 2 * FINE**2:
        return polygon
    soft = gaussian_filter((inside & ~opened).astype(np.float32), 0.6 * FINE)
    lines = find_contours(soft, 0.5)
    line = max(lines, key=len)[:-1, ::-1] / FINE + low
    cut = oriented(np.asarray(line, float))
    # vertices keep their order, so that frames can be compared one by one
    start = int(np.argmin(np.hypot(*(cut - polygon[0]).T)))
    return resampled(np.roll(cut, -start, axis=0), len(polygon))
