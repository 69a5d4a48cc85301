"""Spectra as the compiled loops take them: rows of pixels, broken channels found and mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.windows import Channels, EnergyAxis
from tandem_em.core.notices import UserError

SAMPLE_PIXELS = 256


def as_spectra(data: ArrayLike) -> tuple[NDArray[Any], tuple[int, ...]]:
    """Spectra as rows (pixels, channels) and the shape of the map; a sentence when they are not spectra."""
    values = np.asarray(data)
    if values.ndim == 0 or values.size == 0:
        raise UserError(
            "There are no spectra in these data.", "Open a spectrum, line scan or spectrum image."
        )
    if values.dtype.kind not in "biuf":
        raise UserError(
            f"Spectra of type {values.dtype} cannot be mapped.", "Convert them to real numbers first."
        )
    return values.reshape(-1, values.shape[-1]), values.shape[:-1]


def check_fit(spectra: NDArray[Any], axis: EnergyAxis) -> None:
    """Say so when data and energy axis differ in length."""
    if spectra.shape[1] != axis.size:
        raise UserError(
            f"The spectra have {spectra.shape[1]} channels but the energy axis has {axis.size}.",
            "Reload the file or calibrate the energy axis.",
        )


def is_plain(spectra: NDArray[Any]) -> bool:
    """Whether the compiled loops can read the spectra where they are."""
    kind = spectra.dtype.kind in "iu" or spectra.dtype in (np.float32, np.float64)
    return bool(spectra.flags.c_contiguous and spectra.dtype.isnative and kind)


def sample_pixels(spectra: NDArray[Any]) -> NDArray[Any]:
    """A few hundred pixels spread over the map."""
    return spectra[:: max(1, spectra.shape[0] // SAMPLE_PIXELS)][: 2 * SAMPLE_PIXELS]


class Windows:
    """Spectra as the compiled loops see them: whole where that is possible, else only the windows, copied."""

    def __init__(self, spectra: NDArray[Any], axis: EnergyAxis, channels: Channels) -> None:
        self.spectra = spectra
        self.pixels = spectra.shape[0]
        self._low, self._high = channels.low, channels.high
        if is_plain(spectra):
            self.axis, self.channels = axis, channels
        else:
            self.axis = EnergyAxis(axis.at(self._low), axis.step_eV, max(self._high - self._low, 1))
            self.channels = channels.shifted(-self._low)

    def strip(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows of spectra (pixels, channels), contiguous and in a type the compiled loops take."""
        if is_plain(self.spectra):
            return np.ascontiguousarray(rows)
        # wide integers keep their digits, the rest takes half the memory
        kind = np.float64 if rows.dtype.itemsize > 4 else np.float32
        return np.ascontiguousarray(rows[:, self._low : self._high], dtype=kind)


def mended(
    spectra: NDArray[Any], dead_channels: Sequence[int] | NDArray[Any], channels: Channels | None = None
) -> NDArray[Any]:
    """A copy (…, channels) with dead channels replaced by the line between their living neighbours.

    The same array when none of them is dead inside the windows (anywhere, without windows).
    """
    size = spectra.shape[-1]
    dead = np.zeros(size, dtype=bool)
    dead[np.asarray(dead_channels, dtype=np.int64)] = True
    low, high = (0, size) if channels is None else (channels.low, channels.high)
    if not dead[low:high].any() or dead.all():
        return spectra
    alive = np.flatnonzero(~dead)
    living: NDArray[Any] = spectra.astype(np.float64 if spectra.dtype.itemsize > 4 else np.float32)
    for channel in np.flatnonzero(dead).tolist():
        after = int(np.searchsorted(alive, channel))
        # at an end of the axis both are the one living neighbour
        left, right = int(alive[max(after - 1, 0)]), int(alive[min(after, alive.size - 1)])
        share = 0.5 if left == right else (channel - left) / (right - left)
        living[..., channel] = (1 - share) * living[..., left] + share * living[..., right]
    return living


def find_dead_channels(spectra: ArrayLike) -> NDArray[np.int64]:
    """Channels that are never finite, or 0 in every pixel between neighbours that are not."""
    values, _ = as_spectra(spectra)
    sample = sample_pixels(values)
    lit = (np.isfinite(sample) & (sample != 0)).any(axis=0)
    inside = np.flatnonzero(lit)
    if inside.size == 0:
        return np.empty(0, dtype=np.int64)
    dark = np.flatnonzero(~lit)
    # no detector writes NaN everywhere unless the channel is broken
    never = ~np.isfinite(sample).any(axis=0)
    between = (dark > inside[0]) & (dark < inside[-1])
    # a dark channel between bright ones is dead; one beside a steep flank, or among single counts, is only dark
    level = np.abs(np.nan_to_num(sample.astype(np.float64))).sum(axis=0)
    near = np.array(
        [min(level[max(0, c - 3) : c].max(initial=0), level[c + 1 : c + 4].max(initial=0)) for c in dark]
    )
    return np.asarray(dark[(between & (near >= 20)) | never[dark]], dtype=np.int64)
