"""Kernels that are being compiled in a child do not keep a program that is ending."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
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
