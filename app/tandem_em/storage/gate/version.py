"""Is this a session of ours, of which version, and may we write to it? Looks at a few bytes before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.read_fields import child
from tandem_em.storage.gate.audit import require_sound
from tandem_em.storage.transaction import journal, lock, opening
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.raw_file import open_raw


@dataclass(frozen=True)
class FileFormat:
    """The format of a file. `may_edit` False: a newer program wrote it and asks older ones to keep off."""

    version: str
    may_edit: bool
    needs_migration: bool


@dataclass(frozen=True)
class Examined:
    """What is known before opening. `is_locked`: it cannot be had for writing."""

    found: FileFormat
    is_locked: bool
    was_recovered: bool


_ours: dict[tuple[int, int], tuple[int, int]] = {}
"""Files this program closed: (device, inode) -> (size, time of change). They need not be looked through again."""


def note_ours(path: Path) -> None:
    """Remember that this program has just closed the file in good order."""
    state = path.stat()
    _ours[state.st_dev, state.st_ino] = state.st_size, state.st_mtime_ns


def examine(path: Path, readonly: bool) -> Job[Examined]:
    """Make sure a file may be opened: finish what a crash interrupted, look through it, find its version. UserError
    when it is not a session this program can read."""
    is_locked = holds_lock(path)
    is_torn, was_recovered = has_pending_commit(path), False
    if is_torn and not is_locked and not readonly:
        file, report = opening.open_to_write(path)
        file.raw.close()
        is_torn, was_recovered = False, report.was_needed
    state = path.stat()
    # changed by another program since: size or time differ, so it is looked through anew
    is_ours = _ours.get((state.st_dev, state.st_ino)) == (state.st_size, state.st_mtime_ns)
    # a torn file is not whole to anybody but us; one that a TandEM has open was looked at by that
    if not is_ours and not is_torn and not (is_locked and opening.who_writes(path) is not None):
        yield Progress(0, 0, f"Checking {path.name}")
        require_sound(path)
    return Examined(check_version(path), is_locked, was_recovered)


def has_pending_commit(path: Path) -> bool:
    """Whether a crash came between a commit and putting it in place. UserError when this is no HDF5 file at all."""
    file = opening.open_to_read(path)
    try:
        return journal.pending(file.raw) is not None if journal.find_region(file.raw) is not None else False
    finally:
        file.raw.close()


def check_version(path: Path) -> FileFormat:
    """UserError when the file is not a session this program can read."""
    store = Hdf5Store.open(path, "r")
    try:
        return store.call(lambda h5: found_in(h5, path.name)).result()
    finally:
        store.abandon()


def found_in(h5: H5File, name: str) -> FileFormat:
    """The format a file says it has; UserError when it is no session or says no version."""
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
            "Run tandem check on it.",
        ) from None
    return FileFormat(version, least <= ours, theirs < ours and theirs[0] <= ours[0])


def read_text(group: H5Group, name: str) -> str:
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
