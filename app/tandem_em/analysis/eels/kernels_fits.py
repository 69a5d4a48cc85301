"""Compiled loops of the least-squares backgrounds and of residuals. Import late; see `eels_kernels` for the rules."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tandem_em.analysis.eels.kernels import FAST, chebyshev


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


@njit(cache=True, nogil=True, fastmath=FAST)
def moments(data, weights, start, first, last, out, total):  # type: ignore[no-untyped-def]
    """Weighted moments of the fit channels (orders, channels) and the signal sum of each pixel."""
    orders, n = weights.shape
    row = np.empty(n)
    for pixel in range(data.shape[0]):
        for i in range(n):
            row[i] = data[pixel, start + i]
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
    # not near the maximum: a step of fixed length uphill
    if curvature >= 0.0:
        return 0.5 if gradient > 0.0 else -0.5
    # no leap out of the range in which the spectrum makes sense
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
            # the series of the moments holds only near the typical exponent
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
            # runs away: no power law fits these counts
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
                # singular to rounding; also catches NaN
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
def _right_side(counts, logs, powers, spreads, found, is_bent, right):  # type: ignore[no-untyped-def]
    """Right side of the normal equations of one pixel; `is_bent`: less what the curve `found` adds within an area."""
    n = right.shape[0]
    right[:] = 0.0
    for a in range(counts.shape[0]):
        weight = counts[a]
        if weight > 0.0:
            height = weight * (logs[a] - (_bend(found, powers[a, 1], spreads[a]) if is_bent else 0.0))
            for i in range(n):
                right[i] += height * powers[a, i]


@njit(cache=True, nogil=True)
def _sum_at_nodes(found, nodes, node_weights, gradient):  # type: ignore[no-untyped-def]
    """The background under the signal, and in `gradient` how it changes with each coefficient."""
    n = gradient.shape[0]
    value = 0.0
    gradient[:] = 0.0
    for k in range(nodes.shape[0]):
        height = 0.0
        for i in range(n):
            height += found[i] * nodes[k, i]
        # just before a double overflows
        part = node_weights[k] * math.exp(min(height, 700.0))
        value += part
        for i in range(n):
            gradient[i] += part * nodes[k, i]
    return value


@njit(cache=True, nogil=True)
def _variance_along(factor, gradient):  # type: ignore[no-untyped-def]
    """|L⁻¹ gradient|², L the factor of the normal matrix; `gradient` is used up."""
    spread = 0.0
    for i in range(gradient.shape[0]):
        for k in range(i):
            gradient[i] -= factor[i, k] * gradient[k]
        gradient[i] /= factor[i, i]
        spread += gradient[i] * gradient[i]
    return spread


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
        # fewer areas with counts than coefficients: no fit
        if usable < n or not _factor(normal):
            continue
        for a in range(n_areas):
            logs[a] = math.log(max(areas[pixel, a], 1e-300) / channels[a])
        # the bend inside each area is known only after a first fit
        for turn in range(2 if n > 1 else 1):
            _right_side(areas[pixel], logs, powers, spreads, found, turn > 0, right)
            _solve_factored(normal, right)
            for i in range(n):
                found[i] = right[i]
        background[pixel] = _sum_at_nodes(found, nodes, node_weights, gradient)
        variance[pixel] = _variance_along(normal, gradient)
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
