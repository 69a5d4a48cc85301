"""The locked byte on Windows: LockFileEx, as `msvcrt.locking` reaches no further than 2 GB into a file."""

from __future__ import annotations

import ctypes
import errno
from typing import Any

FAIL_AT_ONCE, EXCLUSIVE = 1, 2
LOCK_VIOLATION, IO_PENDING, INVALID_FUNCTION, NOT_SUPPORTED = 33, 997, 1, 50


class Overlapped(ctypes.Structure):
    """OVERLAPPED: where in the file."""

    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", ctypes.c_uint32),
        ("offset_high", ctypes.c_uint32),
        ("event", ctypes.c_void_p),
    )


def kernel32() -> Any:
    """The library of Windows that locks bytes; it keeps the last error for us."""
    return ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]


def last_error() -> int:
    """Why the last call of that library failed."""
    return int(ctypes.get_last_error())  # type: ignore[attr-defined, unused-ignore]


def handle_of(fd: int) -> int:
    """What Windows calls an open file."""
    import msvcrt

    return int(msvcrt.get_osfhandle(fd))  # type: ignore[attr-defined, unused-ignore]


def lock_byte(fd: int, at: int) -> None:
    """Lock one byte until the file is closed. OSError: EACCES when it is taken, EOPNOTSUPP where there are no locks."""
    library, place = kernel32(), _place(at)
    handle = ctypes.c_void_p(handle_of(fd))
    if not library.LockFileEx(handle, EXCLUSIVE | FAIL_AT_ONCE, 0, 1, 0, ctypes.byref(place)):
        raise _error(last_error())


def unlock_byte(fd: int, at: int) -> None:
    """Let a locked byte go before the file is closed."""
    library, place = kernel32(), _place(at)
    library.UnlockFileEx(ctypes.c_void_p(handle_of(fd)), 0, 1, 0, ctypes.byref(place))


def _place(at: int) -> Overlapped:
    return Overlapped(offset=at & 0xFFFFFFFF, offset_high=at >> 32)


def _error(number: int) -> OSError:
    if number in (LOCK_VIOLATION, IO_PENDING):
        return OSError(errno.EACCES, "Another program has locked it")
    if number in (INVALID_FUNCTION, NOT_SUPPORTED):
        return OSError(errno.EOPNOTSUPP, "There are no locks here")
    return OSError(errno.EIO, f"Locking failed (Windows error {number})")
