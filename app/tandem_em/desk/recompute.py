"""Results whose inputs have changed since: found, and made again with what is there now, whatever their kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_em.core.jobs import Task
from tandem_em.desk import analyses
from tandem_em.desk.analysis import Request
from tandem_em.desk.desk import Desk
from tandem_em.model.items import MadeItem
from tandem_em.model.provenance import Step
from tandem_em.model.session import Session


@dataclass(frozen=True)
class Stale:
    """One piece of work that is out of date, and what it made."""

    step: Step
    items: list[MadeItem]
    changed: list[str]
    """Names of the inputs that are others now."""

    @property
    def name(self) -> str:
        """Names of what the work made, separated by commas."""
        return ", ".join(item.name or item.id for item in self.items)


def stale(session: Session) -> list[Stale]:
    """Every stale piece of work whose outcome is still there, once; what was made again since does not count."""
    by_step: dict[str, list[MadeItem]] = {}
    for item in (*session.particles, *session.results, *session.maps):
        by_step.setdefault(item.made_by, []).append(item)
    found = []
    for step in session.steps:
        items = by_step.get(step.id, [])
        changed = step.changed_inputs(session.revision_of)
        if not items or not changed:
            continue
        analysis = analyses.of_step(session, step)
        if analysis is not None and not any(analysis.is_stale(session, item) for item in items):
            continue  # the outcome would be the same
        names = [item.name for item in map(session.find, changed) if item is not None]
        found.append(Stale(step, items, names or ["an input that is gone"]))
    return found


def of(session: Session, item_id: str) -> Stale | None:
    """The stale work that made an item."""
    return next((work for work in stale(session) if any(item.id == item_id for item in work.items)), None)


def stale_results(session: Session, owner_id: str) -> list[Stale]:
    """Stale work on one stream that has left results."""
    owned = {result.id for result in session.results if result.owner_id == owner_id}
    return [work for work in stale(session) if any(item.id in owned for item in work.items)]


def can_recompute(session: Session, work: Stale) -> bool:
    """Whether everything that is needed to do it again is still there."""
    return request_for(session, work) is not None


def request_for(session: Session, work: Stale) -> Request | None:
    """The work asked for again; None when something it needs is gone, or its analysis is not known here."""
    analysis = analyses.of_step(session, work.step)
    return analysis.redo(session, work.step, work.items) if analysis is not None else None


def recompute(desk: Desk, work: Stale) -> Task[Any] | None:
    """Do it again: one undoable step, in the place of the older outcome. None when it cannot be done."""
    request = request_for(desk.session, work)
    return request.start(desk, replaced=work.items) if request is not None else None
