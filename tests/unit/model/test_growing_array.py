"""An array that grows for hours: nothing lost, views that stay, no append that takes long."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.model.arrays import PIECE, GrowingArray


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 60_000), max_size=12), st.integers(0, 3000))
def test_nothing_is_lost_whatever_the_portions(portions: list[int], begin: int) -> None:
    whole = np.arange(begin + sum(portions), dtype=np.float32)
    grown = GrowingArray(whole[:begin], np.float32)
    views = [grown.view]
    for count in portions:
        grown.append(whole[len(grown) : len(grown) + count])
        views.append(grown.view)
    assert len(grown) == len(whole)
    for view in views:
        assert not view.flags.writeable
        np.testing.assert_array_equal(view, whole[: len(view)])


def test_no_append_moves_the_whole_array() -> None:
    grown = GrowingArray()
    block, most = np.ones(33), 0
    for _ in range(60_000):
        before = grown._moved
        grown.append(block)
        most = max(most, grown._moved - before)
    assert len(grown) == 60_000 * 33
    assert 0 < most <= max(PIECE, 5 * len(block))
    assert grown.view.sum() == len(grown)


def test_room_is_written_in_place() -> None:
    grown = GrowingArray(dtype=np.int32)
    grown.room(5000)[:] = np.arange(5000)
    grown.room(3)[:] = 7
    assert grown.view[-4:].tolist() == [4999, 7, 7, 7]
