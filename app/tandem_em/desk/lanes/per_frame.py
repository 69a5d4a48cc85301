"""Series of what was measured in each frame of a stack and kept as a result."""

from __future__ import annotations

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.numbers import in_order
from tandem_em.desk.lanes.series import Points, Series
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session


def series_of_frames(
    session: Session, result: ResultSet, values: Floats, limits: tuple[Floats, Floats] | None = None, *, key: str,
    name: str, colour: str, role: str = "",
) -> Series:  # fmt: skip
    """Values over the result's own session seconds, in order, with their limits."""
    x, order = in_order(np.asarray(result.arrays["t_s"], np.float64))
    low, high = (None, None) if limits is None else (limits[0][order], limits[1][order])
    return Series(
        key=key, name=name, colour=colour, role=role, samples=Points(x, values[order], low, high),
        hold_s=usual_step(x), has_marker=True, is_stale=bool(result.made_by) and session.is_stale(result.made_by),
    )  # fmt: skip


def usual_step(t: Floats) -> float:
    """Seconds from one frame to the next."""
    return float(np.median(np.diff(t))) if len(t) > 1 else 1.0
