"""Kernels are compiled in a child: a minute of work, once for an installation, that would make the window stutter.

    compiled.ahead("image", [kernel, …])     # in a worker: comes back when loading the kernels here is quick

What the child has compiled lies in numba's cache, from where this process loads it in a moment. Without a child (it
cannot start, there is no place for a cache) the kernels are compiled here, as before.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tandem_em.core.jobs import JobCancelledError

log = logging.getLogger(__name__)
WORD = "--compile-kernels"
"""What the front door is told in the child."""
# How soon a waiting thread notices that the program is ending.
LOOK_S = 0.1
# Two children would compile the same kernels and compete for the cores.
_one_child = threading.Lock()
_ending = threading.Event()


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """Meanwhile nobody waits for a child: its jobs are cancelled, for the program goes."""
    _ending.set()
    try:
        yield
    finally:
        _ending.clear()


def ahead(name: str, kernels: Iterable[Any], *, unless: Callable[[], bool] = lambda: False) -> None:
    """Have some kernels compiled, if they are not yet. Takes up to a minute; `unless`: come back at once.

    JobCancelledError when the program is ending.
    """
    kernels = list(kernels)
    # The child itself must compile, not start a child of its own.
    if WORD in sys.argv or all(map(is_cached, kernels)):
        return
    # With a time limit: somebody ending the program must not wait for a child to finish.
    while not _one_child.acquire(timeout=LOOK_S):
        _go_on()
    try:
        # Asked again: whoever had the lock may have compiled them.
        if not all(map(is_cached, kernels)):
            _in_a_child(name, unless)
    finally:
        _one_child.release()


def _go_on() -> None:
    if _ending.is_set():
        raise JobCancelledError


def is_cached(kernel: Any) -> bool:
    """Whether numba keeps a kernel that was compiled from the present source, by what the source says, not when it was
    written: an installation writes every file anew."""
    try:
        # numba has no public way to ask
        return bool(kernel._cache._cache_file._load_index())
    except (OSError, AttributeError):
        return True  # no source or no cache: a child could not help


def _in_a_child(name: str, unless: Callable[[], bool]) -> None:
    log.info("compiling %s in a child", name)
    # A packaged program is its own interpreter and takes no -m.
    start = [] if getattr(sys, "frozen", False) else ["-m", "tandem_em"]
    try:
        child = subprocess.Popen(
            [sys.executable, *start, WORD, name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # On Windows a console window would flash up.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        log.warning("no child to compile in: %s", error)
        return
    try:
        while not unless():
            _go_on()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(LOOK_S)
                return
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def step_back() -> None:
    """In the child: whatever else runs goes first, and nothing outlives the program that asked."""
    if hasattr(os, "nice"):
        os.nice(5)
    parent = os.getppid()

    def watch() -> None:
        # A child whose parent died gets another parent.
        while os.getppid() == parent:
            threading.Event().wait(0.5)
        # Not sys.exit: that would end this thread only.
        os._exit(0)

    # Below process 1 there is no parent whose death could be noticed.
    if parent > 1:
        threading.Thread(target=watch, daemon=True).start()
