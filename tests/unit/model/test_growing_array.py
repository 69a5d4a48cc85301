"""An array that grows for hours: nothing lost, views that stay, no append that takes long."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.model import disk_arrays
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


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel what memory is used")
def test_hours_of_numbers_take_no_memory() -> None:
    grown, block = GrowingArray(), np.arange(2000.0)
    before, most = _memory_MiB(), 0.0
    for number in range(10_000):  # 160 MB
        grown.append(block)
        if number % 100 == 0:
            most = max(most, _memory_MiB() - before)
    assert most < 24
    assert grown.view[-1] == 1999
    assert grown.view[: len(block)].tolist() == block.tolist()
    assert grown.view[5_000_000::5_000_000].tolist() == block[[0, 0, 0]].tolist()


def test_a_full_disk_leaves_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_number: int, _nbytes: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(disk_arrays, "_reserve", refuse)
    grown = GrowingArray()
    for number in range(300):
        grown.append(np.full(1000, number))
    assert grown.view[::1000].tolist() == list(range(300))


def _memory_MiB() -> float:
    """Memory of this process that only it has, and what it has in mapped files."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
