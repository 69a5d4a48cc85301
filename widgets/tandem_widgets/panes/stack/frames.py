"""Bringing the wanted frame of the scene onto the canvas: read in a thread, a coarse one first, with its contrast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtWidgets import QToolButton, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.stacks import previews
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.frames import FrameStack
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.bridge import Bridge
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.contrast import Contrast, ContrastPanel
from tandem_widgets.parts.image.frame_loader import FrameLoader


class FramesShown:
    """Reads what the scene wants and tells it what is on screen."""

    def __init__(self, scene: StackScene, canvas: ImageCanvas, owner: QWidget) -> None:
        self._scene, self._canvas, self._owner = scene, canvas, owner
        self._loader: FrameLoader | None = None
        self._bridge = Bridge(owner)
        self._contrast = Contrast()
        bindings = Bindings(owner)
        bindings.on(scene.frame_wanted, self._read)
        bindings.on(scene.filter_changed, self._read_in_another_way)
        bindings.on(scene.drift.previewed, self._shift_shown)

    # --- reading -------------------------------------------------------------------------------------------------

    def open(self, stack: FrameStack) -> None:
        """Read from this stack now; its contrast is found anew."""
        self.let_go()
        self._canvas.pixel_nm = stack.pixel_nm
        # limits are counts of the stack before; the kind of contrast stays
        self._contrast = replace(self._contrast, low=None, high=None)
        self._loader = self._reading(stack)

    def let_go(self) -> None:
        """Closes the loader of the stack that was shown; a new one is made when a frame is wanted."""
        if self._loader is not None:
            self._loader.close()
            self._loader = None

    def close(self) -> None:
        """The pane is going: its reading thread ends."""
        self._bridge.close()
        if self._loader is not None:
            # a slow disk must not hold up the closing window
            self._loader.close(wait_s=0.2)
        self.let_go()

    def forget(self) -> None:
        """The data changed: read everything anew."""
        if self._loader is not None:
            self._loader.forget()
            self._scene.forget_frame()

    def _reading(self, stack: FrameStack) -> FrameLoader:
        """A loader whose frames are dropped once another one has taken its place."""

        def arrived(index: int, frame: NDArray[Any]) -> None:
            # from the reading thread into that of the window; too late for a stack that was left
            self._bridge.post(lambda: self._show(index, frame) if self._loader is loader else None)

        def failed(index: int, error: Exception) -> None:
            self._bridge.post(lambda: self._show_trouble(index, error) if self._loader is loader else None)

        def coarse(index: int, frame: NDArray[Any]) -> None:
            self._bridge.post(lambda: self._show_coarse(index, frame) if self._loader is loader else None)

        loader = FrameLoader(
            stacks.reader(stack, self._scene.view_filter),
            lambda: stacks.ready(stack),
            arrived,
            failed,
            coarse,
            is_filming=lambda: stacks.is_growing(stack),
        )
        return loader

    def _read(self, index: int) -> None:
        stack, loader = self._scene.stack, self._loader
        if stack is None or loader is None:
            return
        loader.coarse = previews.reader(self._scene.session, stack) if self._takes_coarse else None
        frame = loader.want(index)
        if frame is not None:
            self._show(index, frame)

    def _read_in_another_way(self) -> None:
        if self._scene.stack is not None and self._loader is not None:
            self._loader.use(stacks.reader(self._scene.stack, self._scene.view_filter))

    @property
    def _takes_coarse(self) -> bool:
        """Small frames have another noise: levels are not found on them, and filters are not run on them."""
        # limits of a coarse picture are not those of its frame
        settled = self._contrast.mode != "each frame" and self._contrast.low is not None
        return settled and self._scene.view_filter.kind == "none" and self._scene.shown >= 0

    # --- showing -------------------------------------------------------------------------------------------------

    def _show(self, index: int, frame: NDArray[Any]) -> None:
        scene = self._scene
        # already on screen, and another frame is on its way
        if scene.stack is None or (index != scene.wanted and index == scene.shown):
            return
        if self._contrast.mode == "percentile" and self._contrast.low is None:
            self._find_levels(frame)
            self._canvas.table = self._contrast.table()
        self._canvas.levels = self._contrast.levels(frame)
        scene.say(trouble="")
        self._put(index, frame)

    def _show_coarse(self, index: int, frame: NDArray[Any]) -> None:
        scene = self._scene
        # never from sharp back to coarse
        is_sharp = scene.shown == scene.wanted and self._canvas.frame is not None
        if scene.stack is not None and not is_sharp:
            scene.say(trouble="")
            scene.place(index, None)
            self._canvas.stamp = scene.stamp
            self._canvas.show_coarse(frame, scene.drift.shift(index))

    def _show_trouble(self, index: int, error: Exception) -> None:
        """A frame that cannot be read: a sentence in its place; the next one is shown as ever."""
        stack = self._scene.stack
        if stack is None or index != self._scene.wanted:
            return
        if not isinstance(error, UserError):
            self._scene.desk.notices.tell(error)
        title = error.title if isinstance(error, UserError) else f"Frame {index + 1} cannot be read: {error}"
        self._scene.say(trouble=f"Frame {index + 1}: {title}")
        _, height, width = stack.shape
        # black, lest the frame before is taken for this one
        self._put(index, np.zeros((height, width), np.uint8))

    def _put(self, index: int, frame: NDArray[Any]) -> None:
        self._scene.place(index, frame)
        self._canvas.stamp = self._scene.stamp
        self._canvas.show_frame(frame, self._scene.drift.shift(index))

    def _shift_shown(self) -> None:
        if self._scene.shown >= 0:
            self._canvas.shift = self._scene.drift.shift(self._scene.shown)
            self._canvas.update()

    # --- contrast ------------------------------------------------------------------------------------------------

    def ask_contrast(self, button: QToolButton) -> None:
        """The panel below its button."""
        panel = ContrastPanel(self._contrast, self._owner)
        panel.changed.connect(self._use_contrast)
        panel.adjustSize()
        panel.move(button.mapToGlobal(button.rect().bottomRight()) - panel.rect().topRight())
        panel.show()

    def _use_contrast(self, contrast: Contrast) -> None:
        frame = self._canvas.frame
        self._contrast = contrast
        if contrast.mode == "percentile" and contrast.low is None and frame is not None:
            self._find_levels(frame)
        self._canvas.table = self._contrast.table()
        if frame is not None:
            self._canvas.levels = self._contrast.levels(frame)
        self._canvas.update()

    def _find_levels(self, frame: NDArray[Any]) -> None:
        low, high = render.auto_levels(frame, self._contrast.percent)
        self._contrast = replace(self._contrast, low=low, high=high)
