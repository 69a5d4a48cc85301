"""Measuring on the shown frame: regions, profile lines, distances and angles, the scale bar."""

from __future__ import annotations

import math
from collections.abc import Callable

from PyQt6.QtWidgets import QInputDialog, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.panes.stack.active_tool import ActiveTool
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.image.marks import Point
from tandem_widgets.parts.image.tools import LineTool, MeasureTool, PolylineTool, RectangleTool

BAR_HINT = "Draw along the scale bar from end to end (Shift keeps it level) · Esc ends"


class Measuring:
    """Activates the tools that measure; a drawn line is handed to `show_profile`."""

    def __init__(
        self,
        scene: StackScene,
        active: ActiveTool,
        parent: QWidget,
        show_profile: Callable[[ProfileLine], None],
    ) -> None:
        self._scene, self._active, self._parent = scene, active, parent
        self._show_profile = show_profile

    # --- a region ------------------------------------------------------------------------------------------------

    def activate_region(self) -> None:
        """The next drag draws the rectangle whose intensity is measured."""
        self._active.activate("region", RectangleTool(self._region_drawn, self._active.deactivate))

    def _region_drawn(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self._active.deactivate()
        stack = self._scene.stack
        if stack is None:
            return
        # kept on the sample, so that region and drift move together
        low, high = self._scene.on_sample((x0, y0)), self._scene.on_sample((x1, y1))
        _, height, width = stack.shape
        region = (
            max(0, round(low[0])), max(0, round(low[1])), min(width, round(high[0])), min(height, round(high[1])),
        )  # fmt: skip
        self._try(lambda: stacks.region_statistics(self._scene.desk, stack, region))

    # --- a profile -----------------------------------------------------------------------------------------------

    def activate_profile(self) -> None:
        """The next clicks draw a line whose profile opens in a window."""
        self._active.activate(
            "profile", PolylineTool(self._profile_drawn, self._active.deactivate, self._length_text)
        )

    def _profile_drawn(self, points: list[Point]) -> None:
        self._active.deactivate()
        stack, desk = self._scene.stack, self._scene.desk
        if stack is None:
            return
        known = [line for line in desk.session.profiles if line.owner_id == stack.id]
        name = desk.session.profiles.free_name("L")
        ends = [self._scene.on_sample(point) for point in points]
        line = ProfileLine(
            name=name, owner_id=stack.id, start=ends[0], end=ends[-1], via=ends[1:-1],
            # as wide as the last one: lines are compared
            width_px=known[-1].width_px if known else max(1.0, round(0.02 * stack.shape[2])), simulated=stack.simulated,
        )  # fmt: skip
        desk.add(f"Draw profile {name}", line)
        self._show_profile(line)

    def _length_text(self, start: Point, end: Point) -> str:
        return self._scene.length_text(math.dist(start, end))

    # --- lengths -------------------------------------------------------------------------------------------------

    def activate_measure(self) -> None:
        """Distances and angles; nothing is kept."""
        self._active.activate("measure", MeasureTool(self._active.deactivate, self._length_text))

    def activate_scale_bar(self) -> None:
        """A line along the scale bar in the image, whose length is then typed: the pixel size."""
        tool = LineTool(
            self._bar_drawn, self._active.deactivate, lambda start, end: f"{math.dist(start, end):.1f} px"
        )
        self._active.activate("scale bar", tool, BAR_HINT)

    def _bar_drawn(self, start: Point, end: Point) -> None:
        self._active.deactivate()
        stack, length = self._scene.stack, math.dist(start, end)
        if stack is None:
            return
        before = length * stack.pixel_nm if stack.pixel_nm else 50.0
        nm, accepted = QInputDialog.getDouble(
            self._parent, "Scale bar", f"Length of the bar ({length:.1f} px) in nm:", before, 0.001, 1e9, 3
        )
        if accepted:
            self._try(lambda: stacks.set_pixel(self._scene.desk, stack, nm / length))

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except UserError as error:
            self._scene.desk.notices.tell(error)
