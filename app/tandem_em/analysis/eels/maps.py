"""Element maps: net counts under an edge with their error, from spectra in memory or read in blocks.

    edge = EdgeWindows("Li K", "power law", fit=(41, 51), signal=(52.5, 57.5))
    found = map_edge(data, energy_eV, edge)          # data (E,), (X, E) or (Y, X, E), any real number type
    found.counts, found.error, found.snr             # NaN where a pixel has no fit

The error follows Egerton: counting noise of signal and background, plus the extrapolation of the background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.background import CurveForm, Detail, Plan
from tandem_em.analysis.eels.background_models import make_plan
from tandem_em.analysis.eels.data import Windows, as_spectra, check_fit, mended, sample_pixels
from tandem_em.analysis.eels.windows import Channels, EdgeWindows, EnergyAxis, find_channels
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.numeric import Floats
from tandem_em.core.threads import in_strips

BLOCK_BYTES = 64 << 20
RUNAWAY = (
    "{} of {} pixels are blank: their {} background diverges between the fit window and the signal window. "
    "Widen the fit window, or choose a lower order or another background."
)
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
            "blank": int(self.counts.size - good.size),
            "mean_snr": None,
        }
        if self.error is not None and good.size:
            snr = self.snr[np.isfinite(self.snr)]
            numbers["mean_snr"] = float(snr.mean()) if snr.size else None
        return numbers


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
    spread = Windows(spectra, axis, channels)
    plan = make_plan(edge, spread.axis, spread.channels, spread.strip(sample_pixels(spectra)))
    answer = _solve_all(spread, edge, plan, detail, counts_per_electron)
    # back on the whole axis: the work may have been done on the windows alone
    answer.axis, answer.channels = axis, channels
    return _shaped(answer, shape)


def _solve_all(spread: Windows, edge: EdgeWindows, plan: Plan, detail: Detail, gain: float) -> EdgeMap:
    pixels = spread.pixels
    counts, background = np.empty(pixels), np.empty(pixels)
    error = np.empty(pixels) if detail != "counts" else None
    found: dict[int, tuple[Floats, Floats, Floats]] = {}
    runaways: list[int] = []

    def work(begin: int, end: int) -> None:
        strip = spread.strip(spread.spectra[begin:end])
        solved = plan.solve(strip, detail)
        runaways.append(solved.runaways)
        net = solved.total - solved.background
        blank = ~np.isfinite(net)
        net[blank] = np.nan
        counts[begin:end] = net
        background[begin:end] = np.where(blank, np.nan, solved.background)
        if error is not None and solved.variance is not None:
            # counting noise of the signal, and that of the background taken from it
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
        # threads finish in any order: strips are sorted by their first pixel
        parts = [np.concatenate(part) for part in zip(*(found[key] for key in sorted(found)))]
        answer.coefficients, answer.residual_rms, answer.reduced_chi2 = parts
    if spread.channels.clipped:
        answer.notes.append("A window extended beyond the spectrum and was cut at its end.")
    if sum(runaways):
        answer.notes.append(RUNAWAY.format(sum(runaways), pixels, edge.background))
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
    strip: NDArray[Any], spread: Windows, form: CurveForm, coefficients: Floats, gain: float
) -> tuple[Floats, Floats]:
    from tandem_em.analysis.eels.kernels_fits import residuals

    c = spread.channels
    t = np.ascontiguousarray(form.variable(spread.axis.values[c.fit_start : c.fit_stop]))
    rms, chi2 = np.empty(strip.shape[0]), np.empty(strip.shape[0])
    residuals(strip, c.fit_start, t, np.ascontiguousarray(coefficients), form.log_counts, rms, chi2)
    # the fit has used up some of the scatter
    freedom = max(1, t.size - coefficients.shape[1]) / t.size
    return rms, chi2 / freedom / gain


def map_edge_in_blocks(
    read_rows: ReadRows,
    shape: tuple[int, int, int],
    energy_eV: ArrayLike | EnergyAxis,
    edges: Sequence[EdgeWindows],
    *,
    detail: Detail = "full",
    counts_per_electron: float = 1.0,
    block_bytes: int = BLOCK_BYTES,
) -> Job[list[EdgeMap]]:
    """Maps of several edges from data larger than memory: each row is read once, `block_bytes` at a time.

    Progress carries the growing count maps.
    """
    height, width, _ = shape
    axis = EnergyAxis.from_values(energy_eV)
    for edge in edges:
        find_channels(edge, axis)
    parts: list[list[EdgeMap]] = []
    # the same arrays are handed out each time: a preview, not a result
    growing = [np.full((height, width), np.nan) for _ in edges]
    for y0, y1, block in blocks_of_rows(read_rows, shape, block_bytes):
        parts.append(map_block(block, axis, edges, counts_per_electron, detail))
        for image, found in zip(growing, parts[-1]):
            image[y0:y1] = found.counts
        yield Progress(y1, height, "Mapping edges", growing)
    return joined(parts)


def rows_in_block(shape: tuple[int, int, int], block_bytes: int = BLOCK_BYTES) -> int:
    """How many rows of a map go into a block; eight bytes a channel are reckoned with."""
    return max(1, int(block_bytes // max(1, shape[1] * shape[2] * 8)))


def count_blocks(shape: tuple[int, int, int], block_bytes: int = BLOCK_BYTES) -> int:
    """How many blocks of rows the job over a spectrum image of this shape takes, for its progress."""
    return -(-shape[0] // rows_in_block(shape, block_bytes))


def blocks_of_rows(
    read_rows: ReadRows, shape: tuple[int, int, int], block_bytes: int = BLOCK_BYTES
) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """First row, row after the last, and spectra of each block."""
    height, width, size = shape
    rows = rows_in_block(shape, block_bytes)
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        yield y0, y1, np.asarray(read_rows(y0, y1)).reshape(y1 - y0, width, size)


def map_block(
    block: NDArray[Any],
    axis: EnergyAxis,
    edges: Sequence[EdgeWindows],
    counts_per_electron: float = 1.0,
    detail: Detail = "full",
) -> list[EdgeMap]:
    """All edges of one block; needs nothing but its arguments, so it runs on any machine."""
    return [
        map_edge(block, axis, edge, detail=detail, counts_per_electron=counts_per_electron) for edge in edges
    ]


def joined(parts: Sequence[Sequence[EdgeMap]]) -> list[EdgeMap]:
    """Maps of every edge from those of neighbouring blocks."""
    return [_one_above_another(of_edge) for of_edge in zip(*parts)]


def _one_above_another(parts: Sequence[EdgeMap]) -> EdgeMap:
    answer = copy(parts[0])
    for name in ("counts", "background", "error", "coefficients", "residual_rms", "reduced_chi2"):
        arrays = [getattr(part, name) for part in parts]
        setattr(answer, name, None if any(array is None for array in arrays) else np.concatenate(arrays))
    return answer
