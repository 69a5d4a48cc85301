"""The common time axis: seconds to pixels and back, round moments, and how they are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.core import texts

TimeT = TypeVar("TimeT", float, NDArray[np.float64])

_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
MIN_SPAN_S = 1e-6
MAX_SPAN_S = 1e9


@dataclass(frozen=True)
class TimeScale:
    """Session seconds low..high over the pixels left..left + width."""

    low: float
    high: float
    left: float
    width: float

    @property
    def per_pixel(self) -> float:
        """Seconds per pixel."""
        return (self.high - self.low) / max(self.width, 1.0)

    def x(self, t: TimeT) -> TimeT:
        """Pixels of session seconds, one or many."""
        return self.left + (t - self.low) * (self.width / (self.high - self.low))

    def t(self, x: float) -> float:
        """Session second of a pixel; also outside the plot."""
        return self.low + (x - self.left) * self.per_pixel

    def zoomed(self, x: float, factor: float) -> tuple[float, float]:
        """The span after zooming about pixel x; factor < 1 shows less."""
        span = min(max((self.high - self.low) * factor, MIN_SPAN_S), MAX_SPAN_S)
        share = (x - self.left) / max(self.width, 1.0)
        low = self.t(x) - share * span
        return low, low + span

    def panned(self, pixels: float) -> tuple[float, float]:
        """The span after dragging the curves by so many pixels to the right."""
        shift = pixels * self.per_pixel
        return self.low - shift, self.high - shift


def moments(scale: TimeScale, spacing_px: float = 90.0) -> list[tuple[float, str]]:
    """Round moments in view with their texts: `10 s`, from ten minutes on `5:00`, from an hour on `1:05:00`."""
    most = max(2, int(scale.width / spacing_px))
    span = scale.high - scale.low
    if span < 600.0:
        values = texts.ticks(scale.low, scale.high, most)
        factor, unit = (1.0, "s") if span >= 0.05 else (1e3, "ms") if span >= 5e-5 else (1e6, "µs")
        decimals = texts.decimals_for([value * factor for value in values])
        return [(value, f"{texts.tick_text(value * factor, decimals)} {unit}") for value in values]
    step = next((s for s in _CLOCK_STEPS if s * most >= span), None)
    if step is None:
        # beyond a day only whole days are round
        step = 86400 * max(1, math.ceil(texts.round_step(span / 86400, most)))
    first, last = math.ceil(scale.low / step), math.floor(scale.high / step)
    return [
        (float(n * step), clock_text(n * step, seconds_too=step % 60 > 0)) for n in range(first, last + 1)
    ]


def clock_text(seconds: float, *, seconds_too: bool = False) -> str:
    """`12:30` below an hour, `2:05:00` above, `1 d 02:00` beyond a day (there seconds only where they are asked for)."""
    sign = "−" if seconds < 0 else ""
    # divmod would borrow from the next larger unit below zero
    whole = round(abs(seconds))
    days, rest = divmod(whole, 86400)
    hours, minutes, left = rest // 3600, rest // 60 % 60, rest % 60
    if days:
        return f"{sign}{days} d {hours:02d}:{minutes:02d}" + (f":{left:02d}" if seconds_too else "")
    if hours:
        return f"{sign}{hours}:{minutes:02d}:{left:02d}"
    return f"{sign}{minutes}:{left:02d}"


def span_text(seconds: float) -> str:
    """A duration in words a person reads at once: `12.3 s`, `4:05 min`, `2:05:00 h`."""
    size = abs(seconds)
    if size >= 3600:
        return f"{clock_text(seconds)} h" if size < 86400 else clock_text(seconds)
    if size >= 600:
        return f"{clock_text(seconds)} min"
    factor, unit = (1.0, "s") if size >= 0.1 else (1e3, "ms") if size >= 1e-4 else (1e6, "µs")
    return f"{seconds * factor:.4g} {unit}".replace("-", "−")
