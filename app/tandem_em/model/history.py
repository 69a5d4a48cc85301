"""One history over all panes: every edit is an object that can be applied and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from psygnal import Signal

if TYPE_CHECKING:
    from tandem_em.model.session import Session


class Edit(Protocol):
    """Holds ids and values, never widgets. `merge_key`: a newer edit with the same key swallows this one's end state."""

    label: str
    merge_key: str | None

    def apply(self, session: Session) -> None: ...
    def revert(self, session: Session) -> None: ...
    def is_valid(self, session: Session) -> bool: ...
    def merged_with(self, newer: Edit) -> Edit | None: ...


class History:
    """Undo and redo. `changed` tells that labels or the saved mark moved."""

    changed = Signal()

    def __init__(self, session: Session, limit: int = 500) -> None:
        self._session = session
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._limit = limit
        self._merge_open = False

    def do(self, edit: Edit) -> None:
        """Apply an edit and remember it. Consecutive edits with one merge key become one step."""
        edit.apply(self._session)
        self._undone.clear()
        merged = None
        if self._merge_open and self._done and edit.merge_key and self._done[-1].merge_key == edit.merge_key:
            merged = self._done[-1].merged_with(edit)
        if merged is not None:
            self._done[-1] = merged
        else:
            self._done.append(edit)
            del self._done[: -self._limit]
        self._merge_open = True
        self.changed.emit()

    @property
    def newest(self) -> Edit | None:
        """The step that undo would take back."""
        return self._done[-1] if self._done else None

    def complete(self, edit: Edit, whole: Edit) -> None:
        """Apply an edit that belongs to the newest step; `whole` is both of them and takes its place."""
        edit.apply(self._session)
        self._undone.clear()
        self._done[-1] = whole
        self._merge_open = False
        self.changed.emit()

    def end_merge(self) -> None:
        """The gesture is over: the next edit with the same key starts a step of its own."""
        self._merge_open = False

    def undo(self) -> Edit | None:
        return self._step(self._done, self._undone, forward=False)

    def redo(self) -> Edit | None:
        return self._step(self._undone, self._done, forward=True)

    def _step(self, source: list[Edit], target: list[Edit], *, forward: bool) -> Edit | None:
        self._merge_open = False
        while source:
            edit = source.pop()
            if not edit.is_valid(self._session):
                continue  # its ground is gone: it is dropped
            if forward:
                edit.apply(self._session)
            else:
                edit.revert(self._session)
            target.append(edit)
            self.changed.emit()
            return edit
        self.changed.emit()
        return None

    @property
    def undo_label(self) -> str:
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        return self._undone[-1].label if self._undone else ""

    def clear(self) -> None:
        self._done.clear()
        self._undone.clear()
        self._merge_open = False
        self.changed.emit()
