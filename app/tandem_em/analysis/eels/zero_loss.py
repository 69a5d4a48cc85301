"""The zero-loss peak: where it is in every pixel, how wide, how much of the beam is left in it.

peak = find_zero_loss(data, energy_eV)        # position, FWHM (eV) and height per pixel, below a channel
thin = thickness_map(data, energy_eV, peak)   # t/lambda by the log-ratio method, with its error
moved = aligned(data, energy_eV, peak.position_eV)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.data import as_spectra, check_fit, is_plain
from tandem_em.analysis.eels.windows import EnergyAxis
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.threads import in_strips

SEARCH_eV = 8.0
COPY_PIXELS = 4096


@dataclass(frozen=True)
class ZeroLoss:
    """Zero-loss peak of each pixel, in the shape of the map; NaN where there is none."""

    position_eV: Floats
    fwhm_eV: Floats
    height: Floats
    """Counts per channel at the top."""

    @property
    def median_fwhm_eV(self) -> float:
        """Energy resolution of the typical pixel (eV); NaN where no pixel has a zero-loss peak."""
        return float(np.nanmedian(self.fwhm_eV)) if np.isfinite(self.fwhm_eV).any() else float("nan")


@dataclass(frozen=True)
class Thickness:
    """Relative thickness t/lambda of each pixel by log(all counts / zero-loss counts)."""

    t_over_lambda: Floats
    error: Floats
    """From counting alone."""
    threshold_eV: float
    """Losses above this were counted as inelastic."""
    notes: tuple[str, ...] = ()


def _plain(spectra: NDArray[Any]) -> NDArray[Any]:
    return spectra if is_plain(spectra) else np.ascontiguousarray(spectra, np.float64)


def find_zero_loss(
    data: ArrayLike, energy_eV: ArrayLike | EnergyAxis, *, search_eV: tuple[float, float] | None = None
) -> ZeroLoss:
    """Measure the zero-loss peak of every pixel, looked for within `search_eV` (8 eV around zero by default).

    The width is the full width at half maximum of the peak itself: the width of a channel is taken out of it.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    low, high = search_eV if search_eV is not None else _search_range(spectra, axis)
    first, last = axis.channel(low), axis.channel(high) + 1
    if high < axis.at(-0.5) or low > axis.at(axis.size - 0.5) or last - first < 2:
        raise UserError(
            f"These spectra hold no zero loss: they cover {axis.offset_eV:g}–{axis.last_eV:g} eV.",
            "Use the low-loss spectra of the same area, or check the energy calibration.",
        )
    pixels = spectra.shape[0]
    position, width, height = np.empty(pixels), np.empty(pixels), np.empty(pixels)
    from tandem_em.analysis.eels.zero_loss_kernels import measure_peaks

    reach = int(np.ceil(12.0 / axis.step_eV)) + 3
    begin_at, end_at = max(0, first - reach), min(axis.size, last + reach)

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, COPY_PIXELS):
            stop = min(start + COPY_PIXELS, end)
            strip = np.ascontiguousarray(spectra[start:stop, begin_at:end_at], np.float64)
            measure_peaks(
                strip, first - begin_at, last - begin_at,
                position[start:stop], width[start:stop], height[start:stop],
            )  # fmt: skip

    in_strips(pixels, work)
    # a channel averages over its width: take that out as if both were Gaussian
    squared = width**2 - 8 * np.log(2) / 12
    with np.errstate(invalid="ignore"):
        fwhm = np.sqrt(np.where(squared > 0, squared, np.nan)) * axis.step_eV
    return ZeroLoss(
        (axis.at(begin_at) + axis.step_eV * position).reshape(shape),
        fwhm.reshape(shape),
        height.reshape(shape),
    )


def _search_range(spectra: NDArray[Any], axis: EnergyAxis) -> tuple[float, float]:
    """8 eV to either side of zero; of the strongest channel when that one towers over everything near zero."""
    low, high = -SEARCH_eV, SEARCH_eV
    if axis.size < 3 or axis.offset_eV > high or axis.last_eV < low:
        return low, high
    step = max(1, spectra.shape[0] // 64)
    mean = np.nan_to_num(spectra[::step].astype(np.float64)).mean(axis=0)
    top = axis.at(int(mean.argmax()))
    near = mean[axis.channel(low) : axis.channel(high) + 1]
    # calibrations may be off by tens of eV; a peak twenty times as high can only be the zero loss
    if abs(top) > SEARCH_eV and abs(top) < 100 and mean.max() > 20 * max(float(near.max()), 1e-30):
        return top - SEARCH_eV, top + SEARCH_eV
    return low, high


def thickness_map(
    data: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    peak: ZeroLoss | None = None,
    *,
    threshold_eV: float | None = None,
    counts_per_electron: float = 1.0,
) -> Thickness:
    """t/lambda per pixel. The threshold is measured from each pixel's own zero loss; found in the valley by default."""
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    peak = find_zero_loss(data, axis) if peak is None else peak
    if threshold_eV is None:
        threshold_eV = valley_eV(spectra, axis, peak)
    pixels = spectra.shape[0]
    bound = (np.ravel(peak.position_eV) + threshold_eV - axis.offset_eV) / axis.step_eV
    below, total = np.empty(pixels), np.empty(pixels)
    from tandem_em.analysis.eels.zero_loss_kernels import sums_below

    plain = _plain(spectra)
    in_strips(pixels, lambda a, b: sums_below(plain[a:b], bound[a:b], below[a:b], total[a:b]))
    with np.errstate(divide="ignore", invalid="ignore"):
        # negative counts after a dark correction would turn the ratio round
        good = (below > 0) & (total >= below)
        ratio = np.where(good, np.log(total / below), np.nan)
        spread = np.sqrt(np.maximum(counts_per_electron * (1 / below - 1 / total), 0))
    notes = []
    if axis.last_eV < 60:
        notes.append(
            f"The spectra end at {axis.last_eV:g} eV: higher losses are missing, so t/λ is too small."
        )
    return Thickness(
        ratio.reshape(shape), np.where(good, spread, np.nan).reshape(shape), float(threshold_eV), tuple(notes)
    )


def valley_eV(spectra: NDArray[Any], axis: EnergyAxis, peak: ZeroLoss) -> float:
    """Loss at the lowest point between the zero-loss peak and the first losses of the mean spectrum."""
    if not np.isfinite(peak.fwhm_eV).any():
        raise UserError(
            "No pixel has a zero-loss peak.", "Check the energy calibration, or use low-loss spectra."
        )
    width = peak.median_fwhm_eV
    centre = float(np.nanmedian(peak.position_eV))
    step = max(1, spectra.shape[0] // 512)
    # some 500 spectra show where the valley is
    rows = np.ascontiguousarray(spectra[::step], np.float64)
    places = np.nan_to_num(np.ravel(peak.position_eV)[::step], nan=centre)
    mean = np.nan_to_num(_shifted(rows, (places - centre) / axis.step_eV)).mean(axis=0)
    # beyond the flank, where the valley can begin
    first = axis.channel(centre + 1.6 * width)
    last = max(axis.channel(centre + max(8.0, 3 * width)), first + 1)
    smooth = np.convolve(mean, np.ones(3) / 3, mode="same")[first:last]
    return axis.at(first + int(smooth.argmin())) - centre if smooth.size else 2.5 * width


def _shifted(rows: NDArray[Any], shift_channels: Floats) -> Floats:
    from tandem_em.analysis.eels.zero_loss_kernels import shift_rows

    out = np.empty(rows.shape)
    shift_rows(rows, np.ascontiguousarray(shift_channels), out)
    return out


def aligned(
    data: ArrayLike, energy_eV: ArrayLike | EnergyAxis, shift_eV: ArrayLike
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """A copy with every spectrum moved down by its shift (eV), linear between channels, and the valid channels.

    Past the ends the outermost channel is repeated; channels [first, last) are known in every pixel.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    moves = np.broadcast_to(np.asarray(shift_eV, np.float64), shape).ravel() / axis.step_eV
    # a pixel without a peak stays where it is
    moves = np.where(np.isfinite(moves), moves, 0.0)
    if moves.size and np.abs(moves).max() >= axis.size:
        raise UserError(
            f"A zero-loss shift of {np.abs(moves).max() * axis.step_eV:g} eV is longer than the spectrum.",
            "Measure the zero loss again with a narrower search range.",
        )
    out = np.empty(spectra.shape, np.float32)
    from tandem_em.analysis.eels.zero_loss_kernels import shift_rows

    plain = _plain(spectra)
    in_strips(spectra.shape[0], lambda a, b: shift_rows(plain[a:b], moves[a:b], out[a:b]))
    first = int(np.ceil(max(0.0, -float(moves.min()))))
    last = axis.size - int(np.ceil(max(0.0, float(moves.max()))))
    return out.reshape(*shape, axis.size), (first, max(first, last))


def calibrated(energy_eV: ArrayLike | EnergyAxis, pairs: Sequence[tuple[float, float]]) -> EnergyAxis:
    """The energy axis moved so that measured energies come to their known ones: one pair shifts, more also stretch."""
    axis = EnergyAxis.from_values(energy_eV)
    if not pairs:
        raise UserError(
            "There is nothing to calibrate with.", "Give at least one measured and one known energy."
        )
    measured, known = np.array(pairs, dtype=np.float64).T
    channel = (measured - axis.offset_eV) / axis.step_eV
    if len(pairs) == 1:
        return EnergyAxis(axis.offset_eV + float(known[0] - measured[0]), axis.step_eV, axis.size)
    if np.ptp(channel) < 1e-6:
        raise UserError("The measured energies are all the same.", "Choose two different features.")
    step, offset = np.polyfit(channel, known, 1)
    if step <= 0:
        raise UserError(
            "The known energies decrease while the measured ones increase.", "Check the order of the pairs."
        )
    return EnergyAxis(float(offset), float(step), axis.size)
