"""Session files: opening, making, saving, saving under another name. Each is a job; who owns the file is the document."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.core.jobs import Job, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.document.places import SUFFIX as SUFFIX
from tandem_em.desk.document.places import in_recovery
from tandem_em.model.arrays import ArraySource
from tandem_em.model.frames import FrameStack
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.desk.document.places import Lost
    from tandem_em.storage.save_plan import Plan
    from tandem_em.storage.session_store import SaveReport, SessionStore


@dataclass
class Opened:
    """A session with the store it lives in."""

    session: Session
    store: SessionStore
    problems: list[str] = field(default_factory=list)
    embedded: dict[str, ArraySource] = field(default_factory=dict)
    saved: SavedState | None = None
    """How it was in the file, before anything was recovered."""
    lost: list[Lost] = field(default_factory=list)
    """Changes that were not saved, newest first."""
    recovered: SessionStore | None = None
    """The recovery file whose changes are in the session now; its data may be read from there."""


def is_session_file(path: Path) -> bool:
    """Whether this is a file of ours (by content)."""
    if not path.is_file():
        return False
    from tandem_em.storage.gate.recognise import is_session

    return is_session(path, SUFFIX)


def open_session(path: Path, *, readonly: bool = False) -> Job[Opened]:
    """Open a session file, recovering it if it was not closed; read-only when somebody else is writing it."""
    from tandem_em.storage.session_store import SessionStore

    store = yield from SessionStore.open_job(path, readonly, open_link=open_linked_array)
    try:
        session = yield from store.load()
    except BaseException:
        store.abandon()
        raise
    return Opened(session, store, list(store.problems))


def create_session(
    path: Path, session: Session, *, overwrite: bool = False, for_recording: bool = False
) -> Job[Opened]:
    """Write a session into a new file (under a temporary name, then replaced). The snapshot is taken now."""
    from tandem_em.storage.session_store import SessionStore

    store = SessionStore.create(
        path, overwrite=overwrite, for_recording=for_recording, open_link=open_linked_array
    )
    # Here, not in the job: the snapshot is of the session as it is when this is called.
    saving = store.save(session)

    def work() -> Job[Opened]:
        try:
            report = yield from saving
        except BaseException:
            store.abandon()
            path.unlink(missing_ok=True)
            raise
        return Opened(session, store, embedded=report.embedded)

    return work()


def use_embedded_arrays(opened: Opened, embedded: dict[str, ArraySource]) -> None:
    """Big data that were copied into the file are read from there from now on (call it where the session lives)."""
    for item_id, source in embedded.items():
        item = opened.session.find(item_id)
        if isinstance(item, FrameStack | SpectrumImage):
            # The old source may hold an imported file open, which then could not be moved or deleted.
            item.source.close()
            item.source = source


def holder_text(store: SessionStore) -> str:
    """Who writes to a file that we may only read; empty when we write or nobody does."""
    if not store.is_readonly:
        return ""
    return store.holder.sentence() if store.holder is not None else ""


def crash_text(path: Path) -> str:
    """That a program had this session open when it crashed or was killed; empty when it was closed properly."""
    from tandem_em.storage.check.integrity import NOT_CLOSED, RECOVERABLE
    from tandem_em.storage.transaction.opening import left_open_by

    left = left_open_by(path)
    return "" if left is None else f"{NOT_CLOSED.format(left.ending())} {RECOVERABLE}"


def open_linked_array(path: Path, dataset: str) -> ArraySource:
    """The array of a linked file, found again by its importer."""
    from tandem_em.importers import registry

    for item in run_to_end(registry.read(path)).items:
        if isinstance(item, FrameStack | SpectrumImage) and dataset in ("", item.name):
            return item.source
    raise UserError(f"{path.name} no longer holds {dataset}.", "Choose the file it was linked from.")


def say_missing(path: Path) -> UserError:
    """The error for a file of the recent list that is gone; returned, not raised."""
    return UserError(
        f"{path.name} is no longer there.", "It may have been moved: open it from its new location."
    )


def open_filter() -> str:
    """What the open dialog offers."""
    from tandem_em.importers import registry

    patterns = " ".join(f"*{suffix}" for suffix in sorted({SUFFIX, *registry.suffixes()}))
    return f"All TandEM reads ({patterns});;TandEM session (*{SUFFIX});;All files (*)"


def save_session(opened: Opened) -> Job[SaveReport]:
    """Commit what changed. The snapshot is taken now; call `use_embedded_arrays` with what it embedded."""
    return opened.store.save(opened.session)


def save_session_as(opened: Opened | None, session: Session, path: Path) -> Job[Opened]:
    """Write a compact copy under another name and go on with it: the same session, in the new file. The file it was
    opened from stays as it was saved; an unnamed one and the own file are brought up to date first."""
    if opened is None:
        return create_session(path, session, overwrite=True)
    if in_recovery(opened.store.path) or (path.exists() and path.samefile(opened.store.path)):
        return _copy_to(opened, opened.store.save(session), None, session, path)
    return _copy_to(opened, None, opened.store.changes(session), session, path)


def _copy_to(
    opened: Opened, saving: Job[SaveReport] | None, changes: Plan | None, session: Session, path: Path
) -> Job[Opened]:
    if saving is not None:
        yield from saving
    held = opened.store.file_index
    yield from opened.store.save_as(path)
    if path.exists() and path.samefile(opened.store.path):
        return opened
    copy = yield from open_session(path)
    if not opened.store.is_readonly:  # another program may have written to it since it was read
        copy.store.inherit(held)
    streams = (*copy.session.stacks, *copy.session.previews, *copy.session.maps)
    arrays = {item.id: item.source for item in streams}
    if changes is not None:
        try:
            report = yield from copy.store.write(changes)
        except BaseException:
            copy.store.abandon()
            path.unlink(missing_ok=True)  # it would look like the whole of it
            raise
        arrays |= report.embedded
    return Opened(session, copy.store, copy.problems, arrays)
