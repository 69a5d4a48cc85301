"""Importing: files become items on the session's time axis, in one undoable step."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tandem_em.core.file_hash import file_hash
from tandem_em.core.jobs import Job, Progress
from tandem_em.importers.core.base import Imported as Imported
from tandem_em.importers.core.base import ImportOptions, Question
from tandem_em.model.clock import TYPICAL_UNCERTAINTY_S, Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import AddItem, ChangeFields, Edit, Together
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

AXIS0 = "axis0_is_time"
"""The question whether the images of a stack are a movie."""
Stream = BiasRun | FrameStack | SpectrumImage


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
        # Streams of one file may share a clock, which is added and placed once.
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
    # An importer that gave an offset knows better.
    if not clock.start_iso or clock.offset_s:
        return session_start_iso
    try:
        own = datetime.fromisoformat(clock.start_iso)
    except ValueError:
        return session_start_iso
    if not session_start_iso:
        return clock.start_iso
    zero = datetime.fromisoformat(session_start_iso)
    # Dates with and without zone cannot be subtracted: both are then read as local time.
    if (own.tzinfo is None) != (zero.tzinfo is None):
        own, zero = own.replace(tzinfo=None), zero.replace(tzinfo=None)
    # Division keeps the microseconds that .seconds would cut.
    clock.offset_s = (own - zero) / timedelta(seconds=1)
    return session_start_iso


def answer(imported: Imported, question: Question, choice: str) -> None:
    """Put a person's answer to an open question into the imported items."""
    if question.key == AXIS0:
        for item in imported.items:
            if isinstance(item, FrameStack) and item.axis0_is_time is None:
                item.axis0_is_time = choice == question.choices[0]


def stream_items(items: list[Item]) -> list[Stream]:
    """Runs, stacks and maps among imported items, without sources and clocks."""
    return [item for item in items if isinstance(item, Stream)]


def link_large(imported: Imported, limit_bytes: float) -> list[str]:
    """Data above a limit are linked instead of being copied into the session; the names of their files."""
    sources = {item.id: item for item in imported.items if isinstance(item, SourceFile)}
    found = []
    for item in imported.items:
        source = sources.get(item.source_id) if isinstance(item, FrameStack | SpectrumImage) else None
        if source is None or not isinstance(item, FrameStack | SpectrumImage):
            continue
        size = math.prod(item.source.shape) * item.source.dtype.itemsize
        # Several streams may come from one file, which is named once.
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
        # Relative, so that a folder with session and data can be moved as a whole.
        return os.path.relpath(path, folder.resolve())
    except ValueError:
        return str(path)
