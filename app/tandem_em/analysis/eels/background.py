"""Background models under an edge, prepared once per window and solved for strips of pixels.

Every fitted background is a polynomial in one variable t, of the counts or of their logarithm:
power law log counts(log E) of order 1, exponential log counts(E) of order 1, log polynomial log counts(log E),
polynomial counts(E). So one set of coefficients per pixel draws them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.windows import Channels, EnergyAxis
from tandem_em.core.numeric import Floats

Detail = Literal["counts", "error", "full"]
MOST_COUNTS = 1e30
"""No background is larger: a curve that reaches this has run away between fit and signal window. Maps are kept as 32-bit
floats, and the square of this, which its variance needs, is still a number."""


@dataclass(frozen=True)
class CurveForm:
    """How coefficients become counts per channel at an energy: the variable t and whether they give the logarithm."""

    log_energy: bool
    log_counts: bool
    centre_eV: float
    scale: float

    def variable(self, energy_eV: Floats) -> Floats:
        """t at energies (eV); not a number where a logarithm has none."""
        if not self.log_energy:
            return (energy_eV - self.centre_eV) / self.scale
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(
                np.log(np.where(energy_eV > 0, energy_eV, np.nan) / self.centre_eV) / self.scale
            )

    def curve(self, coefficients: Floats, energy_eV: Floats) -> Floats:
        """Counts per channel (…, energies) for coefficients (…, order + 1)."""
        t = self.variable(energy_eV)
        value = np.zeros((*coefficients.shape[:-1], t.size))
        # Horner: no powers of large numbers
        for k in range(coefficients.shape[-1] - 1, -1, -1):
            value = value * t + coefficients[..., k, None]
        if not self.log_counts:
            return value
        # a curve may run away far from its fit window; infinity is its honest value
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(value))


@dataclass
class Solved:
    """Answers for a strip of pixels: counts in the signal window, background there, its variance, coefficients."""

    total: Floats
    background: Floats
    variance: Floats | None = None
    coefficients: Floats | None = None
    runaways: int = 0
    """Pixels whose curve was fitted and left blank, because it runs away before the signal window."""


class Plan(Protocol):
    """A background model ready for one pair of windows."""

    @property
    def form(self) -> CurveForm | None:
        """The curve to be drawn over a spectrum; None where the model has none."""

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """Sums and background in the signal window for a strip of spectra (pixels, channels)."""


def blank_runaways(background: Floats, variance: Floats | None = None) -> int:
    """Blank, in place, the pixels whose background (or its error) is beyond `MOST_COUNTS`; how many there are."""
    with np.errstate(invalid="ignore"):
        far = np.abs(background) > MOST_COUNTS
        if variance is not None:
            far |= ~(variance <= MOST_COUNTS**2) & np.isfinite(background)
    background[far] = np.nan
    if variance is not None:
        variance[far] = np.nan
    return int(np.count_nonzero(far))


@dataclass
class NoBackground:
    """The signal window summed as it is."""

    channels: Channels
    form: CurveForm | None = None

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """A background of 0 without variance; NaN where the sum itself is not finite."""
        window = strip[:, self.channels.signal_start : self.channels.signal_stop]
        total = window.sum(axis=1, dtype=np.float64)
        zero = np.where(np.isfinite(total), 0.0, np.nan)
        return Solved(total, zero, zero.copy())


def signal_nodes(axis: EnergyAxis, channels: Channels, most: int = 8) -> tuple[Floats, Floats]:
    """Energies and weights that sum a smooth curve over the signal channels (discrete Gauss rule, exact to order 15)."""
    first, count = channels.signal_start, channels.signal_stop - channels.signal_start
    if count <= most:
        return axis.values[first : first + count], np.ones(count)
    k = np.arange(1, most)
    beta = (count / (count - 1)) ** 2 * (1 - (k / count) ** 2) / (4 - 1 / k**2)
    jacobi = np.diag(np.sqrt(beta), 1)
    # Gauss's rule for a sum over even channels, from the Gram polynomials' recurrence
    places, vectors = np.linalg.eigh(jacobi + jacobi.T)
    energies = axis.at(first + (count - 1) / 2) + axis.step_eV * (count - 1) / 2 * places
    return np.asarray(energies, dtype=np.float64), np.asarray(count * vectors[0] ** 2, dtype=np.float64)


def chebyshev_series(function: Callable[[Floats], Floats], points: int = 41) -> Floats:
    """Chebyshev series of a smooth function on [-1, 1], without the terms that only carry rounding."""
    angle = np.pi * (np.arange(points) + 0.5) / points
    values = function(np.cos(angle))
    series = 2.0 / points * (np.cos(np.arange(points)[:, None] * angle) @ values)
    series[0] *= 0.5
    # terms below rounding only cost time in the inner loop
    large = np.flatnonzero(np.abs(series) > 1e-14 * max(1e-300, float(np.abs(series).max())))
    return np.ascontiguousarray(series[: (large[-1] + 1 if large.size else 1)], dtype=np.float64)
