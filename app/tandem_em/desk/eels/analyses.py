"""The analyses of a spectrum image that leave a result: zero loss, components, references, quantification, maps."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.desk.analysis import Outcome, Request, ResultAnalysis, added, in_place_of, inputs_of
from tandem_em.desk.eels import maps, results, spectra
from tandem_em.desk.eels.advice import has_zero_loss
from tandem_em.model.edits import AddItem, Edit
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_maps import Components, ElementMap, Quantification, References, ZeroLoss
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, Site, SpectrumImage


class OfImage(ResultAnalysis):
    """Of one spectrum image, with sites or edges as further inputs."""

    owner = SpectrumImage

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """Image and further inputs make up the request; parameters are taken as they are."""
        return Request(self, owner, [owner, *inputs], parameters)

    def others(self, session: Session, step: Step) -> list[Item]:
        """Sites and edges that were given beside the image and are still there."""
        return [item for item in inputs_of(session, step) if isinstance(item, Site | Edge)]

    def owner_of(self, session: Session, step: Step) -> str:
        """Id of the spectrum image among the inputs; empty when it was removed."""
        return next((i for i in step.inputs if i in session.maps), "")


class ZeroLossOfImage(OfImage):
    """Position and width of the zero loss (eV) and t/λ in every pixel."""

    name = "zero loss"
    menu = "Zero loss: FWHM and t/λ"
    makes = ZeroLoss

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether 0 eV lies on the energy axis of the image."""
        return isinstance(owner, SpectrumImage) and has_zero_loss(owner)

    def job(self, session: Session, request: Request) -> Job[ZeroLoss]:
        """Measures every pixel, in blocks of rows when the image does not fit in memory."""
        return results.zero_loss(_image(request))

    def summary(self, item: Item) -> str:
        """Medians of width (eV) and t/λ over the map, with the notes of the measurement."""
        found = self.of(item)
        if found is None:
            return ""
        width, thick = results.median(found.fwhm_eV), results.median(found.t_over_lambda)
        return f"Zero loss {width:.2f} eV wide, t/λ {thick:.2f} (medians). {' '.join(found.notes)}".strip()

    def method(self, session: Session, step: Step) -> str:
        """Says that t/λ is by the log ratio."""
        return f"{self.subject(session, step)}: position and width of the peak in every pixel, t/λ by the log ratio"


class ComponentsOfImage(OfImage):
    """Principal components, or non-negative factors."""

    makes = Components

    def __init__(self, name: str, menu: str) -> None:
        # One class for both: they differ in one argument of the job.
        self.name, self.menu = name, menu  # type: ignore[misc]

    def job(self, session: Session, request: Request) -> Job[Components]:
        """PCA, or NMF with the number of factors that PCA suggests."""
        return results.components(_image(request), non_negative=self.name == "NMF")

    def summary(self, item: Item) -> str:
        """How many components rise above the noise."""
        found = self.of(item)
        return f"{found.suggested} components rise above the noise." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """Which decomposition, and that spectra were weighted by counting noise."""
        what = "non-negative matrix factorisation" if self.name == "NMF" else "principal component analysis"
        return f"{self.subject(session, step)}: {what} of its spectra, weighted by their counting noise"


class ReferencesOfImage(OfImage):
    """MLLS with the mean spectra of sites as references, or with spectra from files."""

    name = "MLLS"
    menu = "MLLS with the sites as references"
    makes = References

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether there are at least two sites to serve as references."""
        return isinstance(owner, SpectrumImage) and len(session.sites) > 1

    def job(self, session: Session, request: Request) -> Job[References]:
        """Fits references from `files` where given, else the sites; `window_eV` None: all energies."""
        window = request.parameters.get("window_eV")
        paths = [Path(path) for path in request.parameters.get("files") or ()]
        sites = [
            copy.copy(site) for site in request.inputs if isinstance(site, Site)
        ]  # they may move meanwhile
        return results.references(_image(request), sites, tuple(window) if window else None, paths=paths)

    def summary(self, item: Item) -> str:
        """Median reduced χ²: near 1 when the references explain the spectra."""
        found = self.of(item)
        return (
            f"Median reduced χ² of the fit: {results.median(found.reduced_chi2):.2f}."
            if found is not None
            else ""
        )

    def method(self, session: Session, step: Step) -> str:
        """Energy window and references of the fit."""
        window = step.parameters.get("window_eV")
        over = f" from {window[0]:g} to {window[1]:g} eV" if window else ""
        files = step.parameters.get("files") or ()
        sites = [item.name for item in inputs_of(session, step) if isinstance(item, Site)]
        by = (
            f"the spectra of {', '.join(Path(path).name for path in files)}"
            if files
            else f"sites {', '.join(sites)}"
        )
        return f"{self.subject(session, step)}: multiple linear least squares{over} with {by} as references"


class QuantificationOfImage(OfImage):
    """Atomic percentages from the net counts of the mapped edges."""

    name = "quantification"
    menu = "Quantify the mapped elements"
    makes = Quantification

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether at least two edges lie on the energy axis: percentages need two elements."""
        is_map = isinstance(owner, SpectrumImage)
        return is_map and len(maps.fitting_edges(list(session.edges), owner.energy_eV)) > 1  # type: ignore[attr-defined]

    def job(self, session: Session, request: Request) -> Job[Quantification]:
        """Maps each edge with its error, then divides by partial cross sections."""
        return results.quantification(_image(request), _edges(request))

    def summary(self, item: Item) -> str:
        """Median percentage of each element, with the error of the cross-section model."""
        found = self.of(item)
        if found is None:
            return ""
        if not any(np.isfinite(share).any() for share in found.percent.values()):
            return "No pixel has counts of these elements to compare."
        shares = ", ".join(
            f"{element} {results.median(share):.0f} %" for element, share in found.percent.items()
        )
        off = 100 * float(found.model_error)
        return f"Median of the map: {shares} (cross sections: {found.model}, ± {off:.0f} %). {found.remark}".strip()

    def method(self, session: Session, step: Step) -> str:
        """Edges and cross-section model that the percentages rest on."""
        edges = ", ".join(item.name for item in inputs_of(session, step) if isinstance(item, Edge))
        # The cross-section model is known from the result, not from the step.
        made = next((r for r in session.results if r.made_by == step.id), None)
        found = Quantification.of(made)
        sections = (
            f" with {found.model} cross sections (± {100 * found.model_error:.0f} %)"
            if found is not None
            else ""
        )
        return f"{self.subject(session, step)}: atomic percentages from {edges}{sections}"


class MapsOfImage(OfImage):
    """Element maps: net counts of some edges, a result for each."""

    name = "map"
    menu = "Element maps"
    makes = ElementMap

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """Edges are taken from `inputs`; they need not be in the session yet."""
        edges = [item for item in inputs if isinstance(item, Edge)]
        return Request(self, owner, [owner, *edges], {"edges": [edge.name for edge in edges]})

    def title(self, request: Request) -> str:
        """Names the image only: one step makes the maps of several edges."""
        return f"element maps of {request.owner.name}"

    def job(self, session: Session, request: Request) -> Job[list[maps.MadeMap]]:
        """Net counts of every edge; the low-loss partner tells the guard the thickness."""
        image = _image(request)
        low_loss = spectra.low_loss_of(session, image)
        return maps.make_maps(image, _edges(request), low_loss=low_loss, scheduler=request.scheduler)

    def outcome(
        self, session: Session, request: Request, found: Any, replaced: Sequence[MadeItem] = ()
    ) -> Outcome:
        """A result for each edge; edges that are new are added in the same step."""
        image, label = _image(request), "Element maps"
        made = [_typed(each).to_result(f"{each.edge.name} of {image.name}", image) for each in found]
        if not replaced:
            edges: list[Edit] = [
                AddItem(label, edge) for edge in request.inputs if session.find(edge.id) is None
            ]
            return Outcome(label, [*edges, *added(made, request.step, label)], [*made])
        # Results are matched by edge: only some maps of the step may be stale.
        old = {str(each.values.get("edge")): each for each in replaced if isinstance(each, ResultSet)}
        label = f"Update {', '.join(item.name for item in replaced)}"
        edits: list[Edit] = []
        for result in made:
            # The step is added once for all maps, below.
            edits += in_place_of(old[result.values["edge"]], result, request.step, label)[1:]
        request.step.outputs = [item.id for item in replaced]
        return Outcome(label, [AddItem(label, request.step), *edits], [*replaced])

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """The maps that are stale, with the windows as they are now; None when an edge or the image is gone."""
        image = session.maps.get(self.owner_of(session, step))
        wanted = [str(item.values.get("edge")) for item in items if isinstance(item, ResultSet)]
        edges = [edge for name in wanted if (edge := session.edges.named(name)) is not None]
        # An edge that is gone: its map cannot be made, and half an update would confuse.
        if image is None or not wanted or len(edges) < len(wanted):
            return None
        return self.ask(session, image, edges)

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """None: edges are named as inputs."""
        return {}

    def summary(self, item: Item) -> str:
        """Median net counts of the map."""
        found = self.of(item)
        return f"Median {results.median(found.counts):.4g} counts." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """Edges whose net counts were mapped."""
        edges = ", ".join(item.name for item in inputs_of(session, step) if isinstance(item, Edge))
        return f"{self.subject(session, step)}: net counts of {edges}"


def _typed(made: maps.MadeMap) -> ElementMap:
    """A map to be kept in the session."""
    error = made.found.error
    return ElementMap(
        counts=made.found.counts.astype(np.float32), error=None if error is None else error.astype(np.float32),
        edge=made.edge.name, background=made.edge.background, order=made.edge.order, fit_eV=made.edge.fit,
        signal_eV=made.edge.signal, warnings=made.warnings, notes=made.found.notes,
    )  # fmt: skip


def _image(request: Request) -> SpectrumImage:
    assert isinstance(request.owner, SpectrumImage)
    return request.owner


def _edges(request: Request) -> list[Edge]:
    """Copies: windows may move while a job runs."""
    return [copy.copy(edge) for edge in request.inputs if isinstance(edge, Edge)]


ZERO_LOSS = ZeroLossOfImage()
PCA = ComponentsOfImage("PCA", "Principal components")
NMF = ComponentsOfImage("NMF", "Non-negative factors")
MLLS = ReferencesOfImage()
QUANTIFICATION = QuantificationOfImage()
MAPS = MapsOfImage()
