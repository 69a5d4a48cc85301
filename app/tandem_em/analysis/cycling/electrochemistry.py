"""The report of a biasing run: half cycles, cycles, plateaus, gaps and zero, as `tandem cycles --json` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tandem_em.analysis.cycling.cell_numbers import HalfKind, first_half_cycle
from tandem_em.analysis.cycling.charge import Gap, Zero, integrate, zero_from_span
from tandem_em.analysis.cycling.half_cycles import (
    UAH_PER_C,
    Cycle,
    HalfCycle,
    HalfCycles,
    find_half_cycles,
)
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.model.curves import BiasRun, Cell


def first_half_of(cell: Cell | None) -> HalfKind:
    """What a cycle of this cell begins with: as typed, else as its materials say."""
    if cell is None:
        return "charge"
    if cell.first_half in ("charge", "discharge"):
        return "charge" if cell.first_half == "charge" else "discharge"
    return first_half_cycle(cell.chemistry, cell.layers)


def cycles_report(run: BiasRun, cell: Cell | None = None) -> dict[str, Any]:
    """The report of a run; areal numbers need the cell's electrode area. Raises UserError when there is no current."""
    if "current" not in run.columns:
        raise UserError(
            f"{run.name} has no current column: the charge cannot be computed.",
            "Import it again and choose a current column.",
        )
    t, current = run.t, np.asarray(run.values("current"), np.float64)
    voltage = np.asarray(run.values("voltage"), np.float64) if "voltage" in run.columns else None
    # a marked rest without its numbers: they are measured here
    if run.zero_span is not None and not run.zero_current_A and not run.zero_current_error_A:
        zero = zero_from_span(t, current, run.zero_span)
    else:
        start, end = run.zero_span or (None, None)
        zero = Zero(run.zero_current_A, run.zero_current_error_A, 0.0, start, end)
    report = report_from_arrays(
        t,
        current,
        voltage,
        zero=zero,
        area_cm2=cell.electrode_area_cm2 if cell else None,
        positive_is_charge=cell.positive_current_is_charge if cell else True,
        gap_limit_s=run.gap_limit_s,
        segment_starts=run.segment_starts,
        first_kind=first_half_of(cell),
    )
    if "charge" in run.columns:
        counted = np.asarray(run.values("charge"), np.float64)
        for row in report["half_cycles"]:
            # shown beside ours, never mixed with it
            passed = float(counted[row["last_sample"]] - counted[row["first_sample"]])
            row["instrument_charge_C"] = passed if np.isfinite(passed) else None
    return {"run": run.name, "cell": cell.name if cell else None, **report}


def report_from_arrays(
    t: Floats,
    current_A: Floats,
    voltage_V: Floats | None = None,
    *,
    zero: Zero | None = None,
    area_cm2: float | None = None,
    positive_is_charge: bool = True,
    gap_limit_s: float | None = None,
    segment_starts: Sequence[int] = (),
    rest_below_A: float | None = None,
    first_kind: HalfKind = "charge",
) -> dict[str, Any]:
    """The report as plain numbers, lists and None, ready for JSON. Times in seconds of `t`."""
    halves = find_half_cycles(
        t,
        current_A,
        voltage_V,
        zero=zero,
        area_cm2=area_cm2,
        positive_is_charge=positive_is_charge,
        rest_below_A=rest_below_A,
        gap_limit_s=gap_limit_s,
        segment_starts=segment_starts,
        first_kind=first_kind,
    )
    total = integrate(t, current_A, zero, gap_limit_s, segment_starts)
    return {
        "samples": len(t),
        "area_cm2": area_cm2,
        "net_charge_C": total.total_C,
        "net_charge_error_C": float(total.error_C[-1]) if len(total.error_C) else 0.0,
        "half_cycles": [half_cycle_row(half, area_cm2) for half in halves.half_cycles],
        "cycles": [cycle_row(cycle, area_cm2) for cycle in halves.cycles],
        "cycle_begins_with": halves.first_kind,
        "efficiency_definition": halves.efficiency_definition,
        "mean_efficiency": halves.mean_efficiency,
        "notes": halves.notes,
        "gaps": [gap_row(gap) for gap in halves.gaps],
        "gaps_excluded_s": float(sum(max(0.0, gap.end_s - gap.start_s) for gap in halves.gaps)),
        "late_samples": halves.late,
        "zero": zero_row(halves.zero),
        "thresholds": threshold_row(halves),
    }


def half_cycle_row(half: HalfCycle, area_cm2: float | None) -> dict[str, Any]:
    """One half cycle as a record; per-area values are None where the area of the cell (cm²) is unknown."""
    plateau = half.plateau
    return {
        "number": half.number,
        "kind": half.kind,
        "cycle": half.cycle,
        "start_s": half.start_s,
        "end_s": half.end_s,
        "duration_s": half.duration_s,
        "charge_C": half.charge_C,
        "charge_error_C": half.error_C,
        "first_sample": half.first,
        "last_sample": half.last,
        "charge_uAh_cm2": half.charge_uAh_cm2,
        "mean_voltage_V": half.mean_voltage_V,
        "energy_J": half.energy_J,
        "efficiency": half.efficiency,
        "plateau_V": plateau.level_V if plateau else None,
        "plateau_scatter_V": plateau.scatter_V if plateau else None,
        "plateau_C": plateau.charge_C if plateau else None,
        "plateau_uAh_cm2": plateau.charge_C * UAH_PER_C / area_cm2 if plateau and area_cm2 else None,
        "plateau_length_s": plateau.length_s if plateau else None,
        "gap_s": half.gap_s,
    }


def cycle_row(cycle: Cycle, area_cm2: float | None) -> dict[str, Any]:
    """One cycle as a record; per-area values are None where the area of the cell (cm²) is unknown."""
    scale = UAH_PER_C / area_cm2 if area_cm2 else None
    return {
        "number": cycle.number,
        "first": cycle.first_kind,
        "charge_C": cycle.charge_C,
        "discharge_C": cycle.discharge_C,
        "charge_uAh_cm2": cycle.charge_C * scale if scale else None,
        "discharge_uAh_cm2": cycle.discharge_C * scale if scale else None,
        "efficiency": cycle.efficiency,
        "efficiency_error": cycle.efficiency_error,
        "energy_efficiency": cycle.energy_efficiency,
        "capacity_loss_C": cycle.loss_C,
        "capacity_loss_uAh_cm2": cycle.loss_C * scale if scale and cycle.loss_C is not None else None,
        "capacity_loss_fraction": cycle.loss_fraction,
    }


def gap_row(gap: Gap) -> dict[str, Any]:
    """A stretch that was left out (session seconds), and why."""
    return {"start_s": gap.start_s, "end_s": gap.end_s, "reason": gap.reason}


def zero_row(zero: Zero) -> dict[str, Any]:
    """The current at rest (A) that was taken off, its error and where it was found."""
    return {
        "current_A": zero.current_A,
        "error_A": zero.error_A,
        "start_s": zero.start_s,
        "end_s": zero.end_s,
    }


def threshold_row(halves: HalfCycles) -> dict[str, Any]:
    """Current (A) below which a sample counts as rest, the noise it follows from, and the averaging."""
    found = halves.thresholds
    return {
        "rest_below_A": float(found.on_A),
        "noise_A": float(found.noise_A),
        "averaged_samples": found.window,
    }
