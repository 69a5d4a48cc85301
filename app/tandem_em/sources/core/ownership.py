"""One owner per instrument, for each user and computer: the guardian of a source-meter, or the source of a camera,
holds a lock file named after the address.

The lock ends with the process that holds it, however that ends; what a dead one wrote into the file is written over.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tandem_em.core import locks
from tandem_em.core.notices import UserError

log = logging.getLogger(__name__)
# A note is a few hundred bytes; a file that somebody filled is not read whole.
NOTE_BYTES = 4096


@dataclass(frozen=True)
class Owner:
    """Who wants to own instruments, and the folder in which owners write themselves down."""

    folder: Path
    program: str = "TandEM"
    pid: int | None = None
    """The process a person can end; None: this one."""


class Held:
    """An instrument of ours until `close`, or until this process ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        """Give the instrument free; can be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def hold(owner: Owner, address: str) -> Held | None:
    """Own the instrument at an address; UserError says who does already. None where nothing can be locked."""
    path = lock_file(owner.folder, address)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Binary on Windows: the note is read back byte for byte.
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    except OSError as error:
        log.info("no lock for %s: %s", address, error)
        # A folder that cannot be written must not keep anybody from recording.
        return None
    try:
        if locks.take(fd):
            os.lseek(fd, 0, os.SEEK_SET)
            # Truncated first: the note of one who died may have been longer.
            os.ftruncate(fd, 0)
            os.write(fd, locks.note(locks.this_program(owner.program, owner.pid)))
            return Held(fd)
    except locks.LockedError:
        os.lseek(fd, 0, os.SEEK_SET)
        holder = locks.read_note(os.read(fd, NOTE_BYTES))
        os.close(fd)
        # The lock is held but the note may be unreadable or not written yet: `holder` is None then.
        raise UserError(
            _refusal(address, holder), "Close it there first: an instrument has one owner."
        ) from None
    except OSError as error:
        log.info("no lock for %s: %s", address, error)
    os.close(fd)
    return None


class HeldTogether:
    """A share in an instrument that this process owns until the last of its sources has closed its own."""

    # One table for the process: its sources share the lock, since a second one on the file would be refused.
    _open: ClassVar[dict[Path, tuple[Held, int]]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: Path) -> None:
        self._path: Path | None = path

    @classmethod
    def take(cls, owner: Owner, address: str) -> HeldTogether | None:
        """Like `hold`, but the sources of one process do not refuse each other."""
        path = lock_file(owner.folder, address)
        with cls._lock:
            held, count = cls._open.get(path, (None, 0))
            held = held or hold(owner, address)
            if held is None:
                return None
            cls._open[path] = held, count + 1
        return cls(path)

    @classmethod
    def is_ours(cls, owner: Owner, address: str) -> bool:
        """Whether a source of this process owns the instrument at an address now."""
        with cls._lock:
            return lock_file(owner.folder, address) in cls._open

    def close(self) -> None:
        """Give this share back; the last one gives the instrument free. Can be called twice."""
        path, self._path = self._path, None
        if path is None:
            return
        with self._lock:
            held, count = self._open.pop(path)
            if count > 1:
                self._open[path] = held, count - 1
            else:
                held.close()


def require_free(owner: Owner, address: str) -> None:
    """UserError when somebody owns the instrument at an address now whose sources are not of this process."""
    if not address or HeldTogether.is_ours(owner, address):
        return
    # Taking and giving back is the only way to ask that works everywhere.
    held = hold(owner, address)
    if held is not None:
        held.close()


def lock_file(folder: Path, address: str) -> Path:
    """Computers may share a folder but not their ports, so both are in the name."""
    return folder / f"{_plain(socket.gethostname())}-{_plain(normal(address))}.lock"


def normal(address: str) -> str:
    """One spelling of a VISA address: the board 0 and the ending INSTR may be left out."""
    parts = address.strip().upper().split("::")
    parts[0] = re.sub(r"(?<=[A-Z])0$", "", parts[0])
    return "::".join(parts[:-1] if parts[-1] == "INSTR" else parts)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", text)[:100]


def _refusal(address: str, holder: locks.Holder | None) -> str:
    if holder is None:
        return f"The instrument {address} is in use by another program."
    return (
        f"The instrument {address} is in use by {holder.program} of {holder.user} on {holder.host} "
        f"(process {holder.pid}) since {holder.since}."
    )
