"""Results of stacks and of what was outlined in them: dose, regions, layers, kinetics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tandem_em.core.numeric import AnyArray, Flags, Floats
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.base import Parts, TypedResult, array, numbered, unit_of, value

FIT = "fit "


@dataclass(frozen=True, eq=False, kw_only=True)
class Dose(TypedResult):
    """Rate and dose of every frame, and what they follow from: a typed rate, or calibrated counts."""

    analysis: ClassVar[str] = "dose"

    t_s: Floats = array("s")
    rate_e_A2s: Floats = array("e/Å²s")
    dose_e_A2: Floats = array("e/Å²")
    beam_on: Flags = array()
    typed_rate_e_A2s: float | None = value("rate_e_A2s", default=None)
    counts_per_electron: float | None = value(default=None)
    counts_offset: float | None = value(default=None)
    exposure_s: float | None = value(default=None)


@dataclass(frozen=True, eq=False, kw_only=True)
class DoseMap(TypedResult):
    """Dose at every place of the sample."""

    analysis: ClassVar[str] = "dose map"

    dose_e_A2: AnyArray = array("e/Å²")
    origin_px: tuple[float, float] = value(read=tuple)
    """Place of its first value in pixels of frame 0."""
    step_px: float = value()


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionStatistics(TypedResult):
    """Mean and deviation of a region in every frame."""

    analysis: ClassVar[str] = "region statistics"

    t_s: Floats = array("s")
    mean: Floats = array()
    sd: Floats = array()
    unit: str = unit_of("mean", "sd")
    region: tuple[int, int, int, int] = value(read=lambda stored: tuple(int(each) for each in stored))
    """x0, y0, x1, y1 in pixels of frame 0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Layers(TypedResult):
    """Edges along a line followed in time, and the thickness of what lies between them."""

    analysis: ClassVar[str] = "layers"

    t_s: Floats = array("s")
    edges_px: tuple[Floats, ...]
    """Distance of each edge from the start of the line, frame by frame; NaN where it was not seen."""
    edge_errors_px: tuple[Floats, ...]
    thickness: tuple[Floats, ...]
    thickness_error: tuple[Floats, ...]
    unit: str
    """Of the thickness: nm, or px without a calibration."""
    line_id: str = value()
    line: Sequence[list[float]] = value(default=())
    width_px: float = value(default=1.0)
    started_at_px: Sequence[float] = value("edges_px", default=())
    """Where the edges were marked, in `frame`."""
    frame: int = value(default=0)

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        edges, layers = numbered(result, "edge_"), numbered(result, "thickness_")
        return {
            "edges_px": tuple(edges),
            "edge_errors_px": _errors(result, "edge", edges),
            "thickness": tuple(layers),
            "thickness_error": _errors(result, "thickness", layers),
            "unit": result.units.get("thickness_1", "nm"),
        }

    def _write_more(self, parts: Parts) -> None:
        for stem, unit, rows, errors in (
            ("edge", "px", self.edges_px, self.edge_errors_px),
            ("thickness", self.unit, self.thickness, self.thickness_error),
        ):
            for number, (row, error) in enumerate(zip(rows, errors), start=1):
                parts.add(f"{stem}_{number}", row, unit)
                parts.add(f"{stem}_{number}_error", error, unit)


def _errors(result: ResultSet, stem: str, rows: Sequence[Floats]) -> tuple[Floats, ...]:
    """The error of each row; NaN where none was stored."""
    keys = (f"{stem}_{number}_error" for number in range(1, len(rows) + 1))
    return tuple(result.arrays.get(key, np.full(len(row), np.nan)) for key, row in zip(keys, rows))


Estimate = tuple[float, float, float]
"""A value and its limits (95 %)."""


def _estimate(stored: Any) -> Estimate:
    best, low, high = stored
    return float(best), float(low), float(high)


@dataclass(frozen=True, eq=False, kw_only=True)
class Kinetics(TypedResult):
    """Models of a stretch of a particle's area; the best comes first."""

    analysis: ClassVar[str] = "kinetics"

    t_s: Floats = array("s")
    area: Floats = array()
    area_sigma: Floats = array()
    fits: dict[str, Floats]
    """Fitted areas by the name of their model."""
    rate: Floats = array()
    rate_sigma: Floats = array()
    unit: str = value("area_unit")
    span_s: tuple[float, float] = value(read=tuple)
    window_s: float = value()
    models: list[dict[str, Any]] = value()
    """Name, formula, AIC, weight, rms, parameters and their intervals."""
    start_area: Estimate | None = value(read=_estimate, default=None)
    end_area: Estimate | None = value(read=_estimate, default=None)
    onset_s: Estimate | None = value(read=_estimate, default=None)
    initial_rate: Estimate | None = value(read=_estimate, default=None)
    t90_s: Estimate | None = value(read=_estimate, default=None)
    initial_speed_cm2_s: Estimate | None = value(read=_estimate, default=None)

    @property
    def best(self) -> str:
        """Name of the model that fits best."""
        return str(self.models[0]["name"]) if self.models else ""

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        return {
            "fits": {key.removeprefix(FIT): fit for key, fit in result.arrays.items() if key.startswith(FIT)}
        }

    def _write_more(self, parts: Parts) -> None:
        for name, fit in self.fits.items():
            parts.add(f"{FIT}{name}", fit, self.unit)
        parts.units |= dict.fromkeys(("area", "area_sigma"), self.unit)
        parts.units |= dict.fromkeys(("rate", "rate_sigma"), f"{self.unit}/s")
