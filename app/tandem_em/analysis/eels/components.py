"""Principal components and non-negative factors of spectrum images, weighted for counting noise.

Weighting (Keenan and Kotula 2004): each count is divided by the square root of what its pixel and its channel expect on
average, so that noise is of size one everywhere and a component that rises over it is not noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

BLOCK_PIXELS = 4096


@dataclass(frozen=True)
class Components:
    """Factors (components, E) with their maps (components, …); data ≈ sum of map × factor."""

    factors: Floats
    maps: Floats
    scree: Floats
    """Share of the weighted variance of each component, largest first (more of them than there are factors)."""
    suggested: int
    """Components that rise over counting noise."""
    kind: str = "PCA"

    def reconstruct(self, number: int | None = None) -> NDArray[np.float32]:
        """Spectra made of the first components only: the denoised map."""
        kept = self.factors.shape[0] if number is None else min(number, self.factors.shape[0])
        maps = np.moveaxis(self.maps[:kept], 0, -1)
        return np.asarray(maps @ self.factors[:kept], dtype=np.float32)


def principal_components(
    data: ArrayLike,
    number: int = 12,
    *,
    counts_per_electron: float = 1.0,
    channels: tuple[int, int] | None = None,
) -> Job[Components]:
    """Weighted principal components without centring; `channels` restricts them to a part of the energy axis."""
    spectra, shape = as_spectra(data)
    if channels is not None:
        spectra = spectra[:, channels[0] : channels[1]]
    if spectra.shape[0] < 2 or spectra.shape[1] < 2:
        raise UserError("Components need at least two spectra and two channels.", "Open a spectrum image.")
    pixel_scale, channel_scale = yield from _scales(spectra)
    rows_are_channels = spectra.shape[1] <= spectra.shape[0]
    # the smaller side: components of one follow from those of the other
    size = min(spectra.shape)
    gram = np.zeros((size, size))
    whole = spectra.shape[0]
    if rows_are_channels:
        for begin in range(0, whole, BLOCK_PIXELS):
            yield Progress(begin, 1.6 * whole, "principal components")
            block = _weighted(spectra, pixel_scale, channel_scale, begin)
            gram += block.T @ block
    else:
        yield Progress(0, 1.6 * whole, "principal components")
        block = _weighted(spectra, pixel_scale, channel_scale, 0, whole)
        gram = block @ block.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    kept = max(1, min(number, size))
    if rows_are_channels:
        directions = vectors[:, :kept]
    else:
        directions = block.T @ vectors[:, :kept] / np.sqrt(np.maximum(values[:kept], 1e-300))
    scores = np.empty((whole, kept))
    for begin in range(0, whole, BLOCK_PIXELS):
        yield Progress(1.3 * whole + 0.3 * begin, 1.6 * whole, "principal components")
        scores[begin : begin + BLOCK_PIXELS] = (
            _weighted(spectra, pixel_scale, channel_scale, begin) @ directions
        )
    # a component's sign is arbitrary: mostly positive maps are easier to read
    signs = np.where(scores.sum(axis=0) < 0, -1.0, 1.0)
    maps = (scores * signs * pixel_scale[:, None]).T.reshape(kept, *shape)
    total = float(values.sum())
    scree = values / total if total > 0 else values
    suggested = _above_noise(values, spectra.shape, counts_per_electron)
    return Components((directions * signs * channel_scale[:, None]).T, maps, scree, suggested)


def _scales(spectra: NDArray[np.generic]) -> Job[tuple[Floats, Floats]]:
    """Square roots of what a pixel (relative) and a channel (counts) expect; 1 where they expect nothing."""
    channel_mean, pixel_mean = np.zeros(spectra.shape[1]), np.empty(spectra.shape[0])
    for begin in range(0, spectra.shape[0], BLOCK_PIXELS):
        yield Progress(0, 0, "Weighting counts")
        block = np.nan_to_num(spectra[begin : begin + BLOCK_PIXELS].astype(np.float64))
        channel_mean += np.maximum(block, 0).sum(axis=0)
        pixel_mean[begin : begin + BLOCK_PIXELS] = np.maximum(block, 0).mean(axis=1)
    channel_mean /= spectra.shape[0]
    mean = float(channel_mean.mean())
    if mean <= 0:
        raise UserError("These spectra hold no counts.", "Choose another map or another energy range.")
    pixel = np.sqrt(np.where(pixel_mean > 1e-6 * mean, pixel_mean, mean) / mean)
    # empty channels would be divided by zero and rule the components
    channel = np.sqrt(np.where(channel_mean > 1e-6 * mean, channel_mean, mean))
    return pixel, channel


def _weighted(
    spectra: NDArray[np.generic],
    pixel_scale: Floats,
    channel_scale: Floats,
    begin: int,
    number: int = BLOCK_PIXELS,
) -> Floats:
    rows = slice(begin, begin + number)
    block = np.nan_to_num(spectra[rows].astype(np.float64))
    return np.asarray(block / (pixel_scale[rows, None] * channel_scale))


def _above_noise(values: Floats, shape: tuple[int, int], gain: float) -> int:
    """Eigenvalues above the largest one that pure noise makes (Marchenko and Pastur).

    The noise is that of counting, or what the middle of the eigenvalues shows when that is more: detectors that do not
    count single electrons, and counts that were rescaled.
    """
    pixels, channels = max(shape), min(shape)
    aspect = channels / pixels
    # eigenvalues of pure noise end here (Marchenko and Pastur)
    low, high = (1 - np.sqrt(aspect)) ** 2, (1 + np.sqrt(aspect)) ** 2
    place = low + (high - low) * (np.arange(2000) + 0.5) / 2000
    share = np.cumsum(np.sqrt((high - place) * (place - low)) / place)
    middle = place[int(np.searchsorted(share, 0.5 * share[-1]))]
    # the median component is noise; never less than that of counting
    noise = max(gain, float(np.median(values)) / (pixels * middle))
    return int((values > 1.05 * noise * pixels * high).sum())


def non_negative_factors(
    data: ArrayLike,
    number: int,
    *,
    iterations: int = 300,
    counts_per_electron: float = 1.0,
    channels: tuple[int, int] | None = None,
) -> Job[Components]:
    """Non-negative matrix factorisation by multiplicative updates (Lee and Seung) on the weighted principal components.

    Working on a few principal components instead of the spectra makes an iteration cost nothing and takes most of the
    noise out first. Started from the components themselves, so the same data give the same factors.
    """
    if number < 1:
        raise UserError("At least one factor is needed.", "Choose 1 or more.")
    pca = yield from principal_components(
        # NMF works on a few components more than are asked for: quick, and hardly anything is lost
        data,
        max(number + 8, 16),
        counts_per_electron=counts_per_electron,
        channels=channels,
    )
    rank = pca.factors.shape[0]
    number = min(number, rank)
    spectra = pca.maps.reshape(rank, -1)
    channel_scale = np.sqrt(np.maximum(np.abs(pca.factors).max(axis=0), 1e-12))
    left, right = spectra.T, pca.factors / channel_scale
    weights, shapes = _first_guess(left, right, number)
    for turn in range(iterations):
        if turn % 10 == 0:
            yield Progress(turn, iterations, "non-negative factors")
        weights *= np.maximum(left @ (right @ shapes.T), 0) / np.maximum(weights @ (shapes @ shapes.T), 1e-30)
        shapes *= np.maximum((weights.T @ left) @ right, 0) / np.maximum(
            (weights.T @ weights) @ shapes, 1e-30
        )
    factors = shapes * channel_scale
    # factors of unit area: the maps carry the counts
    size = np.maximum(factors.sum(axis=1), 1e-30)
    order = np.argsort(-(weights.sum(axis=0) * size))
    maps = (weights * size)[:, order].T.reshape(number, *pca.maps.shape[1:])
    return Components((factors / size[:, None])[order], maps, pca.scree, pca.suggested, "NMF")


def _first_guess(left: Floats, right: Floats, number: int) -> tuple[Floats, Floats]:
    """Positive start from the components: of each the sign that carries more, never exactly zero."""
    weights, shapes = np.empty((left.shape[0], number)), np.empty((number, right.shape[1]))
    for k in range(number):
        positive = np.maximum(left[:, k], 0), np.maximum(right[k], 0)
        negative = np.maximum(-left[:, k], 0), np.maximum(-right[k], 0)
        strength = [np.linalg.norm(pair[0]) * np.linalg.norm(pair[1]) for pair in (positive, negative)]
        weights[:, k], shapes[k] = positive if strength[0] >= strength[1] else negative
    mean = np.abs(left[:, 0]).mean() + 1e-12, np.abs(right[0]).mean() + 1e-12
    # a zero would stay zero for ever under updates that multiply
    return weights + 0.01 * mean[0], shapes + 0.01 * mean[1]
