"""Every column of the envelope equals brute force: ragged ends, NaN, infinities, live growth, numpy and numba."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.jobs import run_to_end
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.levels import Levels, build


def brute(values, bounds):
    low, high = [], []
    for first, last in itertools.pairwise(bounds):
        part = np.asarray(values[first:last], float)
        part = part[~np.isnan(part)]
        low.append(part.min() if len(part) else np.nan)
        high.append(part.max() if len(part) else np.nan)
    return np.array(low), np.array(high)


@pytest.fixture(params=["numpy", "numba"])
def way(request):
    if request.param == "numba":
        levels.warm()
    else:
        levels.forget_kernels()
    yield request.param
    levels.forget_kernels()


def awkward(count, seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=count).astype(dtype)
    for _ in range(4):
        start = rng.integers(0, max(count, 1))
        values[start : start + rng.integers(1, 600)] = np.nan
    values[rng.integers(0, count, count // 500 + 1)] = 50.0
    return values


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("count", [1, 31, 32, 33, 255, 256, 257, 5000, 70_001])
def test_every_column_equals_brute_force(way, count, dtype):
    values = awkward(count, count, dtype)
    pyramid = Levels(values)
    pyramid.grow(values)
    rng = np.random.default_rng(1)
    for columns in (1, 3, 40, 333):
        bounds = np.sort(rng.integers(0, count + 1, columns + 1))
        for got, want in zip(pyramid.extremes(bounds), brute(values, bounds)):
            np.testing.assert_array_equal(got, want)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3000), st.integers(0, 10_000), st.lists(st.integers(0, 3000), min_size=2, max_size=30))
def test_any_bounds(count, seed, bounds):
    levels.forget_kernels()
    values = awkward(count, seed)
    bounds = np.sort(np.minimum(bounds, count))
    pyramid = Levels(values)
    pyramid.grow(values)
    for got, want in zip(pyramid.extremes(bounds), brute(values, bounds)):
        np.testing.assert_array_equal(got, want)


def test_infinite_samples_and_blocks_of_nothing(way):
    values = np.full(1000, np.nan)
    values[300:340] = np.inf
    values[600:640] = -np.inf
    pyramid = Levels(values)
    pyramid.grow(values)
    bounds = np.array([0, 100, 310, 320, 500, 601, 700, 1000])
    for got, want in zip(pyramid.extremes(bounds), brute(values, bounds)):
        np.testing.assert_array_equal(got, want)


def test_growing_by_any_steps_gives_the_same_as_building_at_once(way):
    values = awkward(20_000, 3)
    grown = Levels(values[:0])
    at = 0
    for step in np.random.default_rng(0).integers(1, 700, 200):
        at = min(at + int(step), len(values))
        grown.grow(values[:at])
        bounds = np.array([0, at // 3, at])
        for got, want in zip(grown.extremes(bounds), brute(values[:at], bounds)):
            np.testing.assert_array_equal(got, want)
    assert at == len(values)


def test_a_spike_in_the_last_samples_is_seen(way):
    values = np.zeros(1_000_003)
    values[-1] = 7.0
    pyramid = run_to_end(build(values))
    assert pyramid.overall() == (0.0, 7.0)
    bounds = np.linspace(0, len(values), 1601).astype(int)
    assert pyramid.extremes(bounds)[1][-1] == 7.0


def test_whole_numbers_are_fine(way):
    values = np.arange(1000, dtype=np.int32)
    pyramid = Levels(values)
    pyramid.grow(values)
    assert pyramid.overall() == (0.0, 999.0)


def test_a_glance_touches_few_samples_and_knows_empty_columns():
    values = np.arange(1_000_000.0)
    low, high = levels.glance(values, np.array([0, 500_000, 500_000, 1_000_000]))
    assert low[0] == 0.0
    assert np.isnan(low[1])
    assert high[2] > 900_000


def test_appending_costs_nothing_that_grows_with_the_length():
    levels.warm()

    def cost(length):
        values = np.zeros(length + 30_000)
        pyramid = Levels(values[:length])
        pyramid.grow(values[:length])
        best = np.inf
        for at in range(length, length + 30_000, 1000):
            start = time.perf_counter()
            pyramid.grow(values[: at + 1000])
            best = min(best, time.perf_counter() - start)
        return best

    assert cost(5_000_000) < 5 * cost(50_000) + 1e-4
    levels.forget_kernels()
