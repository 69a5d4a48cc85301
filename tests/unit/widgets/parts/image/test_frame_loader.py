"""Frames come newest request first, small ones before large ones, and a bad one stops nothing."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tandem_widgets.parts.image import frame_loader
from tandem_widgets.parts.image.frame_loader import FrameLoader


class Disk:
    """Frames hold their number; each waits until it is let go."""

    def __init__(self) -> None:
        self.said: queue.Queue[tuple[str, int]] = queue.Queue()
        self.gate = threading.Semaphore(0)
        self.began = threading.Semaphore(0)
        self.loader = FrameLoader(self.read, lambda: 100, self.arrived, self.failed, self.arrived_coarse)

    def read(self, index: int) -> NDArray[np.int64]:
        self.began.release()
        assert self.gate.acquire(timeout=10)
        if index == 13:
            raise OSError("unreadable")
        return np.full((4, 4), index)

    def arrived(self, index: int, frame: NDArray[np.int64]) -> None:
        assert (frame == index).all()
        self.said.put(("frame", index))

    def arrived_coarse(self, index: int, _frame: NDArray[np.int64]) -> None:
        self.said.put(("coarse", index))

    def failed(self, index: int, _error: Exception) -> None:
        self.said.put(("failed", index))

    def next(self) -> tuple[str, int]:
        return self.said.get(timeout=10)

    def let_go(self, count: int = 1) -> None:
        self.gate.release(count)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.let_go(1000)
    made.loader.close(wait_s=5)


def test_only_the_newest_request_is_read_after_the_one_under_way(disk: Disk) -> None:
    assert disk.loader.want(5) is None
    assert disk.began.acquire(timeout=10)
    for index in range(20, 40):
        disk.loader.want(index)
    disk.let_go(2)
    assert [disk.next(), disk.next()] == [("frame", 5), ("frame", 39)]


def test_a_small_frame_comes_first_and_the_real_one_when_the_hand_rests(disk: Disk) -> None:
    disk.loader.coarse = lambda index: np.full((1, 1), index)
    disk.loader.want(7)
    assert disk.next() == ("coarse", 7)
    disk.let_go()
    assert disk.next() == ("frame", 7)
    assert disk.loader.want(7) is not None


def test_without_its_small_frame_the_real_one_is_read(disk: Disk) -> None:
    def broken(_index: int) -> NDArray[np.int64]:
        raise OSError("gone")

    disk.loader.coarse = broken
    disk.loader.want(3)
    disk.let_go()
    assert disk.next() == ("frame", 3)


def test_a_bad_frame_is_told_and_the_next_one_is_shown(disk: Disk) -> None:
    disk.loader.want(13)
    disk.let_go()
    assert disk.next() == ("failed", 13)
    disk.loader.want(50)
    disk.let_go(2)  # one may be under way ahead of the bad one
    assert disk.next() == ("frame", 50)


def test_what_was_read_in_an_older_way_is_not_shown(disk: Disk) -> None:
    disk.loader.want(4)
    disk.loader.use(lambda index: np.full((4, 4), index))
    disk.let_go()
    assert disk.next() == ("frame", 4)
    assert disk.said.empty()


def test_while_the_hand_is_faster_than_the_disk_only_small_frames_are_read(disk: Disk) -> None:
    disk.loader.coarse = lambda index: np.full((1, 1), index)
    disk.loader.want(99)
    disk.let_go()
    assert [disk.next(), disk.next()] == [("coarse", 99), ("frame", 99)]
    assert disk.began.acquire(timeout=10)
    disk.loader._read_s = 30.0  # as if that had taken so long
    for index in (90, 80, 70):
        disk.loader.want(index)
        assert disk.next() == ("coarse", index)
    assert disk.began.acquire(timeout=10)  # the last one is read when the hand has rested
    disk.let_go()
    assert disk.next() == ("frame", 70)


def test_while_filming_only_a_few_frames_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_loader, "FILMING_BYTES", 5 * 128)
    filming, arrived = True, queue.Queue()
    loader = FrameLoader(
        lambda index: np.full((4, 4), index),
        lambda: 1000,
        lambda index, _frame: arrived.put(index),
        lambda _index, _error: None,
        is_filming=lambda: filming,
    )
    try:
        for index in range(40):
            if loader.want(index) is None:
                arrived.get(timeout=10)
        assert len(loader._cache) <= 6
        filming = False
        for index in range(40, 80):
            if loader.want(index) is None:
                arrived.get(timeout=10)
        assert len(loader._cache) >= 40
    finally:
        loader.close(wait_s=5)
