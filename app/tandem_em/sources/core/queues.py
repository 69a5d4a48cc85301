"""The bounded queue between a receiver thread and whoever reads, with counters that add up."""

from __future__ import annotations

import threading
from collections import deque

from tandem_em.sources.core.base import Block, EventBlock, host_now

RATE_WINDOW_S = 3.0


class BlockQueue:
    """Blocks in order, bounded in bytes and number. What does not fit is dropped and counted, never waited for longer
    than `patience_s`; events always fit (they are few and small)."""

    def __init__(self, max_bytes: int = 512 << 20, max_blocks: int = 20_000, patience_s: float = 0.0) -> None:
        self._max_bytes, self._max_blocks, self._patience_s = max_bytes, max_blocks, patience_s
        self._blocks: deque[Block] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._recent: deque[tuple[float, int]] = deque()
        self._closed = False
        self.received = 0
        self.delivered = 0
        self.dropped = 0

    def put(self, block: Block) -> bool:
        """Queue a block; False when it was dropped."""
        with self._changed:
            count = 0 if isinstance(block, EventBlock) else len(block)
            self.received += count
            self._note_rate(count)
            if count and not self._wait_for_room(block.nbytes):
                self.dropped += count
                return False
            self._blocks.append(block)
            self._bytes += block.nbytes
            self._changed.notify_all()
            return True

    def get(self, timeout: float) -> Block | None:
        """The oldest block; None when there is none within `timeout` seconds or the queue is closed and empty."""
        with self._changed:
            if not self._blocks:
                self._changed.wait_for(lambda: self._blocks or self._closed, max(timeout, 0.0))
            if not self._blocks:
                return None
            block = self._blocks.popleft()
            self._bytes -= block.nbytes
            if not isinstance(block, EventBlock):
                self.delivered += len(block)
            self._changed.notify_all()
            return block

    def close(self) -> None:
        """Wake whoever waits: nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def reopen(self) -> None:
        """After `close`: readers wait for blocks again."""
        with self._changed:
            self._closed = False

    def clear(self) -> None:
        """Throw away what waits; the counts stay."""
        with self._changed:
            self._blocks.clear()
            self._bytes = 0
            self._changed.notify_all()

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called and nothing more will come."""
        return self._closed

    @property
    def size(self) -> tuple[int, int]:
        """Blocks and bytes waiting."""
        with self._changed:
            return len(self._blocks), self._bytes

    def rate_hz(self) -> float:
        """Samples or frames a second over the last three seconds; events do not count."""
        with self._changed:
            self._note_rate(0)
            if not self._recent:
                return 0.0
            # Right after the start a short span would show a rate that is far too high.
            span = max(host_now() - self._recent[0][0], 0.2)
            return sum(count for _, count in self._recent) / span

    def _wait_for_room(self, nbytes: int) -> bool:
        if self._has_room(nbytes):
            return True
        if self._patience_s <= 0:
            return False
        return self._changed.wait_for(lambda: self._has_room(nbytes) or self._closed, self._patience_s) and (
            self._has_room(nbytes)
        )

    def _has_room(self, nbytes: int) -> bool:
        # An empty queue takes any block, also one that is larger than the limit: it could never come in
        # otherwise.
        if not self._blocks:
            return True
        return len(self._blocks) < self._max_blocks and self._bytes + nbytes <= self._max_bytes

    def _note_rate(self, count: int) -> None:
        now = host_now()
        if count:
            # Blocks may come thousands of times a second; the rate needs no finer steps than this.
            if self._recent and now - self._recent[-1][0] < 0.05:
                first, before = self._recent[-1]
                self._recent[-1] = (first, before + count)
            else:
                self._recent.append((now, count))
        while self._recent and now - self._recent[0][0] > RATE_WINDOW_S:
            self._recent.popleft()
