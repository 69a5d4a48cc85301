"""Round numbers for axes, and how they are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tandem_em.texts import reading_unit as reading_unit  # what parts write axes with

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_step(span: float, most: int) -> float:
    """The smallest round step that divides `span` into at most `most` parts."""
    if not (span > 0 and math.isfinite(span)):
        return 1.0
    rough = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in _ROUND if power * factor >= rough * (1 - 1e-9))


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values inside low..high."""
    step = round_step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if not (math.isfinite(first) and last - first < 1000):
        return []
    return [number * step for number in range(first, last + 1)]


def decimals_for(values: Sequence[float]) -> int:
    """How many decimals tell neighbouring ticks apart."""
    step = abs(values[1] - values[0]) if len(values) > 1 else abs(values[0]) if values else 1.0
    decimals = 0
    while decimals < 9 and step > 0 and abs(round(step, decimals) - step) > 1e-6 * step:
        decimals += 1
    return decimals


def tick_text(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    if abs(value) >= 1e6:
        text = f"{value:.3g}"
    return text.replace("-", "−")


SMALLEST = {"A": 1e-12, "C": 1e-12, "A/cm²": 1e-9}
"""Half the height of what is exactly zero: what this field measures, not 50 mA."""


def padded(low: float, high: float, share: float = 0.06, unit: str = "") -> tuple[float, float]:
    """A range with a little air; a flat or empty one gets some height."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if low == high == 0.0 and unit in SMALLEST:
        return -SMALLEST[unit], SMALLEST[unit]
    span = high - low
    if span <= 1e-12 * max(abs(low), abs(high)) or span == 0:
        span = abs(high) or 1.0
    return low - share * span, high + share * span
