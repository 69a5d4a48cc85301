"""Numbers as people read them: the prefix that reads best, true minus signs, enough digits and no more."""

from __future__ import annotations

import math

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_COMPOUND = frozenset({"A/cm²", "Ah/cm²", "C/cm²", "A/g", "Ah/g", "Ah/V", "Ah/V/cm²", "F"})
"""Compound units that take a prefix."""
VOLTS_FROM_V = 0.03
"""Smaller voltages are read in mV."""
_PREFIXED = {"V", "A", "Ah", "C", "W", "J", "s", "Hz", "Ω", "e", "B"}


def prefix_for(magnitude: float, unit: str) -> tuple[float, str]:
    """Factor and unit text that bring `magnitude` to 1..1000: 2.5e-10 A gives (1e12, "pA")."""
    if unit not in _PREFIXED or not math.isfinite(magnitude) or magnitude == 0:
        return 1.0, unit
    exponent = min(12, max(-15, 3 * math.floor(math.log10(abs(magnitude)) / 3 + 1e-9)))
    if unit == "s" and exponent > 0:
        exponent = 0
    return 10.0**-exponent, _PREFIXES[exponent] + unit


def reading_unit(magnitude: float, unit: str) -> tuple[float, str]:
    """Factor and unit that read best, also for compound units: 4e-5 A/cm² gives (1e6, "µA/cm²")."""
    if unit == "s" and magnitude > 3 * 3600:
        return 1 / 3600, "h"
    if unit not in _COMPOUND:
        return prefix_for(magnitude, unit)
    if not (math.isfinite(magnitude) and magnitude):
        return 1.0, unit
    exponent = min(12, max(-15, 3 * math.floor(math.log10(abs(magnitude)) / 3 + 1e-9)))
    return 10.0**-exponent, _PREFIXES[exponent] + unit


def axis_unit(magnitude: float, unit: str) -> tuple[float, str]:
    """The same for an axis, on which volts stay volts down to 30 mV."""
    if unit == "V" and magnitude > VOLTS_FROM_V:
        return 1.0, unit
    return reading_unit(magnitude, unit)


def figure(value: float, digits: int = 3) -> str:
    """`digits` significant figures without exponent where it reads, and a true minus."""
    if not math.isfinite(value):
        return "–"
    if value != 0 and (abs(value) >= 1e6 or abs(value) < 1e-4):
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
    return f"{value:.{min(decimals, 6)}f}".replace("-", "−")


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """`-9.24e-11, "A"` gives "−92.4 pA"."""
    factor, text = prefix_for(value, unit)
    return f"{figure(value * factor, digits)} {text}".rstrip()


def duration(seconds: float) -> str:
    """Clock text: 00:01:35."""
    whole = max(0, int(seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def time_unit(length_s: float) -> tuple[float, str]:
    """Factor and unit of a time axis: hours and minutes where seconds would have many digits."""
    return (1 / 3600, "h") if length_s >= 7200 else (1 / 60, "min") if length_s >= 1200 else (1.0, "s")


def byte_size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"
