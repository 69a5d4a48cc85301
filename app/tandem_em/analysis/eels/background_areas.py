"""Backgrounds from two areas: power law (the estimator of HyperSpy's fast mode) and exponential.

Only two sums per pixel enter, so a dragged window costs per pixel and not per channel. The exponent and the background
relative to the areas are functions of the areas' ratio alone: a table of them replaces powers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.eels.background import CurveForm, Detail, Solved, blank_runaways, chebyshev_series
from tandem_em.analysis.eels.windows import Channels, EnergyAxis
from tandem_em.core.numeric import Floats

CENTRE, REACH = 0.15, 0.55
"""Range of (area 1 - area 2) / (area 1 + area 2) covered by the series: areas from 0.43 to 5.7 to one."""


class TwoArea:
    """The two-area background of one pair of windows."""

    def __init__(self, power: bool, axis: EnergyAxis, channels: Channels) -> None:
        self.power = power
        self.channels = channels
        start, mid, stop = channels.fit_start, channels.fit_mid, channels.fit_stop
        self._x1, self._x2, self._x4 = axis.at(start), axis.at(mid), axis.at(stop)
        self._step = axis.step_eV
        energies = axis.values
        signal = energies[channels.signal_start : channels.signal_stop]
        centre = 0.5 * (axis.at(start) + axis.at(stop - 1))
        self.form = CurveForm(power, True, centre, 1.0)
        if power:
            r_per_rho = 2.0 / np.log(self._x4 * self._x2 / (self._x2 * self._x1))
            widths = np.log(self._x2 / self._x1), np.log(self._x4 / self._x2)
            self._u1, self._u2 = np.log(signal / self._x1), np.log(signal / self._x2)
            self._u_area = np.zeros(1)
            self._constants = np.array(
                [r_per_rho, self._x1, widths[0], self._x2, widths[1], np.log(self._step)]
            )
        else:
            self._u1, self._u2 = signal - self._x1, signal - self._x2
            self._u_area = energies[start:mid] - self._x1
            self._constants = np.array([1.0 / (self._x2 - self._x1), 0, 0, 0, 0, 0], dtype=np.float64)
        self._series, self._is_log = self._tables()

    def _log_ratio(self, rho: Floats, area: int, u: Floats) -> Floats:
        """log(background summed over the offsets u / counts of one area)."""
        slope = self._constants[0] * rho
        tail = -slope[..., None] * u
        largest = tail.max(axis=-1)
        # largest term first: the exponentials would overflow
        log_tail = largest + np.log(np.exp(tail - largest[..., None]).sum(axis=-1))
        if not self.power:
            log_area = np.log(np.exp(-slope[..., None] * self._u_area).sum(axis=-1))
            return np.asarray(log_tail - log_area)
        low, width = self._constants[1:3] if area == 1 else self._constants[3:5]
        z = (1.0 - slope) * width
        small = np.abs(z) < 1e-8
        # at an exponent of 1 the integral is a logarithm: 0/0 without this
        phi = np.where(small, 1.0 + 0.5 * z, np.expm1(z) / np.where(small, 1.0, z))
        return np.asarray(self._constants[5] - np.log(low) - np.log(width * phi) + log_tail)

    def _log_share(self, x: Floats) -> Floats:
        """log of background over the sum of both areas, at x = -1..1 of the series' range."""
        s = CENTRE + REACH * np.asarray(x, dtype=np.float64)
        return self._log_background(np.log1p(s), np.log1p(-s), self._u1, self._u2) - np.log(2.0)

    def _tables(self) -> tuple[Floats, bool]:
        """The Chebyshev series the compiled loop uses: of the share itself where that keeps its digits, else of its log."""
        plain = chebyshev_series(lambda x: np.exp(self._log_share(x)))
        test = np.linspace(-1, 1, 37)
        off = np.polynomial.chebyshev.chebval(test, plain) / np.exp(self._log_share(test)) - 1
        # the plain series spares an exponential per pixel; it is used where it is exact
        if np.abs(off).max() < 1e-12:
            return plain, False
        return chebyshev_series(self._log_share), True

    def solve(self, strip: NDArray[Any], detail: Detail) -> Solved:
        """From the spectra themselves, reading only their windows."""
        from tandem_em.analysis.eels.kernels import window_sums

        area_1, area_2, total = (np.empty(strip.shape[0]) for _ in range(3))
        c = self.channels
        window_sums(
            strip, c.fit_start, c.fit_mid, c.fit_stop, c.signal_start, c.signal_stop, area_1, area_2, total
        )
        return self.from_sums(area_1, area_2, total, detail)

    def from_sums(self, area_1: Floats, area_2: Floats, total: Floats, detail: Detail) -> Solved:
        """From sums that were prepared before."""
        solved = Solved(total, np.empty(area_1.shape[0]))
        self.close(area_1, area_2, solved.background)
        solved.runaways = blank_runaways(solved.background)
        if detail != "counts":
            solved.variance = self._variance(area_1, area_2, solved.background)
        if detail == "full":
            solved.coefficients = self._coefficients(area_1, area_2)
        return solved

    def close(self, area_1: Floats, area_2: Floats, background: Floats) -> None:
        """Background under the signal window, written into `background`."""
        from tandem_em.analysis.eels.kernels import close_two_area

        close_two_area(
            area_1, area_2, self.power, self._series, self._is_log, CENTRE, REACH, self._constants,
            self._u1, self._u2, self._u_area, background,
        )  # fmt: skip

    def _log_background(self, log_1: Floats, log_2: Floats, u1: Floats, u2: Floats) -> Floats:
        """log of the curve at offsets u from the logarithms of both areas."""
        rho = log_1 - log_2
        mixed = np.logaddexp(2 * log_1 + self._log_ratio(rho, 1, u1), 2 * log_2 + self._log_ratio(rho, 2, u2))
        return np.asarray(mixed - np.logaddexp(log_1, log_2))

    def _variance(self, area_1: Floats, area_2: Floats, background: Floats) -> Floats:
        """Variance of the background from the counting noise of both areas (Egerton's extrapolation error).

        The background is of first order in the areas, so variance × counts / background² depends on rho alone.
        """
        rho = np.linspace(-3.0, 4.0, 141)
        log_1, log_2 = -np.logaddexp(0, -rho), -np.logaddexp(0, rho)
        h = 1e-5
        slope_1 = self._log_background(log_1 + h, log_2, self._u1, self._u2)
        slope_1 = (slope_1 - self._log_background(log_1 - h, log_2, self._u1, self._u2)) / (2 * h)
        # d log B / d log I1 + d log B / d log I2 = 1
        relative = slope_1**2 / np.exp(log_1) + (1 - slope_1) ** 2 / np.exp(log_2)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(area_1 / area_2)
            factor = np.interp(np.where(np.isfinite(found), found, 0.0), rho, relative)
            return np.asarray(background**2 * factor / (area_1 + area_2))

    def _coefficients(self, area_1: Floats, area_2: Floats) -> Floats:
        good = (area_1 > 0) & (area_2 > 0) & np.isfinite(area_1) & np.isfinite(area_2)
        log_1, log_2 = np.log(np.where(good, area_1, 1.0)), np.log(np.where(good, area_2, 1.0))
        centre = self.form.centre_eV
        if self.power:
            u1, u2 = np.log([centre / self._x1]), np.log([centre / self._x2])
        else:
            u1, u2 = np.array([centre - self._x1]), np.array([centre - self._x2])
        height = self._log_background(log_1, log_2, u1, u2)
        slope = -self._constants[0] * (log_1 - log_2)
        return np.where(good[:, None], np.stack([height, slope], axis=1), np.nan)
