"""The tools in the title row of the EELS pane, and the menu behind the three dots."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QFileDialog, QMenu, QToolButton

from tandem_em.core.notices import UserError
from tandem_em.desk.eels import export, lithium_of_sites
from tandem_em.desk.eels import places as eels_places
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_widgets.dialogs.eels_properties import edit_properties
from tandem_widgets.panes.eels.analyses import Analyses
from tandem_widgets.panes.eels.choice import ChoiceMenus, option
from tandem_widgets.panes.eels.limits import LimitsPanel
from tandem_widgets.panes.eels.sites import SiteTool, site_spectra
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.tools import LineTool

if TYPE_CHECKING:
    from tandem_widgets.panes.eels.pane import EelsPane

WIDTHS_PX = (1, 3, 5, 10, 20, 40)
OFFSETS = (0.0, 0.1, 0.25, 0.5, 1.0)


class EelsTools:
    """Makes the buttons of a pane and answers them."""

    def __init__(self, pane: EelsPane) -> None:
        self._pane = pane
        self._choice = pane.choice
        self.menus = ChoiceMenus(pane.session, pane.choice, pane.redraw, self.ask_limits)
        self.analyses = Analyses(pane, self.menus)
        self._add_menu("RGB", "Colours and limits of the composite", self.menus.fill_rgb)
        self._add_menu(
            "Map",
            "What the single map shows, its colours and limits",
            lambda menu: self.menus.fill_map(menu, pane.image),
        )
        self.profile = pane.add_tool(
            "Profile", "Draw the profile line on a picture", self.take_line, checkable=True
        )
        self.sites = pane.add_tool(
            "Sites",
            "Spectra of the numbered sites; a click on a picture adds one, right-click removes it",
            self.take_sites,
            checkable=True,
        )
        self._add_menu("…", "Compare states, profile and site options, analyses", self.fill_more)
        pane.images.menu_asked.connect(self._picture_menu)

    def _add_menu(self, text: str, tip: str, fill: object) -> None:
        button = self._pane.add_tool(text, tip)
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: fill(menu))  # type: ignore[operator]
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    # --- in hand -------------------------------------------------------------------------------------------------

    def take_line(self, on: bool) -> None:
        if on:
            self.sites.setChecked(False)
        self._hand_out()

    def take_sites(self, on: bool) -> None:
        if on:
            self.profile.setChecked(False)
        self._pane.images.sites_everywhere = on
        self._hand_out()
        self._pane.redraw()

    def put_down(self) -> None:
        self.profile.setChecked(False)
        self.sites.setChecked(False)

    def _hand_out(self) -> None:
        pane = self._pane
        if self.profile.isChecked():
            pane.images.set_tools(self._line_tool)
        elif self.sites.isChecked():
            pane.images.set_tools(
                lambda canvas: SiteTool(
                    pane.desk, canvas, pane.images.to_map, lambda: pane.image, self.put_down
                )
            )
        else:
            pane.images.set_tools(None)

    def _line_tool(self, canvas: ImageCanvas) -> LineTool:
        pane = self._pane

        def to_map(point: tuple[float, float]) -> tuple[float, float]:
            return pane.images.to_map(canvas, *point)

        def done(start: tuple[float, float], end: tuple[float, float]) -> None:
            if pane.image is not None:
                eels_places.draw_line(pane.desk, pane.image, to_map(start), to_map(end))
            self.put_down()

        def text(start: tuple[float, float], end: tuple[float, float]) -> str:
            length = math.dist(to_map(start), to_map(end))
            pixel = pane.image.pixel_nm if pane.image is not None else None
            return f"{length * pixel[0]:.3g} nm" if pixel else f"{length:.1f} px"

        return LineTool(done, self.put_down, text)

    # --- menus ---------------------------------------------------------------------------------------------------

    def _read_lithium(self, site: Site, image: SpectrumImage) -> None:
        try:
            lithium_of_sites.read(self._pane.desk, site, image)
        except UserError as error:
            self._pane.desk.notices.tell(error)

    def _picture_menu(self, x: float, y: float, place: QPoint) -> None:
        pane, menu = self._pane, QMenu(self._pane)
        site = eels_places.site_at(pane.session, (x, y), 6.0)
        if site is not None:
            if pane.image is not None:
                read = partial(self._read_lithium, site, pane.image)
                menu.addAction(f"Lithium of {site.name} (x in LiₓSi)", read)
            menu.addAction(f"Remove {site.name}", lambda: pane.desk.remove(f"Remove {site.name}", site))
        elif pane.image is not None:
            image = pane.image
            menu.addAction("Add a site here", lambda: eels_places.add_site(pane.desk, image, (x, y)))
        menu.addAction("Whole picture", pane.images.single.fit)
        menu.popup(place)

    def fill_more(self, menu: QMenu) -> None:
        menu.clear()
        choice, change = self._choice, self.menus.set
        option(menu, "Compare states", choice.compare, lambda: change(compare=not choice.compare))
        self._fill_profile(menu.addMenu("Profile"))
        self._fill_sites(menu.addMenu("Sites"))
        image = self._pane.image
        if image is None:
            return
        menu.addAction(
            "Name, state, time, beam…", lambda: edit_properties(self._pane, self._pane.desk, image)
        )
        menu.addSeparator()
        self.analyses.fill(menu, image)

    # --- limits --------------------------------------------------------------------------------------------------

    def ask_limits(self) -> None:
        """The panel with histograms, under the pictures' titles."""
        pane = self._pane
        panel = LimitsPanel(pane, self._choice, pane.redraw, pane.pictures.shown_maps())
        panel.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        panel.open_at(pane.images.mapToGlobal(QPoint(8, 8)))

    def _fill_profile(self, menu: QMenu | None) -> None:
        assert menu is not None
        choice, change, pane = self._choice, self.menus.set, self._pane
        option(menu, "One edge, every state", not choice.overlay_edges, lambda: change(overlay_edges=False))
        option(menu, "Every edge of this map", choice.overlay_edges, lambda: change(overlay_edges=True))
        option(
            menu,
            "Each to its maximum",
            choice.normalised,
            lambda: change(normalised=not choice.normalised),
        )
        menu.addSection("Line up on")
        places = [("the start of the line", ""), ("the steepest step of the ADF", "ADF")]
        places += [(f"the steepest step of {edge.name}", edge.id) for edge in pane.session.edges]
        for text, key in places:
            option(menu, text, choice.anchor == key, partial(change, anchor=key))
        line = eels_places.profile_line(pane.session)
        if line is not None:
            menu.addSection("Width")
            for width in WIDTHS_PX:
                option(
                    menu, f"{width} px", line.width_px == width,
                    partial(pane.desk.change, "Profile width", line, width_px=float(width)),
                )  # fmt: skip
            menu.addSeparator()
            menu.addAction("Remove the line", lambda: pane.desk.remove("Remove profile line", line))

    def _fill_sites(self, menu: QMenu | None) -> None:
        assert menu is not None
        choice, change = self._choice, self.menus.set
        for text, key in (
            ("As counted", "none"),
            ("Each to its maximum", "maximum"),
            ("Each to its sum", "sum"),
        ):
            option(menu, text, choice.site_scale == key, partial(change, site_scale=key))
        menu.addSection("Offset")
        for offset in OFFSETS:
            option(
                menu, f"{100 * offset:g} %", choice.site_offset == offset,
                partial(change, site_offset=offset),
            )  # fmt: skip
        sites = list(self._pane.session.sites)
        if sites:
            menu.addSeparator()
            menu.addAction("Save the spectra…", self.save_site_spectra)
            menu.addAction("Remove all sites", lambda: self._pane.desk.remove("Remove all sites", *sites))

    def save_site_spectra(self) -> None:
        """The mean spectra of the sites on this map as CSV."""
        pane, image = self._pane, self._pane.image
        if image is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            pane, "Save spectra", f"{image.name} sites.csv", "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            spectra = [
                (site.name, spectrum) for site, spectrum in site_spectra(pane.live(image), pane.session.sites)
            ]
            job = export.save_spectra(path if path.suffix else path.with_suffix(".csv"), image, spectra)
            pane.desk.start(
                "Saving spectra",
                job,
                lambda done: pane.desk.notices.info(f"Saved {done.name}."),
                key="save spectra",
            )
