"""Waiting for a condition instead of for a time: a test goes on as soon as it may and says what it waited for in vain."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

STAY = "import threading; threading.Event().wait(60)"
"""Code for a child that does nothing until it is ended."""


def wait_until(
    is_so: Callable[[], object],
    timeout_s: float = 20.0,
    *,
    every_s: float = 0.005,
    meanwhile: Callable[[], object] = lambda: None,
    saying: Callable[[], object] = lambda: "",
) -> float:
    """Look every so often whether something is so, doing something `meanwhile`; returns how long it took in seconds."""
    began = time.monotonic()
    while not is_so():
        waited = time.monotonic() - began
        assert waited < timeout_s, f"not so after {waited:.1f} s: {saying()}"
        meanwhile()
        take_time(every_s)
    return time.monotonic() - began


def take_time(seconds: float) -> None:
    """The pace of something simulated: an instrument that answers late, a turn of a loop. No test waits by it."""
    threading.Event().wait(seconds)


def wait_for_line(stream: IO[str] | None, process: subprocess.Popen[str]) -> str:
    """The next line a child writes; what it did instead when it ends without one."""
    assert stream is not None
    line = stream.readline()
    assert line, f"the child ended with {process.wait(10)} and said nothing"
    return line
