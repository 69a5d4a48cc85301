"""Lithium per silicon of a site from its spectrum: the third estimate of the lithium ledger, beside charge and swelling.

Net counts of Li K and Si L2,3 with their partial cross sections give x in LixSi; the error is that of counting and
background together with that of the cross sections. It holds for silicon and thin places, and for the time of the map.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.eels.maps import map_edge
from tandem_em.core.jobs import Task, call_as_job
from tandem_em.core.notices import UserError
from tandem_em.core.texts import figure
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import places, spectra
from tandem_em.desk.eels.maps import fitting_edges, windows_of
from tandem_em.desk.provenance import step_for
from tandem_em.model.edits import AddItem, RemoveItem
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.model.spectra import Edge, Site, SpectrumImage

ANALYSIS = "lithium per silicon"
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


def read(desk: Desk, site: Site, image: SpectrumImage) -> Task[ResultSet]:
    """x of a site, in a job; it replaces an earlier reading of the same site on this map, as one undoable step."""
    edges = _edges(desk.session, image)
    step = step_for(f"Lithium content of {site.name} on {image.name}", [image, site, *edges], {})

    def found(made: ResultSet) -> None:
        made.step_id, made.values["map"] = step.id, image.id
        step.outputs.append(made.id)
        before = [r for r in _results(desk.session) if (r.owner_id, r.values["map"]) == (site.id, image.id)]
        label = f"Measure the lithium content of {site.name}"
        desk.do(
            label, AddItem(label, step), AddItem(label, made), *(RemoveItem(label, old) for old in before)
        )
        x, error = made.values["x"], made.values["error"]
        desk.notices.info(
            f"{site.name} on {image.name}: x = {figure(x)} ± {figure(error, 2)} in LiₓSi.",
            f"Cross sections: {made.values['model']}. The lane Lithium (Lanes ▾) shows it over the time of the map.",
        )

    job = call_as_job(lambda: _measured(site, image, edges), f"Reading {image.name}")
    return desk.start(f"Lithium of {site.name}", job, found, key=f"lithium {site.id} {image.id}")


def _edges(session: Session, image: SpectrumImage) -> list[Edge]:
    from tandem_em.analysis.eels.table import find_edge

    if image.interval is None:
        raise UserError(
            f"The acquisition time of {image.name} is not known.", "Enter its time in its properties (…)."
        )
    chosen = []
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


def _measured(site: Site, image: SpectrumImage, edges: list[Edge]) -> ResultSet:
    from tandem_em.analysis.eels.quantify import quantify

    mask = places.mask_of(site, image.shape)
    total = spectra.whole(image)[mask].sum(axis=0, dtype=np.float64)[None, None]
    gain = image.counts_per_electron or 1.0
    maps = [
        map_edge(total, image.energy_eV, windows_of(edge), detail="error", counts_per_electron=gain) for edge in edges
    ]  # fmt: skip
    silicon = maps[1]
    if float(silicon.counts.sum()) < CLEAR * float(np.asarray(silicon.error).sum()):
        raise UserError(f"{site.name} contains no silicon on {image.name}.", "Move the site onto silicon.")
    made = quantify(
        maps, beam_kV=image.beam_kV, collection_mrad=image.collection_mrad, convergence_mrad=image.convergence_mrad
    )  # fmt: skip
    ratio, counting = (float(np.asarray(each).flat[0]) for each in made.ratio("Li", "Si"))
    values = {
        "x": ratio, "error": float(np.hypot(counting, made.model_error * ratio)), "counting_error": counting,
        "model": made.model, "model_error": made.model_error, "remark": made.remark, "pixels": int(mask.sum()),
        "site": site.name, "colour": site.colour, "particle": site.particle_id,
    }  # fmt: skip
    return ResultSet(
        name=f"lithium of {site.name} on {image.name}", analysis=ANALYSIS, values=values, owner_id=site.id,
        simulated=image.simulated,
    )  # fmt: skip


def _results(session: Session) -> list[ResultSet]:
    return [result for result in session.results if result.analysis == ANALYSIS]


def readings(session: Session) -> Iterator[Reading]:
    """All that were made, as long as their site and map are there."""
    for result in _results(session):
        site, image = session.sites.get(result.owner_id), session.maps.get(result.values["map"])
        if site is None or image is None or image.interval is None or not site.visible:
            continue
        start, end = image.interval
        yield Reading(
            result.id, f"{site.name} EELS", site.colour, start, end, float(result.values["x"]),
            float(result.values["error"]), session.is_stale(result.step_id),
        )  # fmt: skip
