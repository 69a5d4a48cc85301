"""Spectra of places and lines of a map, and the curves drawn over them.

Pixel centres are integers, x to the right and y down; polygons are [[x, y], ...].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra, check_fit
from tandem_em.analysis.eels.maps import EdgeMap, map_edge
from tandem_em.analysis.eels.windows import EdgeWindows, EnergyAxis
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

Normalisation = Literal["none", "maximum", "sum", "zero loss"]


def disc_mask(shape: tuple[int, int], centre: tuple[float, float], radius_px: float) -> NDArray[np.bool_]:
    """Pixels whose centre lies in a disc around (x, y); at least the nearest pixel of the map."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius_px**2
    # a disc smaller than a pixel is the pixel it lies in
    if not mask.any():
        mask[_nearest(centre, shape)] = True
    return np.asarray(mask)


def _nearest(point: tuple[float, float], shape: tuple[int, int]) -> tuple[int, int]:
    column = min(max(round(point[0]), 0), shape[1] - 1)
    return min(max(round(point[1]), 0), shape[0] - 1), column


def polygon_mask(shape: tuple[int, int], vertices: ArrayLike) -> NDArray[np.bool_]:
    """Pixels whose centre lies inside a polygon [[x, y], ...] (even-odd rule); at least the nearest pixel."""
    points = np.asarray(vertices, dtype=np.float64).reshape(-1, 2)
    y, x = (grid.astype(np.float64) for grid in np.mgrid[: shape[0], : shape[1]])
    inside = np.zeros(shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0)):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    if not inside.any() and len(points):
        mean = points.mean(axis=0)
        inside[_nearest((float(mean[0]), float(mean[1])), shape)] = True
    return inside


def region_spectrum(data: ArrayLike, mask: ArrayLike | None = None, *, mean: bool = False) -> Floats:
    """Sum (or mean) of the spectra under a mask of the map's shape; of the whole map without one.

    Only the rows the mask touches are read, so a small region of a large map answers within a frame.
    """
    values = np.asarray(data)
    spectra, shape = as_spectra(values)
    if mask is None:
        chosen: NDArray[Any] = spectra
    else:
        picked = np.flatnonzero(np.broadcast_to(np.asarray(mask, dtype=bool), shape))
        if picked.size == 0:
            return np.full(spectra.shape[1], np.nan)
        chosen = spectra[picked]
    total = np.zeros(spectra.shape[1])
    # in blocks: the spectra may be a file that is mapped, larger than the memory
    for begin in range(0, chosen.shape[0], 4096):
        total += np.nansum(chosen[begin : begin + 4096], axis=0, dtype=np.float64)
    return total / chosen.shape[0] if mean else total


def normalised(
    spectrum: ArrayLike,
    kind: Normalisation,
    window: tuple[int, int] | None = None,
    zero_loss_counts: float = 1.0,
) -> Floats:
    """A spectrum scaled for stacking: by its maximum or sum (inside channels `window`), or by its zero-loss counts."""
    values = np.asarray(spectrum, dtype=np.float64)
    part = values[slice(*window)] if window is not None else values
    scale = {
        "none": 1.0,
        "maximum": float(np.nanmax(part)) if part.size else 1.0,
        "sum": float(np.nansum(part)),
        "zero loss": zero_loss_counts,
    }[kind]
    return values / scale if scale > 0 else values


@dataclass(frozen=True)
class ModelCurve:
    """What is drawn over a spectrum for one edge, at the channels `energy_eV`."""

    energy_eV: Floats
    background: Floats
    residual: Floats
    """Spectrum less background: before the edge how well it fits, in the signal window the signal."""
    found: EdgeMap
    misfit: float
    """Lag-one correlation of the residual in the fit window, in standard deviations of white noise: above 3 the curve
    does not follow the data."""


def model_curve(
    edge: EdgeWindows,
    spectrum: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    *,
    counts_per_electron: float = 1.0,
) -> ModelCurve:
    """Background of an edge on one spectrum, from the start of its fit window to the end of its signal window."""
    axis = EnergyAxis.from_values(energy_eV)
    values = np.asarray(spectrum, dtype=np.float64).ravel()
    found = map_edge(values, axis, edge, counts_per_electron=counts_per_electron)
    channels = found.channels
    last = min(channels.high, axis.size)
    energies = axis.values[channels.low : last]
    if found.form is None or found.coefficients is None:
        curve = np.zeros(energies.size)
    else:
        curve = found.form.curve(found.coefficients, energies)
    residual = values[channels.low : last] - curve
    fitted = residual[: max(0, channels.fit_stop - channels.low)] if channels.fit_stop else residual[:0]
    # residuals in units of the counting noise
    noise = np.sqrt(np.maximum(np.abs(curve[: fitted.size]), 1e-30))
    return ModelCurve(energies, curve, residual, found, _lag_correlation(fitted / noise))


def _lag_correlation(residual: Floats) -> float:
    """Correlation of neighbouring residuals in units of its spread for white noise; 0 when it cannot be said."""
    power = float(residual @ residual) if residual.size > 4 else 0.0
    if not np.isfinite(power) or power <= 0:
        return 0.0
    return float((residual[1:] @ residual[:-1]) / power * np.sqrt(residual.size))


@dataclass(frozen=True)
class LineProfile:
    """Counts of one edge along a line, averaged over its width."""

    edge: EdgeWindows
    distance_px: Floats
    """From the start of the line, or from the anchor when one was given."""
    counts: Floats
    """Per pixel of the map."""
    error: Floats
    background: Floats


def line_spectra(
    data: ArrayLike, start: tuple[float, float], end: tuple[float, float], width_px: float = 1.0
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Spectra along a line from (x, y) to (x, y): distance (px), summed spectra (points, E), pixels in each sum.

    Every pixel within half the width belongs to exactly one point, so the counts stay independent and Poisson.
    """
    values = np.asarray(data)
    spectra, shape = as_spectra(values)
    if len(shape) == 1:
        shape = (1, shape[0])
    if len(shape) != 2:
        raise UserError("A profile needs a map or a line scan.", "Open a spectrum image first.")
    along = np.array(end, dtype=np.float64) - np.array(start, dtype=np.float64)
    length = float(np.hypot(*along))
    if length < 1e-6:
        raise UserError("The profile line has no length.", "Drag it across the interface.")
    along /= length
    y, x = np.mgrid[: shape[0], : shape[1]]
    place = (x - start[0]) * along[0] + (y - start[1]) * along[1]
    across = -(x - start[0]) * along[1] + (y - start[1]) * along[0]
    points = round(length) + 1
    index = np.floor(place * (points - 1) / length + 0.5).astype(np.int64)
    inside = (index >= 0) & (index < points) & (np.abs(across) < max(width_px, 1.0) / 2 + 1e-9)
    if not inside.any():
        raise UserError("The profile line misses the map.", "Draw it over the map.")
    picked = np.flatnonzero(inside.ravel())
    of_point = index.ravel()[picked]
    sums = np.zeros((points, spectra.shape[1]))
    # pixel by pixel: picking all at once would copy the spectra
    order = np.argsort(of_point, kind="stable")
    for pixel, point in zip(picked[order], of_point[order]):
        sums[point] += spectra[pixel]
    count = np.bincount(of_point, minlength=points).astype(np.int64)
    return np.linspace(0, length, points), sums, count


def line_profiles(
    data: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    edges: Sequence[EdgeWindows],
    start: tuple[float, float],
    end: tuple[float, float],
    width_px: float = 1.0,
    *,
    anchor_px: float = 0.0,
    counts_per_electron: float = 1.0,
) -> list[LineProfile]:
    """Profiles of several edges along one line. Spectra are summed across the width first and fitted then.

    That keeps the background free of the bias that fitting few counts has, and the error band honest. `anchor_px` is the
    distance along the line that becomes 0, so that different maps line up on an interface.
    """
    axis = EnergyAxis.from_values(energy_eV)
    check_fit(as_spectra(data)[0], axis)
    distance, sums, count = line_spectra(data, start, end, width_px)
    profiles = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for edge in edges:
            found = map_edge(sums, axis, edge, detail="error", counts_per_electron=counts_per_electron)
            error = found.error if found.error is not None else np.full(count.size, np.nan)
            empty = count == 0
            per_pixel = [np.where(empty, np.nan, a / count) for a in (found.counts, error, found.background)]
            profiles.append(LineProfile(edge, distance - anchor_px, *per_pixel))
    return profiles


def find_interface(profile: ArrayLike, distance_px: ArrayLike) -> float:
    """Distance at which a profile rises or falls most steeply (centre of its largest step); NaN without a step."""
    values = np.asarray(profile, dtype=np.float64)
    places = np.asarray(distance_px, dtype=np.float64)
    if values.size < 3 or not np.isfinite(values).any():
        return float("nan")
    filled = np.interp(
        np.arange(values.size), np.flatnonzero(np.isfinite(values)), values[np.isfinite(values)]
    )
    slope = np.abs(np.gradient(filled))
    if slope.max() <= 0:
        return float("nan")
    top = int(slope.argmax())
    # the centre of gravity of the steepest stretch: finer than a pixel
    near = slice(max(0, top - 2), top + 3)
    return float((slope[near] * places[near]).sum() / slope[near].sum())
