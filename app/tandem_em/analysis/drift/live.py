"""Drift of frames as they come in: each is compared with a running mean of those before, nothing is looked up again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.drift.frames import BLANK_LEVEL, SmallFrames, bin_side, prepare
from tandem_em.analysis.drift.measure import SEARCH_CLUTTER, UNSURE_PEAK, taper
from tandem_em.analysis.drift.spectra import Grid, coarse_shift, cross, fine_shift, noise_power
from tandem_em.analysis.geometry.polygon import Polygon
from tandem_em.core.numeric import Floats

MEMORY = 0.03  # weight of the newest frame in the running mean; more of it would let errors add up
LASTING = (2 - MEMORY) / MEMORY  # frames whose plain mean has the noise of the running one
HIGHEST = 0.3  # cycles per bin
ROOM = 1.15  # of the radius of what is hidden
LEAST_LEFT = 0.25  # of the frame; hiding more would leave too little to see the drift by


class LiveDrift:
    """Shift (x, y) in px of each new frame against the first one. Memory and work per frame stay the same."""

    def __init__(self, first: NDArray[np.generic]) -> None:
        rows, columns = first.shape
        self._side = bin_side(rows, columns, 1)
        self._region = (0, 0, columns, rows)
        small = self._small(first)
        tall, wide = small.stack.shape[1:]
        self._open = taper(tall)[:, None] * taper(wide)[None, :]
        self._weights = self._open
        self._grid = Grid.of(tall, wide, HIGHEST)
        self._level = float(small.levels[0])
        self._reference = self._spectrum(small)
        self._weight = 1.0
        self._known = np.zeros(2)

    def hide(self, polygons: list[Polygon]) -> None:
        """Leave out what changes by itself: outlines (N, 2) in pixels of the frame that came last."""
        self._weights = self._open.copy()
        rows, columns = self._open.shape
        y, x = (np.arange(n) * self._side + (self._side - 1) / 2 for n in (rows, columns))
        for polygon in polygons:
            middle = polygon.mean(axis=0)
            reach = ROOM * np.hypot(*(polygon - middle).T).max() + self._side
            away = np.hypot(x[None, :] - middle[0], y[:, None] - middle[1]) / reach
            # a soft rim: a sharp one would itself be a feature that does not move
            self._weights *= np.clip((away - 1) / 0.15, 0, 1).astype(np.float32)
        if self._weights.sum() < LEAST_LEFT * self._open.sum():
            self._weights = self._open

    def shift(self, frame: NDArray[np.generic]) -> tuple[Floats, bool]:
        """Where the content of a frame lies, and whether that is believed; a doubtful frame gets the last shift."""
        small = self._small(frame)
        if small.levels[0] < BLANK_LEVEL * self._level:
            return self._known * self._side, False
        grid, spectrum = self._grid, self._spectrum(small)
        averaged = min(self._weight, LASTING)
        product = cross(spectrum, self._reference, noise_power(spectrum), SEARCH_CLUTTER, averaged)
        start, quality = coarse_shift(grid, product * np.conj(grid.ramp(self._known)))
        # a doubtful frame keeps the last drift and does not enter the reference
        if quality <= UNSURE_PEAK:
            return self._known * self._side, False
        self._known, _ = fine_shift(grid, product, self._known + start)
        self._weight += 1
        # a plain mean at first, a running one once it holds enough frames
        newest = np.float32(max(MEMORY, 1 / self._weight))
        self._reference += newest * (spectrum * np.conj(grid.ramp(self._known)) - self._reference)
        self._level += float(newest) * (float(small.levels[0]) - self._level)
        return self._known * self._side, True

    def _small(self, frame: NDArray[np.generic]) -> SmallFrames:
        image, level = prepare(frame, self._region, self._side)
        return SmallFrames(image[None], np.array([level]), self._side)

    def _spectrum(self, small: SmallFrames) -> NDArray[np.complex64]:
        weight = self._weights * small.without_needle(0)
        image = small.image(0)
        image -= np.float32((image * weight).sum() / (weight.sum() + 1e-9))
        return self._grid.spectrum(image * weight)
