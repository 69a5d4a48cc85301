"""Support films of generated movies: continuous or lacy carbon with its amorphous grain, as t/λ maps."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tandem_em.simulation.movie_recipe import Film

Image = NDArray[np.float32]


def film_texture(film: Film, shape: tuple[int, int], seed: int) -> Image:
    """t/λ of the support in sample coordinates."""
    rng = np.random.default_rng([seed, 11])
    cover = _lace(film, shape, rng) if film.hole_radius_px > 0 else np.ones(shape)
    slope = 1 + film.slope * np.linspace(-0.5, 0.5, shape[1])[None, :]
    thickness = film.absorption * cover * slope
    thickness += film.grain * (0.15 + 0.85 * np.minimum(cover, 1)) * _grain(shape, film.grain_px, rng)
    if film.bar > 0:
        x = np.arange(shape[1])[None, :] + 3 * np.sin(np.arange(shape[0]) / 19.0)[:, None]
        thickness += film.bar / (1 + np.exp((x - 0.07 * shape[1]) / (1.5 * film.edge_px)))
    return np.asarray(thickness, np.float32)


@lru_cache(maxsize=2)
def grain_texture(seed: int) -> Image:
    """Periodic mottle with unit deviation, used inside particles."""
    return _grain((256, 256), 2.5, np.random.default_rng([seed, 12])).astype(np.float32)


def _grain(shape: tuple[int, int], size_px: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Band-limited noise as an amorphous film shows it a little out of focus; unit deviation."""
    from scipy import fft

    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    # q² exp(−q²): no slow waves, which belong to the thickness, and none below a pixel
    q2 = (fx**2 + fy**2) * (2 * np.pi * size_px) ** 2
    spectrum = fft.rfft2(rng.standard_normal(shape)) * q2 * np.exp(-q2)
    noise = np.asarray(fft.irfft2(spectrum, s=shape))
    return np.asarray(noise / noise.std())


def _lace(film: Film, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Relative thickness of a film with rounded holes; slightly thicker along the hole edges."""
    from scipy.ndimage import gaussian_filter, zoom

    # large holes are made on a coarse grid: a wide blur of the full frame is slow
    step = max(1, int(film.hole_radius_px / 8))
    small = tuple(n // step + 8 for n in shape)
    field = gaussian_filter(rng.standard_normal(small), film.hole_radius_px / step / 2.2, mode="wrap")
    # the level that leaves just the wanted share covered
    field -= np.quantile(field, 1 - film.coverage)
    smooth = zoom(field, step, order=3)[: shape[0], : shape[1]] if step > 1 else field[: shape[0], : shape[1]]
    gradient = np.hypot(*np.gradient(smooth)) + 1e-12
    distance = smooth / np.maximum(gradient, np.median(gradient) / 2)  # px from the edge, positive on carbon
    # edges of real holes are not as smooth as the enlarged grid
    wobble = gaussian_filter(rng.standard_normal(shape), 6)
    distance += wobble / wobble.std() * 0.5
    cover = 0.5 * (1 + np.tanh(distance / film.edge_px))
    rim = np.exp(-(((distance - 2.5 * film.edge_px) / (2 * film.edge_px)) ** 2))
    return np.asarray(cover + film.rim * rim * cover)
