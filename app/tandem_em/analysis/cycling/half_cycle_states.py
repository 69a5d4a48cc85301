"""Telling charge, discharge and rest apart sample by sample, also where the noise is as large as the current."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

States = NDArray[np.int8]
REST_FRACTION = 0.02
"""Less than this part of the usual current is a rest, when the noise is smaller still."""
NOISE_FACTOR = 4.0
CHATTER, SHORT_REST = 0.25, 0.1
"""A rest with more than this part of the threshold on average, shorter than this part of its neighbours, is none."""
SLOW_FRACTION = 0.05
"""Of what is otherwise a rest, currents down to this part may be slow cycles."""


@dataclass(frozen=True)
class Thresholds:
    """Above `on_A` current flows, below `off_A` it rests, between them the state stays. `window`: samples averaged first."""

    on_A: float
    off_A: float
    noise_A: float
    window: int


def noise_of(values: Floats) -> float:
    """Standard deviation of one sample, from the differences of neighbours (steps and slopes do not count)."""
    if len(values) < 3:
        return 0.0
    second = np.diff(values, 2)
    return float(np.median(np.abs(second - np.median(second)))) / 0.6745 / np.sqrt(6.0)


def find_thresholds(
    current: Floats, known_noise_A: float = 0.0, rest_below_A: float | None = None
) -> Thresholds:
    """Thresholds from the current itself: its noise, and how large it usually is where it flows."""
    noise = max(noise_of(current), known_noise_A)
    longest = max(1, len(current) // 40)
    window = 1
    usual = _usual(current, noise)
    while window < longest and NOISE_FACTOR * noise / np.sqrt(window) > 0.4 * usual:
        window = min(longest, 2 * window)
        usual = _usual(averaged(current, window), noise / np.sqrt(window))
    left = noise / np.sqrt(window)
    on = max(NOISE_FACTOR * left, REST_FRACTION * usual) if rest_below_A is None else rest_below_A
    if rest_below_A is None and (slow := _slow(averaged(current, window), NOISE_FACTOR * left, on)):
        on = max(NOISE_FACTOR * left, 0.3 * slow)
    off = min(max(0.5 * on, on - 2 * NOISE_FACTOR * left), 0.9 * on)
    return Thresholds(on, off, noise, window)


def _slow(current: Floats, floor: float, on: float) -> float:
    """The usual current of slow cycles beside much faster ones; 0 when there are none.

    Slow cycles charge and discharge about alike; the offset of an instrument at rest has one sign only."""
    levels = []
    for sign in (1, -1):
        small = sign * current[(sign * current > max(floor, SLOW_FRACTION * on)) & (sign * current <= on)]
        if len(small) < max(20, 0.01 * len(current)):
            return 0.0
        levels.append(float(np.median(small)))
    return min(levels) if max(levels) < 3 * min(levels) else 0.0


def _usual(current: Floats, noise: float) -> float:
    """How large the current is where it flows: the median of what stands clearly above the noise."""
    size = np.abs(current)
    flowing = size[size > max(NOISE_FACTOR * noise, REST_FRACTION * float(np.percentile(size, 98)))]
    return float(np.median(flowing)) if len(flowing) else 0.0


def averaged(values: Floats, window: int) -> Floats:
    """Centred moving mean over `window` samples (shorter at the ends)."""
    if window <= 1:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    low, high = np.maximum(at - window // 2, 0), np.minimum(at + (window + 1) // 2, len(values))
    return np.asarray((total[high] - total[low]) / (high - low), np.float64)


def find_states(current: Floats, thresholds: Thresholds) -> States:
    """+1, −1 or 0 (rest) for every sample, with hysteresis; lone samples that stick out are taken as their neighbours."""
    smooth = averaged(current, thresholds.window)
    marked = np.zeros(len(smooth), np.int8)
    known = np.abs(smooth) <= thresholds.off_A
    for sign in (1, -1):
        flows = sign * smooth > thresholds.on_A
        marked[flows] = sign
        known |= flows
    last = np.maximum.accumulate(np.where(known, np.arange(len(smooth)), -1))
    states = np.where(last >= 0, marked[np.maximum(last, 0)], 0).astype(np.int8)
    turned = (states != 0) & (np.sign(smooth) == -states) & ~known
    states[turned] = 0  # crossed zero without reaching the other threshold: it rests
    return _without_lone_samples(states)


def _without_lone_samples(states: States) -> States:
    if len(states) < 3:
        return states
    lone = (states[1:-1] != states[:-2]) & (states[:-2] == states[2:])
    apart = lone & ~np.concatenate([[False], lone[:-1]])
    states = states.copy()
    states[1:-1][apart] = states[:-2][apart]
    return states


def find_stretches(current: Floats, thresholds: Thresholds) -> list[tuple[int, int, int]]:
    """Sign, first sample and end (one past the last) of every stretch, in order."""
    states = find_states(current, thresholds)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(states)) + 1, [len(states)]])
    signs = states[edges[:-1]]
    edges, signs = _without_crossings(edges, signs, thresholds.window)
    edges, signs = _without_chatter(current, edges, signs, thresholds.on_A)
    if thresholds.window > 1:
        edges = _sharpened(current, edges, thresholds.window)
    return [(int(sign), int(a), int(b)) for sign, a, b in zip(signs, edges[:-1], edges[1:]) if b > a]


def _without_crossings(
    edges: NDArray[np.intp], signs: States, window: int
) -> tuple[NDArray[np.intp], States]:
    """A "rest" no longer than the averaging between charge and discharge is the current crossing zero: it is shared."""
    inner = np.flatnonzero((signs[1:-1] == 0) & (signs[:-2] == -signs[2:]) & (signs[:-2] != 0)) + 1
    inner = inner[np.diff(edges)[inner] <= window]
    if not len(inner):
        return edges, signs
    edges = edges.copy()
    edges[inner] = (edges[inner] + edges[inner + 1] + 1) // 2
    keep = np.ones(len(signs), bool)
    keep[inner] = False
    return np.concatenate([edges[:-1][keep], edges[-1:]]), signs[keep]


def _without_chatter(
    current: Floats, edges: NDArray[np.intp], signs: States, on_A: float
) -> tuple[NDArray[np.intp], States]:
    """A short "rest" in which current still flows the same way on average is noise at the threshold, and no rest."""
    total = np.concatenate([[0.0], np.cumsum(current)])
    lengths = np.diff(edges)
    mean = (total[edges[1:]] - total[edges[:-1]]) / np.maximum(lengths, 1)
    keep = np.ones(len(signs), bool)
    for k in np.flatnonzero(signs[1:-1] == 0) + 1:
        same_way = signs[k - 1] == signs[k + 1] != 0 and signs[k - 1] * mean[k] > CHATTER * on_A
        if same_way and lengths[k] <= SHORT_REST * max(lengths[k - 1], lengths[k + 1]):
            keep[k] = keep[k + 1] = False
    return np.concatenate([edges[:-1][keep], edges[-1:]]), signs[keep]


def _sharpened(current: Floats, edges: NDArray[np.intp], window: int) -> NDArray[np.intp]:
    """Averaging blurs edges: put each where two constant currents fit the samples around it best."""
    sharp = edges.copy()
    for k in range(1, len(edges) - 1):
        low, high = max(sharp[k - 1] + 1, edges[k] - window), min(edges[k + 1] - 1, edges[k] + window)
        piece = current[max(sharp[k - 1], low - window) : min(edges[k + 1], high + window)]
        start = max(sharp[k - 1], low - window)
        if high - low < 2 or len(piece) < 4:
            continue
        total = np.cumsum(piece)
        count = np.arange(1, len(piece))
        left = total[:-1] / count
        right = (total[-1] - total[:-1]) / (len(piece) - count)
        gain = left**2 * count + right**2 * (len(piece) - count)
        allowed = slice(max(low - start - 1, 0), max(high - start, 1))
        sharp[k] = start + 1 + allowed.start + int(np.argmax(gain[allowed]))
    return sharp
