"""The one cursor: which moment, which stretch of time and which things everybody is looking at."""

from __future__ import annotations

from psygnal import Signal


class Focus:
    """Panes set it in answer to a gesture and show what it says; setting the same value again says nothing."""

    t_changed = Signal(float)
    span_changed = Signal(float, float)
    follow_changed = Signal(bool)
    selection_changed = Signal(object)
    hover_changed = Signal(object)

    def __init__(self) -> None:
        self._t = 0.0
        self._span = (0.0, 60.0)
        self._follow_live = True
        self._selection: dict[str, str] = {}

    @property
    def t(self) -> float:
        """Session seconds of the cursor."""
        return self._t

    @t.setter
    def t(self, t: float) -> None:
        """Move the cursor, also outside the view; tells only a real move."""
        if t != self._t:
            self._t = float(t)
            self.t_changed.emit(self._t)

    @property
    def span(self) -> tuple[float, float]:
        """The stretch of time in view (s)."""
        return self._span

    @span.setter
    def span(self, span: tuple[float, float]) -> None:
        """Show another stretch (s), its ends in any order; one without a length is ignored."""
        low, high = float(min(span)), float(max(span))
        # an empty span would give axes without a width
        if (low, high) != self._span and high > low:
            self._span = (low, high)
            self.span_changed.emit(low, high)

    @property
    def follow_live(self) -> bool:
        """While recording, the cursor stays on the newest moment until somebody moves it."""
        return self._follow_live

    @follow_live.setter
    def follow_live(self, follow: bool) -> None:
        """Follow the newest moment, or leave the cursor where it is."""
        if follow != self._follow_live:
            self._follow_live = follow
            self.follow_changed.emit(follow)

    @property
    def selection(self) -> dict[str, str]:
        """The ids of all selected items by kind, to be kept with a view."""
        return dict(self._selection)

    def selected(self, kind: str) -> str:
        """Id of the selected item of a kind ("particle", "map", "stack", "run", …), empty when none."""
        return self._selection.get(kind, "")

    def select(self, kind: str, item_id: str) -> None:
        """Select an item of a kind; an empty id selects none."""
        if self.selected(kind) != item_id:
            self._selection[kind] = item_id
            self.selection_changed.emit(kind)
