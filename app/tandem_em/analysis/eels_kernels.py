"""Compiled loops over the pixels of spectrum images. Import late: numba costs a quarter of a second.

Every kernel takes pixels as rows of a C-contiguous (pixels, channels) array and writes float64 results. NaN travels
through sums on purpose: a pixel with a broken channel in its window ends up blank. Sums may be reordered (that is
what lets them vectorise), but NaN and infinity keep their meaning.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FAST = {"reassoc", "nsz", "contract", "arcp"}
FloatArray = NDArray[Any]


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


@njit(cache=True, nogil=True, fastmath=FAST)
def weighted_sums(data, weights, start, first, last, fitted, variance, total):  # type: ignore[no-untyped-def]
    """Background as a weighted sum of the fit channels, its counting variance, and the signal sum of each pixel."""
    n = weights.shape[0]
    for pixel in range(data.shape[0]):
        row = data[pixel, start : start + n]
        value = 0.0
        spread = 0.0
        for i in range(n):
            part = weights[i] * row[i]
            value += part
            spread += weights[i] * part
        signal = 0.0
        for count in data[pixel, first:last]:
            signal += count
        fitted[pixel] = value
        variance[pixel] = spread
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
    phi = math.expm1(z) / z if abs(z) > 1e-8 else 1.0 + 0.5 * z
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
            elif -1.0 <= x[j] <= 1.0:
                background[begin + j] = (one + two) * (math.exp(b1[j]) if is_log else b1[j])
            else:
                rho = math.log(one / two)
                ratio_1 = math.exp(_direct_ratio(power, 1, rho, constants, u_signal_1, u_signal_2, u_area))
                ratio_2 = math.exp(_direct_ratio(power, 2, rho, constants, u_signal_1, u_signal_2, u_area))
                background[begin + j] = (ratio_1 * one * one + ratio_2 * two * two) / (one + two)


@njit(cache=True, nogil=True, fastmath=FAST)
def moments(data, weights, start, first, last, out, total):  # type: ignore[no-untyped-def]
    """Weighted moments of the fit channels (orders, channels) and the signal sum of each pixel."""
    orders, n = weights.shape
    row = np.empty(n)
    for pixel in range(data.shape[0]):
        row[:] = data[pixel, start : start + n]
        for k in range(orders):
            value = 0.0
            for i in range(n):
                value += row[i] * weights[k, i]
            out[pixel, k] = value
        signal = 0.0
        for count in data[pixel, first:last]:
            signal += count
        total[pixel] = signal


@njit(cache=True, nogil=True)
def _slopes(series, x):  # type: ignore[no-untyped-def]
    """Value, first and second derivative of a plain polynomial."""
    value = 0.0
    slope = 0.0
    bend = 0.0
    for k in range(series.shape[0] - 1, -1, -1):
        bend = bend * x + 2.0 * slope
        slope = slope * x + value
        value = value * x + series[k]
    return value, slope, bend


@njit(cache=True, nogil=True)
def _newton_step(p, p1, p2, q, q1, q2):  # type: ignore[no-untyped-def]
    """Step towards the largest p²/q from their values and two derivatives."""
    gradient = 2.0 * p1 / p - q1 / q
    curvature = 2.0 * (p2 * p - p1 * p1) / (p * p) - (q2 * q - q1 * q1) / (q * q)
    if curvature >= 0.0:
        return 0.5 if gradient > 0.0 else -0.5
    return max(-2.0, min(2.0, -gradient / curvature))


@njit(cache=True, nogil=True)
def _exact_slopes(row, start, t, d):  # type: ignore[no-untyped-def]
    """p, q and their derivatives summed channel by channel, for exponents far from the expected one."""
    p = p1 = p2 = q = q1 = q2 = 0.0
    largest = max(-d * t[0], -d * t[t.shape[0] - 1])
    for i in range(t.shape[0]):
        f = math.exp(-d * t[i] - largest)
        y = row[start + i] * f
        p += y
        p1 -= y * t[i]
        p2 += y * t[i] * t[i]
        g = f * f
        q += g
        q1 -= 2.0 * g * t[i]
        q2 += 4.0 * g * t[i] * t[i]
    return p, p1, p2, q, q1, q2, largest


@njit(cache=True, nogil=True)
def fit_power_law(data, start, moment, norm, t, base, reach, log_level, exponent):  # type: ignore[no-untyped-def]
    """Least-squares power law of each pixel: level at the window centre and (r - r0), from its moments.

    With t = log(x / centre) / half width and the curve level·exp(-(d0 + d) t), the best d makes p(d)²/q(d) largest:
    p is the data projected on the curve, a power series in d whose coefficients are the moments; q belongs to the
    window alone. |d| beyond `reach` (where the series would lose digits) is iterated on the channels themselves.
    """
    orders = moment.shape[1]
    series = moment[0].copy()
    for pixel in range(moment.shape[0]):
        factor = 1.0
        for k in range(orders):
            series[k] = moment[pixel, k] * factor
            factor *= -1.0 / (k + 1)
        d = 0.0
        step = math.inf
        p = q = 0.0
        exact = False
        log_scale = 0.0
        for _ in range(60):
            if not exact and abs(d) > reach:
                exact = True
            if exact:
                p, p1, p2, q, q1, q2, log_scale = _exact_slopes(data[pixel], start, t, base + d)
            else:
                p, p1, p2 = _slopes(series, d)
                q, q1, q2 = _slopes(norm, d)
            if not (p > 0.0 and q > 0.0 and p < math.inf):
                step = math.nan
                break
            step = _newton_step(p, p1, p2, q, q1, q2)
            d += step
            if abs(step) < 1e-5:
                # Newton doubles the digits: the next step would be 1e-10
                p += p1 * step
                q += q1 * step
                break
            if abs(base + d) > 60.0:
                step = math.nan
                break
        if abs(step) < 1e-5:
            log_level[pixel] = math.log(p / q) - log_scale
            exponent[pixel] = base + d
        else:
            log_level[pixel] = math.nan
            exponent[pixel] = math.nan


@njit(cache=True, nogil=True)
def _factor(matrix):  # type: ignore[no-untyped-def]
    """Cholesky factor of a small symmetric matrix, in place of its lower half; False when it is not positive."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(i + 1):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            if i == j:
                if not value > 1e-12 * (1.0 + abs(matrix[i, i])):
                    return False
                matrix[i, i] = math.sqrt(value)
            else:
                matrix[i, j] = value / matrix[j, j]
    return True


@njit(cache=True, nogil=True)
def _solve_factored(factor, right):  # type: ignore[no-untyped-def]
    """Solve in place with a Cholesky factor."""
    n = factor.shape[0]
    for i in range(n):
        for k in range(i):
            right[i] -= factor[i, k] * right[k]
        right[i] /= factor[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= factor[k, i] * right[k]
        right[i] /= factor[i, i]


@njit(cache=True, nogil=True)
def _weigh_areas(counts, powers, normal):  # type: ignore[no-untyped-def]
    """Normal matrix of heights weighted by counts; how many areas take part, -1 when one is not a number."""
    n = powers.shape[1]
    normal[:, :] = 0.0
    usable = 0
    for a in range(counts.shape[0]):
        weight = counts[a]
        if not -math.inf < weight < math.inf:
            return -1
        if weight <= 0.0:
            continue
        usable += 1
        for i in range(n):
            part = weight * powers[a, i]
            for j in range(i + 1):
                normal[i, j] += part * powers[a, j]
    return usable


@njit(cache=True, nogil=True)
def _bend(coefficients, t, spread):  # type: ignore[no-untyped-def]
    """How far log(mean) of an area lies above log(value at its centre), to second order."""
    slope = 0.0
    curve = 0.0
    for k in range(coefficients.shape[0] - 1, 0, -1):
        curve = curve * t + slope
        slope = slope * t + k * coefficients[k]
    return 0.5 * spread * (slope * slope + curve)


@njit(cache=True, nogil=True)
def fit_log_polynomial(  # type: ignore[no-untyped-def]
    areas, channels, spreads, powers, nodes, node_weights, coefficients, background, variance
):
    """log counts of the areas as a polynomial, weighted by their counts; background at the signal nodes; its variance.

    powers (areas, order + 1) and nodes (nodes, order + 1) hold the powers of the scaled log energy t, spreads the
    variance of t within each area.
    """
    n_areas, n = powers.shape
    normal = powers[:n, :n].copy()
    found = np.zeros(n)
    right = np.zeros(n)
    gradient = np.zeros(n)
    logs = np.zeros(n_areas)
    for pixel in range(areas.shape[0]):
        background[pixel] = math.nan
        variance[pixel] = math.nan
        coefficients[pixel, :] = math.nan
        usable = _weigh_areas(areas[pixel], powers, normal)
        if usable < n or not _factor(normal):
            continue
        for a in range(n_areas):
            logs[a] = math.log(max(areas[pixel, a], 1e-300) / channels[a])
        for turn in range(2 if n > 1 else 1):
            right[:] = 0.0
            for a in range(n_areas):
                weight = areas[pixel, a]
                if weight > 0.0:
                    height = weight * (logs[a] - (_bend(found, powers[a, 1], spreads[a]) if turn else 0.0))
                    for i in range(n):
                        right[i] += height * powers[a, i]
            _solve_factored(normal, right)
            found[:] = right
        value = 0.0
        gradient[:] = 0.0
        for k in range(nodes.shape[0]):
            height = 0.0
            for i in range(n):
                height += found[i] * nodes[k, i]
            part = node_weights[k] * math.exp(min(height, 700.0))
            value += part
            for i in range(n):
                gradient[i] += part * nodes[k, i]
        # variance = |L⁻¹ gradient|², L the factor left in `normal`
        spread = 0.0
        for i in range(n):
            for k in range(i):
                gradient[i] -= normal[i, k] * gradient[k]
            gradient[i] /= normal[i, i]
            spread += gradient[i] * gradient[i]
        background[pixel] = value
        variance[pixel] = spread
        for i in range(n):
            coefficients[pixel, i] = found[i]


@njit(cache=True, nogil=True)
def power_law_tail(log_level, exponent, series, centre, reach, t_signal, background):  # type: ignore[no-untyped-def]
    """Sum of level·exp(-exponent·t) over the signal channels of each pixel."""
    for pixel in range(log_level.shape[0]):
        x = (exponent[pixel] - centre) / reach
        if -1.0 <= x <= 1.0:
            background[pixel] = math.exp(log_level[pixel] + chebyshev(series, x))
        else:
            value = 0.0
            for t in t_signal:
                value += math.exp(log_level[pixel] - exponent[pixel] * t)
            background[pixel] = value


@njit(cache=True, nogil=True)
def residuals(data, start, t, coefficients, log_counts, rms, chi2):  # type: ignore[no-untyped-def]
    """Root mean square of (data - background) in the fit window, and its mean square in units of the counting noise."""
    n = t.shape[0]
    orders = coefficients.shape[1]
    for pixel in range(data.shape[0]):
        squares = 0.0
        scaled = 0.0
        for i in range(n):
            value = 0.0
            for k in range(orders - 1, -1, -1):
                value = value * t[i] + coefficients[pixel, k]
            if log_counts:
                value = math.exp(value)
            off = data[pixel, start + i] - value
            squares += off * off
            scaled += off * off / max(value, 1e-12)
        rms[pixel] = math.sqrt(squares / n)
        chi2[pixel] = scaled / n


@njit(cache=True, nogil=True, fastmath=FAST)
def block_sum(row):  # type: ignore[no-untyped-def]
    """Sum of a few channels."""
    value = 0.0
    for count in row:
        value += count
    return value


@njit(cache=True, nogil=True)
def block_prefix(data, block, prefix, odd):  # type: ignore[no-untyped-def]
    """Running sums at every block-th channel (blocks + 1, pixels); non-finite values count 0 and mark the pixel.

    Pixels are taken in tiles of eight so that each write fills a cache line.
    """
    pixels, channels = data.shape
    blocks = prefix.shape[0] - 1
    for begin in range(0, pixels, 8):
        end = min(begin + 8, pixels)
        for pixel in range(begin, end):
            prefix[0, pixel] = 0.0
        for b in range(blocks):
            first = b * block
            last = min(first + block, channels)
            for pixel in range(begin, end):
                value = block_sum(data[pixel, first:last])
                if not (-math.inf < value < math.inf):
                    odd[pixel] = True
                    value = 0.0
                    for i in range(first, last):
                        one = float(data[pixel, i])
                        if -math.inf < one < math.inf:
                            value += one
                prefix[b + 1, pixel] = prefix[b, pixel] + value


@njit(cache=True, nogil=True)
def unfold(data, before, first, start, stop, base, rows):  # type: ignore[no-untyped-def]
    """Turn channels start to stop into rows of pixels, exactly as they are; `base` becomes the running sum before them.

    `before` is the running sum at channel `first` <= start. Pixels are taken in tiles so that writes fill cache lines.
    """
    pixels = data.shape[0]
    for begin in range(0, pixels, 16):
        end = min(begin + 16, pixels)
        for pixel in range(begin, end):
            base[pixel] = before[pixel] + block_sum(data[pixel, first:start])
        for i in range(start, stop):
            for pixel in range(begin, end):
                rows[i - start, pixel] = data[pixel, i]


@njit(cache=True, nogil=True)
def add_rows(base, rows, number, out):  # type: ignore[no-untyped-def]
    """`base` plus the first rows."""
    pixels = base.shape[0]
    for begin in range(0, pixels, 1024):
        end = min(begin + 1024, pixels)
        out[begin:end] = base[begin:end]
        for k in range(number):
            row = rows[k]
            for pixel in range(begin, end):
                out[pixel] += row[pixel]
