"""The common shape of everything in a session, and the collections that tell when it changes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from psygnal import Signal

IDENTITY_COLOURS = (
    "#ff5a5f", "#4a9eff", "#ffbf47", "#4fd18b", "#b98cff", "#ff8f4a", "#3fd0d4", "#f078c8", "#c5d94a", "#9aa7b5",
)  # fmt: skip
"""Colours handed out to particles, sites and runs in this order: told apart on dark and on light."""


def new_id(kind: str) -> str:
    """An id that stays unique when sessions are merged, readable enough for a file listing: `particle-3f9a1c27`."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


@dataclass(eq=False, kw_only=True)
class Item:
    """Anything with an identity. `revision` counts changes: results remember which revision they came from."""

    kind: ClassVar[str] = "item"
    not_stored: ClassVar[frozenset[str]] = frozenset()
    stored_before: ClassVar[dict[str, str]] = {}
    """Fields by the name they had in older files; `dict.key` for what was an entry of a dict."""

    id: str = ""
    name: str = ""
    revision: int = 0
    simulated: bool = False

    def __post_init__(self) -> None:
        if not self.id:
            self.id = new_id(self.kind)


@dataclass(eq=False, kw_only=True)
class ColouredItem(Item):
    """An item with one colour in every pane, table, figure and export."""

    colour: str = ""
    visible: bool = True
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class MadeItem(Item):
    """An item that work can leave behind; `made_by` is the id of the step that says from what, empty when nobody knows."""

    made_by: str = ""


ItemT = TypeVar("ItemT", bound=Item)


class Items(Generic[ItemT]):
    """An ordered collection by id. `changed` carries the item and the names of the fields that changed."""

    added = Signal(object)
    removed = Signal(object)
    changed = Signal(object, object)

    def __init__(self, kind: type[ItemT]) -> None:
        self.kind = kind
        self._by_id: dict[str, ItemT] = {}

    def __iter__(self) -> Iterator[ItemT]:
        # a copy: who walks through may add and remove
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._by_id

    def __getitem__(self, item_id: str) -> ItemT:
        return self._by_id[item_id]

    def get(self, item_id: str | None) -> ItemT | None:
        """The item, or None when the id is None or unknown."""
        return self._by_id.get(item_id) if item_id is not None else None

    @property
    def first(self) -> ItemT | None:
        """The item that was added first or stands first; None when there is none."""
        return next(iter(self._by_id.values()), None)

    def named(self, name: str) -> ItemT | None:
        """By id or by name: what a person types on the command line."""
        return self._by_id.get(name) or next(
            (item for item in self._by_id.values() if item.name == name), None
        )

    def index(self, item_id: str) -> int:
        """Place of an item in the order, from 0; ValueError when it is not here."""
        return list(self._by_id).index(item_id)

    def add(self, item: ItemT, index: int | None = None) -> ItemT:
        """Add an item at `index` (None: last), with a free colour if it has none; ValueError for a taken id."""
        if item.id in self._by_id:
            raise ValueError(f"there is already an item {item.id}")
        if isinstance(item, ColouredItem) and not item.colour:
            item.colour = self._free_colour()
        if index is None or index >= len(self._by_id):
            self._by_id[item.id] = item
        else:
            # a dict keeps the order of insertion only: it is built anew to put one in between
            order = list(self._by_id.values())
            order.insert(index, item)
            self._by_id = {each.id: each for each in order}
        self.added.emit(item)
        return item

    def remove(self, item_id: str) -> ItemT:
        """Take an item out and give it; KeyError when it is not here."""
        item = self._by_id.pop(item_id)
        self.removed.emit(item)
        return item

    def touch(self, item: ItemT, names: Iterable[str]) -> None:
        """Count a change of these fields and tell everybody."""
        item.revision += 1
        self.changed.emit(item, frozenset(names))

    def free_name(self, stem: str) -> str:
        """`P` gives P1, P2, …; a name that is taken gets a number."""
        taken = {item.name for item in self._by_id.values()}
        number = 1
        while f"{stem}{number}" in taken:
            number += 1
        return f"{stem}{number}"

    def _free_colour(self) -> str:
        used = [item.colour for item in self._by_id.values() if isinstance(item, ColouredItem)]
        return min(IDENTITY_COLOURS, key=used.count)
