"""Outlines that a Dask cluster has followed are those that are followed here."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.outlines import following
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle


def test_the_same_outlines_come_from_a_dask_cluster() -> None:
    distributed = pytest.importorskip("distributed")
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:96, :96]
    frames = np.stack(
        [rng.poisson(200 - 90 / (1 + np.exp((np.hypot(x - 48, y - 48) - 20 - k) / 1.2))) for k in range(4)]
    ).astype(np.uint16)
    stack = FrameStack(
        name="disc", source=MemoryArray(frames), times=np.arange(4.0), drift_px=np.zeros((4, 2))
    )
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    particle = Particle(name="P", stack_id=stack.id)
    particle.outlines[0] = following.key_outline(48 + 20 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    (here,) = run_to_end(following.follow(stack, [particle]))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        (there,) = run_to_end(following.follow(stack, [particle], scheduler=cluster.scheduler_address))
    assert here.outlines.keys() == there.outlines.keys() == {0, 1, 2, 3}
    for frame, outline in here.outlines.items():
        assert np.array_equal(outline.polygon, there.outlines[frame].polygon)
        assert outline.confidence == there.outlines[frame].confidence
