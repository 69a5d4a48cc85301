"""Compiled loops over the pixels of spectrum images. Import late: numba costs a quarter of a second.

Every kernel takes pixels as rows of a C-contiguous (pixels, channels) array and writes float64 results. NaN travels
through sums on purpose: a pixel with a broken channel in its window ends up blank. Sums may be reordered (that is
what lets them vectorise), but NaN and infinity keep their meaning.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"reassoc", "nsz", "contract", "arcp"}


@njit(cache=True, nogil=True, fastmath=FAST)
def window_sums(data, start, mid, stop, first, last, area_1, area_2, total):  # type: ignore[no-untyped-def]
    """Sums of both background areas and of the signal window of each pixel."""
    for pixel in range(data.shape[0]):
        one = 0.0
        for value in data[pixel, start:mid]:
            one += value
        two = 0.0
        for value in data[pixel, mid:stop]:
            two += value
        signal = 0.0
        for value in data[pixel, first:last]:
            signal += value
        area_1[pixel] = one
        area_2[pixel] = two
        total[pixel] = signal


@njit(cache=True, nogil=True)
def chebyshev(coefficients, x):  # type: ignore[no-untyped-def]
    """Value of a Chebyshev series at x in [-1, 1] (Clenshaw)."""
    b1 = 0.0
    b2 = 0.0
    twice = 2.0 * x
    for k in range(coefficients.shape[0] - 1, 0, -1):
        b1, b2 = coefficients[k] + twice * b1 - b2, b1
    return coefficients[0] + x * b1 - b2


@njit(cache=True, nogil=True)
def log_power_law_ratio(rho, r_per_rho, x_low, log_width, u_signal, log_step):  # type: ignore[no-untyped-def]
    """log of (background in the signal window / counts of one area) when the areas say A x^-r; areas end at centres."""
    r = r_per_rho * rho
    z = (1.0 - r) * log_width
    # stays exact where the exponent is close to 1
    phi = math.expm1(z) / z if abs(z) > 1e-8 else 1.0 + 0.5 * z
    # the largest exponent is taken out, so that nothing overflows
    largest = -r * u_signal[0] if r >= 0 else -r * u_signal[-1]
    tail = 0.0
    for u in u_signal:
        tail += math.exp(-r * u - largest)
    return log_step - math.log(x_low) - math.log(log_width * phi) + math.log(tail) + largest


@njit(cache=True, nogil=True)
def log_exponential_ratio(rho, rate_per_rho, u_area, u_signal):  # type: ignore[no-untyped-def]
    """The same for an exponential: log of (sum over the signal channels / sum over the channels of one area)."""
    rate = rate_per_rho * rho
    shift = -rate * u_signal[0]
    tail = 0.0
    for u in u_signal:
        tail += math.exp(-rate * u - shift)
    area = 0.0
    base = -rate * u_area[0]
    for u in u_area:
        area += math.exp(-rate * u - base)
    return math.log(tail) + shift - math.log(area) - base


@njit(cache=True, nogil=True)
def _direct_ratio(power, which, rho, constants, u_signal_1, u_signal_2, u_area):  # type: ignore[no-untyped-def]
    if power:
        if which == 1:
            return log_power_law_ratio(
                rho, constants[0], constants[1], constants[2], u_signal_1, constants[5]
            )
        return log_power_law_ratio(rho, constants[0], constants[3], constants[4], u_signal_2, constants[5])
    return log_exponential_ratio(rho, constants[0], u_area, u_signal_1 if which == 1 else u_signal_2)


TILE = 64


@njit(cache=True, nogil=True, fastmath={"contract"})
def _series_tile(coefficients, x, b1, b2):  # type: ignore[no-untyped-def]
    """Values of a Chebyshev series at a tile of places, left in b1. Pixels side by side, so that it vectorises."""
    for j in range(TILE):
        b1[j] = 0.0
        b2[j] = 0.0
    for k in range(coefficients.shape[0] - 1, 0, -1):
        c = coefficients[k]
        for j in range(TILE):
            new = c + 2.0 * x[j] * b1[j] - b2[j]
            b2[j] = b1[j]
            b1[j] = new
    c = coefficients[0]
    for j in range(TILE):
        b1[j] = c + x[j] * b1[j] - b2[j]


@njit(cache=True, nogil=True)
def close_two_area(  # type: ignore[no-untyped-def]
    area_1,
    area_2,
    power,
    series,
    is_log,
    centre,
    reach,
    constants,
    u_signal_1,
    u_signal_2,
    u_area,
    background,
):
    """Background under the signal window from the two area sums; NaN where there is no fit.

    The background over the sum of both areas depends on s = (area 1 - area 2) / (area 1 + area 2) alone, so one Chebyshev
    series (of it or of its logarithm) replaces a power per channel; a pixel outside its range is summed by channels.
    """
    x = np.empty(TILE)
    b1 = np.empty(TILE)
    b2 = np.empty(TILE)
    pixels = area_1.shape[0]
    for begin in range(0, pixels, TILE):
        number = min(TILE, pixels - begin)
        for j in range(number):
            one = area_1[begin + j]
            two = area_2[begin + j]
            x[j] = ((one - two) / (one + two) - centre) / reach if one + two != 0.0 else math.nan
        _series_tile(series, x, b1, b2)
        for j in range(number):
            one = area_1[begin + j]
            two = area_2[begin + j]
            if not (one > 0.0 and two > 0.0 and one < math.inf and two < math.inf):
                background[begin + j] = math.nan
            # nearly every pixel; outside the series holds no more
            elif -1.0 <= x[j] <= 1.0:
                background[begin + j] = (one + two) * (math.exp(b1[j]) if is_log else b1[j])
            else:
                rho = math.log(one / two)
                ratio_1 = math.exp(_direct_ratio(power, 1, rho, constants, u_signal_1, u_signal_2, u_area))
                ratio_2 = math.exp(_direct_ratio(power, 2, rho, constants, u_signal_1, u_signal_2, u_area))
                background[begin + j] = (ratio_1 * one * one + ratio_2 * two * two) / (one + two)
