"""The clock of a replay: which recorded second plays now, and when one is due."""

from __future__ import annotations

import threading

from tandem_em.sources.core.base import host_now

# The same bounds as in the set-up file.
MIN_SPEED, MAX_SPEED = 0.1, 100.0


class ReplayClock:
    """Recorded time now: start + (host − t0) × speed. Pausing and seeking move t0. Shared by all streams of a replay."""

    def __init__(self, start_s: float, end_s: float, speed: float = 1.0) -> None:
        self.start_s, self.end_s = start_s, end_s
        self._lock = threading.Lock()
        self._speed = min(max(speed, MIN_SPEED), MAX_SPEED)
        self._at = start_s
        self._since: float | None = None
        self.jumps = 0
        """Counts the seeks; a stream that sees it change begins a new segment."""
        self.jumped_to = start_s

    def now(self) -> float:
        """The recorded second that is playing."""
        with self._lock:
            return self._now()

    @property
    def speed(self) -> float:
        """Recorded seconds per second, 0.1 to 100."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """Goes on from the recorded second that is playing, at another speed within 0.1 to 100."""
        with self._lock:
            # What has passed so far passed at the old speed.
            self._at, self._since = self._now(), None if self._since is None else host_now()
            self._speed = min(max(speed, MIN_SPEED), MAX_SPEED)

    @property
    def is_running(self) -> bool:
        """False while it is paused."""
        return self._since is not None

    @property
    def is_over(self) -> bool:
        """Whether the last recorded moment has been reached."""
        return self.now() >= self.end_s

    def resume(self) -> None:
        """Go on; does nothing while it runs."""
        with self._lock:
            if self._since is None:
                self._since = host_now()

    def pause(self) -> None:
        """Stop at the recorded second that is playing."""
        with self._lock:
            self._at, self._since = self._now(), None

    def seek(self, t: float) -> None:
        """Jump to a recorded second, kept within the span; all streams begin a new segment."""
        with self._lock:
            self._at = self.jumped_to = min(max(t, self.start_s), self.end_s)
            self._since = None if self._since is None else host_now()
            self.jumps += 1

    def host_time_of(self, t: float) -> float:
        """When a recorded second is due, on the host's clock."""
        with self._lock:
            since = host_now() if self._since is None else self._since
            return since + (t - self._at) / self._speed

    def _now(self) -> float:
        if self._since is None:
            return self._at
        # It stands still at the end.
        return min(self._at + (host_now() - self._since) * self._speed, self.end_s)
