"""Results of sites on spectrum images: lithium per silicon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tandem_em.model.results.base import TypedResult, value


@dataclass(frozen=True, eq=False, kw_only=True)
class LithiumPerSilicon(TypedResult):
    """x in LixSi of a site while a map was taken."""

    analysis: ClassVar[str] = "lithium per silicon"

    x: float = value(read=float)
    error: float = value(read=float)
    """Counting and cross sections together."""
    counting_error: float = value(default=float("nan"))
    model: str = value(default="")
    model_error: float = value(default=float("nan"))
    remark: str = value(default="")
    pixels: int = value(default=0)
    site: str = value(default="")
    colour: str = value(default="")
    particle: str = value(default="")
    map_id: str = value("map")
