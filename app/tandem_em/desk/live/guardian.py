"""What can be asked of the guardian of a source-meter: stop, limits, biasing programs and the curve they will make."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.model.curves import Cell
from tandem_em.sources.programs.curve import ProgramCurve as ProgramCurve
from tandem_em.sources.programs.curve import program_curve
from tandem_em.sources.programs.steps import label

if TYPE_CHECKING:
    from tandem_em.sources.core.base import Source
    from tandem_em.sources.core.tables import LimitsTable
    from tandem_em.sources.guardian.source import GuardedSource
    from tandem_em.sources.programs.steps import Program

Steps = list[dict[str, Any]]


def guarded(sources: Iterable[Source]) -> list[GuardedSource]:
    """Those that own an output."""
    # By what it can do: asking for its class would import the guardian at each start.
    found: list[Any] = [source for source in sources if hasattr(source, "emergency_stop")]
    return found


def stop_all(sources: Iterable[Source], why: str = "Emergency stop.") -> int:
    """Every output goes off in high impedance, now. Returns how many were told."""
    meters = guarded(sources)
    for meter in meters:
        meter.emergency_stop(why)
    return len(meters)


def set_limits(sources: Iterable[Source], table: LimitsTable) -> None:
    """New soft limits for what runs."""
    from tandem_em.sources.guardian.source import limits_from

    for meter in guarded(sources):
        meter.set_limits(limits_from(table))


def capacity_C(cell: Cell | None) -> float | None:
    """Full charge of the cell (C), which turns C-rates into amperes; None when the cell does not say."""
    if cell is None or cell.capacity_uAh_cm2 is None or cell.electrode_area_cm2 is None:
        return None
    return cell.capacity_uAh_cm2 * 1e-6 * 3600 * cell.electrode_area_cm2


def program_text(steps: Steps) -> str:
    """The program file of these steps."""
    from tandem_em.sources.programs.reader import program_json

    return program_json(steps)


def check_program(steps: Steps, cell: Cell | None) -> Program:
    """The program, or a UserError that says which step does not fit."""
    from tandem_em.sources.programs.reader import parse_program

    if not steps:
        raise UserError("The program has no steps yet.", "Add a step.")
    return parse_program(program_text(steps), "The program", capacity_C(cell))


def read_steps(path: Path, cell: Cell | None) -> Steps:
    """Steps of a program file, as its JSON spells them."""
    from tandem_em.sources.programs.reader import read_program

    program = read_program(path, capacity_C(cell))
    steps: Steps = json.loads(program.source_json)["method"]
    return steps


def step_labels(program: Program) -> list[str]:
    """Each step in a few words."""
    return [label(step) for step in program.steps]


def preview(program: Program, cell: Cell | None, start_V: float | None) -> Job[ProgramCurve]:
    """The curve the program will make."""
    yield Progress(0, 0, "Drawing the program")
    return program_curve(program, cell, start_V=start_V)


def load_ahead() -> None:
    """Load what drives a cell while none is driven yet: at the start of a recording it would hold up the window."""
    from tandem_em.sources.guardian import source  # noqa: F401
