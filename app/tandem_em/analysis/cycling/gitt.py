"""GITT: current pulses between rests, and the diffusivity after Weppner and Huggins with all it assumes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tandem_em.analysis.cycling.half_cycles import HalfCycle, HalfCycles
from tandem_em.core.numeric import Floats

ASSUMPTIONS = (
    "One-dimensional diffusion through a plate of the thickness L, reached from one side, no flux at the other.",
    "The pulse is short: τ ≪ L²/D, so that the voltage follows √t.",
    "Each rest is long enough for the voltage to reach equilibrium.",
    "The molar volume, L and the area stay the same; the current goes into this electrode only.",
    "The voltage is linear in the concentration over one pulse; ohmic and charge-transfer drops are constant.",
)
"""What D = 4/(πτ) · L² · (ΔEs/ΔEt)² takes for granted."""


@dataclass
class Pulse:
    """One pulse: when, how much, its voltages and the diffusivity (cm²/s) that follows, with what speaks against it."""

    number: int
    start_s: float
    end_s: float
    current_A: float
    charge_C: float
    rest_before_V: float
    rest_after_V: float
    drop_V: float
    """The jump at the start: ohmic and fast kinetics."""
    steady_change_V: float
    """ΔEs: change of the rest voltage."""
    transient_change_V: float
    """ΔEt: change during the pulse, without the jump."""
    sqrt_slope_V: float
    """dE/d√t (V/√s)."""
    linearity: float
    """R² of the fit of E against √t."""
    diffusivity_cm2_s: float | None = None
    error_cm2_s: float | None = None
    doubts: list[str] = field(default_factory=list)

    @property
    def duration_s(self) -> float:
        """Seconds from switching the current on to switching it off."""
        return self.end_s - self.start_s


@dataclass
class Gitt:
    """All pulses of a titration and what their diffusivities assume."""

    pulses: list[Pulse]
    length_cm: float
    assumptions: tuple[str, ...] = ASSUMPTIONS


def pulses_of(
    halves: HalfCycles, t: Floats, current_A: Floats, voltage_V: Floats, length_cm: float
) -> list[Pulse]:
    """The pulses among half cycles: stretches with current that have a rest on both sides."""
    stretches = halves.half_cycles
    pulses: list[Pulse] = []
    for before, half, after in zip(stretches, stretches[1:], stretches[2:]):
        if half.kind != "rest" and before.kind == after.kind == "rest":
            pulse = _pulse(len(pulses) + 1, before, half, after, t, voltage_V, length_cm)
            if pulse is not None:
                pulse.current_A = half.net_charge_C / max(pulse.duration_s, 1e-30)
                pulses.append(pulse)
    return pulses


def _pulse(
    number: int,
    before: HalfCycle,
    half: HalfCycle,
    after: HalfCycle,
    t: Floats,
    voltage: Floats,
    length_cm: float,
) -> Pulse | None:
    rest_before, rest_before_error, _ = _rest_voltage(t, voltage, before)
    rest_after, rest_after_error, still_moving = _rest_voltage(t, voltage, after)
    inside = slice(half.first, half.last + 1)
    times, volts = t[inside], voltage[inside]
    good = np.isfinite(volts)
    times, volts = times[good], volts[good]
    if len(times) < 4 or not np.isfinite(rest_before + rest_after):
        return None
    start, start_error = _start_of(t, half, before)
    duration = float(times[-1]) - start
    fit = _sqrt_fit(times - start, volts, duration)
    if fit is None or duration <= 0:
        return None
    slope, slope_error, intercept, linearity = fit
    steady, transient = rest_after - rest_before, slope * np.sqrt(duration)
    pulse = Pulse(number, start, float(times[-1]), 0.0, half.charge_C, rest_before, rest_after, intercept - rest_before,
                  steady, float(transient), slope, linearity)  # fmt: skip
    steady_error = float(np.hypot(rest_before_error, rest_after_error))
    _diffusivity(pulse, duration, length_cm, (slope_error, steady_error, start_error), still_moving)
    return pulse


def _start_of(t: Floats, half: HalfCycle, before: HalfCycle) -> tuple[float, float]:
    """When the current began, and how far that may be wrong: between the last sample of the rest and the first pulse's."""
    first, last_rest = float(t[half.first]), float(t[before.last])
    usual = float(np.median(np.diff(t[half.first : half.last + 1]))) if half.last > half.first else 0.0
    # when exactly the current was switched on lies between two samples
    wait = min(first - last_rest, usual)
    return (first, 0.5 * wait) if wait < 0.5 * usual else (first - 0.5 * wait, 0.5 * wait)


def _rest_voltage(t: Floats, voltage: Floats, rest: HalfCycle) -> tuple[float, float, float]:
    """Voltage at the end of a rest, its error, and how much it still changed in the last fifth of the rest (V)."""
    inside = slice(rest.first, rest.last + 1)
    times, volts = t[inside], voltage[inside]
    good = np.isfinite(volts)
    times, volts = times[good], volts[good]
    if not len(volts):
        return np.nan, np.nan, np.nan
    span = times[-1] - times[0]
    # the end of the rest, nearest to equilibrium
    late = times >= times[-1] - 0.2 * span
    last = volts[late]
    half = len(last) // 2
    moved = float(np.mean(last[half:]) - np.mean(last[:half])) if half else 0.0
    if len(last) < 4:
        return float(volts[-1]), 0.0, moved
    slope, level = np.polyfit(times[late] - times[-1], last, 1)
    scatter = float(np.std(last - np.polyval((slope, level), times[late] - times[-1])))
    return float(level), 2 * scatter / np.sqrt(len(last)), moved


def _sqrt_fit(elapsed: Floats, volts: Floats, duration: float) -> tuple[float, float, float, float] | None:
    """Slope against √t with its error, voltage at t = 0, and R²; the first tenth of the pulse is left out."""
    # ohmic drop and charge transfer rule the beginning
    use = elapsed >= 0.1 * duration
    if np.count_nonzero(use) < 4:
        use = elapsed > 0
    if np.count_nonzero(use) < 3:
        return None
    root, volts = np.sqrt(elapsed[use]), volts[use]
    centred = root - root.mean()
    slope = float(np.sum(centred * volts) / np.sum(centred**2))
    intercept = float(volts.mean() - slope * root.mean())
    rest = volts - intercept - slope * root
    total = float(np.sum((volts - volts.mean()) ** 2))
    linearity = 1.0 - float(np.sum(rest**2)) / total if total > 0 else 1.0
    error = float(np.sqrt(np.sum(rest**2) / max(1, len(root) - 2) / np.sum(centred**2)))
    return slope, error, intercept, linearity


def _diffusivity(
    pulse: Pulse, duration: float, length_cm: float, errors: tuple[float, float, float], still_moving: float
) -> None:
    """Weppner–Huggins, its error from both voltages and the start of the pulse, and the doubts that arise."""
    slope_error, steady_error, start_error = errors
    transient, steady = pulse.transient_change_V, pulse.steady_change_V
    if transient == 0 or steady == 0:
        pulse.doubts.append("The voltage did not change: the diffusivity cannot be determined.")
        return
    value = 4.0 / (np.pi * duration) * length_cm**2 * (steady / transient) ** 2
    relative = 2.0 * np.hypot(steady_error / abs(steady), slope_error / abs(pulse.sqrt_slope_V))
    relative = np.hypot(relative, start_error / duration)
    pulse.diffusivity_cm2_s, pulse.error_cm2_s = float(value), float(value * relative)
    if steady * transient < 0:
        pulse.doubts.append("The rest voltage moved against the pulse: the diffusivity is meaningless.")
    if duration > 0.25 * length_cm**2 / value:
        pulse.doubts.append(f"The pulse is not short: τ is {duration * value / length_cm**2:.2g} L²/D.")
    if pulse.linearity < 0.98:
        pulse.doubts.append(f"The voltage does not follow √t (R² {pulse.linearity:.3f}).")
    if abs(still_moving) > max(0.01 * abs(steady), 5 * steady_error):
        pulse.doubts.append("The rest after it did not reach equilibrium.")
