"""What one save has to do: a snapshot of everything that changed, taken quickly on the thread that owns the session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tandem_em.model.arrays import ArraySource
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.snapshot import frozen
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Particle
from tandem_em.storage.arrays import StoredArray, UnavailableArray
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Record, Same, encode_item
from tandem_em.storage.codec.tracks import Tracks
from tandem_em.storage.file_index import FileIndex

LEFT_OUT: dict[str, frozenset[str]] = {"particle": frozenset({"outlines"})}
"""Fields that have a form of their own in the file."""


@dataclass
class Embedding:
    """Big data that have to be copied into the file."""

    item_id: str
    kind: str
    source: ArraySource
    label: str


@dataclass
class Plan:
    """One save."""

    records: list[Record] = field(default_factory=list)
    tables: dict[str, list[Item]] = field(default_factory=dict)
    """Kinds kept as records of which something changed: all their items."""
    removed: list[str] = field(default_factory=list)
    embeddings: list[Embedding] = field(default_factory=list)
    linked: dict[str, ArraySource] = field(default_factory=dict)
    """Streams whose data stay in another file, or that have none yet: an empty data set troubles other programs."""
    order: dict[str, list[str]] = field(default_factory=dict)
    is_complete: bool = True
    recording: frozenset[str] = frozenset()
    """Streams that are being recorded: the recorder writes their data and shows them."""
    snapshot: dict[str, Item] = field(default_factory=dict)
    """Copies of all streams and particles: what the groups for other programs are made from."""
    tracks: dict[str, Tracks] = field(default_factory=dict)
    """By stack id: outlines that were gathered beforehand."""
    marks: dict[str, Any] = field(default_factory=dict)
    start_iso: str = ""
    beam_kv: float | None = None
    unsaved: str = ""
    """What a recovery file says of itself (JSON); empty for a session."""

    @property
    def is_empty(self) -> bool:
        """Nothing to write: the file has all of this already."""
        return not (self.records or self.tables or self.removed or self.embeddings or self.unsaved)


def mark_of_item(item: Item) -> Any:
    """Equal marks: nothing to save. Lengths are part of it because recording appends without a revision."""
    if isinstance(item, BiasRun):
        return (item.revision, len(item.times), Same(item.times))
    if isinstance(item, FrameStack):
        return (item.revision, len(item.times), tuple(item.source.shape))
    return item.revision


def make_plan(
    session: Session,
    file_index: FileIndex,
    embedded: dict[str, ArraySource],
    owner: object,
    *,
    only: Iterable[str] | None = None,
    recording: frozenset[str] = frozenset(),
) -> Plan:
    """Compare a session with what the file holds. `only`: ids to save, nothing else is touched or removed."""
    wanted = None if only is None else set(only)
    plan = Plan(
        is_complete=wanted is None,
        recording=recording,
        start_iso=session.info.start_iso,
        beam_kv=session.info.beam_kV,
    )
    clocks: dict[str, Clock] = {clock.id: clock for clock in session.clocks}
    for kind, collection in session.collections.items():
        items: list[Item] = list(collection)
        plan.order[kind] = [item.id for item in items]
        if layout.place_of(kind).as_table:
            _plan_table(plan, kind, items, file_index, wanted)
            continue
        for item in items:
            if isinstance(item, (BiasRun, FrameStack, SpectrumImage)):
                clocks.setdefault(item.clock.id, item.clock)
            if isinstance(item, (BiasRun, FrameStack, SpectrumImage, Particle)):
                plan.snapshot[item.id] = frozen(item)
            if not isinstance(item, Clock) and (wanted is None or item.id in wanted):
                _plan_item(plan, item, file_index)
                if isinstance(item, (FrameStack, SpectrumImage)) and item.id not in recording:
                    _plan_data(plan, session, item, embedded, owner)
    for clock in clocks.values():
        _plan_clock(plan, clock, session, file_index)
    if wanted is None:
        # recordings and what could not be read are never removed by a save
        present = {item.id for item in session.items()} | clocks.keys()
        plan.removed = [
            item_id
            for item_id in file_index.group_paths
            if item_id not in present | recording | file_index.protected
        ]
    return plan


def _plan_table(
    plan: Plan, kind: str, items: list[Item], file_index: FileIndex, wanted: set[str] | None
) -> None:
    """Small items that are kept together in one list: all of them when one has changed."""
    marks = {item.id: mark_of_item(item) for item in items}
    if marks != file_index.records.get(kind, {}) and (wanted is None or wanted & set(marks)):
        plan.tables[kind] = [frozen(item) for item in items]
        plan.marks[kind] = marks


def _plan_clock(plan: Plan, clock: Clock, session: Session, file_index: FileIndex) -> None:
    """Clocks come first: what follows speaks of them. One that streams use is kept even when it is not listed."""
    # one that streams use without listing it has to be read back as unlisted
    record = encode_item(clock)
    record.listed = clock.id in session.clocks
    if (clock.revision, record.listed) != file_index.saved.get(clock.id):
        plan.records.insert(0, record)
        plan.marks[clock.id] = (clock.revision, record.listed)


def _plan_item(plan: Plan, item: Item, file_index: FileIndex) -> None:
    mark = mark_of_item(item)
    if item.id not in file_index.group_paths or file_index.saved.get(item.id) != mark:
        plan.records.append(encode_item(item, LEFT_OUT.get(item.kind, frozenset())))
        plan.records[-1].item = plan.snapshot.get(item.id) or frozen(item)
        plan.marks[item.id] = mark


def _plan_data(
    plan: Plan,
    session: Session,
    item: FrameStack | SpectrumImage,
    embedded: dict[str, ArraySource],
    owner: object,
) -> None:
    source = item.source
    origin = session.sources.get(item.source_id)
    is_linked = isinstance(origin, SourceFile) and origin.linked
    is_gone = isinstance(source, UnavailableArray)
    if 0 not in source.shape if is_linked and is_gone else is_linked or (0 in source.shape and not is_gone):
        plan.linked[item.id] = source  # of a file that is gone for now the shape stays known
    elif is_linked:
        return
    elif not _is_inside(item, source, embedded, owner):
        plan.embeddings.append(Embedding(item.id, item.kind, source, item.name or item.id))


def _is_inside(item: Item, source: ArraySource, embedded: dict[str, ArraySource], owner: object) -> bool:
    """The file has these data already, or nobody has them."""
    if isinstance(source, StoredArray) and source.owner is owner and source.item_id == item.id:
        return True
    return isinstance(source, UnavailableArray) or embedded.get(item.id) is source
