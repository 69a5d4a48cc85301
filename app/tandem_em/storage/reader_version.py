"""Is this a session of ours, of which version, and may we write to it? Looks at a few bytes before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tandem_em.notices import UserError
from tandem_em.storage import layout, lock
from tandem_em.storage.hdf5_store import Hdf5Store
from tandem_em.storage.raw_file import open_raw
from tandem_em.storage.reader_fields import child


@dataclass(frozen=True)
class Found:
    """The format of a file. `may_edit` False: a newer program wrote it and asks older ones to keep off."""

    version: str
    may_edit: bool
    needs_migration: bool


def check_version(path: Path) -> Found:
    """UserError when the file is not a session this program can read."""
    store = Hdf5Store.open(path, "r")
    try:
        return store.call(lambda h5: found_in(h5, path.name)).result()
    finally:
        store.abandon()


def found_in(h5: Any, name: str) -> Found:
    form = child(h5, layout.FORMAT_GROUP)
    if form is None or read_text(form, "name") != layout.FORMAT_NAME:
        raise UserError(
            f"{name} is an HDF5 file, but not a TandEM session.",
            "Import it into a new session as measured data.",
        )
    version = read_text(form, "version")
    needed = read_text(form, "min_reader_version") or version
    try:
        ours, theirs, least = (layout.version_tuple(v) for v in (layout.FORMAT_VERSION, version, needed))
    except ValueError:
        raise UserError(
            f"{name} does not say which version of the session format it has ({version!r}).",
            "Run the session doctor.",
        ) from None
    return Found(version, least <= ours, theirs < ours and theirs[0] <= ours[0])


def read_text(group: Any, name: str) -> str:
    """A scalar text; empty when it is missing or something else."""
    stored = child(group, name)
    if stored is None or getattr(stored, "shape", None) != ():
        return ""
    value = stored[()]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def holds_lock(path: Path) -> bool:
    """Whether this program cannot have the file for writing: another one has it, or the disk forbids it."""
    try:
        raw = open_raw(path, writable=True)
    except OSError:
        return True
    try:
        lock.take(raw.fd)
    except lock.LockedError:
        return True
    finally:
        raw.close()
    return False
