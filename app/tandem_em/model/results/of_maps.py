"""Results of spectrum images: zero loss, components, references, quantification, element maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tandem_em.core.numeric import AnyArray, Floats
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.base import Parts, TypedResult, array, numbered, value

ERROR = " error"
ATOMIC = " at%"


@dataclass(frozen=True, eq=False, kw_only=True)
class ZeroLoss(TypedResult):
    """Position, width and t/λ of every pixel."""

    analysis: ClassVar[str] = "zero loss"

    position_eV: AnyArray = array("eV", key="position")
    fwhm_eV: AnyArray = array("eV", key="FWHM")
    t_over_lambda: AnyArray = array("", key="t over lambda")
    t_over_lambda_error: AnyArray = array("", key="t over lambda error")
    threshold_eV: float | None = value(default=None)
    median_fwhm_eV: float = value(default=float("nan"))
    notes: Sequence[str] = value(default=())


@dataclass(frozen=True, eq=False, kw_only=True)
class Components(TypedResult):
    """Principal components or non-negative factors: a map and a spectrum each, and the scree of all."""

    analysis: ClassVar[str] = "PCA"
    names: ClassVar[tuple[str, ...]] = ("PCA", "NMF")

    method: str = "PCA"
    scree: Floats = array("")
    factors: AnyArray = array("")
    """(components, energies)."""
    maps: tuple[AnyArray, ...]
    suggested: int = value(read=int, default=0)
    """Components that rise above the noise."""
    kept: int = value(read=int, default=0)

    @classmethod
    def is_kind_of(cls, result: ResultSet) -> bool:
        """PCA and NMF are both read by this class."""
        return result.analysis in cls.names

    @property
    def stored_as(self) -> str:
        """ "PCA" or "NMF"."""
        return self.method

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        return {"method": result.analysis, "maps": tuple(numbered(result, "component "))}

    def _write_more(self, parts: Parts) -> None:
        for number, component in enumerate(self.maps, start=1):
            parts.add(f"component {number}", component, "")


@dataclass(frozen=True, eq=False, kw_only=True)
class References(TypedResult):
    """MLLS: how much of each reference spectrum is in every pixel, and what is left over."""

    analysis: ClassVar[str] = "MLLS"

    names: list[str] = value("references")
    shares: dict[str, AnyArray]
    errors: dict[str, AnyArray]
    residual: AnyArray = array("counts per channel")
    reduced_chi2: AnyArray = array("", key="reduced χ²")
    channels: list[int] = value()

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        names = result.values["references"]
        return {
            "shares": {name: result.arrays[name] for name in names},
            "errors": {name: result.arrays[name + ERROR] for name in names},
        }

    def _write_more(self, parts: Parts) -> None:
        for name, share in self.shares.items():
            parts.add(name, share, "")
            parts.add(name + ERROR, self.errors[name], "")


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantification(TypedResult):
    """Atomic percentages of the mapped elements, and the cross sections they rest on."""

    analysis: ClassVar[str] = "quantification"

    percent: dict[str, AnyArray]
    percent_error: dict[str, AnyArray]
    model: str = value()
    model_error: float = value()
    """Of the cross sections, as a fraction."""
    cross_sections_barn: dict[str, float] | None = value(default=None)
    remark: str = value(default="")

    @classmethod
    def _read_more(cls, result: ResultSet) -> dict[str, Any]:
        elements = [key.removesuffix(ATOMIC) for key in result.arrays if key.endswith(ATOMIC)]
        return {
            "percent": {element: result.arrays[element + ATOMIC] for element in elements},
            "percent_error": {element: result.arrays[element + ATOMIC + ERROR] for element in elements},
        }

    def _write_more(self, parts: Parts) -> None:
        for element, share in self.percent.items():
            parts.add(element + ATOMIC, share, "at%")
            parts.add(element + ATOMIC + ERROR, self.percent_error[element], "at%")


@dataclass(frozen=True, eq=False, kw_only=True)
class ElementMap(TypedResult):
    """Net counts of one edge in every pixel, with the windows they were counted in."""

    analysis: ClassVar[str] = "map"

    counts: AnyArray = array("counts")
    error: AnyArray | None = array("counts", default=None)
    edge: str = value()
    background: str = value(default="")
    order: int = value(default=2)
    fit_eV: tuple[float, float] = value(read=tuple, default=(0.0, 0.0))
    signal_eV: tuple[float, float] = value(read=tuple, default=(0.0, 0.0))
    warnings: Sequence[dict[str, Any]] = value(default=())
    notes: Sequence[str] | None = value(default=None)
    """None in maps of older versions."""
