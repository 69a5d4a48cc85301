"""Memory for whole frames that is used again: asking the system for new pages takes as long as reading a frame into them."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from tandem_em.core.numeric import AnyArray

LEAST_BYTES = 1 << 20
"""Smaller arrays are ordinary ones."""
IDLE_BYTES = 192 << 20
"""So much is kept for the next frames at most."""

_idle: dict[int, list[AnyArray]] = {}
_idle_bytes = 0
_lock = threading.RLock()
"""Reentrant: a loan may end while another one begins in the same thread (garbage collection)."""


class _Loan:
    """Bytes that go back when nobody looks at them any more."""

    def __init__(self, memory: AnyArray) -> None:
        self._memory = memory
        # numpy holds the loan as the base of the array: it ends with the last view
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        _give_back(self._memory)


def empty(shape: Sequence[int], dtype: DTypeLike) -> AnyArray:
    """As `np.empty`, in memory of an earlier array of the same size where there is some."""
    size = math.prod(int(each) for each in shape) * np.dtype(dtype).itemsize
    if size < LEAST_BYTES:
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_take(size))).view(dtype).reshape(shape)


def _take(size: int) -> AnyArray:
    global _idle_bytes
    with _lock:
        waiting = _idle.get(size)
        if waiting:
            _idle_bytes -= size
            return waiting.pop()
    return np.empty(size, np.uint8)


def _give_back(memory: AnyArray) -> None:
    global _idle_bytes
    with _lock:
        while _idle_bytes + memory.nbytes > IDLE_BYTES and _idle:
            other = next(iter(_idle))  # sizes that have waited longest go first
            waiting = _idle[other]
            if waiting:
                waiting.pop()
                _idle_bytes -= other
            if not waiting:
                del _idle[other]
        if memory.nbytes <= IDLE_BYTES:
            _idle.setdefault(memory.nbytes, []).append(memory)
            _idle_bytes += memory.nbytes
