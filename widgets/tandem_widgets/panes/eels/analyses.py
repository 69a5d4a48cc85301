"""Analyses of the shown map: each a job, kept as a result or as a map of its own, undone in one step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QMenu, QWidget

from tandem_em.core.jobs import Job
from tandem_em.desk.eels import (
    derived,
    spectra,
)
from tandem_em.desk.eels import (
    requests as eels_requests,
)
from tandem_em.desk.eels import (
    results as eels_results,
)
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.desk.eels.requests import Request
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.dialogs.eels_properties import ask_optics
from tandem_widgets.panes.eels.choice import option
from tandem_widgets.panes.eels.scene import EelsScene

SHOWN_FIRST = {"zero loss": "FWHM", "PCA": "component 1", "NMF": "component 1"}
SPECTRA_FILTER = "Spectra (*.msa *.dm3 *.dm4 *.hspy *.emd *.nxs);;All files (*)"
RECONSTRUCTIONS = (2, 3, 4, 5, 6, 8)


class Analyses:
    """Fills the lower half of the menu behind the three dots, and answers it."""

    def __init__(self, scene: EelsScene, parent: QWidget) -> None:
        self._scene, self._parent = scene, parent

    def fill(self, menu: QMenu, image: SpectrumImage) -> None:
        self._fill_zero_loss(menu, image)
        menu.addSeparator()
        menu.addAction("Principal components (PCA)", self.find_components)
        menu.addAction("Non-negative factors (NMF)", partial(self.find_components, non_negative=True))
        self._fill_components(menu, image)
        sites = list(self._scene.session.sites)
        if len(sites) > 1:
            menu.addAction("MLLS fit with the sites as references", self.fit_sites)
        menu.addAction("MLLS fit with reference spectra from files…", self.ask_files)
        if len(self._scene.edges_on(image)) > 1:
            menu.addAction("Quantify the mapped elements", self.quantify)
        stale = eels_requests.stale_results(self._scene.session, image)
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
        found = self._scene.components_of(image)
        if found is None:
            return
        choice = self._scene.choice
        option(menu, "Scree plot", choice.scree, lambda: self._scene.look(scree=not choice.scree))
        kept = int(found.values.get("kept", len(found.arrays["factors"])))
        below = menu.addMenu(f"Denoised map from {found.analysis}")
        suggested = int(found.values.get("suggested", 0))
        for number in (n for n in RECONSTRUCTIONS if n <= kept):
            mark = "  (suggested: above the noise)" if number == suggested else ""
            if below is not None:
                below.addAction(f"{number} components{mark}", partial(self.reconstruct, found, number))

    # --- asked for -----------------------------------------------------------------------------------------------

    def find_zero_loss(self) -> None:
        self._ask("zero loss")

    def find_components(self, *, non_negative: bool = False) -> None:
        self._ask("NMF" if non_negative else "PCA")

    def fit_sites(self) -> None:
        self._ask("MLLS", inputs=list(self._scene.session.sites))

    def ask_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self._parent, "Reference spectra", "", SPECTRA_FILTER)
        if chosen:
            self.fit_files([Path(path) for path in chosen])

    def fit_files(self, paths: list[Path]) -> None:
        self._ask("MLLS", files=[str(path) for path in paths])

    def quantify(self) -> None:
        image = self._scene.image
        if image is not None and ask_optics(self._parent, self._scene.desk, image):
            edges = self._scene.edges_on(image)
            self._ask("quantification", inputs=list(edges))

    def _ask(self, analysis: str, inputs: list[Item] | None = None, **parameters: object) -> None:
        image = self._scene.image
        if image is None:
            return
        if analysis == "MLLS":
            parameters["window_eV"] = self._window(image)
        self._start(Request(image, analysis, parameters, inputs or []))

    def _window(self, image: SpectrumImage) -> tuple[float, float] | None:
        """Over the edges, not over the zero loss, which would outweigh everything."""
        edges = self._scene.edges_on(image)
        if not edges:
            return None
        return min(min(e.fit[0] or e.signal[0], e.signal[0]) for e in edges), max(e.signal[1] for e in edges)

    def _start(self, request: Request) -> None:
        desk = self._scene.desk

        def take(made: ResultSet) -> None:
            request.keep(desk, made)
            first = SHOWN_FIRST.get(made.analysis, "")
            shown = first if first in made.arrays else next(iter(made.arrays))
            self._scene.look(result=(made.id, shown), limits=None, scree="scree" in made.arrays)
            if text := eels_results.summary_of(made):
                desk.notices.info(f"{made.name}: {text}")

        desk.start(request.label, request.job(), take, key=request.label)

    def update_stale(self) -> None:
        """Make every stale result of the shown map again from its inputs as they are now."""
        image, desk = self._scene.image, self._scene.desk
        if image is None:
            return
        for result in eels_requests.stale_results(desk.session, image):
            request = eels_requests.again(desk.session, result)
            if request is None:
                desk.notices.warning(
                    f"{result.name} cannot be updated: one of its inputs was removed.",
                    "Run the analysis again.",
                )
                continue
            take = partial(self._take_update, request, result)
            desk.start(f"Updating {result.name}", request.job(), take, key=f"update {result.id}")

    def _take_update(self, request: Request, result: ResultSet, made: ResultSet) -> None:
        request.keep(self._scene.desk, made, result)

    # --- maps made from maps -------------------------------------------------------------------------------------

    def deconvolve(self) -> None:
        image = self._scene.image
        if image is not None:
            self._derive(image, derived.single_scattering(image), "single scattering", [image], {})

    def reconstruct(self, components: ResultSet, number: int) -> None:
        image = self._scene.image
        if image is not None:
            job = derived.reconstruction(image, components, number)
            parameters = {"analysis": components.analysis, "components": number}
            self._derive(image, job, "reconstruction", [image, components], parameters)

    def _derive(
        self, image: SpectrumImage, job: Job[SpectrumImage], what: str, inputs: list[Item], parameters: dict[str, object]
    ) -> None:  # fmt: skip
        desk = self._scene.desk

        def take(made: SpectrumImage) -> None:
            derived.keep(desk, made, inputs, what, parameters)
            desk.session.focus.select("map", made.id)

        desk.start(f"{what} of {image.name}", job, take, key=f"{what} {image.id}")

    def align(self) -> None:
        image, desk = self._scene.image, self._scene.desk
        low_loss = spectra.low_loss_of(desk.session, image) if image is not None else None
        if image is None or low_loss is None:
            return
        job = derived.find_shift(image, low_loss)
        take = partial(derived.align, desk, image, low_loss)
        desk.start(f"Aligning {image.name}", job, take, key=f"align {image.id}")
