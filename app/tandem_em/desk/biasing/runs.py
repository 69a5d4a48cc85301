"""Verbs of the biasing pane: its lanes, the cell, the zero of the current, and where a run's numbers come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk.desk import Desk
from tandem_em.desk.provenance import step_for
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.edits import AddItem, ChangeFields, Edit
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.analysis.cycling.charge import Zero

DEFAULT_LANES = ("voltage", "current", "area", "thickness", "region", "dose")
YChoice = tuple[float, float] | Literal["visible"] | None


@dataclass(frozen=True)
class LaneChoice:
    """How one lane is shown. `shown` None: where there is something to show."""

    kind: str
    shown: bool | None = None
    weight: float = 1.0
    y: YChoice = None
    mode: str = ""
    """What an area lane shows: "" (× start), "nm2", "diameter" or "volume"."""


# --- lanes: settings in the session, every change one undoable step ------------------------------------------------


def lane_choices(session: Session) -> list[LaneChoice]:
    """The lanes in their order, as chosen or as a new session has them. Nonsense in a file is left out."""
    stored = session.info.view.get("lanes")
    choices = [_choice(entry) for entry in stored] if isinstance(stored, list) else []
    found = [choice for choice in choices if choice is not None]
    known = {choice.kind for choice in found}
    # Lanes that are newer than the file come last, in nobody's way.
    return found + [LaneChoice(kind) for kind in DEFAULT_LANES if kind not in known]


def _choice(entry: Any) -> LaneChoice | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        return None
    shown, weight = entry.get("shown"), entry.get("weight", 1.0)
    return LaneChoice(
        entry["kind"],
        shown if isinstance(shown, bool) else None,
        float(weight) if isinstance(weight, int | float) and weight > 0 else 1.0,
        _y_choice(entry.get("y")),
        entry["mode"] if isinstance(entry.get("mode"), str) else "",
    )


def _y_choice(stored: Any) -> YChoice:
    if isinstance(stored, list | tuple) and len(stored) == 2:
        low, high = stored
        if isinstance(low, int | float) and isinstance(high, int | float) and high > low:
            return float(low), float(high)
    return "visible" if stored == "visible" else None


def keep_lanes(desk: Desk, label: str, choices: Iterable[LaneChoice], merge_key: str | None = None) -> None:
    """Store the lanes in the session's view; steps with the same `merge_key` become one."""
    stored = [asdict(choice) for choice in choices]
    view = {**desk.session.info.view, "lanes": stored}
    desk.change(label, desk.session.info, merge_key, view=view)


def change_lane(desk: Desk, kind: str, label: str, merge_key: str | None = None, **fields: Any) -> None:
    """Set fields of one lane's choice; a lane that was not there is put at the end."""
    choices = lane_choices(desk.session)
    if all(choice.kind != kind for choice in choices):
        choices.append(LaneChoice(kind))
    changed = [replace(choice, **fields) if choice.kind == kind else choice for choice in choices]
    keep_lanes(desk, label, changed, merge_key)


def weigh_lanes(desk: Desk, weights: dict[str, float]) -> None:
    """Share out the height; while a border is dragged it is one step."""
    choices = [replace(c, weight=weights.get(c.kind, c.weight)) for c in lane_choices(desk.session)]
    keep_lanes(desk, "Resize lanes", choices, "lane weights")


def move_lane(desk: Desk, kind: str, before: str | None) -> None:
    """Put a lane before another one, or at the end."""
    choices = lane_choices(desk.session)
    moved = next((c for c in choices if c.kind == kind), LaneChoice(kind))
    rest = [c for c in choices if c.kind != kind]
    at = next((number for number, c in enumerate(rest) if c.kind == before), len(rest))
    keep_lanes(desk, f"Move the {kind} lane", [*rest[:at], moved, *rest[at:]])


def reset_lanes(desk: Desk) -> None:
    """Forget every choice about lanes, so that the session shows the default ones; undoable."""
    view = {key: value for key, value in desk.session.info.view.items() if key != "lanes"}
    desk.change("Reset lanes", desk.session.info, view=view)


# --- the cell ------------------------------------------------------------------------------------------------------


def cell_of(session: Session, run: BiasRun | None) -> Cell | None:
    """The cell a run was measured on. With one cell in the session, it is that one."""
    if run is not None and run.cell_id:
        # A named cell that is gone gives None: the only other cell need not be the right one.
        return session.cells.get(run.cell_id)
    return session.cells.first if len(session.cells) == 1 else None


def set_cell(desk: Desk, runs: Iterable[BiasRun], cell: Cell | None, fields: dict[str, Any]) -> Cell:
    """Describe the cell of some runs: change it, or add a new one, in one step."""
    edits: list[Edit] = []
    if cell is None:
        cell = Cell(**fields)
        edits.append(AddItem("Set the cell", cell))
    else:
        changed = {name: value for name, value in fields.items() if getattr(cell, name) != value}
        if changed:
            edits.append(ChangeFields("Set the cell", cell.id, changed))
    edits += [
        ChangeFields("Set the cell", run.id, {"cell_id": cell.id}) for run in runs if run.cell_id != cell.id
    ]
    desk.do("Set the cell", *edits)
    return cell


# --- runs ----------------------------------------------------------------------------------------------------------


def set_zero(
    desk: Desk, run: BiasRun, zero_A: float, error_A: float, span: tuple[float, float] | None
) -> None:
    """Take a marked rest as the zero of the current; raw samples stay as they are."""
    label = "Set the zero of the current" if span is not None else "Remove the zero of the current"
    desk.change(label, run, zero_current_A=zero_A, zero_current_error_A=error_A, zero_span=span)


def measuring_zero(run: BiasRun, span: tuple[float, float]) -> Job[Zero]:
    """The zero of the current (as recorded) in a marked rest, session seconds."""
    # Taken before the first yield, on the session's thread: the run may be growing.
    t, current = run.clock.to_session(run.times.view), np.asarray(run.values("current"), np.float64)
    name = run.name
    yield Progress(0, 1, "Measuring the zero")
    from tandem_em.analysis.cycling.charge import zero_from_span

    try:
        return zero_from_span(t, current, span)
    except ValueError as error:
        raise UserError(
            f"{name} has no samples in the selected time range.", "Select a rest within the recording."
        ) from error


def read_as(desk: Desk, run: BiasRun, quantity: str, factor: float, unit: str) -> None:
    """The numbers of a column were in another unit than the file says: mA taken for A. The step says so."""
    old = run.columns[quantity]
    # A new array: undo has to bring back the old one.
    scaled = GrowingArray(np.asarray(old.values.view, np.float64) * factor)
    label = f"Read the {quantity} of {run.name} as {unit}"
    step = step_for(label, [], {"factor": factor}, [run.id])
    columns = {**run.columns, quantity: replace(old, values=scaled)}
    zero = {
        # The zero was measured in the wrong unit as well.
        "zero_current_A": run.zero_current_A * factor,
        "zero_current_error_A": run.zero_current_error_A * factor,
    }
    fields: dict[str, Any] = {"columns": columns} | (zero if quantity == "current" else {})
    desk.do(label, ChangeFields(label, run.id, fields), AddItem(label, step))


def show_run(desk: Desk, run: BiasRun, shown: bool) -> None:
    """Show or hide a run in all lanes; its data stay."""
    desk.change(f"{'Show' if shown else 'Hide'} {run.name}", run, visible=shown)
