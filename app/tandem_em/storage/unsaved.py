"""Recovery files: what differs from a saved session, in a small file of the session's own form.

Only fields that changed are in it. Frames and spectra that lie in the session or in a file they were imported from are
not copied: their shape stands there, and they are found again. `Note` says what the file belongs to.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.model.arrays import ArraySource
from tandem_em.model.clock import Clock
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.items import Item
from tandem_em.model.session import Session, SessionInfo
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.arrays import LinkOpener, StoredArray, UnavailableArray
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Encoded, Record, Written, remember, stored_fields
from tandem_em.storage.codec.read_fields import child, int_attr, none_names, read_fields
from tandem_em.storage.file_index import FileIndex
from tandem_em.storage.gate.audit import require_sound
from tandem_em.storage.gate.version import read_text
from tandem_em.storage.read.session import (
    find_homes,
    look_at_data,
    open_linked,
    read_outlines,
    read_records,
)
from tandem_em.storage.save_plan import Plan
from tandem_em.storage.session_store import SaveReport, SessionStore
from tandem_em.storage.transaction import journal, raw_file
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

Stream = FrameStack | SpectrumImage


@dataclass(frozen=True)
class Note:
    """What a recovery file says of itself. `state`: that of the session it was made from."""

    path: str
    uuid: str
    state: str
    when: str
    order: dict[str, list[str]] = field(default_factory=dict)


def state_of(path: Path) -> str:
    """Which commit a session file is at; another one after every save. Empty when nobody can say."""
    try:
        raw = raw_file.open_raw(path, writable=False)
    except OSError:
        return ""
    try:
        return journal.state(raw)
    except OSError:
        return ""
    finally:
        raw.close()


def read_note(path: Path) -> Note | None:
    """What a file says of itself; None when it is no recovery file."""
    try:
        store = Hdf5Store.open(path, "r")
    except (UserError, OSError):
        return None
    try:
        return store.call(_note_in).result()
    except (UserError, OSError, RuntimeError, ValueError, TypeError, KeyError):
        return None
    finally:
        store.abandon()


def _note_in(h5: H5File) -> Note | None:
    form = child(h5, layout.FORMAT_GROUP)
    text = read_text(form, layout.UNSAVED) if form is not None else ""
    return Note(**json.loads(text)) if text else None


# ---- writing ----------------------------------------------------------------------------------------------------------


@dataclass
class Keeping:
    """One plan of a session on its way into its recovery file."""

    plan: Plan
    file_index: FileIndex
    """What the session file holds."""
    note: Note


def keep(
    store: SessionStore, keeping: Keeping, ever: dict[str, set[str]], outside: set[str]
) -> Job[SaveReport]:
    """Write what differs from the session. `ever`: names of the fields this file has had, by id, which are kept up to
    date even when they are as saved again. `outside`: streams whose data can be found again in a file of their own."""
    plan = keeping.plan
    plan.records = [record for record in plan.records if record.kind != Preview.kind]
    plan.embeddings = [each for each in plan.embeddings if each.kind != Preview.kind]
    for record in plan.records:
        known = (
            keeping.file_index.written.get(record.id) if record.id in keeping.file_index.group_paths else None
        )
        names = ever.setdefault(record.id, set())
        # as saved again is written too: otherwise an older value would come back from this file
        record.fields = {
            name: value
            for name, value in record.fields.items()
            if name in names or known is None or differs(name, value, known)
        }
        names.update(record.fields)
        record.item = Item(id=record.id, name=record.item.name)
    plan.linked |= {each.item_id: each.source for each in plan.embeddings if each.item_id in outside}
    plan.embeddings = [each for each in plan.embeddings if each.item_id not in outside]
    plan.snapshot = {key: item for key, item in plan.snapshot.items() if isinstance(item, Particle)}
    plan.removed, plan.is_complete = [], False
    plan.unsaved = json.dumps(asdict(keeping.note))
    return store.write(plan)


def differs(name: str, value: Encoded, known: Written) -> bool:
    """Whether the session file has another value of this field."""
    here = Written()
    remember(Record("", "", 0, {name: value}, Item()), here)
    own = f"/{name}"
    there = {path: m for path, m in known.marks.items() if path == own or path.startswith(f"{own}/")}
    return here.marks != there


# ---- reading ----------------------------------------------------------------------------------------------------------


@dataclass
class _Patch:
    """The fields of one item that the recovery file has."""

    cls: type[Item]
    values: dict[str, Any]
    home: str = ""
    data: tuple[tuple[int, ...] | None, np.dtype[Any], bool] | None = None


@dataclass
class _Patches:
    note: Note | None = None
    by_id: dict[str, _Patch] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def give_back(store: SessionStore, session: Session, base: Path, open_link: LinkOpener) -> Job[list[str]]:
    """Put what a recovery file holds into the session it belongs to; what could not be (sentences). `store`: the
    recovery file, open for reading; it has to stay open, big data are read from it."""
    yield Progress(0, 0, "Recovering the changes")
    patches = store.look(partial(_read_patches, session=session))
    for item_id, patch in patches.by_id.items():
        store.file_index.group_paths[item_id] = patch.home
    order = patches.note.order if patches.note is not None else {}
    wanted = {kind: set(ids) for kind, ids in order.items()}
    for item_id, patch in patches.by_id.items():
        # items that this file has but its order does not name were removed since
        if item_id in wanted.get(patch.cls.kind, set()) or patch.cls is SessionInfo:
            patches.problems += _apply(patch, item_id, session)
        elif patch.cls is Clock:
            _apply_unlisted(patch, item_id, session)
    for kind, ids in order.items():
        _put_in_order(session, kind, ids)
    for run in session.runs:
        run.retime()  # its clock may have moved
    yield Progress(0, 0, "Finding the data")
    for item_id, patch in patches.by_id.items():
        item = session.find(item_id)
        shape, dtype, is_outside = patch.data or (None, np.dtype(np.uint16), False)
        if isinstance(item, Stream) and shape is not None:
            problem = _connect(item, shape, dtype, is_outside, store, session, base, open_link)
            patches.problems += [problem] if problem else []
    return patches.problems


def _read_patches(h5: H5File, session: Session) -> _Patches:
    patches = _Patches(_note_in(h5))
    known = {item.id: item for item in session.items()}
    known |= {each.clock.id: each.clock for each in (*session.runs, *session.stacks, *session.maps)}
    # clocks first: streams speak of them
    for kind in sorted(session.collections, key=lambda kind: kind != Clock.kind):
        cls = session.collections[kind].kind
        if layout.place_of(kind).as_table:
            for item in read_records(h5, kind, cls, patches.problems):
                patches.by_id[item.id] = _Patch(cls, {n: getattr(item, n) for n in stored_fields(cls)})
            continue
        for item_id, home in find_homes(h5, kind).items():
            place = f"{home}/{layout.ITEM}" if layout.place_of(kind).has_item_group else home
            group = child(h5, place)
            if group is None:
                continue
            values, problems = read_fields(group, cls, known)
            patches.problems += problems
            values |= dict.fromkeys(none_names(group) & set(stored_fields(cls)))
            values |= {"id": item_id, "revision": int_attr(group, layout.REVISION_ATTR)}
            data = look_at_data(h5, home) if issubclass(cls, Stream) else None
            patches.by_id[item_id] = _Patch(cls, values, home, data)
            if cls is Clock and item_id not in known:
                known[item_id] = Clock(**values)
    _add_outlines(h5, patches)
    for item_id, patch in patches.by_id.items():
        if patch.cls is Clock and item_id in known:
            patch.values["_made"] = known[item_id]
    return patches


def _add_outlines(h5: H5File, patches: _Patches) -> None:
    """A particle in the file has all its outlines there."""
    particles = {
        layout.number_of(patch.home): patch for patch in patches.by_id.values() if patch.cls is Particle
    }
    for patch in particles.values():
        patch.values["outlines"] = dict[int, Outline]()
    found, problems, _unread = read_outlines(h5)
    patches.problems += problems
    for tracks in found:
        for number, outlines in tracks.items():
            if number in particles:
                particles[number].values["outlines"].update(outlines)


def _apply(patch: _Patch, item_id: str, session: Session) -> list[str]:
    item = session.info if patch.cls is SessionInfo else session.find(item_id)
    made = patch.values.pop("_made", None)
    if item is None:
        try:
            item = made if made is not None else patch.cls(**patch.values)
        except (TypeError, ValueError) as error:
            return [f"A new {patch.cls.kind} could not be recovered: {error}."]
        session.collection_of(item).add(item)
        return []
    _set(item, patch.values)
    return []


def _apply_unlisted(patch: _Patch, item_id: str, session: Session) -> None:
    """A clock that only its stream knows."""
    patch.values.pop("_made", None)
    for stream in (*session.runs, *session.stacks, *session.maps):
        if stream.clock.id == item_id:
            _set(stream.clock, patch.values)


def _set(item: Item, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name != "id":
            setattr(item, name, value)


def _put_in_order(session: Session, kind: str, ids: list[str]) -> None:
    collection = session.collections.get(kind)
    if collection is None or kind == SessionInfo.kind:
        return
    present = [item.id for item in collection]
    wanted = [item_id for item_id in ids if item_id in collection]
    for item_id in set(present) - set(wanted):
        collection.remove(item_id)
    if [item_id for item_id in present if item_id in wanted] != wanted:
        for item_id in wanted:
            collection.add(collection.remove(item_id))


def _connect(
    item: Stream,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    is_outside: bool,
    store: SessionStore,
    session: Session,
    base: Path,
    open_link: LinkOpener,
) -> str:
    """Give a stream its data: from the recovery file, or from where they came from. The sentence says why not."""
    if not is_outside:
        item.source = StoredArray(store, item.id, shape, dtype)
        return ""
    origin = session.sources.get(item.source_id)
    if 0 in shape or origin is None:
        return ""
    found, problem = open_linked(origin, base, shape, dtype, partial(_named, item.name, shape, open_link))
    if isinstance(found, UnavailableArray):
        found = UnavailableArray(shape, dtype, problem, f"Import {origin.name} again.")
    item.source = found
    return problem


def _named(name: str, shape: tuple[int, ...], open_link: LinkOpener, path: Path, dataset: str) -> ArraySource:
    """One of the data sets in a file: the one that is noted, that has the name, or else the first."""
    for wanted in dict.fromkeys((dataset or name, dataset)):
        with suppress(UserError):
            source: ArraySource = open_link(path, wanted)
            if tuple(source.shape) == shape:
                return source
            source.close()
    raise UserError(f"{path.name} no longer holds {name}.", "Import it again.")


def open_sound(path: Path) -> Job[SessionStore]:
    """A recovery file, looked through like any file of unknown origin, open for reading."""
    yield Progress(0, 0, f"Reading {path.name}")
    require_sound(path)
    return SessionStore(Hdf5Store.open(path, "r"), path, None, None)
