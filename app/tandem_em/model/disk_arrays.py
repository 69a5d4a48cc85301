"""Room for arrays that grow for hours: beyond a megabyte they lie in a nameless temporary file, not in memory.

What is read comes back through the system's file cache; `let_go` gives the memory back at any time and loses nothing.
Where there is no room on disk, ordinary memory serves.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

IN_MEMORY_BYTES = 1 << 20
"""Smaller arrays stay in memory."""


def make_room(count: int, dtype: DTypeLike) -> tuple[NDArray[Any], mmap.mmap | None]:
    """An array of `count` undefined numbers, and the mapped file it lies in; None when it lies in memory."""
    kind = np.dtype(dtype)
    nbytes = count * kind.itemsize
    if nbytes < IN_MEMORY_BYTES:
        return np.empty(count, kind), None
    try:
        mapped = _mapped_file(nbytes)
    except (OSError, ValueError):
        return np.empty(count, kind), None
    return np.frombuffer(mapped, kind, count), mapped


def let_go(mapped: mmap.mmap | None) -> None:
    """Give back the memory of what has been read or written; the next reader gets it from the file."""
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapped_file(nbytes: int) -> mmap.mmap:
    with tempfile.TemporaryFile(prefix="tandem-", dir=_folder()) as file:
        _reserve(file.fileno(), nbytes)
        return mmap.mmap(file.fileno(), nbytes)


def _reserve(number: int, nbytes: int) -> None:
    """The disk has to have the room now: a mapped file that cannot be written kills the program."""
    if hasattr(os, "posix_fallocate"):
        # posix_fallocate takes the blocks without writing them; Windows and macOS lack it
        os.posix_fallocate(number, 0, nbytes)
        return
    zeros = bytes(1 << 20)
    for start in range(0, nbytes, len(zeros)):
        os.write(number, zeros[: nbytes - start])


@cache
def _folder() -> str:
    """A folder on disk: the usual one for temporary files may itself be memory."""
    lasting = Path("/var/tmp")
    if "TMPDIR" not in os.environ and lasting.is_dir() and os.access(lasting, os.W_OK):
        return str(lasting)
    return tempfile.gettempdir()
