"""Compiled inner loops of the outline follower: bands along normals, edge response, best closed path. Late import."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np
from numba import njit

HIT = 9
"""Pixels; a bright patch that is no larger may be an X-ray."""


@njit(cache=True, nogil=True)
def is_hit(frame, y, x, high, usual, noise):
    """Whether a pixel above `high` is an X-ray or a hot pixel: a patch of at most HIT pixels (of 5 x 5) that stands out.

    `noise` is the deviation of a pixel as bright as `usual`.
    """
    around = np.empty(25)
    seen, above = 0, 0
    for a in range(max(0, y - 2), min(frame.shape[0], y + 3)):
        for b in range(max(0, x - 2), min(frame.shape[1], x + 3)):
            value = np.float64(frame[a, b])
            if value == value:
                around[seen] = value
                seen += 1
                above += value > high
    # too many bright pixels at once for a hit: this place is bright
    if above > HIT:
        return False
    if seen <= HIT:
        return True
    beside = np.sort(around[:seen])[seen - 1 - HIT]
    return frame[y, x] - beside > 6 * noise * math.sqrt(max(1.0, beside / usual))


@njit(cache=True, nogil=True)
def crop(frame, x0, y0, rows, columns, side, usual, noise, low, high):
    """Block means of frame, first block at (x0, y0), over `usual`; NaN outside the frame and where X-rays have hit."""
    out = np.empty((rows, columns), np.float32)
    height, width = frame.shape
    scale = 1 / usual
    for r in range(rows):
        for c in range(columns):
            total, count = 0.0, 0
            for a in range(side):
                y = y0 + r * side + a
                if y < 0 or y >= height:
                    continue
                for b in range(side):
                    x = x0 + c * side + b
                    if x < 0 or x >= width:
                        continue
                    value = np.float64(frame[y, x])
                    if value <= high or (value < np.inf and not is_hit(frame, y, x, high, usual, noise)):
                        total += max(low, value)
                        count += 1
            # less than half a block left would be noisier than its neighbours
            out[r, c] = total * scale / count if 2 * count > side * side else np.nan
    return out


@njit(cache=True, nogil=True)
def edge_response(band, taps):
    """Correlation of each row with odd taps (outer minus inner); NaN where the band is not fully known."""
    nodes, width = band.shape
    reach = taps.size // 2
    out = np.full((nodes, width - 2 * reach), np.nan, np.float64)
    for s in range(nodes):
        for u in range(width - 2 * reach):
            total = 0.0
            for k in range(taps.size):
                total += taps[k] * band[s, u + k]
            out[s, u] = total
    return out


@njit(cache=True, nogil=True)
def smooth_rows(values, taps):
    """Weighted mean along the closed outline (first axis) of a table; NaN entries are left out."""
    nodes, width = values.shape
    reach = taps.size // 2
    out = np.empty_like(values)
    for s in range(nodes):
        for u in range(width):
            total, mass = 0.0, 0.0
            for k in range(taps.size):
                value = values[(s + k - reach) % nodes, u]
                if value == value:
                    total += taps[k] * value
                    mass += taps[k]
            out[s, u] = total / mass if mass > 0 else np.nan
    return out


@njit(cache=True, nogil=True)
def best_path(cost, step_cost):
    """Closed path of least cost: one column per row; a change of k columns costs step_cost[k]. Twice around."""
    nodes, width = cost.shape
    reach = step_cost.size - 1
    # twice around: the cut of the closed line lies where nobody looks
    rounds = 2 * nodes
    came = np.empty((rounds, width), np.int16)
    old, new = cost[0].copy(), np.empty(width)
    for step in range(1, rounds):
        row = cost[step % nodes]
        for u in range(width):
            best, source = 1e300, u
            for v in range(max(0, u - reach), min(width, u + reach + 1)):
                value = old[v] + step_cost[abs(u - v)]
                if value < best:
                    best, source = value, v
            new[u] = best + row[u]
            came[step, u] = source
        old, new = new, old
    path = np.empty(nodes, np.int64)
    u = int(np.argmin(old))
    for step in range(rounds - 1, 0, -1):
        # the middle round; both its ends have forgotten where the path was cut
        if nodes // 2 <= step < nodes // 2 + nodes:
            path[step % nodes] = u
        u = came[step, u]
    return path


@njit(cache=True, nogil=True)
def _pass_on(state, likely, move, new):
    """The state one row further, summing to about one."""
    width, reach = state.size, move.size - 1
    total = 0.0
    for u in range(width):
        value = 0.0
        for v in range(max(0, u - reach), min(width, u + reach + 1)):
            value += state[v] * likely[v] * move[abs(u - v)]
        new[u] = value
        total += value
    for u in range(width):
        # never zero: a state that is impossible at one vertex may be right at the next
        state[u] = new[u] / total + 1e-30


@njit(cache=True, nogil=True)
def marginals(cost, step_cost):
    """Probability of each column in each row, exp(-cost) with exp(-step_cost) between rows, around a closed outline."""
    nodes, width = cost.shape
    move = np.exp(-step_cost)
    likely = np.empty((nodes, width))
    for s in range(nodes):
        low = cost[s].min()
        for u in range(width):
            # relative to the best, so that no row vanishes in rounding
            likely[s, u] = math.exp(low - cost[s, u])
    lead = min(nodes, 60)  # far enough for the start to be forgotten
    ahead, behind = np.ones((nodes, width)), np.ones((nodes, width))
    for sign in (1, -1):
        state, new = np.ones(width), np.empty(width)
        for step in range(nodes + lead):
            s = (step - lead) % nodes if sign > 0 else (lead - 1 - step) % nodes
            if step >= lead:
                if sign > 0:
                    ahead[s] = state
                else:
                    behind[s] = state
            _pass_on(state, likely[s], move, new)
    out = ahead * likely * behind
    for s in range(nodes):
        out[s] /= out[s].sum()
    return out


@njit(cache=True, nogil=True)
def rigid_scores(response, normals, step, reach, grid):
    """Mean response when the outline moves as a whole by (i, j) * grid px, for i, j in -reach..reach."""
    nodes, width = response.shape
    middle = width // 2
    side = 2 * reach + 1
    out = np.empty((side, side))
    for i in range(side):
        for j in range(side):
            dx, dy = (i - reach) * grid, (j - reach) * grid
            total, count = 0.0, 0
            for s in range(nodes):
                u = math.floor((dx * normals[s, 0] + dy * normals[s, 1]) / step + 0.5) + middle
                if 0 <= u < width and response[s, u] == response[s, u]:
                    total += response[s, u]
                    count += 1
            out[i, j] = total / count if count else 0.0
    return out


@njit(cache=True, nogil=True)
def learn_ground(ground, seen, image, hidden, shift, slowest):
    """Mix uncovered pixels of an image, whose content lies at +shift, into a running mean in place."""
    rows, columns = ground.shape
    left, top = math.floor(shift[0]), math.floor(shift[1])
    fx, fy = np.float32(shift[0] - left), np.float32(shift[1] - top)
    one = np.float32(1)
    for r in range(rows):
        a = r + top
        # a bilinear reading needs the row below as well
        if a < 0 or a >= rows - 1:
            continue
        for c in range(columns):
            b = c + left
            if b < 0 or b >= columns - 1:
                continue
            if hidden[a, b] or hidden[a + 1, b] or hidden[a, b + 1] or hidden[a + 1, b + 1]:
                continue
            value = (image[a, b] * (one - fx) + image[a, b + 1] * fx) * (one - fy)
            value += (image[a + 1, b] * (one - fx) + image[a + 1, b + 1] * fx) * fy
            if value == value:
                seen[r, c] += one
                ground[r, c] += (value - ground[r, c]) * max(np.float32(slowest), one / seen[r, c])


@njit(cache=True, nogil=True)
def side_means(values, near, far):
    """Means of each row between `near` and `far` columns below and above every column; NaN where there are none."""
    nodes, width = values.shape
    inner, outer = np.full((nodes, width), np.nan), np.full((nodes, width), np.nan)
    for s in range(nodes):
        for u in range(width):
            total, count = 0.0, 0
            for v in range(max(0, u - far), u - near + 1):
                if values[s, v] == values[s, v]:
                    total += values[s, v]
                    count += 1
            if count * 2 > far - near:
                inner[s, u] = total / count
            total, count = 0.0, 0
            for v in range(u + near, min(width, u + far + 1)):
                if values[s, v] == values[s, v]:
                    total += values[s, v]
                    count += 1
            if count * 2 > far - near:
                outer[s, u] = total / count
    return inner, outer


@njit(cache=True, nogil=True)
def continue_inwards(values, count):
    """Fill the unknown columns of each row, in place, with the mean of the first `count` known ones further out."""
    nodes, width = values.shape
    for s in range(nodes):
        total, found, last = 0.0, 0, 1.0
        for u in range(width):
            if values[s, u] == values[s, u]:
                total += values[s, u]
                found += 1
                if found == count:
                    break
        last = total / found if found > 0 else 1.0
        for u in range(width):
            if values[s, u] != values[s, u]:
                values[s, u] = last
            elif u + 1 < width:
                last = values[s, u] if values[s, u + 1] != values[s, u + 1] else last
