"""A run in order of time: how its samples are sorted and where it is interrupted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats
from tandem_em.model.curves import BiasRun, usual_gap_limit

# 4 million samples, 32 MB of stamps: much less than a long run.
CHUNK = 1 << 22


@dataclass
class Ordered:
    """The stamps of a run in its own seconds, ascending."""

    x: Floats
    order: NDArray[np.intp] | None
    """How to sort the samples by time; None when they are in order already."""
    gap_limit_s: float
    gaps: NDArray[np.intp]
    """Numbers of the samples before which the line is interrupted."""

    @property
    def hold_s(self) -> float:
        """How long a sample counts where none follows."""
        # A run with rare samples has a limit of days: its last value is not held that long.
        return min(self.gap_limit_s, 3600.0)


def ordered(run: BiasRun) -> Ordered:
    """With numpy alone; the window looks through long runs by compiled loops and gets the same."""
    times = run.times.view
    # None for nearly all runs: no copy of their stamps is made.
    order = None if is_ascending(times) else time_order(times)
    x = times if order is None else times[order]
    limit = usual_gap_limit(x) if run.gap_limit_s is None else run.gap_limit_s
    gaps = np.flatnonzero(np.diff(x) > limit) + 1
    # Segments count samples as recorded; once sorted they mean nothing.
    starts = [s for s in run.segment_starts if 0 < s < len(x)] if order is None else []
    return Ordered(x, order, limit, np.union1d(gaps, starts).astype(np.intp))


def gap_limit(run: BiasRun) -> float:
    """Longer pauses of a run are gaps (s)."""
    if run.gap_limit_s is not None:
        return run.gap_limit_s
    times = run.times.view
    return usual_gap_limit(times if is_ascending(times) else times[time_order(times)])


def is_ascending(times: Floats) -> bool:
    """In pieces: a comparison of all stamps at once would take memory for hours of them."""
    return all(
        bool(
            np.all(
                times[start + 1 : start + CHUNK + 1] >= times[start : start + CHUNK][: len(times) - 1 - start]
            )
        )
        for start in range(0, len(times) - 1, CHUNK)
    )


def time_order(times: Floats) -> NDArray[np.intp]:
    """Samples by their stamps; those without one are left out."""
    order = np.argsort(times, kind="stable")
    return order[: int(np.count_nonzero(np.isfinite(times)))]
