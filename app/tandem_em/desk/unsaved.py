"""Changes that are not saved: kept in a recovery file while somebody works, offered after a crash, gone after a save.

The file lies beside the session (`NAME.nxs.recovery`), or in the recovery folder where nothing may be written there.
The session itself is written by Save only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk import files
from tandem_em.desk.settings import config_folder
from tandem_em.model.arrays import ArraySource
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.storage.session_store import SaveReport, SessionStore
    from tandem_em.storage.unsaved import Keeping, Note

RECOVERY = ".recovery"
SCRATCH = ".scratch"
WHERE = "Opening the session in the window offers them."
MOST = 20
"""Recovery files of one session that are looked for."""


@dataclass(frozen=True)
class Lost:
    """A recovery file that nobody is writing: edits that were never saved. `is_older`: the session was saved since."""

    path: Path
    session_path: Path
    when: str
    is_older: bool

    @property
    def sentence(self) -> str:
        when = datetime.fromisoformat(self.when)
        if self.path == self.session_path:
            return f"A session of {when:%Y-%m-%d %H:%M} was never saved: {self.path.stem}."
        since = " The session has been saved since; what was changed in both is taken from these changes."
        said = f"Changes of {when:%Y-%m-%d %H:%M} were not saved in {self.session_path.name}."
        return said + (since if self.is_older else "")


class Unsaved:
    """The recovery file of the session in the window. Methods are called where the session lives; what they return are
    jobs. Nothing is written before there is something to keep."""

    def __init__(self, opened: files.Opened, older: Iterable[Path] = ()) -> None:
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
        outside = {e.item_id for e in plan.embeddings if is_outside(session, e.item_id, path.parent)}
        self._unwanted = False
        return self._keeping(Keeping(plan, base.file_index, note), outside)

    def _keeping(self, keeping: Keeping, outside: set[str]) -> Job[SaveReport]:
        from tandem_em.storage import unsaved

        with self._work:
            try:
                if self._closed:
                    raise UserError("The session was closed before its changes were kept.")
                if self._store is None:
                    self._store, self._ever = _create(self._opened.store), {}
                return (yield from unsaved.keep(self._store, keeping, self._ever, outside))
            finally:
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
        self._dropped += [path for path in self._older if not _delete(path)]
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
        with self._work if keep else nullcontext():
            self._closed = True
            store, self._store = (self._store, None) if keep else (None, self._store)
        if store is not None:
            store.close()
        for each in self._read_from:
            each.abandon()
        self._read_from = []
        for path in self._dropped:
            _delete(path)
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


# ---- where they lie ---------------------------------------------------------------------------------------------------


def is_recovery_file(path: Path) -> bool:
    """By name: `a.nxs.recovery`, `a.nxs.recovery2`."""
    number = path.suffix.removeprefix(RECOVERY)
    return path.suffix.startswith(RECOVERY) and (not number or number.isdigit())


def _places(session_path: Path) -> Iterator[Path]:
    """Where the recovery files of a session may lie: beside it first."""
    whole = session_path.resolve()
    digest = hashlib.sha256(str(whole).encode()).hexdigest()[:8]
    for stem in (whole.with_name(whole.name), config_folder() / "recovery" / f"{whole.name} {digest}"):
        for number in range(1, MOST + 1):
            yield stem.with_name(f"{stem.name}{RECOVERY}{number if number > 1 else ''}")


def _create(base: SessionStore) -> SessionStore:
    """A new recovery file: beside the session, unless it is open for reading only or nothing may be written there."""
    from tandem_em.storage.session_store import SessionStore

    folder = config_folder() / "recovery"
    folder.mkdir(parents=True, exist_ok=True)
    is_beside = not base.is_readonly and os.access(base.path.resolve().parent, os.W_OK)
    refusal: UserError | None = None
    for path in _places(base.path):
        if path.exists() or (path.parent != folder and not is_beside):
            continue
        try:
            return SessionStore.create(path)
        except UserError as error:
            is_beside, refusal = False, error
    raise refusal or UserError(f"{base.path.name} has too many recovery files.", "Save it, or remove them.")


def _create_scratch(session_path: Path) -> SessionStore:
    """A passing file for what can be made again; those that a crash left are removed."""
    from tandem_em.storage.session_store import SessionStore
    from tandem_em.storage.transaction.opening import is_held

    folder = config_folder() / "recovery"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob(f"*{SCRATCH}"):
        if not is_held(path):
            _delete(path)
    return SessionStore.create(folder / f"{session_path.name} {uuid.uuid4().hex[:8]}{SCRATCH}")


def find(session_path: Path) -> list[Lost]:
    """Recovery files of a session that nobody is writing now, newest first."""
    found = []
    for path in _places(session_path):
        if path.is_file() and (lost := look(path)) is not None:
            found.append(lost)
    return sorted(found, key=lambda lost: lost.when, reverse=True)


def look(path: Path) -> Lost | None:
    """What a recovery file holds; None when it is none, or when somebody is writing it."""
    from tandem_em.storage.transaction.opening import is_held
    from tandem_em.storage.unsaved import read_note, state_of

    if is_held(path):
        return None
    note = read_note(path)
    if note is None:
        return None
    session_path = session_of(path, note)
    return Lost(path, session_path, note.when, state_of(session_path) != note.state)


def session_of(path: Path, note: Note) -> Path:
    """The session of a recovery file: beside it, also when both were moved."""
    beside = path.with_suffix("")
    return beside if beside.is_file() else Path(note.path)


def waiting(recent: Iterable[str]) -> list[Lost]:
    """Unsaved changes of named sessions, newest first: in the recovery folder and beside those that were open lately."""
    paths = [path for text in recent for path in _places(Path(text)) if path.is_file()]
    folder = config_folder() / "recovery"
    if folder.is_dir():
        paths += [path for path in folder.iterdir() if is_recovery_file(path)]
    found = [lost for path in dict.fromkeys(paths) if (lost := look(path)) is not None]
    return sorted(
        (lost for lost in found if lost.session_path.is_file()), key=lambda lost: lost.when, reverse=True
    )


def everything(recent: Iterable[str]) -> list[Lost]:
    """All work that was never saved: unnamed sessions too. Newest first."""
    found = waiting(recent)
    for path in files.recoverable():
        when = datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
        found.append(Lost(path, path, when, False))
    return sorted(found, key=lambda lost: datetime.fromisoformat(lost.when), reverse=True)


def discard(lost: Iterable[Lost]) -> None:
    for each in lost:
        _delete(each.path)


def open_with(path: Path) -> Job[files.Opened]:
    """Open a session as it was saved, and look whether there are changes that were not."""
    lost = [] if files.in_recovery(path) else find(path)  # before opening may tidy up the file
    opened = yield from files.open_session(path)
    opened.lost, opened.saved = lost, SavedState(opened.session)
    return opened


def recover(opened: files.Opened, lost: Lost) -> Job[files.Opened]:
    """Put unsaved changes into a session that was opened and is not yet shown."""
    from tandem_em.storage import unsaved

    yield Progress(0, 0, f"Recovering {lost.session_path.name}")
    note = unsaved.read_note(lost.path)
    if note is None or note.uuid != opened.session.info.uuid:
        opened.problems.append(f"{lost.path.name} belongs to another session: nothing was recovered from it.")
        return opened
    store = yield from unsaved.open_sound(lost.path)
    try:
        opened.problems += yield from unsaved.give_back(
            store, opened.session, opened.store.path, files.open_linked_array
        )
    except BaseException:
        store.abandon()
        raise
    opened.recovered = store
    return opened


def _delete(path: Path) -> bool:
    """Whether it is gone."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        return True
    return False


def _delete_open(store: SessionStore) -> None:
    store.abandon()
    _delete(store.path)


def replace_by_copy(original: Path, path: Path) -> bool:
    """Put a copy of a session in the place of another one, whole or not at all; False when that one is open somewhere."""
    from tandem_em.storage.transaction.opening import is_held

    if path.exists() and is_held(path):
        return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}.copy")
    try:
        shutil.copyfile(original, temporary)
        try:
            temporary.replace(path)
        except PermissionError:  # Windows, where somebody reads it
            return False
    finally:
        temporary.unlink(missing_ok=True)
    discard(find(path))  # of the one before
    return True
