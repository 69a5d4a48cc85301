"""Multiple linear least squares: every spectrum as a weighted sum of reference spectra, with errors and residual.

All pixels share one set of weights (the counting noise of the mean spectrum), so the whole map is one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra, check_fit
from tandem_em.analysis.eels.windows import EnergyAxis
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

BLOCK_PIXELS = 4096


@dataclass(frozen=True)
class MllsFit:
    """Share of each reference in each pixel, arrays (…) of the map's shape per reference."""

    names: tuple[str, ...]
    coefficients: Floats
    """(references, …): how many times the reference as it was given."""
    errors: Floats
    """One standard deviation from counting noise."""
    residual_rms: Floats
    """Counts per channel."""
    reduced_chi2: Floats
    channels: tuple[int, int]
    background_powers: tuple[float, ...] = ()
    background: Floats | None = None
    """(powers, …) coefficients of the power laws E^-p that were fitted along."""

    def model(
        self, references: ArrayLike, energy_eV: ArrayLike | EnergyAxis, pixel: tuple[int, ...]
    ) -> Floats:
        """The fitted curve of one pixel over the channels that were used."""
        axis = EnergyAxis.from_values(energy_eV)
        design = _design(
            np.atleast_2d(np.asarray(references, np.float64)), axis, self.channels, self.background_powers
        )
        place: Any = (slice(None), *pixel)
        parts = [self.coefficients[place]]
        if self.background is not None:
            parts.append(self.background[place])
        return np.asarray(np.concatenate(parts) @ design)


def _design(
    references: Floats, axis: EnergyAxis, channels: tuple[int, int], powers: Sequence[float]
) -> Floats:
    window = slice(*channels)
    rows = [references[:, window]]
    if powers:
        energy = axis.values[window]
        if energy[0] <= 0:
            raise UserError("A power-law background needs energies above 0 eV.", "Narrow the fit window.")
        rows.append((energy / energy[0]) ** -np.asarray(powers, np.float64)[:, None])
    return np.concatenate(rows)


def fit_references(
    data: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    references: ArrayLike,
    names: Sequence[str] = (),
    *,
    window_eV: tuple[float, float] | None = None,
    background_powers: Sequence[float] = (),
    non_negative: bool = False,
    counts_per_electron: float = 1.0,
) -> Job[MllsFit]:
    """Fit references (R, E) to every pixel inside a window. `background_powers`, e.g. (2, 3, 4), adds power laws."""
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    given = np.atleast_2d(np.asarray(references, dtype=np.float64))
    if given.shape[1] != axis.size:
        raise UserError(
            f"The references have {given.shape[1]} channels, the spectra {axis.size}.",
            "Resample the references on the energy axis of the map.",
        )
    low, high = window_eV if window_eV is not None else (axis.offset_eV, axis.last_eV)
    channels = (axis.channel(low), axis.channel(high) + 1)
    design = _design(given, axis, channels, background_powers)
    solver, weights = _weighted_solver(design, spectra, channels, counts_per_electron)
    kept = [np.empty((design.shape[0], spectra.shape[0])) for _ in range(2)]
    rms, chi2 = np.empty(spectra.shape[0]), np.empty(spectra.shape[0])
    for begin in range(0, spectra.shape[0], BLOCK_PIXELS):
        yield Progress(begin, spectra.shape[0], "Fitting references")
        rows = slice(begin, begin + BLOCK_PIXELS)
        block = spectra[rows, channels[0] : channels[1]].astype(np.float64)
        found = block @ solver.T
        if non_negative:
            found = _non_negative(block, design, weights, found)
        kept[0][:, rows] = found.T
        noise = counts_per_electron * np.maximum(block, 0.0)
        kept[1][:, rows] = np.sqrt(noise @ (solver.T**2)).T
        off = block - found @ design
        rms[rows] = np.sqrt((off**2).mean(axis=1))
        # a floor, or empty channels would rule chi²
        expected = counts_per_electron * np.maximum(found @ design, 1e-12 + 0.01 * np.abs(block).mean())
        chi2[rows] = (off**2 / expected).sum(axis=1) / max(1, block.shape[1] - design.shape[0])
    return _assembled(given.shape[0], names, shape, kept, rms, chi2, channels, tuple(background_powers))


def _assembled(
    number: int,
    names: Sequence[str],
    shape: tuple[int, ...],
    kept: list[Floats],
    rms: Floats,
    chi2: Floats,
    channels: tuple[int, int],
    powers: tuple[float, ...],
) -> MllsFit:
    labels = tuple(names) if len(names) == number else tuple(f"reference {k + 1}" for k in range(number))
    values, errors = (array.reshape(-1, *shape) for array in kept)
    return MllsFit(
        labels, values[:number], errors[:number], rms.reshape(shape), chi2.reshape(shape), channels, powers,
        values[number:] if powers else None,
    )  # fmt: skip


def _weighted_solver(
    design: Floats, spectra: NDArray[np.generic], channels: tuple[int, int], gain: float
) -> tuple[Floats, Floats]:
    """Matrix that turns a spectrum into coefficients, and the weights it used; a sentence for look-alike references."""
    step = max(1, spectra.shape[0] // 512)
    mean = np.nan_to_num(spectra[::step, channels[0] : channels[1]].astype(np.float64)).mean(axis=0)
    # channels without counts must not get infinite weight
    noise = gain * np.maximum(mean, 1e-3 * max(float(mean.max(initial=0.0)), 1e-12))
    weights = 1.0 / noise
    # references differ by orders of magnitude: scaled before their likeness is judged
    scale = np.sqrt((design**2 * weights).sum(axis=1))
    if (scale <= 0).any() or not np.isfinite(scale).all():
        raise UserError(
            "A reference is empty inside the fit window.", "Widen the window or remove that reference."
        )
    scaled = design / scale[:, None] * np.sqrt(weights)
    if design.shape[1] < design.shape[0] or np.linalg.cond(scaled) > 1e7:
        raise UserError(
            "The references are too similar inside the fit window.",
            "Remove one of them, or widen the window.",
        )
    return (np.linalg.pinv(scaled.T) * np.sqrt(weights)) / scale[:, None], weights


def _non_negative(block: Floats, design: Floats, weights: Floats, found: Floats) -> Floats:
    """Solve the pixels with a negative share again with shares of 0 or more."""
    from scipy.optimize import nnls

    weighted = design * np.sqrt(weights)
    # only where the plain answer is negative: NNLS is slow, and the rest would come out the same
    for pixel in np.flatnonzero((found < 0).any(axis=1) & np.isfinite(found).all(axis=1)):
        found[pixel] = nnls(weighted.T, block[pixel] * np.sqrt(weights))[0]
    return found
