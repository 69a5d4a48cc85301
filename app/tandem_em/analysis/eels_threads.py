"""Splits a loop over pixels between the cores. Kernels release the interpreter lock, so plain threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

SMALL = 2048
"""Fewer pixels than this are not worth a second thread."""


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, cores() - 1))


def cores() -> int:
    """Cores this process may use."""
    return max(
        1, min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)
    )


def in_strips(pixels: int, work: Callable[[int, int], None]) -> None:
    """Call work(begin, end) for consecutive strips of pixels, one per core; errors come out here."""
    strips = cores()
    if pixels < SMALL or strips == 1:
        work(0, pixels)
        return
    # strips begin at multiples of eight pixels: no two threads write the same cache line
    edges = [pixels * k // strips // 8 * 8 for k in range(strips)] + [pixels]
    others = [_pool().submit(work, begin, end) for begin, end in pairwise(edges[1:])]
    try:
        work(edges[0], edges[1])
    finally:
        for other in others:
            other.result()
