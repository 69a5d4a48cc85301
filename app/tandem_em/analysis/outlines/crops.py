"""What the outline follower keeps of a movie: the surroundings of one particle, in sample coordinates.

A crop is fixed to the sample to the nearest pixel (the rest of the drift stays in `shift`). Large particles are
averaged over `side` x `side` pixels, so that the work does not grow with the magnification. Counts are divided by
the brightness of their frame. A particle that is brighter than what lies around it is looked at in the negative.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, area
from tandem_em.analysis.outlines.growth import is_lobed
from tandem_em.analysis.outlines.levels import FrameLevel
from tandem_em.core.numeric import Floats

Crop = NDArray[np.float16]
WORK_RADIUS, LOBED_RADIUS = 70.0, 130.0
"""px; larger particles are averaged down below this, clusters with their notches later: as exact, and sooner done."""
GROWTH = 0.55  # room for swelling, relative to the radius
READY = 40  # crops kept as they are computed with
MARGIN = 26.0  # room for drift errors and for the surroundings, in work pixels
BRIGHTEST = 3e4  # of the usual brightness: what still fits into a crop


@dataclass(frozen=True)
class Negative:
    """What becomes 1 in the negative, and by how much it gets darker for each step up in brightness."""

    white: float
    gain: float

    @classmethod
    def of(cls, outside: float, inside: float) -> Negative:
        """What is as bright as the particle becomes half as bright as its surroundings.

        A dark field is proportional to thickness; with no more contrast than that, so is absorption, nearly.
        """
        return cls(outside, 0.5 / (inside - outside))


@dataclass
class Crops:
    """The surroundings of one particle in all frames seen so far."""

    origin: tuple[int, int]
    shape: tuple[int, int]
    side: int
    drift_px: Floats
    images: dict[int, Crop] = field(default_factory=dict)
    noises: dict[int, float] = field(default_factory=dict)
    cut_at: dict[int, Floats] = field(default_factory=dict)  # whole pixels by which a crop followed the drift
    negative: Negative | None = None
    _ready: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def around(cls, keys: Iterable[tuple[int, Polygon]], drift_px: Floats) -> Crops:
        """Crops with room for all key outlines and for swelling."""
        polygons = [polygon - drift_px[frame] for frame, polygon in keys]
        radius = max(math.sqrt(area(polygon) / math.pi) for polygon in polygons)
        lobed = any(is_lobed(polygon) for polygon in polygons)
        side = max(1, math.ceil(radius / (LOBED_RADIUS if lobed else WORK_RADIUS)))
        every = np.vstack(polygons)
        low, high = every.min(axis=0), every.max(axis=0)
        room = GROWTH / 2 * (high - low) + MARGIN * side
        x0, y0 = (int(v) for v in np.floor(low - room))
        columns, rows = (int(v) for v in np.ceil((high - low + 2 * room) / side))
        # a copy: every particle corrects the drift for itself
        return cls((x0, y0), (rows, columns), side, drift_px.copy())

    def add(self, number: int, frame: NDArray[np.generic], level: FrameLevel) -> None:
        """Cut out and keep the surroundings of the particle."""
        if number in self.images:
            return
        from tandem_em.analysis.outlines import kernels

        # cut at whole pixels, so that no frame is resampled; `shift` keeps the rest
        dx, dy = np.rint(self.drift_px[number]).astype(int)
        high = level.bright + 6 * level.noise
        cut = kernels.crop(
            frame,
            self.origin[0] + int(dx),
            self.origin[1] + int(dy),
            *self.shape,
            self.side,
            level.level,
            level.noise,
            -high,
            high,
        )
        self.images[number] = np.clip(cut, -BRIGHTEST, BRIGHTEST).astype(np.float16)
        self.cut_at[number] = np.array([dx, dy], float)
        self.noises[number] = level.noise / level.level / self.side

    def image(self, number: int) -> NDArray[np.float32]:
        """A crop to compute with; the last ones are kept."""
        if number not in self._ready:
            if len(self._ready) >= READY:
                # the oldest: walks and looks back go on frame by frame
                self._ready.pop(next(iter(self._ready)))
            image = self.images[number].astype(np.float32)
            if self.negative is not None:
                image = np.float32(1) - (image - np.float32(self.negative.white)) * np.float32(
                    self.negative.gain
                )
            self._ready[number] = image
        return self._ready[number]

    def noise(self, number: int) -> float:
        """Deviation of one pixel of a crop."""
        return self.noises[number] * (self.negative.gain if self.negative is not None else 1.0)

    def turn_negative(self, negative: Negative) -> None:
        """From now on the particle is dark; in frames that have been looked at, too."""
        self.negative = negative
        # those kept were made before the turn
        self._ready.clear()

    def visible(self, points: Polygon, number: int) -> float:
        """Share of the vertices of an outline (work pixels) that lie in the picture of a frame."""
        x, y = np.rint(points + self.shift(number)).astype(int).T
        rows, columns = self.shape
        within = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
        # outside the frame crops hold NaN
        known = np.isfinite(self.images[number][np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)])
        return float(np.mean(within & known))

    def shift(self, number: int) -> Floats:
        """What is left of the drift of a frame, in work pixels."""
        return np.asarray((self.drift_px[number] - self.cut_at[number]) / self.side)

    def correct(self, number: int, by: Floats) -> None:
        """The particle was found elsewhere than the drift says, by (x, y) work pixels."""
        self.drift_px[number] += by * self.side

    def to_work(self, polygon: Polygon, number: int) -> Polygon:
        """From pixels of a frame to work pixels in sample coordinates."""
        return np.asarray((polygon - self.drift_px[number] - self.origin - (self.side - 1) / 2) / self.side)

    def to_frame(self, points: Polygon, number: int) -> Polygon:
        """From work pixels in sample coordinates to pixels of a frame."""
        return np.asarray(points * self.side + (self.side - 1) / 2 + self.origin + self.drift_px[number])
