"""Where the particle is in one frame: drift from frame to frame as the particle's own edge shows it.

The drift of a whole movie may follow something else (a needle, moving stripes) or nothing at all (vacuum). An outline
only asks where its particle is, and its edge tells that in each single frame to a fraction of a pixel.
"""

from __future__ import annotations

import numpy as np

from tandem_em.analysis.outline_band import STEP, read_band, response, response_noise
from tandem_em.analysis.outline_crops import Crops
from tandem_em.analysis.polygon import Array, Polygon

REACH = 9.0  # px, how far the drift may be off
GRID = 0.5
NEARBY = 1.6  # px; farther away is a leap
BETTER = 0.08  # share of the edge by which a leap must be better than staying
CALM = 0.012  # share of the edge by which a place must be better for each pixel that it is away


def particle_shift(
    crops: Crops,
    frame: int,
    guess: Polygon,
    polarity: float,
    expected: Array,
    width: float,
    reach: float = REACH,
) -> tuple[Array, float]:
    """Movement (x, y) and growth all round, in work pixels, that bring an outline onto the edge in a frame."""
    from tandem_em.analysis import outline_kernels as kernels

    band = read_band(crops, {frame: guess}, {frame: 1.0}, guess, reach + 3 * width)
    answer = polarity * response(band, width, 1.5)
    noise = response_noise(band, width, 1.5)
    low, high = -0.5 - noise / np.median(expected), 1.3 + noise / np.median(expected)
    score = np.clip(answer / expected[:, None], low, high)
    count = round(reach / GRID)
    grid = kernels.rigid_scores(score, band.normals, STEP, count, GRID)
    away = np.hypot(*np.meshgrid(*[np.arange(-count, count + 1) * GRID] * 2, indexing="ij"))
    judged = grid - CALM * away
    i, j = (int(n) for n in np.unravel_index(int(np.argmax(judged)), judged.shape))
    if judged[i, j] < grid[count, count] + BETTER:  # a leap has to pay
        near = np.where(away <= NEARBY, judged, -np.inf)
        i, j = (int(n) for n in np.unravel_index(int(np.argmax(near)), near.shape))
    x, y = (i - count) * GRID, (j - count) * GRID
    if 0 < i < 2 * count and 0 < j < 2 * count:
        x += GRID * _vertex(judged[i - 1 : i + 2, j])
        y += GRID * _vertex(judged[i, j - 1 : j + 2])
    return np.array([x, y]), _growth(score, band.normals @ np.array([x, y]))


def _growth(score: Array, ahead: Array) -> float:
    """Offset all round at which an outline that was moved fits best, px."""
    steps = np.arange(-5, 6)
    middle = score.shape[1] // 2
    columns = np.rint(ahead / STEP).astype(int)[:, None] + steps[None, :] + middle
    near = np.take_along_axis(score, np.clip(columns, 0, score.shape[1] - 1), axis=1)
    known = np.isfinite(near)
    fits = np.where(known, near, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    best = int(np.argmax(fits[1:-1])) + 1
    return float(steps[best] + _vertex(fits[best - 1 : best + 2])) * STEP


def _vertex(three: Array) -> float:
    """Place of the top of a parabola through three values, from the middle one."""
    bend = float(three[0] - 2 * three[1] + three[2])
    return 0.0 if bend > -1e-9 else float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.6, 0.6))
