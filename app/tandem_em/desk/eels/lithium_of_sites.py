"""Lithium per silicon of a site from its spectrum: the third estimate of the lithium ledger, beside charge and swelling.

Net counts of Li K and Si L2,3 with their partial cross sections give x in LixSi; the error is that of counting and
background together with that of the cross sections. It holds for silicon and thin places, and for the time of the map.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.core.jobs import Job, Task, call_as_job
from tandem_em.core.notices import UserError
from tandem_em.core.texts import figure
from tandem_em.desk.analysis import Request, ResultAnalysis, inputs_of
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import places, spectra
from tandem_em.desk.eels.maps import fitting_edges, windows_of
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_sites import LithiumPerSilicon
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, Site, SpectrumImage

CLEAR = 3.0  # deviations by which silicon has to stand above its background


@dataclass(frozen=True)
class Reading:
    """x in LixSi of a site while a map was taken (session seconds)."""

    key: str
    name: str
    colour: str
    start: float
    end: float
    x: float
    error: float
    is_stale: bool


class LithiumOfSite(ResultAnalysis):
    """x of a site on a map."""

    name = LithiumPerSilicon.analysis
    menu = "Lithium (x in LiₓSi)"
    owner = Site
    makes = LithiumPerSilicon

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """On the map among `inputs`, else that of the site; UserError without Li and Si edges on it."""
        image = next(
            (item for item in inputs if isinstance(item, SpectrumImage)), session.maps.get(owner.map_id)
        )
        if image is None:
            raise UserError(f"The map of {owner.name} is gone.", "Place the site on another one.")
        return Request(self, owner, [image, owner, *_edges(session, image)])

    def title(self, request: Request) -> str:
        """Names site and map: a site may be read on several maps."""
        return f"lithium of {request.owner.name} on {request.inputs[0].name}"

    def working(self, request: Request) -> str:
        """Names the site."""
        return f"Lithium content of {request.owner.name}"

    def label(self, request: Request) -> str:
        """Undo text: a reading is a measurement."""
        return f"Measure the lithium content of {request.owner.name}"

    def key(self, request: Request) -> str:
        """By site and map, so that readings on different maps do not replace one another."""
        return f"lithium {request.owner.id} {request.inputs[0].id}"

    def job(self, session: Session, request: Request) -> Job[LithiumPerSilicon]:
        """Sums the spectra of the site, maps both edges and quantifies them."""
        image, site, *edges = request.inputs
        assert isinstance(image, SpectrumImage)
        assert isinstance(site, Site)
        own = copy.copy(site)  # it may move meanwhile
        chosen = [copy.copy(edge) for edge in edges if isinstance(edge, Edge)]
        return call_as_job(lambda: _measured(own, image, chosen), f"Reading {image.name}")

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """Earlier readings of this site on this map."""
        own = (request.owner.id, request.inputs[0].id)
        return [r for r in _results(session) if (r.owner_id, r.values.get("map")) == own]

    def summary(self, item: Item) -> str:
        """x in LixSi with its error."""
        found = self.of(item)
        return f"x = {figure(found.x)} ± {figure(found.error, 2)} in LiₓSi." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """Which edges and what their counts were divided by."""
        return (
            f"{self.subject(session, step)}: net counts of Li K and Si L2,3 over their partial cross sections"
        )

    def others(self, session: Session, step: Step) -> list[Item]:
        """The map: the same site can be read on others."""
        return [item for item in inputs_of(session, step) if isinstance(item, SpectrumImage)]

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """With the edges of today: those it was made with may have been removed."""
        site = session.sites.get(self.owner_of(session, step))
        image = next((found for i in step.inputs if (found := session.maps.get(i)) is not None), None)
        if site is None or image is None:
            return None
        try:
            return self.ask(session, site, [image])
        except UserError:
            return None


LITHIUM = LithiumOfSite()


def read(desk: Desk, site: Site, image: SpectrumImage) -> Task[Any]:
    """x of a site, in a job; it replaces an earlier reading of the same site on this map, as one undoable step."""

    def kept(items: list[Item]) -> None:
        found = LITHIUM.of(items[0])
        desk.notices.info(
            f"{site.name} on {image.name}: {LITHIUM.summary(items[0])}",
            f"Cross sections: {found.model}. The lane Lithium (Lanes ▾) shows it over the time of the map.",
        )

    return LITHIUM.ask(desk.session, site, [image]).start(desk, kept)


def _edges(session: Session, image: SpectrumImage) -> list[Edge]:
    from tandem_em.analysis.eels.table import find_edge

    # The reading is shown over the time of its map.
    if image.interval is None:
        raise UserError(
            f"The acquisition time of {image.name} is not known.", "Enter its time in its properties (…)."
        )
    chosen = []
    # This order is relied on below.
    for element in ("Li", "Si"):
        of_it = (
            edge
            for edge in fitting_edges(list(session.edges), image.energy_eV)
            if (known := find_edge(edge.name)) is not None and known.element == element
        )
        edge = next(of_it, None)
        if edge is None:
            raise UserError(
                f"{image.name} has no edge of {element} among those that are mapped.", "Add Li K and Si L₂,₃."
            )
        chosen.append(edge)
    return chosen


def _measured(site: Site, image: SpectrumImage, edges: list[Edge]) -> LithiumPerSilicon:
    from tandem_em.analysis.eels.quantify import quantify

    mask = places.mask_of(site, image.shape)
    # Summed before the fit: a single pixel has too few counts for a background.
    total = spectra.whole(image)[mask].sum(axis=0, dtype=np.float64)[None, None]
    gain = image.counts_per_electron or 1.0
    maps = [
        map_edge(total, image.energy_eV, windows_of(edge), detail="error", counts_per_electron=gain) for edge in edges
    ]  # fmt: skip
    # x is divided by silicon: without a clear signal it could be anything.
    silicon = maps[1]
    if float(silicon.counts.sum()) < CLEAR * float(np.asarray(silicon.error).sum()):
        raise UserError(f"{site.name} contains no silicon on {image.name}.", "Move the site onto silicon.")
    made = quantify(
        maps, beam_kV=image.beam_kV, collection_mrad=image.collection_mrad, convergence_mrad=image.convergence_mrad
    )  # fmt: skip
    ratio, counting = (float(np.asarray(each).flat[0]) for each in made.ratio("Li", "Si"))
    return LithiumPerSilicon(
        # Independent errors: counting, and the cross sections.
        x=ratio, error=float(np.hypot(counting, made.model_error * ratio)), counting_error=counting, model=made.model,
        model_error=made.model_error, remark=made.remark, pixels=int(mask.sum()), site=site.name, colour=site.colour,
        particle=site.particle_id, map_id=image.id,
    )  # fmt: skip


def _results(session: Session) -> list[ResultSet]:
    return [result for result in session.results if LithiumPerSilicon.is_kind_of(result)]


def readings(session: Session) -> Iterator[Reading]:
    """All that were made, as long as their site and map are there."""
    for result in _results(session):
        site, found = session.sites.get(result.owner_id), LithiumPerSilicon.of(result)
        image = session.maps.get(found.map_id) if found is not None else None
        if found is None or site is None or image is None or image.interval is None or not site.visible:
            continue
        start, end = image.interval
        yield Reading(
            result.id, f"{site.name} EELS", site.colour, start, end, found.x,
            found.error, session.is_stale(result.made_by),
        )  # fmt: skip
