"""The tools in the title row of the EELS pane: its buttons and menus, and which tool is active on the pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QMenu, QToolButton

from tandem_em.desk.eels import places as eels_places
from tandem_widgets.panes.eels.choice import ChoiceMenus
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.pictures import Pictures
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.sites import SiteTool
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.pane_frame import PaneFrame
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import LineTool

if TYPE_CHECKING:  # imported when the menus are first opened
    from tandem_widgets.panes.eels.analyses import Analyses
    from tandem_widgets.panes.eels.menus import MoreMenu

Point = tuple[float, float]


class EelsTools:
    """Puts the buttons into the title row of a frame and answers them."""

    def __init__(self, scene: EelsScene, images: EelsImages, pictures: Pictures, frame: PaneFrame) -> None:
        self._scene, self._images, self._pictures, self._frame = scene, images, pictures, frame
        self.menus = ChoiceMenus(scene, self.ask_limits)
        self._add_menu("RGB", "Colours and limits of the composite", self.menus.fill_rgb)
        self._add_menu("Map", "Quantity, colours and limits of the map", self.menus.fill_map)
        self.profile = self._mode("profile", "Profile", "Draw a profile line on an image")
        self.sites = self._mode(
            "sites",
            "Sites",
            "Spectra of numbered sites; click on an image to add a site, right-click to remove it",
        )
        self._add_menu(
            "…", "Compare states, profile and site options, analyses", lambda menu: self.more.fill(menu)
        )
        images.menu_asked.connect(self._picture_menu)
        Bindings(frame).on(scene.tool_changed, self._show_active)

    def _add_menu(self, text: str, tip: str, fill: Callable[[QMenu], None]) -> None:
        button = self._frame.add_tool(text, tip)
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: fill(menu))
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    # --- the active tool -----------------------------------------------------------------------------------------

    def _mode(self, name: Literal["profile", "sites"], text: str, tip: str) -> QToolButton:
        """A button that activates a tool; it is checked as long as that is the active one."""

        def toggled(on: bool) -> None:
            if on != (self._scene.tool == name):
                self._scene.use_tool(name if on else "")

        return self._frame.add_tool(text, tip, toggled, checkable=True)

    def _show_active(self, name: str) -> None:
        self.profile.setChecked(name == "profile")
        self.sites.setChecked(name == "sites")
        tools: dict[str, Callable[[ImageCanvas], LineTool | SiteTool]] = {
            "profile": self._line_tool,
            "sites": lambda canvas: SiteTool(self._scene, canvas, self._images.to_map),
        }
        self._images.set_tools(tools.get(name))

    def deactivate(self) -> None:
        """Puts the active tool down; the region can be drawn again."""
        self._scene.use_tool("")

    def _line_tool(self, canvas: ImageCanvas) -> LineTool:
        scene = self._scene

        def to_map(point: Point) -> Point:
            return self._images.to_map(canvas, *point)

        def done(start: Point, end: Point) -> None:
            if scene.image is not None:
                eels_places.draw_line(scene.desk, scene.image, to_map(start), to_map(end))
            self.deactivate()

        def text(start: Point, end: Point) -> str:
            length = math.dist(to_map(start), to_map(end))
            pixel = scene.image.pixel_nm if scene.image is not None else None
            return f"{length * pixel[0]:.3g} nm" if pixel else f"{length:.1f} px"

        return LineTool(done, self.deactivate, text)

    # --- what opens ----------------------------------------------------------------------------------------------

    @cached_property
    def analyses(self) -> Analyses:
        """Answers the entries of the analyses; loaded at its first use."""
        from tandem_widgets.panes.eels.analyses import Analyses

        return Analyses(self._scene, self._frame)

    @cached_property
    def more(self) -> MoreMenu:
        """Menu behind the three dots; loaded at its first use."""
        from tandem_widgets.panes.eels.menus import MoreMenu

        return MoreMenu(self._scene, self._frame, self.analyses)

    def _picture_menu(self, x: float, y: float, place: QPoint) -> None:
        menu = QMenu(self._frame)
        self.more.fill_at(menu, (x, y))
        menu.addAction("Whole image", self._images.single.fit)
        menu.popup(place)

    def ask_limits(self) -> None:
        """The panel with histograms, under the pictures' titles."""
        from tandem_widgets.panes.eels.limits import LimitsPanel

        panel = LimitsPanel(self._frame, self._scene, self._pictures.shown_maps())
        panel.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        panel.open_at(self._images.mapToGlobal(QPoint(8, 8)))
