"""The recovery file of an open session: what is not saved is kept there while somebody works.

The file lies beside the session (`NAME.nxs.recovery`), or in the recovery folder where nothing may be written there.
The session itself is written by Save only.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk.document import places
from tandem_em.desk.document.files import Opened
from tandem_em.desk.document.places import delete
from tandem_em.model.arrays import ArraySource
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.storage.session_store import SaveReport, SessionStore
    from tandem_em.storage.unsaved import Keeping


class RecoveryFile:
    """The recovery file of the session in the window. Methods are called where the session lives; what they return are
    jobs. Nothing is written before there is something to keep."""

    def __init__(self, opened: Opened, older: Iterable[Path] = ()) -> None:
        self._opened = opened
        self._store: SessionStore | None = None
        self._ever: dict[str, set[str]] = {}
        self._older = list(older)
        """Recovery files of earlier runs: they go when the session is saved, or when its changes are discarded."""
        self._dropped: list[Path] = []
        """Those that could not be removed while they are read from (Windows)."""
        self._read_from: list[SessionStore] = [opened.recovered] if opened.recovered is not None else []
        self._scratch: SessionStore | None = None
        """Previews of a session that nobody has saved yet: no work of a person, so no crash needs them."""
        self._work = threading.Lock()
        self._unwanted, self._closed = False, False

    def keep(self) -> Job[SaveReport]:
        """Bring the recovery file up to date. The snapshot is taken now."""
        from tandem_em.storage.unsaved import Keeping, Note

        base, session = self._opened.store, self._opened.session
        plan = base.changes(session)
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        path = base.path
        note = Note(str(path.resolve()), session.info.uuid, base.state, now, dict(plan.order))
        # Big data that are still in their own file need not be copied after every change.
        outside = {e.item_id for e in plan.embeddings if is_outside(session, e.item_id, path.parent)}
        self._unwanted = False
        return self._keeping(Keeping(plan, base.file_index, note), outside)

    def _keeping(self, keeping: Keeping, outside: set[str]) -> Job[SaveReport]:
        from tandem_em.storage import unsaved

        with self._work:
            try:
                if self._closed:
                    raise UserError("The session was closed before its changes were written.")
                if self._store is None:
                    self._store, self._ever = _create(self._opened.store), {}
                return (yield from unsaved.keep(self._store, keeping, self._ever, outside))
            finally:
                # Asked to forget while writing: whoever asked could not wait for the lock.
                if self._unwanted:
                    self._remove()

    def prepare(self, item_id: str, kind: str, source: ArraySource, label: str) -> Job[None]:
        """Keep a preview outside of the session file, which only Save writes."""
        with self._work:
            if self._scratch is None and not self._closed:
                self._scratch = _create_scratch(self._opened.store.path)
            scratch = self._scratch
        if scratch is not None:
            yield from scratch.prepare(item_id, kind, source, label)

    def link(self, preview: Preview) -> Job[SaveReport] | None:
        """Have a prepared preview read from where it was kept; None when it is too late for that."""
        if self._scratch is None:
            return None
        return self._scratch.save(self._opened.session, only=[preview.id])

    def drop(self) -> None:
        """The changes were saved, or nobody wants them: forget them, also those of earlier runs."""
        self._dropped += [path for path in self._older if not delete(path)]
        self._older = []
        self.forget()

    def spare(self, path: Path) -> None:
        """One of an earlier run is about to be recovered: it stays, whatever becomes of the changes made now."""
        self._older = [each for each in self._older if each != path]

    def forget(self) -> None:
        """There is nothing to keep any more: everything is as it was saved."""
        self._unwanted = True
        if self._work.acquire(blocking=False):  # else it goes when it is written
            try:
                self._remove()
            finally:
                self._work.release()

    def close(self, *, keep: bool = False) -> None:
        """The session is left; `keep`: nobody was asked, the changes are offered at the next opening."""
        if not keep:
            self.forget()
        # Only when changes are to be kept is it worth waiting for the writer.
        with self._work if keep else nullcontext():
            self._closed = True
            store, self._store = (self._store, None) if keep else (None, self._store)
        if store is not None:
            store.close()
        for each in self._read_from:
            each.abandon()
        self._read_from = []
        # Nothing reads from them any more, so Windows lets them go now.
        for path in self._dropped:
            delete(path)
        if self._scratch is not None:
            _delete_open(self._scratch)

    def _remove(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            _delete_open(store)


def is_outside(session: Session, item_id: str, folder: Path) -> bool:
    """Whether the data of a stream can be had again from the file they were imported from."""
    item = session.find(item_id)
    source = session.sources.get(item.source_id) if isinstance(item, FrameStack | SpectrumImage) else None
    if source is None or not source.path:
        return False
    path = Path(source.path)
    path = path if path.is_absolute() else folder / path
    try:
        return path.exists() and (path.is_dir() or path.stat().st_size == source.size)
    except OSError:
        return False


def _create(base: SessionStore) -> SessionStore:
    """A new recovery file: beside the session, unless it is open for reading only or nothing may be written there."""
    from tandem_em.storage.session_store import SessionStore

    folder = places.recovery_folder()
    folder.mkdir(parents=True, exist_ok=True)
    is_beside = not base.is_readonly and os.access(base.path.resolve().parent, os.W_OK)
    refusal: UserError | None = None
    for path in places.recovery_places(base.path):
        # An existing one is of an earlier run and may hold work.
        if path.exists() or (path.parent != folder and not is_beside):
            continue
        try:
            return SessionStore.create(path)
        except UserError as error:
            # os.access can be wrong (network drives, Windows): then the recovery folder is tried.
            is_beside, refusal = False, error
    raise refusal or UserError(f"{base.path.name} has too many recovery files.", "Save it, or remove them.")


def _create_scratch(session_path: Path) -> SessionStore:
    """A passing file for what can be made again; those that a crash left are removed."""
    from tandem_em.storage.session_store import SessionStore
    from tandem_em.storage.transaction.opening import is_held

    folder = places.recovery_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"*{places.SCRATCH}"):
        # Another window may be using it.
        if not is_held(path):
            delete(path)
    return SessionStore.create(folder / f"{session_path.name} {uuid.uuid4().hex[:8]}{places.SCRATCH}")


def _delete_open(store: SessionStore) -> None:
    store.abandon()
    delete(store.path)
