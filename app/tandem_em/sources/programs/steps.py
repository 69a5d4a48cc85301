"""Biasing programs as data: rest, constant current and voltage, ramp, pulse, scan and loop. Everything is SI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tandem_em.core.texts import counted

Quantity = Literal["current", "voltage"]


@dataclass(frozen=True)
class Rest:
    """Open circuit: 0 A, the voltage is watched."""

    duration_s: float


@dataclass(frozen=True)
class ConstantCurrent:
    """Until a voltage is passed (in the direction of the current) or the time is over."""

    current_A: float
    until_voltage_V: float | None = None
    until_time_s: float | None = None


@dataclass(frozen=True)
class ConstantVoltage:
    """Until the current has fallen to a value or the time is over."""

    voltage_V: float
    until_current_A: float | None = None
    until_time_s: float | None = None


@dataclass(frozen=True)
class Ramp:
    """From one value to another in a time; `start` None: from what is there."""

    quantity: Quantity
    start: float | None
    end: float
    duration_s: float


@dataclass(frozen=True)
class Pulse:
    """`count` times a current for a while, then a base current for a while."""

    pulse_A: float
    pulse_s: float
    base_A: float
    base_s: float
    count: int


@dataclass(frozen=True)
class Scan:
    """Linear voltage sweep."""

    start_V: float
    end_V: float
    rate_V_per_s: float


@dataclass(frozen=True)
class Loop:
    """Back to step `to` (counted from 0) until it was done `count` times altogether."""

    to: int
    count: int


@dataclass(frozen=True)
class Tag:
    """A name for a place that a loop can go back to; takes no time."""

    name: str


Step = Rest | ConstantCurrent | ConstantVoltage | Ramp | Pulse | Scan | Loop | Tag


@dataclass(frozen=True)
class Safety:
    """Limits that end the whole program; None is not watched."""

    low_V: float | None = None
    high_V: float | None = None
    low_A: float | None = None
    high_A: float | None = None
    charge_C: float | None = None


@dataclass(frozen=True)
class Program:
    """A biasing program as it is run: currents in A, voltages in V, charge in C."""

    steps: tuple[Step, ...]
    name: str = ""
    capacity_C: float | None = None
    record_s: float | None = None
    safety: Safety = field(default_factory=Safety)
    source_json: str = ""
    """As it was read, kept in the session."""

    def executions(self) -> int:
        """How many steps will be run, loops unrolled."""
        return _executions(self.steps)


def label(step: Step) -> str:
    """A step in a few words, for lists, events and the preview."""
    match step:
        case Rest():
            return f"Rest {step.duration_s:g} s"
        case ConstantCurrent():
            until = "" if step.until_voltage_V is None else f" to {step.until_voltage_V:g} V"
            return f"Constant current {amperes(step.current_A)}{until}"
        case ConstantVoltage():
            return f"Constant voltage {step.voltage_V:g} V"
        case Ramp():
            return f"Ramp of the {step.quantity} to {step.end:g} {'A' if step.quantity == 'current' else 'V'}"
        case Pulse():
            return f"{counted(step.count, 'pulse')} of {amperes(step.pulse_A)}"
        case Scan():
            return f"Scan {step.start_V:g} to {step.end_V:g} V"
        case Loop():
            return f"Loop to step {step.to + 1}, {step.count} times in total"
        case Tag():
            return step.name


def amperes(value: float) -> str:
    """2.5e-10 as "250 pA"."""
    for factor, unit in ((1.0, "A"), (1e-3, "mA"), (1e-6, "µA"), (1e-9, "nA"), (1e-12, "pA")):
        # A hair below 1 is still written in the larger unit: 1 nA, not 1000 pA.
        if abs(value) >= factor * 0.9999:
            return f"{value / factor:.4g} {unit}"
    return f"{value / 1e-12:.4g} pA"


def _executions(steps: tuple[Step, ...]) -> int:
    """Steps that take time, loops unrolled: a loop repeats all that was counted since its target was first reached."""
    before: list[int] = []
    total = 0
    for step in steps:
        before.append(total)
        if isinstance(step, Loop):
            total += (total - before[step.to]) * (step.count - 1)
        elif not isinstance(step, Tag):
            total += 1
    return total
