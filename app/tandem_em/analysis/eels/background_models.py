"""Which background model an edge asks for, prepared for its windows."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tandem_em.analysis.eels import background_fits as fits
from tandem_em.analysis.eels.background import NoBackground, Plan
from tandem_em.analysis.eels.background_areas import TwoArea
from tandem_em.analysis.eels.windows import Channels, EdgeWindows, EnergyAxis


def make_plan(edge: EdgeWindows, axis: EnergyAxis, channels: Channels, sample: NDArray[Any]) -> Plan:
    """Prepare the model of an edge. `sample` holds a few typical pixels (only the full power-law fit looks at them)."""
    if edge.background == "none":
        return NoBackground(channels)
    if edge.background in ("power law", "exponential"):
        return TwoArea(edge.background == "power law", axis, channels)
    if edge.background == "polynomial":
        return fits.PolynomialFit(edge.order, axis, channels)
    if edge.background == "log polynomial":
        return fits.LogPolynomial(edge.order, axis, channels)
    return fits.PowerLawFit(axis, channels, sample)
