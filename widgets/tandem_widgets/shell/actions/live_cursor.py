"""The cursor while recording: on the newest moment until somebody moves it, with the strip and the outlines along."""

from __future__ import annotations

from tandem_em.desk.live import setup
from tandem_em.desk.live.recorder import Recorder
from tandem_em.model.focus import Focus
from tandem_widgets.shell.context import WindowContext

OLDEST_OUTLINE_S = 1.5
"""Older outlines are not shown on a newer frame."""
LEFT_BEHIND = 3
"""So many times out of view: the biasing pane makes room for what grows, this is for what was left behind."""


class LiveCursor:
    """Moves the cursor of the window's session; whoever else moves it ends the following."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context
        self._followed: tuple[Focus, float] | None = None
        """The cursor that was moved last, and where to."""
        self._out_of_view = 0

    def go_live(self) -> None:
        """Back to the newest moment, from the next look on."""
        self._followed = None
        self._context.session.focus.follow_live = True

    def follow(self, elapsed_s: float) -> None:
        """Keep the cursor on the newest moment until somebody else has moved it."""
        session = self._context.session
        focus = session.focus
        followed, self._followed = self._followed, None
        # the very number that was set: any other was set by somebody else
        if followed is not None and followed[0] is focus and focus.t != followed[1]:
            focus.follow_live = False
        if focus.follow_live:
            focus.t = setup.newest_moment(session, elapsed_s)
            self._followed = focus, focus.t
            self._keep_in_view(focus.t)
        self._context.parts.header.show_live(focus.follow_live)

    def _keep_in_view(self, newest: float) -> None:
        """The strip comes along: from the start while that was in view, else with the same width."""
        focus = self._context.session.focus
        low, high = focus.span
        self._out_of_view = self._out_of_view + 1 if newest > high else 0
        if self._out_of_view < LEFT_BEHIND:
            return
        width = high - low
        from_start = low, newest + 0.25 * (newest - low)
        focus.span = from_start if low <= 0 else (newest - 0.9 * width, newest + 0.1 * width)

    def show_lag(self, recorder: Recorder) -> None:
        """How far the outlines on screen are behind the camera, in words."""
        pane = self._context.views.stack
        stack = pane.stack
        lag = recorder.lags().get(stack.id) if stack is not None else None
        if stack is not None and lag is not None and lag.frame >= 0:
            reach = setup.frames_within(stack, OLDEST_OUTLINE_S)
            pane.show_lag(setup.lag_text(lag), lag.lost, reach)
