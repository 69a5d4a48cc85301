"""A few channels unfolded into rows of pixels: what makes the next bound of a drag cost almost nothing.

Spectra lie in memory pixel by pixel, a map channel by channel. Around each bound that is being moved, sixteen channels
are turned round once; while the hand stays within them a bound is the sum of a few rows that lie side by side.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.core.threads import SMALL_STEP, in_strips

UNIT = 16
"""Channels turned round at once."""


class Rows:
    """Unfolded channels of one image, the most recently used ones."""

    def __init__(self, spectra: NDArray[Any], prefix: Floats, block: int, most: int) -> None:
        self._spectra = spectra
        self._prefix = prefix
        self._block = block
        self._most = max(1, most)
        self._units: OrderedDict[int, tuple[Floats, NDArray[Any]]] = OrderedDict()

    @staticmethod
    def bytes_per_pixel(itemsize: int) -> int:
        """Memory of one unit per pixel: its channels and the running sum before them."""
        return UNIT * itemsize + 8

    @property
    def nbytes(self) -> int:
        """Memory in bytes that the kept channels take."""
        return sum(base.nbytes + rows.nbytes for base, rows in self._units.values())

    def up_to(self, channel: int) -> Floats:
        """Sum of all channels before `channel`, per pixel."""
        from tandem_em.analysis.eels.kernels_sums import add_rows

        unit, beyond = self._place(channel)
        base, rows = self._unit(unit)
        if beyond == 0:
            return base
        out = np.empty(base.size)
        in_strips(base.size, lambda a, b: add_rows(base[a:b], rows[:, a:b], beyond, out[a:b]), SMALL_STEP)
        return out

    def holds(self, channel: int) -> bool:
        """Whether a bound at this channel costs next to nothing."""
        return self._place(channel)[0] in self._units

    def _place(self, channel: int) -> tuple[int, int]:
        unit, beyond = divmod(channel, UNIT)
        return (unit - 1, UNIT + beyond) if unit * UNIT >= self._spectra.shape[1] else (unit, beyond)

    def _unit(self, unit: int) -> tuple[Floats, NDArray[Any]]:
        known = self._units.get(unit)
        if known is not None:
            self._units.move_to_end(unit)
            return known
        # the oldest unit's memory is used again: fresh pages cost more than the copy
        old = self._units.popitem(last=False)[1] if len(self._units) >= self._most else None
        made = self._unfold(unit, old)
        self._units[unit] = made
        return made

    def _unfold(self, unit: int, old: tuple[Floats, NDArray[Any]] | None) -> tuple[Floats, NDArray[Any]]:
        from tandem_em.analysis.eels.kernels_sums import unfold

        pixels, channels = self._spectra.shape
        start, stop = unit * UNIT, min((unit + 1) * UNIT, channels)
        below = start // self._block
        before, first, spectra = self._prefix[below], below * self._block, self._spectra
        rows = np.empty((UNIT, pixels), spectra.dtype) if old is None else old[1]
        # a bound that is remembered elsewhere may be this very array: the sums are never written over
        base = np.empty(pixels)
        in_strips(
            pixels,
            lambda a, b: unfold(spectra[a:b], before[a:b], first, start, stop, base[a:b], rows[:, a:b]),
        )
        return base, rows
