"""What the window finds out about a run by compiled loops is what exporters find out with numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.ordered import gap_limit, ordered
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun
from tandem_widgets.panes.biasing.ready import making_ready

EVEN = np.arange(5000) / 10.0
PAUSED = np.concatenate([EVEN, EVEN + 600.0])
SWAPPED = np.where(np.arange(5000) == 77, EVEN - 0.25, EVEN)
UNTIMED = np.where(np.arange(5000) % 997 == 5, np.nan, EVEN)


@pytest.mark.parametrize("times", [EVEN, PAUSED, SWAPPED, UNTIMED, EVEN[:1], EVEN[:0]])
@pytest.mark.parametrize("limit_s", [None, 5.0])
def test_order_and_gaps_are_the_same_both_ways(times: Floats, limit_s: float | None) -> None:
    run = BiasRun(times=GrowingArray(times), segment_starts=[0, 1234], gap_limit_s=limit_s)
    by_loops = run_to_end(making_ready(times, {}, limit_s, run.segment_starts))
    by_numpy = ordered(run)
    np.testing.assert_array_equal(by_loops.x, by_numpy.x)
    np.testing.assert_array_equal(by_loops.gaps, by_numpy.gaps)
    assert (by_loops.order is None) == (by_numpy.order is None)
    assert by_loops.gap_limit_s == by_numpy.gap_limit_s == gap_limit(run)
    assert by_loops.hold_s <= 3600.0
