"""Half cycles from the sign of the current: hysteresis and noise in mind, rests and pulses kept, voltage never sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tandem_em.analysis.cycling.cell_numbers import HalfKind
from tandem_em.analysis.cycling.charge import Gap, Steps, Zero, intervals
from tandem_em.analysis.cycling.half_cycle_states import (
    Thresholds,
    find_stretches,
    find_thresholds,
)
from tandem_em.analysis.cycling.plateau import Plateau, find_plateau
from tandem_em.core.numeric import Floats

UAH_PER_C = 1e6 / 3600.0
MOST_EFFICIENCY, MOST_DOUBT = 1.02, 0.1
"""More than 102 % does not come back; two errors of the counting excuse a little more, but never more than a tenth."""
EFFICIENCY = {
    "charge": "Coulombic efficiency: charge given back in the discharge, over charge put in by the charge before it",
    "discharge": "Coulombic efficiency: charge given back in the charge, over charge put in by the discharge before it",
}
"""The definition, by what the cycle begins with."""


@dataclass
class HalfCycle:
    """One stretch of charge, discharge or rest. Charges are amounts (≥ 0) except in a rest, where they may leak either way."""

    number: int
    kind: str
    start_s: float
    end_s: float
    first: int
    last: int
    """Numbers of its first and last sample."""
    charge_C: float
    error_C: float
    net_charge_C: float
    energy_J: float | None = None
    mean_voltage_V: float | None = None
    charge_uAh_cm2: float | None = None
    efficiency: float | None = None
    cycle: int | None = None
    gap_s: float = 0.0
    """Time within it that was not recorded and is not in its charge."""
    plateau: Plateau | None = None

    @property
    def duration_s(self) -> float:
        """Seconds from the first to the last sample."""
        return self.end_s - self.start_s


@dataclass
class Cycle:
    """A charge and the discharge that answers it (or the other way round); pulses with rests between count together.

    `efficiency`: what came back divided by what went in; None where more came back than can have gone in.
    """

    number: int
    first_kind: str
    charge_C: float
    discharge_C: float
    efficiency: float | None
    efficiency_error: float | None
    loss_C: float | None = None
    """Loss of the answering capacity since the cycle before (C)."""
    loss_fraction: float | None = None
    energy_efficiency: float | None = None


@dataclass
class HalfCycles:
    """All half cycles of a recording and what was left out."""

    half_cycles: list[HalfCycle]
    cycles: list[Cycle]
    gaps: list[Gap]
    zero: Zero
    thresholds: Thresholds
    late: int = 0
    notes: list[str] = field(default_factory=list)
    first_kind: HalfKind = "charge"
    """What a cycle of this cell begins with."""

    @property
    def efficiency_definition(self) -> str:
        """What is divided by what."""
        return EFFICIENCY[self.first_kind]

    @property
    def mean_efficiency(self) -> float | None:
        """Mean over the cycles that have an efficiency."""
        known = [cycle.efficiency for cycle in self.cycles if cycle.efficiency is not None]
        return sum(known) / len(known) if known else None


def find_half_cycles(
    t: Floats,
    current_A: Floats,
    voltage_V: Floats | None = None,
    *,
    zero: Zero | None = None,
    area_cm2: float | None = None,
    positive_is_charge: bool = True,
    rest_below_A: float | None = None,
    gap_limit_s: float | None = None,
    segment_starts: Sequence[int] = (),
    first_kind: HalfKind = "charge",
) -> HalfCycles:
    """Half cycles of a recording. `current_A` is as recorded; `rest_below_A`: less than this is a rest (None: found).

    `first_kind`: what a cycle of this cell begins with (`cell_numbers.first_half_cycle`).
    """
    zero = zero or Zero()
    t, current = np.asarray(t, np.float64), np.asarray(current_A, np.float64) - zero.current_A
    steps = intervals(t, np.isfinite(current), gap_limit_s, segment_starts)
    if len(steps.index) < 2:
        nothing = Thresholds(0.0, 0.0, 0.0, 1)
        return HalfCycles([], [], steps.gaps, zero, nothing, steps.late, first_kind=first_kind)
    at = current[steps.index]
    thresholds = find_thresholds(at, zero.noise_A, rest_below_A)
    stretches = find_stretches(at, thresholds)
    volts = None if voltage_V is None else np.asarray(voltage_V, np.float64)[steps.index]
    share = _Shares(t[steps.index], at, volts, steps, thresholds)
    found = []
    signs = [0, *(sign for sign, _, _ in stretches), 0]
    for number, stretch in enumerate(stretches, 1):
        sign = stretch[0]
        kind = "rest" if sign == 0 else "charge" if (sign > 0) == positive_is_charge else "discharge"
        found.append(share.half_cycle(number, kind, stretch, signs[number - 1], signs[number + 1], zero))
    for half in found:
        # back to samples of the log, of which some were left out
        half.first, half.last = int(steps.index[half.first]), int(steps.index[half.last])
        if area_cm2:
            half.charge_uAh_cm2 = half.charge_C * UAH_PER_C / area_cm2
    cycles, notes = pair_cycles(found, first_kind)
    return HalfCycles(found, cycles, steps.gaps, zero, thresholds, steps.late, notes, first_kind)


class _Shares:
    """Gives every interval between samples to the stretch it belongs to; at a reversal the ramp is cut where it crosses zero."""

    def __init__(
        self, t: Floats, current: Floats, volts: Floats | None, steps: Steps, thresholds: Thresholds
    ) -> None:
        self.t, self.current, self.volts, self.steps, self.thresholds = t, current, volts, steps, thresholds
        dt = steps.dt_s
        self.dq = 0.5 * (current[1:] + current[:-1]) * dt
        # two samples carry twice the noise power of one
        self.jumps_A = np.sqrt(np.maximum(np.diff(current) ** 2 - 2 * thresholds.noise_A**2, 0.0))
        """Steps of the current from sample to sample, as far as they are more than noise."""
        if volts is not None:
            power = volts * current
            both = np.isfinite(power[1:]) & np.isfinite(power[:-1])
            self.de = np.where(both, 0.5 * (power[1:] + power[:-1]) * dt, 0.0)
            self.dq_with_volts = np.where(both, self.dq, 0.0)

    def half_cycle(
        self, number: int, kind: str, stretch: tuple[int, int, int], before: int, after: int, zero: Zero
    ) -> HalfCycle:
        """Everything about one stretch; `before` and `after` are the signs of its neighbours."""
        sign, first, end = stretch
        inner = slice(first, end - 1)
        net = float(self.dq[inner].sum())
        active_s = float(self.steps.dt_s[inner].sum())
        edge_error = 0.0
        for k, mine, other, other_sign in (
            (first - 1, first, first - 1, before),
            (end - 1, end - 1, end, after),
        ):
            if 0 <= k < len(self.dq) and not self.steps.open[k]:
                net += self._edge(k, float(self.current[mine]), float(self.current[other]), sign, other_sign)
                if sign:
                    edge_error += 0.5 * abs(self.current[k + 1] - self.current[k]) * self.steps.dt_s[k]
        noise = self.thresholds.noise_A * np.sqrt(float(np.sum(self.steps.dt_s[inner] ** 2)))
        # between two samples the current may have been like the one or like the other
        unseen = 0.5 * self.jumps_A[inner] * self.steps.dt_s[inner]
        error = float(
            np.sqrt((zero.error_A * active_s) ** 2 + edge_error**2 + noise**2 + float(np.sum(unseen**2)))
        )
        gap_s = float(np.sum(np.diff(self.t[first:end])[self.steps.open[inner]].clip(0)))
        half = HalfCycle(number, kind, float(self.t[first]), float(self.t[end - 1]), first, end - 1,
                         abs(net) if sign else net, error, net, gap_s=gap_s)  # fmt: skip
        if self.volts is not None and sign:
            passed = float(self.dq_with_volts[inner].sum())
            if passed:
                half.mean_voltage_V = float(self.de[inner].sum()) / passed
                half.energy_J = half.mean_voltage_V * half.charge_C
            # no charge to weigh by (a single sample): the plain mean
            elif np.isfinite(self.volts[first:end]).any():
                half.mean_voltage_V = float(np.nanmean(self.volts[first:end]))
                half.energy_J = half.mean_voltage_V * half.charge_C
            half.plateau = find_plateau(self.volts[first:end], np.abs(self.dq[inner]), self.steps.dt_s[inner])
        elif self.volts is not None and np.isfinite(self.volts[first:end]).any():
            half.mean_voltage_V = float(np.nanmean(self.volts[first:end]))
        return half

    def _edge(self, k: int, mine: float, other: float, sign: int, other_sign: int) -> float:
        """A stretch's part of interval k, in which one stretch ends and the next begins: a rest takes nothing of it."""
        if sign == 0:
            return 0.0
        if other_sign == 0:
            return float(self.dq[k])
        if mine * other < 0:
            return float(0.5 * mine * self.steps.dt_s[k] * abs(mine) / (abs(mine) + abs(other)))
        return float(0.5 * self.dq[k])


def pair_cycles(
    half_cycles: Sequence[HalfCycle], first_kind: HalfKind = "charge"
) -> tuple[list[Cycle], list[str]]:
    """Cycles from half cycles, and sentences about what could not be paired.

    Neighbours of one kind (pulses) count together; a cycle is `first_kind` and the kind that answers it. A log may
    begin with the answer: what it answers was not recorded, so it is in no cycle.
    """
    groups = _groups(half_cycles)
    notes: list[str] = []
    if groups and groups[0][0].kind != first_kind:
        kind = groups.pop(0)[0].kind
        notes.append(
            f"The {kind} at the start belongs to no cycle: the {first_kind} before it was not recorded."
        )
    cycles: list[Cycle] = []
    for one, two in zip(groups[::2], groups[1::2]):
        cycle = _cycle(len(cycles) + 1, one, two)
        if cycle is None:
            continue
        if cycle.efficiency is None:
            share = _charge(two) / _charge(one)
            notes.append(
                f"Cycle {cycle.number} has no efficiency: {100 * share:.0f} % of its {first_kind} was given "
                "back, so part of it was not recorded."
            )
        if cycles:
            before = _answer(cycles[-1])
            cycle.loss_C = before - _answer(cycle)
            cycle.loss_fraction = cycle.loss_C / before if before else None
        for half in (*one, *two):
            half.cycle = cycle.number
        two[-1].efficiency = cycle.efficiency
        cycles.append(cycle)
    return cycles, notes


def _groups(half_cycles: Sequence[HalfCycle]) -> list[list[HalfCycle]]:
    """Charges and discharges in turn, rests left out, pulses of one kind together."""
    groups: list[list[HalfCycle]] = []
    for half in half_cycles:
        if half.kind == "rest":
            continue
        if groups and groups[-1][-1].kind == half.kind:
            groups[-1].append(half)
        else:
            groups.append([half])
    return groups


def _cycle(number: int, one: list[HalfCycle], two: list[HalfCycle]) -> Cycle | None:
    """The cycle of two groups; None when nothing went in."""
    went, came = _charge(one), _charge(two)
    if went <= 0:
        return None
    is_charge = one[0].kind == "charge"
    charge_C, discharge_C = (went, came) if is_charge else (came, went)
    efficiency = came / went
    error = efficiency * float(np.hypot(_error(one) / went, _error(two) / came)) if came > 0 else 0.0
    # more came back than went in: part of the first half is not in the log
    if efficiency > MOST_EFFICIENCY + min(2 * error, MOST_DOUBT):
        return Cycle(number, one[0].kind, charge_C, discharge_C, None, None)
    cycle = Cycle(number, one[0].kind, charge_C, discharge_C, efficiency, error)
    energies = [sum(h.energy_J or 0.0 for h in group) for group in (one, two)]
    if all(energies):
        cycle.energy_efficiency = energies[1] / energies[0] if is_charge else energies[0] / energies[1]
    return cycle


def _charge(group: Sequence[HalfCycle]) -> float:
    return sum(half.charge_C for half in group)


def _error(group: Sequence[HalfCycle]) -> float:
    return float(np.sqrt(sum(half.error_C**2 for half in group)))


def _answer(cycle: Cycle) -> float:
    """Charge (C) of the half cycle that answers: what the cell gave back."""
    return cycle.discharge_C if cycle.first_kind == "charge" else cycle.charge_C
