"""Where the edge lies in a band: the most probable closed line, given what its edge has looked like so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.geometry.polygon import smoothed
from tandem_em.analysis.outlines.band import STEP, EdgeBand, offsets, response, response_noise
from tandem_em.core.numeric import Floats

FARTHEST_STEP = 6  # columns between neighbouring vertices
VARIETY = 0.28  # how much the strength of an edge may differ from what is expected
ODD = 0.08  # share of places where the edge looks like anything
STIFFNESS = 60.0  # how strongly displacements of neighbouring vertices hold together, px^-2
USUAL_PULL, STRAY_PULL = 1.5, 4.0  # how strongly the predicted place attracts
WEAKEST = 0.3  # of the usual strength; nothing weaker is asked for


@dataclass(frozen=True)
class Search:
    """How far and how freely to look, in work pixels: tap width, walk per vertex, distance from the prediction."""

    width: float = 2.0
    along: float = 1.5
    walk: float = 0.15
    away: float = 2.0


@dataclass(frozen=True)
class LocatedEdge:
    """Displacement of each vertex along its normal, its deviation, and the strength of the edge found there."""

    moved: Floats
    spread: Floats
    strength: Floats
    expected: Floats
    noise: float
    margin: Floats  # probability of the line's surroundings at each vertex
    support: Floats  # 1 where the edge was seen, 0 where it was not

    def resampled(self, count: int) -> LocatedEdge:
        """The same for another number of vertices."""
        old = np.linspace(0, 1, len(self.moved), endpoint=False)
        new = np.linspace(0, 1, count, endpoint=False)
        columns = [self.moved, self.spread, self.strength, self.expected, self.margin, self.support]
        moved, spread, strength, expected, margin, support = (
            np.interp(new, old, c, period=1.0) for c in columns
        )
        return LocatedEdge(moved, spread, strength, expected, self.noise, margin, support)


def walk_costs(walk: float) -> Floats:
    """-log probability of 0, 1, 2... columns between neighbours: two-sided geometric with deviation `walk` px."""
    variance = (walk / STEP) ** 2
    # q / (1 - q)^2 * 2 = variance
    q = (1 + variance - np.sqrt(1 + 2 * variance)) / variance
    return np.asarray(-np.log((1 - q) / (1 + q)) - np.arange(FARTHEST_STEP + 1) * np.log(q))


def expected_strength(strength: Floats) -> Floats:
    """Strength to look for at each vertex: what was found, smoothed along the outline, not less than a floor."""
    usual = usual_of(strength)
    filled = np.where(np.isfinite(strength), strength, usual)
    smooth = smoothed(np.clip(filled, 0, 2.5 * max(usual, 1e-6)), 5.0)
    return np.asarray(np.maximum(smooth, WEAKEST * max(usual, 1e-6)))


def usual_of(values: Floats, otherwise: float = 0.0) -> float:
    """Median of what is known."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else otherwise


def find_edge(
    band: EdgeBand,
    polarity: float,
    expected: Floats,
    search: Search,
    centre: Floats | float = 0.0,
    sides: Floats | None = None,
) -> LocatedEdge:
    """The closed line in the band whose edge looks as expected; `centre` is where it is predicted, px per vertex.

    `sides` is what each column of the band costs for what lies inside and outside of it.
    """
    from tandem_em.analysis.geometry import kernels as geometry_kernels
    from tandem_em.analysis.outlines import kernels

    answer = polarity * response(band, search.width, search.along)
    noise = response_noise(band, search.width, search.along)
    columns = offsets(answer.shape[1] // 2 * STEP)
    cost = _cost(answer, expected, noise)
    if sides is not None:
        cut = (band.values.shape[1] - answer.shape[1]) // 2
        cost = cost + sides[:, cut : cut + answer.shape[1]]
    inner, outer = geometry_kernels.free_reach(band.points, band.normals, columns, 12)
    place = np.arange(columns.size) - columns.size // 2
    blocked = (place < -inner[:, None]) | (place > outer[:, None])
    centre = np.broadcast_to(centre, expected.shape)
    off = (columns[None, :] - centre[:, None]) / search.away
    firm = USUAL_PULL + STRAY_PULL * np.minimum(1.0, np.abs(centre))  # what has gone astray follows the rest
    # no line through the particle's own other side
    cost = cost + firm[:, None] * np.log1p(off**2 / 3) + np.where(blocked, 30.0, 0.0)
    moves = walk_costs(search.walk)
    path = kernels.best_path(cost, moves)
    likely = kernels.marginals(cost, moves)
    moved, spread, margin = _around(likely, path, columns)
    nearest = np.clip(np.rint(moved / STEP).astype(int) + columns.size // 2, 0, columns.size - 1)
    strength = answer[np.arange(len(path)), nearest]
    stray = (moved - centre) / (2.5 * search.away)
    support = _support(strength, expected) / (1 + stray**2)
    return LocatedEdge(_calmed(moved, spread, support), spread, strength, expected, noise, margin, support)


def _support(strength: Floats, expected: Floats) -> Floats:
    """1 where the edge looks as expected, 0 where nothing like it was found."""
    ratio = np.where(np.isfinite(strength), strength, 0.0) / expected
    return np.clip((ratio - 0.35) / 0.3, 0.0, 1.0) * np.clip((2.6 - ratio) / 0.6, 0.0, 1.0)


def _cost(answer: Floats, expected: Floats, noise: float) -> Floats:
    """-log likelihood of each column: an edge much weaker or much stronger than expected may not be ours.

    What is far from expected costs the same whatever it is, so that faint marks inside do not attract the line.
    """
    scale = np.sqrt(noise**2 + (VARIETY * expected[:, None]) ** 2)
    lack = (expected[:, None] - answer) / scale
    # a stronger edge than expected is held against a place far less than a weaker one
    off = np.where(lack > 0, lack**2, 0.25 * np.minimum(lack + 0.7, 0) ** 2)
    cost = -np.log((1 - ODD) * np.exp(-0.5 * off) + ODD)
    return np.where(np.isfinite(cost), cost, -np.log(ODD))


def _calmed(moved: Floats, spread: Floats, support: Floats) -> Floats:
    """Displacements where the edge was not seen follow those around, where it was; the others hardly change."""
    from scipy.linalg import solveh_banded

    count = len(moved)
    # the floor keeps a single sharp vertex from bending the line to itself
    weight = support / (spread**2 + 0.15**2) + 1e-3
    # a closed outline: solved over one and a half turns, so that the cut does not matter
    lead = count // 4
    wrap = np.arange(-lead, count + lead) % count
    bands = np.zeros((2, wrap.size))
    bands[1] = weight[wrap] + 2 * STIFFNESS
    bands[0, 1:] = -STIFFNESS
    bands[1, [0, -1]] -= STIFFNESS
    solved = solveh_banded(bands, weight[wrap] * moved[wrap])
    return np.asarray(solved[lead : lead + count])


def _around(likely: Floats, path: Floats, columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and deviation of the position within 2 px of the best path, and the probability found there."""
    reach = round(2.0 / STEP)
    near = np.abs(np.arange(columns.size)[None, :] - path[:, None]) <= reach
    weight = np.where(near, likely, 0.0) + 1e-12 * near
    mass = weight.sum(axis=1)
    moved = (weight * columns).sum(axis=1) / mass
    spread = np.sqrt((weight * (columns - moved[:, None]) ** 2).sum(axis=1) / mass)
    whole = np.sqrt((likely * (columns - moved[:, None]) ** 2).sum(axis=1))
    # a second likely place elsewhere makes the spread honest
    return moved, np.maximum(spread, whole), mass


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else 0.0


def learn_polarity(band: EdgeBand, width: float) -> tuple[float, float]:
    """+1 for a dark particle, -1 for a bright one, and the strength of its edge, from a first rough outline."""
    answer = response(band, width, 2.0)
    columns = [column[np.isfinite(column)] for column in answer.T]
    means = np.array([column.mean() if column.size else 0.0 for column in columns])
    best = int(np.argmax(np.abs(means)))
    inside = _mean(band.values[:, : band.middle - 2])
    outside = _mean(band.values[:, band.middle + 3 :])
    polarity = 1.0 if outside >= inside else -1.0
    # a clear edge knows better than two sides that hardly differ
    if abs(means[best]) > 2 * abs(outside - inside):
        polarity = float(np.sign(means[best]))
    seen = answer[np.isfinite(answer).any(axis=1)]  # the rest lies outside of the picture
    return polarity, float(np.median(np.nanmax(polarity * seen, axis=1))) if len(seen) else 0.0
