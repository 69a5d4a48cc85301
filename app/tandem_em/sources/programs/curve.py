"""The curve a program will make, before anything is switched on: the same runner on a simulated cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.curves import Cell
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.programs.runner import ProgramRunner, SetPoint
from tandem_em.sources.programs.steps import ConstantCurrent, Program, Pulse, label

# Bounds for programs that loop for very long: the preview has to come at once.
MAX_POINTS = 20_000
MAX_SPAN_S = 90 * 86_400.0
LARGE_STEP_V = 4e-3


@dataclass(frozen=True, eq=False)
class ProgramCurve:
    """What to draw: times (s), volts, amperes, where each step begins, and what was assumed."""

    times: NDArray[np.float64]
    voltage: NDArray[np.float64]
    current: NDArray[np.float64]
    steps: list[tuple[float, int, str]]
    notes: list[str]
    complete: bool
    """False: the program is longer than the preview goes."""

    @property
    def duration_s(self) -> float:
        """From the start to the last point (s); 0 for an empty curve."""
        return float(self.times[-1]) if len(self.times) else 0.0


def program_curve(
    program: Program,
    cell: Cell | None = None,
    *,
    start_V: float | None = None,
    battery: BatteryCell | None = None,
) -> ProgramCurve:
    """Run a program on a model of the cell. `start_V`: the voltage the cell has now; `battery` replaces the model."""
    notes: list[str] = []
    model = battery or _battery_for(program, cell, start_V, notes)
    limit_V = (cell.compliance_V if cell and cell.compliance_V else None) or 10.0
    runner = ProgramRunner(program)
    rows: list[tuple[float, float, float]] = []
    steps: list[tuple[float, int, str]] = []
    t, dt = 0.0, 0.01
    answer = model.drive("current", 0.0, limit_V, 0.0)
    before: SetPoint | None = None
    begun = -1
    while len(rows) < MAX_POINTS and t < MAX_SPAN_S:
        wanted = runner.update(t, answer.voltage, answer.current)
        if wanted is None:
            break
        if runner.progress().done != begun or not steps:
            begun = runner.progress().done
            step = runner.step
            steps.append((t, runner.step_number, "" if step is None else label(step)))
            dt = 0.01
        if before is not None and (wanted.mode != before.mode or abs(wanted.level - before.level) > 1e-3):
            # At a new level the cell answers quickly: look closely.
            dt = min(dt, 0.05)
        if (
            before is not None
            and (wanted.mode == "current" or wanted.mode != before.mode)
            and wanted != before
        ):
            rows.append((t, answer.voltage, answer.current))  # a step is drawn upright
        before = wanted
        limit = limit_V if wanted.mode == "current" else 1.0
        last = answer
        rows.append((t, *_now(model, wanted, limit)))
        # Never over the moment at which the set point changes.
        end = runner.deadline()
        stride = dt if end is None or end <= t else min(dt, end - t)
        answer = model.drive(wanted.mode, wanted.level, limit, stride)
        t += stride
        moved = abs(answer.voltage - last.voltage)
        changed = abs(answer.current - last.current) / max(abs(answer.current), abs(last.current), 1e-15)
        # Short steps where the curve bends, long ones where nothing happens.
        dt = dt * 0.6 if moved > LARGE_STEP_V or changed > 0.05 else min(dt * 1.3, 600.0)
        dt = max(dt, 1e-3)
    rows.append((t, answer.voltage, answer.current))
    table = np.array(rows)
    complete = runner.finished
    if not complete:
        notes.append("The program is longer than the preview shows.")
    return ProgramCurve(table[:, 0], table[:, 1], table[:, 2], steps, notes, complete)


def _now(model: BatteryCell, wanted: SetPoint, limit: float) -> tuple[float, float]:
    answer = model.drive(wanted.mode, wanted.level, limit, 0.0)
    return answer.voltage, answer.current


def _battery_for(program: Program, cell: Cell | None, start_V: float | None, notes: list[str]) -> BatteryCell:
    capacity = program.capacity_C
    area = cell.electrode_area_cm2 if cell else None
    if capacity is None and cell is not None and cell.capacity_uAh_cm2 and area:
        capacity = cell.capacity_uAh_cm2 * 1e-6 * 3600 * area
    if capacity is None:
        currents = [abs(s.current_A) for s in program.steps if isinstance(s, ConstantCurrent)]
        currents += [abs(s.pulse_A) for s in program.steps if isinstance(s, Pulse)]
        capacity = max(currents, default=1e-9) * 3600
        notes.append("No capacity is known: the preview assumes one hour at the largest current.")
    # 50 mV at 1 C.
    battery = BatteryCell(capacity_C=capacity, resistance_ohm=0.05 / (capacity / 3600), soc=0.5)
    if start_V is not None:
        battery.soc = _soc_at(battery, start_V)
    else:
        notes.append("The cell is assumed half charged.")
    notes.append("Voltages follow from a general cell model, not from this cell.")
    return battery


def _soc_at(battery: BatteryCell, voltage: float) -> float:
    """The state of charge whose open-circuit voltage is this."""
    # The open-circuit voltage rises with the charge: halving finds it.
    low, high = -0.05, 1.05
    for _ in range(50):
        battery.soc = (low + high) / 2
        if battery.ocv() < voltage:
            low = battery.soc
        else:
            high = battery.soc
    return battery.soc
