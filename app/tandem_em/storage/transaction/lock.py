"""One writer per session file: a lock on a byte far beyond its end, and a note inside about who holds it.

Beside the lock of the byte there is a shared `flock` where it exists, so that a plain HDF5 program that wants to write
is refused while plain readers are welcome.
"""

from __future__ import annotations

import sys

from tandem_em.core import locks
from tandem_em.core.locks import Holder as Holder
from tandem_em.core.locks import LockedError as LockedError
from tandem_em.core.locks import is_taken as is_taken
from tandem_em.core.locks import may_be_running as may_be_running
from tandem_em.core.locks import note as note
from tandem_em.core.locks import read_note as read_note
from tandem_em.core.locks import this_program as this_program


def take(fd: int) -> bool:
    """Lock for writing until the file is closed. False where the file system offers no locks; LockedError if taken."""
    if not locks.take(fd):
        return False
    try:
        _lock_shared(fd)
    except OSError as error:
        return locks.is_offered(error)
    except ImportError:  # a system without this module
        return False
    return True


def _lock_shared(fd: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
