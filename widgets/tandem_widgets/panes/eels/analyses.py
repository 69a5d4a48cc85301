"""Analyses of the shown map: each a job, kept as a result or as a map of its own, undone in one step."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from tandem_em.desk.eels import spectra
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.dialogs.eels_properties import ask_optics
from tandem_widgets.panes.eels.choice import option
from tandem_widgets.panes.eels.scene import EelsScene

if TYPE_CHECKING:
    from tandem_em.desk.analysis import Request
    from tandem_em.desk.recompute import Stale

SHOWN_FIRST = {"zero loss": "FWHM", "PCA": "component 1", "NMF": "component 1"}
SPECTRA_FILTER = "Spectra (*.msa *.dm3 *.dm4 *.hspy *.emd *.nxs);;All files (*)"
RECONSTRUCTIONS = (2, 3, 4, 5, 6, 8)


class Analyses:
    """Fills the lower half of the menu behind the three dots, and answers it."""

    def __init__(self, scene: EelsScene, parent: QWidget) -> None:
        self._scene, self._parent = scene, parent

    def fill(self, menu: QMenu, image: SpectrumImage) -> None:
        """Adds what can be computed from this image; what lacks its inputs is not offered."""
        self._fill_zero_loss(menu, image)
        menu.addSeparator()
        menu.addAction("Principal components (PCA)", self.find_components)
        menu.addAction("Non-negative factors (NMF)", partial(self.find_components, non_negative=True))
        self._fill_components(menu, image)
        sites = list(self._scene.session.sites)
        # one reference explains nothing
        if len(sites) > 1:
            menu.addAction("MLLS fit with the sites as references", self.fit_sites)
        menu.addAction("MLLS fit with reference spectra from files…", self.ask_files)
        if len(self._scene.edges_on(image)) > 1:
            menu.addAction("Quantify the mapped elements", self.quantify)
        stale = self._stale(image)
        if stale:
            menu.addSeparator()
            text = f"Update {stale[0].name}" if len(stale) == 1 else f"Update {len(stale)} stale results"
            menu.addAction(text, self.update_stale)

    def _fill_zero_loss(self, menu: QMenu, image: SpectrumImage) -> None:
        session = self._scene.session
        if has_zero_loss(image):
            menu.addAction("Measure zero loss (FWHM, t/λ)", self.find_zero_loss)
            menu.addAction("Single-scattering map (Fourier-log)", self.deconvolve)
        partner = spectra.low_loss_of(session, image)
        if partner is not None:
            if image.energy_shift_eV is None:
                menu.addAction("Align energies to the zero loss", self.align)
            else:
                change = partial(
                    self._scene.desk.change,
                    f"Remove the alignment of {image.name}",
                    image,
                    energy_shift_eV=None,
                )
                option(menu, "Energies aligned to the zero loss", True, change)
        if not has_zero_loss(image):
            others = spectra.possible_partners(session, image)
            pair = menu.addMenu("Pair with low-loss map") if others else None
            for other in others:
                change = partial(self._scene.desk.change, f"Pair {image.name}", image, low_loss_id=other.id)
                if pair is not None:
                    option(pair, other.name, image.low_loss_id == other.id, change)

    def _fill_components(self, menu: QMenu, image: SpectrumImage) -> None:
        from tandem_em.model.results.of_maps import Components

        found = self._scene.components_of(image)
        if found is None:
            return
        choice = self._scene.choice
        option(menu, "Scree plot", choice.scree, lambda: self._scene.look(scree=not choice.scree))
        components = Components.from_result(found)
        below = menu.addMenu(f"Denoised map from {components.method}")
        for number in (n for n in RECONSTRUCTIONS if n <= (components.kept or len(components.factors))):
            mark = "  (suggested: above the noise)" if number == components.suggested else ""
            if below is not None:
                below.addAction(f"{number} components{mark}", partial(self.reconstruct, found, number))

    # --- asked for -----------------------------------------------------------------------------------------------

    def find_zero_loss(self) -> None:
        """Finds the zero-loss peak of every pixel of the shown image."""
        self._ask("zero loss")

    def find_components(self, *, non_negative: bool = False) -> None:
        """Takes the spectra apart: PCA, or NMF where components must not be negative."""
        self._ask("NMF" if non_negative else "PCA")

    def fit_sites(self) -> None:
        """Fits every spectrum with those of the sites (MLLS)."""
        self._ask("MLLS", inputs=list(self._scene.session.sites))

    def ask_files(self) -> None:
        """Asks for files of reference spectra and fits with them."""
        chosen, _ = QFileDialog.getOpenFileNames(self._parent, "Reference spectra", "", SPECTRA_FILTER)
        if chosen:
            self.fit_files([Path(path) for path in chosen])

    def fit_files(self, paths: list[Path]) -> None:
        """Fits every spectrum with the reference spectra of these files (MLLS)."""
        self._ask("MLLS", files=[str(path) for path in paths])

    def quantify(self) -> None:
        """Asks for beam and apertures, then gives the atomic shares of the mapped edges."""
        image = self._scene.image
        if image is not None and ask_optics(self._parent, self._scene.desk, image):
            edges = self._scene.edges_on(image)
            self._ask("quantification", inputs=list(edges))

    def _ask(self, analysis: str, inputs: list[Item] | None = None, **parameters: object) -> None:
        image = self._scene.image
        if image is None:
            return
        if analysis == "MLLS":
            # where the edges are: far from them references only compete for background
            parameters["window_eV"] = self._window(image)
        request = self._request(analysis, image, inputs or [], parameters)
        request.start(self._scene.desk, partial(self._take, request))

    def _request(
        self, name: str, image: SpectrumImage, inputs: list[Item], parameters: dict[str, object]
    ) -> Request:
        from tandem_em.desk import analyses  # not before something is asked for

        return analyses.ask(self._scene.session, name, image, inputs, **parameters)

    def _stale(self, image: SpectrumImage) -> list[Stale]:
        from tandem_em.desk import recompute

        return recompute.stale_results(self._scene.session, image.id)

    def _window(self, image: SpectrumImage) -> tuple[float, float] | None:
        """Over the edges, not over the zero loss, which would outweigh everything."""
        edges = self._scene.edges_on(image)
        if not edges:
            return None
        return min(min(e.fit[0] or e.signal[0], e.signal[0]) for e in edges), max(e.signal[1] for e in edges)

    def _take(self, request: Request, items: list[Item]) -> None:
        desk = self._scene.desk
        for made in items:
            if isinstance(made, ResultSet):
                first = SHOWN_FIRST.get(made.analysis, "")
                shown = first if first in made.arrays else next(iter(made.arrays))
                self._scene.look(result=(made.id, shown), limits=None, scree="scree" in made.arrays)
                if text := request.analysis.summary(made):
                    desk.notices.info(f"{made.name}: {text}")

    def update_stale(self) -> None:
        """Make every stale result of the shown map again from its inputs as they are now."""
        from tandem_em.desk import recompute

        image, desk = self._scene.image, self._scene.desk
        if image is None:
            return
        for work in self._stale(image):
            if not recompute.can_recompute(desk.session, work):
                desk.notices.warning(
                    f"{work.name} cannot be updated: one of its inputs was removed.",
                    "Run the analysis again.",
                )
            else:
                recompute.recompute(desk, work)

    # --- maps made from maps -------------------------------------------------------------------------------------

    def deconvolve(self) -> None:
        """Makes a new image without plural scattering."""
        self._derive("single scattering")

    def reconstruct(self, components: ResultSet, number: int) -> None:
        """Makes a new image from the first `number` components only."""
        self._derive("reconstruction", [components], analysis=components.analysis, components=number)

    def _derive(self, name: str, inputs: list[Item] | None = None, **parameters: object) -> None:
        image, desk = self._scene.image, self._scene.desk
        if image is not None:
            request = self._request(name, image, inputs or [], parameters)
            request.start(desk, lambda items: desk.session.focus.select("map", items[0].id))

    def align(self) -> None:
        """Aligns the energies of the shown image by the zero-loss peak of its low-loss image."""
        image, desk = self._scene.image, self._scene.desk
        low_loss = spectra.low_loss_of(desk.session, image) if image is not None else None
        if image is not None and low_loss is not None:
            self._request("align energies", image, [low_loss], {}).start(desk)
