"""Kinetics of swelling: onset, initial rate, t90, the speed dA/dt, and models of area against time compared by AIC.

Times in s, areas in nm² (or any unit: rates follow it). A change may be an increase or a decrease.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.kinetics.models import MODELS, KineticsFit, solve_model, summary
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

CM2_PER_NM2 = 1e-14
FEWEST = 8


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % limits; NaN where it cannot be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Kinetics:
    """What is told about one curve. `fits` are sorted by AIC, the best first."""

    start_area: Estimate
    onset_s: Estimate
    initial_rate: Estimate  # area units per s
    t90_s: Estimate  # time after the onset at which 90 % of the change is done
    end_area: Estimate
    fits: tuple[KineticsFit, ...]

    @property
    def initial_speed_cm2_s(self) -> Estimate:
        """Initial rate of an area in nm² as the diffusivity-like speed in cm²/s."""
        rate = self.initial_rate
        return Estimate(*(v * CM2_PER_NM2 for v in (rate.value, rate.low, rate.high)))


def analyse(times_s: Floats, areas: Floats, errors: Floats | None = None) -> Kinetics:
    """Onset, rates and fits of a curve; frames without an area (NaN) are left out. `errors` are one deviation."""
    t, a, s = _clean(times_s, areas, errors)
    solved = [found for model in MODELS if (found := solve_model(model, t, a, s)) is not None]
    if not solved:
        raise UserError("No model could be fitted to this curve.", "Choose a longer fit range.")
    likeness = min(
        solved, key=lambda found: found.plain_aic
    ).likeness  # of the same data, so the same for all
    fits = sorted((summary(found, s, likeness) for found in solved), key=lambda fit: fit.aic)
    least = fits[0].aic
    total = sum(math.exp(-0.5 * (fit.aic - least)) for fit in fits)
    fits = [fit.weighted(math.exp(-0.5 * (fit.aic - least)) / total) for fit in fits]
    best = fits[0]
    draws = best.draws(400)
    return Kinetics(
        _of_draws(best.value_at(np.array([t[0]]))[0], [best.value_at(t[:1], row)[0] for row in draws]),
        _of_draws(best.parameters["onset_s"], draws[:, best.names.index("onset_s")]),
        _initial_rate(best, draws, t),
        _t90(best, draws, t),
        _of_draws(best.value_at(t[-1:])[0], [best.value_at(t[-1:], row)[0] for row in draws]),
        tuple(fits),
    )


def _clean(times_s: Floats, areas: Floats, errors: Floats | None) -> tuple[Floats, Floats, Floats]:
    t, a = np.asarray(times_s, float), np.asarray(areas, float)
    if t.shape != a.shape or t.ndim != 1:
        raise UserError("Times and areas are not of the same length.", "Give one time for each area.")
    s = np.ones_like(a) if errors is None else np.asarray(errors, float)
    known = np.isfinite(t) & np.isfinite(a) & np.isfinite(s) & (s > 0)
    if known.sum() < FEWEST or np.ptp(t[known]) <= 0:
        raise UserError(
            f"Only {int(known.sum())} frames have an area; kinetics need at least {FEWEST}.",
            "Follow the particle through more frames.",
        )
    order = np.argsort(t[known], kind="stable")
    return t[known][order], a[known][order], s[known][order]


def _initial_rate(best: KineticsFit, draws: Floats, t: Floats) -> Estimate:
    """Mean rate over the first tenth of the time the change takes (a root has no rate at its start)."""

    def rate(row: Floats | None) -> float:
        onset = best.onset(row)
        span = max(1e-9, 0.1 * _time_of_share(best, row, t, 0.9))
        begin, end = best.value_at(np.array([onset, onset + span]), row)
        return float(end - begin) / span

    return _of_draws(rate(None), [rate(row) for row in draws])


def _t90(best: KineticsFit, draws: Floats, t: Floats) -> Estimate:
    return _of_draws(_time_of_share(best, None, t, 0.9), [_time_of_share(best, row, t, 0.9) for row in draws])


def _time_of_share(best: KineticsFit, row: Floats | None, t: Floats, share: float) -> float:
    """Time after the onset at which a share of the change until the end of the curve is done."""
    onset = min(max(best.onset(row), t[0]), t[-1])
    grid = np.linspace(onset, t[-1], 400)
    curve = best.value_at(grid, row)
    change = curve - curve[0]
    if abs(change[-1]) < 1e-12:
        return math.nan
    done = change / change[-1]
    reached = np.flatnonzero(done >= share)
    return float(grid[reached[0]] - onset) if len(reached) else math.nan


def _of_draws(value: float, draws: Floats | list[float]) -> Estimate:
    sample = np.asarray(draws, float)
    sample = sample[np.isfinite(sample)]
    if not len(sample):
        return Estimate(float(value), math.nan, math.nan)
    low, high = np.quantile(sample, [0.025, 0.975])
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))


def speed(times_s: Floats, areas: Floats, window_s: float) -> tuple[Floats, Floats]:
    """dA/dt at each frame and its deviation, from straight lines through a moving window; NaN where too few frames."""
    t, a = np.asarray(times_s, float), np.asarray(areas, float)
    rates, errors = np.full(len(t), np.nan), np.full(len(t), np.nan)
    for k, now in enumerate(t):
        near = (np.abs(t - now) <= window_s / 2) & np.isfinite(a)
        if near.sum() < 3 or not np.isfinite(a[k]):
            continue
        x, y = t[near] - t[near].mean(), a[near] - a[near].mean()
        square = float((x**2).sum())
        if square <= 0:
            continue
        rates[k] = float((x * y).sum()) / square
        left = y - rates[k] * x
        errors[k] = math.sqrt(float((left**2).sum()) / max(1, near.sum() - 2) / square)
    return rates, errors
