"""Particles brighter than their surroundings (dark field) are proposed and followed as well as dark ones."""

from __future__ import annotations

import numpy as np
import pytest
from disc_frames import disc_frames, true_outline

from tandem_em.analysis.geometry.polygon import area, overlap
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.analysis.outlines.follow import follow_many
from tandem_em.analysis.outlines.levels import FrameLevel
from tandem_em.analysis.outlines.live import LiveFollower
from tandem_em.analysis.outlines.propose import propose_outline
from tandem_em.core.jobs import run_to_end

FRAMES = 10


def swelling(k: int) -> tuple[float, float, float]:
    return 60.0, 90.0, 22 + 0.4 * k


def small(k: int) -> tuple[float, float, float]:
    return 115.0, 40.0, 12 + 0.2 * k


DISCS = {"A": swelling, "B": small}


def clicked_and_followed(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """IoU and relative area error of both discs in all frames, from clicks in the first; all of them confident."""
    keys = {}
    for name, disc in DISCS.items():
        x, y, radius = disc(0)
        keys[name] = {0: propose_outline(frames[0], x + radius / 4, y - radius / 5)}
        assert overlap(keys[name][0], true_outline(disc, 0)) > 0.94
    found = run_to_end(follow_many(frames.__getitem__, len(frames), keys))
    iou, error = [], []
    for name, disc in DISCS.items():
        assert found[name].failure is None
        assert sorted(found[name].outlines) == list(range(len(frames)))
        for k, outline in found[name].outlines.items():
            assert outline.confidence > 0.8
            iou.append(overlap(outline.polygon, true_outline(disc, k)))
            error.append(outline.area_px / (np.pi * disc(k)[2] ** 2) - 1)
    return np.array(iou), np.array(error)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("ground", "inside"), [(110, 200), (100, 200), (40, 160), (20, 220), (0.3, 120), (0, 150)]
)
def test_bright_discs_are_followed_from_a_click(ground: float, inside: float, dtype: type) -> None:
    iou, error = clicked_and_followed(
        disc_frames(DISCS.values(), FRAMES, ground=ground, inside=inside, dtype=dtype)
    )
    assert iou.min() > 0.92
    assert np.median(np.abs(error)) < 0.03


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("ground", "inside"), [(110, 200), (60, 180), (20, 220)])
def test_bright_discs_are_as_exact_as_in_the_mirrored_movie(ground: float, inside: float, seed: int) -> None:
    bright = disc_frames(DISCS.values(), FRAMES, ground=ground, inside=inside, seed=seed, dtype=np.float32)
    iou, error = clicked_and_followed(bright)
    mirrored_iou, mirrored_error = clicked_and_followed(ground + inside - bright)
    assert iou.mean() > mirrored_iou.mean() - 0.015
    assert np.abs(error).mean() < np.abs(mirrored_error).mean() + 0.015


def test_a_bright_disc_is_followed_while_filming() -> None:
    frames = disc_frames([swelling], FRAMES, ground=30, inside=180)
    follower = LiveFollower(true_outline(swelling, 0), np.zeros(2))
    for k, frame in enumerate(frames):
        found = follower.take(frame, np.zeros(2), FrameLevel.of(frame))
        assert overlap(found.polygon, true_outline(swelling, k)) > 0.93
        assert found.confidence > 0.5
    assert not follower.is_lost


def test_x_rays_are_left_out_and_bright_particles_are_not() -> None:
    frame = disc_frames(
        [lambda _k: (60.0, 90.0, 22.0), lambda _k: (60.0, 30.0, 3.0)], 1, ground=40, inside=400
    )[0]
    frame[88:90, 20:22] = 3000  # two by two, on the ground
    frame[100, 100] = 2500
    level = FrameLevel.of(frame)
    crops = Crops((0, 0), frame.shape, 1, np.zeros((1, 2)))
    crops.add(0, frame, level)
    lost = np.argwhere(np.isnan(crops.image(0)))
    assert {(int(y), int(x)) for y, x in lost} == {(88, 20), (88, 21), (89, 20), (89, 21), (100, 100)}


def test_a_clear_edge_is_proposed_where_it_is() -> None:
    """Edges far above the noise were all as good: the nearest place won, 8 % of the radius off."""
    disc = swelling
    for ground, inside in ((5000, 500), (500, 5000)):
        frame = disc_frames([disc], 1, ground=ground, inside=inside)[0]
        proposed = propose_outline(frame, 62, 86)
        assert overlap(proposed, true_outline(disc, 0)) > 0.97
        assert area(proposed) == pytest.approx(np.pi * 22**2, rel=0.03)
