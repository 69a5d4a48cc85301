"""Compiled loops over zero-loss peaks. Import late: numba costs a quarter of a second."""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, nogil=True)
def _log_parabola(row, first, last, centre, peak):  # type: ignore[no-untyped-def]
    """a, b, c of log(counts / peak) = a + b x + c x² over channels first to last, weighted by the counts; c = 0: none."""
    s0 = s1 = s2 = s3 = s4 = t0 = t1 = t2 = 0.0
    for i in range(first, last + 1):
        if not row[i] > 0.0:
            continue
        # counts as weights: the logarithm of few counts is noisy
        w = float(row[i])
        x = i - centre
        y = math.log(row[i] / peak)
        s0 += w
        s1 += w * x
        s2 += w * x * x
        s3 += w * x * x * x
        s4 += w * x * x * x * x
        t0 += w * y
        t1 += w * x * y
        t2 += w * x * x * y
    det = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s2 * s3) + s2 * (s1 * s3 - s2 * s2)
    # all but singular: too few channels with counts
    if not abs(det) > 1e-10 * s0 * s2 * s4:
        return 0.0, 0.0, 0.0
    a = (t0 * (s2 * s4 - s3 * s3) - s1 * (t1 * s4 - t2 * s3) + s2 * (t1 * s3 - t2 * s2)) / det
    b = (s0 * (t1 * s4 - t2 * s3) - t0 * (s1 * s4 - s2 * s3) + s2 * (s1 * t2 - s2 * t1)) / det
    c = (s0 * (s2 * t2 - s3 * t1) - s1 * (s1 * t2 - s2 * t1) + t0 * (s1 * s3 - s2 * s2)) / det
    return a, b, c


@njit(cache=True, nogil=True)
def _misfit(row, i, a, b, c, centre, peak):  # type: ignore[no-untyped-def]
    """How far the logarithm of a channel lies above a parabola; 0 outside the spectrum."""
    if i < 0 or i >= row.shape[0] or not row[i] > 0.0:
        return 0.0
    x = i - centre
    return math.log(row[i] / peak) - (a + x * (b + c * x))


@njit(cache=True, nogil=True)
def _half_place(row, top, way, log_half, centre, peak, low_end, high_end):  # type: ignore[no-untyped-def]
    """Where one flank falls through half maximum (channels from `centre`); NaN when it cannot be said.

    A parabola in the logarithm (exact for a Gaussian) through the flank, then corrected by how far the two channels
    around the crossing lie off it.
    """
    i = top
    while low_end < i < high_end and row[i] > 0.2 * peak:
        i += way
    if row[i] <= 0.0 or abs(i - top) < 2:
        i = min(max(top + 2 * way, low_end), high_end)
    first, last = (top - 1, i) if way > 0 else (i, top + 1)
    first, last = max(first, 0), min(last, row.shape[0] - 1)
    a, b, c = _log_parabola(row, first, last, centre, peak)
    place = math.nan
    root = b * b - 4.0 * c * (a - log_half)
    if c < 0.0 and root > 0.0:
        place = (-b - way * math.sqrt(root)) / (2.0 * c)
        place = (
            max(place, (-b + way * math.sqrt(root)) / (2.0 * c))
            if way > 0
            else min(place, (-b + way * math.sqrt(root)) / (2.0 * c))
        )
        left = int(place + centre)
        share = place + centre - left
        off = (1.0 - share) * _misfit(row, left, a, b, c, centre, peak)
        off += share * _misfit(row, left + 1, a, b, c, centre, peak)
        slope = b + 2.0 * c * place
        if slope != 0.0 and abs(off / slope) < 1.0 + 0.3 * abs(place):
            place -= off / slope
    return place


@njit(cache=True, nogil=True)
def _peak(row, low, high):  # type: ignore[no-untyped-def]
    """Channel of the largest three-channel sum in [low, high)."""
    best = -math.inf
    top = -1
    for i in range(low, high):
        value = float(row[i])
        if i > 0:
            # neighbours count half: a single hot channel is no peak
            value += 0.5 * row[i - 1]
        if i + 1 < row.shape[0]:
            value += 0.5 * row[i + 1]
        if value > best:
            best = value
            top = i
    return top


@njit(cache=True, nogil=True)
def measure_peaks(data, low, high, position, width, height):  # type: ignore[no-untyped-def]
    """Zero-loss position and full width at half maximum (channels) and peak counts of each pixel; NaN without a peak.

    The top is a parabola through the logarithm of the channels above half maximum, weighted by their counts.
    """
    for pixel in range(data.shape[0]):
        row = data[pixel]
        position[pixel] = math.nan
        width[pixel] = math.nan
        height[pixel] = math.nan
        top = _peak(row, low, high)
        if top < 0 or not (0.0 < row[top] < math.inf):
            continue
        peak = float(row[top])
        begin = top
        while begin > 0 and row[begin - 1] > 0.5 * peak and top - begin < 4096:
            begin -= 1
        end = top
        while end + 1 < row.shape[0] and row[end + 1] > 0.5 * peak and end - top < 4096:
            end += 1
        if end - begin < 2:
            begin = max(0, top - 1)
            end = min(row.shape[0] - 1, top + 1)
        centre = float(top)
        a, b, c = _log_parabola(row, begin, end, centre, peak)
        position[pixel] = centre
        height[pixel] = peak
        log_half = math.log(0.5)
        if c < 0.0 and abs(b / (2.0 * c)) <= end - begin + 1:
            position[pixel] = centre - b / (2.0 * c)
            height[pixel] = peak * math.exp(a - b * b / (4.0 * c))
            log_half += a - b * b / (4.0 * c)
        if end - begin < 3 and c < 0.0:
            # hardly more than a channel wide: the three top channels are all there is to say
            width[pixel] = math.sqrt(4.0 * math.log(2.0) / -c)
            continue
        left = _half_place(row, top, -1, log_half, centre, peak, 0, row.shape[0] - 1)
        right = _half_place(row, top, 1, log_half, centre, peak, 0, row.shape[0] - 1)
        width[pixel] = right - left


@njit(cache=True, nogil=True)
def sums_below(data, bound, below, total):  # type: ignore[no-untyped-def]
    """Counts below a bound (channels, fractional, per pixel; the channel's own share included) and of all channels."""
    channels = data.shape[1]
    for pixel in range(data.shape[0]):
        row = data[pixel]
        whole = 0.0
        for value in row:
            whole += value
        total[pixel] = whole
        # channels reach half a step to either side of their centre
        edge = bound[pixel] + 0.5
        if not (0.0 <= edge <= channels):
            below[pixel] = math.nan
            continue
        last = int(edge)
        part = 0.0
        for value in row[:last]:
            part += value
        if last < channels:
            part += (edge - last) * row[last]
        below[pixel] = part


@njit(cache=True, nogil=True)
def shift_rows(data, shift, out):  # type: ignore[no-untyped-def]
    """out[i] = data[i + shift], linear between channels; past the ends the last channel is repeated; NaN shift: 0."""
    channels = data.shape[1]
    for pixel in range(data.shape[0]):
        move = shift[pixel]
        # also catches NaN
        if not (-channels < move < channels):
            move = 0.0
        whole = math.floor(move)
        share = move - whole
        first = int(whole)
        for i in range(channels):
            left = min(max(i + first, 0), channels - 1)
            right = min(max(i + first + 1, 0), channels - 1)
            out[pixel, i] = (1.0 - share) * data[pixel, left] + share * data[pixel, right]
