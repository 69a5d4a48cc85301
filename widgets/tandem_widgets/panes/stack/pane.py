"""The stack pane: the frame at the cursor, with outlines, drift taken off, and the tools that measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QComboBox, QSlider, QVBoxLayout, QWidget

from tandem_em.core.jobs import Task
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.stacks import previews
from tandem_em.desk.stacks import stack as stacks
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.notes import AskBar, Marks, Notes
from tandem_widgets.panes.stack.tools import StackTools
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.bridge import Bridge
from tandem_widgets.parts.basic.pane_frame import EmptyHint, PaneFrame, trigger
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.contrast import Contrast, ContrastPanel
from tandem_widgets.parts.image.frame_loader import FrameLoader
from tandem_widgets.parts.image.outline_overlay import OutlineOverlay

HINT = "Drop a movie, a stack or a folder of images here.\n.dm4 .emd .ser .mrc .mib .tif .tvips .hspy .avi .mp4 …"

COMPACT_BELOW_PX = 800


class StackPane(PaneFrame):
    """Shows one stack of the session at the cursor's time, or at its slider where axis 0 is not time."""

    def __init__(self, desk: Desk) -> None:
        self._canvas_holder = QWidget()
        super().__init__("Image stack", self._canvas_holder)
        self.desk = desk
        self.stack: FrameStack | None = None
        self.overlay: OutlineOverlay | None = None
        self.view_filter = ViewFilter()
        self.drift_on = True
        self._trial: NDArray[np.float64] | None = None
        self._trial_task: Task[Any] | None = None
        self._marks: Marks | None = None
        self._loader: FrameLoader | None = None
        self._bridge = Bridge(self)
        self._contrast = Contrast()
        self._shown = -1
        self._wanted = -1
        self.notes = Notes()
        self.ask_bar = AskBar()
        self.canvas = ImageCanvas()
        self.canvas.fill = self.canvas.may_fill = True
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setToolTip("Which image (axis 0 is not time)")
        self.slider.valueChanged.connect(lambda _value: self._follow())
        self.slider.hide()
        column = QVBoxLayout(self._canvas_holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.ask_bar)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.slider)
        self._chooser = QComboBox()
        self._chooser.setToolTip("Which stack")
        self._chooser.setMaximumWidth(130)
        self._chooser.activated.connect(self._chosen)
        self.add_tool_widget(self._chooser)
        self.tools = StackTools(self)
        self.canvas.hovered.connect(self._show_pixel)
        self.canvas.left.connect(self._show_title)
        self._bind()
        self._choose()

    def _bind(self) -> None:
        session = self.desk.session
        bindings = Bindings(self)
        bindings.on(session.focus.t_changed, lambda _t: self._follow())
        bindings.on(session.focus.selection_changed, self._selected)
        bindings.on(session.stacks.added, lambda _stack: self._choose())
        bindings.on(session.stacks.removed, lambda _stack: self._choose())
        bindings.on(session.stacks.changed, self._stack_changed)
        for collection in (session.particles, session.results, session.profiles):
            bindings.on(collection.added, lambda _item: self.canvas.update())
            bindings.on(collection.removed, lambda _item: self.canvas.update())
            bindings.on(collection.changed, lambda _item, _names: self.canvas.update())
        bindings.on(session.growing.changed, lambda: self.canvas.update())
        bindings.on(session.particles.changed, self._particle_changed)
        bindings.on(session.particles.removed, self._particle_gone)

    def _particle_changed(self, particle: Particle, names: frozenset[str]) -> None:
        if "outlines" in names:
            self.tools.following.outlines_changed(particle)
        self.tools.refresh()

    def _particle_gone(self, particle: Particle) -> None:
        self.tools.following.gone(particle)
        self.tools.refresh()

    # --- which stack ---------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        session = self.desk.session
        self._fill_chooser()
        stack = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
        if stack is self.stack and stack is not None:
            return
        self._let_go()
        self.stack = stack
        self.tools.put_down()
        self.ask_bar.withdraw("")
        if stack is None:
            buttons = [
                ("Open…", lambda: trigger(self, "open")),
                ("Instruments…", lambda: trigger(self, "instruments")),
                ("See the demo experiment", lambda: trigger(self, "demo")),
            ]
            self.set_empty(EmptyHint(HINT, buttons))
            self._show_title()
            return
        self.set_empty(None)
        self.desk.start(
            "Preparing the image",
            render.warm_up(stack.source.dtype),
            lambda _none: self.canvas.update(),
        )
        self._show_stack(stack)

    def _show_stack(self, stack: FrameStack) -> None:
        self.overlay = OutlineOverlay(self.desk.session, stack)
        self.overlay.selected = self.desk.session.focus.selected("particle")
        self._marks = Marks(self.desk.session, stack)
        self.canvas.overlays = [self._marks, self.overlay, self.notes]
        self.canvas.pixel_nm = stack.pixel_nm
        self._contrast = replace(self._contrast, low=None, high=None)
        self._loader = self._reading(stack)
        self._show_axis()
        self._ask_what_is_unknown()
        self.tools.refresh()
        self._show_title()
        self._follow()

    def _reading(self, stack: FrameStack) -> FrameLoader:
        """A loader whose frames are dropped once another one has taken its place."""

        def arrived(index: int, frame: NDArray[Any]) -> None:
            self._bridge.post(lambda: self._show(index, frame) if self._loader is loader else None)

        def failed(index: int, error: Exception) -> None:
            self._bridge.post(lambda: self._show_trouble(index, error) if self._loader is loader else None)

        def coarse(index: int, frame: NDArray[Any]) -> None:
            self._bridge.post(lambda: self._show_coarse(index, frame) if self._loader is loader else None)

        loader = FrameLoader(
            stacks.reader(stack, self.view_filter),
            lambda: stacks.ready(stack),
            arrived,
            failed,
            coarse,
            is_filming=lambda: stacks.is_growing(stack),
        )
        return loader

    def _let_go(self) -> None:
        if self._loader is not None:
            self._loader.close()
            self._loader = None
        self.overlay = None
        self._trial_task = None
        self._shown = self._wanted = -1

    def close_pane(self) -> None:
        """The pane is going: its reading thread ends."""
        super().close_pane()
        self._bridge.close()
        self.tools.close()
        if self._loader is not None:
            self._loader.close(wait_s=0.2)
        self._let_go()

    def _fill_chooser(self) -> None:
        session = self.desk.session
        self._chooser.clear()
        for stack in session.stacks:
            self._chooser.addItem(stack.name, stack.id)
        chosen = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
        if chosen is not None:
            self._chooser.setCurrentIndex(session.stacks.index(chosen.id))
        self._chooser.setVisible(len(session.stacks) > 1)

    def _chosen(self, index: int) -> None:
        self.desk.session.focus.select("stack", self._chooser.itemData(index))

    def _selected(self, kind: str) -> None:
        if kind == "stack":
            self._choose()
        elif kind == "particle" and self.overlay is not None:
            self.overlay.selected = self.desk.session.focus.selected("particle")
            self.canvas.update()

    def _stack_changed(self, stack: FrameStack, names: frozenset[str]) -> None:
        if "name" in names:
            self._fill_chooser()
        if stack is not self.stack:
            return
        self.canvas.pixel_nm = stack.pixel_nm
        if "source" in names and self._loader is not None:
            self._loader.forget()
            self._shown = -1
        if "drift_px" in names and self.view_filter.kind == "mean":
            self.use_filter(self.view_filter)
        if "axis0_is_time" in names:
            self._show_axis()
            self.ask_bar.withdraw("axis")
        if "pixel_nm" in names:
            self.ask_bar.withdraw("pixel")
        self.tools.refresh()
        self._show_title()
        self._wanted = -1
        self._follow()

    def _show_axis(self) -> None:
        stack = self.stack
        timeless = stack is not None and stack.axis0_is_time is False and len(stack) > 1
        self.slider.setVisible(timeless)
        if stack is not None and timeless:
            self.slider.setRange(0, len(stack) - 1)

    def _ask_what_is_unknown(self) -> None:
        stack = self.stack
        if stack is None:
            return
        if stack.axis0_is_time is None and len(stack) > 1:
            self.ask_bar.ask(
                f"axis {stack.id}",
                f"{stack.name}: are its {len(stack)} images a movie?",
                [
                    ("Yes, over time", lambda: stacks.answer_axis(self.desk, stack, True)),
                    ("No, separate images", lambda: stacks.answer_axis(self.desk, stack, False)),
                ],
            )
            return
        pixel = stacks.remembered_pixel(self.desk, stack)
        if pixel is not None:
            self.ask_bar.ask(
                f"pixel {stack.id}",
                f"At {stack.magnification:g}× the scale bar said {pixel:.4g} nm/px last time.",
                [
                    ("Use it", lambda: stacks.set_pixel(self.desk, stack, pixel, "magnification memory")),
                    ("No", lambda: None),
                ],
            )

    # --- which frame ---------------------------------------------------------------------------------------------

    @property
    def frame_index(self) -> int:
        """The frame on screen, or the one that is on its way while there is none."""
        return max(0, self._shown if self._shown >= 0 else self._wanted)

    def _follow(self) -> None:
        """Show the frame of the cursor's moment; nothing to do while it is the one on screen."""
        stack, loader = self.stack, self._loader
        if stack is None or loader is None or not len(stack):
            return
        timeless = stack.axis0_is_time is False
        index = self.slider.value() if timeless else stack.index_at(self.desk.session.focus.t)
        index = min(index, stacks.ready(stack) - 1)
        if self.overlay is not None and self.overlay.reach and self.desk.session.focus.follow_live:
            index = self.overlay.newest_followed(index, self.overlay.reach // 2)
        if index in (self._wanted, -1):
            return
        self._wanted = index
        loader.coarse = previews.reader(self.desk.session, stack) if self._takes_coarse else None
        frame = loader.want(index)
        if frame is not None:
            self._show(index, frame)

    def figure_for_print(self) -> tuple[str, dict[str, Any]]:
        """The frame at the cursor."""
        ids = (self.stack.id,) if self.stack is not None else ()
        return "montage", {"times": (self.desk.session.focus.t,), "stack_ids": ids}

    def go_to(self, index: int) -> None:
        """Move the cursor (everywhere) to a frame."""
        stack = self.stack
        if stack is None:
            return
        if stack.axis0_is_time is False:
            self.slider.setValue(index)
        elif index < len(stack.times) and np.isfinite(stack.times[index]):
            self.desk.session.focus.t = stack.time_of(index)

    def go_to_image(self, index: int) -> None:
        """Where the images of the stack are no movie: show one of them, from the end when negative."""
        stack = self.stack
        if stack is not None and stack.axis0_is_time is False:
            self.slider.setValue(index % len(stack))

    def _show_trouble(self, index: int, error: Exception) -> None:
        """A frame that cannot be read: a sentence in its place; the next one is shown as ever."""
        stack = self.stack
        if stack is None or index != self._wanted:
            return
        if not isinstance(error, UserError):
            self.desk.notices.tell(error)
        title = error.title if isinstance(error, UserError) else f"Frame {index + 1} cannot be read: {error}"
        self.notes.trouble = f"Frame {index + 1}: {title}"
        _, height, width = stack.shape
        blank = np.zeros((height, width), np.uint8)
        self._put(index, blank)

    @property
    def _takes_coarse(self) -> bool:
        """Small frames have another noise: levels are not found on them, and filters are not run on them."""
        settled = self._contrast.mode != "each frame" and self._contrast.low is not None
        return settled and self.view_filter.kind == "none" and self._shown >= 0

    def _show_coarse(self, index: int, frame: NDArray[Any]) -> None:
        is_sharp = self._shown == self._wanted and self.canvas.frame is not None
        if self.stack is not None and not is_sharp:
            self.notes.trouble = ""
            self._place(index)
            self.canvas.show_coarse(frame, self._shift(index))

    def _show(self, index: int, frame: NDArray[Any]) -> None:
        stack = self.stack
        if stack is None or (index != self._wanted and index == self._shown):
            return
        first = self._contrast.mode == "percentile" and self._contrast.low is None
        if first:
            low, high = render.auto_levels(frame, self._contrast.percent)
            self._contrast = replace(self._contrast, low=low, high=high)
            self.canvas.table = self._contrast.table()
        self.canvas.levels = self._contrast.levels(frame)
        self.notes.trouble = ""
        self._put(index, frame)

    def _put(self, index: int, frame: NDArray[Any]) -> None:
        self._place(index)
        self.tools.show_frame(index)
        self.canvas.show_frame(frame, self._shift(index))

    def _place(self, index: int) -> None:
        """Stamp and overlays are those of this frame."""
        stack = self.stack
        assert stack is not None
        self._shown = index
        self.canvas.stamp = self._stamp(stack, index)
        for overlay in (self.overlay, self._marks):
            if overlay is not None:
                overlay.frame = index

    def _stamp(self, stack: FrameStack, index: int) -> str:
        if stack.axis0_is_time is False or index >= len(stack.times) or not np.isfinite(stack.times[index]):
            return f"{index + 1} / {len(stack)}" if len(stack) > 1 else ""
        return f"{stack.time_of(index):.2f} s".replace("-", "−")

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self.tools.make_compact(self.width() < COMPACT_BELOW_PX)
        super().resizeEvent(event)

    def show_again(self) -> None:
        """The same frame in another way (drift on or off, a filter)."""
        self._wanted = -1
        self._follow()

    def use_filter(self, view_filter: ViewFilter) -> None:
        self.view_filter = view_filter
        if self.stack is not None and self._loader is not None:
            self._loader.use(stacks.reader(self.stack, view_filter))
        self._show_title()
        self.show_again()

    def _shift(self, index: int) -> tuple[float, float]:
        """What is taken off a frame on view: while the drift is being found, as far as it is known."""
        if self.stack is None or not self.drift_on:
            return 0.0, 0.0
        found, trial = self._trial_task, self._trial
        if found is not None and found.state == "running" and trial is not None and index < len(trial):
            return float(trial[index, 0]), float(trial[index, 1])
        return self.stack.drift_at(index)

    def watch_drift(self, task: Task[Any]) -> None:
        """The drift is being found: `preview_drift` is told how far that is."""
        self._trial_task, self._trial = task, None

    def preview_drift(self, drift: NDArray[np.float64]) -> None:
        self._trial = drift
        if self._shown >= 0:
            self.canvas.shift = self._shift(self._shown)
            self.canvas.update()

    def use_drift(self, on: bool) -> None:
        if on != self.drift_on:
            self.drift_on = on
            self._show_title()
            self.show_again()

    def show_lag(self, text: str, lost: Sequence[str], reach: int = 0) -> None:
        """While filming: how far the outlines are behind the camera, and which particles need a person."""
        particles = self.desk.session.particles
        followed = self.stack is not None and any(p.stack_id == self.stack.id for p in particles)
        text = text if followed else ""
        if self.overlay is not None:
            self.overlay.reach = reach
        if text != self.notes.lag:
            self.notes.lag = text
            self.canvas.update()
        names = [particle.name for key in lost if (particle := particles.get(key)) is not None]
        about = f"lost {' '.join(lost)}"
        if not names:
            self.ask_bar.withdraw("lost")
        elif self.ask_bar.about != about:
            words = (
                f"{' and '.join(names)} cannot be followed any more. Draw the outline again in this frame."
            )
            self.ask_bar.ask(about, words, [("Draw it", self.tools.outline.toggle), ("Later", lambda: None)])

    # --- texts ---------------------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        stack = self.stack
        if stack is None:
            self.subtitle.set_text("")
            return
        frames, height, width = stack.shape
        parts = [f"{width}²" if width == height else f"{width} × {height}"]
        if len(self.desk.session.stacks) < 2:
            parts.insert(0, stack.name)
        if frames > 1 and stack.axis0_is_time is False:
            parts.append(f"{frames} images")
        parts.append(f"{stack.pixel_nm:.3g} nm/px" if stack.pixel_nm else "not calibrated")
        if stack.times_from == "nominal":
            parts.append("nominal times")
        if stack.drift_px is not None and not self.drift_on:
            parts.append("drift shown")
        if self.view_filter.kind != "none":
            parts.append(self.view_filter.text)
        self.subtitle.set_text(" · ".join(parts))

    def _show_pixel(self, x: float, y: float) -> None:
        frame, stack = self.canvas.frame, self.stack
        column, row = round(x), round(y)
        if frame is None or stack is None or not (0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]):
            self._show_title()
            return
        value = float(frame[row, column])
        text = f"{value:.5g} {stack.unit} · "
        if stack.counts_per_electron:
            text += f"{(value - stack.counts_offset) / stack.counts_per_electron:.1f} e⁻ · "
        self.subtitle.set_text(f"{text}{column}, {row}")  # the value first: a narrow pane cuts off the end

    # --- contrast ------------------------------------------------------------------------------------------------

    def ask_contrast(self) -> None:
        panel = ContrastPanel(self._contrast, self)
        panel.changed.connect(self._use_contrast)
        panel.adjustSize()
        button = self.tools.contrast
        panel.move(button.mapToGlobal(button.rect().bottomRight()) - panel.rect().topRight())
        panel.show()

    def _use_contrast(self, contrast: Contrast) -> None:
        frame = self.canvas.frame
        if contrast.mode == "percentile" and contrast.low is None and frame is not None:
            low, high = render.auto_levels(frame, contrast.percent)
            contrast = replace(contrast, low=low, high=high)
        self._contrast = contrast
        self.canvas.table = contrast.table()
        if frame is not None:
            self.canvas.levels = contrast.levels(frame)
        self.canvas.update()
