"""Results of biasing runs: half cycles and titrations, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tandem_em.core.numeric import Floats
from tandem_em.model.results.base import TypedResult, array, value


@dataclass(frozen=True, eq=False, kw_only=True)
class Cycles(TypedResult):
    """Half cycles of a run; NaN where a number is not known."""

    analysis: ClassVar[str] = "cycles"

    start_s: Floats = array("s")
    end_s: Floats = array("s")
    charge_C: Floats = array("C")
    charge_error_C: Floats = array("C")
    charge_uAh_cm2: Floats = array("µAh/cm²")
    mean_voltage_V: Floats = array("V")
    energy_J: Floats = array("J")
    efficiency: Floats = array("")
    cycle: Floats = array("")
    plateau_V: Floats = array("V")
    plateau_C: Floats = array("C")
    kinds: list[str] = value()
    gaps: Sequence[dict[str, Any]] = value(default=())
    rest_below_A: float = value(default=float("nan"))
    cycle_begins_with: str | None = value(default=None)
    """The kind of half cycle that stands first in each cycle; None in results of older versions, as `notes`."""
    mean_efficiency: float | None = value(default=None)
    notes: Sequence[str] | None = value(default=None)


@dataclass(frozen=True, eq=False, kw_only=True)
class Gitt(TypedResult):
    """Pulses of a titration and the diffusivity of each."""

    analysis: ClassVar[str] = "gitt"

    start_s: Floats = array("s")
    end_s: Floats = array("s")
    rest_after_V: Floats = array("V")
    diffusivity_cm2_s: Floats = array("cm²/s")
    diffusivity_error_cm2_s: Floats = array("cm²/s")
    assumptions: list[str] = value()
    doubts: list[list[str]] = value()
