"""Element maps: net counts under an edge with their error, from spectra in memory or read in blocks.

    edge = EdgeWindows("Li K", "power law", fit=(41, 51), signal=(52.5, 57.5))
    found = map_edge(data, energy_eV, edge)          # data (E,), (X, E) or (Y, X, E), any real number type
    found.counts, found.error, found.snr             # NaN where a pixel has no fit

The error follows Egerton: counting noise of signal and background, plus the extrapolation of the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels_background import CurveForm, Detail, Floats, Plan, make_plan
from tandem_em.analysis.eels_threads import in_strips
from tandem_em.analysis.eels_windows import Channels, EdgeWindows, EnergyAxis, find_channels
from tandem_em.jobs import Job, Progress
from tandem_em.notices import UserError

BLOCK_BYTES = 64 << 20
SAMPLE_PIXELS = 256
ReadRows = Callable[[int, int], NDArray[Any]]
"""read_rows(y0, y1) gives spectra (y1 - y0, X, E)."""


@dataclass
class EdgeMap:
    """What one edge gave: arrays of the map's shape, NaN where a pixel has no fit."""

    edge: EdgeWindows
    axis: EnergyAxis
    channels: Channels
    counts: Floats
    background: Floats
    error: Floats | None = None
    coefficients: Floats | None = None
    """(…, order + 1), of the curve described by `form`."""
    residual_rms: Floats | None = None
    """Counts per channel between data and curve in the fit window."""
    reduced_chi2: Floats | None = None
    form: CurveForm | None = None
    exact: bool = True
    """False for a quick answer from block sums without the spectra at hand."""
    notes: list[str] = field(default_factory=list)

    @property
    def snr(self) -> Floats:
        """Net counts over their error."""
        if self.error is None:
            raise ValueError("this map was made without its error")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(self.error > 0, self.counts / self.error, np.nan))

    @property
    def exponent(self) -> Floats | None:
        """Exponent r of a power-law background A·E^-r."""
        if (
            self.coefficients is None
            or self.form is None
            or self.edge.background not in ("power law", "power law lsq")
        ):
            return None
        return np.asarray(-self.coefficients[..., 1] / self.form.scale)

    @property
    def amplitude(self) -> Floats | None:
        """A of a power-law background A·E^-r, in counts per eV."""
        exponent = self.exponent
        if exponent is None or self.coefficients is None or self.form is None:
            return None
        with np.errstate(over="ignore"):
            log_a = (
                self.coefficients[..., 0] + exponent * np.log(self.form.centre_eV) - np.log(self.axis.step_eV)
            )
            return np.asarray(np.exp(log_a))

    @property
    def fit_eV(self) -> tuple[float, float]:
        """Centres of the first and last channel that were fitted."""
        return self.axis.at(self.channels.fit_start), self.axis.at(self.channels.fit_stop - 1)

    @property
    def signal_eV(self) -> tuple[float, float]:
        """Centres of the first and last channel that were counted."""
        return self.axis.at(self.channels.signal_start), self.axis.at(self.channels.signal_stop - 1)

    def statistics(self) -> dict[str, float | None]:
        """Numbers for a table: min, max, mean, blank pixels, mean signal to noise."""
        good = self.counts[np.isfinite(self.counts)]
        numbers: dict[str, float | None] = {
            "min": float(good.min()) if good.size else None,
            "max": float(good.max()) if good.size else None,
            "mean": float(good.mean()) if good.size else None,
            "blank": float(self.counts.size - good.size),
            "mean_snr": None,
        }
        if self.error is not None and good.size:
            snr = self.snr[np.isfinite(self.snr)]
            numbers["mean_snr"] = float(snr.mean()) if snr.size else None
        return numbers


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


def map_edge(
    data: ArrayLike,
    energy_eV: ArrayLike | EnergyAxis,
    edge: EdgeWindows,
    *,
    detail: Detail = "full",
    counts_per_electron: float = 1.0,
    dead_channels: Sequence[int] | NDArray[Any] = (),
) -> EdgeMap:
    """Net counts under an edge for every pixel.

    `detail`: "counts" alone is quickest, "error" adds the error map, "full" also coefficients and residuals.
    `counts_per_electron` scales the counting noise of detectors that do not count single electrons.
    `dead_channels` are replaced by the mean of their living neighbours before anything is summed.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    channels = find_channels(edge, axis)
    if len(dead_channels):
        spectra = mended(spectra, dead_channels, channels)
    spread = _Windows(spectra, axis, channels)
    plan = make_plan(edge, spread.axis, spread.channels, spread.strip(sample_pixels(spectra)))
    answer = _solve_all(spread, edge, plan, detail, counts_per_electron)
    answer.axis, answer.channels = axis, channels
    return _shaped(answer, shape)


class _Windows:
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
        if is_plain(self.spectra):
            return np.ascontiguousarray(rows)
        kind = np.float64 if rows.dtype.itemsize > 4 else np.float32
        return np.ascontiguousarray(rows[:, self._low : self._high], dtype=kind)


def _solve_all(spread: _Windows, edge: EdgeWindows, plan: Plan, detail: Detail, gain: float) -> EdgeMap:
    pixels = spread.pixels
    counts, background = np.empty(pixels), np.empty(pixels)
    error = np.empty(pixels) if detail != "counts" else None
    found: dict[int, tuple[Floats, Floats, Floats]] = {}

    def work(begin: int, end: int) -> None:
        strip = spread.strip(spread.spectra[begin:end])
        solved = plan.solve(strip, detail)
        net = solved.total - solved.background
        blank = ~np.isfinite(net)
        net[blank] = np.nan
        counts[begin:end] = net
        background[begin:end] = np.where(blank, np.nan, solved.background)
        if error is not None and solved.variance is not None:
            variance = gain * (np.maximum(solved.total, 0.0) + solved.variance)
            error[begin:end] = np.where(blank, np.nan, np.sqrt(variance))
        if solved.coefficients is not None and plan.form is not None:
            found[begin] = (
                solved.coefficients,
                *_residuals(strip, spread, plan.form, solved.coefficients, gain),
            )

    in_strips(pixels, work)
    answer = EdgeMap(edge, spread.axis, spread.channels, counts, background, error, form=plan.form)
    if found:
        parts = [np.concatenate(part) for part in zip(*(found[key] for key in sorted(found)))]
        answer.coefficients, answer.residual_rms, answer.reduced_chi2 = parts
    if spread.channels.clipped:
        answer.notes.append("A window reached over the end of the spectrum and was cut there.")
    return answer


def _shaped(answer: EdgeMap, shape: tuple[int, ...]) -> EdgeMap:
    for name in ("counts", "background", "error", "residual_rms", "reduced_chi2"):
        array = getattr(answer, name)
        if array is not None:
            setattr(answer, name, array.reshape(shape))
    if answer.coefficients is not None:
        answer.coefficients = answer.coefficients.reshape(*shape, -1)
    return answer


def _residuals(
    strip: NDArray[Any], spread: _Windows, form: CurveForm, coefficients: Floats, gain: float
) -> tuple[Floats, Floats]:
    from tandem_em.analysis.eels_kernels import residuals

    c = spread.channels
    t = np.ascontiguousarray(form.variable(spread.axis.values[c.fit_start : c.fit_stop]))
    rms, chi2 = np.empty(strip.shape[0]), np.empty(strip.shape[0])
    residuals(strip, c.fit_start, t, np.ascontiguousarray(coefficients), form.log_counts, rms, chi2)
    freedom = max(1, t.size - coefficients.shape[1]) / t.size
    return rms, chi2 / freedom / gain


def mended(
    spectra: NDArray[Any], dead_channels: Sequence[int] | NDArray[Any], channels: Channels
) -> NDArray[Any]:
    """A copy with dead channels inside the windows replaced by the line between their living neighbours."""
    dead = np.zeros(spectra.shape[1], dtype=bool)
    dead[np.asarray(dead_channels, dtype=np.int64)] = True
    if not dead[channels.low : channels.high].any() or dead.all():
        return spectra
    alive = np.flatnonzero(~dead)
    living: NDArray[Any] = spectra.astype(np.float64 if spectra.dtype.itemsize > 4 else np.float32)
    for channel in np.flatnonzero(dead).tolist():
        after = int(np.searchsorted(alive, channel))
        left, right = int(alive[max(after - 1, 0)]), int(alive[min(after, alive.size - 1)])
        share = 0.5 if left == right else (channel - left) / (right - left)
        living[:, channel] = (1 - share) * living[:, left] + share * living[:, right]
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
    never = ~np.isfinite(sample).any(axis=0)
    between = (dark > inside[0]) & (dark < inside[-1])
    # a dark channel among bright ones is dead; a dark stretch among single counts is only a dark stretch
    level = np.abs(np.nan_to_num(sample.astype(np.float64))).sum(axis=0)
    near = np.array([level[max(0, c - 3) : c + 4].max() for c in dark])
    return np.asarray(dark[(between & (near >= 20)) | never[dark]], dtype=np.int64)


def map_edge_in_blocks(
    read_rows: ReadRows,
    shape: tuple[int, int, int],
    energy_eV: ArrayLike | EnergyAxis,
    edges: Sequence[EdgeWindows],
    *,
    detail: Detail = "full",
    counts_per_electron: float = 1.0,
    dead_channels: Sequence[int] | NDArray[Any] = (),
    block_bytes: int = BLOCK_BYTES,
) -> Job[list[EdgeMap]]:
    """Maps of several edges from data larger than memory: each row is read once, `block_bytes` at a time.

    Progress carries the growing count maps.
    """
    height, width, size = shape
    axis = EnergyAxis.from_values(energy_eV)
    for edge in edges:
        find_channels(edge, axis)
    rows = max(1, int(block_bytes // max(1, width * size * 8)))
    parts: list[list[EdgeMap]] = [[] for _ in edges]
    growing = [np.full((height, width), np.nan) for _ in edges]
    for y0 in range(0, height, rows):
        yield Progress(y0, height, "mapping edges", growing)
        y1 = min(y0 + rows, height)
        block = np.asarray(read_rows(y0, y1)).reshape(y1 - y0, width, size)
        for part, image, edge in zip(parts, growing, edges):
            found = map_edge(
                block, axis, edge, detail=detail, counts_per_electron=counts_per_electron, dead_channels=dead_channels
            )  # fmt: skip
            part.append(found)
            image[y0:y1] = found.counts
    return [_joined(part) for part in parts]


def _joined(parts: list[EdgeMap]) -> EdgeMap:
    """One map from maps of neighbouring rows."""

    answer = copy(parts[0])
    for name in ("counts", "background", "error", "coefficients", "residual_rms", "reduced_chi2"):
        arrays = [getattr(part, name) for part in parts]
        setattr(answer, name, None if any(array is None for array in arrays) else np.concatenate(arrays))
    return answer
