"""One unbroken device timeline from the stamps of an instrument that may restart its clock."""

from __future__ import annotations

import math


class Timeline:
    """Stamps in (s, any zero), device time out (s, zero at the first stamp, never backwards)."""

    def __init__(self) -> None:
        self._shift = math.nan
        self._last_raw = math.nan
        self._last_time = 0.0
        self._last_host = math.nan
        self._anchor = False

    def restart(self) -> None:
        """The next stamp begins a new stretch: it is placed behind the last by the host's clock."""
        # Before the first stamp there is nothing to be placed behind.
        self._anchor = not math.isnan(self._shift)

    def place(self, raw: float, host: float) -> tuple[float, bool]:
        """Device time of a stamp, and whether a new stretch begins here. NaN stays NaN."""
        if math.isnan(raw):
            return math.nan, False
        new = False
        if math.isnan(self._shift):
            self._shift = -raw
        elif self._anchor or raw < self._last_raw:
            # Host time may seem to stand still when blocks arrive together; the timeline must not run back
            # then.
            self._shift = self._last_time + max(host - self._last_host, 0.0) - raw
            new = True
        self._anchor = False
        self._last_raw, self._last_host = raw, host
        self._last_time = raw + self._shift
        return self._last_time, new


class Numbers:
    """Frame numbers in, holes counted: what was lost before it arrived."""

    def __init__(self) -> None:
        self._next: int | None = None

    def restart(self) -> None:
        """The next number is the first of a new count: nothing is missing before it."""
        self._next = None

    def take(self, number: int) -> tuple[int, bool]:
        """(frames missing before this one, whether the count began anew)."""
        expected, self._next = self._next, number + 1
        if expected is None:
            return 0, False
        if number < expected:
            return 0, True
        return number - expected, False
