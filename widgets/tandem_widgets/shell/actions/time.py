"""Steps in time: from frame to frame, from flag to flag, to the start and the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tandem_em.desk import events

if TYPE_CHECKING:
    from tandem_widgets.shell.window.main_window import MainWindow


class TimeActions:
    """Moves the cursor of the session that the window shows."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def next_frame(self) -> None:
        self._step(+1)

    def previous_frame(self) -> None:
        self._step(-1)

    def _step(self, direction: int) -> None:
        """One frame or image of the shown stack; without a stack, one sample of the run."""
        session = self._window.desk.session
        focus = session.focus
        stack = session.stacks.get(focus.selected("stack")) or session.stacks.first
        if stack is not None and stack.axis0_is_time is False:
            self._window.stack_pane.go_to(self._window.stack_pane.frame_index + direction)
            return
        times = stack.t if stack is not None else (session.runs.first.t if session.runs.first else None)
        if times is None or not len(times):
            return
        known = np.sort(times[np.isfinite(times)])
        if not len(known):
            return
        at = int(np.searchsorted(known, focus.t + 1e-9, side="right")) - 1
        target = min(max(at + direction, 0), len(known) - 1)
        focus.t = float(known[target])

    def next_event(self) -> None:
        self._to_event(+1)

    def previous_event(self) -> None:
        self._to_event(-1)

    def _to_event(self, direction: int) -> None:
        event = events.neighbour(self._window.desk, direction)
        if event is not None:
            self._window.desk.session.focus.t = event.t

    def to_start(self) -> None:
        self._window.stack_pane.go_to_image(0)
        extent = self._window.desk.session.watched_extent()
        if extent:
            self._window.desk.session.focus.t = extent[0]

    def to_end(self) -> None:
        self._window.stack_pane.go_to_image(-1)
        extent = self._window.desk.session.watched_extent()
        if extent:
            self._window.desk.session.focus.t = extent[1]
