"""Where the silhouette ends: the mean edge profile is fitted with projected thickness, blur and Fresnel fringe.

The steepest point of a blurred, rounded particle lies inside its silhouette. A model of the profile tells by how
much: brightness = b0 + b1·T + b2·(T - mean of T), T = blur(exp(-a·g)), g = (1 - (1 - h/R)²)^p at depth h. p near 0
is a sharp step, 0.5 a ball; p belongs to the particle and is shared by all frames, blur and fringe are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tandem_em.analysis.outlines.band import STEP, EdgeBand
from tandem_em.core.numeric import Floats

FINE = 0.1  # px, grid of the model
POWERS = np.array([0.02, 0.1, 0.16, 0.22, 0.28, 0.33, 0.38, 0.43, 0.48, 0.53, 0.58, 0.66])
FLATNESS = (1.0, 0.5)  # of the radius: a particle with a flat top thickens sooner
BLURS = np.array([0.35, 0.55, 0.75, 1.0, 1.3, 1.65, 2.05, 2.5, 3.1])
OUTWARD = np.arange(-1.0, 4.01, 0.2)  # px, where the silhouette may lie beyond the followed line
FRINGE_PX = 2.2
FLAT = 1e-4  # of the brightness of the frame; a profile without any edge
FEWEST = 16  # vertices on open background from which a mean profile says something
USUAL_POWER, POWER_SPREAD = 0.54, 0.1  # most particles are round


@dataclass(frozen=True)
class EdgeProfile:
    """Mean brightness against distance from the followed line (px, outwards), its error, and the particle's radius."""

    distance: Floats
    brightness: Floats
    error: Floats
    radius: float


@dataclass(frozen=True)
class EdgeForm:
    """Brightness across the edge as a model: level + contrast * (transmission + fringe * its fringe)."""

    radius: float
    power: float
    depth: float
    blur: float
    level: float
    contrast: float
    fringe: float

    def basis(self, distance: Floats, outward: Floats) -> Floats:
        """Constant, transmission and fringe (outward, 3, distance) for silhouettes that lie `outward` of zero, px."""
        return _basis(distance, self.radius, self.power, self.blur, self.depth, outward)

    def lack(self) -> tuple[float, float]:
        """Share of the outer brightness that is missing inside, and how much of that is missing at the silhouette."""
        inner, edge = (
            float(self.basis(np.array([d]), np.zeros(1))[0, 1, 0]) for d in (-0.4 * self.radius, 0.0)
        )
        depth = abs(self.contrast * (1 - inner) / (self.level + self.contrast))
        return depth, (1 - edge) / (1 - inner) if abs(1 - inner) > 1e-6 else 0.5


@dataclass(frozen=True)
class EdgeFit:
    """Distance from the followed line to the silhouette, px, with its uncertainty, and the model that fits best."""

    outward: float
    error: float
    form: EdgeForm
    misfit: float


def edge_profile(band: EdgeBand, radius: float, expected: Floats) -> EdgeProfile | None:
    """Mean profile of the parts of an outline that border on open background; `radius` is the particle's usual one."""
    inside = min(9.0, 0.45 * radius)
    columns = np.asarray((np.arange(band.values.shape[1]) - band.middle) * STEP, float)
    use = (columns >= -inside) & (columns <= 7.0)
    known = np.isfinite(band.values[:, use]).all(axis=1)
    if known.sum() < FEWEST:
        return None
    usual = float(np.nanmedian(expected))
    values, expected = band.values[known][:, use], expected[known]
    outer = values[:, columns[use] > 3.0].mean(axis=1)
    # the film itself: neighbours are darker
    level = np.quantile(outer, 0.7)
    spread = np.median(np.abs(outer - np.median(outer))) * 1.4826
    clean = (np.abs(outer - level) < 2.5 * spread + 0.1 * usual) & (expected > 0.6 * usual)
    if clean.sum() < FEWEST:
        return None
    chosen = values[clean]
    mean = chosen.mean(axis=0)
    if np.ptp(mean) < FLAT:
        return None
    # neighbouring vertices share pixels: fewer independent ones
    error = chosen.std(axis=0) / np.sqrt(max(4.0, clean.sum() / 2.5))
    return EdgeProfile(columns[use], mean, np.maximum(error, 1e-4), radius)


def fit_edges(profiles: list[EdgeProfile]) -> list[EdgeFit]:
    """Fit all profiles of a particle, of one radius, with one shape of its thickness."""
    distance = profiles[0].distance
    radius = profiles[0].radius
    depth = float(np.median([_depth(profile) for profile in profiles]))
    shapes = [(flat * radius, float(power)) for flat in FLATNESS for power in POWERS]
    bases = np.array(
        [[_basis(distance, r, p, float(blur), depth, OUTWARD) for blur in BLURS] for r, p in shapes]
    )
    tables, linear = zip(*(_misfits(profile, bases) for profile in profiles))
    prior = np.tile(((POWERS - USUAL_POWER) / POWER_SPREAD) ** 2, len(FLATNESS))
    # a profile is never quite of the model: its misfit is scaled so that the best fit is an ordinary one
    scales = [max(1.0, table.min() / max(4, distance.size / 2 - 5)) for table in tables]
    shared = sum(table.min(axis=(1, 2)) / scale for table, scale in zip(tables, scales)) + prior
    weight = np.exp(-0.5 * (shared - shared.min()))
    weight /= weight.sum()
    best = int(np.argmin(shared))
    fits = []
    for table, solved, scale in zip(tables, linear, scales):
        outward, error = _summary(table / scale, weight)
        blur, place = np.unravel_index(int(np.argmin(table[best])), table[best].shape)
        b0, b1, b2 = (float(v) for v in solved[best, blur, place])
        form = EdgeForm(*shapes[best], depth, float(BLURS[blur]), b0, b1, b2 / b1 if b1 else 0.0)
        fits.append(EdgeFit(outward, error, form, scale))
    return fits


def _summary(table: Floats, weight: Floats) -> tuple[float, float]:
    """Mean and deviation of the outward distance over all blurs and powers, weighted by how well they fit."""
    density = np.exp(-0.5 * (table - table.min(axis=(1, 2), keepdims=True)))
    density *= (weight / density.sum(axis=(1, 2)))[:, None, None]
    over = density.sum(axis=(0, 1))
    outward = float((over * OUTWARD).sum())
    return outward, float(np.sqrt((over * (OUTWARD - outward) ** 2).sum()))


def _misfits(profile: EdgeProfile, bases: Floats) -> tuple[Floats, Floats]:
    """Chi squared for every shape, blur and outward distance, and the linear terms that give it."""
    y = profile.brightness / profile.error
    basis = bases / profile.error
    normal = np.einsum("ijkan,ijkbn->ijkab", basis, basis, optimize=True)
    right = basis @ y
    # a basis may be all but flat: the solution must stay finite
    normal += np.eye(3) * 1e-9 * np.trace(normal, axis1=-2, axis2=-1)[..., None, None]
    solved = np.linalg.solve(normal, right[..., None])[..., 0]
    table = (y @ y) - (solved * right).sum(axis=-1)
    # a fringe stronger than the edge itself is no edge
    table += np.where(np.abs(solved[..., 2]) > 1.5 * np.abs(solved[..., 1]), 20.0, 0.0)
    return table, solved


def _depth(profile: EdgeProfile) -> float:
    """Absorption that corresponds to the contrast of the profile."""
    inner = float(profile.brightness[: max(2, profile.distance.size // 6)].mean())
    outer = float(profile.brightness[-6:].mean())
    return float(np.clip(np.log(max(outer, 1e-6) / max(inner, 0.05 * abs(outer) + 1e-6)), -2.5, 2.5))


def _basis(
    distance: Floats, radius: float, power: float, blur: float, depth: float, outward: Floats
) -> Floats:
    """Constant, blurred transmission and its fringe at the profile's distances, for every outward distance."""
    # room for blur and shift, or the ends of the grid would show
    low, high = distance[0] - 12.0, distance[-1] + 12.0
    x = np.arange(low, high, FINE)
    inside = np.clip(-x / radius, 0, 1)
    g = (1 - (1 - inside) ** 2) ** power * (x < 0)
    reference = (1 - (1 - min(0.99, 6.0 / radius)) ** 2) ** power
    sharp = np.exp(-depth * g / reference)
    blurred = _blurred(sharp, blur)
    fringe = blurred - _blurred(blurred, FRINGE_PX)
    at = distance[None, :] - outward[:, None]
    rows = [np.interp(at.ravel(), x, row).reshape(at.shape) for row in (blurred, fringe)]
    return np.stack([np.ones_like(at), *rows], axis=1)


def _blurred(values: Floats, sigma: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(values, sigma / FINE, mode="nearest"))
