"""Bright-field movies of swelling particles, computed from thickness, optics and counting, with the truth.

`render_frame` gives one frame as the camera would write it, `truth` the silhouettes of the same frame. No
frame depends on another, so a movie can be shown, streamed or saved in any order.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.simulation.movie_film import film_texture, grain_texture
from tandem_em.simulation.movie_recipe import MovieRecipe, Particle

Image = NDArray[np.float32]
# half a degree: below a pixel on every silhouette that fits a frame
ANGLES = np.linspace(0, 2 * np.pi, 720, endpoint=False)
FRINGE_FLOOR = 0.02  # a weaker fringe is not worth a second blur


def render_frame(recipe: MovieRecipe, frame: int) -> NDArray[np.uint16]:
    """Camera counts of one frame."""
    from tandem_em.simulation import movie_kernels as kernels

    electrons = expected_electrons(recipe, frame)
    camera = recipe.camera
    counts = kernels.count(
        electrons, _seed(recipe, frame), camera.gain, camera.offset, camera.read_noise, _normal_quantiles()
    )
    # after counting: the scintillator spreads what an electron has set free, noise included
    if camera.spread_px > 0:
        taps = _taps(camera.spread_px)
        counts = kernels.blur(counts, taps, taps)
    # after the spread: single pixels, not spots
    _hot_pixels(recipe, frame, counts)
    image: NDArray[np.uint16] = kernels.to_uint16(counts)
    return image


def expected_electrons(recipe: MovieRecipe, frame: int) -> Image:
    """Mean number of electrons per pixel, before counting noise."""
    from tandem_em.simulation import movie_kernels as kernels

    if frame in recipe.blanked:
        return np.zeros(recipe.shape[1:], np.float32)
    time_s = recipe.times_s[frame]
    image = _thickness(recipe, frame)
    kernels.negative_exp(image)
    blur_px, fringe = recipe.optics.at(time_s)
    blur_x, blur_y = _motion_blur(recipe, frame, blur_px)
    image = kernels.blur(image, _taps(blur_x), _taps(blur_y))
    if abs(fringe) > FRINGE_FLOOR:
        wide = _taps(recipe.optics.fringe_px)
        image += np.float32(fringe) * (image - kernels.blur(image, wide, wide))
    # after blur and fringe, which belong to the sample's contrast alone
    image *= _illumination(recipe) * np.float32(recipe.camera.electrons * recipe.light.level(time_s))
    return np.asarray(image, np.float32)


def truth(recipe: MovieRecipe, frame: int) -> dict[str, Floats]:
    """True outlines, `(n, 2)` x, y in pixels of that frame (drift included); of a cluster the outer one."""
    return {name: _outline(recipe, members, frame) for name, members in recipe.target_members.items()}


def in_one_piece(recipe: MovieRecipe, frame: int, name: str) -> bool:
    """Whether the particles of a target touch one another in a frame; if not, it has no outline to be found."""
    from skimage.measure import label

    members = recipe.target_members[name]
    return len(members) == 1 or int(label(_union_field(members, recipe.times_s[frame])[0] > 0).max()) == 1


def movie(recipe: MovieRecipe) -> NDArray[np.uint16]:
    """All frames at once (tests and small benches)."""
    return np.stack([render_frame(recipe, frame) for frame in range(recipe.shape[0])])


def _outline(recipe: MovieRecipe, members: tuple[Particle, ...], frame: int) -> Floats:
    time_s, drift = recipe.times_s[frame], recipe.drift(frame)
    if len(members) == 1:
        x, y = members[0].centre(time_s)
        radii = members[0].radii(time_s, ANGLES)
        outline = x + drift[0] + radii * np.cos(ANGLES), y + drift[1] + radii * np.sin(ANGLES)
        return np.asarray(np.stack(outline, axis=1))
    return np.asarray(_union_outline(members, time_s) + np.asarray(drift))


def _union_outline(members: tuple[Particle, ...], time_s: float) -> Floats:
    """Outer outline of several particles together, the zero line of a smooth field (exact to 0.01 px)."""
    from skimage.measure import find_contours

    field, origin = _union_field(members, time_s)
    longest = max(find_contours(field, 0.0), key=len)
    return np.asarray(longest[:-1, ::-1] + origin)


def _union_field(members: tuple[Particle, ...], time_s: float) -> tuple[Image, Floats]:
    """Positive inside any of the particles, and where the field's first pixel lies (x, y)."""
    from tandem_em.simulation import movie_kernels as kernels

    centres = np.array([member.centre(time_s) for member in members])
    radii = np.array([member.radii(time_s, ANGLES) for member in members])
    reach = float(radii.max()) + 3
    origin = np.floor(centres.min(axis=0) - reach)
    columns, rows = (np.ceil(centres.max(axis=0) + reach) - origin).astype(int) + 1
    field = kernels.union_field(rows, columns, centres - origin, radii, radii.min(axis=1), radii.max(axis=1))
    return field, origin


def _thickness(recipe: MovieRecipe, frame: int) -> Image:
    """Projected t/λ of film, particles and needle in the pixels of this frame."""
    from tandem_em.simulation import movie_kernels as kernels

    time_s = recipe.times_s[frame]
    dx, dy = recipe.drift(frame)
    out = np.zeros(recipe.shape[1:], np.float32)
    # the film moves with the sample: the window into it goes the other way
    texture, pad = _film(recipe)
    if texture is not None:
        kernels.add_shifted(out, texture, pad[0] - dx, pad[1] - dy)
    for particle in recipe.particles:
        x, y = particle.centre(time_s)
        ratio = particle.area_ratio(time_s)
        radii = particle.radii(time_s, ANGLES)
        kernels.add_particle(
            out, x + dx, y + dy, radii, particle.absorption * ratio**-particle.thinning, particle.power,
            particle.flatness, _domains(particle, time_s, ratio), particle.grain, grain_texture(recipe.seed),
        )  # fmt: skip
    if recipe.needle is not None:
        needle = recipe.needle
        tx, ty = needle.tip(time_s)
        kernels.add_needle(
            out, tx + dx, ty + dy, needle.angle, needle.radius_px, needle.half_angle, needle.absorption
        )
    return out


def _domains(particle: Particle, time_s: float, ratio: float) -> Floats:
    """Rows of (strength, kx, ky, phase, core radius): the crystal core shrinks while the particle swells."""
    lithiated = min(1.0, (ratio - 1.0) / 0.45)
    rows = []
    for domain in particle.domains:
        flicker = 0.5 + 0.5 * math.sin(time_s / domain.flicker_s + domain.phase)
        strength = domain.strength * particle.absorption * (0.25 + 0.75 * flicker) * (1 - lithiated)
        # stripes that nobody can see are not worth their cosine
        if strength < 1e-3:
            continue
        k = math.pi * domain.waves / particle.radius_px
        phase = domain.phase + 0.6 * time_s / domain.flicker_s
        core = 1.05 - 0.8 * lithiated
        rows.append([strength, k * math.cos(domain.direction), k * math.sin(domain.direction), phase, core])
    return np.array(rows, float).reshape(-1, 5)


def _motion_blur(recipe: MovieRecipe, frame: int, blur_px: float) -> tuple[float, float]:
    """Blur in x and y when the sample moves during the exposure."""
    # the speed is that between the two neighbours
    near = min(frame + 1, recipe.shape[0] - 1), max(frame - 1, 0)
    elapsed = recipe.times_s[near[0]] - recipe.times_s[near[1]]
    if elapsed <= 0 or not recipe.drift_px:
        return blur_px, blur_px
    # deviation of a uniform move over the exposure
    spread = min(1.0, recipe.exposure_s / elapsed) / math.sqrt(12)
    # a jump happens between frames: its whole length is no blur
    moved = [min(6.0, abs(a - b)) * spread for a, b in zip(recipe.drift(near[0]), recipe.drift(near[1]))]
    return math.hypot(blur_px, moved[0]), math.hypot(blur_px, moved[1])


def _hot_pixels(recipe: MovieRecipe, frame: int, counts: Image) -> None:
    camera = recipe.camera
    # the same pixels are hot in every frame
    fixed = np.random.default_rng([recipe.seed, 71])
    rows, columns = counts.shape
    where = fixed.integers(0, [rows, columns], (camera.hot_pixels, 2))
    counts[where[:, 0], where[:, 1]] += (
        fixed.uniform(0.5, 5, camera.hot_pixels) * camera.gain * camera.electrons
    )
    # X-ray hits are new in each frame
    rng = np.random.default_rng([recipe.seed, frame, 72])
    for _ in range(rng.poisson(camera.spikes)):
        r, c = int(rng.integers(0, rows - 1)), int(rng.integers(0, columns - 1))
        counts[r : r + 2, c : c + 2] += rng.uniform(2, 40) * camera.gain * max(20.0, camera.electrons)


def _seed(recipe: MovieRecipe, frame: int) -> int:
    return int(np.random.default_rng([recipe.seed, frame]).integers(1, 2**32 - 1))


@lru_cache(maxsize=1)
def _normal_quantiles() -> Image:
    from scipy.special import ndtri

    # centres of 65536 equal shares: both ends stay finite
    return np.asarray(ndtri((np.arange(65536) + 0.5) / 65536), np.float32)


@lru_cache(maxsize=64)
def _taps(sigma_px: float) -> Any:
    reach = max(1, math.ceil(3.2 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(reach + 1) / sigma_px) ** 2)
    return (taps / (taps[0] + 2 * taps[1:].sum())).astype(np.float32)


@lru_cache(maxsize=4)
def _illumination(recipe: MovieRecipe) -> Image:
    light = recipe.light
    y, x = np.meshgrid(*(np.linspace(-0.5, 0.5, n) for n in recipe.shape[1:]), indexing="ij")
    return (1 + light.tilt_x * x + light.tilt_y * y - light.bowl * (x**2 + y**2)).astype(np.float32)


@lru_cache(maxsize=4)
def _film(recipe: MovieRecipe) -> tuple[Image | None, tuple[int, int]]:
    """Texture of the support, larger than the frame by the drift, and where the frame starts in it (x, y)."""
    film = recipe.film
    if film.absorption == 0 and film.grain == 0 and film.bar == 0:
        return None, (0, 0)
    drift = np.array(recipe.drift_px or ((0.0, 0.0),))
    high, low = np.ceil(drift.max(axis=0)).astype(int) + 2, np.ceil(-drift.min(axis=0)).astype(int) + 2
    size = recipe.shape[1] + int(high[1] + low[1]), recipe.shape[2] + int(high[0] + low[0])
    return film_texture(film, size, recipe.seed), (int(high[0]), int(high[1]))
