"""Limits of a process on Windows, where there is no `setrlimit`: a job object that the process puts itself into."""

from __future__ import annotations

import ctypes
from typing import Any

OVERTIME = 1816
"""Exit status of a process that has used up the processor time of its job (ERROR_NOT_ENOUGH_QUOTA)."""
PROCESS_TIME, PROCESS_MEMORY, DIE_ON_EXCEPTION = 0x2, 0x100, 0x400
EXTENDED_LIMITS = 9
TICKS_PER_S = 10_000_000


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION"""

    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority", ctypes.c_uint32),
        ("scheduling", ctypes.c_uint32),
    )


class Limits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION"""

    _fields_ = (
        ("basic", BasicLimits),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class JobLimits:
    """Each limit is set when it is asked for; what Windows refuses is left to the parent's clock."""

    def __init__(self, kernel32: Any = None) -> None:
        self._library = kernel32 or ctypes.WinDLL("kernel32")  # type: ignore[attr-defined, unused-ignore]
        for name in ("CreateJobObjectW", "GetCurrentProcess"):
            getattr(self._library, name).restype = ctypes.c_void_p
        self._limits = Limits()
        self._job: int | None = None

    def limit_memory(self, size: int) -> bool:
        """Most memory of the process in bytes; whether Windows took it."""
        self._limits.process_memory = size
        return self._set(PROCESS_MEMORY | DIE_ON_EXCEPTION)

    def limit_processor(self, until_s: float) -> bool:
        """`until_s`: of the process's own time since its start."""
        self._limits.basic.per_process_user_time = int(until_s * TICKS_PER_S)
        return self._set(PROCESS_TIME)

    def _set(self, flag: int) -> bool:
        self._limits.basic.flags |= flag
        library, is_new = self._library, self._job is None
        if is_new:
            self._job = library.CreateJobObjectW(None, None)
        job = ctypes.c_void_p(self._job)
        size = ctypes.sizeof(self._limits)
        if not library.SetInformationJobObject(job, EXTENDED_LIMITS, ctypes.byref(self._limits), size):
            return False
        process = ctypes.c_void_p(library.GetCurrentProcess())
        return not is_new or bool(library.AssignProcessToJobObject(job, process))
