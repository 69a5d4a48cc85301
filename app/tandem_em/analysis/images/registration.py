"""One image found in another one by correlation: shift, and on request rotation and scale.

A transform takes (x, y) of the moving image to (x, y) of the fixed one; pixel centres are integers, y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

COARSE_PIXELS, FINE_PIXELS = 160, 512
"""Longest side of the grids that rotations and the final shift are searched on."""


@dataclass(frozen=True)
class Transform:
    """fixed = matrix @ moving + offset, both (x, y) in pixels; with how well it was found."""

    matrix: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 0.0), (0.0, 1.0))
    offset: tuple[float, float] = (0.0, 0.0)
    confidence: float = 1.0
    """0 to 1: height of the correlation peak over the next best place."""

    def apply(self, points: ArrayLike) -> Floats:
        """Points [[x, y], ...] of the moving image in the fixed one."""
        return np.asarray(
            np.asarray(points, np.float64) @ np.asarray(self.matrix).T + np.asarray(self.offset)
        )


def _transform(matrix: ArrayLike, offset: ArrayLike, confidence: float) -> Transform:
    (a, b), (c, d) = np.asarray(matrix, np.float64).tolist()
    x, y = np.asarray(offset, np.float64).tolist()
    return Transform(((a, b), (c, d)), (x, y), confidence)


def by_correlation(
    moving: ArrayLike,
    fixed: ArrayLike,
    *,
    moving_pixel_nm: float = 1.0,
    fixed_pixel_nm: float = 1.0,
    rotate_and_scale: bool = False,
) -> Transform:
    """Find one image in the other by their edges. Pixel sizes give the known scale; the images may differ in size.

    With `rotate_and_scale`, rotations up to ±15° and scales 0.9–1.1 around the known one are tried and refined.
    Contrast may be inverted (a bright-field frame on a dark-field survey): edge strength is what is compared.
    """
    images = [np.asarray(image, np.float64) for image in (moving, fixed)]
    if any(image.ndim != 2 or min(image.shape) < 8 for image in images):
        raise UserError("Registration needs two images of at least 8 × 8 pixels.", "Choose larger images.")
    base = moving_pixel_nm / fixed_pixel_nm
    longest = max(max(images[1].shape), max(images[0].shape) * base)
    angle, factor = 0.0, 1.0
    if rotate_and_scale:
        grid = max(1.0, longest / COARSE_PIXELS)
        coarse = [(turn, size) for turn in np.arange(-15, 15.1, 2.5) for size in (0.9, 0.95, 1.0, 1.05, 1.1)]
        angle, factor, *_ = _search(images, base, grid, coarse)
        for d_angle, d_factor in ((1.0, 0.02), (0.4, 0.008)):
            angle, factor, *_ = _search(images, base, grid, _around(angle, factor, d_angle, d_factor))
        grid = max(1.0, longest / (2 * COARSE_PIXELS))
        angle, factor, *_ = _search(images, base, grid, _around(angle, factor, 0.15, 0.003))
    grid = max(1.0, longest / FINE_PIXELS)
    angle, factor, shift, confidence = _search(images, base, grid, [(angle, factor)])
    # back from the grid: its pixel k covers fixed pixels around grid·k + (grid - 1)/2
    return _transform(_turn(angle, factor * base), np.asarray(shift) * grid + (grid - 1) / 2, confidence)


def _around(angle: float, factor: float, d_angle: float, d_factor: float) -> list[tuple[float, float]]:
    steps = (-1.0, 0.0, 1.0)
    return [(angle + i * d_angle, factor + j * d_factor) for i in steps for j in steps]


def _turn(angle_deg: float, scale: float) -> Floats:
    c, s = np.cos(np.radians(angle_deg)) * scale, np.sin(np.radians(angle_deg)) * scale
    return np.array([[c, -s], [s, c]])


def _search(
    images: list[Floats], scale: float, grid: float, tries: list[tuple[float, float]]
) -> tuple[float, float, tuple[float, float], float]:
    """The best of several rotations (degrees) and scale factors, with its shift on the grid and its confidence."""
    moving, fixed = images
    target = _edges(_warped(fixed, np.eye(2) / grid, grid, None))
    found = []
    for angle, factor in tries:
        matrix = _turn(angle, factor * scale / grid)
        corners = (
            np.array([[0, 0], [moving.shape[1], 0], [0, moving.shape[0]], moving.shape[::-1]]) @ matrix.T
        )
        low, size = corners.min(axis=0), np.ceil(np.ptp(corners, axis=0)).astype(int) + 1
        template = _edges(_warped(moving, matrix, 1.0, (low, (int(size[1]), int(size[0])))))
        shift, height, confidence = _correlate(template, target)
        found.append((height, angle, factor, (shift[0] - low[0], shift[1] - low[1]), confidence))
    _, angle, factor, shift, confidence = max(found, key=lambda row: row[0])
    return float(angle), float(factor), (float(shift[0]), float(shift[1])), confidence


def _warped(
    image: Floats, matrix: Floats, blur: float, frame: tuple[Floats, tuple[int, int]] | None
) -> Floats:
    """The image seen through a matrix on a new grid; NaN outside. `frame` is the grid's origin and shape."""
    from scipy import ndimage

    filled = np.where(np.isfinite(image), image, np.nanmedian(image) if np.isfinite(image).any() else 0.0)
    smaller = max(blur, 1.0 / np.sqrt(abs(np.linalg.det(matrix))))
    if smaller > 1.2:
        filled = ndimage.gaussian_filter(filled, 0.4 * smaller)
    if frame is None:
        shape = tuple(max(1, int(side * np.sqrt(abs(np.linalg.det(matrix))))) for side in image.shape)
        low = np.zeros(2) - (1 - matrix[0, 0]) / 2
    else:
        low, shape = frame
    back = np.linalg.inv(matrix)
    y, x = np.mgrid[: shape[0], : shape[1]]
    source = back @ np.stack([x.ravel() + low[0], y.ravel() + low[1]])
    values = ndimage.map_coordinates(filled, [source[1], source[0]], order=1, cval=np.nan)
    return np.asarray(values.reshape(shape))


def _edges(image: Floats) -> Floats:
    """Edge strength, mean free and even: the same for either contrast. 0 outside the image."""
    from scipy import ndimage

    inside = np.isfinite(image)
    filled = np.where(inside, image, np.median(image[inside]) if inside.any() else 0.0)
    spread = filled[inside].std() if inside.any() else 0.0
    if spread <= 0:
        return np.zeros_like(image)
    smooth = ndimage.gaussian_filter(filled / spread, 1.5)
    strength = np.hypot(ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1))
    core = ndimage.binary_erosion(inside, iterations=4, border_value=0)
    if not core.any():
        return np.zeros_like(image)
    strength = np.minimum(strength, 4 * strength[core].mean() + 1e-12)
    return np.asarray(np.where(core, strength - strength[core].mean(), 0.0))


def _correlate(template: Floats, target: Floats) -> tuple[tuple[float, float], float, float]:
    """Where (x, y) the template's origin lies in the target, the normalised peak, and its lead over the next best."""
    from scipy import fft

    shape = [fft.next_fast_len(a + b, real=True) for a, b in zip(template.shape, target.shape)]
    spectrum = fft.rfft2(target, shape) * np.conj(fft.rfft2(template, shape))
    surface = fft.irfft2(spectrum, shape)
    shared = fft.irfft2(fft.rfft2(target**2, shape) * np.conj(fft.rfft2((template != 0) * 1.0, shape)), shape)
    energy = np.sqrt(
        np.maximum(shared, 0.15 * float((target**2).sum())) * max(float((template**2).sum()), 1e-30)
    )
    surface = surface / np.maximum(energy, 1e-30)
    peak = np.unravel_index(int(surface.argmax()), surface.shape)
    height = float(surface[peak])
    place = []
    for axis, size in enumerate(shape):
        line = [
            surface[tuple((p + d) % s if k == axis else p for k, (p, s) in enumerate(zip(peak, shape)))]
            for d in (-1, 0, 1)
        ]
        bend = line[0] - 2 * line[1] + line[2]
        part = 0.5 * (line[0] - line[2]) / bend if bend < 0 else 0.0
        at = float(peak[axis]) + float(np.clip(part, -0.5, 0.5))
        place.append(at - size if at > target.shape[axis] else at)
    # the surface goes round: bring the peak to the middle before looking for its rival
    centred = np.roll(surface, [s // 2 - int(p) for s, p in zip(shape, peak)], axis=(0, 1))
    middle = tuple(slice(max(0, s // 2 - 8), s // 2 + 9) for s in shape)
    centred[middle] = -np.inf
    rival = float(centred.max())
    lead = (height - max(rival, 0.0)) / height if height > 0 else 0.0
    return (place[1], place[0]), height, float(np.clip(2 * lead * min(1.0, 2 * height), 0.0, 1.0))
