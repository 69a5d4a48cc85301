"""Creating and opening the one file: names on disk, the lock, sentences for what can go wrong, HDF5's options."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.notices import UserError
from tandem_em.core.replacing import replace
from tandem_em.storage.transaction import journal, lock, raw_file, recovery
from tandem_em.storage.transaction.paged_file import TransactionalFile
from tandem_em.storage.transaction.raw_file import DiskFile, SeekingFile
from tandem_em.storage.transaction.recovery import Overlay, Recovery

# room for about 500 pages; a larger commit goes to the tail of the file
JOURNAL_BYTES = 2 << 20
FORMAT = ("v110", "v114")  # metadata with checksums, readable by HDF5 1.10
OPTIONS: dict[str, Any] = {"libver": FORMAT, "alignment_threshold": 1 << 20, "alignment_interval": 2 << 20}


def create_file(
    path: Path, prepare: Callable[[Any], None] | None, overwrite: bool, journal_bytes: int
) -> None:
    """Write a new session file under a temporary name, sync it, then give it its name: it is there whole or not at all.

    `prepare(h5)` fills it with what every session has.
    """
    if path.exists() and not overwrite:
        raise UserError(f"{path.name} exists already.", "Choose another name.")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    with _sentences(path):
        try:
            _write_skeleton(temporary, prepare, journal_bytes)
            with _exclusive(path):
                _replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def open_to_write(path: Path) -> tuple[TransactionalFile, Recovery]:
    """Lock the file and finish what a crash interrupted. UserError says why not."""
    with _sentences(path):
        raw = raw_file.open_raw(path, writable=True)
        try:
            _lock(raw, path)
            return recovery.recover(raw, path.name)
        except BaseException:
            raw.close()
            raise


def open_to_read(path: Path) -> Overlay:
    """The last commit, without lock, without writing anything."""
    with _sentences(path):
        raw = raw_file.open_raw(path, writable=False)
        try:
            return recovery.look(raw, path.name)
        except BaseException:
            raw.close()
            raise


def open_hdf5(file: TransactionalFile | Overlay, path: Path, options: dict[str, Any]) -> Any:
    """The `h5py.File` on top of one of our file objects; for writing, with a note of who writes."""
    import h5py

    mode = "r+" if isinstance(file, TransactionalFile) else "r"
    try:
        h5 = h5py.File(file, mode, driver="fileobj", **{**OPTIONS, **options})
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(
            f"{path.name} cannot be opened: {_last_words(error)}.", "Open a copy or a backup."
        ) from error
    if isinstance(file, TransactionalFile):
        if not _has_journal(h5, file):  # what lies in its place may be somebody's data by now
            file.is_abandoned = True
            with contextlib.suppress(Exception):
                h5.close()
            raise UserError(
                f"{path.name} was rearranged by another program; TandEM cannot change it safely.",
                "Open it for reading and save a copy.",
            )
        with contextlib.suppress(OSError):
            journal.write_holder(file.raw, lock.note(lock.this_program()))
    return h5


def who_writes(path: Path) -> lock.Holder | None:
    """The program that has the file open for writing now, as it wrote itself down; None when nobody has."""
    holder, is_held = _held(path)
    return holder if is_held else None


def left_open_by(path: Path) -> lock.Holder | None:
    """The program that ended without closing the file (a crash, a kill, a power cut); None when it was closed properly
    or is being written to now."""
    holder, is_held = _held(path)
    return None if is_held else holder


def is_held(path: Path) -> bool:
    """Whether a program has the file open for writing now, whoever it is."""
    return _held(path)[1]


def _held(path: Path) -> tuple[lock.Holder | None, bool]:
    """The note of who has the file, and whether it still holds: a program that was killed leaves its note behind, but
    no lock and no process."""
    try:
        raw = raw_file.open_raw(path, writable=False)
    except OSError:
        return None, False
    try:
        holder, is_taken = _noted(raw), lock.is_taken(raw.fd)
    finally:
        raw.close()
    if is_taken is None:
        is_taken = holder is not None and lock.may_be_running(holder)
    return holder, is_taken


def _noted(raw: DiskFile | SeekingFile) -> lock.Holder | None:
    try:
        return lock.read_note(journal.read_holder(raw)) if journal.find_region(raw) is not None else None
    except OSError:  # Windows may keep others from reading what is locked
        return None


def _write_skeleton(path: Path, prepare: Callable[[Any], None] | None, journal_bytes: int) -> None:
    import h5py

    with h5py.File(
        # this alignment is what puts the journal at REGION_AT
        path,
        "x",
        libver=FORMAT,
        alignment_threshold=4096 * 5,
        alignment_interval=journal.REGION_AT,
    ) as h5:
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        # the journal has to have its place in the file before anything else is written
        dcpl.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        # `format_region` writes every byte itself
        dcpl.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        size = journal.round_up(journal_bytes)
        space = h5py.h5s.create_simple((size,))
        h5py.h5d.create(h5.id, journal.DATASET.encode(), h5py.h5t.STD_U8LE, space, dcpl)
        h5[journal.DATASET].attrs["description"] = (
            "Room for the commit in progress. Do not delete or write to it."
        )
        if h5[journal.DATASET].id.get_offset() != journal.REGION_AT:
            raise RuntimeError("HDF5 put the journal elsewhere")
        if prepare is not None:
            prepare(h5)
    raw = raw_file.open_raw(path, writable=True)
    try:
        journal.format_region(raw, size, uuid.uuid4().bytes)
        raw.sync("data")
    finally:
        raw.close()


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of the file that is about to be replaced: never pull it away under a program that writes."""
    if not path.exists():
        yield
        return
    raw = raw_file.open_raw(path, writable=True)
    try:
        _lock(raw, path)
        if os.name == "nt":
            raw.close()  # an open file cannot be replaced there
        yield
    finally:
        raw.close()


def _replace(temporary: Path, path: Path) -> None:
    replace(temporary, path)
    raw_file.sync_folder(path.parent)


def _lock(raw: DiskFile | SeekingFile, path: Path) -> None:
    try:
        lock.take(raw.fd)
    except lock.LockedError:
        holder = _noted(raw)
        who = holder.sentence() if holder is not None else "Another program has it open."
        raise UserError(
            f"{path.name} is being written to. {who}", "Open it for reading, or close it there."
        ) from None


def _has_journal(h5: H5File, file: TransactionalFile) -> bool:
    try:
        dataset = h5[journal.DATASET]
        return bool(dataset.id.get_offset() == journal.REGION_AT and dataset.nbytes == file.region.size)
    except (KeyError, AttributeError, RuntimeError):
        return False


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what the system says into a sentence about this file."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.", "It may have been moved, renamed or deleted.") from error
    except IsADirectoryError as error:
        raise UserError(f"{path.name} is a folder, not a session.", "Choose a file.") from error
    except PermissionError as error:
        raise UserError(
            f"{path.name} cannot be opened: permission denied.",
            "Check the permissions, or open it read-only.",
        ) from error
    except OSError as error:
        raise UserError(
            f"{path.name}: {error.strerror or error}.", "Check the disk, then try again."
        ) from error


def _last_words(error: BaseException) -> str:
    return str(error).strip("'\"").split("\n")[0][:200]
