"""The stack pane: the frame at the cursor, with outlines, drift taken off, and the tools that measure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.jobs import call_as_job
from tandem_em.model.frames import FrameStack
from tandem_widgets.parts import image_render
from tandem_widgets.parts.bind import Bindings
from tandem_widgets.parts.bridge import Bridge
from tandem_widgets.parts.contrast import Contrast, ContrastPanel
from tandem_widgets.parts.frame_loader import FrameLoader
from tandem_widgets.parts.image_canvas import ImageCanvas
from tandem_widgets.parts.outline_overlay import OutlineOverlay
from tandem_widgets.parts.pane_frame import EmptyHint, PaneFrame, trigger

HINT = "Drop a movie, a stack or a folder of images here.\n.dm4 .emd .ser .mrc .mib .tif .tvips .hspy .avi .mp4 …"


class StackPane(PaneFrame):
    """Shows one stack of the session at the cursor's time."""

    def __init__(self, desk: Desk) -> None:
        self._canvas_holder = QWidget()
        super().__init__("Image stack", self._canvas_holder)
        self._desk = desk
        self._stack: FrameStack | None = None
        self._loader: FrameLoader | None = None
        self._bridge = Bridge(self)
        self._contrast = Contrast()
        self._shown = -1
        self._wanted = -1
        self.canvas = ImageCanvas()
        self.canvas.fill = True
        column = QVBoxLayout(self._canvas_holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.canvas)
        self._overlay: OutlineOverlay | None = None
        self._contrast_tool = self.add_tool(
            "◐ Contrast", "Percentile or by hand, gamma, colours", self._ask_contrast
        )
        self.canvas.hovered.connect(self._show_pixel)
        self.canvas.left.connect(self._show_title)
        session = desk.session
        bindings = Bindings(self)
        bindings.on(session.focus.t_changed, lambda _t: self._follow())
        bindings.on(session.focus.selection_changed, self._selected)
        bindings.on(session.stacks.added, lambda _stack: self._choose())
        bindings.on(session.stacks.removed, lambda _stack: self._choose())
        bindings.on(session.stacks.changed, self._stack_changed)
        for signal in (session.particles.added, session.particles.removed):
            bindings.on(signal, lambda _particle: self.canvas.update())
        bindings.on(session.particles.changed, lambda _particle, _names: self.canvas.update())
        self._choose()

    # --- which stack ---------------------------------------------------------------------------------------------

    def _choose(self) -> None:
        session = self._desk.session
        stack = session.stacks.get(session.focus.selected("stack")) or session.stacks.first
        if stack is self._stack and stack is not None:
            return
        self._let_go()
        self._stack = stack
        if stack is None:
            buttons = [
                ("Open…", lambda: trigger(self, "open")),
                ("See the demo experiment", lambda: trigger(self, "demo")),
            ]
            self.set_empty(EmptyHint(HINT, buttons))
            return
        self.set_empty(None)
        self._desk.start(
            "Preparing the image",
            call_as_job(image_render.warm_up),
            lambda _none: self.canvas.update(),
            key="warm-up",
        )
        self._overlay = OutlineOverlay(session, stack)
        self.canvas.overlays = [self._overlay]
        self.canvas.pixel_nm = stack.pixel_nm
        self._loader = FrameLoader(stack.frame, lambda: len(stack), self._from_thread, self._failed_in_thread)
        self._show_title()
        self._follow()

    def _let_go(self) -> None:
        if self._loader is not None:
            self._loader.close()
            self._loader = None
        self._shown = self._wanted = -1

    def close_pane(self) -> None:
        """The pane is going: its reading thread ends."""
        self._bridge.close()
        self._let_go()

    def _selected(self, kind: str) -> None:
        if kind == "stack":
            self._choose()
        elif kind == "particle" and self._overlay is not None:
            self._overlay.selected = self._desk.session.focus.selected("particle")
            self.canvas.update()

    def _stack_changed(self, stack: FrameStack, names: frozenset[str]) -> None:
        if stack is not self._stack:
            return
        self.canvas.pixel_nm = stack.pixel_nm
        if "source" in names and self._loader is not None:
            self._loader.forget()
            self._shown = -1
        self._show_title()
        self._wanted = -1
        self._follow()

    # --- which frame ---------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Show the frame of the cursor's moment; nothing to do while it is the one on screen."""
        stack, loader = self._stack, self._loader
        if stack is None or loader is None or not len(stack):
            return
        index = stack.index_at(self._desk.session.focus.t)
        if index == self._wanted:
            return
        self._wanted = index
        frame = loader.want(index)
        if frame is not None:
            self._show(index, frame)

    def _from_thread(self, index: int, frame: NDArray[Any]) -> None:
        self._bridge.post(lambda: self._show(index, frame))

    def _failed_in_thread(self, index: int, error: Exception) -> None:
        self._bridge.post(lambda: self._desk.notices.tell(error))

    def _show(self, index: int, frame: NDArray[Any]) -> None:
        stack = self._stack
        if stack is None or (index != self._wanted and index == self._shown):
            return
        first = self._shown < 0
        self._shown = index
        if first and self._contrast.mode == "percentile" and self._contrast.low is None:
            low, high = image_render.auto_levels(frame, self._contrast.percent)
            self._contrast = replace(self._contrast, low=low, high=high)
        self.canvas.levels = self._contrast.levels(frame)
        self.canvas.table = self._contrast.table() if first else self.canvas.table
        self.canvas.stamp = (
            f"{stack.time_of(index):.2f} s".replace("-", "−") if index < len(stack.times) else ""
        )
        if self._overlay is not None:
            self._overlay.frame = index
        self.canvas.show_frame(frame, stack.drift_at(index))

    # --- texts ---------------------------------------------------------------------------------------------------

    def _show_title(self) -> None:
        stack = self._stack
        if stack is None:
            self.subtitle.set_text("")
            return
        frames, height, width = stack.shape
        parts = [stack.name, f"{width}²" if width == height else f"{width} × {height}", f"{frames} frames"]
        if stack.pixel_nm:
            parts.append(f"{stack.pixel_nm:.3g} nm/px")
        if stack.times_from == "nominal":
            parts.append("nominal times")
        self.subtitle.set_text(" · ".join(parts))

    def _show_pixel(self, x: float, y: float) -> None:
        frame, stack = self.canvas.frame, self._stack
        column, row = round(x), round(y)
        if frame is None or stack is None or not (0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]):
            self._show_title()
            return
        value = float(frame[row, column])
        text = f"x {column}  y {row}  ·  {value:.5g} {stack.unit}"
        if stack.counts_per_electron:
            text += f"  ·  {(value - stack.counts_offset) / stack.counts_per_electron:.1f} e⁻"
        self.subtitle.set_text(text)

    def _ask_contrast(self, _checked: bool = False) -> None:
        panel = ContrastPanel(self._contrast, self)
        panel.changed.connect(self._use_contrast)
        panel.adjustSize()
        corner = self._contrast_tool.rect().bottomRight()
        panel.move(self._contrast_tool.mapToGlobal(corner) - panel.rect().topRight())
        panel.show()

    def _use_contrast(self, contrast: Contrast) -> None:
        frame = self.canvas.frame
        if contrast.mode == "percentile" and contrast.low is None and frame is not None:
            low, high = image_render.auto_levels(frame, contrast.percent)
            contrast = replace(contrast, low=low, high=high)
        self._contrast = contrast
        self.canvas.table = contrast.table()
        if frame is not None:
            self.canvas.levels = contrast.levels(frame)
        self.canvas.update()
