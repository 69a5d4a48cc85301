"""Device clock against host clock: the lower envelope of arrival delays, with offset, rate and uncertainty.

A message can only arrive late, never early. So of all pairs (device time, host time) the earliest arrivals carry the
clocks' relation and the rest is transport. The line wanted lies under all points and is as close to them as it can be:
it is the edge of their lower convex hull above the mean device time.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Origin
from tandem_em.sources.core.base import ClockFit

# Memory stays the same however long a recording is: the buckets get wider instead.
BUCKETS = 512
MIN_SPAN_FOR_RATE_S = 30.0
MAX_RATE_PPM = 500.0
"""Quartz is good to 100 ppm; a steeper envelope is a drift of the delays, not of the clock."""


class Envelope:
    """Collects pairs in constant memory (the earliest arrival of each bucket of device time) and fits on demand."""

    def __init__(self, origin: Origin = "same host", floor_s: float = 0.0) -> None:
        """`floor_s`: what cannot be seen from here, e.g. half of the shortest round trip, or the exposure."""
        self.origin: Origin = origin
        self.floor_s = floor_s
        # A quarter of a second at first; the width doubles whenever there are too many buckets.
        self._width_s = 0.25
        self._buckets: dict[int, tuple[float, float]] = {}
        self._count = 0

    def add(self, device: NDArray[np.float64], host: NDArray[np.float64]) -> None:
        """Add pairs; NaN device times are ignored."""
        good = np.isfinite(device) & np.isfinite(host)
        device, host = device[good], host[good]
        self._count += len(device)
        # Few pairs are quicker one by one.
        if len(device) > 64:
            device, host = self._thin(device, host)
        for one, other in zip(device.tolist(), host.tolist()):
            self._add_one(one, other)
        while len(self._buckets) > BUCKETS:
            self._coarsen()

    def add_pair(self, device: float, host: float) -> None:
        """Add one pair (cheap: called for each frame)."""
        if math.isfinite(device) and math.isfinite(host):
            self._count += 1
            self._add_one(device, host)
            while len(self._buckets) > BUCKETS:
                self._coarsen()

    def fit(self) -> ClockFit:
        """Clock relation from the earliest arrivals so far; an empty fit while there are none."""
        if not self._buckets:
            return ClockFit()
        points = np.array(sorted(self._buckets.values()))
        device, delay = points[:, 0], points[:, 1]
        span = float(device[-1] - device[0])
        # Over a shorter time the jitter of arrivals looks like a rate.
        slope = _envelope_slope(device, delay) if span >= MIN_SPAN_FOR_RATE_S and len(points) >= 8 else 0.0
        if abs(slope) > MAX_RATE_PPM * 1e-6:
            slope = 0.0
        above = delay - slope * device
        offset = float(above.min())
        # The lower quarter: late arrivals say nothing about the clock.
        spread = float(np.percentile(above - offset, 25)) if len(points) > 1 else math.inf
        return ClockFit(
            offset_s=offset,
            rate_ppm=slope * 1e6,
            uncertainty_s=self._uncertainty(spread, len(points)),
            origin=self.origin,
            samples=self._count,
            span_s=span,
        )

    def _uncertainty(self, spread: float, buckets: int) -> float:
        """Few points: what the sync class is worth; many: how far the early arrivals scatter, plus the unseen part."""
        typical = TYPICAL_UNCERTAINTY_S[self.origin]
        if buckets < 4 or self.origin in ("file time", "provisional"):
            return max(typical, self.floor_s)
        return max(spread, 1e-4) + self.floor_s

    def _thin(
        self, device: NDArray[np.float64], host: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Only the earliest arrival of each bucket can touch the envelope.
        numbers = np.floor(device / self._width_s)
        order = np.lexsort((host - device, numbers))
        first = np.unique(numbers[order], return_index=True)[1]
        return device[order][first], host[order][first]

    def _add_one(self, device: float, host: float) -> None:
        number = math.floor(device / self._width_s)
        delay = host - device
        known = self._buckets.get(number)
        if known is None or delay < known[1]:
            self._buckets[number] = (device, delay)

    def _coarsen(self) -> None:
        self._width_s *= 2
        old, self._buckets = self._buckets, {}
        for device, delay in old.values():
            # What is kept is the delay; the host time is put together again.
            self._add_one(device, device + delay)


def _envelope_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Slope of the lower convex hull's edge above the mean of `x`; `x` ascending."""
    hull: list[int] = []
    for i in range(len(x)):
        while len(hull) >= 2:
            a, b = hull[-2], hull[-1]
            # Cross product: the middle point lies above the line and is no corner of the lower hull.
            if (x[b] - x[a]) * (y[i] - y[a]) - (y[b] - y[a]) * (x[i] - x[a]) > 0:
                break
            hull.pop()
        hull.append(i)
    middle = float(np.mean(x))
    for a, b in itertools.pairwise(hull):
        if x[a] <= middle <= x[b]:
            return float((y[b] - y[a]) / (x[b] - x[a]))
    return 0.0
