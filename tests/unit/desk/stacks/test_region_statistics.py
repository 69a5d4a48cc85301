"""A region stays on the sample to a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack


def test_a_region_on_a_drifting_slope_keeps_its_mean() -> None:
    drift = np.array([[0.0, 0.0], [0.25, -0.5], [0.5, 0.75], [-1.6, 2.3], [3.1, -0.4]])
    y, x = np.mgrid[0:40, 0:60].astype(float)
    frames = np.stack([100 + 5 * (x - dx) + 2 * (y - dy) for dx, dy in drift])
    stack = FrameStack(source=MemoryArray(frames), drift_px=drift)
    found = run_to_end(stacks.measuring(stack, (20, 10, 36, 26)))
    np.testing.assert_allclose(found[:, 0], found[0, 0], atol=0.1)
    np.testing.assert_allclose(found[:, 1], found[0, 1], rtol=0.02)
    assert found[0, 0] == pytest.approx(frames[0, 10:26, 20:36].mean())
    assert found[0, 1] == pytest.approx(frames[0, 10:26, 20:36].std())


def test_a_region_that_leaves_the_frame_and_a_frame_that_cannot_be_read_are_gaps() -> None:
    class Broken(MemoryArray):
        def read(self, index: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
            if isinstance(index, tuple) and index[0] == 1:
                raise UserError("Cut off.")
            return super().read(index)

    drift = np.array([[0.0, 0.0], [0.0, 0.0], [100.0, 0.0], [15.5, 0.0]])
    stack = FrameStack(source=Broken(np.full((4, 20, 20), 7.0)), drift_px=drift)
    found = run_to_end(stacks.measuring(stack, (2, 2, 8, 8)))
    assert found[0].tolist() == [7.0, 0.0]
    assert np.isnan(found[1:3]).all()
    assert found[3, 0] == 7.0
