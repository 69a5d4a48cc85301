"""The limits of the child that looks through untrusted files on Windows, told to a kernel32 that keeps them."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import pytest

from tandem_em.storage.gate import audit, audit_child
from tandem_em.storage.gate.job_limits import (
    DIE_ON_EXCEPTION,
    EXTENDED_LIMITS,
    OVERTIME,
    PROCESS_MEMORY,
    PROCESS_TIME,
    JobLimits,
    Limits,
)


class Function:
    """A function of a library: remembers its calls, answers with `answer`."""

    def __init__(self, answer: int) -> None:
        self.answer, self.calls = answer, 0
        self.restype: Any = None
        self.seen: list[tuple[int, int, int]] = []

    def __call__(self, *arguments: Any) -> int:
        self.calls += 1
        if len(arguments) == 4:
            _job, kind, pointer, size = arguments
            assert (kind, size) == (EXTENDED_LIMITS, ctypes.sizeof(Limits))
            limits = pointer._obj
            self.seen.append((limits.basic.flags, limits.process_memory, limits.basic.per_process_user_time))
        return self.answer


class Kernel:
    def __init__(self, sets: int = 1) -> None:
        self.CreateJobObjectW, self.GetCurrentProcess = Function(7), Function(-1)
        self.SetInformationJobObject, self.AssignProcessToJobObject = Function(sets), Function(1)


def test_the_structure_has_the_size_that_windows_checks() -> None:
    assert ctypes.sizeof(Limits) == 144


def test_memory_then_time_in_one_job() -> None:
    kernel = Kernel()
    job = JobLimits(kernel)
    assert job.limit_memory(2 << 30)
    assert job.limit_processor(5.5)
    first, second = kernel.SetInformationJobObject.seen
    assert first == (PROCESS_MEMORY | DIE_ON_EXCEPTION, 2 << 30, 0)
    assert second == (PROCESS_MEMORY | DIE_ON_EXCEPTION | PROCESS_TIME, 2 << 30, 55_000_000)
    assert (kernel.CreateJobObjectW.calls, kernel.AssignProcessToJobObject.calls) == (1, 1)


def test_a_refusal_is_no_end() -> None:
    assert not JobLimits(Kernel(sets=0)).limit_memory(1 << 30)


def test_the_child_uses_the_job_where_there_is_no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    job = JobLimits(kernel)
    monkeypatch.setattr(audit_child, "_limits", lambda: None)
    audit_child._limit_memory(1 << 30, job)
    audit_child._limit_processor(3.0, job)
    assert len(kernel.SetInformationJobObject.seen) == 2


def test_a_job_that_ran_out_of_time_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"print('ready', flush=True); import os; os._exit({OVERTIME} & 0xff)"
    monkeypatch.setattr(audit, "_command", lambda: [sys.executable, "-c", program])
    monkeypatch.setattr(audit, "_overtime", lambda: (OVERTIME & 0xFF,))
    assert audit.audit(tmp_path / "a.nxs") == ["Checking it takes more than 5 s of the processor."]


def test_each_system_has_its_own_sign_of_overtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert audit._overtime() == (OVERTIME,)
    assert 0 not in audit._overtime()  # that would refuse every file
