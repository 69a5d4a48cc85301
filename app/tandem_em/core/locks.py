"""A lock on an open file that ends with its process, and a note about who holds it.

The lock is one byte (`fcntl` or `LockFileEx`) far beyond the end of the file, which works over network shares too and lets
everybody read the note inside. A note without the lock is stale: its writer is gone.
"""

from __future__ import annotations

import errno
import getpass
import json
import os
import socket
import struct
import sys
from dataclasses import asdict, dataclass
from datetime import datetime

# Beyond the end of any file, so that the lock never hinders reading or writing the content.
LOCKED_BYTE = (1 << 62) - 2
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
# What systems answer that have no locks of this kind, which is no sign that somebody holds one.
_NOT_OFFERED = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class LockedError(Exception):
    """Another program holds it."""


@dataclass(frozen=True)
class Holder:
    """Who holds it: program, user, computer, process id, and since when (ISO 8601)."""

    program: str
    user: str
    host: str
    pid: int
    since: str

    def sentence(self) -> str:
        """Who has it open and since when, as a sentence for the user."""
        return f"{self.program} of {self.user} on {self.host} (process {self.pid}) has it open since {self.since}."

    def ending(self) -> str:
        """The same of a program that is no more."""
        return (
            f"{self.program} of {self.user} on {self.host} (process {self.pid}) had it open since {self.since} "
            "and ended by a crash or was killed."
        )


def this_program(program: str = "TandEM", pid: int | None = None) -> Holder:
    """A note about this process; `pid` names another one that a person can end."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # nothing says it, and Windows has no list of users
        user = "unknown user"
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    return Holder(program, user, socket.gethostname(), os.getpid() if pid is None else pid, now)


def note(holder: Holder) -> bytes:
    """The holder as JSON bytes, as `read_note` reads it."""
    return json.dumps(asdict(holder), ensure_ascii=False).encode()


def read_note(content: bytes) -> Holder | None:
    """The holder as written down; None when nobody wrote one or it makes no sense."""
    try:
        fields = json.loads(content)
        # A note of somebody else: nothing in it may be longer than a sentence can hold.
        program, user, host, since = (str(fields[key])[:200] for key in ("program", "user", "host", "since"))
        return Holder(program, user, host, int(fields["pid"]), since)
    except (ValueError, TypeError, KeyError):
        return None


def take(fd: int) -> bool:
    """Lock until the file is closed. False where the file system offers no locks; LockedError if it is taken."""
    try:
        _lock_byte(fd)
    except OSError as error:
        return is_offered(error)
    except ImportError:  # a system with neither module
        return False
    return True


def is_offered(error: OSError) -> bool:
    """False when the error says that there are no locks here; LockedError when it says that another holds it."""
    if error.errno in _BUSY or isinstance(error, BlockingIOError):
        raise LockedError from error
    if error.errno in _NOT_OFFERED:
        return False
    raise error


def is_taken(fd: int) -> bool | None:
    """Whether somebody holds the lock now, found out without taking it; None where the system cannot say.

    `fd` may be open for reading only."""
    if sys.platform == "win32":
        return _is_byte_refused(fd)
    import fcntl

    command = getattr(fcntl, "F_OFD_GETLK", None)
    if command is None or not sys.platform.startswith("linux"):
        return None
    # struct flock of 64-bit Linux: type, whence, start, length, pid; pid must be 0 for OFD locks.
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0)
    try:
        found = fcntl.fcntl(fd, command, asked)
    except OSError:  # a file system without locks
        return None
    return bool(struct.unpack_from("h", found)[0] != fcntl.F_UNLCK)


def may_be_running(holder: Holder) -> bool:
    """Whether the process of a note may still be there; of other computers nobody knows."""
    if holder.host != socket.gethostname() or sys.platform == "win32":
        return True  # on Windows `os.kill` would end it, and the lock answers there
    if holder.pid <= 0:
        return False
    try:
        # Signal 0 asks whether the process is there and does nothing to it.
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is somebody else's
        return True
    return True


def _is_byte_refused(fd: int) -> bool | None:
    """On Windows a lock can only be tried; it is let go at once."""
    from tandem_em.core import locks_windows

    try:
        locks_windows.lock_byte(fd, LOCKED_BYTE)
    except OSError as error:
        return True if error.errno in _BUSY else None
    locks_windows.unlock_byte(fd, LOCKED_BYTE)
    return False


def _lock_byte(fd: int) -> None:
    if sys.platform == "win32":
        from tandem_em.core import locks_windows

        locks_windows.lock_byte(fd, LOCKED_BYTE)
        return
    import fcntl

    # A lock of the open file, not of the process: closing the same file elsewhere in the program must not drop it.
    command = getattr(fcntl, "F_OFD_SETLK", None)
    if command is None:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, LOCKED_BYTE)
    else:
        fcntl.fcntl(fd, command, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0))
