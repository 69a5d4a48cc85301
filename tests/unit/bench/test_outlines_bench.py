"""The benchmark of outlines scores what is right as right, what is wrong as wrong, and what is missing as lost."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.geometry.polygon import area, overlap
from tandem_em.bench import outlines
from tandem_em.bench.outlines_peers import threshold_and_link, watershed_from_last

ANGLES = np.linspace(0, 2 * np.pi, 80, endpoint=False)


def disc(radius: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.column_stack([40 + radius * np.cos(ANGLES), 40 + radius * np.sin(ANGLES)])


def test_scores_tell_wrong_from_lost_and_flagged_from_trusted() -> None:
    true = {frame: disc(20) for frame in range(4)}
    found = {0: disc(20), 1: disc(22), 2: disc(5)}
    scores = outlines._scores(true, found, confident={0, 1}, within={0})
    assert scores.iou == pytest.approx([1, 20**2 / 22**2, 5**2 / 20**2, 0], abs=0.02)
    assert scores.error[:3] == pytest.approx([0, 0.21, 0.0625 - 1], abs=0.01)
    assert scores.lost.tolist() == [False, False, True, True]
    assert scores.bad.tolist() == [False, True, True, True]
    assert scores.flagged.tolist() == [False, False, True, True]
    assert len(scores.known) == 3


def test_a_drawn_outline_is_a_few_per_cent_off() -> None:
    off = [abs(area(outlines.drawn_by_hand(disc(30), seed)) / area(disc(30)) - 1) for seed in range(8)]
    assert 0.005 < np.mean(off) < 0.08
    assert min(overlap(outlines.drawn_by_hand(disc(30), seed), disc(30)) for seed in range(8)) > 0.85


@pytest.mark.parametrize("tracker", [threshold_and_link, watershed_from_last])
def test_the_peers_follow_a_plain_disc(tracker: object) -> None:
    y, x = np.mgrid[:80, :80]
    rng = np.random.default_rng(1)
    frames = np.stack(
        [rng.poisson(np.where(np.hypot(x - 40, y - 40) < 18 + k, 60, 150)) for k in range(4)]
    ).astype(np.uint16)
    found = tracker(frames, disc(18), np.zeros((4, 2)))  # type: ignore[operator]
    assert sorted(found) == [0, 1, 2, 3]
    assert overlap(found[3], disc(21)) > 0.88
