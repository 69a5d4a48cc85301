"""An array that grows for hours: nothing lost, views that stay, no append that takes long."""

from __future__ import annotations

import errno
import re
import sys
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tandem_em.model import disk_arrays
from tandem_em.model.arrays import LEAST, PIECE, GrowingArray


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
    assert len(grown) == 0
    grown.publish(5000)
    grown.room(3)[:] = 7
    grown.publish(3)
    assert grown.view[-4:].tolist() == [4999, 7, 7, 7]


class LookedAt:
    """Values that look at the array, from another thread, while they are being written into it."""

    def __init__(self, grown: GrowingArray, values: NDArray[np.float64]) -> None:
        self._grown, self._values = grown, values
        self.seen: list[NDArray[np.float64]] = []

    def __len__(self) -> int:
        return len(self._values)

    def __array__(self, _dtype: object = None, copy: bool | None = None) -> NDArray[np.float64]:
        reader = Thread(target=lambda: self.seen.append(np.array(self._grown)))
        reader.start()
        reader.join()
        return self._values


@pytest.mark.parametrize("count", [1, LEAST, 5 * LEAST])
def test_nobody_is_told_of_values_before_they_are_written(count: int) -> None:
    grown = GrowingArray(np.arange(700.0))
    values = LookedAt(grown, np.arange(700.0, 700 + count))
    grown.append(values)  # type: ignore[arg-type]
    assert [each.tolist() for each in values.seen] == [np.arange(700.0).tolist()]
    assert np.array_equal(grown, np.arange(700.0 + count))


def test_a_reader_sees_only_what_was_written_while_another_thread_appends() -> None:
    grown, wrong, is_over = GrowingArray(), [], Event()

    def read() -> None:
        done = 0
        while not is_over.is_set() or done < len(grown):
            view = grown.view
            if not np.array_equal(view[done:], np.arange(done, len(view))):
                wrong.append(done)
            done = len(view)

    reader = Thread(target=read)
    reader.start()
    for start in range(0, 400_000, 97):
        grown.append(np.arange(start, start + 97))
    is_over.set()
    reader.join()
    assert wrong == []


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
