"""Evenly spaced stamps: where a moment lies among them is a division, not a search through hundreds of megabytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.threads import in_strips

MOST = 0.2
"""Stamps may be off their rule by this part of a step."""
LEAST = 1000
"""Fewer stamps are looked up without a rule."""
MANY = 1000
"""With gaps in more blocks than this, all steps are looked at once more."""


@dataclass(frozen=True)
class Even:
    """x[i] = start + i · step, give or take `off` (all in own seconds)."""

    start: float
    step: float
    off: float

    def positions(self, x: NDArray[np.float64], own: Any) -> NDArray[np.intp]:
        """The same as `np.searchsorted(x, own)`: by rule, and looked up only where the rule leaves a doubt."""
        own = np.asarray(own, np.float64)
        at = (own - self.start) / self.step
        guess = np.ceil(at)
        margin = self.off / self.step + 1e-6
        doubtful = np.abs(at - np.rint(at)) <= margin
        found: NDArray[np.intp] = np.clip(guess, 0, len(x)).astype(np.intp)
        if doubtful.any():
            # few: the rest of the stamps need not be fetched from memory
            found[doubtful] = np.searchsorted(x, own[doubtful])
        return found

    def taking(self, x: NDArray[np.float64], first: int) -> Even | None:
        """The rule with x[first:] as well; None when they do not follow it."""
        off = _off(x, first, self.start, self.step)
        if off > MOST * self.step:
            return None
        return self if off <= self.off else replace(self, off=2 * off)


def look_through(x: NDArray[np.float64], limit_s: float) -> tuple[bool, NDArray[np.intp], Even | None]:
    """Whether stamps ascend, the numbers of the samples after longer pauses than `limit_s`, and the rule they follow."""
    # imported late, in a worker: numba takes its time
    from tandem_widgets.parts.lanes import stamps_kernels as kernels

    count = len(x) - 1
    if count < 1:
        return True, np.zeros(0, np.intp), None
    x = x.view()
    x.flags.writeable = False  # numba compiles for one kind of array only
    rule = float(x[0]), float(x[-1] - x[0]) / count
    wide = np.zeros(-(-count // kernels.BLOCK), bool)
    # filled from several threads: `append` is safe, and the order does not matter
    found: list[tuple[int, float]] = []
    in_strips(len(wide), lambda begin, end: found.append(kernels.look(x, limit_s, rule, (begin, end), wide)))
    ascending = not any(falling for falling, _ in found)
    off = max(off for _, off in found)
    is_even = ascending and count >= LEAST and rule[1] > 0 and off <= MOST * rule[1]
    return ascending, _gaps(x, limit_s, wide, kernels.BLOCK), Even(*rule, off) if is_even else None


def _gaps(x: NDArray[np.float64], limit_s: float, wide: NDArray[np.bool_], block: int) -> NDArray[np.intp]:
    if np.count_nonzero(wide) > MANY:
        return np.flatnonzero(np.diff(x) > limit_s) + 1
    starts = (np.flatnonzero(wide) * block).tolist()
    # one stamp more: the step to the next block belongs to this one
    parts = [np.flatnonzero(np.diff(x[k : k + block + 1]) > limit_s) + 1 + k for k in starts]
    return np.concatenate([np.zeros(0, np.intp), *parts])


def _off(x: NDArray[np.float64], first: int, start: float, step: float) -> float:
    rule = start + np.arange(first, len(x)) * step
    return float(np.max(np.abs(x[first:] - rule), initial=0.0))
