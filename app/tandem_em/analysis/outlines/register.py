"""Where the particle is in one frame: drift from frame to frame as the particle's own edge shows it.

The drift of a whole movie may follow something else (a needle, moving stripes) or nothing at all (vacuum). An outline
only asks where its particle is, and its edge tells that in each single frame to a fraction of a pixel.
"""

from __future__ import annotations

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon
from tandem_em.analysis.outlines.band import STEP, read_band, response, response_noise
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.core.numeric import Floats

REACH = 9.0  # px, how far the drift may be off
GRID = 0.5
ALIKE = 5.3  # neighbouring vertices whose smoothed scores are as good as one
NEARBY = 1.6  # px; farther away is a leap
BETTER, LEAP = 0.08, 9.0
"""Share of the edge, and log likelihood, by which a leap must be better than staying: other edges lie around, and noise."""
CALM, AWAY = 0.012, 1.4
"""The same for each pixel away."""
CLUTTER = 0.6  # deviation of an edge from what is expected, as a share, without any noise


def particle_shift(
    crops: Crops,
    frame: int,
    guess: Polygon,
    polarity: float,
    expected: Floats,
    width: float,
    reach: float = REACH,
) -> tuple[Floats, float]:
    """Movement (x, y) and growth all round, in work pixels, that bring an outline onto the edge in a frame."""
    from tandem_em.analysis.outlines import kernels

    band = read_band(crops, {frame: guess}, {frame: 1.0}, guess, reach + 3 * width)
    answer = polarity * response(band, width, 1.5)
    noise = response_noise(band, width, 1.5)
    # one very strong edge, of a neighbour perhaps, must not decide for the whole outline
    low, high = -0.5 - noise / np.median(expected), 1.3 + noise / np.median(expected)
    score = np.clip(answer / expected[:, None], low, high)
    count = round(reach / GRID)
    grid = kernels.rigid_scores(score, band.normals, STEP, count, GRID)
    steps = np.asarray(np.arange(-count, count + 1) * GRID, np.float64)
    away = np.hypot(*np.meshgrid(steps, steps, indexing="ij"))
    spread = np.hypot(CLUTTER, noise / np.median(expected))
    told = len(guess) / ALIKE / spread**2
    leap, each = max(LEAP, BETTER * told), max(AWAY, CALM * told)
    likely = told * grid - each * away - np.where(away > NEARBY, leap, 0.0)
    x, y = _mean_place(likely, steps)
    return np.array([x, y]), _growth(score, band.normals @ np.array([x, y]))


def _mean_place(likely: Floats, steps: Floats) -> tuple[float, float]:
    """The mean of the places around the best one, each as likely as it is: what is not known does not move."""
    i, j = (int(n) for n in np.unravel_index(int(np.argmax(likely)), likely.shape))
    # of the best place only: the mean of two places is neither
    near = np.hypot(*np.meshgrid(steps - steps[i], steps - steps[j], indexing="ij")) <= NEARBY
    weight = np.where(near, np.exp(likely - likely[i, j]), 0.0)
    weight /= weight.sum()
    return float(weight.sum(axis=1) @ steps), float(weight.sum(axis=0) @ steps)


def _growth(score: Floats, ahead: Floats) -> float:
    """Offset all round at which an outline that was moved fits best, px."""
    steps = np.arange(-5, 6)
    middle = score.shape[1] // 2
    columns = np.rint(ahead / STEP).astype(int)[:, None] + steps[None, :] + middle
    near = np.take_along_axis(score, np.clip(columns, 0, score.shape[1] - 1), axis=1)
    known = np.isfinite(near)
    fits = np.where(known, near, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    best = int(np.argmax(fits[1:-1])) + 1
    return float(steps[best] + _vertex(fits[best - 1 : best + 2])) * STEP


def _vertex(three: Floats) -> float:
    """Place of the top of a parabola through three values, from the middle one."""
    bend = float(three[0] - 2 * three[1] + three[2])
    # no top to be refined
    return 0.0 if bend > -1e-9 else float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.6, 0.6))
