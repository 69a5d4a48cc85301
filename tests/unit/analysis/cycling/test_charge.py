"""Charge over the true stamps: exact without gaps, silent over gaps, honest about the zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_cell import record

from tandem_em.analysis.cycling.charge import Zero, integrate, intervals, zero_from_span
from tandem_em.model.curves import usual_gap_limit


def test_constant_current_over_irregular_stamps() -> None:
    t = np.array([0.0, 0.1, 0.35, 1.0, 1.9])
    charge = integrate(t, np.full(5, 2e-9))
    np.testing.assert_allclose(charge.charge_C, 2e-9 * t)
    assert charge.gaps == []


def test_a_gap_adds_nothing_and_is_listed() -> None:
    t = np.concatenate([np.arange(0, 100.0), np.arange(500, 600.0)])
    charge = integrate(t, np.full(200, 1e-9))
    assert charge.total_C == pytest.approx(198e-9)
    assert [(gap.start_s, gap.end_s, gap.reason) for gap in charge.gaps] == [(99, 500, "pause")]
    assert integrate(t, np.full(200, 1e-9), gap_limit_s=1000).total_C == pytest.approx(599e-9)


def test_nothing_joins_across_a_new_segment() -> None:
    t = np.arange(10.0)
    charge = integrate(t, np.full(10, 1.0), segment_starts=[0, 5])
    assert charge.total_C == pytest.approx(8.0)
    assert charge.gaps[0].reason == "break"


def test_repeated_late_and_set_back_stamps() -> None:
    assert integrate(np.array([0.0, 1, 1, 2]), np.ones(4)).total_C == pytest.approx(2)
    late = integrate(np.array([0.0, 1, 3, 2, 4, 5]), np.ones(6))
    assert late.total_C == pytest.approx(5)
    assert late.late == 1
    back = integrate(np.concatenate([np.arange(100.0), np.arange(50, 150.0)]), np.ones(200))
    assert back.total_C == pytest.approx(198)
    assert back.gaps[0].reason == "clock set back"


def test_missing_currents_are_bridged_like_any_pause() -> None:
    current = np.ones(20)
    current[5] = np.nan
    charge = integrate(np.arange(20.0), current)
    assert charge.total_C == pytest.approx(19)
    assert np.isfinite(charge.charge_C).all()
    assert not integrate(np.arange(3.0), np.full(3, np.nan)).charge_C.any()
    assert integrate(np.empty(0), np.empty(0)).total_C == 0


def test_zero_from_a_rest_and_its_error() -> None:
    recording = record([(1000, 0.0), (1000, 1e-11)], noise_A=2e-13, zero_A=5e-13)
    zero = zero_from_span(recording.t, recording.current, (0, 990))
    assert zero.current_A == pytest.approx(5e-13, abs=4 * zero.error_A)
    assert zero.error_A == pytest.approx(2e-13 / np.sqrt(991), rel=0.8)
    charge = integrate(recording.t, recording.current, zero)
    assert charge.total_C == pytest.approx(1e-8, abs=4 * charge.error_C[-1] + 1e-11)
    assert charge.error_C[-1] == pytest.approx(zero.error_A * 1999)
    with pytest.raises(ValueError, match="no samples"):
        zero_from_span(recording.t, recording.current, (-10, -5))


def test_a_drifting_rest_has_a_larger_error() -> None:
    t = np.arange(1000.0)
    noise = np.random.default_rng(0).normal(size=1000) * 1e-13
    assert (
        zero_from_span(t, noise + 1e-15 * t, (0, 999)).error_A
        > 5 * zero_from_span(t, noise, (0, 999)).error_A
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.001, 0.9), min_size=3, max_size=60), st.integers(0, 99))
def test_charge_does_not_depend_on_where_it_is_cut(steps: list[float], seed: int) -> None:
    t = np.cumsum(steps)
    current = np.random.default_rng(seed).normal(size=len(t)) * 1e-9
    whole = integrate(t, current, gap_limit_s=10)
    middle = len(t) // 2
    parts = integrate(t[: middle + 1], current[: middle + 1], gap_limit_s=10).total_C
    parts += integrate(t[middle:], current[middle:], gap_limit_s=10).total_C
    assert whole.total_C == pytest.approx(parts, abs=1e-20)
    np.testing.assert_allclose(whole.total_C, np.trapezoid(current, t), atol=1e-20)


def test_usual_gap_limit() -> None:
    assert usual_gap_limit(np.arange(10.0) * 60) == 600
    assert usual_gap_limit(np.arange(10.0) * 1e-3) == 1
    assert usual_gap_limit(np.array([1.0])) == np.inf


def test_long_steps_that_come_regularly_are_no_gaps() -> None:
    """A cycler takes a sample each 10 s or when the voltage moved, and each 300 s on the plateau."""
    t = np.cumsum(np.concatenate([np.full(300, 10.0), np.full(40, 300.0), np.full(300, 10.0)]))
    charge = integrate(t, np.full(len(t), 1e-3))
    assert charge.gaps == []
    assert charge.total_C == pytest.approx(1e-3 * (t[-1] - t[0]))
    lost = np.concatenate([t[:200], t[200:] + 3600])
    assert [gap.end_s - gap.start_s for gap in integrate(lost, np.full(len(t), 1e-3)).gaps] == [3610]


def test_a_few_gaps_in_a_short_recording_are_gaps() -> None:
    t = np.arange(60.0) + np.repeat([0.0, 30.0, 60.0], 20)
    assert len(integrate(t, np.ones(60)).gaps) == 2
    assert intervals(np.array([0.0, 1, 2])).dt_s.tolist() == [1, 1]


def test_zero_is_taken_off() -> None:
    assert integrate(np.arange(11.0), np.full(11, 3.0), Zero(1.0, 0.1)).total_C == pytest.approx(20)
