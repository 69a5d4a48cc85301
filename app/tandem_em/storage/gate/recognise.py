"""Is this one of our files? Asked before anybody decides to import it instead."""

from __future__ import annotations

from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.storage.codec import layout
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_session(path: Path, suffix: str = ".nxs") -> bool:
    """By content; a file that HDF5 cannot open counts as ours when it has our suffix (it may be a damaged session)."""
    try:
        with path.open("rb") as file:
            if file.read(8) != SIGNATURE:
                return False
        # without a look: a damaged session has to come to the repair, not to the importers
        store = Hdf5Store.open(path, "r")
    except (OSError, UserError):
        return path.suffix.lower() == suffix
    try:
        return bool(store.call(lambda h5: layout.FORMAT_GROUP in h5).result())
    except (OSError, RuntimeError, KeyError):  # what h5py raises where the root itself is broken
        return path.suffix.lower() == suffix
    finally:
        store.abandon()
