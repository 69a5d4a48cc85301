"""The last step of following: each outline to a fraction of a pixel, as one smooth surface through time and around.

Around every vertex the brightness across the edge is compared with the fitted model of the particle's edge at a row of
places; what the model does not know (how bright it is outside, how dark inside, stripes near the edge) is left free
within limits. The places found, each with its deviation, are joined by the smoothest surface that agrees with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.outlines.band import STEP
from tandem_em.analysis.outlines.ground import FAR, NEAR
from tandem_em.analysis.outlines.profile import EdgeForm
from tandem_em.core.numeric import Floats

INSIDE, OUTSIDE = 7.0, 6.0  # px of the band that are compared
FARTHEST = 2.5  # px, places that are tried
PLACES = np.arange(-FARTHEST, FARTHEST + 0.01, 0.25)
EXPECTED = 1.2  # px, how far from the last answer the edge may be
LEAST_NOISE = 0.04  # of the contrast: no edge is quite of the model
LEAST_SPREAD = 0.12  # px
OUTER_LEVEL, STRENGTH, FRINGE, SLOPE, BEND = 0.12, 0.4, 0.15, 0.05, 0.006  # freedom, relative to the contrast
OUTER_SLOPE = 0.04  # per px, where a neighbour lies behind
LOOSE = 3.0  # how much freer the brightness outside is there
BESIDE = 0.5  # what looks stray beside a neighbour counts half
NEIGHBOUR = 0.45  # of the contrast: what is that dark outside is a neighbour, not the film
ROUND = 20.0  # deviation^-2 of the second difference around an outline, px^-1
STEADY = 8.0  # deviation^-1 of the change from frame to frame, px^-1


Comparer = tuple[NDArray[np.float32], NDArray[np.float32], Floats]


@dataclass(frozen=True)
class Places:
    """Where the silhouette lies at each vertex, px outwards, its deviation, and how well the model fits there."""

    moved: Floats
    spread: Floats
    misfit: Floats
    stray: Floats  # 1 where the line has particle outside of it or background inside, 0 where it has not


def comparer(form: EdgeForm, noise: float, loose: float = 1.0) -> Comparer:
    """Whitening (n, places · n), whitened mean (places, n) and log determinant (places) of the model's covariance."""
    distance = _columns()
    known, transmission, fringe = np.moveaxis(form.basis(distance, PLACES), 1, 0)
    contrast = max(1e-3, abs(1 - float(transmission[:, 0].mean())))
    within = np.clip(PLACES[:, None] - distance[None, :], 0, None)
    free = [
        loose * OUTER_LEVEL * contrast * known,
        (loose - 1) * OUTER_SLOPE * contrast * np.clip(distance[None, :] - PLACES[:, None], 0, None),
        STRENGTH * (transmission - 1),
        FRINGE * fringe,
        SLOPE * contrast * within,
        BEND * contrast * within**2,
    ]
    mean = transmission + form.fringe * fringe
    white = np.hypot(1.25 * noise / abs(form.contrast), LEAST_NOISE * contrast)
    covariance = white**2 * np.eye(distance.size)[None] + sum(f[:, :, None] * f[:, None, :] for f in free)
    lower = np.linalg.cholesky(covariance)
    # once per form and noise: each vertex then costs one product
    whitening: Floats = np.linalg.inv(lower)
    logdet = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    whitened = (whitening @ mean[..., None])[..., 0]
    return whitening.reshape(-1, distance.size).T.astype(np.float32), whitened.astype(np.float32), logdet


def _columns() -> Floats:
    return np.asarray(np.arange(-round(INSIDE / STEP), round(OUTSIDE / STEP) + 1) * STEP, np.float64)


def find_places(band: Floats, behind: Floats, form: EdgeForm, comparers: tuple[Comparer, Comparer]) -> Places:
    """Compare a band and the background behind it with the model at every vertex.

    Film is divided out. A neighbour is not (nobody knows how it goes on inside): there the brightness outside is free,
    with the second comparer.
    """
    middle = band.shape[1] // 2
    low = middle - round(INSIDE / STEP)
    use = slice(low, low + len(comparers[0][0]))
    outer = slice(middle + round(3 / STEP), use.stop)
    with np.errstate(invalid="ignore"):
        level = np.nanmean(behind[:, outer], axis=1)
    relative = (form.level + form.contrast) / form.contrast
    contrast = 1 - float(form.basis(_columns(), np.zeros(1))[0, 1, 0])
    dark: Floats = (1 - np.asarray(level)) * relative
    neighbour = np.asarray(dark > NEIGHBOUR * contrast, np.bool_)
    values = np.where(neighbour[:, None], band[:, use] / level[:, None], band[:, use] / behind[:, use])
    known = np.asarray(np.isfinite(values).all(axis=1))
    stray = _stray(values, form.lack()[0], 1.0 if contrast > 0 else -1.0)
    stray = np.where(neighbour, BESIDE * stray, stray)
    y = 1 + (np.where(known[:, None], values, 1.0) - 1) * relative
    cost, misfit = np.empty((len(y), PLACES.size)), np.empty(len(y))
    for which, (whitening, mean, logdet) in zip((~neighbour, neighbour), comparers):
        if which.any():
            white = (y[which].astype(np.float32) @ whitening).reshape(-1, *mean.shape) - mean
            cost[which] = 0.5 * np.einsum("spn,spn->sp", white, white) + logdet
            misfit[which] = cost[which].min(axis=1) - logdet.min()
    # the followed line is near already
    cost = cost + 0.5 * (PLACES / EXPECTED) ** 2
    weight = np.exp(cost.min(axis=1, keepdims=True) - cost)
    weight /= weight.sum(axis=1, keepdims=True)
    moved = weight @ PLACES
    spread = np.sqrt((weight * (PLACES[None, :] - moved[:, None]) ** 2).sum(axis=1))
    spread = np.hypot(spread, LEAST_SPREAD)
    return Places(
        # what cannot be seen stays, and counts next to nothing
        np.where(known, moved, 0.0),
        np.where(known, spread, 10 * FARTHEST),
        misfit / y.shape[1],
        stray,
    )


def _stray(values: Floats, depth: float, sign: float) -> Floats:
    lack = sign * (1 - values)
    zero = round(INSIDE / STEP)
    near, far = round(NEAR / STEP), round(FAR / STEP)
    inner, outer = (
        lack[:, zero - far : zero - near].mean(axis=1),
        lack[:, zero + near : zero + far].mean(axis=1),
    )
    wrong = np.clip((outer / depth - 0.25) / 0.3, 0, 1) + np.clip((0.45 - inner / depth) / 0.3, 0, 1)
    return np.asarray(np.nan_to_num(np.minimum(wrong, 1.0), nan=1.0))


def rigid_part(moved: Floats, normals: Floats, trust: Floats) -> Floats:
    """What of the displacements (frames, vertices) is movement or growth of the whole outline."""
    modes = np.concatenate([np.ones((*moved.shape, 1)), normals], axis=2)
    table = np.einsum("tsa,ts,tsb->tab", modes, trust, modes) + 1e-3 * np.eye(3)
    right = np.einsum("tsa,ts->ta", modes, trust * moved)
    return np.asarray(np.einsum("tsa,ta->ts", modes, np.linalg.solve(table, right[..., None])[..., 0]))


def surface(moved: Floats, trust: Floats) -> Floats:
    """Smooth surface (frames, vertices) through displacements with their inverse variances; closed around.

    Conjugate gradients; an even trust has an exact answer in waves (around and in time), which is what leads the way.
    """
    from scipy.fft import dctn, idctn, irfft, rfft
    from scipy.sparse.linalg import LinearOperator, cg

    shape = frames, nodes = moved.shape
    # no vertex is wholly free, or the system would be singular
    trust = trust + 1e-3
    around = ROUND**2 * (2 - 2 * np.cos(2 * np.pi * np.fft.rfftfreq(nodes))) ** 2
    in_time = STEADY**2 * (2 - 2 * np.cos(np.pi * np.arange(frames) / frames))
    even = around[None, :] + in_time[:, None] + float(np.exp(np.log(trust).mean()))

    def stiffness(flat: Floats) -> Floats:
        table = flat.reshape(shape)
        bend = _second_difference(table)
        step = np.diff(table, axis=0)
        pull = np.zeros(shape)
        pull[:-1] -= step
        pull[1:] += step
        return np.asarray(ROUND**2 * _second_difference(bend) + STEADY**2 * pull + trust * table).ravel()

    def evenly(flat: Floats) -> Floats:
        waves = dctn(rfft(flat.reshape(shape), axis=1), axes=[0], norm="ortho") / even
        return np.asarray(irfft(idctn(waves, axes=[0], norm="ortho"), n=nodes, axis=1)).ravel()

    size = frames * nodes
    system, lead = (LinearOperator((size, size), f, dtype=float) for f in (stiffness, evenly))
    solved, _ = cg(
        system, (trust * moved).ravel(), x0=evenly((trust * moved).ravel()), M=lead, rtol=1e-4, maxiter=200
    )
    return np.asarray(solved).reshape(shape)


def _second_difference(table: Floats) -> Floats:
    """Of each row, closed around."""
    wide = np.concatenate([table[:, -1:], table, table[:, :1]], axis=1)
    return np.asarray(wide[:, :-2] - 2 * table + wide[:, 2:])
