"""Analyses of a spectrum image as they are asked for: run, kept with where they come from, and run again when stale."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import maps
from tandem_em.desk.eels import results as eels_results
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, Site, SpectrumImage


@dataclass
class Request:
    """One analysis of one map: what, with which parameters, from which sites or edges."""

    image: SpectrumImage
    analysis: str
    """zero loss | PCA | NMF | MLLS | quantification | map"""
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: list[Item] = field(default_factory=list)
    """Besides the map: the result is stale when one of them changes."""

    @property
    def label(self) -> str:
        return f"{self.analysis[0].upper()}{self.analysis[1:]} of {self.image.name}"

    def job(self) -> Job[ResultSet]:
        """The work, on the inputs as they are now (copies: windows and sites may move meanwhile)."""
        image, parameters = self.image, self.parameters
        inputs = [copy.copy(item) for item in self.inputs]
        if self.analysis == "zero loss":
            return eels_results.zero_loss(image)
        if self.analysis in ("PCA", "NMF"):
            return eels_results.components(image, non_negative=self.analysis == "NMF")
        if self.analysis == "MLLS":
            window = parameters.get("window_eV")
            paths = [Path(path) for path in parameters.get("files", ())]
            sites = [item for item in inputs if isinstance(item, Site)]
            return eels_results.references(image, sites, tuple(window) if window else None, paths=paths)
        edges = [item for item in inputs if isinstance(item, Edge)]
        if self.analysis == "quantification":
            return eels_results.quantification(image, edges)
        if self.analysis == "map" and edges:
            return _map(image, edges[0])
        raise UserError(f"“{self.analysis}” cannot be repeated here.", "Run the analysis again.")

    def keep(self, desk: Desk, made: ResultSet, replaced: ResultSet | None = None) -> ResultSet:
        """Store the result beside its step, or in place of a stale one, as one undoable step."""
        step = step_for(self.analysis, [self.image, *self.inputs], self.parameters, [made.id])
        if replaced is None:
            made.step_id = step.id
            desk.do(self.label, AddItem(self.label, step), AddItem(self.label, made))
            return made
        step.outputs = [replaced.id]
        fields = {"arrays": made.arrays, "values": made.values, "units": made.units, "step_id": step.id}
        label = f"Update {replaced.name}"
        desk.do(label, AddItem(label, step), ChangeFields(label, replaced.id, fields))
        return replaced


def _map(image: SpectrumImage, edge: Edge) -> Job[ResultSet]:
    (made,) = yield from maps.make_maps(image, [edge])
    return maps.result_of(image, made, "")


def stale_results(session: Session, image: SpectrumImage) -> list[ResultSet]:
    """Results of a map with an input that has changed since."""
    return [
        result
        for result in session.results
        if result.owner_id == image.id and result.step_id and session.is_stale(result.step_id)
    ]


def again(session: Session, result: ResultSet) -> Request | None:
    """The request a result came from, with its inputs as they are now; None when an input is gone."""
    step, image = session.steps.get(result.step_id), session.maps.get(result.owner_id)
    if step is None or image is None:
        return None
    inputs = [session.find(item_id) for item_id in step.inputs if item_id != image.id]
    there = [item for item in inputs if item is not None]
    if len(there) < len(inputs):
        return None
    if result.analysis == "map":
        there = [edge for edge in session.edges if edge.name == result.values.get("edge")]
    return Request(image, result.analysis, dict(step.parameters), there)
