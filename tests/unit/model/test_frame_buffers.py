"""Memory of frames is used again, and never while somebody still looks at it."""

from __future__ import annotations

import numpy as np

from tandem_em.model import buffers

SHAPE = (1024, 1024)


def test_memory_comes_back_when_the_last_view_has_gone() -> None:
    first = buffers.empty(SHAPE, np.uint16)
    address = first.ctypes.data
    first[:] = 7
    part = first[3:5].T
    del first
    other = buffers.empty(SHAPE, np.uint16)
    assert other.ctypes.data != address
    other[:] = 1
    assert (part == 7).all()
    del part
    assert buffers.empty(SHAPE, np.uint16).ctypes.data == address


def test_arrays_are_ordinary_and_of_the_right_kind() -> None:
    for dtype in (np.uint8, np.dtype(">u2"), np.float32, np.complex64):
        made = buffers.empty((700, 800), dtype)
        assert made.shape == (700, 800)
        assert made.dtype == dtype
        assert made.flags.c_contiguous
        assert made.flags.writeable
    assert buffers.empty((3, 0), np.float64).shape == (3, 0)


def test_no_more_than_the_limit_waits() -> None:
    many = [buffers.empty((1 << 20,), np.uint8) for _ in range(250)]
    del many
    assert buffers._idle_bytes <= buffers.IDLE_BYTES
    assert sum(size * len(waiting) for size, waiting in buffers._idle.items()) == buffers._idle_bytes
    huge = buffers.empty((buffers.IDLE_BYTES + 1,), np.uint8)
    del huge
    assert buffers._idle_bytes <= buffers.IDLE_BYTES
