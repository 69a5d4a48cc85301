"""One open file with positioned, unbuffered reads and writes: the only code that touches the disk.

Everything above speaks to a `RawFile`, so tests put a recording, failing or forgetful one in its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from pathlib import Path
from typing import Literal, Protocol

Bytes = bytes | bytearray | memoryview
SyncPoint = Literal["data", "journal", "in place", "recovery"]
_LARGEST_TRANSFER = 1 << 30  # one system call moves at most 2 GiB - 4 KiB
_SENT_AT_ONCE = 1 << 20  # bytes of a write whose way to the medium does not wait for the next sync


class RawFile(Protocol):
    """Bytes at offsets. Every method may raise OSError; nothing is buffered here."""

    def read_at(self, into: memoryview, offset: int) -> int:
        """Fill `into` from `offset` as far as the file goes; return the number of bytes read."""

    def write_at(self, data: Bytes, offset: int) -> None:
        """Write all of `data` at an offset, longer than the file or not."""

    def sync(self, point: SyncPoint) -> None:
        """Return when everything written before the call is on the medium. `point` names the place in the protocol."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes, or lengthen it with zeros."""

    def size(self) -> int:
        """Size on disk (bytes)."""

    def close(self) -> None:
        """Give the file and its locks back."""


class DiskFile:
    """A file opened with `pread`/`pwrite`: any thread may use it at once, no file position is shared."""

    def __init__(self, path: Path, writable: bool, create: bool = False) -> None:
        self.path = path
        self.fd = os.open(path, _flags(writable, create), 0o644)

    def read_at(self, into: memoryview, offset: int) -> int:
        """Fill `into` as far as the file goes; the number of bytes read, 0 for an absurd offset."""
        if offset + len(into) > sys.maxsize:  # an address in a broken file
            return 0
        done = 0
        while done < len(into):
            count = os.preadv(self.fd, [into[done : done + _LARGEST_TRANSFER]], offset + done)
            if count == 0:
                break
            done += count
        return done

    def write_at(self, data: Bytes, offset: int) -> None:
        """Write all of it; what is large is sent on its way to the medium at once."""
        view, done = memoryview(data), 0
        while done < len(view):
            done += os.pwrite(self.fd, view[done : done + _LARGEST_TRANSFER], offset + done)
        if done >= _SENT_AT_ONCE:
            _send_off(self.fd, offset, done)

    def sync(self, point: SyncPoint) -> None:
        """Wait for the medium; all points are the same to a real disk."""
        _sync(self.fd)

    def truncate(self, size: int) -> None:
        """Cut or lengthen the file (bytes)."""
        os.ftruncate(self.fd, size)

    def size(self) -> int:
        """Size on disk (bytes)."""
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        """Close once; a second call does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class SeekingFile:
    """The same where `pread` does not exist (Windows): each thread has a handle, hence a position, of its own.

    A shared handle would need a lock between the committing thread and HDF5's callbacks, which can deadlock.
    """

    def __init__(self, path: Path, writable: bool, create: bool = False) -> None:
        self.path = path
        self._flags = _flags(writable, False)
        self._handles = threading.local()
        self.fd = os.open(path, _flags(writable, create), 0o644)
        self._all = [self.fd]

    def read_at(self, into: memoryview, offset: int) -> int:
        """Fill `into` with this thread's own handle; the number of bytes read."""
        fd, done = self._own_handle(), 0
        if offset + len(into) > sys.maxsize:  # an address in a broken file
            return 0
        try:
            os.lseek(fd, offset, os.SEEK_SET)
        except OSError as error:
            if error.errno == errno.EINVAL:  # farther than the file system reaches
                return 0
            raise
        while done < len(into):
            part = os.read(fd, min(len(into) - done, 8 << 20))
            if not part:
                break
            into[done : done + len(part)] = part
            done += len(part)
        return done

    def write_at(self, data: Bytes, offset: int) -> None:
        """Write all of it with this thread's own handle."""
        fd, view, done = self._own_handle(), memoryview(data), 0
        os.lseek(fd, offset, os.SEEK_SET)
        while done < len(view):
            done += os.write(fd, view[done : done + _LARGEST_TRANSFER])

    def sync(self, point: SyncPoint) -> None:
        """Wait for the medium; one handle syncs the whole file."""
        os.fsync(self._own_handle())

    def truncate(self, size: int) -> None:
        """Cut or lengthen the file (bytes)."""
        os.ftruncate(self._own_handle(), size)

    def size(self) -> int:
        """Size on disk (bytes)."""
        return os.fstat(self.fd).st_size

    def close(self) -> None:
        """Close the handles of all threads."""
        handles, self._all, self.fd = self._all, [], -1
        for fd in handles:
            os.close(fd)

    def _own_handle(self) -> int:
        fd: int | None = getattr(self._handles, "fd", None)
        if fd is None:
            fd = self._handles.fd = os.open(self.path, self._flags)
            self._all.append(fd)
        return fd


def open_raw(path: Path, writable: bool, create: bool = False) -> DiskFile | SeekingFile:
    """Open a file for positioned access in the way this system offers. `create` refuses a file that exists."""
    if hasattr(os, "preadv") and hasattr(os, "pwrite"):
        return DiskFile(path, writable, create)
    return SeekingFile(path, writable, create)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder durable (on Windows the file system does so by itself)."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _flags(writable: bool, create: bool) -> int:
    flags = os.O_RDWR if writable else os.O_RDONLY
    # binary and not inherited on Windows: no changed line ends, no handle in child processes
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
    return flags | os.O_CREAT | os.O_EXCL if create else flags


def _send_off(fd: int, offset: int, count: int) -> None:
    """Let the system begin to move what was written: the sync of a commit then finds little left to wait for.

    Linux starts writing such a stretch out, and keeps what is on its way in its cache. A hint: refusing it costs nothing."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.posix_fadvise(fd, offset, count, os.POSIX_FADV_DONTNEED)


def _sync(fd: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # a plain fsync stops in the drive's cache there
    elif hasattr(os, "fdatasync"):
        os.fdatasync(fd)  # includes the size; leaves out the time stamps
    else:
        os.fsync(fd)
