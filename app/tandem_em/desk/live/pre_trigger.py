"""The pre-trigger buffer: a source is open and watched, and its last seconds are kept until recording begins."""

from __future__ import annotations

from collections import deque
from threading import Event

from tandem_em.sources.core.base import Block, EventBlock, Source, host_now

READ_S = 0.05
MOST_BYTES = 256 << 20
"""Memory for what is kept of one source; a fast camera fills it in less time than was asked for."""


def read_or_rest(source: Source, wait_s: float, end: Event) -> Block | None:
    """The next block. A source that has failed answers at once that there is none: then the thread rests all the same."""
    block = source.read(wait_s)
    if block is None and source.status().state in ("failed", "stopped"):
        end.wait(wait_s)
    return block


class PreTriggerBuffer:
    """The newest blocks of a source, `keep_s` seconds of them and not more than fit in memory."""

    def __init__(self, source: Source, keep_s: float) -> None:
        self._source = source
        self._keep_s = keep_s
        self._blocks: deque[tuple[float, Block]] = deque()
        self._bytes = 0

    def wait_for_start(self, begin: Event, end: Event) -> list[Block]:
        """Wait for the beginning and return what was kept; nothing when it ended before."""
        while not begin.is_set():
            if end.is_set():
                return []
            block = read_or_rest(self._source, READ_S, end)
            if block is not None:
                self._keep(block)
        self._forget(host_now())
        return [block for _, block in self._blocks]

    def _keep(self, block: Block) -> None:
        now = host_now()
        self._blocks.append((now, block))
        self._bytes += block.nbytes
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Let go of what is too old or too much; what was said stays as long as the data around it."""
        while self._blocks and (now - self._blocks[0][0] > self._keep_s or self._bytes > MOST_BYTES):
            _, block = self._blocks.popleft()
            self._bytes -= block.nbytes if not isinstance(block, EventBlock) else 0
