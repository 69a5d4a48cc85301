"""What the stack pane shows, and how: tools, menus and windows take this, not the pane. Without Qt."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.desk.desk import Desk
from tandem_em.desk.stacks import stack as stacks
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.drift import DriftOnView
from tandem_widgets.panes.stack.questions import Questions
from tandem_widgets.parts.image.shown_outlines import ShownOutlines

Point = tuple[float, float]


class StackScene:
    """One stack of the session, the frame of the cursor's moment, and what is said and drawn over it.

    A way of looking: nothing of it is in the history. The pane reads the wanted frame and tells by `place` what is on screen.
    """

    stack_changed = Signal()
    """Another stack is shown, or none."""
    frame_wanted = Signal(int)
    """This frame is to be read and shown."""
    frame_shown = Signal(int)
    image_changed = Signal(int)
    """Another image of a stack whose first axis is not time was asked for."""
    filter_changed = Signal()
    drawn_changed = Signal()
    """Something that is drawn over the frame: a sentence, an outline that is hidden."""
    tool_changed = Signal(str)

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.session
        self.stack: FrameStack | None = None
        self.outlines: ShownOutlines | None = None
        self.view_filter = ViewFilter()
        self.drift = DriftOnView(desk)
        self.drift.changed.connect(self.show_again)
        self.questions = Questions()
        self.tool = ""
        """The name of the active tool; none: outlines are chosen and dragged."""
        self.image = 0
        """Which image, where axis 0 is not time."""
        self.wanted = self.shown = -1
        """The frame that is asked for and the one on screen; -1: none yet."""
        self.pixels: NDArray[Any] | None = None
        """Of the frame on screen; None also while only a coarse one is."""
        self.hint = self.trouble = self.lag = ""
        """Sentences on the image: how the active tool is used, why a frame is not shown, how far live outlines are behind."""

    # --- which stack ---------------------------------------------------------------------------------------------

    @property
    def chosen_stack(self) -> FrameStack | None:
        """The one that is selected in the session, else its first."""
        return self.session.stacks.get(self.session.focus.selected("stack")) or self.session.stacks.first

    def choose(self) -> None:
        """Show the chosen stack; nothing to do while it is the one that is shown."""
        stack = self.chosen_stack
        if stack is self.stack and stack is not None:
            return
        self.stack, self.pixels = stack, None
        self.wanted = self.shown = -1
        self.drift.show_stack(stack)
        self.outlines = ShownOutlines(self.session, stack) if stack is not None else None
        self.show_selection()
        # all of them: they were about the stack before
        self.questions.withdraw("")
        self.stack_changed.emit()

    # --- which frame ---------------------------------------------------------------------------------------------

    @property
    def frame_index(self) -> int:
        """The frame on screen, or the one that is on its way while there is none."""
        return max(0, self.shown if self.shown >= 0 else self.wanted)

    @property
    def is_timeless(self) -> bool:
        """Whether the images of the stack are no movie: a slider chooses one, not the cursor."""
        return self.stack is not None and self.stack.axis0_is_time is False

    def follow(self) -> None:
        """Ask for the frame of the cursor's moment; nothing to do while it is the one asked for."""
        stack = self.stack
        if stack is None or not len(stack):
            return
        index = self.image if self.is_timeless else stack.index_at(self.session.focus.t)
        # a frame is announced before its pixels are written
        index = min(index, stacks.ready(stack) - 1)
        outlines = self.outlines
        if outlines is not None and outlines.reach and self.session.focus.follow_live:
            index = outlines.newest_followed(index, outlines.reach // 2)
        # the cursor moves often without reaching another frame
        if index not in (self.wanted, -1):
            self.wanted = index
            self.frame_wanted.emit(index)

    def show_again(self) -> None:
        """The same frame in another way (drift on or off, a filter)."""
        self.wanted = -1
        self.follow()

    def forget_frame(self) -> None:
        """The data have changed: what is on screen is of no use any more."""
        self.shown = -1

    def go_to(self, index: int) -> None:
        """Move the cursor (everywhere) to a frame."""
        stack = self.stack
        if stack is None:
            return
        if self.is_timeless:
            self.show_image(max(0, index))
        # a frame without a time cannot be gone to by the cursor
        elif index < len(stack.times) and np.isfinite(stack.times[index]):
            self.session.focus.t = stack.time_of(index)

    def show_image(self, index: int) -> None:
        """Where the images of the stack are no movie: show one of them, from the end when negative."""
        if self.stack is None or not self.is_timeless or not len(self.stack):
            return
        image = index % len(self.stack) if index < 0 else min(index, len(self.stack) - 1)
        if image != self.image:
            self.image = image
            self.image_changed.emit(image)
            self.follow()

    def place(self, index: int, pixels: NDArray[Any] | None) -> None:
        """This frame is on screen now; without pixels: a coarse version of it."""
        self.shown, self.pixels = index, pixels
        if self.outlines is not None:
            self.outlines.frame = index
        self.frame_shown.emit(index)

    @property
    def stamp(self) -> str:
        """The moment of the frame on screen, or its number."""
        stack, index = self.stack, self.shown
        if stack is None:
            return ""
        if self.is_timeless or index >= len(stack.times) or not np.isfinite(stack.times[index]):
            return f"{index + 1} / {len(stack)}" if len(stack) > 1 else ""
        return f"{stack.time_of(index):.2f} s".replace("-", "−")

    def use_filter(self, view_filter: ViewFilter) -> None:
        """Changes the filter of the display; the frames themselves and what is measured stay as they are."""
        self.view_filter = view_filter
        self.filter_changed.emit()
        self.show_again()

    # --- what is drawn over it -----------------------------------------------------------------------------------

    def say(self, *, hint: str | None = None, trouble: str | None = None, lag: str | None = None) -> None:
        """Other sentences on the image; those that are not given stay."""
        before = self.hint, self.trouble, self.lag
        self.hint = self.hint if hint is None else hint
        self.trouble = self.trouble if trouble is None else trouble
        self.lag = self.lag if lag is None else lag
        if (self.hint, self.trouble, self.lag) != before:
            self.drawn_changed.emit()

    def use_tool(self, name: str) -> None:
        """Changes the active tool by its name ("" is none) and tells it once."""
        if name != self.tool:
            self.tool = name
            self.tool_changed.emit(name)

    @property
    def selected(self) -> Particle | None:
        """The selected particle, when it belongs to this stack."""
        particle = self.session.particles.get(self.session.focus.selected("particle"))
        stack = self.stack
        return (
            particle if particle is not None and stack is not None and particle.stack_id == stack.id else None
        )

    def select(self, particle_id: str) -> None:
        """Selects a particle in every pane; "" selects none."""
        self.session.focus.select("particle", particle_id)

    def show_selection(self) -> None:
        """The session's selection has changed."""
        if self.outlines is not None:
            self.outlines.selected = self.session.focus.selected("particle")
            self.drawn_changed.emit()

    def hide_outline(self, particle_id: str) -> None:
        """A tool draws this one itself; "" for none."""
        if self.outlines is not None:
            self.outlines.hidden_id = particle_id
            self.drawn_changed.emit()

    # --- places and lengths --------------------------------------------------------------------------------------

    def on_sample(self, point: Point) -> Point:
        """From pixels of the shown frame to those of frame 0."""
        dx, dy = self.stack.drift_at(self.frame_index) if self.stack is not None else (0.0, 0.0)
        return point[0] - dx, point[1] - dy

    def length_text(self, length_px: float) -> str:
        """A length in nm; in px where the pixel size is unknown."""
        pixel = self.stack.pixel_nm if self.stack is not None else None
        return f"{length_px * pixel:.3g} nm" if pixel else f"{length_px:.1f} px"
