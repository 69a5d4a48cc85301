"""The same state of charge elsewhere in the run: charge against discharge, with the shapes of here as ghosts there."""

from __future__ import annotations

import numpy as np

from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.series import SeriesStore

APART = 0.02
"""Two passages are two when the charge was away from it by this part of its range in between."""
MOST = 3
LARGEST = 4_000_000
"""Samples that can be looked through while a menu opens."""


def moments(run: BiasRun | None, store: SeriesStore, t: float) -> list[float]:
    """Other session seconds at which the charge of a run is what it is at t, the nearest first."""
    from tandem_em.desk.lanes.charge import PASSED  # see `LaneMaker.content`

    if run is None or "current" not in run.columns or len(run) > LARGEST:
        return []
    derived = store.derived(run, PASSED)
    if derived is None:
        return []
    curve = store.of(run).derived_curve(derived, run.name, run.colour)
    here = curve.index_at(t)
    y = np.asarray(curve.y, np.float64)
    if here < 0 or not np.isfinite(y[here]) or not np.ptp(y[np.isfinite(y)]) > 0:
        return []
    off = np.nan_to_num(y - y[here])
    # where the charge crosses the wanted one, samples rarely hit it
    passages = np.flatnonzero((off[:-1] < 0) != (off[1:] < 0))
    # noise crosses several times: passages without a real distance between them are one
    stretch = np.cumsum(np.abs(off) > APART * np.ptp(y[np.isfinite(y)]))
    found = {int(stretch[at]): float(curve.session(curve.x[at])) for at in passages}
    # the passage through the moment itself
    found.pop(int(stretch[here]), None)
    return sorted(found.values(), key=lambda moment: abs(moment - t))[:MOST]


def go(desk: Desk, t: float, other: float) -> None:
    """Show the other moment; what is outlined at t stays as ghosts, to be compared."""
    session = desk.session
    for stack in session.stacks:
        if len(stack.times):
            frame = stack.index_at(t)
            outlined = [p for p in particles_edit.of_stack(session, stack) if frame in p.outlines]
            if any(frame not in particle.reference_frames for particle in outlined):
                particles_edit.toggle_reference(desk, outlined, frame)
    session.focus.t = other
