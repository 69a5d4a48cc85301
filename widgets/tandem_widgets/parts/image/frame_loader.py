"""Reads frames ahead of the eye: one thread, the newest request first, a cache of a fixed size."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[Any]
LONGEST_DEBOUNCE_S = 0.1
FILMING_BYTES = 64 << 20
"""Room for frames of a movie that is being filmed: the newest is looked at, and what is kept grows for hours."""
AHEAD = 6
"""How many frames are read in advance in the direction of play."""


class FrameLoader:
    """`want(i)` gives frame i at once when it is cached, else calls `arrived(i, frame)` later, from the reading thread.

    Where there is a quick way to read small frames (`coarse`), `arrived_coarse(i, frame)` comes first, and the frame
    itself when nobody has asked for another one meanwhile.

    A newer request replaces one that has not been started: nothing piles up behind a slow disk. `failed(i, error)` is
    called for a frame that cannot be read; the next request goes on as if nothing had happened.
    """

    def __init__(
        self,
        read: Callable[[int], Frame],
        count: Callable[[], int],
        arrived: Callable[[int, Frame], None],
        failed: Callable[[int, Exception], None],
        arrived_coarse: Callable[[int, Frame], None] = lambda _index, _frame: None,
        cache_bytes: int = 512 << 20,
        is_filming: Callable[[], bool] = lambda: False,
    ) -> None:
        self._read, self._count = read, count
        self._arrived, self._failed, self._arrived_coarse = arrived, failed, arrived_coarse
        self.coarse: Callable[[int], Frame] | None = None
        self._most_bytes, self._is_filming = cache_bytes, is_filming
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._lock = threading.Condition()
        self._pending: int | None = None
        self._is_coarse = False
        """Whether the small frame of the pending one has been shown already."""
        self._requested_at = self._request_gap_s = self._read_s = 0.0
        self._last_request = 0
        self._direction = 1
        self._ahead: list[int] = []
        self._open = True
        self._epoch = 0
        """Counts the ways of reading: what was read in an older way is not kept."""
        # daemon: a read that hangs must not keep the program from ending
        self._thread = threading.Thread(target=self._work, name="frame-loader", daemon=True)
        self._thread.start()

    def want(self, index: int) -> Frame | None:
        """The frame if it is here; otherwise it is on its way."""
        with self._lock:
            # repaints ask for the same frame again: that is no step in either direction
            if index != self._last_request:
                now = time.monotonic()
                self._request_gap_s, self._requested_at = now - self._requested_at, now
                self._direction = 1 if index > self._last_request else -1
            self._last_request = index
            frame = self._cache.get(index)
            if frame is not None:
                self._cache.move_to_end(index)
            else:
                self._pending, self._is_coarse = index, False
            self._ahead = [index + self._direction * step for step in range(1, AHEAD + 1)]
            self._lock.notify()
            return frame

    def forget(self) -> None:
        """The data changed under us: read everything anew."""
        with self._lock:
            self._epoch += 1
            self._cache.clear()

    def use(self, read: Callable[[int], Frame]) -> None:
        """Read in another way from now on (a display filter, another source)."""
        with self._lock:
            self._read = read
            self._epoch += 1
            self._cache.clear()

    def close(self, wait_s: float = 0.0) -> None:
        """No more reading. A read that hangs on a slow disk ends by itself: nobody waits for it longer than `wait_s`."""
        with self._lock:
            self._open = False
            self._lock.notify()
        if wait_s:
            self._thread.join(timeout=wait_s)

    @property
    def _room(self) -> int:
        return min(self._most_bytes, FILMING_BYTES) if self._is_filming() else self._most_bytes

    def _next(self) -> tuple[int, bool] | None:
        """What to read now and whether somebody waits for it; None when there is nothing to do."""
        if self._pending is not None:
            if self._debounce_s() > 0:
                return None
            index = self._pending
            if self.coarse is None or self._is_coarse:
                self._pending = None
            return index, True
        while self._ahead:
            index = self._ahead.pop(0)
            if 0 <= index < self._count() and index not in self._cache and self._fits_ahead():
                return index, False
        return None

    def _debounce_s(self) -> float:
        """How long to wait before a frame is read whose small one is on screen: while requests come faster than frames can
        be read, reading one would keep the small ones from following the hand."""
        if not self._is_coarse or self._pending is None or self._request_gap_s > 1.5 * self._read_s:
            return 0.0
        return self._requested_at + min(2 * self._read_s, LONGEST_DEBOUNCE_S) - time.monotonic()

    def _fits_ahead(self) -> bool:
        sizes = [frame.nbytes for frame in self._cache.values()]
        # else reading ahead would throw out what was read just before
        return not sizes or max(sizes) * (AHEAD + 2) <= self._room

    def _work(self) -> None:
        while True:
            with self._lock:
                todo = self._next()
                while todo is None and self._open:
                    # at least a millisecond: rounding must not turn the wait into a spin
                    self._lock.wait(None if self._pending is None else max(self._debounce_s(), 0.001))
                    todo = self._next()
                if not self._open:
                    return
                # taken under the lock, used outside: the GUI thread may ask on while a frame is read
                read, epoch = self._read, self._epoch
                coarse = self.coarse if self._pending is not None and not self._is_coarse else None
            assert todo is not None
            index, waited_for = todo
            if coarse is not None:
                self._read_coarse(coarse, index)
                continue
            began = time.monotonic()
            try:
                frame = np.asarray(read(index))
            except Exception as error:  # noqa: BLE001  the edge: a bad frame is told, the next one is shown
                if waited_for and self._open:
                    self._failed(index, error)
                continue
            with self._lock:
                # read in the old way: thrown away, and read anew if somebody still waits for it
                if epoch != self._epoch or not self._open:
                    if waited_for and self._pending is None:
                        self._pending = index
                    continue
                self._cache[index] = frame
                # measured, not assumed: disks and network shares differ by orders of magnitude
                self._read_s = time.monotonic() - began
                self._trim()
            if waited_for:
                # outside the lock: whoever gets it may ask for the next one at once
                self._arrived(index, frame)

    def _read_coarse(self, coarse: Callable[[int], Frame], index: int) -> None:
        frame: Frame | None = None
        try:
            frame = np.asarray(coarse(index))
        except Exception:  # noqa: BLE001  the edge: without a small frame the real one is awaited
            self.coarse = None
        with self._lock:
            # not when another frame has been asked for meanwhile
            self._is_coarse = self._is_coarse or self._pending == index
        if frame is not None:
            self._arrived_coarse(index, frame)

    def _trim(self) -> None:
        total, room = sum(frame.nbytes for frame in self._cache.values()), self._room
        # frames may be larger than all the room: the newest two stay
        while len(self._cache) > 2 and total > room:
            total -= self._cache.popitem(last=False)[1].nbytes
