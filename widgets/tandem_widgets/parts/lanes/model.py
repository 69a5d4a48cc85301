"""What the lanes widget shows, as plain data: lanes with their curves, flags, bands and findings. No session in here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from tandem_em.core import texts
from tandem_em.core.texts import axis_unit, figure
from tandem_widgets.parts.lanes.curves import Curve

YRange = tuple[float, float] | Literal["visible"] | None
"""Fixed limits (in the lane's base unit), what is in view, or everything (None)."""


@dataclass(frozen=True)
class Limit:
    """A dashed line across a lane: a budget, a safe window."""

    value: float
    colour: str
    label: str = ""
    start: float = -math.inf
    end: float = math.inf
    """Where it holds (session seconds)."""

    def is_within(self, low: float, high: float) -> bool:
        """Whether it holds anywhere between two session seconds."""
        return self.start <= high and self.end >= low


@dataclass(eq=False)
class Lane:
    """One quantity over time. `kind` is its identity; `weight` its share of the height."""

    kind: str
    title: str
    unit: str
    curves: list[Curve] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    weight: float = 1.0
    y: YRange = None
    note: str = ""
    """What is missing before anything can be shown; clicking it asks the pane."""
    from_zero: bool = False
    shows_each: bool = False
    """Whether the gutter has one value per curve (particles) instead of one for the lane."""
    has_names: bool = False
    """Whether the names of its curves stand at its foot."""
    caption: str = ""
    """Overrides the unit text (`× start`)."""

    def y_range(self, low_t: float, high_t: float) -> tuple[float, float]:
        """Limits of the lane in its base unit: of everything in the recordings that are in view, if not chosen."""
        if isinstance(self.y, tuple):
            return self.y
        between = self.y == "visible"
        # `or`: with nothing in view the ticks need a scale all the same
        present = [c for c in self.curves if c.is_within(low_t, high_t)] or self.curves
        found = [c.range_between(low_t, high_t) if between else c.whole_range() for c in present]
        lows = [low for low, _ in found if math.isfinite(low)]
        highs = [high for _, high in found if math.isfinite(high)]
        if not lows:
            return 0.0, 1.0
        low, high = min(lows), max(highs)
        if self.from_zero:
            low, high = min(low, 0.0), max(high, 0.0)
        # a limit far from the data would press the curves flat: it is left out
        near = (2 * low - high, 2 * high - low)
        limits = [
            x.value for x in self.limits if x.is_within(low_t, high_t) and near[0] <= x.value <= near[1]
        ]
        return texts.padded(min([low, *limits]), max([high, *limits]), unit=self.unit)

    def unit_for(self, low: float, high: float) -> tuple[float, str]:
        """Factor and text of the unit that reads best over a range."""
        if self.caption:
            return 1.0, self.caption
        # without the room around the values, which must not decide about the prefix
        largest = max(abs(low), abs(high)) / 1.2
        return axis_unit(largest, self.unit)

    def least_decimals(self, factor: float) -> int:
        """Volts are read to the millivolt."""
        return 3 if self.unit == "V" and factor == 1.0 else 0

    @property
    def main_curves(self) -> list[Curve]:
        """The curves whose values the gutter shows."""
        return [curve for curve in self.curves if curve.is_main]


def value_text(value: float, low: float, high: float, factor: float, least: int = 0) -> str:
    """A value with about as many decimals as a thousandth of the range asks for."""
    if not math.isfinite(value):
        return "–"
    resolution = abs(high - low) * factor / 1000.0
    if not (resolution > 0 and math.isfinite(resolution)) or resolution < 1e-7:
        return figure(value * factor, 4)
    decimals = min(max(least, math.ceil(-math.log10(resolution) - 0.7)), 6)
    return texts.tick_text(value * factor, decimals)


@dataclass(frozen=True)
class Flag:
    """An event: a small tab at the top with a dashed line through all lanes, or a stretch until `end`."""

    id: str
    t: float
    text: str
    colour: str
    end: float | None = None
    tip: str = ""


@dataclass(frozen=True)
class Band:
    """Something that lasted, in the row under the axis: an EELS map. A diamond where it is too short to be a bar."""

    id: str
    start: float
    end: float
    text: str
    colour: str
    tip: str = ""


@dataclass(frozen=True)
class Finding:
    """Something the data should not be trusted in, in the strip above the axis."""

    start: float
    end: float
    colour: str
    tip: str


@dataclass
class LanesContent:
    """Everything the lanes show; replaced as a whole when something changes."""

    lanes: list[Lane] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    findings: list[Finding] | None = None
    """None: nothing has been checked, no strip is drawn."""
    clocks_agree_s: float = 0.0
    """Shorter lags between two of the clocks in view say nothing; infinite while one is provisional, 0 with one clock."""
