"""Kinetics: what went into a curve comes out of it, with limits that hold it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.kinetics.fits import analyse, speed
from tandem_em.analysis.kinetics.models import MODELS, curve
from tandem_em.core.notices import UserError

TIMES = np.sort(np.random.default_rng(2).uniform(0, 120, 110))
TRUE = {
    "saturating": np.array([5000.0, 18.0, 14.0, 2500.0]),
    "root": np.array([5000.0, 18.0, 260.0]),
    "linear": np.array([5000.0, 18.0, 24.0]),
    "two-stage": np.array([5000.0, 18.0, 8.0, 1800.0, 12.0]),
}


def made(name: str, noise: float = 40.0, seed: int = 1) -> np.ndarray:
    model = next(m for m in MODELS if m.name == name)
    return curve(model, TRUE[name], TIMES) + np.random.default_rng(seed).normal(0, noise, TIMES.size)


@pytest.mark.parametrize("name", TRUE)
def test_the_right_model_wins_and_its_limits_hold_the_truth(name: str) -> None:
    result = analyse(TIMES, made(name))
    best = result.fits[0]
    assert best.model.name == name
    assert sum(fit.weight for fit in result.fits) == pytest.approx(1)
    for key, true in zip(best.names, TRUE[name]):
        low, high = best.intervals[key]
        wide = 0.6 * (high - low)
        assert low - wide <= true <= high + wide, key
    assert result.onset_s.value == pytest.approx(18, abs=2.5)


def test_t90_and_initial_speed_of_a_saturating_curve() -> None:
    result = analyse(TIMES, made("saturating", 15.0))
    assert result.t90_s.value == pytest.approx(14 * math.log(10), rel=0.06)
    assert result.t90_s.low <= 14 * math.log(10) <= result.t90_s.high * 1.02
    first = 2500 / 14
    assert 0.75 * first < result.initial_rate.value < 1.05 * first
    speed_cm2 = result.initial_speed_cm2_s
    assert speed_cm2.value == pytest.approx(result.initial_rate.value * 1e-14)


def test_intervals_hold_the_truth_most_of_the_time() -> None:
    inside = 0
    for seed in range(30):
        fit = analyse(TIMES, made("saturating", seed=seed)).fits
        mine = next(f for f in fit if f.model.name == "saturating")
        low, high = mine.intervals["tau_s"]
        inside += low <= 14.0 <= high
    assert inside >= 25


def test_gaps_are_left_out_and_a_shrinking_particle_is_a_change_too() -> None:
    areas = 8000 - (made("saturating", 20.0) - 5000)
    areas[30:40] = np.nan
    result = analyse(TIMES, areas)
    assert result.fits[0].parameters["change"] < 0
    assert result.initial_rate.value < 0


def test_too_few_frames_is_a_sentence() -> None:
    with pytest.raises(UserError, match="at least"):
        analyse(np.arange(5.0), np.arange(5.0))
    with pytest.raises(UserError, match="same length"):
        analyse(np.arange(5.0), np.arange(6.0))


@settings(deadline=None, max_examples=20)
@given(st.floats(-50, 50), st.floats(-1e4, 1e4))
def test_speed_of_a_straight_line_is_its_slope(slope: float, start: float) -> None:
    rates, errors = speed(TIMES, start + slope * TIMES, 15.0)
    known = np.isfinite(rates)
    assert known.sum() > 100
    np.testing.assert_allclose(rates[known], slope, atol=1e-6)
    assert np.nanmax(errors) < 1e-5


@pytest.mark.parametrize("name", TRUE)
def test_a_curve_without_any_noise_has_limits_too(name: str) -> None:
    """What hangs together completely has a wide interval, not one of an impossible variance."""
    for fit in analyse(TIMES, made(name, 0.0)).fits:
        assert (np.diag(fit.covariance) >= 0).all()
        assert all(low <= fit.parameters[key] <= high for key, (low, high) in fit.intervals.items())


def test_a_straight_line_is_fitted_by_every_model_with_finite_limits() -> None:
    t = np.arange(40.0)
    for fit in analyse(t, 25.0 + 0.25 * np.maximum(0, t - 10)).fits:
        assert np.isfinite([limit for pair in fit.intervals.values() for limit in pair]).all()
