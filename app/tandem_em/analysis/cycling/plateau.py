"""Voltage plateaus: where much charge passes while the voltage hardly moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.cycling.half_cycle_states import noise_of
from tandem_em.core.numeric import Floats

FLAT = 0.25
"""A plateau's slope dV/dQ is at most this part of the mean slope of the half cycle."""
SHORTEST = 0.05
"""Of all the charge of the half cycle."""


@dataclass(frozen=True)
class Plateau:
    """The longest plateau of a half cycle: its level (V), its scatter (V), its charge (C) and how long it lasted (s)."""

    level_V: float
    scatter_V: float
    charge_C: float
    length_s: float
    start_charge_C: float


def find_plateau(voltage: Floats, charge: Floats, dt: Floats) -> Plateau | None:
    """The longest plateau. `voltage` at the samples, `charge` (C, ≥ 0) and `dt` (s) of the intervals between them."""
    middle = 0.5 * (voltage[1:] + voltage[:-1])
    good = np.isfinite(middle) & (charge > 0)
    if np.count_nonzero(good) < 8:
        return None
    middle, charge, dt = middle[good], charge[good], dt[good]
    passed = np.cumsum(charge) - 0.5 * charge
    total = float(charge.sum())
    low, high = np.percentile(middle, [2, 98])
    noise = noise_of(middle)
    if high - low < max(0.002, 4 * noise):
        return Plateau(float(np.median(middle)), float(np.std(middle)), total, float(dt.sum()), 0.0)
    bins = _bin_count(len(middle), noise, high - low)
    which = np.minimum((passed / total * bins).astype(int), bins - 1)
    used = np.unique(which)
    level = np.array([np.median(middle[which == b]) for b in used])
    if len(used) < 5:
        return None
    slope = np.gradient(level, used / bins)
    flat = np.abs(slope) < FLAT * (high - low)
    first, last = _longest(flat)
    if last < first or (used[last] - used[first] + 1) / bins < SHORTEST:
        return None
    inside = (which >= used[first]) & (which <= used[last])
    inside &= np.abs(middle - np.median(middle[inside])) < max(0.1 * (high - low), 5 * noise)
    amount = float(charge[inside].sum())
    weights = charge[inside] if charge[inside].sum() > 0 else None  # a stretch may hold no charge at all
    mean = float(np.average(middle[inside], weights=weights))
    return Plateau(
        mean,
        float(np.std(middle[inside])),
        amount,
        float(dt[inside].sum()),
        float(used[first] / bins * total),
    )


def _bin_count(samples: int, noise: float, span: float) -> int:
    """As many bins as the noise lets slopes be told apart in."""
    bins = min(100, samples // 4)
    while bins > 10 and 1.25 * noise / np.sqrt(samples / bins) > 0.05 * span / bins * 2:
        bins = int(0.8 * bins)
    return max(5, bins)


def _longest(flat: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last of the longest run; a single odd bin does not break it."""
    mended = flat.copy()
    mended[1:-1] |= flat[:-2] & flat[2:]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mended, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, -1
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best]) - 1
