"""Charge from current over the true stamps: gaps left out and listed, zero from a rest, error from the zero's uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.model.curves import usual_gap_limit

Ints = NDArray[np.intp]
LATE_SAMPLES = 3
"""So many samples may come too late (out of order) before a step back counts as a clock that was set back."""


@dataclass(frozen=True)
class Gap:
    """A stretch without samples, left out of integrals. `reason`: pause, break (a new segment) or clock set back."""

    start_s: float
    end_s: float
    reason: str = "pause"


@dataclass(frozen=True)
class Zero:
    """What the instrument reads when no current flows (A), its standard error (A) and where that was found."""

    current_A: float = 0.0
    error_A: float = 0.0
    noise_A: float = 0.0
    """Standard deviation of one sample around the zero."""
    start_s: float | None = None
    end_s: float | None = None
    samples: int = 0


@dataclass(frozen=True)
class Steps:
    """The intervals between consecutive usable samples: what every integral here is made of.

    `index`: numbers of the usable samples; interval k lies between index[k] and index[k + 1] and lasts dt_s[k]; gaps
    and steps back have dt 0 and `open` True."""

    index: Ints
    dt_s: Floats
    open: NDArray[np.bool_]
    gaps: list[Gap]
    late: int = 0
    """Samples left out because their stamps come before those of earlier samples."""
    limit_s: float = np.inf


@dataclass(frozen=True)
class Charge:
    """Charge passed since the first sample (C) at every sample, its error (C) and what was left out."""

    charge_C: Floats
    error_C: Floats
    gaps: list[Gap] = field(default_factory=list)
    zero: Zero = field(default_factory=Zero)
    late: int = 0

    @property
    def total_C(self) -> float:
        """Charge at the last sample; 0 where there is no sample."""
        return float(self.charge_C[-1]) if len(self.charge_C) else 0.0


def intervals(
    t: Floats,
    usable: NDArray[np.bool_] | None = None,
    gap_limit_s: float | None = None,
    segment_starts: Sequence[int] = (),
) -> Steps:
    """The intervals of a recording. `usable`: samples that have a value; `segment_starts`: nothing joins across them."""
    t = np.asarray(t, np.float64)
    good = np.isfinite(t) if usable is None else usable & np.isfinite(t)
    late = _late_samples(t, good)
    index = np.flatnonzero(good & ~late)
    limit = usual_gap_limit(t[index]) if gap_limit_s is None else gap_limit_s
    dt = np.diff(t[index])
    is_open = (dt > limit) | (dt < 0)
    is_open[_crossed(index, segment_starts)] = True
    gaps = [_gap(t, index, k, float(dt[k]), limit) for k in np.flatnonzero(is_open).tolist()]
    return Steps(index, np.where(is_open, 0.0, dt), is_open, gaps, int(np.count_nonzero(late)), float(limit))


def _crossed(index: Ints, segment_starts: Sequence[int]) -> list[int]:
    """The intervals in which a new segment begins."""
    found = [int(np.searchsorted(index, start)) - 1 for start in segment_starts if start > 0]
    return sorted({k for k in found if 0 <= k < len(index) - 1})


def _gap(t: Floats, index: Ints, k: int, dt: float, limit: float) -> Gap:
    reason = "clock set back" if dt < 0 else "pause" if dt > limit else "break"
    return Gap(float(t[index[k]]), float(t[index[k + 1]]), reason)


def _late_samples(t: Floats, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Single samples whose stamps lie before those of earlier ones, while the clock itself goes on."""
    late = np.zeros(len(t), bool)
    usable = np.flatnonzero(good)
    stamps = t[usable]
    for k in np.flatnonzero(np.diff(stamps) < 0) + 1:
        following = np.flatnonzero(stamps[k : k + LATE_SAMPLES + 1] >= stamps[k - 1])
        if len(following):
            late[usable[k : k + following[0]]] = True
    return late


def zero_from_span(t: Floats, current_A: Floats, span: tuple[float, float]) -> Zero:
    """The zero from a marked rest (seconds): mean, and its standard error with correlated noise allowed for.

    The error is the scatter of the means of ten blocks, which a drift or slow noise within the rest makes larger."""
    inside = (t >= span[0]) & (t <= span[1]) & np.isfinite(current_A)
    values = np.asarray(current_A[inside], np.float64)
    if not len(values):
        raise ValueError("there are no samples in the marked rest")
    noise = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    error = noise / np.sqrt(len(values)) if len(values) > 1 else abs(float(values[0]))
    if len(values) >= 20:
        # slow drift of the zero is no noise that averages out
        means = np.array([np.mean(block) for block in np.array_split(values, 10)])
        error = max(error, float(np.std(means, ddof=1)) / np.sqrt(10))
    return Zero(float(np.mean(values)), float(error), noise, float(span[0]), float(span[1]), len(values))


def integrate(
    t: Floats,
    current_A: Floats,
    zero: Zero | None = None,
    gap_limit_s: float | None = None,
    segment_starts: Sequence[int] = (),
) -> Charge:
    """Charge (C) passed at every sample: trapezoids over the true stamps, nothing over gaps.

    `current_A` is as recorded; the zero is taken off here. Samples without a value repeat the charge before them."""
    zero = zero or Zero()
    t, current_A = np.asarray(t, np.float64), np.asarray(current_A, np.float64)
    steps = intervals(t, np.isfinite(current_A), gap_limit_s, segment_starts)
    at = current_A[steps.index] - zero.current_A
    passed = np.concatenate([[0.0], np.cumsum(0.5 * (at[1:] + at[:-1]) * steps.dt_s)])
    elapsed = np.concatenate([[0.0], np.cumsum(steps.dt_s)])
    if not len(steps.index):
        empty = np.zeros(len(t))
        return Charge(empty, empty.copy(), [], zero, steps.late)
    # samples that were left out show the charge of the last good one
    before = np.maximum(np.searchsorted(steps.index, np.arange(len(t)), side="right") - 1, 0)
    return Charge(passed[before], elapsed[before] * zero.error_A, steps.gaps, zero, steps.late)
