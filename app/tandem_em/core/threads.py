"""Splits a loop over pixels between the cores. Kernels release the interpreter lock, so plain threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

SMALL = 2048
"""Fewer pixels than this are not worth a second thread."""
SMALL_STEP = 1 << 17
"""The same for work of a few operations a pixel: waking a thread takes longer, most of all on a busy machine."""


@cache
def _pool() -> ThreadPoolExecutor:
    # the calling thread works as well
    return ThreadPoolExecutor(max(1, cores() - 1))


def cores() -> int:
    """Cores this process may use."""
    return max(
        1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
    )


def in_strips(pixels: int, work: Callable[[int, int], None], small: int = SMALL) -> None:
    """Call work(begin, end) for strips of pixels until all are done; errors come out here.

    There are more strips than cores and whoever is free takes the next one: on a busy machine a slow core holds nobody up.
    """
    threads = cores()
    if pixels < small or threads == 1:
        work(0, pixels)
        return
    # more strips than threads: who is done early takes another
    number = min(4 * threads, max(threads, pixels // SMALL))
    # strips begin at multiples of eight pixels: no two threads write the same cache line
    edges = [pixels * k // number // 8 * 8 for k in range(number)] + [pixels]
    strips = iter(list(pairwise(edges)))

    def take() -> None:
        for begin, end in strips:
            work(begin, end)

    others = [_pool().submit(take) for _ in range(threads - 1)]
    try:
        take()
    finally:
        for other in others:
            # not begun: nothing is left to take for it anyway
            if not other.cancel():
                other.result()
