"""Particles grow in one piece: what most of an outline does tells where its hidden parts should be.

The growth of an outline since it was drawn, vertex by vertex, is fitted with the slowest waves around it. A stretch
that does something else (it clings to a neighbour, to a film edge, to a stripe) stands out against that.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon, normals, solidity
from tandem_em.core.numeric import Floats

WAVES = 2
LEAST_SCALE = 0.6  # px, deviations that are always allowed
ROUNDS = 6
OWN = 1.0  # deviations from slow waves that are a particle's own
PULL = 2.0  # px per frame by which a stray stretch is asked back
LOBED = 0.92  # less of its convex hull: a cluster


@lru_cache(maxsize=16)
def _waves(count: int) -> Floats:
    angle = np.arange(count) * (2 * np.pi / count)
    rows = [np.ones(count)]
    for k in range(1, WAVES + 1):
        rows += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(rows, axis=1)


def coherent(grown: Floats, support: Floats) -> tuple[Floats, float]:
    """Slow-wave fit of the growth (px along the normals) that ignores stretches apart, and the usual deviation."""
    waves = _waves(len(grown))
    # short waves are held more: few frames cannot tell them from noise
    ridge = np.diag(0.002 * len(grown) * np.r_[0.0, np.repeat(np.arange(1, WAVES + 1) ** 2, 2)])
    # a stretch that was not seen still holds a little, else the waves run free there
    trust = 0.1 + 0.9 * support
    weight = trust.copy()
    fit, scale = grown, LEAST_SCALE
    for _ in range(ROUNDS):
        table = waves * weight[:, None]
        fit = waves @ np.linalg.solve(waves.T @ table + ridge, table.T @ grown)
        off = grown - fit
        scale = max(LEAST_SCALE, 1.4826 * float(np.median(np.abs(off))))
        weight = trust / (1 + (off / (1.5 * scale)) ** 2)
    return np.asarray(fit), scale


def is_lobed(outline: Polygon) -> bool:
    """Whether an outline, as it was drawn, is that of a cluster."""
    return solidity(outline) < LOBED


def pull_to_growth(grown: Floats, support: Floats, lobed: bool) -> tuple[Floats, float]:
    """Where stray stretches should be, px along the normals from where they are, and how loosely to look there.

    Small deviations are the particle's own. Of a cluster nothing is asked: its particles grow each at its pace.
    """
    # members of a cluster grow each by itself: slow waves say nothing about its outline
    if lobed:
        return np.zeros(len(grown)), 1.0
    fit, scale = coherent(grown, support)
    off = fit - grown
    back = np.sign(off) * np.maximum(0.0, np.abs(off) - OWN * scale)
    return np.clip(back, -PULL, PULL), max(1.0, scale)


def growth_since_start(table: Floats) -> Floats:
    """Growth of each vertex, summed from outline to outline, for a stack of corresponding outlines."""
    grown = np.zeros(table.shape[:2])
    for k in range(1, len(table)):
        grown[k] = grown[k - 1] + _along_normals(table[k - 1], table[k])
    return grown


def _along_normals(old: Polygon, new: Polygon) -> Floats:
    moved = new - old
    # a particle that is pushed as a whole has not grown
    moved = moved - moved.mean(axis=0)
    return np.asarray((moved * normals(old)).sum(axis=1))
