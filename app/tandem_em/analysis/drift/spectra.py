"""Frames as small spectra, and the shift between two of them; the arithmetic behind the drift estimate.

A shift is (x, y) in bins: content that moved by a shift has its spectrum multiplied by exp(-2πi k·shift).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

Spectrum = NDArray[np.complex64]
SMOOTH = 5
"""Neighbouring frequencies whose power is averaged to tell signal from noise."""
NEARBY = 4
"""Cells of the coarse search around where the frame was expected."""
LEAP = 2.0
"""Deviations by which a place farther away must be better: a sample seldom jumps, and noise has many places."""
SURELY = 1.6
"""Times the noise: of 25 averaged powers of noise alone one in a thousand is higher."""


@dataclass(frozen=True)
class Grid:
    """Size of the binned frames, and the low frequencies (cycles per bin) that are kept of them."""

    rows: int
    columns: int
    ky: Floats
    kx: Floats

    @classmethod
    def of(cls, rows: int, columns: int, highest: float = 0.3) -> Grid:
        """The grid of frames of so many binned rows and columns; `highest` is in cycles per bin."""
        ny, nx = max(3, int(highest * rows)), max(3, int(highest * columns))
        return cls(rows, columns, np.r_[0 : ny + 1, -ny:0] / rows, np.arange(nx + 1) / columns)

    def spectrum(self, image: NDArray[np.float32]) -> Spectrum:
        """Kept part of the transform of a flattened frame; the mean is dropped."""
        from scipy import fft

        whole = fft.rfft(image, axis=1)[:, : self.kx.size]
        ny = self.ky.size // 2
        columns = fft.fft(whole, axis=0)
        kept = np.concatenate([columns[: ny + 1], columns[-ny:]])
        # mean brightness says nothing about the drift
        kept[0, 0] = 0
        return np.asarray(kept, np.complex64)

    def ramp(self, shift: Floats) -> Spectrum:
        """Factor that moves content by a shift."""
        y = np.exp(-2j * np.pi * self.ky * shift[1])
        x = np.exp(-2j * np.pi * self.kx * shift[0])
        return np.asarray(y[:, None] * x[None, :], np.complex64)


def noise_power(spectrum: Spectrum) -> float:
    """Power per frequency of the counting noise, from the highest frequencies kept."""
    ny = spectrum.shape[0] // 2
    edge = spectrum[ny - ny // 8 : ny + ny // 8 + 1, -max(2, spectrum.shape[1] // 8) :]
    # median to mean of exponentially distributed power
    return float(np.median(np.abs(edge) ** 2) / np.log(2)) + 1e-12


def coarse_shift(grid: Grid, product: Spectrum) -> tuple[Floats, float]:
    """Whole-frame search: shift in bins to about half a bin, and how many deviations the peak stands out; a leap has to pay."""
    from scipy import fft

    correlation = fft.fftshift(fft.irfft2(product))
    rows, columns = correlation.shape
    spread = float(np.median(np.abs(correlation))) * 1.4826 + 1e-20
    place = _highest(correlation, range(rows), range(columns))
    near = _highest(correlation, *(range(n // 2 - NEARBY, n // 2 + NEARBY + 1) for n in (rows, columns)))
    # noise has its highest place anywhere: one far away must win clearly
    if correlation[place] < correlation[near] + LEAP * spread:
        place = near
    row, column = place[0] - rows // 2, place[1] - columns // 2
    return np.array([column * grid.columns / columns, row * grid.rows / rows]), float(
        correlation[place] / spread
    )


def _highest(correlation: Floats, rows: range, columns: range) -> tuple[int, int]:
    """Row and column of the top of a part of a correlation; a part that sticks out is cut off."""
    top, left = max(0, rows.start), max(0, columns.start)
    part = correlation[top : rows.stop, left : columns.stop]
    row, column = divmod(int(np.argmax(part)), part.shape[1])
    return top + row, left + column


def cross(
    frame: Spectrum, reference: Spectrum, noise: float, clutter: float, averaged: float = 1.0
) -> Spectrum:
    """Product whose transform peaks at the shift of the frame.

    Each frequency is weighted against the noise and against contents that change: `clutter`, a share of the signal.
    The reference is the mean of `averaged` frames; where its power is no more than their noise it says nothing and
    counts nothing, or the many empty high frequencies would outvote the few that show something.
    """
    from scipy.ndimage import uniform_filter

    left = noise / averaged
    power = uniform_filter(np.abs(reference) ** 2, SMOOTH, mode=("wrap", "nearest"))
    # what is not surely above its noise has no vote
    signal = np.maximum(power - SURELY * left, 0.0)
    weight = signal / (signal + left) / (noise + clutter * signal)
    return np.asarray(frame * np.conj(reference) * weight, np.complex64)


def fine_shift(grid: Grid, product: Spectrum, start: Floats, rounds: int = 6) -> tuple[Floats, Floats]:
    """Climb to the top of the correlation from a start (Newton); also the curvature there, a 2x2 weight."""
    shift = np.array(start, float)
    curvature = np.eye(2)
    kx = 2 * np.pi * grid.kx
    twice = np.where(grid.kx > 0, 2.0, 1.0)  # the half that a real transform leaves out
    for _ in range(rounds):
        slope, curvature = _slope_and_curvature(grid, product, shift, kx, twice)
        step = _uphill(slope, curvature)
        shift += step
        if np.abs(step).max() < 1e-4:
            break
    return shift, curvature


def _slope_and_curvature(grid: Grid, product: Spectrum, shift: Floats, kx: Floats, twice: Floats) -> Any:
    ky = 2 * np.pi * grid.ky
    wave_y = np.exp(1j * ky * shift[1])
    waves = np.stack([wave_y, 1j * ky * wave_y, -(ky**2) * wave_y]).astype(np.complex64)
    rows = np.einsum(
        "ny,yx->nx", waves, product
    )  # too small for BLAS, whose threads would wait for one another
    wave_x = np.exp(1j * kx * shift[0]) * twice
    s = [[float((row * wave_x * (1j * kx) ** n).sum().real) for n in range(3)] for row in rows]
    slope = np.array([s[0][1], s[1][0]])
    curvature = -np.array([[s[0][2], s[1][1]], [s[1][1], s[2][0]]])
    return slope, curvature


def _uphill(slope: Floats, curvature: Floats) -> Floats:
    """Newton step, at most half a bin; straight up the slope where the top is not yet near."""
    try:
        values, vectors = np.linalg.eigh(curvature)
    except np.linalg.LinAlgError:
        return np.zeros(2)
    # Newton goes downhill where the curvature has the wrong sign: its amount still scales the step
    values = np.maximum(np.abs(values), 1e-12 + 1e-3 * np.abs(values).max())
    step = vectors @ ((vectors.T @ slope) / values)
    length = float(np.hypot(*step))
    # half a bin at most: the parabola holds no further
    return np.asarray(step * min(1.0, 0.5 / (length + 1e-12)))
