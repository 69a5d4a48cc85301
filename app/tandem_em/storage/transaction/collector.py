"""Keeps Python's garbage collection away while HDF5 works.

HDF5 calls back into Python (our file objects). A collection that starts there may free an h5py data set that lay in a
reference cycle, which closes it inside the very HDF5 call that is using it: a crash, seen with a full disk. So the
storage thread does all its work with the collection paused, and every callback makes sure of it once more.
"""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Owner = TypeVar("Owner")
Callback = Callable[Concatenate[Owner, Parameters], Result]

_lock = threading.Lock()  # never taken by a callback, which holds HDF5's own lock
_pauses = 0


@contextmanager
def paused_collection() -> Iterator[None]:
    """No garbage is collected, on any thread, until this ends (nested and overlapping use is fine)."""
    global _pauses
    with _lock:
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0:
                gc.enable()


def without_collection(callback: Callback[Owner, Parameters, Result]) -> Callback[Owner, Parameters, Result]:
    """The same for a method that HDF5 calls. HDF5's own lock lets one of them run at a time."""

    @functools.wraps(callback)
    def guarded(self: Owner, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        gc.disable()
        try:
            return callback(self, *args, **kwargs)
        finally:
            if _pauses == 0:
                gc.enable()

    return guarded
