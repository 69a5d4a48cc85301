"""Plasmons found in a map: which energies, how sharp, in how much of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra, check_fit
from tandem_em.analysis.eels.windows import EnergyAxis
from tandem_em.core.numeric import Floats

RANGE_eV = (4.0, 40.0)
TILES = 12


@dataclass(frozen=True)
class Plasmon:
    """A loss peak: energy and full width (eV), share of the map it dominates, t/lambda there when known."""

    energy_eV: float
    width_eV: float = 5.0
    share: float = 1.0
    t_over_lambda: float | None = None


def find_plasmons(
    data: ArrayLike, energy_eV: ArrayLike | EnergyAxis, t_over_lambda: ArrayLike | None = None
) -> list[Plasmon]:
    """The distinct main loss peaks between 4 and 40 eV, from spectra summed over tiles; most common first.

    Empty for spectra that do not reach down to the zero loss: a peak there would be anything.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    # core-loss spectra hold no plasmons
    if axis.offset_eV > 1.0 or axis.last_eV < RANGE_eV[1] or axis.size < 16:
        return []
    tiles, thickness = _tiles(spectra, shape, t_over_lambda)
    found = [
        (peak, thick) for spectrum, thick in zip(tiles, thickness) if (peak := _main_peak(spectrum, axis))
    ]
    groups: list[list[tuple[float, float, float]]] = []
    for (energy, width), thick in sorted(found):
        if groups and energy - groups[-1][-1][0] < 1.0:
            groups[-1].append((energy, width, thick))
        else:
            groups.append([(energy, width, thick)])
    # a group of few tiles is a peak of noise
    plasmons = [_summary(np.array(group), len(found)) for group in groups if len(group) >= 0.03 * len(found)]
    return sorted(plasmons, key=lambda plasmon: -plasmon.share)


def _summary(group: Floats, number: int) -> Plasmon:
    energy, width, thick = np.median(group, axis=0)
    known = float(thick) if np.isfinite(thick) else None
    return Plasmon(float(energy), float(width), len(group) / number, known)


def _tiles(
    spectra: NDArray[np.generic], shape: tuple[int, ...], t_over_lambda: ArrayLike | None
) -> tuple[list[Floats], list[float]]:
    """Summed spectra of at most 12 × 12 tiles, and the median t/lambda of each (NaN when unknown)."""
    height, width = (1, *shape)[-2:] if shape else (1, 1)
    grid = spectra.reshape(height, width, -1)
    thin = None if t_over_lambda is None else np.asarray(t_over_lambda, np.float64).reshape(height, width)
    sums: list[Floats] = []
    medians: list[float] = []
    for rows in np.array_split(np.arange(height), min(TILES, height)):
        for columns in np.array_split(np.arange(width), min(TILES, width)):
            part = grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            sums.append(np.asarray(np.nansum(part, axis=(0, 1), dtype=np.float64)))
            local = np.array([np.nan]) if thin is None else thin[np.ix_(rows, columns)].ravel()
            good = local[np.isfinite(local)]
            medians.append(float(np.median(good)) if good.size else float("nan"))
    return sums, medians


def _main_peak(spectrum: Floats, axis: EnergyAxis) -> tuple[float, float] | None:
    """Energy and full width at half maximum (eV) of the highest loss peak; None without one that stands out."""
    width = max(1, round(1.0 / axis.step_eV))
    smooth = np.convolve(spectrum, np.ones(width) / width, mode="same")
    first, last = axis.channel(RANGE_eV[0]), axis.channel(RANGE_eV[1])
    part = smooth[first:last]
    if part.size < 5 or part.max() <= 0:
        return None
    inner = np.flatnonzero((part[1:-1] >= part[:-2]) & (part[1:-1] > part[2:])) + 1
    if inner.size == 0:
        return None
    top = int(inner[part[inner].argmax()])
    # too few counts, or no more than a bump on the flank of the zero loss
    if part[top] < 9 or part[top] < 1.15 * part[: top + 1].min():
        return None
    half = 0.5 * part[top]
    above = np.flatnonzero(smooth[first + top :] < half)
    below = np.flatnonzero(smooth[: first + top][::-1] < half)
    right = above[0] if above.size else last - first - top
    # towards the zero loss it may never fall to half: then taken as wide as on the right
    left = below[0] if below.size and below[0] < top else right
    return axis.at(first + top), float((left + right) * axis.step_eV)
