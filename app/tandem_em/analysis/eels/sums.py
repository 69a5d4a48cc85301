"""Running sums along energy, prepared once, so that a dragged window costs per pixel and not per channel.

Memory: all of it together at most 1/8 of the spectra by default. Half goes to one float64 per pixel and block of channels,
the rest to the sums at the last window bounds and to a few unfolded channels around them (`Sums.bytes_needed`, stated
before anything is made; `Sums.nbytes`, held now). Moving one bound touches neither the spectra nor the other bounds.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.analysis.eels.background import CurveForm, Detail, NoBackground, Plan
from tandem_em.analysis.eels.background_areas import TwoArea
from tandem_em.analysis.eels.background_models import make_plan
from tandem_em.analysis.eels.data import as_spectra, check_fit, is_plain
from tandem_em.analysis.eels.maps import EdgeMap, ReadRows, map_edge
from tandem_em.analysis.eels.sums_rows import UNIT, Rows
from tandem_em.analysis.eels.windows import (
    Background,
    Channels,
    EdgeWindows,
    EnergyAxis,
    find_channels,
)
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.threads import SMALL_STEP, in_strips

REMEMBERED = 8
"""Window bounds whose sums are kept as images: five belong to the edge in hand."""
BUILD_PIXELS = 8192


@dataclass(frozen=True)
class Layout:
    """How a share of memory is spent: channels per block, and unfolded units beside the blocks."""

    block: int
    units: int
    bytes_per_pixel: int

    @classmethod
    def of(cls, channels: int, itemsize: int, share: float, at_hand: bool = True) -> Layout:
        """The layout for spectra of so many channels; at least two units, whatever the share.

        Without the spectra `at_hand` nothing can be unfolded, and all memory goes into finer blocks.
        """
        allowed = share * channels * itemsize
        if not at_hand:
            rows = max(1, int(allowed / 8) - REMEMBERED - 1)
            block = max(1, math.ceil(channels / rows))
            return cls(block, 0, (math.ceil(channels / block) + 1 + REMEMBERED) * 8)
        rows = max(1, int(0.5 * allowed / 8))
        block = math.ceil(channels / rows)
        if block > 1:
            block = UNIT * math.ceil(block / UNIT)
        fixed = (math.ceil(channels / block) + 1) * 8 + REMEMBERED * 8
        unit = Rows.bytes_per_pixel(itemsize)
        units = int(min(max(2, (allowed - fixed) // unit), 8, math.ceil(channels / UNIT)))
        return cls(block, units, fixed + units * unit)


class Sums:
    """Prepared sums of one spectrum image. Made by `prepare`; safe to ask from any thread."""

    def __init__(
        self, spectra: NDArray[Any] | None, shape: tuple[int, ...], axis: EnergyAxis, layout: Layout
    ) -> None:
        self.axis = axis
        self.shape = shape
        self.block = layout.block
        self._spectra = spectra
        pixels = int(np.prod(shape, dtype=np.int64))
        self.prefix = np.empty((math.ceil(axis.size / layout.block) + 1, pixels))
        self._odd = np.zeros(pixels, dtype=bool)
        self._odd_pixels = np.empty(0, dtype=np.int64)
        self._rows = None if spectra is None else Rows(spectra, self.prefix, layout.block, layout.units)
        self._bounds: OrderedDict[int, Floats] = OrderedDict()
        self._plan: tuple[EdgeWindows, Plan, Channels] | None = None
        self._lock = threading.Lock()

    @staticmethod
    def bytes_needed(shape: tuple[int, ...], itemsize: int, share: float = 0.125) -> int:
        """Memory the sums of data of this shape (…, channels) will take at most."""
        return (
            int(np.prod(shape[:-1], dtype=np.int64)) * Layout.of(shape[-1], itemsize, share).bytes_per_pixel
        )

    @property
    def nbytes(self) -> int:
        """Memory held now."""
        images = sum(image.nbytes for image in self._bounds.values())
        return self.prefix.nbytes + images + (self._rows.nbytes if self._rows is not None else 0)

    @property
    def is_exact(self) -> bool:
        """Whether any channel can be a bound: the spectra are at hand, or the blocks are single channels."""
        return self._spectra is not None or self.block == 1

    def fill(self, spectra: NDArray[Any], begin: int) -> None:
        """Take in the spectra of consecutive pixels."""
        from tandem_em.analysis.eels.kernels_sums import block_prefix

        if not is_plain(spectra):
            spectra = np.ascontiguousarray(spectra, np.float64 if spectra.dtype.itemsize > 4 else np.float32)

        def work(first: int, last: int) -> None:
            block_prefix(
                spectra[first:last], self.block, self.prefix[:, begin + first : begin + last],
                self._odd[begin + first : begin + last],
            )  # fmt: skip

        in_strips(spectra.shape[0], work)

    def finish(self) -> None:
        """Remember the pixels with non-finite channels: those are always worked from their spectra."""
        self._odd_pixels = np.flatnonzero(self._odd)

    def up_to(self, channel: int) -> Floats:
        """Sum of all channels before `channel`, per pixel."""
        known = self._bounds.get(channel)
        if known is not None:
            self._bounds.move_to_end(channel)
            return known
        image = self._sum_up_to(channel)
        self._bounds[channel] = image
        while len(self._bounds) > REMEMBERED:
            self._bounds.popitem(last=False)
        return image

    def _is_far(self, bounds: tuple[int, ...]) -> bool:
        """Whether so many bounds lie on new ground that reading the windows is quicker than unfolding; one is unfolded."""
        if self._rows is None or self._spectra is None:
            return False
        # a drag moves one or two bounds; more is a jump, for which the spectra are as quick
        new = [b for b in bounds if b not in self._bounds and b % self.block and not self._rows.holds(b)]
        if len(new) <= 2:
            return False
        self._rows.up_to(new[0])
        return True

    def _sum_up_to(self, channel: int) -> Floats:
        if channel % self.block == 0:
            whole: Floats = self.prefix[channel // self.block]
            return whole
        return self._shared(channel) if self._rows is None else self._rows.up_to(channel)

    def _shared(self, channel: int) -> Floats:
        """Without the spectra: a block's counts are shared evenly among its channels."""
        below, beyond = divmod(channel, self.block)
        above = min(below + 1, self.prefix.shape[0] - 1)
        share = beyond / (min(above * self.block, self.axis.size) - below * self.block)
        return np.asarray((1 - share) * self.prefix[below] + share * self.prefix[above])

    def window(self, first: int, last: int) -> Floats:
        """Sum of channels first to last (excluded), in the shape of the map."""
        with self._lock:
            return (self.up_to(last) - self.up_to(first)).reshape(self.shape)

    def map(self, edge: EdgeWindows, detail: Detail = "counts", counts_per_electron: float = 1.0) -> EdgeMap:
        """The map of an edge. Two-area backgrounds come from the sums, least-squares ones from their windows."""
        plan, channels = self._planned(edge)
        if not isinstance(plan, (TwoArea, NoBackground)) and self._spectra is not None:
            return self._from_spectra(edge, detail, counts_per_electron)
        if detail == "full" and self._spectra is not None:
            return self._from_spectra(edge, detail, counts_per_electron)
        if isinstance(plan, (TwoArea, NoBackground)):
            return self._from_sums(edge, plan, channels, detail, counts_per_electron)
        return self._from_blocks(edge, detail, counts_per_electron)

    def curve(self, edge: EdgeWindows, spectrum: Floats) -> tuple[CurveForm, Floats] | None:
        """The background of an edge on one spectrum: its form and coefficients; None where there is none.

        Takes the plan of the last map, so the curve of a dragged window costs next to nothing.
        """
        if edge.background == "power law lsq":  # its plan is made for the spectra it meets
            found = map_edge(spectrum, self.axis, edge)
            form, coefficients = found.form, found.coefficients
        else:
            plan, _ = self._planned(edge)
            row = np.ascontiguousarray(spectrum, np.float64)[None]
            form, solved = plan.form, plan.solve(row, "full").coefficients
            coefficients = None if solved is None else solved[0]
        if form is None or coefficients is None or not np.isfinite(coefficients).all():
            return None
        return form, coefficients

    def _planned(self, edge: EdgeWindows) -> tuple[Plan, Channels]:
        with self._lock:
            if self._plan is None or self._plan[0] != edge:
                channels = find_channels(edge, self.axis)
                # two-area models need no sample
                sample = np.ones((1, self.axis.size))
                self._plan = (edge, make_plan(edge, self.axis, channels, sample), channels)
            return self._plan[1], self._plan[2]

    def _from_spectra(self, edge: EdgeWindows, detail: Detail, gain: float) -> EdgeMap:
        assert self._spectra is not None
        data = self._spectra.reshape(*self.shape, self.axis.size)
        return map_edge(data, self.axis, edge, detail=detail, counts_per_electron=gain)

    def _from_sums(
        self, edge: EdgeWindows, plan: TwoArea | NoBackground, c: Channels, detail: Detail, gain: float
    ) -> EdgeMap:
        bounds = (c.signal_start, c.signal_stop, c.fit_start, c.fit_mid, c.fit_stop)
        with self._lock:
            if self._is_far(bounds):
                return self._from_spectra(edge, detail, gain)
            images = [self.up_to(bound) for bound in bounds]
        signal, areas = images[:2], images[2:]
        pixels = signal[0].size
        counts, background = np.empty(pixels), np.zeros(pixels)
        error = np.empty(pixels) if detail != "counts" else None

        def work(begin: int, end: int) -> None:
            total = signal[1][begin:end] - signal[0][begin:end]
            variance: Floats | float = 0.0
            if isinstance(plan, TwoArea):
                one = areas[1][begin:end] - areas[0][begin:end]
                two = areas[2][begin:end] - areas[1][begin:end]
                solved = plan.from_sums(one, two, total, "counts" if error is None else "error")
                background[begin:end] = solved.background
                variance = solved.variance if solved.variance is not None else 0.0
            np.subtract(total, background[begin:end], out=counts[begin:end])
            if error is not None:
                error[begin:end] = np.sqrt(gain * (np.maximum(total, 0.0) + variance))

        in_strips(pixels, work, SMALL_STEP)
        answer = EdgeMap(edge, self.axis, c, counts, background, error, form=plan.form, exact=self.is_exact)
        self._mend_odd(answer, detail, gain)
        for name in ("counts", "background", "error"):
            if getattr(answer, name) is not None:
                setattr(answer, name, getattr(answer, name).reshape(self.shape))
        return answer

    def _mend_odd(self, answer: EdgeMap, detail: Detail, gain: float) -> None:
        """Pixels with non-finite channels: exactly from their spectra, blank without them."""
        odd = self._odd_pixels
        if odd.size == 0:
            return
        if self._spectra is None:
            answer.counts[odd] = np.nan
            if answer.error is not None:
                answer.error[odd] = np.nan
            return
        few = map_edge(self._spectra[odd], self.axis, answer.edge, detail=detail, counts_per_electron=gain)
        answer.counts[odd], answer.background[odd] = few.counts, few.background
        if answer.error is not None and few.error is not None:
            answer.error[odd] = few.error

    def _from_blocks(self, edge: EdgeWindows, detail: Detail, gain: float) -> EdgeMap:
        """A least-squares model without the spectra: fitted to the blocks as if they were broad channels.

        Where the window holds too few blocks the two areas of a power law stand in; either way the answer is not exact.
        """
        blocks = np.diff(self.prefix, axis=0).T
        full = self.axis.size // self.block
        axis = EnergyAxis(self.axis.at((self.block - 1) / 2), self.axis.step_eV * self.block, full)
        try:
            answer = map_edge(blocks[:, :full], axis, edge, detail=detail, counts_per_electron=gain)
            self._mend_odd(answer, detail, gain)
        # too few blocks in the window: two areas need no more than its bounds
        except UserError:
            kind: Background = "power law" if edge.fit[0] > 0 else "exponential"
            answer = self.map(replace(edge, background=kind), "error" if detail == "full" else detail, gain)
            answer.edge = edge
            answer.notes.append("A quick estimate from two areas, until the spectra have been read.")
        for name in ("counts", "background", "error"):
            if getattr(answer, name) is not None:
                setattr(answer, name, getattr(answer, name).reshape(self.shape))
        # bounds between blocks are shared out
        answer.exact = False
        return answer


def prepare(data: ArrayLike, energy_eV: ArrayLike | EnergyAxis, *, share: float = 0.125) -> Job[Sums]:
    """Prepare the sums of spectra in memory, at most `share` of their size. The spectra stay referenced, not copied.

    With share=4 float32 data get sums at every channel: no drag is quicker, for four times the memory.
    """
    axis = EnergyAxis.from_values(energy_eV)
    spectra, shape = as_spectra(data)
    check_fit(spectra, axis)
    plain = is_plain(spectra)
    layout = Layout.of(axis.size, spectra.dtype.itemsize, share, at_hand=plain)
    sums = Sums(spectra if plain else None, shape, axis, layout)
    for begin in range(0, spectra.shape[0], BUILD_PIXELS):
        yield Progress(begin, spectra.shape[0], "Preparing sums")
        sums.fill(spectra[begin : begin + BUILD_PIXELS], begin)
    sums.finish()
    return sums


def prepare_from_rows(
    read_rows: ReadRows,
    shape: tuple[int, int, int],
    energy_eV: ArrayLike | EnergyAxis,
    *,
    itemsize: int = 4,
    share: float = 0.125,
) -> Job[Sums]:
    """Prepare the sums of data larger than memory; drags are then quick estimates (`exact` is False) between blocks."""
    height, width, size = shape
    axis = EnergyAxis.from_values(energy_eV)
    sums = Sums(None, (height, width), axis, Layout.of(size, itemsize, share, at_hand=False))
    rows = max(1, BUILD_PIXELS // max(width, 1))
    for y0 in range(0, height, rows):
        yield Progress(y0, height, "Preparing sums")
        y1 = min(y0 + rows, height)
        sums.fill(np.asarray(read_rows(y0, y1)).reshape(-1, size), y0 * width)
    sums.finish()
    return sums
