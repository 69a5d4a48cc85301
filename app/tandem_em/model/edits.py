"""The few kinds of edit everything is made of: add, remove, change fields, and several at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tandem_em.model.history import Undoable
from tandem_em.model.items import Item
from tandem_em.model.session import Session

Edit: TypeAlias = Undoable[Session]
"""A step of a session's history."""


@dataclass
class AddItem:
    """Bring a new item into its collection, at `index` or at the end."""

    label: str
    item: Item
    index: int | None = None
    merge_key: str | None = None

    def apply(self, session: Session) -> None:
        """Put the item in; its id must be free."""
        session.collection_of(self.item).add(self.item, self.index)

    def revert(self, session: Session) -> None:
        """Take it out again."""
        session.collection_of(self.item).remove(self.item.id)

    def is_valid(self, session: Session) -> bool:
        """An item can always be added."""
        return True

    def merged_with(self, newer: Edit) -> Edit | None:
        """Two additions stay two steps."""
        return None


@dataclass
class RemoveItem:
    """Take an item out of its collection; undo puts it back at its place in the order."""

    label: str
    item: Item
    merge_key: str | None = None
    _index: int | None = None

    def apply(self, session: Session) -> None:
        """Take it out and note its place."""
        collection = session.collection_of(self.item)
        self._index = collection.index(self.item.id)
        collection.remove(self.item.id)

    def revert(self, session: Session) -> None:
        """Put the same object back where it was."""
        session.collection_of(self.item).add(self.item, self._index)

    def is_valid(self, session: Session) -> bool:
        """Its item is kept by the edit itself."""
        return True

    def merged_with(self, newer: Edit) -> Edit | None:
        """Two removals stay two steps."""
        return None


@dataclass
class ChangeFields:
    """Set fields of one item. The old values are taken at the first `apply`."""

    label: str
    item_id: str
    after: dict[str, Any]
    merge_key: str | None = None
    before: dict[str, Any] = field(default_factory=dict)

    def apply(self, session: Session) -> None:
        """Set the new values; the item tells which fields changed."""
        item = session.item(self.item_id)
        # a redo must not take the values of now for the old ones
        if not self.before:
            self.before = {name: getattr(item, name) for name in self.after}
        session.change(item, **self.after)

    def revert(self, session: Session) -> None:
        """Set the values from before the first `apply`."""
        session.change(session.item(self.item_id), **self.before)

    def is_valid(self, session: Session) -> bool:
        """Whether the item is still in the session."""
        return session.find(self.item_id) is not None

    def merged_with(self, newer: Edit) -> Edit | None:
        """One step from our old values to the newer; None unless both set the same fields of one item."""
        if (
            not isinstance(newer, ChangeFields)
            or newer.item_id != self.item_id
            or newer.after.keys() != self.after.keys()
        ):
            return None
        return ChangeFields(newer.label, self.item_id, newer.after, newer.merge_key, self.before)


@dataclass
class Together:
    """Several edits as one step: all or none."""

    label: str
    edits: list[Edit]
    merge_key: str | None = None

    def apply(self, session: Session) -> None:
        """Apply in order; where one raises, those before it are taken back."""
        done: list[Edit] = []
        try:
            for edit in self.edits:
                edit.apply(session)
                done.append(edit)
        except BaseException:
            for edit in reversed(done):
                edit.revert(session)
            raise

    def revert(self, session: Session) -> None:
        """Take back in reverse order: later parts may rest on earlier ones."""
        for edit in reversed(self.edits):
            edit.revert(session)

    def is_valid(self, session: Session) -> bool:
        """Whether the ground of every part is there; what an edit of ours brings itself need not be."""
        simple = list(self._simple())
        brought = {edit.item.id for edit in simple if isinstance(edit, AddItem)}
        return all(
            edit.is_valid(session) or (isinstance(edit, ChangeFields) and edit.item_id in brought)
            for edit in simple
        )

    def _simple(self) -> Iterator[Edit]:
        for edit in self.edits:
            if isinstance(edit, Together):
                yield from edit._simple()
            else:
                yield edit

    def merged_with(self, newer: Edit) -> Edit | None:
        """Merged part by part; None when any pair of parts does not merge."""
        if not isinstance(newer, Together) or len(newer.edits) != len(self.edits):
            return None
        merged = [old.merged_with(new) for old, new in zip(self.edits, newer.edits)]
        if any(edit is None for edit in merged):
            return None
        return Together(newer.label, [edit for edit in merged if edit is not None], newer.merge_key)
