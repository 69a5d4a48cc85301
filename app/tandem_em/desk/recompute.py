"""Results whose inputs have changed since: found, and made again with what is there now, whatever their kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tandem_em.core.jobs import Job, Task
from tandem_em.desk.biasing import results as biasing_results
from tandem_em.desk.biasing import views
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import derived
from tandem_em.desk.eels import requests as eels_requests
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.outlines import kinetics
from tandem_em.desk.provenance import step_for
from tandem_em.desk.stacks import dose, layers
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.edits import AddItem, ChangeFields
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Particle

OF_MAPS = ("zero loss", "PCA", "NMF", "MLLS", "quantification", "map")


@dataclass(frozen=True)
class Stale:
    """One piece of work that is out of date, and what it made."""

    step: Step
    items: list[Item]
    changed: list[str]
    """Names of the inputs that are others now."""

    @property
    def name(self) -> str:
        return ", ".join(item.name or item.id for item in self.items)


def stale(session: Session) -> list[Stale]:
    """Every stale piece of work whose outcome is still there, once; what was made again since does not count."""
    by_step: dict[str, list[Item]] = {}
    for item in (*session.particles, *session.results, *session.maps):
        by_step.setdefault(_made_by(item), []).append(item)
    found = []
    for step in session.steps:
        items = by_step.get(step.id, [])
        changed = step.changed_inputs(session.revision_of)
        if not items or not changed:
            continue
        fits = [i for i in items if isinstance(i, ResultSet) and i.analysis == kinetics.KINETICS]
        if fits and not any(kinetics.is_stale(session, fit) for fit in fits):
            continue  # the particle has another name or colour: the fit is the same
        names = [item.name for item in map(session.find, changed) if item is not None]
        found.append(Stale(step, items, names or ["an input that is gone"]))
    return found


def _made_by(item: Item) -> str:
    if isinstance(item, Particle):
        return item.provenance_id
    if isinstance(item, ResultSet):
        return item.step_id
    return str(item.extra.get("step_id", "")) if isinstance(item, SpectrumImage) else ""


def of(session: Session, item_id: str) -> Stale | None:
    """The stale work that made an item."""
    return next((work for work in stale(session) if any(item.id == item_id for item in work.items)), None)


def can(session: Session, work: Stale) -> bool:
    """Whether everything that is needed to do it again is still there."""
    return _doing(session, work) is not None


def again(desk: Desk, work: Stale) -> Task[Any] | None:
    """Do it again: one undoable step, in the place of the older outcome. None when it was done at once."""
    doing = _doing(desk.session, work)
    return doing(desk) if doing is not None else None


Doing = Callable[[Desk], "Task[Any] | None"]


def _doing(session: Session, work: Stale) -> Doing | None:
    first = work.items[0]
    if isinstance(first, Particle):
        return _following(session, [item for item in work.items if isinstance(item, Particle)])
    if isinstance(first, SpectrumImage):
        return _deriving(session, work.step, first)
    if isinstance(first, ResultSet):
        makers: dict[str, Callable[[Session, ResultSet, Step], Doing | None]] = {
            **dict.fromkeys(OF_MAPS, _of_map), layers.LAYERS: _layers, stacks.REGION: _region, dose.DOSE: _dose,
            dose.DOSE_MAP: _dose_map, kinetics.KINETICS: _kinetics, "cycles": _cycles, "gitt": _gitt,
        }  # fmt: skip
        maker = makers.get(first.analysis)
        return maker(session, first, work.step) if maker is not None else None
    return None


def _following(session: Session, chosen: list[Particle]) -> Doing | None:
    stack = session.stacks.get(chosen[0].stack_id)
    if stack is None or not all(particle.keys for particle in chosen):
        return None
    return lambda desk: particles_edit.follow(desk, stack, chosen)


def _of_map(session: Session, result: ResultSet, _step: Step) -> Doing | None:
    request = eels_requests.again(session, result)
    if request is None or (result.analysis == "map" and not request.inputs):
        return None
    return lambda desk: desk.start(
        f"Updating {result.name}", request.job(), lambda made: _keep(lambda: request.keep(desk, made, result)),
        key=f"update {result.id}",
    )  # fmt: skip


def _layers(session: Session, result: ResultSet, step: Step) -> Doing | None:
    stack = session.stacks.get(result.owner_id)
    line = session.profiles.get(str(result.values.get("line_id")))
    given = step.parameters
    if stack is None or line is None or not {"edges_px", "frame"} <= set(given):
        return None
    return lambda desk: layers.follow(desk, stack, line, list(given["edges_px"]), int(given["frame"]))


def _region(session: Session, result: ResultSet, step: Step) -> Doing | None:
    stack = session.stacks.get(result.owner_id)
    region = step.parameters.get("region")
    if stack is None or not region or len(region) != 4:
        return None
    x0, y0, x1, y1 = (int(value) for value in region)
    return lambda desk: stacks.region_statistics(desk, stack, (x0, y0, x1, y1), replaced=result)


def _dose(session: Session, result: ResultSet, step: Step) -> Doing | None:
    stack, given = session.stacks.get(result.owner_id), step.parameters
    if stack is None:
        return None
    if "counts_per_electron" in given and stack.pixel_nm:
        gain, offset = float(given["counts_per_electron"]), float(given.get("counts_offset", 0.0))
        return lambda desk: dose.from_counts(desk, stack, gain, offset)
    settings = dose.settings_of(session, stack)
    if "rate_e_A2s" not in given or settings is None:
        return None
    budget = settings.budget_e_A2
    return lambda desk: dose.type_rate(desk, stack, float(given["rate_e_A2s"]), budget)


def _dose_map(session: Session, result: ResultSet, _step: Step) -> Doing | None:
    stack = session.stacks.get(result.owner_id)
    if stack is None or dose.of_stack(session, stack) is None:
        return None

    def at_once(desk: Desk) -> None:
        dose.map_over_sample(desk, stack)

    return at_once


def _kinetics(session: Session, result: ResultSet, _step: Step) -> Doing | None:
    particle, span = session.particles.get(result.owner_id), result.values.get("span_s")
    if particle is None or not particle.outlines or span is None:
        return None
    low, high = span
    return lambda desk: kinetics.analyse(
        desk, particle, (low, high), lambda found: _keep_fits(desk, particle, found), desk.notices.tell
    )


def _keep_fits(desk: Desk, particle: Particle, found: kinetics.Analysed) -> None:
    kinetics.keep(desk, particle, found)


def _cycles(session: Session, result: ResultSet, _step: Step) -> Doing | None:
    run = session.runs.get(result.owner_id)
    if run is None:
        return None
    return lambda desk: desk.start(
        f"Finding half cycles of {run.name}", views.finding_cycles(views.snapshot(session, run)),
        lambda found: _keep(lambda: biasing_results.keep_cycles(desk, run, found)), key=f"update {result.id}",
    )  # fmt: skip


def _gitt(session: Session, result: ResultSet, step: Step) -> Doing | None:
    run, length = session.runs.get(result.owner_id), step.parameters.get("length_cm")
    if run is None or not length:
        return None
    return lambda desk: desk.start(
        f"Titrating {run.name}", views.titrating(views.snapshot(session, run), float(length)),
        lambda found: _keep(lambda: biasing_results.keep_gitt(desk, run, found)), key=f"update {result.id}",
    )  # fmt: skip


def _keep(keep: Callable[[], ResultSet]) -> None:
    keep()


def _deriving(session: Session, step: Step, image: SpectrumImage) -> Doing | None:
    """Maps made from maps: their spectra are replaced, they stay who they are."""
    inputs = [session.find(item_id) for item_id in step.inputs]
    source = next((item for item in inputs if isinstance(item, SpectrumImage)), None)
    parts = next((item for item in inputs if isinstance(item, ResultSet)), None)
    job: Job[SpectrumImage]
    if source is None or None in inputs:
        return None
    if step.what == "single scattering":
        job = derived.single_scattering(source)
    elif step.what == "reconstruction" and parts is not None:
        job = derived.reconstruction(source, parts, int(step.parameters.get("components", 1)))
    else:
        return None

    def finished(desk: Desk, made: SpectrumImage) -> None:
        newer = step_for(step.what, [i for i in inputs if i is not None], step.parameters, [image.id])
        fields = {
            "source": made.source,
            "energy_eV": made.energy_eV,
            "extra": {**image.extra, "step_id": newer.id},
        }
        label = f"Update {image.name}"
        desk.do(label, AddItem(label, newer), ChangeFields(label, image.id, fields))

    return lambda desk: desk.start(
        f"Updating {image.name}", job, lambda made: finished(desk, made), key=f"update {image.id}"
    )
