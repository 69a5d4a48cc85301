"""Open, save, import, close: the verbs around the session file."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tandem_em.core.file_hash import file_hash
from tandem_em.core.jobs import Job, Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.settings import config_folder, opened_demos
from tandem_em.importers.core.base import Imported as Imported
from tandem_em.importers.core.base import ImportOptions, Question
from tandem_em.model.arrays import ArraySource
from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import AddItem, ChangeFields, Together
from tandem_em.model.frames import FrameStack
from tandem_em.model.history import Edit
from tandem_em.model.items import Item
from tandem_em.model.provenance import SourceFile
from tandem_em.model.saved import SavedState
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

if TYPE_CHECKING:
    from tandem_em.desk.unsaved import Lost
    from tandem_em.storage.save_plan import Plan
    from tandem_em.storage.session_store import SaveReport, SessionStore

SUFFIX = ".nxs"
AXIS0 = "axis0_is_time"
"""The question whether the images of a stack are a movie."""
Stream = BiasRun | FrameStack | SpectrumImage


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


def settle(opened: Opened, embedded: dict[str, ArraySource]) -> None:
    """Big data that were copied into the file are read from there from now on (call it where the session lives)."""
    for item_id, source in embedded.items():
        item = opened.session.find(item_id)
        if isinstance(item, FrameStack | SpectrumImage):
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


def import_files(
    session: Session,
    paths: list[Path],
    options: ImportOptions | None = None,
    known: Callable[[Path], ImportOptions | None] | None = None,
) -> Job[Imported]:
    """Read files into items that fit on the session's time axis. Nothing is added yet: see `adding`.

    `known`: what a person has decided before about a file like this."""
    from tandem_em.importers import registry

    gathered = Imported()
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), f"Reading {path.name}")
        found = yield from registry.read(path, (known(path) if known is not None else None) or options)
        source = describe_source(path)
        source.problems = found.problems
        for item in found.items:
            if isinstance(item, Stream):
                item.source_id = source.id
        gathered.items += [source, *found.items]
        gathered.problems += [p if path.name in p else f"{path.name}: {p}" for p in found.problems]
        gathered.questions += found.questions
        gathered.files += found.files
    yield Progress(len(paths), len(paths), "Done")
    return gathered


def describe_source(path: Path) -> SourceFile:
    """Name, size and hash of what was imported. Folders have no hash; big files only that of their ends."""
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime).astimezone().isoformat(timespec="seconds")
    return SourceFile(
        name=path.name,
        path=str(path.resolve()),
        size=stat.st_size if path.is_file() else 0,
        sha256=file_hash(path) if path.is_file() else "",
        modified_iso=modified,
    )


def adding(session: Session, imported: Imported) -> Edit:
    """One undoable step that puts imported items into the session, moved onto its time axis."""
    names = ", ".join(item.name for item in imported.items if isinstance(item, Stream)) or "files"
    label = f"Import {names}"
    edits: list[Edit] = []
    known = {clock.id for clock in session.clocks}
    start = session.info.start_iso
    for item in imported.items:
        if isinstance(item, Stream) and item.clock.id not in known:
            known.add(item.clock.id)
            item.clock.name = item.clock.name or f"clock of {item.name}"
            start = _place(item.clock, start)
            edits.append(AddItem(label, item.clock))
    if start and start != session.info.start_iso:
        edits.insert(0, ChangeFields(label, session.info.id, {"start_iso": start}))
    edits += [AddItem(label, item) for item in imported.items]
    return Together(label, edits)


def _place(clock: Clock, session_start_iso: str) -> str:
    """Give an imported clock its offset; returns the session's start (the first dated stream sets it)."""
    if not np.isfinite(clock.uncertainty_s):
        clock.uncertainty_s = TYPICAL_UNCERTAINTY_S.get(clock.origin, np.inf)
    if not clock.start_iso or clock.offset_s:
        return session_start_iso
    try:
        own = datetime.fromisoformat(clock.start_iso)
    except ValueError:
        return session_start_iso
    if not session_start_iso:
        return clock.start_iso
    zero = datetime.fromisoformat(session_start_iso)
    if (own.tzinfo is None) != (zero.tzinfo is None):
        own, zero = own.replace(tzinfo=None), zero.replace(tzinfo=None)
    clock.offset_s = (own - zero) / timedelta(seconds=1)
    return session_start_iso


def answer(imported: Imported, question: Question, choice: str) -> None:
    """Put a person's answer to an open question into the imported items."""
    if question.key == AXIS0:
        for item in imported.items:
            if isinstance(item, FrameStack) and item.axis0_is_time is None:
                item.axis0_is_time = choice == question.choices[0]


def untitled_path() -> Path:
    """Where a session lives until it gets a name: a crash leaves it there to be recovered."""
    folder = config_folder() / "recovery"
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d %H-%M-%S")
    number, path = 1, folder / f"unsaved {stamp}{SUFFIX}"
    while path.exists():
        number += 1
        path = folder / f"unsaved {stamp} {number}{SUFFIX}"
    return path


def recoverable() -> list[Path]:
    """Unsaved sessions of earlier runs that nobody is writing to now, newest first."""
    folder = config_folder() / "recovery"
    if not folder.is_dir():
        return []
    from tandem_em.storage.transaction.opening import is_held

    files = [path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_size and not is_held(path)]
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)


def stream_items(items: list[Item]) -> list[Stream]:
    return [item for item in items if isinstance(item, Stream)]


def in_recovery(path: Path) -> bool:
    """Whether this file is an unnamed session's."""
    return path.parent == config_folder() / "recovery" and path.suffix == SUFFIX


def is_demo(path: Path) -> bool:
    """Whether a file is a copy of the demo to play with: saving it needs another name."""
    return path.parent == opened_demos()


def link_large(imported: Imported, limit_bytes: float) -> list[str]:
    """Data above a limit are linked instead of being copied into the session; the names of their files."""
    sources = {item.id: item for item in imported.items if isinstance(item, SourceFile)}
    found = []
    for item in imported.items:
        source = sources.get(item.source_id) if isinstance(item, FrameStack | SpectrumImage) else None
        if source is None or not isinstance(item, FrameStack | SpectrumImage):
            continue
        size = math.prod(item.source.shape) * item.source.dtype.itemsize
        if size > limit_bytes and not source.linked:
            source.linked = True
            found.append(source.name)
    return found


def mark_linked(session: Session, imported: Imported, folder: Path) -> None:
    """Leave the big arrays of imported files where they are, found again from `folder`, where the session lies."""
    for item in imported.items:
        if isinstance(item, FrameStack | SpectrumImage):
            source = session.sources.get(item.source_id)
            if source is not None:
                session.change(source, linked=True, path=relative_to(Path(source.path), folder))


def relative_to(path: Path, folder: Path) -> str:
    """A path as seen from the session's folder; absolute where there is no way (another drive)."""
    try:
        return os.path.relpath(path, folder.resolve())
    except ValueError:
        return str(path)


def say_missing(path: Path) -> UserError:
    return UserError(
        f"{path.name} is no longer there.", "It may have been moved: open it from its new place."
    )


def open_filter() -> str:
    """What the open dialog offers."""
    from tandem_em.importers import registry

    patterns = " ".join(f"*{suffix}" for suffix in sorted({SUFFIX, *registry.suffixes()}))
    return f"All TandEM reads ({patterns});;TandEM session (*{SUFFIX});;All files (*)"


def save_session(opened: Opened) -> Job[SaveReport]:
    """Commit what changed. The snapshot is taken now; call `settle` with what it embedded."""
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
