"""Nothing unnoticed: tests have a home of their own, unexpected warnings in the log fail them, threads must end."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")

LASTING_THREADS = ("ThreadPoolExecutor", "numba", "asyncio", "Dask", "Profile", "IO loop", "pymp", "tqdm")
"""Pools of libraries that stay by design."""

settings.register_profile(
    "fixed", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("fixed")  # --hypothesis-profile=fuzz is loaded after this


# Else hypothesis draws constants of ours too, of whatever modules are loaded by then: the same seeds would give other
# examples on another machine, or for one test alone.
assert callable(providers._get_local_constants)
providers._get_local_constants = lambda: providers._local_constants


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and recovery files of a test never meet those of the user."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TANDEM_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _quiet_log(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> Iterator[None]:
    """A warning or error of ours in the log fails the test, unless it is marked with `expects_log`."""
    yield
    if request.node.get_closest_marker("expects_log"):
        return
    ours = [
        r for r in caplog.get_records("call") if r.levelno >= logging.WARNING and r.name.startswith("tandem")
    ]
    assert not ours, f"unexpected log: {[r.getMessage() for r in ours]}"


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Threads a test started have ended when it ends."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 10.0  # a busy disk takes its time to close a file
    for thread in _started_since(before):
        if not isinstance(thread, threading._DummyThread):
            thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in _started_since(before)]
    assert not left, f"threads left running: {left}"


def _started_since(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.is_alive() and not thread.name.startswith(LASTING_THREADS)
    ]
