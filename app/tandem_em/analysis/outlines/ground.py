"""What lies around and behind a particle: the background, in sample coordinates, as the frames so far have shown it.

Against a known background an edge of the film or of a neighbour is no edge, and what is darker than it must be
particle: an outline that clings to something inside its particle has dark material on its outer side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, normals
from tandem_em.analysis.outlines.band import STEP, EdgeBand, bell, offsets
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.core.numeric import Floats

MARGIN = 3.0  # px around an outline that are not background yet
SLOWEST = 0.06  # weight of the newest frame
DARKEST = 0.35  # nothing darker is divided out
OPEN = 0.75  # of the usual brightness; what is darker is something in front of the film
NEAR, FAR = 1.5, 4.5  # px from the line: where its two sides are looked at


@dataclass
class Ground:
    """Brightness of the background and how often each pixel of the crop was seen uncovered."""

    image: NDArray[np.float32]
    seen: NDArray[np.float32]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Ground:
        """A background of which nothing has been seen yet: brightness 1 everywhere, seen 0 times."""
        return cls(np.ones(shape, np.float32), np.zeros(shape, np.float32))

    def learn(self, crops: Crops, frame: int, outline: Polygon, unsure: Floats | float = 0.0) -> None:
        """Take in what a frame shows outside an outline, and `unsure` px further out at each vertex."""
        from tandem_em.analysis.geometry import kernels as geometry_kernels
        from tandem_em.analysis.outlines import kernels

        wide = outline + (MARGIN + np.broadcast_to(unsure, len(outline)))[:, None] * normals(outline)
        covered = geometry_kernels.covered(wide + crops.shift(frame), *self.image.shape)
        kernels.learn_ground(
            self.image,
            self.seen,
            crops.image(frame),
            covered,
            crops.shift(frame),
            SLOWEST,
        )

    def smooth(self, sigma: float = 10.0) -> NDArray[np.float32]:
        """Slow changes of the background, also across what was never seen and needles."""
        from scipy.ndimage import gaussian_filter

        usual = float(np.median(self.image[self.seen > 0])) if (self.seen > 0).any() else 1.0
        known = ((self.seen > 0) & (self.image > OPEN * usual)).astype(np.float32)
        mass = gaussian_filter(known, sigma)
        mean = gaussian_filter(known * self.image, sigma) / np.maximum(mass, 1e-3)
        return np.where(mass > 1e-3, mean, np.float32(1))


def behind(band: EdgeBand, ground: Ground) -> Floats:
    """Background along a band; what was never seen (it lies inside) continues what lies outside of it."""
    from tandem_em.analysis.geometry import kernels as geometry_kernels
    from tandem_em.analysis.outlines import kernels

    columns = offsets(band.middle * STEP)
    total, mass = np.zeros(band.values.shape), np.zeros(band.values.shape)
    known = np.where(ground.seen > 0, ground.image, np.nan).astype(np.float32)
    geometry_kernels.sample_band(known, band.points, band.normals, columns, 1.0, total, mass)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(mass > 0, total / mass, np.nan)
    # under the particle the film was never seen: its nearest part goes on there
    kernels.continue_inwards(values, 4)
    return np.asarray(np.maximum(values, DARKEST))


def uncovered(band: EdgeBand, ground: Ground) -> Floats:
    """A band as it would be on an even background of brightness 1."""
    return np.asarray(band.values / behind(band, ground))


def lacking(band: EdgeBand, ground: Ground, polarity: float) -> Floats:
    """How much of the background's brightness is missing at each place of a band (more, for bright particles)."""
    return polarity * (1 - uncovered(band, ground))


def two_sides(lack: Floats, along: float) -> tuple[Floats, Floats]:
    """Mean lack just inside and just outside of each column, smoothed along the outline; NaN near the band's ends."""
    from tandem_em.analysis.outlines import kernels

    inner, outer = kernels.side_means(lack, round(NEAR / STEP), round(FAR / STEP))
    taps = bell(along)
    return kernels.smooth_rows(inner, taps), kernels.smooth_rows(outer, taps)


def side_cost(lack: Floats, depth: Floats, noise: float, along: float = 1.5) -> Floats:
    """-log likelihood of the line at each column: background outside, at least some of the particle inside.

    `depth` is the usual lack just inside the edge at each vertex, `noise` the deviation of one sample.
    """
    inner, outer = two_sides(lack, along)
    usual = float(np.median(depth))
    count = (FAR - NEAR) * 1.5 / float((bell(along) ** 2).sum())
    chance = noise / np.sqrt(count)
    out = np.maximum(outer, 0) / np.hypot(chance, 0.22 * usual)
    within = np.maximum(0.75 * depth[:, None] - inner, 0) / np.hypot(chance, 0.25 * usual)
    return _mild(out) + _mild(within)


def _mild(off: Floats, odd: float = 0.06) -> Floats:
    # bounded: one odd place cannot outvote the rest of the line
    cost = -np.log((1 - odd) * np.exp(-0.5 * off**2) + odd)
    # what is not known speaks neither for nor against
    return np.where(np.isfinite(cost), cost, 0.0)
