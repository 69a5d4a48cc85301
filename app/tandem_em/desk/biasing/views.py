"""Other views of biasing runs: against capacity, V–I, dQ/dV, cycles, GITT, overlays. Jobs over snapshots of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.biasing.runs import cell_of
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.analysis.cycling.anomalies import Anomaly as Anomaly
    from tandem_em.analysis.cycling.cell_numbers import HalfKind
    from tandem_em.analysis.cycling.charge import Zero
    from tandem_em.analysis.cycling.gitt import Gitt as Gitt
    from tandem_em.analysis.cycling.half_cycles import HalfCycle as HalfCycle
    from tandem_em.analysis.cycling.half_cycles import HalfCycles as HalfCycles

MOST_POINTS = 6000
"""Points of one line on the screen; beyond, extremes of stretches stand for their samples."""


@dataclass(frozen=True)
class RunInput:
    """What the jobs need of a run: arrays and numbers, nothing that changes meanwhile. Times are session seconds."""

    id: str
    name: str
    colour: str
    times: Floats
    offset_s: float
    rate: float
    current_A: NDArray[Any] | None
    voltage_V: NDArray[Any] | None
    zero_A: float
    zero_error_A: float
    gap_limit_s: float | None
    segment_starts: tuple[int, ...]
    area_cm2: float | None
    positive_is_charge: bool
    limits: dict[str, float | None] = field(default_factory=dict)
    range_A: NDArray[Any] | None = None
    first_kind: HalfKind = "charge"

    @property
    def t(self) -> Floats:
        """Session seconds of the samples, by the clock as it was when the snapshot was taken."""
        return self.offset_s + self.times * self.rate

    @property
    def zero(self) -> Zero:
        """The zero of the current with its error (A), as the cycling analyses take it."""
        from tandem_em.analysis.cycling.charge import Zero

        return Zero(self.zero_A, self.zero_error_A)

    @property
    def key(self) -> tuple[Any, ...]:
        """Two inputs with one key give one answer."""
        return (
            self.id, len(self.times), self.offset_s, self.rate, self.zero_A, self.gap_limit_s, self.area_cm2,
            self.positive_is_charge, self.first_kind, self.colour, self.name, tuple(self.limits.values()),
        )  # fmt: skip

    def need(self, *quantities: str) -> None:
        """Raise a UserError when a column is missing."""
        columns = {"current": self.current_A, "voltage": self.voltage_V}
        for name in quantities:
            if columns[name] is None:
                raise UserError(
                    f"{self.name} has no {name}.", "Choose another run, or set its columns when importing."
                )


@dataclass
class XYCurve:
    """One line of a view, in base units, with the session second of each point."""

    run_id: str
    label: str
    colour: str
    x: Floats
    y: Floats
    t: Floats
    kind: str = ""
    cycle: int | None = None
    error: Floats | None = None


def snapshot(session: Session, run: BiasRun) -> RunInput:
    """Arrays and numbers of a run and its cell for a job; taken on the session's thread, nothing is copied."""
    from tandem_em.analysis.cycling.electrochemistry import first_half_of

    cell = cell_of(session, run)
    columns = {name: column.values.view for name, column in run.columns.items()}
    limits = {
        "safe_low_V": cell.safe_low_V if cell else None,
        "safe_high_V": cell.safe_high_V if cell else None,
        "compliance_V": cell.compliance_V if cell else None,
        "compliance_A": run.instrument.get("compliance_A"),
    }
    return RunInput(
        run.id, run.name or run.id, run.colour, run.times.view, run.clock.offset_s, 1.0 + run.clock.rate_ppm * 1e-6,
        columns.get("current"), columns.get("voltage"), run.zero_current_A, run.zero_current_error_A, run.gap_limit_s,
        # A tuple: the list of the run grows while it is recorded.
        tuple(run.segment_starts), cell.electrode_area_cm2 if cell else None,
        cell.positive_current_is_charge if cell else True, limits, columns.get("range"),
        first_half_of(cell),
    )  # fmt: skip


def halves_of(run: RunInput) -> HalfCycles:
    """Half cycles of a run with the cell's sign, area and the marked zero."""
    from tandem_em.analysis.cycling.half_cycles import find_half_cycles

    run.need("current")
    assert run.current_A is not None
    return find_half_cycles(
        run.t,
        np.asarray(run.current_A, np.float64),
        None if run.voltage_V is None else np.asarray(run.voltage_V, np.float64),
        zero=run.zero,
        area_cm2=run.area_cm2,
        positive_is_charge=run.positive_is_charge,
        gap_limit_s=run.gap_limit_s,
        segment_starts=run.segment_starts,
        first_kind=run.first_kind,
    )


def finding_cycles(run: RunInput) -> Job[HalfCycles]:
    """Half cycles of a run as a job; UserError when it has no current."""
    yield Progress(0, 1, f"Anomaly half cycles of {run.name}")
    return halves_of(run)


def capacity_curves(run: RunInput) -> Job[list[XYCurve]]:
    """Voltage against the charge of each half cycle (C, or Ah/cm² where the area is known)."""
    run.need("current", "voltage")
    yield Progress(0, 2, f"Anomaly half cycles of {run.name}")
    halves = halves_of(run)
    t = run.t
    # Integration gives coulombs; the axis is in ampere hours.
    scale = 1 / 3600.0 if run.area_cm2 is None else 1 / 3600.0 / run.area_cm2
    curves = []
    active = [half for half in halves.half_cycles if half.kind != "rest"]
    for number, half in enumerate(active):
        yield Progress(number, len(active), "Integrating")
        part = slice(half.first, half.last + 1)
        charge = np.abs(_charge(run, t, part)) * scale
        assert run.voltage_V is not None
        curves.append(_curve(run, half, charge, np.asarray(run.voltage_V[part], np.float64), t[part]))
    return curves


def _charge(run: RunInput, t: Floats, part: slice) -> Floats:
    from tandem_em.analysis.cycling.charge import integrate

    assert run.current_A is not None
    # Segment starts count from the first sample of the run, not of this part.
    starts = [start - part.start for start in run.segment_starts if part.start < start < part.stop]
    current = np.asarray(run.current_A[part], np.float64)
    return integrate(t[part], current, run.zero, run.gap_limit_s, starts).charge_C


def _curve(run: RunInput, half: HalfCycle, x: Floats, y: Floats, t: Floats) -> XYCurve:
    keep = thinned(y)
    label = f"{half.kind} {half.cycle}" if half.cycle else half.kind
    return XYCurve(run.id, label, run.colour, x[keep], y[keep], t[keep], half.kind, half.cycle)


def iv_curve(run: RunInput) -> Job[list[XYCurve]]:
    """Current against voltage, sample by sample in order of time."""
    run.need("current", "voltage")
    yield Progress(0, 1, f"Reading {run.name}")
    assert run.current_A is not None
    current = np.asarray(run.current_A, np.float64) - run.zero_A
    keep = thinned(current, 4 * MOST_POINTS)
    return [
        XYCurve(
            run.id,
            run.name,
            run.colour,
            np.asarray(run.voltage_V, np.float64)[keep],
            current[keep],
            run.t[keep],
        )
    ]


def dqdv_curves(run: RunInput, resolution_V: float | None = None) -> Job[list[XYCurve]]:
    """dQ/dV of each half cycle (Ah/V, or Ah/V per cm² where the area is known); discharge downwards."""
    from tandem_em.analysis.cycling.incremental import incremental_capacity

    run.need("current", "voltage")
    yield Progress(0, 1, f"Anomaly half cycles of {run.name}")
    halves = [half for half in halves_of(run).half_cycles if half.kind != "rest"]
    t, scale = run.t, 1 / 3600.0 if run.area_cm2 is None else 1 / 3600.0 / run.area_cm2
    curves = []
    assert run.current_A is not None
    assert run.voltage_V is not None
    for number, half in enumerate(halves):
        yield Progress(number, len(halves), "dQ/dV")
        part = slice(half.first, half.last + 1)
        found = incremental_capacity(
            t[part],
            # Charge and discharge are treated alike; the sign is given back below.
            np.abs(np.asarray(run.current_A[part], np.float64) - run.zero_A),
            np.asarray(run.voltage_V[part], np.float64),
            resolution_V=resolution_V,
            current_error_A=run.zero_error_A,
            gap_limit_s=run.gap_limit_s,
        )
        if len(found.voltage_V):
            sign = 1.0 if half.kind == "charge" else -1.0
            y = sign * np.abs(found.dq_dv_C_V) * scale
            when = _first_passed(t[part], np.asarray(run.voltage_V[part], np.float64), found.voltage_V)
            # Thinned inside; its errors have to be thinned by the same points.
            made = _curve(run, half, found.voltage_V, y, when)
            keep = thinned(y)
            made.error = found.error_C_V[keep] * scale if run.zero_error_A else None
            curves.append(made)
    return curves


def _first_passed(t: Floats, voltage: Floats, levels: Floats) -> Floats:
    """When the voltage of a half cycle first came to each of these levels; it may go back and forth."""
    good = np.isfinite(voltage)
    t, voltage = t[good], voltage[good]
    if len(t) < 2:
        return np.full(len(levels), t[0] if len(t) else np.nan)
    sign = 1.0 if voltage[-1] >= voltage[0] else -1.0
    # The running extreme is monotonic, which interpolation needs.
    reached = np.maximum.accumulate(sign * voltage)
    return np.interp(sign * levels, reached, t)


OVERLAYS = {
    "voltage": ("Voltage against time", "time from start", "s", "voltage", "V"),
    "capacity": ("Voltage against capacity", "capacity", "Ah/cm²", "voltage", "V"),
    "density": ("Current density against time", "time from start", "s", "current density", "A/cm²"),
    "charge": ("Capacity against time", "time from start", "s", "capacity", "Ah/cm²"),
}


def overlay_curves(runs: Sequence[RunInput], what: str = "voltage") -> Job[list[XYCurve]]:
    """Several runs aligned at their start: the first sample with current, or the first sample; per area."""
    curves = []
    for number, run in enumerate(runs):
        yield Progress(number, len(runs), f"Aligning {run.name}")
        run.need("voltage" if what in ("voltage", "capacity") else "current")
        t = run.t
        start = start_of(run)
        if what in ("capacity", "density", "charge") and run.area_cm2 is None:
            raise UserError(f"{run.name} has no electrode area.", "Set the electrode area first: Cell…")
        area = run.area_cm2 or 1.0
        x = t - start
        if what == "density":
            y = (np.asarray(run.current_A, np.float64) - run.zero_A) / area
        elif what in ("charge", "capacity"):
            charge = _charge(run, t, slice(0, len(t))) / 3600.0 / area
            # Zero at the common start, whatever has leaked through before.
            charge = charge - charge[int(np.searchsorted(t, start))] if len(charge) else charge
            y = charge if what == "charge" else np.asarray(run.voltage_V, np.float64)
            x = charge if what == "capacity" else x
        else:
            y = np.asarray(run.voltage_V, np.float64)
        keep = thinned(y, 3 * MOST_POINTS)
        curves.append(XYCurve(run.id, run.name, run.colour, x[keep], y[keep], t[keep]))
    return curves


def start_of(run: RunInput) -> float:
    """Session second at which the current begins to flow; the first sample where there is none."""
    t = run.t
    if not len(t):
        return 0.0
    if run.current_A is None:
        return float(t[0])
    current = np.abs(np.asarray(run.current_A, np.float64) - run.zero_A)
    # Not the maximum: a spike on switching would put the threshold above the real current.
    level = float(np.nanpercentile(current, 95)) if np.isfinite(current).any() else 0.0
    # Half the level: noise of a rest stays well below it.
    flowing = np.flatnonzero(current > 0.5 * level) if level > 0 else np.zeros(0, np.intp)
    return float(t[flowing[0]]) if len(flowing) else float(t[0])


def titrating(run: RunInput, length_cm: float) -> Job[Gitt]:
    """GITT pulses and their diffusivities; `length_cm`: how far the ions go."""
    from tandem_em.analysis.cycling.gitt import pulses_of

    run.need("current", "voltage")
    yield Progress(0, 1, f"Looking for pulses in {run.name}")
    from tandem_em.analysis.cycling.gitt import Gitt

    voltage, current = np.asarray(run.voltage_V, np.float64), np.asarray(run.current_A, np.float64)
    return Gitt(pulses_of(halves_of(run), run.t, current, voltage, length_cm), length_cm)


def watching(run: RunInput) -> Job[list[Anomaly]]:
    """What an attentive experimenter would notice in a run."""
    from tandem_em.analysis.cycling.anomalies import CellLimits, find_all

    yield Progress(0, 1, f"Checking {run.name}")
    limits = CellLimits(run.area_cm2, **run.limits)
    voltage, current, ranges = (
        None if column is None else np.asarray(column, np.float64)
        for column in (run.voltage_V, run.current_A, run.range_A)
    )
    return find_all(run.t, voltage, current, limits, current_range=ranges)


def thinned(y: Floats, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Numbers of the points to draw: all, or the extremes of each stretch, so that no spike is lost."""
    if len(y) <= most:
        return np.arange(len(y))
    # Rounded up, and twice as long as a point is worth: each stretch gives two points.
    size = -(-2 * len(y) // most)
    whole = len(y) // size * size
    # argmin and argmax would pick the NaN itself.
    blocks = np.nan_to_num(y[:whole].reshape(-1, size), nan=0.0)
    starts = np.arange(0, whole, size)
    picked = [
        starts + blocks.argmin(axis=1),
        starts + blocks.argmax(axis=1),
        np.arange(whole, len(y)),
        # The ends stay, so that a line is as long as its data.
        [0, len(y) - 1],
    ]
    return np.unique(np.concatenate(picked)).astype(np.intp)
