"""Steps in time: from frame to frame, from flag to flag, to the start and the end; the span that the strip shows."""

from __future__ import annotations

import numpy as np

from tandem_em.desk import events
from tandem_em.model.curves import BiasRun
from tandem_em.model.items import Item
from tandem_widgets.shell.context import WindowContext

Span = tuple[float, float]


class TimeActions:
    """Moves the cursor and the span of the open session."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context

    def fit(self) -> None:
        """Everything in the strip."""
        extent = self._context.session.extent()
        if extent:
            self._context.session.focus.span = self._context.fitted_span = extent

    def fit_new_stream(self, item: Item) -> None:
        """The strip follows the data until somebody has chosen a span; what lies outside of it is then said."""
        focus, extent = self._context.session.focus, self._context.session.extent()
        if extent is None or extent[1] <= extent[0]:
            return
        if focus.span == self._context.fitted_span:
            focus.span = self._context.fitted_span = extent
        elif isinstance(item, BiasRun) and (own := item.extent) is not None and not _overlap(own, focus.span):
            self._context.services.notices.info(
                f"{item.name} lies outside the time in view.", "F shows everything."
            )
        # a cursor outside the data would show nothing anywhere
        if not extent[0] <= focus.t <= extent[1]:
            focus.t = extent[0]

    def toggle_play(self) -> None:
        """Start or stop the player."""
        self._context.views.player.toggle()

    def next_frame(self) -> None:
        """One frame on; see `_step` for what counts as one."""
        self._step(+1)

    def previous_frame(self) -> None:
        """One frame back."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        """One frame or image of the shown stack; without a stack, one sample of the run."""
        session = self._context.session
        focus = session.focus
        stack = session.stacks.get(focus.selected("stack")) or session.stacks.first
        if stack is not None and stack.axis0_is_time is False:
            self._context.views.stack.go_to(self._context.views.stack.frame_index + direction)
            return
        times = stack.t if stack is not None else (session.runs.first.t if session.runs.first else None)
        if times is None or not len(times):
            return
        # frames may have no time, or not ascend
        known = np.sort(times[np.isfinite(times)])
        if not len(known):
            return
        # 1e-9: a cursor on a frame counts as on it after rounding between clocks
        at = int(np.searchsorted(known, focus.t + 1e-9, side="right")) - 1
        target = min(max(at + direction, 0), len(known) - 1)
        focus.t = float(known[target])

    def next_event(self) -> None:
        """The cursor to the event after it, if there is one."""
        self._to_event(+1)

    def previous_event(self) -> None:
        """The cursor to the event before it, if there is one."""
        self._to_event(-1)

    def _to_event(self, direction: int) -> None:
        event = events.neighbour(self._context.desk, direction)
        if event is not None:
            self._context.session.focus.t = event.t

    def to_start(self) -> None:
        """The first image, and the first moment of what is watched."""
        self._context.views.stack.go_to_image(0)
        extent = self._context.session.watched_extent()
        if extent:
            self._context.session.focus.t = extent[0]

    def to_end(self) -> None:
        """The last image, and the last moment of what is watched."""
        self._context.views.stack.go_to_image(-1)
        extent = self._context.session.watched_extent()
        if extent:
            self._context.session.focus.t = extent[1]


def _overlap(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
