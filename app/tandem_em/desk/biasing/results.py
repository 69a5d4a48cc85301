"""Results of biasing runs kept in the session, with where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.curves import BiasRun
from tandem_em.model.edits import AddItem, RemoveItem
from tandem_em.model.history import Edit
from tandem_em.model.items import Item
from tandem_em.model.marks import Event
from tandem_em.model.provenance import ResultSet, Step

if TYPE_CHECKING:
    from tandem_em.analysis.cycling.anomalies import Anomaly
    from tandem_em.analysis.cycling.gitt import Gitt
    from tandem_em.analysis.cycling.half_cycles import HalfCycles


def keep_cycles(desk: Desk, run: BiasRun, found: HalfCycles) -> ResultSet:
    """Store half cycles as a result of the run; an older one of the same run is replaced. One undoable step."""
    rows = found.half_cycles
    columns: dict[str, tuple[str, list[float | None]]] = {
        "start_s": ("s", [half.start_s for half in rows]),
        "end_s": ("s", [half.end_s for half in rows]),
        "charge_C": ("C", [half.charge_C for half in rows]),
        "charge_error_C": ("C", [half.error_C for half in rows]),
        "charge_uAh_cm2": ("µAh/cm²", [half.charge_uAh_cm2 for half in rows]),
        "mean_voltage_V": ("V", [half.mean_voltage_V for half in rows]),
        "energy_J": ("J", [half.energy_J for half in rows]),
        "efficiency": ("", [half.efficiency for half in rows]),
        "cycle": ("", [half.cycle for half in rows]),
        "plateau_V": ("V", [half.plateau.level_V if half.plateau else None for half in rows]),
        "plateau_C": ("C", [half.plateau.charge_C if half.plateau else None for half in rows]),
    }
    values = {
        "kinds": [half.kind for half in rows],
        "gaps": [{"start_s": gap.start_s, "end_s": gap.end_s, "reason": gap.reason} for gap in found.gaps],
        "rest_below_A": found.thresholds.on_A,
        "cycle_begins_with": found.first_kind,
        "mean_efficiency": found.mean_efficiency,
        "notes": found.notes,
    }
    parameters = {
        "zero_A": found.zero.current_A,
        "zero_error_A": found.zero.error_A,
        "gap_limit_s": run.gap_limit_s,
    }
    return _keep(desk, run, f"cycles of {run.name}", "cycles", columns, values, parameters)


def keep_gitt(desk: Desk, run: BiasRun, found: Gitt) -> ResultSet:
    """Store the pulses of a titration and their diffusivities, with what was assumed."""
    rows = found.pulses
    columns: dict[str, tuple[str, list[float | None]]] = {
        "start_s": ("s", [p.start_s for p in rows]),
        "end_s": ("s", [p.end_s for p in rows]),
        "rest_after_V": ("V", [p.rest_after_V for p in rows]),
        "diffusivity_cm2_s": ("cm²/s", [p.diffusivity_cm2_s for p in rows]),
        "diffusivity_error_cm2_s": ("cm²/s", [p.error_cm2_s for p in rows]),
    }
    values = {"assumptions": list(found.assumptions), "doubts": [p.doubts for p in rows]}
    return _keep(desk, run, f"GITT of {run.name}", "gitt", columns, values, {"length_cm": found.length_cm})


def _keep(
    desk: Desk,
    run: BiasRun,
    name: str,
    analysis: str,
    columns: dict[str, tuple[str, list[float | None]]],
    values: dict[str, Any],
    parameters: dict[str, Any],
) -> ResultSet:
    inputs: list[Item] = [run, run.clock]
    cell = cell_of(desk.session, run)
    if cell is not None:
        inputs.append(cell)
    arrays: dict[str, NDArray[Any]] = {
        key: np.array([np.nan if value is None else float(value) for value in column])
        for key, (_unit, column) in columns.items()
    }
    result = ResultSet(
        name=name, analysis=analysis, arrays=arrays, units={key: unit for key, (unit, _column) in columns.items()},
        values=values, owner_id=run.id, simulated=run.simulated,
    )  # fmt: skip
    step = step_for(name, inputs, parameters, [result.id])
    result.step_id = step.id
    label = f"Keep the {name}"
    edits: list[Edit] = [*_older(desk, run, analysis, label), AddItem(label, step), AddItem(label, result)]
    desk.do(label, *edits)
    return result


def _older(desk: Desk, run: BiasRun, analysis: str, label: str) -> list[Edit]:
    """Edits that take an older result of this run away, with the step that made it."""
    edits: list[Edit] = []
    for old in desk.session.results:
        if old.analysis == analysis and old.owner_id == run.id:
            edits.append(RemoveItem(label, old))
            step: Step | None = desk.session.steps.get(old.step_id)
            if step is not None:
                edits.append(RemoveItem(label, step))
    return edits


def log_findings(desk: Desk, findings: list[Anomaly]) -> int:
    """Put findings into the session as events (those that are not there yet); returns how many."""
    known = {(event.name, round(event.t, 3)) for event in desk.session.events}
    events = [
        Event(name=f.sentence, t=f.start_s, end=f.end_s if f.end_s > f.start_s else None, category="warning")
        for f in findings
        if (f.sentence, round(f.start_s, 3)) not in known
    ]
    if events:
        desk.add("Log what was found", *events)
    return len(events)
