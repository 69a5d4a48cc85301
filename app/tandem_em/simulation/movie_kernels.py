"""Compiled inner loops of the generated movies: projected thickness, blur, counting noise. Imported late."""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def add_shifted(out, texture, x0, y0):
    """out += texture seen through a window whose first pixel lies at (x0, y0) of the texture; bilinear."""
    rows, columns = out.shape
    left, top = math.floor(x0), math.floor(y0)
    fx, fy = np.float32(x0 - left), np.float32(y0 - top)
    height, width = texture.shape
    one = np.float32(1)
    for r in range(rows):
        # outside the texture its last row goes on
        a = min(max(top + r, 0), height - 2)
        for c in range(columns):
            b = min(max(left + c, 0), width - 2)
            upper = texture[a, b] * (one - fx) + texture[a, b + 1] * fx
            lower = texture[a + 1, b] * (one - fx) + texture[a + 1, b + 1] * fx
            out[r, c] += upper * (one - fy) + lower * fy


@njit(cache=True, nogil=True)
def add_particle(out, cx, cy, radii, absorption, power, flatness, domains, grain, texture):
    """Add the thickness of one particle and its diffraction stripes (strength, kx, ky, phase, core)."""
    rows, columns = out.shape
    steps = radii.size
    # only the box around the particle is visited: a frame is far larger than any of them
    # only the box around the particle is visited: the frame is far larger
    reach = radii.max() + 1.0
    first_row, last_row = max(0, int(cy - reach)), min(rows, int(cy + reach) + 2)
    first_col, last_col = max(0, int(cx - reach)), min(columns, int(cx + reach) + 2)
    to_index = steps / (2 * math.pi)
    side = texture.shape[0]
    for r in range(first_row, last_row):
        dy = r - cy
        for c in range(first_col, last_col):
            dx = c - cx
            distance = math.sqrt(dx * dx + dy * dy)
            # cheaper than the angle, and most pixels of the box end here
            if distance > reach:
                continue
            at = math.atan2(dy, dx) * to_index
            if at < 0:
                at += steps
            k = int(at)
            part = at - k
            edge = radii[k % steps] * (1 - part) + radii[(k + 1) % steps] * part
            rho = distance / edge
            if rho >= 1:
                continue
            thick = (1 - rho**flatness) ** power
            value = absorption * thick
            if grain > 0:
                # positive before the cut, so that the grain has no seam at the centre
                u, v = int(dx + 4096) % side, int(dy + 4096) % side
                value *= 1 + grain * texture[u, v]
            for d in range(domains.shape[0]):
                if rho < domains[d, 4]:
                    wave = 0.5 + 0.5 * math.cos(domains[d, 1] * dx + domains[d, 2] * dy + domains[d, 3])
                    # stripes fade towards the rim of the crystal core instead of ending in a line
                    soft = min(1.0, (domains[d, 4] - rho) * 6)
                    value += domains[d, 0] * wave * wave * wave * thick * soft
            out[r, c] += value


@njit(cache=True, nogil=True)
def add_needle(out, tx, ty, angle, radius, half_angle, absorption):
    """Add a round-nosed cone whose tip touches (tx, ty) and which points along `angle`."""
    ux, uy = math.cos(angle), math.sin(angle)
    cx, cy = tx - ux * radius, ty - uy * radius
    slope = math.tan(half_angle)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            dx, dy = c - cx, r - cy
            behind = -(dx * ux + dy * uy)
            across = abs(dy * ux - dx * uy)
            if behind > 0:
                width = radius + behind * slope
                if across < width:
                    out[r, c] += absorption * math.sqrt(1 - (across / width) ** 2) * width / radius
            else:
                square = (dx * dx + dy * dy) / (radius * radius)
                if square < 1:
                    out[r, c] += absorption * math.sqrt(1 - square)


@njit(cache=True, nogil=True, fastmath=True)
def negative_exp(out):
    """out = exp(-out), in place."""
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = math.exp(-out[r, c])


@njit(cache=True, nogil=True, fastmath=True)
def blur(image, taps_x, taps_y):
    """Separable convolution with symmetric taps (centre first); the border is repeated."""
    rows, columns = image.shape
    across = np.empty_like(image)
    reach = taps_x.size - 1
    # one padded line spares the inner loop its border checks
    line = np.empty(columns + 2 * reach, np.float32)
    for r in range(rows):
        line[:reach] = image[r, 0]
        line[reach : reach + columns] = image[r]
        line[reach + columns :] = image[r, columns - 1]
        for c in range(columns):
            across[r, c] = taps_x[0] * line[c + reach]
        for k in range(1, reach + 1):
            t = taps_x[k]
            for c in range(columns):
                across[r, c] += t * (line[c + reach - k] + line[c + reach + k])
    out = np.empty_like(image)
    for r in range(rows):
        for c in range(columns):
            out[r, c] = taps_y[0] * across[r, c]
        for k in range(1, taps_y.size):
            above, below = max(0, r - k), min(rows - 1, r + k)
            t = taps_y[k]
            for c in range(columns):
                out[r, c] += t * (across[above, c] + across[below, c])
    return out


@njit(cache=True, nogil=True)
def count(expected, seed, gain, offset, read_noise, normal):
    """Counts (float32) of a camera that counts Poisson electrons; `expected` electrons per pixel.

    `normal` holds the 65536 quantiles of the normal law: a look-up is six times faster than drawing.
    """
    out = np.empty_like(expected)
    rows, columns = expected.shape
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    low = np.uint64(0xFFFF)
    for r in range(rows):
        for c in range(columns):
            state ^= state << np.uint64(13)  # xorshift: 64 random bits
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            bits = state * np.uint64(0x2545F4914F6CDD1D)
            mean = max(np.float32(0), expected[r, c])
            if mean > 12:  # Cornish-Fisher: the third moment of the Poisson law is kept
                z = normal[(bits >> np.uint64(48)) & low]
                electrons = max(0.0, math.floor(mean + math.sqrt(mean) * z + (z * z - 1) / 6 + 0.5))
            else:
                electrons = 0.0
                left = math.exp(-mean)
                chance = np.float64(bits >> np.uint64(32)) * 2.0**-32
                # inversion of the law; exact where the means are small
                while chance > left and electrons < 60:
                    chance -= left
                    electrons += 1
                    left *= mean / electrons
            out[r, c] = offset + gain * electrons + read_noise * normal[(bits >> np.uint64(8)) & low]
    return out


@njit(cache=True, nogil=True)
def to_uint16(image):
    """Counts rounded, and clipped to what a 16-bit camera can write (0 to 65535)."""
    out = np.empty(image.shape, np.uint16)
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            out[r, c] = np.uint16(min(65535.0, max(0.0, image[r, c] + 0.5)))
    return out


@njit(cache=True, nogil=True)
def union_field(rows, columns, centres, radii, shortest, longest):
    """Distance inside the nearest edge of several particles along their radii: zero on the union's outline."""
    field = np.empty((rows, columns), np.float64)
    steps = radii.shape[1]
    to_index = steps / (2 * math.pi)
    for r in range(rows):
        for c in range(columns):
            deepest = -np.inf
            for member in range(radii.shape[0]):
                dx, dy = c - centres[member, 0], r - centres[member, 1]
                distance = math.sqrt(dx * dx + dy * dy)
                edge = shortest[member]
                if edge - 2 < distance < longest[member] + 2:  # elsewhere only the sign matters
                    at = math.atan2(dy, dx) * to_index
                    if at < 0:
                        at += steps
                    k = int(at)
                    part = at - k
                    edge = radii[member, k % steps] * (1 - part) + radii[member, (k + 1) % steps] * part
                deepest = max(deepest, edge - distance)
            field[r, c] = deepest
    return field
