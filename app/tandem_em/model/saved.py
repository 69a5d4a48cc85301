"""What a session was when it was saved: does it differ now? By content, so that what was undone is no change."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tandem_em.model.arrays import GrowingArray
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.items import Item
from tandem_em.model.provenance import Step
from tandem_em.model.session import Session, SessionInfo
from tandem_em.model.snapshot import frozen
from tandem_em.model.spectra import SpectrumImage

PASSING = ("t", "span", "selected")
"""Where somebody looks is saved along and is no change."""


class SavedState:
    """A cheap snapshot: lists and dicts copied, arrays by reference. Items are compared when their revision moved."""

    def __init__(self, session: Session) -> None:
        self._order = _order(session)
        self._revisions = {item.id: item.revision for item in _work(session)}
        self._items = {item.id: frozen(item) for item in _work(session)}
        self._differing = ""

    def differs(self, session: Session) -> bool:
        """Whether anything that a person would miss is not as it was saved."""
        last = session.find(self._differing)
        if last is not None and (last.id not in self._items or self._has_changed(last)):
            return True  # as last time: nothing else needs to be looked at
        if _order(session) != self._order:
            self._differing = next((item.id for item in _work(session) if item.id not in self._items), "")
            return True
        for item in _work(session):
            if item.revision != self._revisions[item.id] and self._has_changed(item):
                self._differing = item.id
                return True
        return False

    def moved(self, session: Session) -> None:
        """The data of streams are read from elsewhere now: from the file they were saved into."""
        for stream in (*session.stacks, *session.maps):
            kept = self._items.get(stream.id)
            if isinstance(kept, FrameStack | SpectrumImage):
                kept.source = stream.source

    def _has_changed(self, item: Item) -> bool:
        if not _same_item(self._items[item.id], item):
            return True
        # equal again by content: not looked at until its revision moves once more
        self._revisions[item.id] = item.revision
        return False


def _work(session: Session) -> list[Item]:
    """Everything but what the program makes by itself."""
    return [item for item in session.items() if not isinstance(item, Preview)]


def _order(session: Session) -> list[list[str]]:
    return [
        [item.id for item in collection] if kind != Preview.kind else []
        for kind, collection in session.collections.items()
    ]


def _same_item(before: Item, now: Item) -> bool:
    if type(before) is not type(now):
        return False
    # the source is no stored field, but other data are a change all the same
    hidden = type(now).not_stored - {"source"}
    for each in dataclasses.fields(now):
        if each.name == "revision" or each.name in hidden or each.name.startswith("_"):
            continue
        if not _same_field(now, each.name, getattr(before, each.name), getattr(now, each.name)):
            return False
    return True


def _same_field(item: Item, name: str, old: Any, new: Any) -> bool:
    if name == "source" and isinstance(item, FrameStack | SpectrumImage):
        return old is new
    if name == "view" and isinstance(item, SessionInfo):
        return _same(_without(old), _without(new))
    if name == "inputs" and isinstance(item, Step):
        return bool(old.keys() == new.keys())  # the revisions in it only count up
    return _same(old, new)


def _without(view: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in view.items() if key not in PASSING}


def _same(old: object, new: object) -> bool:
    if old is new:
        return True
    if isinstance(old, Item) or isinstance(new, Item):
        return isinstance(old, Item) and isinstance(new, Item) and old.id == new.id
    if isinstance(old, GrowingArray) and isinstance(new, GrowingArray):
        return _same(old.view, new.view)
    if isinstance(old, np.ndarray) or isinstance(new, np.ndarray):
        return isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and _same_array(old, new)
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(_same(one, other) for one, other in zip(old, new))
    if dataclasses.is_dataclass(old) and type(old) is type(new):
        names = [each.name for each in dataclasses.fields(old)]
        return all(_same(getattr(old, name), getattr(new, name)) for name in names)
    # NaN differs from itself, and is no change here
    return bool(old == new) or bool(old != old and new != new)


def _same_array(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> bool:
    if old.shape != new.shape or old.dtype != new.dtype:
        return False
    return bool(np.array_equal(old, new, equal_nan=old.dtype.kind in "fc"))
