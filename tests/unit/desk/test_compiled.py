"""Kernels that are being compiled in a child do not keep a program that is ending."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import STAY, wait_until

from tandem_em.core.jobs import Job, Progress, Runner
from tandem_em.desk import compiled


@pytest.fixture
def slow_child(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []

    def start(*_: Any, **__: Any) -> subprocess.Popen[bytes]:
        children.append(popen([sys.executable, "-c", STAY]))
        return children[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(compiled, "is_cached", lambda _kernel: False)
    monkeypatch.setattr(compiled.subprocess, "Popen", start)
    yield children
    for child in children:
        child.kill()
        child.wait()


def test_a_program_that_ends_does_not_wait_for_its_compiler(
    slow_child: list[subprocess.Popen[bytes]],
) -> None:
    """Neither for the child nor for the turn of another one; what the job wanted to do then is not done."""
    went_on: list[str] = []

    def work(name: str) -> Job[None]:
        yield Progress(0)
        compiled.ahead(name, [None])
        went_on.append(name)

    runner = Runner(lambda call: call())
    for name in ("one", "another"):
        runner.start(name, work(name))
    wait_until(lambda: slow_child)
    began = time.monotonic()
    with compiled.ending():
        runner.close()
    assert time.monotonic() - began < 2.0
    assert slow_child[0].poll() is not None
    assert went_on == []


KERNEL = """
from numba import njit

@njit(cache=True)
def doubled(x):
    return 2 * x
"""


def test_a_kernel_stays_cached_when_its_file_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "own_kernel.py"
    source.write_text(KERNEL)
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_kernel  # type: ignore[import-not-found]

    assert not compiled.is_cached(own_kernel.doubled)
    assert own_kernel.doubled(2) == 4
    assert compiled.is_cached(own_kernel.doubled)
    later = time.time() + 1000
    os.utime(source, (later, later))
    assert compiled.is_cached(importlib.reload(own_kernel).doubled)
    source.write_text(KERNEL.replace("2 * x", "3 * x"))
    assert not compiled.is_cached(importlib.reload(own_kernel).doubled)
