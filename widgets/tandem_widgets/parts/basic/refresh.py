"""Many changes, one redraw: a pane marks itself dirty, the refresher shows it at most so many times a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer


class Refresher(QObject):
    """Calls `show` once per burst of `mark()`s: at the next turn of the event loop, but not more often than `rate_hz`."""

    def __init__(self, parent: QObject, show: Callable[[], None], rate_hz: float = 60.0) -> None:
        super().__init__(parent)
        self._show = show
        self._gap_s = 1.0 / rate_hz
        self._last = 0.0
        self.count = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)

    def mark(self) -> None:
        """Something has changed: show it soon. Costs nothing when that is under way already."""
        if not self._timer.isActive():
            wait = max(0.0, self._last + self._gap_s - time.monotonic())
            self._timer.start(int(wait * 1000))

    @property
    def is_marked(self) -> bool:
        """Whether something is still to be shown."""
        return self._timer.isActive()

    def flush(self) -> None:
        """Show now (tests and screenshots need not wait)."""
        self._timer.stop()
        # before showing: the time that takes is part of the gap
        self._last = time.monotonic()
        self.count += 1
        self._show()
