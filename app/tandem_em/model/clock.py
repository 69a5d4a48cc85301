"""Clocks: how a stream's own time becomes session time, how sure we are, and why we think so."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.items import Item

Origin = Literal["trigger", "same host", "ntp", "marked event", "correlation", "file time", "provisional"]
TimeT = TypeVar("TimeT", float, NDArray[np.float64])

TYPICAL_UNCERTAINTY_S: dict[str, float] = {
    "trigger": 0.001,
    "same host": 0.02,
    "ntp": 0.05,
    "marked event": 0.1,
    "correlation": 0.5,
    "file time": 1.0,
    "provisional": math.inf,
}
"""What a sync class is worth when nobody measured it (seconds, one standard deviation)."""


@dataclass(eq=False, kw_only=True)
class Clock(Item):
    """session time = offset_s + device time × (1 + rate_ppm · 1e-6)."""

    kind: ClassVar[str] = "clock"

    offset_s: float = 0.0
    rate_ppm: float = 0.0
    uncertainty_s: float = math.inf
    origin: Origin = "provisional"
    zone: str = ""
    start_iso: str = ""
    """The absolute time of device second 0 as the file states it (ISO 8601), empty when it does not."""
    zone_assumed: bool = False
    reference_events: list[dict[str, Any]] = field(default_factory=list)

    def to_session(self, device: TimeT) -> TimeT:
        """Session seconds of the device's own seconds (a number or an array)."""
        return self.offset_s + device * (1.0 + self.rate_ppm * 1e-6)

    def to_device(self, t: TimeT) -> TimeT:
        """Device seconds of session seconds: the inverse of `to_session`."""
        return (t - self.offset_s) / (1.0 + self.rate_ppm * 1e-6)

    @property
    def is_provisional(self) -> bool:
        """Nobody has aligned it: the offset is only a guess to show something."""
        return self.origin == "provisional"
