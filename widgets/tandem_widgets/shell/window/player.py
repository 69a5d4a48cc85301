"""Plays the session: moves the one cursor at a chosen speed, in real time, whatever the panes manage to draw."""

from __future__ import annotations

import time

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from tandem_em.model.session import Session

# About the rate of a screen.
TICK_MS = 16


class Player(QObject):
    """`toggle()` starts and stops; the cursor follows the wall clock × speed and stops at the end."""

    playing_changed = pyqtSignal(bool)

    def __init__(self, parent: QObject, session: Session) -> None:
        super().__init__(parent)
        self._session = session
        self.speed = 1.0
        self._last = 0.0
        self._expected = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def is_playing(self) -> bool:
        """Whether the cursor is moving by itself."""
        return self._timer.isActive()

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Play from the cursor, from the start when it is at the end; nothing without data."""
        extent = self._session.watched_extent()
        if extent is None:
            return
        if self._session.focus.t >= extent[1]:
            self._session.focus.t = extent[0]
        # monotonic: the clock of the computer may be set while it plays
        self._last = time.monotonic()
        self._expected = self._session.focus.t
        self._timer.start()
        self.playing_changed.emit(True)

    def stop(self) -> None:
        """Leave the cursor where it is."""
        if self.is_playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def _tick(self) -> None:
        extent = self._session.watched_extent()
        if extent is None:
            self.stop()
            return
        now = time.monotonic()
        focus = self._session.focus
        if abs(focus.t - self._expected) > 1e-9:
            self._expected = focus.t  # somebody moved the cursor: go on from there
        # by the time that has passed: ticks come late while panes draw
        self._expected = min(extent[1], self._expected + (now - self._last) * self.speed)
        self._last = now
        focus.t = self._expected
        if self._expected >= extent[1]:
            self.stop()
