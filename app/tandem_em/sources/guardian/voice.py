"""What the guardian says: rows in portions, events at once, its state when it changes and twice a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tandem_em.sources.core.base import EventCategory, host_now
from tandem_em.sources.guardian.wire import Answer, ClockNow, Happened, Row, Samples, StateNow

Say = Callable[[Answer], None]
# s between two portions of rows.
PORTION_S = 0.05
# s after which a state is told again though it has not changed.
REPEAT_S = 0.5
# Rows that are sent before their time, when a burst brings many.
LARGE_PORTION = 100


class Voice:
    """What the guardian says, in portions: rows together, states only when they change."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.new_segment = True
        """The next rows begin a new stretch."""
        self._rows: list[Row] = []
        self._flushed = 0.0
        self._told: tuple[object, ...] = ()
        self._told_at = 0.0
        self._told_clock = ClockNow(0.0, 0.0)

    def row(self, time: float, host: float, voltage: float, current: float, step: float) -> None:
        """Keep one reading (s, s, V, A; step NaN: no program) for the next portion."""
        self._rows.append((time, host, voltage, current, step))

    def flush(self, force: bool = False) -> None:
        """Send the rows that are kept, when it is time or there are many; `force`: now."""
        now = host_now()
        if self._rows and (force or now - self._flushed >= PORTION_S or len(self._rows) > LARGE_PORTION):
            self._flushed = now
            rows, self._rows = self._rows, []
            self.say(Samples(tuple(rows), self.new_segment))
            self.new_segment = False

    def event(self, text: str, category: EventCategory, **data: Any) -> None:
        """Say at once that something happened, with the host time of now."""
        self.say(Happened(text, category, host_now(), data))

    def state(self, told: StateNow, *, force: bool = False) -> bool:
        """Tell the state when it changed or it is time again (level and charge alone are no news); True when told."""
        now, facts = host_now(), (told.state, told.message, told.output_on, told.verified)
        if not force and facts == self._told and now - self._told_at < REPEAT_S:
            return False
        self._told, self._told_at = facts, now
        # Rows first: coming after the word "lost" they would look like a meter that reads again.
        self.flush(force=True)
        self.say(told)
        return True

    def clock(self, known: ClockNow) -> None:
        """How well device and host time are known of each other, when that has changed."""
        if known != self._told_clock:
            self._told_clock = known
            self.say(known)
