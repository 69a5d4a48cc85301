"""Results of biasing runs kept in the session, with where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.texts import quantity
from tandem_em.desk.analysis import Request, ResultAnalysis
from tandem_em.desk.biasing import views
from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.desk import Desk
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import Edit, RemoveItem
from tandem_em.model.items import Item, MadeItem
from tandem_em.model.marks import Event
from tandem_em.model.provenance import ResultSet, Step
from tandem_em.model.results.of_runs import Cycles
from tandem_em.model.results.of_runs import Gitt as GittResult
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.analysis.cycling.anomalies import Anomaly
    from tandem_em.analysis.cycling.gitt import Gitt
    from tandem_em.analysis.cycling.half_cycles import HalfCycles


class OfRun(ResultAnalysis):
    """Of a run with its cell; a newer result takes the place of an older one, and of its step."""

    owner = BiasRun

    def inputs(self, session: Session, run: BiasRun) -> list[Item]:
        """The run, its clock and its cell."""
        cell = cell_of(session, run)
        return [run, run.clock, *([cell] if cell is not None else [])]

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the run has a current column, without which nothing here can be computed."""
        return isinstance(owner, BiasRun) and "current" in owner.columns

    def label(self, request: Request) -> str:
        """Undo text for keeping what the pane has shown already."""
        return f"Keep the {self.title(request)}"

    def older(self, session: Session, request: Request) -> Sequence[ResultSet]:
        """Results of the same analysis of this run: only the newest is kept."""
        return [r for r in session.results if r.analysis == self.name and r.owner_id == request.owner.id]

    def also(self, session: Session, request: Request, label: str) -> list[Edit]:
        """Removes the steps of the older results, which nothing refers to any more."""
        steps = (session.steps.get(old.made_by) for old in self.older(session, request))
        return [RemoveItem(label, step) for step in steps if step is not None]

    def redo(self, session: Session, step: Step, items: Sequence[MadeItem]) -> Request | None:
        """With the cell of today: another one may have been given to the run."""
        run = session.runs.get(self.owner_of(session, step))
        try:
            return self.ask(session, run, **self.code_parameters(step)) if run is not None else None
        except UserError:
            return None


class FindCycles(OfRun):
    """Half cycles: charge, discharge and rest."""

    name = Cycles.analysis
    menu = "Cycles"
    makes = Cycles

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """Half cycles of a run with its present zero and gap limit; takes no parameters."""
        given = {
            "zero_A": owner.zero_current_A,
            "zero_error_A": owner.zero_current_error_A,
            "gap_limit_s": owner.gap_limit_s,
        }
        return Request(self, owner, self.inputs(session, owner), given)

    def job(self, session: Session, request: Request) -> Job[HalfCycles]:
        """Finds the half cycles in a snapshot, so the run may go on growing."""
        assert isinstance(request.owner, BiasRun)
        return views.finding_cycles(views.snapshot(session, request.owner))

    def typed(self, session: Session, request: Request, found: Any) -> Cycles:
        """The half cycles as arrays that a session file can hold."""
        return cycles_of(found)

    def summary(self, item: Item) -> str:
        """How many charges and discharges there are, rests not counted."""
        found = self.of(item)
        return f"{sum(kind != 'rest' for kind in found.kinds)} half cycles." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """How charge was integrated and which zero (A) was subtracted."""
        zero = step.parameters.get("zero_A") or 0.0
        off = f"a zero of {quantity(zero, 'A')} taken off" if zero else "no zero taken off"
        return f"{self.subject(session, step)}: charges by trapezoids between changes of sign, {off}"

    def code_parameters(self, step: Step) -> dict[str, Any]:
        """None: zero and gap limit are fields of the run, not arguments."""
        return {}


class Titrate(OfRun):
    """GITT: pulses between rests and the diffusivity that follows from each."""

    name = GittResult.analysis
    menu = "GITT"
    makes = GittResult

    def fits(self, session: Session, owner: Item) -> bool:
        """Whether the run has both current and voltage."""
        return isinstance(owner, BiasRun) and {"current", "voltage"} <= set(owner.columns)

    def ask(self, session: Session, owner: Any, inputs: Sequence[Item] = (), **parameters: Any) -> Request:
        """`length_cm`, the diffusion length, must be positive; UserError when it is missing."""
        length = parameters.get("length_cm")
        if not length or not float(length) > 0:
            raise UserError("How far the ions go is not known.", "Type the thickness of the layer.")
        return Request(self, owner, self.inputs(session, owner), {"length_cm": float(length)})

    def title(self, request: Request) -> str:
        """Names the run, as `GITT of cluster A`."""
        return f"GITT of {request.owner.name}"

    def job(self, session: Session, request: Request) -> Job[Gitt]:
        """Finds the pulses and a diffusivity (cm²/s) for each in a snapshot of the run."""
        assert isinstance(request.owner, BiasRun)
        return views.titrating(views.snapshot(session, request.owner), request.parameters["length_cm"])

    def typed(self, session: Session, request: Request, found: Any) -> GittResult:
        """One entry per pulse; NaN where no diffusivity follows, with the doubts about it."""
        rows = found.pulses
        return GittResult(
            start_s=_column(p.start_s for p in rows), end_s=_column(p.end_s for p in rows),
            rest_after_V=_column(p.rest_after_V for p in rows),
            diffusivity_cm2_s=_column(p.diffusivity_cm2_s for p in rows),
            diffusivity_error_cm2_s=_column(p.error_cm2_s for p in rows),
            assumptions=list(found.assumptions), doubts=[p.doubts for p in rows],
        )  # fmt: skip

    def summary(self, item: Item) -> str:
        """How many pulses were found."""
        found = self.of(item)
        return f"{len(found.start_s)} pulses." if found is not None else ""

    def method(self, session: Session, step: Step) -> str:
        """Weppner and Huggins with the diffusion length (cm) that was assumed."""
        return f"{self.subject(session, step)}: Weppner and Huggins, diffusion length {step.parameters['length_cm']:.3g} cm"


FIND_CYCLES = FindCycles()
TITRATE = Titrate()


def cycles_of(found: HalfCycles) -> Cycles:
    """Half cycles as they are kept."""
    rows = found.half_cycles
    return Cycles(
        start_s=_column(half.start_s for half in rows), end_s=_column(half.end_s for half in rows),
        charge_C=_column(half.charge_C for half in rows), charge_error_C=_column(half.error_C for half in rows),
        charge_uAh_cm2=_column(half.charge_uAh_cm2 for half in rows),
        mean_voltage_V=_column(half.mean_voltage_V for half in rows), energy_J=_column(half.energy_J for half in rows),
        efficiency=_column(half.efficiency for half in rows), cycle=_column(half.cycle for half in rows),
        plateau_V=_column(half.plateau.level_V if half.plateau else None for half in rows),
        plateau_C=_column(half.plateau.charge_C if half.plateau else None for half in rows),
        kinds=[half.kind for half in rows],
        gaps=[{"start_s": gap.start_s, "end_s": gap.end_s, "reason": gap.reason} for gap in found.gaps],
        rest_below_A=found.thresholds.on_A, cycle_begins_with=found.first_kind,
        mean_efficiency=found.mean_efficiency, notes=found.notes,
    )  # fmt: skip


def _column(values: Iterable[float | None]) -> Floats:
    # Arrays in a file know no None.
    return np.array([np.nan if value is None else float(value) for value in values])


def keep_cycles(desk: Desk, run: BiasRun, found: HalfCycles) -> ResultSet:
    """Store half cycles as a result of the run; an older one of the same run is replaced. One undoable step."""
    return _keep(desk, FIND_CYCLES.ask(desk.session, run), found)


def keep_gitt(desk: Desk, run: BiasRun, found: Gitt) -> ResultSet:
    """Store the pulses of a titration and their diffusivities, with what was assumed."""
    return _keep(desk, TITRATE.ask(desk.session, run, length_cm=found.length_cm), found)


def _keep(desk: Desk, request: Request, found: Any) -> ResultSet:
    (result,) = request.keep(desk.session, found)
    assert isinstance(result, ResultSet)
    return result


def log_findings(desk: Desk, findings: list[Anomaly]) -> int:
    """Put findings into the session as events (those that are not there yet); returns how many."""
    # Milliseconds: times that went through a file or a clock differ in the last bits.
    known = {(event.name, round(event.t, 3)) for event in desk.session.events}
    events = [
        Event(name=f.sentence, t=f.start_s, end=f.end_s if f.end_s > f.start_s else None, category="warning")
        for f in findings
        if (f.sentence, round(f.start_s, 3)) not in known
    ]
    if events:
        desk.add("Add anomalies as events", *events)
    return len(events)
