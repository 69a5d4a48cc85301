"""Fourier-log deconvolution: the single-scattering distribution behind plural scattering."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra, check_fit
from tandem_em.analysis.eels.windows import EnergyAxis
from tandem_em.analysis.eels.zero_loss import ZeroLoss, find_zero_loss, valley_eV
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.numeric import Floats

BLOCK_PIXELS = 1024


def fourier_log(
    data: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    peak: ZeroLoss | None = None,
    *,
    threshold_eV: float | None = None,
) -> Job[NDArray[np.float32]]:
    """Single-scattering distribution of every pixel, in counts per channel on the same axis, as broad as the zero loss.

    Its sum over the zero-loss counts is t/lambda. The zero loss is taken up to `threshold_eV` above its place (the
    valley before the first losses by default); past the end of the data the spectrum is led smoothly to zero.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    peak = find_zero_loss(data, axis) if peak is None else peak
    threshold = valley_eV(spectra, axis, peak) if threshold_eV is None else threshold_eV
    places = np.ravel(peak.position_eV)
    out = np.full(spectra.shape, np.nan, np.float32)
    for begin in range(0, spectra.shape[0], BLOCK_PIXELS):
        yield Progress(begin, spectra.shape[0], "Fourier-log deconvolution")
        rows = slice(begin, begin + BLOCK_PIXELS)
        out[rows] = _deconvolved(spectra[rows].astype(np.float64), axis, places[rows], threshold)
    return out.reshape(*shape, axis.size)


def _deconvolved(block: Floats, axis: EnergyAxis, places_eV: Floats, threshold_eV: float) -> Floats:
    from scipy import fft

    # twice the axis: plural scattering must not come round to the start
    length = fft.next_fast_len(2 * axis.size, real=True)
    good = np.isfinite(places_eV) & np.isfinite(block).all(axis=1)
    places = np.where(good, places_eV, 0.0)
    whole = _led_to_zero(np.where(good[:, None], block, 0.0), axis, length)
    zero_loss = whole * _zero_loss_window(axis, places + threshold_eV, length)
    total, beam = fft.rfft(whole, axis=1), fft.rfft(zero_loss, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.log(total / beam)
    # where the zero loss has no strength left its product with the logarithm is noise times nothing
    weak = (np.abs(beam) < 1e-6 * np.abs(beam[:, :1])) | ~np.isfinite(logarithm)
    single = fft.irfft(np.where(weak, 0.0, beam * logarithm), length, axis=1)[:, : axis.size]
    single[~good] = np.nan
    return np.asarray(single)


def _zero_loss_window(axis: EnergyAxis, end_eV: Floats, length: int) -> Floats:
    """1 up to the end of the zero loss, 0 after it, with the channel's own share at the end."""
    edge = (end_eV - axis.offset_eV) / axis.step_eV + 0.5
    return np.asarray(np.clip(edge[:, None] - np.arange(length), 0.0, 1.0))


def _led_to_zero(block: Floats, axis: EnergyAxis, length: int) -> Floats:
    """Spectra padded to `length`: past their end a cube law that starts at the mean of the last channels, then zero."""
    size = axis.size
    whole = np.zeros((block.shape[0], length))
    whole[:, :size] = block
    last = max(1, size // 50)
    # a spectrum that ends in a step would ring through the whole result
    level = np.maximum(block[:, -last:].mean(axis=1), 0.0)
    distance = np.arange(length - size)
    reach = max(axis.last_eV, 10 * axis.step_eV)
    tail = (1 + distance * axis.step_eV / reach) ** -3.0
    # to exactly zero where the period closes
    tail *= np.cos(0.5 * np.pi * np.minimum(1.0, (distance + 1) / max(1, length - size))) ** 2
    whole[:, size:] = level[:, None] * tail
    return whole
