"""Values along a line with width, from an image or from spectra: the mean across the width and its error."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import AnyArray


def sample_points(
    start: tuple[float, float], end: tuple[float, float], width_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Positions one pixel apart: distance along the line (n,), x and y (n, width)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    count = max(2, round(length) + 1)
    along = np.linspace(0, 1, count)
    across = np.arange(max(1, round(width_px))) - (max(1, round(width_px)) - 1) / 2
    nx, ny = (-dy / length, dx / length) if length else (0.0, 1.0)
    x = start[0] + along[:, None] * dx + across[None, :] * nx
    y = start[1] + along[:, None] * dy + across[None, :] * ny
    return along * length, x, y


def bilinear(image: AnyArray, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values between pixels; NaN outside the image."""
    height, width = image.shape[:2]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    xc, yc = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    x0 = np.minimum(np.floor(xc).astype(int), max(width - 2, 0))
    y0 = np.minimum(np.floor(yc).astype(int), max(height - 2, 0))
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = xc - x0, yc - y0
    top = image[y0, x0] * (1 - fx) + image[y0, x1] * fx
    bottom = image[y1, x0] * (1 - fx) + image[y1, x1] * fx
    return np.where(inside, top * (1 - fy) + bottom * fy, np.nan)


def profile(
    image: AnyArray,
    start: tuple[float, float],
    end: tuple[float, float],
    width_px: float,
    error: AnyArray | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Distance (px), mean across the width, and its standard error.

    With an `error` image the error is that of the mean of independent pixels; without, it comes from the scatter. Blank
    pixels count for neither; where all are blank, both are NaN.
    """
    distance, x, y = sample_points(start, end, width_px)
    values = bilinear(image, x, y)
    good = np.isfinite(values)
    count = np.maximum(good.sum(axis=1), 1)
    known = good.any(axis=1)
    mean = np.where(known, np.nansum(values, axis=1) / count, np.nan)
    if error is not None:
        variance = np.nansum(np.where(good, bilinear(error, x, y), np.nan) ** 2, axis=1)
        return distance, mean, np.where(known, np.sqrt(variance) / count, np.nan)
    scatter = np.nansum((values - mean[:, None]) ** 2, axis=1) / np.maximum(count - 1, 1)
    return distance, mean, np.where(known, np.sqrt(scatter / count), np.nan)
