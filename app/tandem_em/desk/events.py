"""Marking events: one key, at the cursor."""

from __future__ import annotations

from tandem_em.desk.desk import Desk
from tandem_em.model.marks import Event


def mark(
    desk: Desk, text: str = "", t: float | None = None, category: str = "note", colour: str = ""
) -> Event:
    """Put a flag at t (the cursor by default)."""
    number = len(desk.session.events) + 1
    event = Event(
        name=text or f"event {number}",
        t=desk.session.focus.t if t is None else t,
        category=category,
        colour=colour,
        author=desk.settings.values.author,
    )
    desk.add(f"Mark {event.name}", event)
    return event


def move(desk: Desk, event: Event, t: float) -> None:
    """Put a flag elsewhere; what lasted keeps its length. While it is dragged it is one step."""
    end = None if event.end is None else event.end + t - event.t
    desk.change(f"Move {event.name}", event, f"move {event.id}", t=t, end=end)


def neighbour(desk: Desk, direction: int) -> Event | None:
    """The next (+1) or previous (-1) event as seen from the cursor."""
    t = desk.session.focus.t
    # The margin: the cursor stands on an event after a jump and must leave it.
    ahead = [event for event in desk.session.events if (event.t - t) * direction > 1e-9]
    return min(ahead, key=lambda event: abs(event.t - t)) if ahead else None


def search(desk: Desk, wanted: str) -> list[Event]:
    """Events whose text or category contains the words, in time order."""
    words = wanted.lower().split()
    found = [
        e for e in desk.session.events if all(word in f"{e.name} {e.category}".lower() for word in words)
    ]
    return sorted(found, key=lambda event: event.t)
