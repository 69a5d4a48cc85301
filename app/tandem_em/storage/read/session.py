"""A session from its file: every item, with big data read lazily; what cannot be read is named and left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.core.jobs import Job, Progress
from tandem_em.model.arrays import ArraySource, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session, SessionInfo
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.arrays import LinkOpener, Owner, StoredArray, UnavailableArray
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Written, encode_item, hints_of, remember
from tandem_em.storage.codec.read_fields import (
    FieldError,
    child,
    children,
    int_attr,
    none_names,
    read_fields,
    text_attr,
)
from tandem_em.storage.codec.read_json import as_declared, restored
from tandem_em.storage.codec.records import old_records
from tandem_em.storage.file_index import FileIndex
from tandem_em.storage.read.tracks import read_tracks
from tandem_em.storage.save_plan import LEFT_OUT, mark_of_item

Call = Callable[[Callable[[Any], Any]], Any]


@dataclass
class Loaded:
    """What came out of a file: the session, what the file holds now, and what could not be read (sentences)."""

    session: Session = field(default_factory=Session)
    file_index: FileIndex = field(default_factory=FileIndex)
    problems: list[str] = field(default_factory=list)


@dataclass
class _Part:
    """What one look at the file gave; thrown away when another program committed meanwhile."""

    items: list[Item] = field(default_factory=list)
    group_paths: dict[str, str] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Ids and group names of what could not be understood."""


@dataclass
class _Reading:
    owner: Owner
    path: Path
    open_link: LinkOpener | None
    loaded: Loaded
    items: dict[str, Item] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)


def read_session(call: Call, owner: Owner, path: Path, open_link: LinkOpener | None) -> Job[Loaded]:
    """Read everything but the big data. `call` runs a function on the storage thread and returns its Future."""
    reading = _Reading(owner, path, open_link, Loaded())
    # clocks first: what is read after them speaks of them by id
    kinds = sorted(reading.loaded.session.collections, key=lambda kind: kind != Clock.kind)
    for number, kind in enumerate(kinds):
        yield Progress(number, len(kinds) + 1, f"Reading {path.name}")
        cls = reading.loaded.session.collections[kind].kind
        _take(call(partial(_read_kind, kind=kind, cls=cls, known=reading.items)).result(), reading)
    yield Progress(len(kinds), len(kinds) + 1, "Reading outlines")
    tracks, problems, unread = call(read_outlines).result()
    _give_outlines(tracks, reading)
    reading.loaded.problems += problems
    reading.unread |= unread
    if reading.unread:  # what belongs to it may look unused
        reading.loaded.file_index.protected = frozenset(reading.unread | reading.unlisted)
    _put_together(call(_stored_order).result(), reading)
    _connect_data(call, reading)
    return reading.loaded


def find_homes(h5: H5File, kind: str) -> dict[str, str]:
    """id -> path of every item of a kind that is kept in a group of its own."""
    place = layout.place_of(kind)
    if kind == SessionInfo.kind:
        found = child(h5, layout.SESSION_HOME)
        return {} if found is None else {text_attr(found, layout.ID_ATTR, "info"): layout.SESSION_HOME}
    folder = child(h5, place.folder)
    group_paths: dict[str, str] = {}
    for name, group in children(folder) if folder is not None and hasattr(folder, "keys") else ():
        if not hasattr(group, "keys"):
            continue
        own = child(group, layout.ITEM) if place.has_item_group else group
        owners = [owner for owner in (group, own) if owner is not None]
        kinds = [text_attr(owner, layout.KIND_ATTR) for owner in owners]
        # damage may have taken the attributes; the name still says what it is
        if kind in kinds or (not any(kinds) and re.fullmatch(rf"{place.stem}_\d{{3,}}", name)):
            ids = [text_attr(owner, layout.ID_ATTR) for owner in owners]
            group_paths.setdefault(next((i for i in ids if i), f"{kind}-{name}"), f"{place.folder}/{name}")
    return group_paths


def _take(part: _Part, reading: _Reading) -> None:
    """Keep what was read, and note that the file holds exactly this."""
    file_index = reading.loaded.file_index
    reading.loaded.problems += part.problems
    reading.unlisted |= part.unlisted
    reading.unread |= part.unread
    for item in part.items:
        if item.id in reading.items:
            reading.loaded.problems.append(f"A second item with the id {item.id} was left out.")
            continue
        reading.items[item.id] = item
        if item.id in part.group_paths:
            file_index.group_paths[item.id] = part.group_paths[item.id]
            file_index.written[item.id] = Written()
            remember(encode_item(item, LEFT_OUT.get(item.kind, frozenset())), file_index.written[item.id])
            for (
                old_name
            ) in item.stored_before.values():  # what was taken out of a dict leaves the file with it
                file_index.written[item.id].marks.pop(f"/{old_name.partition('.')[0]}", None)


def _read_kind(h5: H5File, kind: str, cls: type[Item], known: dict[str, Item]) -> _Part:
    part = _Part()
    if layout.place_of(kind).as_table:
        _read_records(h5, kind, cls, part)
        return part
    for item_id, home in find_homes(h5, kind).items():
        group = child(h5, f"{home}/{layout.ITEM}" if layout.place_of(kind).has_item_group else home)
        if group is None:
            part.problems.append(f"{home} has no fields and was left out.")
            part.unread.add(item_id)
            continue
        item = _read_item(group, cls, item_id, known, part)
        if item is None:
            part.unread.add(item_id)
            continue
        part.items.append(item)
        part.group_paths[item_id] = home
        if not bool(group.attrs.get(layout.LISTED_ATTR, True)):
            part.unlisted.add(item_id)
    return part


def _read_item(
    group: H5Group, cls: type[Item], item_id: str, known: dict[str, Item], part: _Part
) -> Item | None:
    values, problems = read_fields(group, cls, known)
    part.problems += problems
    values["id"] = item_id
    values["revision"] = int_attr(group, layout.REVISION_ATTR)
    for name in none_names(group):
        values.setdefault(name, None)
    return _make(cls, values, group.name, part)


def _make(cls: type[Item], values: dict[str, Any], where: str, part: _Part) -> Item | None:
    known = set(hints_of(cls))
    try:
        return cls(**{name: value for name, value in values.items() if name in known})
    except (TypeError, ValueError) as error:
        part.problems.append(f"{where} cannot be understood: {error}.")
        return None


def read_records(h5: H5File, kind: str, cls: type[Item], problems: list[str]) -> list[Item]:
    """The items of a kind that is kept as records, and what could not be read (sentences)."""
    part = _Part()
    _read_records(h5, kind, cls, part)
    problems += part.problems
    return part.items


def _read_records(h5: H5File, kind: str, cls: type[Item], part: _Part) -> None:
    group = child(h5, layout.place_of(kind).folder)
    if group is None:
        return
    hints = hints_of(cls)
    for record in old_records(group):
        try:
            values = {
                name: as_declared(restored(value, hints[name]), hints[name])
                for name, value in record.items()
                if name in hints
            }
        except (ValueError, TypeError, KeyError) as error:
            part.problems.append(f"One {kind} cannot be understood: {error}.")
            part.unread.add(str(record.get("id")))
            continue
        item = _make(cls, values, f"One {kind}", part)
        if item is not None:
            part.items.append(item)
        else:
            part.unread.add(str(record.get("id")))


Tracks = dict[int, dict[int, Outline]]


def read_outlines(h5: H5File) -> tuple[list[Tracks], list[str], set[str]]:
    """Outlines by group, sentences about those that cannot be read, and the names of their groups."""
    entry = child(h5, layout.ENTRY)
    found: list[Tracks] = []
    problems: list[str] = []
    unread: set[str] = set()
    for name, group in children(entry) if entry is not None else ():
        if not name.startswith("particles_") or not hasattr(group, "keys"):
            continue
        try:
            found.append(read_tracks(group))
        except (FieldError, ValueError, TypeError, OSError, RuntimeError, KeyError) as error:
            problems.append(f"{group.name}: {error}.")
            unread.add(name)
    return found, problems, unread


def _give_outlines(found: list[Tracks], reading: _Reading) -> None:
    group_paths = reading.loaded.file_index.group_paths
    numbers = {
        layout.number_of(group_paths[item.id]): item
        for item in reading.items.values()
        if isinstance(item, Particle)
    }
    for tracks in found:
        for number, outlines in tracks.items():
            if number in numbers:
                numbers[number].outlines.update(outlines)


def _stored_order(h5: H5File) -> tuple[str, dict[str, list[str]]]:
    form = child(h5, layout.FORMAT_GROUP)
    stored = child(form, layout.ORDER) if form is not None else None
    try:
        text = stored.asstr()[()] if stored is not None else "{}"
        order = json.loads(text)
    except (ValueError, TypeError, AttributeError):
        return "", {}
    return text, order if isinstance(order, dict) else {}


def _put_together(order: tuple[str, dict[str, list[str]]], reading: _Reading) -> None:
    """Fill the session in the order it had, and note what the file holds."""
    session, file_index = reading.loaded.session, reading.loaded.file_index
    file_index.order = order[0]
    places = {
        item_id: place
        for ids in order[1].values()
        for place, item_id in enumerate(ids)
        if isinstance(item_id, str)
    }
    # items that the order does not name go to the end
    for item in sorted(reading.items.values(), key=lambda each: places.get(each.id, 1 << 30)):
        if isinstance(item, SessionInfo):
            _replace_info(session, item)
        elif item.id not in reading.unlisted:
            session.collection_of(item).add(item)
        if layout.place_of(item.kind).as_table:
            file_index.records.setdefault(item.kind, {})[item.id] = mark_of_item(item)
        elif isinstance(item, Clock):
            file_index.saved[item.id] = (item.revision, item.id not in reading.unlisted)


def _replace_info(session: Session, info: SessionInfo) -> None:
    session.infos.remove(session.info.id)
    session.info = info
    session.infos.add(info)


def _connect_data(call: Call, reading: _Reading) -> None:
    """Give streams their data: in this file, in another one, or a stand-in that says what is wrong."""
    for item in reading.items.values():
        if isinstance(item, (FrameStack, SpectrumImage)):
            home = reading.loaded.file_index.group_paths[item.id]
            source, problem = _source_of(call, home, item, reading)
            item.source = source
            if problem:
                reading.loaded.problems.append(problem)
        if not layout.place_of(item.kind).as_table and not isinstance(item, Clock):
            reading.loaded.file_index.saved[item.id] = mark_of_item(item)


def _source_of(
    call: Call, home: str, item: FrameStack | SpectrumImage, reading: _Reading
) -> tuple[ArraySource, str]:
    shape, dtype, is_linked = call(lambda h5: look_at_data(h5, home)).result()
    name = item.name or item.id
    if shape is None:
        problem = f"The data of {name} are missing from {reading.path.name}."
        advice = "Run File → Diagnostics, or import the original file again."
        return UnavailableArray((0, 1, 1), np.dtype(np.uint16), problem, advice), problem
    if not is_linked:
        return StoredArray(reading.owner, item.id, shape, dtype), ""
    if 0 in shape:
        return MemoryArray(np.zeros(shape, dtype)), ""
    origin = reading.items.get(item.source_id)
    if not isinstance(origin, SourceFile):
        problem = f"{name} is kept in another file, but {reading.path.name} does not say in which."
        return UnavailableArray(shape, dtype, problem, "Import the original file again."), problem
    return open_linked(origin, reading.path, shape, dtype, reading.open_link)


def open_linked(
    origin: SourceFile,
    session_path: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    open_link: LinkOpener | None,
) -> tuple[ArraySource, str]:
    """The data of a linked file, or a stand-in and the sentence that says why not. Notes the problem on the item."""
    path = Path(origin.path)
    path = path if path.is_absolute() else session_path.parent / path
    problem, advice = "", "Find it at its new place with File → Diagnostics."
    if not path.exists():
        problem = f"{path.name}, which holds the data, is not at {origin.path}."
    # size alone: hashing a linked movie takes minutes, and opening a session should not
    elif origin.size and path.is_file() and path.stat().st_size != origin.size:
        problem = f"{path.name} has changed since it was linked ({path.stat().st_size} instead of {origin.size} bytes)."
    elif open_link is None:
        problem, advice = (
            f"{path.name} holds the data and was not opened.",
            "Open the session in the program.",
        )
    else:
        try:
            source: ArraySource = open_link(path, origin.dataset)
            if tuple(source.shape) == shape:
                origin.problems = [p for p in origin.problems if path.name not in p]
                return source, ""
            source.close()
            problem = f"{path.name} contains data of another shape than when it was linked."
        except Exception as error:  # noqa: BLE001  an edge: importers of foreign files, whatever they raise
            problem, advice = f"{path.name}, which holds the data, cannot be read: {error}", "Check the file."
    origin.problems = [*[p for p in origin.problems if p != problem], problem]
    return UnavailableArray(shape, dtype, problem, advice), problem


def look_at_data(h5: H5File, home: str) -> tuple[tuple[int, ...] | None, np.dtype[Any], bool]:
    """Shape, type, and whether the data are in another file. Shape None: nobody knows."""
    group = h5[home]
    data = child(group, "data")
    if data is not None and hasattr(data, "shape"):
        if data.ndim == 3 and data.dtype.kind in "biufc":
            return tuple(int(n) for n in data.shape), data.dtype, False
        return None, np.dtype(np.uint16), False
    shape = np.atleast_1d(group.attrs.get(layout.LINKED_ATTR, []))
    if len(shape) != 3 and layout.RECORDING_ATTR in group.attrs:
        return (0, 1, 1), np.dtype(np.uint16), True  # its recording broke off before the first frame
    if len(shape) != 3:
        return None, np.dtype(np.uint16), False
    return tuple(int(n) for n in shape), np.dtype(text_attr(group, layout.DTYPE_ATTR, "<u2")), True
