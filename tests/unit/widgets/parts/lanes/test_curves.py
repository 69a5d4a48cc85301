"""Lines made of curves: gaps stay gaps, steps are stairs, columns are exact, values at a moment are honest."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.jobs import run_to_end
from tandem_widgets.panes.biasing.statistics import computing
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.curves import Curve, trace
from tandem_widgets.parts.lanes.levels import build
from tandem_widgets.parts.lanes.time_axis import TimeScale, clock_text, moments, span_text


def curve(x, y, **fields):
    return Curve("k", "label", "#ffffff", np.asarray(x, float), np.asarray(y, float), **fields)


def pieces(line):
    return [list(part) for part in np.split(line.values, line.breaks)]


SCALE = TimeScale(0.0, 10.0, 0.0, 100.0)


def test_few_samples_are_drawn_one_by_one_with_gaps_and_nan_as_interruptions():
    line = trace(curve([0, 1, 2, 3, 4, 5], [1, 2, np.nan, 4, 5, 6], gaps=np.array([5])), SCALE, 100)
    assert pieces(line) == [[1, 2], [4, 5], [6]]
    np.testing.assert_allclose(line.xs, [0, 10, 30, 40, 50])


def test_steps_are_stairs_that_do_not_cross_a_gap():
    line = trace(curve([0, 2, 4], [1, 2, 3], is_step=True, gaps=np.array([2])), SCALE, 100)
    assert pieces(line) == [[1, 1, 2, 2], [3, 3]]
    np.testing.assert_allclose(line.xs, [0, 20, 20, 20, 40, 40])


def test_clock_offset_and_rate_move_the_line():
    line = trace(curve([0, 1], [1, 2], offset_s=5.0, rate=2.0), SCALE, 100)
    np.testing.assert_allclose(line.xs, [50, 70])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 6), st.floats(0.5, 4))
def test_column_extremes_equal_brute_force_with_uneven_stamps(seed, low, span):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.exponential(1e-3, 10_000))
    y = rng.normal(size=len(x))
    y[rng.integers(0, len(y), 500)] = np.nan
    one = curve(x, y, levels=run_to_end(build(y)))
    scale = TimeScale(low, low + span, 0.0, 50.0)
    line = trace(one, scale, 50)
    inside = (x >= low) & (x < low + span)
    if np.count_nonzero(inside) <= 200:
        return
    column = np.floor((x - low) / span * 50).astype(int)
    for number in range(50):
        mine = y[inside & (column == number)]
        mine = mine[~np.isnan(mine)]
        drawn = line.values[np.isclose(line.xs, number + 0.5)]
        if len(mine):
            assert drawn.min() == mine.min()
            assert drawn.max() == mine.max()
        else:
            assert not len(drawn)


def test_dense_columns_are_interrupted_at_gaps_and_where_everything_is_missing():
    x = np.concatenate([np.linspace(0, 3, 3000), np.linspace(6, 10, 4000)])
    y = np.sin(x)
    y[1000:1500] = np.nan
    line = trace(curve(x, y, gaps=np.array([3000])), SCALE, 100)
    assert len(line.breaks) == 2
    starts = line.xs[line.breaks]
    assert 14 < starts[0] < 16
    assert 59 < starts[1] < 61.5


def test_sparse_stretch_between_dense_ones_is_joined_without_a_gap():
    x = np.concatenate([np.linspace(0, 1, 2000), [5.0], np.linspace(9, 10, 2000)])
    line = trace(curve(x, np.zeros(len(x))), SCALE, 100)
    assert not len(line.breaks)
    assert line.xs.min() < 1
    assert line.xs.max() > 99


def test_dense_steps_hold_their_value():
    x = np.concatenate([np.linspace(0, 1, 2000), np.linspace(9, 10, 2000)])
    y = np.concatenate([np.full(2000, 1.0), np.full(2000, 5.0)])
    line = trace(curve(x, y, is_step=True), SCALE, 100)
    at = np.flatnonzero(line.xs > 50)[0]
    assert line.values[at] == 1.0  # it rises at the next sample, not on the way


def test_values_at_a_moment():
    one = curve([0, 1, 2, 10, 11], [1, 2, 3, 4, 5], gaps=np.array([3]), factor=2.0, shift=1.0)
    assert one.value_at(1.5) == 5.0
    assert one.value_at(2.5) == 7.0
    assert np.isnan(one.value_at(6.0))
    assert np.isnan(one.value_at(-0.1))
    assert one.value_at(11.5) == 11.0
    assert np.isnan(one.value_at(12.5))


def test_ranges_follow_a_negative_factor_and_the_error_band():
    assert curve([0, 1], [1, 3], factor=-1.0).whole_range() == (-3.0, -1.0)
    assert curve([0, 1], [1, 3], band=(np.array([0.5, 2]), np.array([1.5, 4]))).whole_range() == (0.5, 4.0)
    assert curve([0, 1, 2], [1, 3, 9]).range_between(0, 1) == (1.0, 3.0)


def test_long_curves_are_coarse_while_nothing_is_warm_and_exact_at_once_afterwards():
    levels.forget_kernels()
    y = np.zeros(300_000)
    y[123_457] = 5.0
    x = np.linspace(0, 10, len(y))
    coarse = trace(curve(x, y), SCALE, 100)
    assert coarse.is_coarse
    levels.warm()
    try:
        exact = trace(curve(x, y), SCALE, 100)
    finally:
        levels.forget_kernels()
    assert not exact.is_coarse
    assert exact.values.max() == 5.0
    assert not trace(curve(x, y, levels=run_to_end(build(y))), SCALE, 100).is_coarse


def test_moments_are_written_as_people_read_them():
    assert [text for _, text in moments(TimeScale(0, 40, 0, 400))] == ["0 s", "10 s", "20 s", "30 s", "40 s"]
    assert [text for _, text in moments(TimeScale(0, 7200, 0, 400))] == [
        "0:00",
        "30:00",
        "1:00:00",
        "1:30:00",
        "2:00:00",
    ]
    assert [text for _, text in moments(TimeScale(0, 0.002, 0, 200))][1].endswith("ms")
    assert clock_text(90000) == "1 d 01:00"
    assert span_text(-3.25) == "−3.25 s"
    assert span_text(754) == "12:34 min"


def test_zoom_keeps_the_moment_under_the_pointer():
    scale = TimeScale(10, 20, 100, 500)
    low, high = scale.zoomed(225, 0.5)
    assert high - low == 5
    assert TimeScale(low, high, 100, 500).t(225) == scale.t(225)
    assert scale.panned(50) == (9, 19)


def test_a_stretch_between_two_samples_has_no_mean():
    dose = curve([0, 120], [0, 1200])
    dense = curve(np.arange(121.0), np.arange(121.0))
    assert run_to_end(computing([dose], 44.0, 66.0)) == {}
    count, mean, _spread, least, most = run_to_end(computing([dense], 44.0, 66.0))["k"]
    assert (count, mean, least, most) == (22, 54.5, 44.0, 65.0)
