"""How far two recordings of one experiment lie apart in time: where their changes agree best, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.core.numeric import Floats


@dataclass(frozen=True)
class Lag:
    """Add `lag_s` to the other's times to lay it on the reference. `confidence`: 0 (a guess) to 1 (no second place)."""

    lag_s: float
    uncertainty_s: float
    confidence: float


def activity(t: Floats, values: Floats) -> tuple[Floats, Floats]:
    """When a signal changes and by how much, in multiples of its usual change; times are those after the change."""
    order = np.argsort(t, kind="stable")
    t, values = t[order], values[order]
    good = np.isfinite(t) & np.isfinite(values)
    t, change = t[good][1:], np.abs(np.diff(values[good]))
    usual = float(np.median(change)) if len(change) else 0.0
    spread = 1.4826 * float(np.median(np.abs(change - usual))) if len(change) else 0.0
    scale = spread or float(change.mean() if len(change) else 1.0) or 1.0
    return t, np.clip((change - usual) / scale - 3.0, 0.0, 30.0)


def find_lag(
    reference: tuple[Floats, Floats], other: tuple[Floats, Floats], within_s: float, step_s: float
) -> Lag:
    """The lag between two activities that multiplies to most, looked for up to `within_s` either way."""
    start = min(reference[0][0], other[0][0] - within_s)
    end = max(reference[0][-1], other[0][-1] + within_s)
    count = int(np.ceil((end - start) / step_s)) + 2
    one, two = (_on_grid(t, y, start, step_s, count) for t, y in (reference, other))
    # twice the length: the end of one must not meet the start of the other
    spectrum = np.fft.rfft(one, 2 * count) * np.conj(np.fft.rfft(two, 2 * count))
    product = np.fft.irfft(spectrum, 2 * count)
    most = int(within_s / step_s)
    lags = np.arange(-most, most + 1)
    score = product[lags]
    best = int(np.argmax(score))
    if score[best] <= 0:
        return Lag(0.0, float("inf"), 0.0)
    width = max(2, round(1.0 / step_s * 0.5))
    # the flank of the best peak is no second place
    apart = np.abs(lags - lags[best]) > width
    second = float(score[apart].max(initial=0.0))
    confidence = float(np.clip(1.0 - second / score[best], 0.0, 1.0))
    half = np.flatnonzero((score > 0.5 * score[best]) & ~apart)
    unsure = step_s * max(1.0, len(half) / 2)
    return Lag(float(lags[best] * step_s), float(unsure), confidence)


def _on_grid(t: Floats, y: Floats, start: float, step_s: float, count: int) -> Floats:
    """Activity summed into steps, a little blurred so that stamps on either side of a step's border still meet."""
    grid = np.bincount(np.round((t - start) / step_s).astype(int).clip(0, count - 1), y, minlength=count)
    return np.asarray(np.convolve(grid, (0.25, 0.5, 0.25), mode="same"))
