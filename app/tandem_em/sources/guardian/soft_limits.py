"""Soft limits on voltage, current, charge and dV/dt, and the two accidents: a contact that opens, a short."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from tandem_em.sources.programs.steps import Safety, amperes
from tandem_em.sources.scpi.meter import MeterReading, Mode

SETTLE_S = 0.35
"""After a new set point the voltage may jump (resistance, overpotential)."""
RATE_WINDOW_S = 0.4
COLLAPSE_FROM_A = 5e-11


@dataclass(frozen=True)
class CellLimits:
    """None: not watched."""

    low_V: float | None = None
    high_V: float | None = None
    low_A: float | None = None
    high_A: float | None = None
    charge_C: float | None = None
    rate_V_per_s: float | None = None
    jump_V: float | None = 0.5

    def with_safety(self, safety: Safety) -> CellLimits:
        """These limits and a program's own, whichever is narrower."""
        return replace(
            self,
            low_V=_narrower(max, self.low_V, safety.low_V),
            high_V=_narrower(min, self.high_V, safety.high_V),
            low_A=_narrower(max, self.low_A, safety.low_A),
            high_A=_narrower(min, self.high_A, safety.high_A),
            charge_C=_narrower(min, self.charge_C, safety.charge_C),
        )


class Watch:
    """`check` looks at each reading and returns a sentence when the output must go off."""

    def __init__(self, limits: CellLimits) -> None:
        self.limits = limits
        self.charge_C = 0.0
        self._last: MeterReading | None = None
        self._recent: deque[MeterReading] = deque(maxlen=64)
        self._settling_until = -math.inf
        self._steady = False
        self._limited = 0

    def restart(self, limits: CellLimits | None = None) -> None:
        """Forget the charge and the past: a program begins, or the output was off."""
        if limits is not None:
            self.limits = limits
        # What was measured at another output says nothing of the next reading.
        self.charge_C, self._last, self._limited = 0.0, None, 0
        self._recent.clear()
        self._settling_until = -math.inf

    def set_point_changed(self, host_time: float, *, jumped: bool) -> None:
        """`jumped`: a current was switched or the mode changed; False: the voltage moves slowly, as wanted."""
        self._steady = False
        if jumped:
            self._settling_until = host_time + SETTLE_S
            # A jump that was asked for is no accident.
            self._recent.clear()
            self._last = None

    def check(self, reading: MeterReading, mode: Mode) -> str | None:
        """Look at one reading; a sentence says why the output must go off, None: all is well."""
        last, self._last = self._last, reading
        if last is not None:
            self.charge_C += last.current * (reading.host_time - last.host_time)
        why = self._outside(reading) or self._accident(reading, last, mode) or self._too_fast(reading)
        self._steady = True
        return why

    def _outside(self, reading: MeterReading) -> str | None:
        limits, volts, current = self.limits, reading.voltage, reading.current
        # An overflow is no voltage: nothing below could be compared with it.
        if math.isnan(volts) or math.isnan(current) or math.isinf(volts) or math.isinf(current):
            return "The reading is out of range (overflow)."
        if limits.high_V is not None and volts > limits.high_V:
            return f"The voltage {volts:.4g} V is above the limit of {limits.high_V:g} V."
        if limits.low_V is not None and volts < limits.low_V:
            return f"The voltage {volts:.4g} V is below the limit of {limits.low_V:g} V."
        if limits.high_A is not None and current > limits.high_A:
            return f"The current {amperes(current)} is above the limit of {amperes(limits.high_A)}."
        if limits.low_A is not None and current < limits.low_A:
            return f"The current {amperes(current)} is below the limit of {amperes(limits.low_A)}."
        if limits.charge_C is not None and abs(self.charge_C) > limits.charge_C:
            return f"The charge {self.charge_C:.4g} C is beyond the limit of {limits.charge_C:g} C."
        return None

    def _accident(self, reading: MeterReading, last: MeterReading | None, mode: Mode) -> str | None:
        limited = reading.in_compliance and mode == "current"
        self._limited = self._limited + 1 if limited else 0
        if self._limited >= 2:
            return f"The source reached its voltage compliance ({reading.voltage:.4g} V): the contact may be open."
        jump = self.limits.jump_V
        # Only between two readings at one set point that has settled.
        if last is None or jump is None or not self._steady or reading.host_time < self._settling_until:
            return None
        if abs(reading.voltage - last.voltage) > jump:
            return (
                f"The voltage jumped from {last.voltage:.4g} V to {reading.voltage:.4g} V at an unchanged set point: "
                "a short or an open contact."
            )
        fallen = abs(last.current) > COLLAPSE_FROM_A and abs(reading.current) < 0.02 * abs(last.current)
        if mode == "voltage" and fallen:
            return (
                f"The current fell from {amperes(last.current)} to nothing at once: the contact may be open."
            )
        return None

    def _too_fast(self, reading: MeterReading) -> str | None:
        rate = self.limits.rate_V_per_s
        if rate is None or reading.host_time < self._settling_until:
            return None
        self._recent.append(reading)
        while len(self._recent) > 2 and reading.host_time - self._recent[1].host_time >= RATE_WINDOW_S:
            self._recent.popleft()
        span = reading.host_time - self._recent[0].host_time
        if span < 0.5 * RATE_WINDOW_S:
            return None
        found = (reading.voltage - self._recent[0].voltage) / span
        if abs(found) > rate:
            return f"The voltage changes by {found:.3g} V/s; the limit is {rate:g} V/s."
        return None


def _narrower(choose: object, one: float | None, other: float | None) -> float | None:
    given = [value for value in (one, other) if value is not None]
    return None if not given else (max(given) if choose is max else min(given))
