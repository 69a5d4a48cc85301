"""The menu behind the three dots of the EELS pane, and the one at a place of a picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from tandem_em.core.notices import UserError
from tandem_em.desk.eels import export, lithium_of_sites
from tandem_em.desk.eels import places as eels_places
from tandem_em.model.spectra import Site, SpectrumImage
from tandem_widgets.dialogs.eels_properties import edit_properties
from tandem_widgets.panes.eels.analyses import Analyses
from tandem_widgets.panes.eels.choice import option
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.sites import site_spectra

WIDTHS_PX = (1, 3, 5, 10, 20, 40)
OFFSETS = (0.0, 0.1, 0.25, 0.5, 1.0)
NEAR_PX = 6.0


class MoreMenu:
    """Compare states, options of profile and sites, analyses. Dialogs open over `parent`."""

    def __init__(self, scene: EelsScene, parent: QWidget, analyses: Analyses) -> None:
        self._scene, self._parent, self._analyses = scene, parent, analyses

    def fill(self, menu: QMenu) -> None:
        """Fills the menu anew for the shown image; without one only the ways of looking are offered."""
        menu.clear()
        choice, change = self._scene.choice, self._scene.look
        option(menu, "Compare states", choice.compare, lambda: change(compare=not choice.compare))
        self._fill_profile(menu.addMenu("Profile"))
        self._fill_sites(menu.addMenu("Sites"))
        image = self._scene.image
        if image is None:
            return
        menu.addAction(
            "Name, state, time, beam…", lambda: edit_properties(self._parent, self._scene.desk, image)
        )
        menu.addSeparator()
        self._analyses.fill(menu, image)

    def _fill_profile(self, menu: QMenu | None) -> None:
        assert menu is not None
        choice, change, scene = self._scene.choice, self._scene.look, self._scene
        option(menu, "One edge, all states", not choice.overlay_edges, lambda: change(overlay_edges=False))
        option(menu, "All edges of this map", choice.overlay_edges, lambda: change(overlay_edges=True))
        option(
            menu,
            "Normalise each to its maximum",
            choice.normalised,
            lambda: change(normalised=not choice.normalised),
        )
        menu.addSection("Align at")
        places = [("Start of the line", ""), ("Steepest step of the ADF", "ADF")]
        places += [(f"Steepest step of {edge.name}", edge.id) for edge in scene.session.edges]
        for text, key in places:
            option(menu, text, choice.anchor == key, partial(change, anchor=key))
        line = eels_places.profile_line(scene.session)
        if line is not None:
            menu.addSection("Width")
            for width in WIDTHS_PX:
                option(
                    menu, f"{width} px", line.width_px == width,
                    partial(scene.desk.change, "Profile width", line, width_px=float(width)),
                )  # fmt: skip
            menu.addSeparator()
            menu.addAction("Remove line", lambda: scene.desk.remove("Remove profile line", line))

    def _fill_sites(self, menu: QMenu | None) -> None:
        assert menu is not None
        choice, change = self._scene.choice, self._scene.look
        for text, key in (
            ("Counts", "none"),
            ("Normalise each to its maximum", "maximum"),
            ("Normalise each to its sum", "sum"),
        ):
            option(menu, text, choice.site_scale == key, partial(change, site_scale=key))
        menu.addSection("Offset")
        for offset in OFFSETS:
            option(
                menu, f"{100 * offset:g} %", choice.site_offset == offset,
                partial(change, site_offset=offset),
            )  # fmt: skip
        sites = list(self._scene.session.sites)
        if sites:
            menu.addSeparator()
            menu.addAction("Save spectra…", self.save_site_spectra)
            menu.addAction("Remove all sites", lambda: self._scene.desk.remove("Remove all sites", *sites))

    def save_site_spectra(self) -> None:
        """The mean spectra of the sites on this map as CSV."""
        scene, image = self._scene, self._scene.image
        if image is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self._parent, "Save spectra", f"{image.name} sites.csv", "CSV (*.csv)"
        )
        if chosen:
            path = Path(chosen)
            spectra = [
                (site.name, spectrum)
                for site, spectrum in site_spectra(scene.live(image), scene.session.sites)
            ]
            job = export.save_spectra(path if path.suffix else path.with_suffix(".csv"), image, spectra)
            scene.desk.start(
                "Saving spectra",
                job,
                lambda done: scene.desk.notices.info(f"Saved {done.name}."),
                key="save spectra",
            )

    # --- at a place of a picture ---------------------------------------------------------------------------------

    def fill_at(self, menu: QMenu, place: tuple[float, float]) -> None:
        """What can be done with the site there, or where there is none."""
        scene, image = self._scene, self._scene.image
        site = eels_places.site_at(scene.session, place, NEAR_PX)
        if site is not None:
            if image is not None:
                read = partial(self._read_lithium, site, image)
                menu.addAction(f"Lithium content of {site.name} (x in LiₓSi)", read)
            menu.addAction(f"Remove {site.name}", lambda: scene.desk.remove(f"Remove {site.name}", site))
        elif image is not None:
            menu.addAction("Add site here", lambda: eels_places.add_site(scene.desk, image, place))

    def _read_lithium(self, site: Site, image: SpectrumImage) -> None:
        try:
            lithium_of_sites.read(self._scene.desk, site, image)
        except UserError as error:
            self._scene.desk.notices.tell(error)
