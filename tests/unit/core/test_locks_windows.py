"""The lock on Windows, spoken to a kernel32 that keeps what it was asked."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tandem_em.core import locks, locks_windows


class Kernel:
    """LockFileEx and UnlockFileEx for one file: remembers the locked places."""

    def __init__(self) -> None:
        self.locked: set[int] = set()
        self.error = 0

    def LockFileEx(self, handle: Any, flags: int, _reserved: int, low: int, high: int, place: Any) -> int:
        assert flags == locks_windows.EXCLUSIVE | locks_windows.FAIL_AT_ONCE
        assert (low, high) == (1, 0)
        at = self._at(place)
        if at in self.locked:
            self.error = locks_windows.LOCK_VIOLATION
        if self.error:
            return 0
        self.locked.add(at)
        return 1

    def UnlockFileEx(self, handle: Any, _reserved: int, low: int, high: int, place: Any) -> int:
        self.locked.discard(self._at(place))
        return 1

    def _at(self, place: Any) -> int:
        overlapped = place._obj
        return int(overlapped.offset | overlapped.offset_high << 32)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(locks_windows, "kernel32", lambda: made)
    monkeypatch.setattr(locks_windows, "handle_of", lambda fd: fd)
    monkeypatch.setattr(locks_windows, "last_error", lambda: made.error)
    monkeypatch.setattr(locks.sys, "platform", "win32")
    return made


def test_the_byte_lies_far_beyond_what_anybody_reads(kernel: Kernel) -> None:
    assert locks.take(3)
    assert kernel.locked == {locks.LOCKED_BYTE}
    assert min(kernel.locked) > 1 << 60  # a lock keeps others from reading what it covers


def test_whoever_comes_second_is_told_and_may_still_look(kernel: Kernel) -> None:
    locks.take(3)
    with pytest.raises(locks.LockedError):
        locks.take(4)
    assert locks.is_taken(4) is True


def test_asking_leaves_no_lock_behind(kernel: Kernel) -> None:
    assert locks.is_taken(3) is False
    assert kernel.locked == set()


def test_a_share_without_locks_is_no_error(kernel: Kernel) -> None:
    kernel.error = locks_windows.NOT_SUPPORTED
    assert locks.take(3) is False
    assert locks.is_taken(3) is None


def test_any_other_answer_is_an_error(kernel: Kernel) -> None:
    kernel.error = 6
    with pytest.raises(OSError, match="Windows error 6") as caught:
        locks.take(3)
    assert caught.value.errno == errno.EIO
