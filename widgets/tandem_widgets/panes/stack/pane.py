"""The stack pane: the frame at the cursor, with outlines, drift taken off, and the tools that measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QComboBox, QSlider, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.frames import FramesShown
from tandem_widgets.panes.stack.notes import AskBar, Marks, Notes
from tandem_widgets.panes.stack.questions import ask_what_is_unknown
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.titles import pixel_text, stack_text
from tandem_widgets.panes.stack.tools import StackTools
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import EmptyHint, PaneFrame, trigger
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.outline_overlay import OutlineOverlay

HINT = "Drop a movie, a stack or a folder of images here.\n.dm4 .emd .ser .mrc .mib .tif .tvips .hspy .avi .mp4 …"

COMPACT_BELOW_PX = 800


class StackPane(PaneFrame):
    """Shows one stack of the session at the cursor's time, or at its slider where axis 0 is not time."""

    def __init__(self, desk: Desk) -> None:
        body = QWidget()
        super().__init__("Image stack", body)
        self.desk = desk
        self.scene = scene = StackScene(desk)
        self.notes = Notes(scene)
        self._marks = Marks(scene)
        self.ask_bar = AskBar(scene.questions)
        self.canvas = ImageCanvas()
        self.canvas.fill = self.canvas.may_fill = True
        self._frames = FramesShown(scene, self.canvas, self)
        self._make_slider()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.ask_bar)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.slider)
        self._make_chooser()
        self.tools = StackTools(scene, self.canvas, self, self._frames.ask_contrast)
        self.canvas.hovered.connect(self._show_pixel)
        self.canvas.left.connect(self._show_title)
        self._bind_scene()
        self._bind_session()
        self._choose()

    # --- building ------------------------------------------------------------------------------------------------

    def _make_slider(self) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Image number (the first axis is not time)")
        self.slider.valueChanged.connect(self.scene.show_image)
        self.slider.hide()

    def _make_chooser(self) -> None:
        self._chooser = QComboBox()
        self._chooser.setToolTip("Image stack")
        self._chooser.setMaximumWidth(130)
        self._chooser.activated.connect(self._chosen)
        self.add_tool_widget(self._chooser)

    def _bind_scene(self) -> None:
        scene, bindings = self.scene, Bindings(self)
        bindings.on(scene.stack_changed, self._show_stack)
        bindings.on(scene.image_changed, lambda image: self.slider.setValue(image))
        bindings.on(scene.filter_changed, self._show_title)
        bindings.on(scene.drift.changed, self._show_title)
        bindings.on(scene.drawn_changed, self._redraw)

    def _bind_session(self) -> None:
        session, bindings = self.desk.session, Bindings(self)
        bindings.on(session.focus.t_changed, lambda _t: self.scene.follow())
        bindings.on(session.focus.selection_changed, self._selected)
        bindings.on(session.stacks.added, lambda _stack: self._choose())
        bindings.on(session.stacks.removed, lambda _stack: self._choose())
        bindings.on(session.stacks.changed, self._stack_changed)
        for collection in (session.particles, session.results, session.profiles):
            bindings.on(collection.added, lambda _item: self._redraw())
            bindings.on(collection.removed, lambda _item: self._redraw())
            bindings.on(collection.changed, lambda _item, _names: self._redraw())
        bindings.on(session.growing.changed, self._redraw)
        bindings.on(session.particles.changed, self._particle_changed)
        bindings.on(session.particles.removed, self._particle_gone)

    def _redraw(self) -> None:
        self.canvas.update()

    # --- what the session says -----------------------------------------------------------------------------------

    def _choose(self) -> None:
        self._fill_chooser()
        self.scene.choose()

    def _fill_chooser(self) -> None:
        session, chosen = self.desk.session, self.scene.chosen_stack
        self._chooser.clear()
        for stack in session.stacks:
            self._chooser.addItem(stack.name, stack.id)
        if chosen is not None:
            self._chooser.setCurrentIndex(session.stacks.index(chosen.id))
        self._chooser.setVisible(len(session.stacks) > 1)

    def _chosen(self, index: int) -> None:
        self.desk.session.focus.select("stack", self._chooser.itemData(index))

    def _selected(self, kind: str) -> None:
        if kind == "stack":
            self._choose()
        elif kind == "particle":
            self.scene.show_selection()

    def _particle_changed(self, particle: Particle, names: frozenset[str]) -> None:
        if "outlines" in names:
            self.tools.following.outlines_changed(particle)
        self.tools.refresh()

    def _particle_gone(self, particle: Particle) -> None:
        self.tools.following.gone(particle)
        self.tools.refresh()

    def _stack_changed(self, stack: FrameStack, names: frozenset[str]) -> None:
        scene = self.scene
        if "name" in names:
            self._fill_chooser()
        if stack is not scene.stack:
            return
        self.canvas.pixel_nm = stack.pixel_nm
        if "source" in names:
            self._frames.forget()
        # the mean is taken over frames that are laid on one another
        if "drift_px" in names and scene.view_filter.kind == "mean":
            scene.use_filter(scene.view_filter)
        if "axis0_is_time" in names:
            self._show_axis()
            scene.questions.withdraw("axis")
        if "pixel_nm" in names:
            scene.questions.withdraw("pixel")
        self.tools.refresh()
        self._show_title()
        scene.show_again()

    # --- what is shown -------------------------------------------------------------------------------------------

    def _show_stack(self) -> None:
        """Another stack, or none: everything that belonged to the one before goes."""
        scene = self.scene
        self._frames.let_go()
        # a half-drawn outline belongs to the stack before
        self.tools.active.deactivate()
        if scene.stack is None or scene.outlines is None:
            self._show_nothing()
            return
        self.set_empty(None)
        self.desk.start(
            "Preparing the image", render.warm_up(scene.stack.source.dtype), lambda _none: self._redraw()
        )
        self.canvas.overlays = [self._marks, OutlineOverlay(scene.outlines), self.notes]
        self._frames.open(scene.stack)
        self._show_axis()
        ask_what_is_unknown(self.desk, scene.stack, scene.questions)
        self.tools.refresh()
        self._show_title()
        scene.follow()

    def _show_nothing(self) -> None:
        buttons = [
            ("Open…", lambda: trigger(self, "open")),
            ("Instruments…", lambda: trigger(self, "instruments")),
            ("Open the demo experiment", lambda: trigger(self, "demo")),
        ]
        self.set_empty(EmptyHint(HINT, buttons))
        self._show_title()

    def _show_axis(self) -> None:
        stack = self.stack
        timeless = stack is not None and self.scene.is_timeless and len(stack) > 1
        # with a time axis the cursor of all panes leads
        self.slider.setVisible(timeless)
        if stack is not None and timeless:
            self.slider.setRange(0, len(stack) - 1)

    def _show_title(self) -> None:
        self.subtitle.set_text(stack_text(self.scene))

    def _show_pixel(self, x: float, y: float) -> None:
        self.subtitle.set_text(pixel_text(self.scene, x, y) or stack_text(self.scene))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """In a narrow pane the buttons keep their words and lose their signs."""
        self.tools.make_compact(self.width() < COMPACT_BELOW_PX)
        super().resizeEvent(event)

    def close_pane(self) -> None:
        """Closes the windows that belong to the pane, and the file behind its frames."""
        super().close_pane()
        self.tools.windows.close()
        self._frames.close()

    # --- for the window ------------------------------------------------------------------------------------------

    @property
    def stack(self) -> FrameStack | None:
        """The shown stack; None in an empty session."""
        return self.scene.stack

    @property
    def frame_index(self) -> int:
        """Number of the shown frame, from 0."""
        return self.scene.frame_index

    def go_to(self, index: int) -> None:
        """Move the cursor (everywhere) to a frame."""
        self.scene.go_to(index)

    def go_to_image(self, index: int) -> None:
        """Where the images of the stack are no movie: show one of them, from the end when negative."""
        self.scene.show_image(index)

    def figure_for_print(self) -> tuple[str, dict[str, Any]]:
        """The frame at the cursor."""
        ids = (self.stack.id,) if self.stack is not None else ()
        return "montage", {"times": (self.desk.session.focus.t,), "stack_ids": ids}

    def show_lag(self, text: str, lost: Sequence[str], reach: int = 0) -> None:
        """While filming: how far the outlines are behind the camera, and which particles need a person."""
        scene, particles = self.scene, self.desk.session.particles
        followed = self.stack is not None and any(p.stack_id == self.stack.id for p in particles)
        if scene.outlines is not None:
            scene.outlines.reach = reach
        scene.say(lag=text if followed else "")
        names = [particle.name for key in lost if (particle := particles.get(key)) is not None]
        about = f"lost {' '.join(lost)}"
        if not names:
            scene.questions.withdraw("lost")
        # asked once per loss, not once per frame
        elif scene.questions.about != about:
            scene.questions.ask(
                about,
                f"{' and '.join(names)} can no longer be followed. Draw the outline again in this frame.",
                ("Draw outline", self.tools.outline.toggle),
                leave="Later",
            )
