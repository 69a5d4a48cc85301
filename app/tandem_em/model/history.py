"""One history over all panes: every edit is an object that can be applied and taken back."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from psygnal import Signal

Ground = TypeVar("Ground")


class Undoable(Protocol[Ground]):
    """Holds ids and values, never widgets. `merge_key`: a newer edit with the same key swallows this one's end state."""

    label: str
    merge_key: str | None

    def apply(self, ground: Ground, /) -> None:
        """Make the change, for the first time or again."""

    def revert(self, ground: Ground, /) -> None:
        """Take the change back."""

    def is_valid(self, ground: Ground, /) -> bool:
        """Whether what it changes is still there; a step that is not valid is dropped."""

    def merged_with(self, newer: Undoable[Ground], /) -> Undoable[Ground] | None:
        """This step and a newer one as a single step; None when they cannot be one."""


class History(Generic[Ground]):
    """Undo and redo. `changed` tells that labels or the clean mark moved."""

    changed = Signal()

    def __init__(self, ground: Ground, limit: int = 500) -> None:
        self._ground = ground
        self._done: list[Undoable[Ground]] = []
        self._undone: list[Undoable[Ground]] = []
        self._limit = limit
        self._merge_open = False
        self._start: object = object()
        """Stands for the state before the oldest step that can be taken back."""
        self._clean = self._start

    def do(self, edit: Undoable[Ground]) -> None:
        """Apply an edit and remember it. Consecutive edits with one merge key become one step."""
        edit.apply(self._ground)
        self._undone.clear()
        merged = None
        if self._merge_open and self._done and edit.merge_key and self._done[-1].merge_key == edit.merge_key:
            merged = self._done[-1].merged_with(edit)
        if merged is not None:
            self._done[-1] = merged
        else:
            self._done.append(edit)
            self._forget_oldest()
        self._merge_open = True
        self.changed.emit()

    def _forget_oldest(self) -> None:
        if len(self._done) > self._limit:
            # the step forgotten last stands for the state before the oldest: a clean mark on it stays true
            self._start = self._done[-self._limit - 1]
            del self._done[: -self._limit]

    @property
    def newest(self) -> Undoable[Ground] | None:
        """The step that undo would take back."""
        return self._done[-1] if self._done else None

    @property
    def place(self) -> object:
        """Where we are: the same object again whenever undo or redo comes back here."""
        return self._done[-1] if self._done else self._start

    def mark_clean(self, place: object = None) -> None:
        """Remember that the ground was saved here, or at a `place` that was noted when the saving began."""
        self._clean = self.place if place is None else place
        self.changed.emit()

    @property
    def is_clean(self) -> bool:
        """Whether we are where the clean mark is; what was changed past the history does not count."""
        return self.place is self._clean

    def complete(self, edit: Undoable[Ground], whole: Undoable[Ground]) -> None:
        """Apply an edit that belongs to the newest step; `whole` is both of them and takes its place."""
        edit.apply(self._ground)
        self._undone.clear()
        self._done[-1] = whole
        self._merge_open = False
        self.changed.emit()

    def end_merge(self) -> None:
        """The gesture is over: the next edit with the same key starts a step of its own."""
        self._merge_open = False

    def undo(self) -> Undoable[Ground] | None:
        """Take back the newest step and give it; None when there is none."""
        return self._step(self._done, self._undone, forward=False)

    def redo(self) -> Undoable[Ground] | None:
        """Make the step undone last again and give it; None when there is none."""
        return self._step(self._undone, self._done, forward=True)

    def _step(
        self, source: list[Undoable[Ground]], target: list[Undoable[Ground]], *, forward: bool
    ) -> Undoable[Ground] | None:
        """Take the newest step whose ground is still there. One that raises stays where it was."""
        self._merge_open = False
        while source and not source[-1].is_valid(self._ground):
            source.pop()  # its ground is gone: it is dropped
        edit = source[-1] if source else None
        if edit is not None:
            if forward:
                edit.apply(self._ground)
            else:
                edit.revert(self._ground)
            target.append(source.pop())
        self.changed.emit()
        return edit

    @property
    def undo_label(self) -> str:
        """What undo would take back, for its menu entry; empty when nothing."""
        return self._done[-1].label if self._done else ""

    @property
    def redo_label(self) -> str:
        """What redo would make again, for its menu entry; empty when nothing."""
        return self._undone[-1].label if self._undone else ""

    def clear(self) -> None:
        """Forget every step; whether this is the clean state stays known."""
        was_clean = self.is_clean
        self._start = object()
        self._done.clear()
        self._undone.clear()
        self._merge_open = False
        if was_clean:
            self._clean = self._start
        self.changed.emit()
