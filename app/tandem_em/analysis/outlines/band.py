"""The band of image along an outline: sampled along the normals, averaged over frames, asked where the edge is.

Lengths are work pixels. Column `middle` of a band lies on the outline, higher columns lie outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon, normals, oriented, perimeter, resampled
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.core.numeric import Floats

STEP = 0.5  # px between columns
SPACING = 1.3  # px between vertices at the start
FEWEST, MOST = 48, 640


def as_nodes(polygon: Polygon) -> Polygon:
    """An outline as the follower uses it: oriented, with evenly spaced vertices."""
    count = int(np.clip(perimeter(polygon) / SPACING, FEWEST, MOST))
    return resampled(oriented(polygon), count)


@dataclass(frozen=True)
class EdgeBand:
    """Mean brightness (nodes, offsets) around an outline, and how many frames' worth of counts are in it."""

    points: Polygon
    normals: Floats
    values: Floats
    weight: float
    noise: float  # deviation of one pixel in the mean

    @property
    def middle(self) -> int:
        """Index of the offset that lies on the outline itself."""
        return int(self.values.shape[1] // 2)


def offsets(reach: float) -> Floats:
    """Column positions from -reach to reach."""
    count = round(reach / STEP)
    return np.asarray(np.arange(-count, count + 1) * STEP, float)


def read_band(
    crops: Crops, around: dict[int, Polygon], weights: dict[int, float], at: Polygon, reach: float
) -> EdgeBand:
    """The band around the outline `at`, averaged over frames, each sampled around its own outline."""
    from tandem_em.analysis.geometry import kernels as geometry_kernels

    columns = offsets(reach)
    total, mass = np.zeros((len(at), columns.size)), np.zeros((len(at), columns.size))
    squares, noise = 0.0, 0.0
    for number, weight in weights.items():
        points = around[number]
        geometry_kernels.sample_band(
            crops.image(number),
            points + crops.shift(number),
            normals(points),
            columns,
            weight,
            total,
            mass,
        )
        squares += weight**2
        noise += (weight * crops.noise(number)) ** 2
    whole = sum(weights.values())
    with np.errstate(invalid="ignore", divide="ignore"):
        # where most of the frames show nothing the mean is that of a few: unknown
        values = np.where(mass > 0.4 * whole, total / mass, np.nan)
    return EdgeBand(at, normals(at), values, whole**2 / squares, float(np.sqrt(noise)) / whole)


def edge_taps(width: float) -> Floats:
    """Derivative of a gaussian on the columns: answers 1 to a sharp step of height 1 from dark inside to bright outside."""
    reach = round(3 * width / STEP)
    d = np.arange(-reach, reach + 1) * STEP
    taps = d * np.exp(-0.5 * (d / width) ** 2)
    return np.asarray(taps / taps[reach:].sum())


def bell(sigma: float) -> Floats:
    """Weights of a gaussian mean."""
    reach = max(1, round(3 * sigma))
    d = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (d / sigma) ** 2)
    return np.asarray(weights / weights.sum())


def response(band: EdgeBand, width: float, along: float) -> Floats:
    """How much brighter it is outside than inside at each column, if the edge were there; smoothed along the outline."""
    from tandem_em.analysis.outlines import kernels

    raw = kernels.edge_response(band.values, edge_taps(width))
    return np.asarray(kernels.smooth_rows(raw, bell(along)) if along > 0 else raw)


def response_noise(band: EdgeBand, width: float, along: float) -> float:
    """Deviation of `response` from counting noise; bilinear sampling takes a quarter off."""
    # reading between pixels averages part of their noise away
    across = 0.75 * band.noise * np.sqrt(0.886 / width)
    return float(across * np.sqrt((bell(along) ** 2).sum()) if along > 0 else across)
