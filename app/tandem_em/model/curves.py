"""Biasing runs: one table of samples (voltage, current, …) over the true stamps of one instrument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.items import ColouredItem, Item

SI_UNITS = {
    "voltage": "V", "current": "A", "charge": "C", "temperature": "°C", "resistance": "Ω", "frequency": "Hz",
    "impedance_real": "Ω", "impedance_imag": "Ω", "power": "W", "energy": "J", "cycle": "", "step": "",
}  # fmt: skip
"""Quantities that have a meaning for TandEM, in the unit they are kept in. Others keep the unit of their file."""


GAP_STEPS = 10.0
"""A pause of so many usual steps is a gap; one of three of the longest steps that still come regularly is none."""
MOST_LOOKED_AT = 500_000


def usual_gap_limit(times: NDArray[np.float64]) -> float:
    """Pauses longer than this (s) are gaps: ten usual steps, at least a second.

    Cyclers take a sample when the voltage has moved or a longer time has passed: steps of which there is one in
    twenty belong to the recording, and only what is three times longer is a gap."""
    # half a million steps give the same percentiles, in a time that does not grow with the run
    first = np.arange(0, len(times) - 1, max(1, len(times) // MOST_LOOKED_AT))
    steps = times[first + 1] - times[first]
    steps = steps[steps > 0]
    if not len(steps):
        return float("inf")
    # "lower": a step that really occurs, not a mean of two
    usual, longest = np.percentile(steps, [50, 95], method="lower")
    return max(GAP_STEPS * float(usual), 3.0 * float(longest), 1.0)


@dataclass(eq=False)
class Column:
    """One quantity of a run, aligned with the run's times. `is_step`: holds its value until the next sample."""

    quantity: str
    unit: str
    values: GrowingArray
    label: str = ""
    is_step: bool = False


@dataclass(eq=False, kw_only=True)
class BiasRun(ColouredItem):
    """A recording of one instrument. `times` are device seconds; `t` are session seconds."""

    kind: ClassVar[str] = "run"
    appended: ClassVar[Signal] = Signal(int, int)
    not_stored: ClassVar[frozenset[str]] = frozenset({"_t", "_extent"})

    clock: Clock = field(default_factory=Clock)
    times: GrowingArray = field(default_factory=GrowingArray)
    columns: dict[str, Column] = field(default_factory=dict)
    host_times: GrowingArray | None = None
    segment_starts: list[int] = field(default_factory=lambda: [0])
    """Sample numbers where a new stretch begins (reconnected, file restarted): nothing joins across them."""
    gap_limit_s: float | None = None
    """Longer pauses between samples are gaps: drawn open, left out of integrals. None: found from the data."""
    zero_current_A: float = 0.0
    zero_current_error_A: float = 0.0
    zero_span: tuple[float, float] | None = None
    cell_id: str = ""
    source_id: str = ""
    instrument: dict[str, Any] = field(default_factory=dict)
    _t: GrowingArray | None = None
    _extent: tuple[int, float, float] | None = None
    """How many samples were looked at, and their first and last own second."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def t(self) -> NDArray[np.float64]:
        """Session time of every sample (s)."""
        if self._t is None or len(self._t) != len(self.times):
            self._t = GrowingArray(self.clock.to_session(self.times.view))
        return self._t.view

    @property
    def extent(self) -> tuple[float, float] | None:
        """First and last session second; costs what was added since it was last asked for."""
        done, first, last = self._extent or (0, np.inf, -np.inf)
        added = self.times.view[done:]
        if len(added):
            # fmin and fmax pass over NaN stamps
            first, last = (
                float(np.fmin.reduce(added, initial=first)),
                float(np.fmax.reduce(added, initial=last)),
            )
            self._extent = len(self.times), first, last
        return (self.clock.to_session(first), self.clock.to_session(last)) if first <= last else None

    def values(self, quantity: str) -> AnyArray:
        """A column in its stored unit; the current as recorded, without the zero taken off."""
        return self.columns[quantity].values.view

    @property
    def current(self) -> NDArray[np.float64]:
        """Current (A) with the marked zero taken off."""
        return self.current_in(slice(None))

    def current_in(self, part: slice) -> NDArray[np.float64]:
        """A part of the current (A) with the marked zero taken off."""
        values = np.asarray(self.values("current")[part], np.float64)
        return values - self.zero_current_A if self.zero_current_A else values

    def append(
        self, times: AnyArray, values: dict[str, AnyArray], host_times: AnyArray | None = None
    ) -> None:
        """Add samples at the end; columns that are not in `values` get NaN."""
        start = len(self.times)
        if self._t is not None:
            self._t.append(self.clock.to_session(np.asarray(times, np.float64)))
        self.times.append(times)
        if self.host_times is not None:
            self.host_times.append(np.full(len(times), np.nan) if host_times is None else host_times)
        for quantity, column in self.columns.items():
            column.values.append(values.get(quantity, np.full(len(times), np.nan)))
        self.appended.emit(start, len(self.times))

    def retime(self) -> None:
        """Forget session times after the clock changed."""
        self._t = None

    def gaps(self) -> NDArray[np.intp]:
        """Numbers of the samples before which there is a gap (a new segment or a long pause)."""
        times = self.times.view
        limit = usual_gap_limit(times) if self.gap_limit_s is None else self.gap_limit_s
        found = np.flatnonzero(np.diff(times) > limit) + 1
        return np.union1d(found, [s for s in self.segment_starts if 0 < s < len(self)]).astype(np.intp)


@dataclass(eq=False, kw_only=True)
class Cell(Item):
    """What is being biased: sizes and limits that turn amperes into densities, charge into capacity."""

    kind: ClassVar[str] = "cell"

    area_um2: float | None = None
    width_um: float | None = None
    thickness_um: float | None = None
    """Lamella dimensions; their product is the electrode area when no area is typed."""
    layers: list[dict[str, Any]] = field(default_factory=list)
    """From one side to the other: {"name": "LiCoO2", "thickness_nm": 2000}."""
    capacity_uAh_cm2: float | None = None
    chemistry: str = ""
    positive_current_is_charge: bool = True
    first_half: str = ""
    """What a cycle begins with, "charge" or "discharge"; "": what follows from the materials."""
    safe_low_V: float | None = None
    safe_high_V: float | None = None
    compliance_V: float | None = None

    @property
    def electrode_area_cm2(self) -> float | None:
        """From the typed area, else width times thickness of the lamella; None when neither is known."""
        if self.area_um2:
            return self.area_um2 * 1e-8
        if self.width_um and self.thickness_um:
            return self.width_um * self.thickness_um * 1e-8
        return None
