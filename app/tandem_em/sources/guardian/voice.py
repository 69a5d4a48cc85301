"""What the guardian says: rows in portions, events at once, its state when it changes and twice a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tandem_em.sources.core.base import host_now

Say = Callable[[dict[str, Any]], None]
PORTION_S = 0.05
REPEAT_S = 0.5
LARGE_PORTION = 100


class Voice:
    def __init__(self, say: Say) -> None:
        self.say = say
        self.new_segment = True
        """The next rows begin a new stretch."""
        self._rows: list[list[float]] = []
        self._flushed = 0.0
        self._told: dict[str, Any] = {}
        self._told_at = 0.0
        self._told_clock = (0.0, 0.0)

    def row(self, time: float, host: float, voltage: float, current: float, step: float) -> None:
        self._rows.append([time, host, voltage, current, step])

    def flush(self, force: bool = False) -> None:
        now = host_now()
        if self._rows and (force or now - self._flushed >= PORTION_S or len(self._rows) > LARGE_PORTION):
            self._flushed = now
            rows, self._rows = self._rows, []
            self.say({"say": "samples", "rows": rows, "segment": self.new_segment})
            self.new_segment = False

    def event(self, text: str, category: str, **data: Any) -> None:
        self.say({"say": "event", "text": text, "category": category, "host": host_now(), "data": data})

    def state(self, facts: dict[str, Any], more: dict[str, Any], *, force: bool = False) -> bool:
        """Tell `facts` (with `more` beside them) when they changed or it is time again; True when it was told."""
        now = host_now()
        if not force and facts == self._told and now - self._told_at < REPEAT_S:
            return False
        self._told, self._told_at = facts, now
        self.say({"say": "state", **facts, **more})
        return True

    def clock(self, round_trip_s: float, anchor_s: float) -> None:
        """How well device and host time are known of each other, when that has changed."""
        if (round_trip_s, anchor_s) != self._told_clock:
            self._told_clock = round_trip_s, anchor_s
            self.say({"say": "clock", "round_trip_s": round_trip_s, "anchor_s": anchor_s})

    def progress(self, progress: dict[str, Any]) -> None:
        self.say({"say": "progress", **progress})
