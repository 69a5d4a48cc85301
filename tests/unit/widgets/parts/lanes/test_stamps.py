"""Stamps looked through in one reading: order, gaps and the rule they follow, against the plainest way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_widgets.parts.lanes.stamps import MANY, look_through


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 3000),
    st.integers(0, 10_000),
    st.lists(st.integers(0, 2999), max_size=6),
    st.booleans(),
    st.booleans(),
)
def test_order_and_gaps_equal_brute_force(count, seed, pauses, back, missing):
    x = np.cumsum(np.random.default_rng(seed).uniform(0.0, 0.02, count))
    for at in pauses:
        x[min(at, count) :] += 7.0
    if back and count > 5:
        x[count // 2] -= 3.0
    if missing and count > 5:
        x[count // 3] = np.nan
    ascending, gaps, even = look_through(x, 1.0)
    assert ascending == bool(np.all(np.diff(x) >= 0))
    assert gaps.tolist() == (np.flatnonzero(np.diff(x) > 1.0) + 1).tolist()
    if even is not None:
        moments = np.linspace(x[0] - 1, x[-1] + 1, 500)
        np.testing.assert_array_equal(even.positions(x, moments), np.searchsorted(x, moments))


@pytest.mark.parametrize("jitter", [0.0, 1e-5, 1e-4])
def test_even_stamps_are_found_by_rule(jitter):
    x = np.arange(50_000) * 1e-3 + np.random.default_rng(2).uniform(-jitter, jitter, 50_000)
    _, _, even = look_through(x, 1.0)
    assert even is not None
    moments = np.sort(np.concatenate([np.linspace(-1, 51, 3333), x[::777], x[::777] + 1e-9]))
    np.testing.assert_array_equal(even.positions(x, moments), np.searchsorted(x, moments))
    uneven = np.delete(x, 20_000)
    uneven[30_000:] += 0.01
    assert look_through(uneven, 1.0)[2] is None


def test_more_gaps_than_one_looks_at_singly():
    x = np.arange(0, (MANY + 50) * 256.0)
    x += 10 * (np.arange(len(x)) // 256)
    assert len(look_through(x, 5.0)[1]) == MANY + 49
