"""Backgrounds fitted by least squares: polynomial, power law, and polynomial of the logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.background import (
    CurveForm,
    Detail,
    Solved,
    blank_runaways,
    chebyshev_series,
    signal_nodes,
)
from tandem_em.analysis.eels.windows import Channels, EnergyAxis
from tandem_em.core.numeric import Floats

ORDERS = 11
SERIES_REACH = 0.75
"""With eleven moments the power series of exp(-d t) is good to 1e-9 for |d| up to this."""


class PolynomialFit:
    """Least-squares polynomial of the counts; the background is a fixed weighted sum of the fit channels."""

    def __init__(self, order: int, axis: EnergyAxis, channels: Channels) -> None:
        self.channels = channels
        energies = axis.values
        window = energies[channels.fit_start : channels.fit_stop]
        # powers of -1..1: those of plain eV would lose the digits
        half = max(0.5 * (window[-1] - window[0]), 0.5 * axis.step_eV)
        self.form = CurveForm(False, False, float(window.mean()), float(half))
        powers = np.vander(self.form.variable(window), order + 1, increasing=True)
        self._solver = np.linalg.pinv(powers)
        signal = energies[channels.signal_start : channels.signal_stop]
        tail = np.vander(self.form.variable(signal), order + 1, increasing=True).sum(axis=0)
        self.weights = np.ascontiguousarray(tail @ self._solver)

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """Background and its variance from fixed weights; NaN in dead pixels."""
        from tandem_em.analysis.eels.kernels_fits import weighted_sums

        c = self.channels
        background, variance, total = (np.empty(strip.shape[0]) for _ in range(3))
        weighted_sums(
            strip, self.weights, c.fit_start, c.signal_start, c.signal_stop, background, variance, total
        )
        # a fit window of nothing but zeros is a dead pixel, not a background of zero
        dead = (variance == 0) & (background == 0)
        background[dead] = np.nan
        solved = Solved(total, background, np.maximum(variance, 0.0))
        solved.runaways = blank_runaways(background, solved.variance)
        if detail == "full":
            window = strip[:, c.fit_start : c.fit_stop].astype(np.float64)
            solved.coefficients = window @ self._solver.T
            solved.coefficients[dead] = np.nan
        return solved


class LogPolynomial:
    """Polynomial of log counts against log energy, fitted to a few areas of the window, weighted by their counts."""

    def __init__(self, order: int, axis: EnergyAxis, channels: Channels) -> None:
        self.channels = channels
        energies = axis.values
        window = energies[channels.fit_start : channels.fit_stop]
        centre = float(np.sqrt(window[0] * window[-1]))
        half = float(max(np.log(window[-1] / centre), 1e-9))
        self.form = CurveForm(True, True, centre, half)
        # few areas hold many counts each, so that their logarithm is hardly biased
        areas = min(window.size, max(6, 2 * (order + 1)))
        # counted from the start of the window, so that the same window has the same areas wherever the data begin
        self._bounds = channels.fit_start + np.floor(np.linspace(0, window.size, areas + 1) + 0.5).astype(
            np.int64
        )
        # ones and zeros: sums of all areas in one pass over the window
        inside = np.arange(window.size) + channels.fit_start
        self._inside = 1.0 * ((inside >= self._bounds[:-1, None]) & (inside < self._bounds[1:, None]))
        t = self.form.variable(window)
        parts = np.split(t, self._bounds[1:-1] - channels.fit_start)
        self._channels = np.array([part.size for part in parts], dtype=np.float64)
        self._spreads = np.array([part.var() for part in parts])
        self._powers = np.vander([part.mean() for part in parts], order + 1, increasing=True)
        nodes, self._node_weights = signal_nodes(axis, channels, 6)
        self._nodes = np.ascontiguousarray(np.vander(self.form.variable(nodes), order + 1, increasing=True))
        self._powers = np.ascontiguousarray(self._powers)

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """Fits every spectrum of the strip by itself; NaN where the fit has no answer."""
        from tandem_em.analysis.eels.kernels_fits import fit_log_polynomial, moments

        pixels, c = strip.shape[0], self.channels
        areas = np.empty((pixels, self._bounds.size - 1))
        background, variance, total = (np.empty(pixels) for _ in range(3))
        coefficients = np.empty((pixels, self._powers.shape[1]))
        moments(strip, self._inside, c.fit_start, c.signal_start, c.signal_stop, areas, total)
        fit_log_polynomial(
            areas, self._channels, self._spreads, self._powers, self._nodes, self._node_weights,
            coefficients, background, variance,
        )  # fmt: skip
        # The fit knows the error of the logarithm. Far out that is large, and counts then err much more upwards than a
        # straight line tells: taken as straight, one in four pixels lay beyond two errors. (Too large: blanked below.)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            of_log = variance / background**2
            variance = np.where(background > 0, background**2 * np.expm1(of_log) * np.exp(of_log), variance)
        runaways = blank_runaways(background, variance)
        return Solved(total, background, variance, coefficients if detail == "full" else None, runaways)


class PowerLawFit:
    """Non-linear least-squares power law, from moments of the fit window and Newton steps on them."""

    def __init__(self, axis: EnergyAxis, channels: Channels, sample: NDArray[Any]) -> None:
        self.channels = channels
        energies = axis.values
        window = energies[channels.fit_start : channels.fit_stop]
        centre = float(np.sqrt(window[0] * window[-1]))
        half = float(np.log(window[-1] / centre))
        self.form = CurveForm(True, True, centre, half)
        self._t = np.ascontiguousarray(self.form.variable(window))
        self._t_signal = np.ascontiguousarray(
            self.form.variable(energies[channels.signal_start : channels.signal_stop])
        )
        # Newton starts here, and the moments are expanded around it
        self._base = self._typical_exponent(sample)
        self._weights = np.ascontiguousarray(
            np.exp(-self._base * self._t) * self._t ** np.arange(ORDERS)[:, None]
        )
        squares = np.exp(-2 * self._base * self._t)
        terms = np.arange(19)
        factorials = np.cumprod(np.r_[1.0, terms[1:]])
        self._norm = (squares[:, None] * (-2 * self._t[:, None]) ** terms / factorials).sum(axis=0)
        self._tail = chebyshev_series(lambda x: self._log_tail(self._base + 2 * x))

    def _log_tail(self, exponent: Floats) -> Floats:
        power = -exponent[..., None] * self._t_signal
        # taken out, or the exponentials would overflow
        largest = power.max(axis=-1, keepdims=True)
        return np.asarray(largest[..., 0] + np.log(np.exp(power - largest).sum(axis=-1)))

    def _typical_exponent(self, sample: NDArray[Any]) -> float:
        """Scaled exponent of the mean spectrum of a few pixels: the point the power series is built around."""
        c = self.channels
        window = np.nan_to_num(sample[:, c.fit_start : c.fit_stop].astype(np.float64), posinf=0.0, neginf=0.0)
        spectrum = window.sum(axis=0)
        low, high = spectrum[: window.shape[1] // 2], spectrum[window.shape[1] // 2 :]
        # no counts in one half: the usual exponent of 3
        if low.mean() <= 0 or high.mean() <= 0:
            return 3.0 * self.form.scale
        found = float(np.log(low.mean() / high.mean()))
        apart = float(self._t[window.shape[1] // 2 :].mean() - self._t[: max(1, window.shape[1] // 2)].mean())
        return float(np.clip(found / apart, -10.0, 10.0)) if apart > 0 else 3.0 * self.form.scale

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """Fits every spectrum of the strip by itself; what runs away is blank and counted."""
        from tandem_em.analysis.eels.kernels_fits import fit_power_law, moments, power_law_tail

        pixels, c = strip.shape[0], self.channels
        moment = np.empty((pixels, ORDERS))
        total, log_level, exponent, background = (np.empty(pixels) for _ in range(4))
        moments(strip, self._weights, c.fit_start, c.signal_start, c.signal_stop, moment, total)
        fit_power_law(
            strip, c.fit_start, moment, self._norm, self._t, self._base, SERIES_REACH, log_level, exponent
        )
        power_law_tail(log_level, exponent, self._tail, self._base, 2.0, self._t_signal, background)
        solved = Solved(total, background, runaways=blank_runaways(background))
        if detail != "counts":
            solved.variance = self._variance(log_level, exponent, background)
        if detail == "full":
            solved.coefficients = np.stack([log_level, -exponent], axis=1)
        return solved

    def _variance(self, log_level: Floats, exponent: Floats, background: Floats) -> Floats:
        """Variance of the background from the counting noise of the fit window.

        For a curve level·f(t) it is background² / level times a function of the exponent, tabulated here.
        """
        good = np.isfinite(exponent)
        if not good.any():
            return np.full_like(background, np.nan)
        # the variance depends on the exponent alone: a table instead of a matrix per pixel
        grid = np.linspace(exponent[good].min() - 1e-6, exponent[good].max() + 1e-6, 65)
        table = np.array([self._relative_variance(value) for value in grid])
        factor = np.interp(np.where(good, exponent, grid[0]), grid, table)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(background**2 * factor * np.exp(-log_level))

    def _relative_variance(self, exponent: float) -> float:
        curve = np.exp(-exponent * self._t)
        design = np.stack([curve, -self._t * curve], axis=1)
        inverse = np.linalg.pinv(design.T @ design)
        covariance = inverse @ (design.T * curve @ design) @ inverse
        signal = np.exp(-exponent * self._t_signal)
        gradient = np.array([signal.sum(), -(self._t_signal * signal).sum()]) / signal.sum()
        return float(gradient @ covariance @ gradient)
