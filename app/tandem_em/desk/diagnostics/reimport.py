"""Files that have changed since they were imported: found, and read again in the place of what they gave before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tandem_em.core.file_hash import file_hash
from tandem_em.core.jobs import Job, Progress, Task
from tandem_em.core.notices import UserError
from tandem_em.desk import importing
from tandem_em.desk.desk import Desk
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import AddItem, ChangeFields, Edit, Together
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

CONTENT: dict[type[Item], tuple[str, ...]] = {
    BiasRun: ("times", "columns", "host_times", "segment_starts", "instrument"),
    FrameStack: (
        "source",
        "times",
        "times_from",
        "frame_numbers",
        "exposure_s",
        "bad_frames",
        "unit",
        "instrument",
    ),
    SpectrumImage: ("source", "energy_eV", "adf", "dwell_s", "start", "end", "instrument"),
}
"""What a file gives. Names, colours, clocks and everything a person has set stay."""


@dataclass(frozen=True)
class Changed:
    """A source whose file is another one now."""

    source: SourceFile
    path: Path
    when: str


@dataclass
class Reread:
    """What one file holds now."""

    path: Path
    found: importing.Imported
    notes: list[str] = field(default_factory=list)


def path_of(source: SourceFile, folder: Path | None) -> Path:
    """Where a source should be; relative ones as seen from the session's folder."""
    path = Path(source.path)
    return path if path.is_absolute() or folder is None else folder / path


def looking(session: Session, folder: Path | None) -> Job[list[Changed]]:
    """Sources that were copied into the session and whose files have another content now. Files that are gone are no
    harm: the session has their data."""
    found = []
    for number, source in enumerate(session.sources):
        yield Progress(number, len(session.sources), f"Searching for {source.name}")
        path = path_of(source, folder)
        # Linked files are checked when they are opened; folders have no hash.
        if source.linked or not source.sha256 or not source.path:
            continue
        try:
            if not path.is_file():
                continue
            stat = path.stat()
            when = datetime.fromtimestamp(stat.st_mtime).astimezone()
            # Size and date first: hashing every source at each opening would take long.
            if stat.st_size == source.size and when.isoformat(timespec="seconds") == source.modified_iso:
                continue
            # Only touched or copied: the content is the same.
            if stat.st_size == source.size and file_hash(path) == source.sha256:
                continue
        except OSError:
            continue
        found.append(Changed(source, path, f"{when:%Y-%m-%d %H:%M}"))
    return found


def again(desk: Desk, source: SourceFile, path: Path, on_end: Callable[[], None] | None = None) -> Task[Any]:
    """Read a file again and put what it holds in the place of what it gave before, as one undoable step."""
    options = _options(desk.session, source)

    def finished(read: Reread) -> None:
        if source.id in desk.session.sources:
            desk.do(f"Import {path.name} again", replacing(desk.session, source, read))
            for problem in read.found.problems:
                desk.notices.warning(problem)
            desk.notices.info(f"{path.name} was imported again.", "Ctrl+Z undoes it.")
        if on_end is not None:
            on_end()

    return desk.start(
        f"Importing {path.name} again",
        reading(desk.session, path, options),
        finished,
        key=f"again {source.id}",
    )


def reading(session: Session, path: Path, options: ImportOptions | None = None) -> Job[Reread]:
    """What a file holds now, not yet in the session; UserError when it has no stream any more."""
    found = yield from importing.import_files(session, [path], options)
    if not importing.stream_items(found.items):
        raise UserError(f"{path.name} no longer contains data.", "Export it again from the instrument.")
    return Reread(path, found)


def _options(session: Session, source: SourceFile) -> ImportOptions | None:
    """What had been decided about this file before."""
    for stack in session.stacks:
        if stack.source_id == source.id and stack.axis0_is_time is not None:
            return ImportOptions(axis0_is_time=stack.axis0_is_time)
    return None


def replacing(session: Session, source: SourceFile, read: Reread) -> Edit:
    """The step that takes the new content. Streams are told apart by kind and name, or by kind where there is one of it."""
    label = f"Import {read.path.name} again"
    old = [item for item in (*session.runs, *session.stacks, *session.maps) if item.source_id == source.id]
    edits: list[Edit] = []
    unused = list(old)
    for new in importing.stream_items(read.found.items):
        same = [item for item in unused if type(item) is type(new)]
        # A renamed stream is still recognised when it is the only one of its kind.
        match = next((item for item in same if item.name == new.name), same[0] if same else None)
        if match is None:
            # It joins the source that is kept, not the one that was read.
            new.source_id = source.id
            edits += [AddItem(label, new.clock), AddItem(label, new)]
            continue
        unused.remove(match)
        edits.append(ChangeFields(label, match.id, _content(match, new)))
    fresh = next(item for item in read.found.items if isinstance(item, SourceFile))
    facts = ("size", "sha256", "modified_iso", "problems", "path", "name")
    edits.append(ChangeFields(label, source.id, {name: getattr(fresh, name) for name in facts}))
    return Together(label, edits)


def _content(old: Item, new: Item) -> dict[str, Any]:
    fields = {name: getattr(new, name) for name in CONTENT[type(old)]}
    if isinstance(old, BiasRun):
        # Kept times are of the old samples.
        fields |= {"_t": None, "_extent": None}
    if isinstance(old, FrameStack) and isinstance(new, FrameStack):
        # A calibration by hand is better than what the file says.
        if old.pixel_from in ("", "file"):
            fields |= {"pixel_nm": new.pixel_nm, "pixel_from": new.pixel_from}
        # With other frames the drift belongs to nothing.
        if old.drift_px is not None and len(old.drift_px) != len(new):
            fields["drift_px"] = None
    if isinstance(old, SpectrumImage) and isinstance(new, SpectrumImage):
        fields["pixel_nm"] = new.pixel_nm
        if new.start is None or old.source.shape != new.source.shape:
            fields |= {"energy_shift_eV": None}
        if new.start is None:  # the file does not say: where a person has put it stays
            fields = {k: v for k, v in fields.items() if k not in ("start", "end")}
    return fields
