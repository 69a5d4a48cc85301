"""A spectrum image at the fingertips: loaded once, sums prepared in the background, maps answered at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from tandem_em.analysis.eels.background import Detail
from tandem_em.analysis.eels.colour import ratio
from tandem_em.analysis.eels.maps import EdgeMap, map_edge, map_edge_in_blocks
from tandem_em.analysis.eels.windows import EdgeWindows
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.desk.desk import Desk
from tandem_em.desk.eels import advice
from tandem_em.desk.eels.maps import fitting_edges, windows_of
from tandem_em.desk.eels.spectra import corrected, fits_in_memory, low_loss_of
from tandem_em.model.spectra import Edge, SpectrumImage

QUICK_PIXELS = 1024
"""While a region is drawn so many of its pixels are enough: read within a few milliseconds."""
SETTLING_STEPS, SETTLING_STEP_S = 8, 0.05
"""So long windows must rest before a map is read from the disk again."""
FROM_DISK_PIXELS = 64
CLEAR_OF_ZERO = 3.0
"""Errors by which counts must exceed zero before anything is divided by them."""
ZERO_LOSS_ENDS_eV = 5.0
WANTED = 4
"""Maps that are read from the disk together: three channels and the one in hand."""
REMEMBERED = 12
"""Maps of one spectrum image that are kept at hand."""


@dataclass
class Fit:
    """An edge on one spectrum, for drawing: the background over both windows, and what it leaves in the fit window."""

    energy_eV: Floats
    background: Floats
    residual_energy_eV: Floats
    residual: Floats


@dataclass
class _Loaded:
    """What is read and prepared in the background."""

    data: NDArray[Any] | None
    sums: Any
    mean: Floats
    facts: advice.DataFacts | None = None
    made: dict[tuple[str, EdgeWindows], Floats | None] = field(default_factory=dict)


class LiveMap:
    """Answers maps and spectra of one spectrum image. `ready` tells that answers got better (data, then sums, are in)."""

    ready = Signal()

    def __init__(self, desk: Desk, image: SpectrumImage) -> None:
        self.image = image
        self._desk = desk
        self._data: NDArray[Any] | None = None
        self._sums: Any = None
        self._mean: Floats | None = None
        self._facts: advice.DataFacts | None = None
        self._made: dict[tuple[str, EdgeWindows], Floats | None] = {}
        self._wanted: list[EdgeWindows] = []
        self._total: NDArray[np.float32] | None = None
        self._fitted: Floats | None = None
        self._fits: dict[EdgeWindows, Fit | None] = {}
        self._line: tuple[Any, tuple[Floats, Floats, NDArray[np.int64]]] | None = None
        desk.start(
            f"Reading {image.name}", self._load(), self._take, on_progress=self._take_first, key=f"load {image.id}"
        )  # fmt: skip

    @property
    def is_ready(self) -> bool:
        """Whether the sums are in, so that maps follow a dragged window."""
        return self._sums is not None

    def _load(self) -> Job[_Loaded]:
        from tandem_em.analysis.eels import sums as eels_sums

        image = self.image
        yield Progress(0, 3, f"Reading {image.name}")
        if fits_in_memory(image):
            data = np.ascontiguousarray(corrected(image, image.source.read(slice(None))))
            mean = advice.mean_spectrum(data)
            edges = fitting_edges(list(self._desk.session.edges), image.energy_eV)
            first = self._first_maps(data, [windows_of(edge) for edge in edges])
            # the first maps while the sums that make drags quick are being prepared
            yield Progress(1, 3, f"Preparing {image.name}", _Loaded(data, None, mean, made=first))
            sums = yield from eels_sums.prepare(data, image.energy_eV)
            for _, windows in list(first)[:1]:
                sums.map(windows)  # compiles the kernels while nobody waits
            return _Loaded(data, sums, mean, made=first)
        rows = lambda y0, y1: corrected(image, image.source.read(slice(y0, y1)), y0)  # noqa: E731
        sums = yield from eels_sums.prepare_from_rows(
            rows, image.shape, image.energy_eV, itemsize=image.source.dtype.itemsize
        )
        facts = advice.look_at_rows(image, low_loss_of(self._desk.session, image))
        return _Loaded(None, sums, facts.mean, facts)

    def _first_maps(
        self, data: NDArray[Any], edges: list[EdgeWindows]
    ) -> dict[tuple[str, EdgeWindows], Floats | None]:
        """Counts of every edge that can be mapped, straight from the spectra."""
        found: dict[tuple[str, EdgeWindows], Floats | None] = {}
        for windows in edges:
            with suppress(UserError):  # said when the map is asked for
                found["counts", windows] = self._direct(data, windows).counts
        return found

    def _take_first(self, progress: Progress) -> None:
        if isinstance(progress.partial, _Loaded):
            self._take(progress.partial)

    def _take(self, found: _Loaded) -> None:
        self._data, self._sums, self._mean, self._facts = found.data, found.sums, found.mean, found.facts
        self._made = dict(found.made)
        self.ready.emit()

    def counts(self, edge: Edge) -> Floats | None:
        """The net counts of an edge, per pixel; None until the data are in. Raises UserError for impossible windows."""
        return self._remembered("counts", edge, lambda w: np.asarray(self._answer(w, "counts").counts))

    def error(self, edge: Edge) -> Floats | None:
        """The error map of an edge (counts)."""
        return self._remembered("error", edge, lambda w: self._with_error(w).error)

    def snr(self, edge: Edge) -> Floats | None:
        """Net counts of an edge over their error."""
        return self._remembered("snr", edge, lambda w: self._with_error(w).snr)

    def ratio(self, base: LiveMap, edge: Edge) -> Floats | None:
        """Counts of an edge over those of another map of as many pixels; blank where those are within three errors of 0."""
        above, below, error = self.counts(edge), base.counts(edge), base.error(edge)
        if above is None or below is None or error is None:
            return None
        return ratio(above, below, None, CLEAR_OF_ZERO * error)[0]

    def _with_error(self, windows: EdgeWindows) -> EdgeMap:
        return self._answer(windows, "error")

    def _answer(self, windows: EdgeWindows, detail: Detail) -> EdgeMap:
        """From the sums, or from the spectra as long as those are not prepared."""
        gain = self.image.counts_per_electron or 1.0
        if self._sums is not None:
            made: EdgeMap = self._sums.map(windows, detail, gain)
            return made
        assert self._data is not None
        return self._direct(self._data, windows, detail)

    def _direct(self, data: NDArray[Any], windows: EdgeWindows, detail: Detail = "counts") -> EdgeMap:
        gain = self.image.counts_per_electron or 1.0
        return map_edge(data, self.image.energy_eV, windows, detail=detail, counts_per_electron=gain)

    def _remembered(
        self, what: str, edge: Edge, make: Callable[[EdgeWindows], Floats | None]
    ) -> Floats | None:
        """While one window is dragged the maps of the other edges stay: only what has changed is made again."""
        if self._sums is None and self._data is None:
            return None
        windows = windows_of(edge)
        key = (what, windows)
        if key not in self._made:
            if len(self._made) >= REMEMBERED:
                # Dictionaries keep their order: the first is the one unused for longest.
                del self._made[next(iter(self._made))]
            self._made[key] = make(windows)
            if self._data is None:
                self._want_exactly(windows)
        else:
            self._made[key] = self._made.pop(key)  # the newest stand last
        return self._made[key]

    def _want_exactly(self, windows: EdgeWindows) -> None:
        """Without the spectra at hand sums only give an estimate: once the hand rests, the file is read for the figures."""
        # The newest last; older ones beyond the limit are no longer looked at.
        self._wanted = [*[each for each in self._wanted if each != windows], windows][-WANTED:]
        self._desk.start(
            f"Mapping {self.image.name}", self._exactly(), self._take_exact, key=f"exact {self.image.id}"
        )

    def is_estimate(self, edge: Edge) -> bool:
        """Whether the map of an edge still waits for the figures of the file."""
        return windows_of(edge) in self._wanted

    def _exactly(self) -> Job[list[EdgeMap]]:
        for _ in range(SETTLING_STEPS):
            yield Progress(0, 0, f"Mapping {self.image.name}")
            # Each newer window cancels this job at the yield, so only the last one reads the disk.
            time.sleep(SETTLING_STEP_S)
        image = self.image
        rows = lambda y0, y1: corrected(image, image.source.read(slice(y0, y1)), y0)  # noqa: E731
        gain = image.counts_per_electron or 1.0
        return (
            yield from map_edge_in_blocks(
                rows,
                image.shape,
                image.energy_eV,
                list(self._wanted),
                detail="error",
                counts_per_electron=gain,
            )
        )

    def _take_exact(self, found: list[EdgeMap]) -> None:
        for made in found:
            for what, values in (("counts", made.counts), ("error", made.error), ("snr", made.snr)):
                self._made[what, made.edge] = values
        # Windows that were asked for meanwhile still wait.
        self._wanted = [each for each in self._wanted if each not in [made.edge for made in found]]
        self.ready.emit()

    def profile(
        self, edge: Edge, start: tuple[float, float], end: tuple[float, float], width_px: float
    ) -> tuple[Floats, Floats, Floats] | None:
        """Distance (px), counts per pixel and their error along a line; spectra are summed across it, then fitted."""
        if self._data is None:
            return None
        from tandem_em.analysis.eels.spectra import line_spectra

        key = (start, end, width_px)
        # Summing across the line takes longest, and the line rests while windows are dragged.
        if self._line is None or self._line[0] != key:
            self._line = key, line_spectra(self._data, start, end, width_px)
        distance, sums, count = self._line[1]
        found = self._direct(sums, windows_of(edge), "full")
        error = found.error if found.error is not None else np.full(count.size, np.nan)
        if found.reduced_chi2 is not None:
            # many spectra summed count better than the model follows: the error grows by what the fit misses
            error = error * np.sqrt(np.fmax(1.0, found.reduced_chi2))
        pixels = np.where(count > 0, count, np.nan)
        return distance, np.asarray(found.counts / pixels), np.asarray(error / pixels)

    def doubts(self, edge: Edge, edges: list[Edge]) -> Job[list[dict[str, Any]]]:
        """What the low-loss guard says of an edge of this map; asked with the windows as they are now."""
        return self._doubts(windows_of(edge), [windows_of(each) for each in edges if each is not edge])

    def _doubts(self, edge: EdgeWindows, others: list[EdgeWindows]) -> Job[list[dict[str, Any]]]:
        image, data = self.image, self._data
        yield Progress(0, 2, f"Checking {edge.name}")
        if self._facts is None:
            if data is None:
                return []
            # dead channels are looked for in the file's own data: those at hand are mended
            low_loss = low_loss_of(self._desk.session, image)
            self._facts = advice.look_at(image, image.source.read(slice(None)), low_loss)
        yield Progress(1, 2, f"Checking {edge.name}")
        found = self._direct(data, edge, "full") if data is not None else self._answer(edge, "error")
        return advice.doubts(image, self._facts, edge, found, others)

    @property
    def data(self) -> NDArray[Any] | None:
        """The spectra (Y, X, E) when they fit in memory and have been read."""
        return self._data

    def total_counts(self) -> NDArray[np.float32] | None:
        """Counts per pixel beyond the zero loss, which shows the beam and not the sample; the same array every time."""
        if self._total is None and self._sums is not None:
            channels = self.image.shape[2]
            first = int(np.searchsorted(self.image.energy_eV, ZERO_LOSS_ENDS_eV))
            self._total = self._sums.window(first if first < channels else 0, channels).astype(np.float32)
        return self._total

    def mean_spectrum(self) -> Floats | None:
        """Mean counts per pixel and channel; None until the data are in."""
        return self._mean

    def spectrum(self, x: float, y: float, radius_px: float = 0.0) -> Floats | None:
        """The mean spectrum of the pixels within `radius_px` of a place; None outside the map."""
        height, width, channels = self.image.shape
        column, row = round(x), round(y)
        if not (0 <= column < width and 0 <= row < height):
            return None
        if radius_px < 1:
            return np.asarray(self._pixels(slice(row, row + 1), slice(column, column + 1))[0, 0], np.float64)
        reach = int(np.ceil(radius_px))
        y0, y1 = max(0, row - reach), min(height, row + reach + 1)
        x0, x1 = max(0, column - reach), min(width, column + reach + 1)
        yy, xx = np.mgrid[y0:y1, x0:x1]
        inside = (xx - x) ** 2 + (yy - y) ** 2 <= radius_px**2 + 0.25
        near = self._pixels(slice(y0, y1), slice(x0, x1))[inside]
        return np.asarray(near.reshape(-1, channels).mean(axis=0, dtype=np.float64))

    def spectrum_of(self, mask: NDArray[np.bool_]) -> Floats | None:
        """The mean spectrum of some pixels of the map; None of none."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return None
        # Only the box around the mask is read: it may be a map on disk.
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return np.asarray(self._pixels(*box)[mask[box]].mean(axis=0, dtype=np.float64))

    def region(self, x0: int, y0: int, x1: int, y1: int, *, quick: bool = False) -> Floats:
        """The mean spectrum of a rectangle of pixels, x1 and y1 included; quick: of some of them, while a hand draws.

        Of a map too large for memory some pixels stand for the rest: nobody waits for the disk.
        """
        most = FROM_DISK_PIXELS if self._data is None else QUICK_PIXELS if quick else 0
        pixels = (y1 - y0 + 1) * (x1 - x0 + 1)
        # The root: the stride thins rows and columns.
        stride = max(1, int(np.ceil(np.sqrt(pixels / most)))) if most else 1
        return advice.mean_spectrum(self._pixels(slice(y0, y1 + 1, stride), slice(x0, x1 + 1, stride)))

    def _pixels(self, rows: slice, columns: slice) -> NDArray[Any]:
        if self._data is not None:
            return self._data[rows, columns]
        return self.image.source.read((rows, columns))

    def fit(self, edge: Edge, spectrum: Floats) -> Fit | None:
        """The background of an edge on one spectrum; None where there is none. Asked again, it is remembered."""
        if edge.background == "none" or self._sums is None:
            return None
        windows = windows_of(edge)
        # By identity: comparing arrays would cost more than the look-up saves.
        if self._fitted is not spectrum:
            self._fitted = spectrum
            self._fits.clear()
        if windows not in self._fits:
            if len(self._fits) >= REMEMBERED:
                self._fits.clear()
            self._fits[windows] = self._fit(windows, spectrum)
        return self._fits[windows]

    def _fit(self, windows: EdgeWindows, spectrum: Floats) -> Fit | None:
        found = self._sums.curve(windows, spectrum)
        if found is None:
            return None
        form, coefficients = found
        energy = self.image.energy_eV
        inside = (energy >= windows.fit[0]) & (energy <= max(windows.signal[1], windows.fit[1]))
        curve = form.curve(coefficients, energy[inside])
        fitted = energy[inside] <= windows.fit[1]
        return Fit(energy[inside], curve, energy[inside][fitted], (spectrum[inside] - curve)[fitted])
