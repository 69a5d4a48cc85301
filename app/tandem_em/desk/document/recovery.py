"""What a crash left: changes that were never saved are found again, offered, put back or discarded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk.document import files, places
from tandem_em.desk.document.places import Lost, delete
from tandem_em.model.saved import SavedState

if TYPE_CHECKING:
    from tandem_em.storage.unsaved import Note

WHERE = "Open the session in the window to recover them."


def find(session_path: Path) -> list[Lost]:
    """Recovery files of a session that nobody is writing now, newest first."""
    found = []
    for path in places.recovery_places(session_path):
        if path.is_file() and (lost := look(path)) is not None:
            found.append(lost)
    return sorted(found, key=lambda lost: lost.when, reverse=True)


def look(path: Path) -> Lost | None:
    """What a recovery file holds; None when it is none, or when somebody is writing it."""
    from tandem_em.storage.transaction.opening import is_held
    from tandem_em.storage.unsaved import read_note, state_of

    # It belongs to a session that is open now, here or in another program.
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
    # The name tells first: the path in the note is the one before both were moved.
    return beside if beside.is_file() else Path(note.path)


def waiting(recent: Iterable[str]) -> list[Lost]:
    """Unsaved changes of named sessions, newest first: in the recovery folder and beside those that were open lately."""
    paths = [path for text in recent for path in places.recovery_places(Path(text)) if path.is_file()]
    folder = places.recovery_folder()
    if folder.is_dir():
        paths += [path for path in folder.iterdir() if places.is_recovery_file(path)]
    found = [lost for path in dict.fromkeys(paths) if (lost := look(path)) is not None]
    return sorted(
        (lost for lost in found if lost.session_path.is_file()), key=lambda lost: lost.when, reverse=True
    )


def everything(recent: Iterable[str]) -> list[Lost]:
    """All work that was never saved: unnamed sessions too. Newest first."""
    found = waiting(recent)
    for path in places.recoverable():
        when = datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
        found.append(Lost(path, path, when, False))
    return sorted(found, key=lambda lost: datetime.fromisoformat(lost.when), reverse=True)


def discard(lost: Iterable[Lost]) -> None:
    """Delete recovery files whose changes nobody wants; one that cannot be deleted stays."""
    for each in lost:
        delete(each.path)


def open_with(path: Path) -> Job[files.Opened]:
    """Open a session as it was saved, and look whether there are changes that were not."""
    lost = [] if places.in_recovery(path) else find(path)  # before opening may tidy up the file
    opened = yield from files.open_session(path)
    opened.lost, opened.saved = lost, SavedState(opened.session)
    return opened


def recover(opened: files.Opened, lost: Lost) -> Job[files.Opened]:
    """Put unsaved changes into a session that was opened and is not yet shown."""
    from tandem_em.storage import unsaved

    yield Progress(0, 0, f"Recovering {lost.session_path.name}")
    note = unsaved.read_note(lost.path)
    # A file of the same name may have taken the place of the session.
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


def replace_by_copy(original: Path, path: Path) -> bool:
    """Put a copy of a session in the place of another one, whole or not at all; False when that one is open somewhere."""
    from tandem_em.storage.transaction.opening import is_held

    if path.exists() and is_held(path):
        return False
    # Beside the target: replacing is atomic only within one file system.
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
