"""The session: one experiment, all its streams on one time axis."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from psygnal import Signal

from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.dose import DoseSettings
from tandem_em.model.focus import Focus
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.history import History
from tandem_em.model.items import Item, Items
from tandem_em.model.marks import Event
from tandem_em.model.outlines_in_progress import OutlinesInProgress
from tandem_em.model.provenance import ResultSet, SourceFile, Step, Truth
from tandem_em.model.spectra import Edge, ProfileLine, Site, SpectrumImage
from tandem_em.model.tracks import Particle


@dataclass(eq=False, kw_only=True)
class SessionInfo(Item):
    """What the session is: the one zero of time, who made it, of what."""

    kind: ClassVar[str] = "info"

    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    start_iso: str = ""
    """Absolute time of session second 0 (ISO 8601 with zone); empty until the first stream with a date."""
    end_iso: str = ""
    user: str = ""
    sample: str = ""
    description: str = ""
    instrument: str = ""
    beam_kV: float | None = None
    view: dict[str, Any] = field(default_factory=dict)
    """Window layout and view settings; never needed to read the science."""


class Session:
    """All items by kind, the focus and the history. Lives on the GUI thread (or the command line's only one)."""

    changed = Signal(object)
    """Any item added, removed or changed; carries the item."""

    def __init__(self, title: str = "") -> None:
        self.info = SessionInfo(id="info", name=title)
        self.clocks: Items[Clock] = Items(Clock)
        self.runs: Items[BiasRun] = Items(BiasRun)
        self.cells: Items[Cell] = Items(Cell)
        self.stacks: Items[FrameStack] = Items(FrameStack)
        self.previews: Items[Preview] = Items(Preview)
        self.particles: Items[Particle] = Items(Particle)
        self.maps: Items[SpectrumImage] = Items(SpectrumImage)
        self.edges: Items[Edge] = Items(Edge)
        self.sites: Items[Site] = Items(Site)
        self.profiles: Items[ProfileLine] = Items(ProfileLine)
        self.events: Items[Event] = Items(Event)
        self.doses: Items[DoseSettings] = Items(DoseSettings)
        self.steps: Items[Step] = Items(Step)
        self.results: Items[ResultSet] = Items(ResultSet)
        self.truths: Items[Truth] = Items(Truth)
        self.sources: Items[SourceFile] = Items(SourceFile)
        self.infos: Items[SessionInfo] = Items(SessionInfo)
        self.infos.add(self.info)
        self._collections: dict[str, Items[Any]] = {
            value.kind.kind: value for value in vars(self).values() if isinstance(value, Items)
        }
        self.revision = 0
        """Counts every change of anything; another number after every change, also after one that was undone."""
        self._simulated: set[str] = set()
        for collection in self._collections.values():
            collection.added.connect(self._note)
            collection.removed.connect(self._note)
            collection.changed.connect(lambda item, _names: self._note(item))
        self.clocks.changed.connect(self._retime)
        self.focus = Focus()
        self.growing = OutlinesInProgress()
        self.history: History[Session] = History(self)

    def _note(self, item: Item) -> None:
        self.revision += 1
        if item.simulated and item.id in self.collection_of(item):
            self._simulated.add(item.id)
        else:
            self._simulated.discard(item.id)
        self.changed.emit(item)

    @property
    def collections(self) -> dict[str, Items[Any]]:
        """Every collection by the kind of its items."""
        return self._collections

    def collection_of(self, item: Item) -> Items[Any]:
        """The collection that items of this kind belong to; KeyError for a kind no session has."""
        return self._collections[item.kind]

    def items(self) -> Iterator[Item]:
        """Every item of every kind, kind by kind, in the order of each collection."""
        for collection in self._collections.values():
            yield from collection

    def find(self, item_id: str) -> Item | None:
        """An item of any kind by its id; None when there is none."""
        for collection in self._collections.values():
            if item_id in collection:
                found: Item = collection[item_id]
                return found
        return None

    def item(self, item_id: str) -> Item:
        """An item of any kind by its id; KeyError when there is none."""
        found = self.find(item_id)
        if found is None:
            raise KeyError(item_id)
        return found

    def change(self, item: Item, **fields: Any) -> None:
        """Set fields of an item and tell everybody. Edits call this; gestures go through an edit."""
        for name, value in fields.items():
            if not hasattr(item, name):
                raise AttributeError(f"{type(item).__name__} has no field {name}")
            setattr(item, name, value)
        self.collection_of(item).touch(item, fields)

    def revision_of(self, item_id: str) -> int | None:
        """How often an item has changed; None when it is gone."""
        found = self.find(item_id)
        return None if found is None else found.revision

    def is_stale(self, step_id: str) -> bool:
        """Whether an input of this piece of work has changed since."""
        step = self.steps.get(step_id)
        return step is not None and bool(step.changed_inputs(self.revision_of))

    def extent(self) -> tuple[float, float] | None:
        """First and last session second of anything; None for an empty session."""
        edges: list[float] = []
        for run in self.runs:
            edges += run.extent or ()
        for stack in self.stacks:
            edges += stack.time_span or ()
        for spectrum_image in self.maps:
            edges += spectrum_image.interval or ()
        for event in self.events:
            edges.append(event.t)
        return (min(edges), max(edges)) if edges else None

    def watched_extent(self) -> tuple[float, float] | None:
        """What play and Home/End go through: the shown stack's time, or everything while there is no movie."""
        stack = self.stacks.get(self.focus.selected("stack")) or self.stacks.first
        span = stack.time_span if stack is not None else None
        return span if span is not None and span[0] < span[1] else self.extent()

    @property
    def is_simulated(self) -> bool:
        """Whether anything here was made by a simulation; known without looking at the items, the header asks often."""
        return bool(self._simulated)

    @property
    def is_empty(self) -> bool:
        """No runs, stacks or maps: whatever else it has, there are no data."""
        return not (len(self.runs) or len(self.stacks) or len(self.maps))

    def _retime(self, clock: Clock, _names: frozenset[str]) -> None:
        """A clock was moved: everything that uses it has new session times."""
        streams: list[Any] = [*self.runs, *self.stacks, *self.maps]
        for stream in streams:
            if stream.clock is clock:
                if isinstance(stream, BiasRun):
                    stream.retime()
                self._keep_timeless(stream, clock)
                self.collection_of(stream).touch(stream, {"clock"})

    def _keep_timeless(self, stream: Item, clock: Clock) -> None:
        """Outlines and maps are the same whenever they were recorded: only work that names the clock minds its move."""
        for step in self.steps:
            # the move itself counts one revision (touch, next): a step that was up to date stays so
            if clock.id not in step.inputs and step.inputs.get(stream.id) == stream.revision:
                self.change(step, inputs=step.inputs | {stream.id: stream.revision + 1})
