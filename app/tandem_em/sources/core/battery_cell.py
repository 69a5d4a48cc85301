"""A small battery as a source-meter sees it: for simulators, tests and the preview of biasing programs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Drive = Literal["current", "voltage", "open"]
LEAK_OHM = 1e12
"""What is left between the clips when the contact is open: the meter's own input."""


@dataclass
class CellAnswer:
    """What the meter reads: volts, amperes (positive charges the cell), and whether a compliance limits."""

    voltage: float
    current: float
    in_compliance: bool


@dataclass
class BatteryCell:
    """Open-circuit curve, one resistance, a capacity; can be shorted or lose its contact while in use."""

    capacity_C: float = 1e-6
    resistance_ohm: float = 2e6
    soc: float = 0.5
    short_ohm: float | None = None
    open_contact: bool = False

    def ocv(self) -> float:
        """Open-circuit voltage (V) of a layered oxide against lithium: flat middle, steep ends."""
        x = self.soc
        return 3.85 + 0.28 * (x - 0.5) + 0.06 * math.tanh((x - 0.85) / 0.08) + _end(x) - _end(1 - x)

    def drive(self, drive: Drive, level: float, limit: float, dt: float) -> CellAnswer:
        """Answer to a current (A, limited to ±limit V) or a voltage (V, limited to ±limit A) held for dt seconds."""
        if drive == "open":
            answer = CellAnswer(self._terminal_voltage(0.0), 0.0, False)
        elif drive == "current":
            answer = self._driven_by_current(level, limit)
        else:
            answer = self._driven_by_voltage(level, limit)
        # With the contact open the current flows through the meter's input, not into the cell.
        if not self.open_contact:
            inside = (answer.voltage - self.ocv()) / self.resistance_ohm
            self.soc = min(max(self.soc + inside * dt / self.capacity_C, -0.05), 1.05)
        return answer

    def _driven_by_current(self, current: float, limit: float) -> CellAnswer:
        voltage = self._terminal_voltage(current)
        if abs(voltage) <= limit:
            return CellAnswer(voltage, current, False)
        voltage = math.copysign(limit, voltage)
        return CellAnswer(voltage, self._terminal_current(voltage), True)

    def _driven_by_voltage(self, voltage: float, limit: float) -> CellAnswer:
        current = self._terminal_current(voltage)
        if abs(current) <= limit:
            return CellAnswer(voltage, current, False)
        current = math.copysign(limit, current)
        return CellAnswer(self._terminal_voltage(current), current, True)

    def _terminal_current(self, voltage: float) -> float:
        current = voltage / LEAK_OHM if self.open_contact else (voltage - self.ocv()) / self.resistance_ohm
        return current + (voltage / self.short_ohm if self.short_ohm else 0.0)

    def _terminal_voltage(self, current: float) -> float:
        if self.open_contact:
            conductance, pushed = 1 / LEAK_OHM, current
        else:
            conductance, pushed = 1 / self.resistance_ohm, current + self.ocv() / self.resistance_ohm
        if self.short_ohm:
            conductance += 1 / self.short_ohm
        return pushed / conductance


def _end(x: float) -> float:
    """The steep end of the curve near x = 1 (V)."""
    # Bounded: the exponential must not run away when the charge leaves 0 to 1.
    return 0.5 * math.exp(min((x - 1.0) / 0.03, 3.0))
