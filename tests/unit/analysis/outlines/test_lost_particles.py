"""A particle that cannot be seen is lost in that frame, for a reason; nothing ends the others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from disc_frames import Disc, circle, disc_frames, true_outline
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.geometry.polygon import overlap
from tandem_em.analysis.outlines import follower as outline_follower
from tandem_em.analysis.outlines import walk
from tandem_em.analysis.outlines.follow import follow_many
from tandem_em.analysis.outlines.levels import FrameLevel
from tandem_em.analysis.outlines.live import KEPT, LiveFollower
from tandem_em.analysis.outlines.propose import propose_outline
from tandem_em.analysis.outlines.result import LostError, TrackResult
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError

FRAMES = 24


def still(_k: int) -> tuple[float, float, float]:
    return 60.0, 90.0, 22.0


def growing(k: int) -> tuple[float, float, float]:
    return 110.0, 40.0, 18 + 0.2 * k


def leaving(k: int) -> tuple[float, float, float]:
    return 20 - 2.0 * k, 120.0, 6.0


def sliding(k: int) -> tuple[float, float, float]:
    return 12 - 0.7 * k, 25.0, 3.0


def followed(
    discs: dict[str, Disc], frames: np.ndarray, drift: np.ndarray | None = None
) -> dict[str, TrackResult]:
    keys = {name: {0: true_outline(disc, 0, drift)} for name, disc in discs.items()}
    return run_to_end(follow_many(frames.__getitem__, len(frames), keys, drift))


def least_overlap(disc: Disc, result: TrackResult, drift: np.ndarray | None = None) -> float:
    return min(overlap(o.polygon, true_outline(disc, k, drift)) for k, o in result.outlines.items())


@pytest.mark.parametrize("inside", [110, 700])
@pytest.mark.parametrize("seed", range(3))
def test_a_small_particle_that_leaves_is_lost_and_the_others_go_on(inside: float, seed: int) -> None:
    discs = {"A": still, "small": leaving, "tiny": sliding, "B": growing}
    found = followed(discs, disc_frames(discs.values(), FRAMES, inside=inside, seed=seed))
    for name in ("A", "B"):
        assert sorted(found[name].outlines) == list(range(FRAMES))
        assert least_overlap(discs[name], found[name]) > 0.97
    for name in ("small", "tiny"):
        assert found[name].failure is None
        assert {0, 1, 2, 3} <= found[name].outlines.keys()
        outside = [k for k in range(FRAMES) if discs[name](k)[0] < -1]
        assert all(k not in found[name].outlines or found[name].outlines[k].confidence < 0.5 for k in outside)
    reasons = found["small"].lost
    assert "it has left the field of view" in reasons.values()
    assert not reasons.keys() & found["small"].outlines.keys()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(("ground", "inside"), [(200, 110), (30, 180), (0, 150)])
def test_stage_drift_takes_a_particle_out_and_leaves_the_other(
    ground: float, inside: float, dtype: type
) -> None:
    drift = np.stack([np.linspace(0, -130, FRAMES), np.zeros(FRAMES)], axis=1)
    discs: dict[str, Disc] = {"out": still, "in": lambda _k: (210.0, 60.0, 22.0)}
    frames = disc_frames(
        discs.values(), FRAMES, drift=drift, shape=(160, 260), ground=ground, inside=inside, dtype=dtype
    )
    found = followed(discs, frames, drift)
    assert sorted(found["in"].outlines) == list(range(FRAMES))
    assert least_overlap(discs["in"], found["in"], drift) > 0.97
    out = found["out"]
    assert 11 <= len(out.outlines) <= 13
    assert sorted(out.lost) == [k for k in range(FRAMES) if k not in out.outlines]
    assert set(out.lost.values()) <= {"it lies outside the image", "it has left the field of view"}
    assert all(out.outlines[k].confidence > 0.9 for k in range(8))


def test_what_comes_back_with_the_stage_is_found_again() -> None:
    way = np.concatenate([np.linspace(0, 130, 12), np.linspace(130, 0, 12)])
    drift = np.stack([way, np.zeros(FRAMES)], axis=1)
    discs: dict[str, Disc] = {"A": still, "B": growing}
    found = followed(discs, disc_frames(discs.values(), FRAMES, drift=drift), drift)
    for name, disc in discs.items():
        assert {0, 1, 2, 21, 22, 23} <= found[name].outlines.keys()
        assert {10, 11, 12, 13} <= found[name].lost.keys()
        assert overlap(found[name].outlines[23].polygon, true_outline(disc, 23, drift)) > 0.97
        assert found[name].outlines[23].confidence > 0.9


def test_a_key_outline_that_cannot_be_used_is_that_of_one_particle() -> None:
    frames = disc_frames([still, growing], 4)
    blank = frames.copy()
    blank[2] = 0
    keys = {
        "A": {0: true_outline(still, 0)},
        "outside": {1: circle(-50, 20, 20)},
        "line": {0: np.array([[1.0, 1.0], [9.0, 9.0]])},
        "dark": {2: true_outline(growing, 2)},
    }
    found = run_to_end(follow_many(blank.__getitem__, 4, keys))
    assert sorted(found["A"].outlines) == [0, 1, 3]
    assert "outside the image" in str(found["outside"].failure.error)  # type: ignore[union-attr]
    assert "encloses no area" in str(found["line"].failure.error)  # type: ignore[union-attr]
    assert found["dark"].lost[2] == "the frame of its outline was recorded without beam"
    assert [len(found[name].outlines) for name in ("outside", "line", "dark")] == [0, 0, 0]


def test_an_unexpected_error_ends_one_particle_there(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = disc_frames([still, growing], 8)
    step = walk.Walk.step

    def broken(self: walk.Walk, frame: int, direction: int, ahead: list[int]) -> None:
        step(self, frame, direction, ahead)
        if frame == 5 and self.crops.origin[0] > 40:  # that of the growing one
            raise ValueError("array must not contain infs or NaNs")

    monkeypatch.setattr(walk.Walk, "step", broken)
    found = followed({"A": still, "B": growing}, frames)
    assert sorted(found["A"].outlines) == list(range(8))
    assert sorted(found["B"].outlines) == list(range(5))
    assert found["B"].failure is not None
    assert found["B"].failure.frame == 5
    assert found["B"].stopped == (5,)


def test_what_could_not_be_looked_at_again_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_review: object) -> None:
        raise FloatingPointError("bad")

    monkeypatch.setattr(outline_follower.Review, "correct_drift", broken)
    (result,) = followed({"A": still}, disc_frames([still], 4)).values()
    assert sorted(result.outlines) == [0, 1, 2, 3]
    assert max(o.confidence for o in result.outlines.values()) < 0.5
    assert result.failure is not None
    assert result.failure.frame is None


def test_the_live_follower_finds_again_what_comes_back_after_a_long_time() -> None:
    drift = np.zeros((KEPT + 20, 2))
    drift[5 : KEPT + 10] = -150, 0
    frames = disc_frames([still], 1), disc_frames([lambda _k: (-90.0, 90.0, 22.0)], 1)
    follower = LiveFollower(true_outline(still, 0), np.zeros(2))
    lost = []
    for k, by in enumerate(drift):
        frame = frames[int(by[0] < 0)][0]
        try:
            found = follower.take(frame, by, FrameLevel.of(frame))
        except LostError:
            lost.append(k)
    assert lost == list(range(5, KEPT + 10))
    assert overlap(found.polygon, true_outline(still, 0)) > 0.93
    assert len(follower._crops.images) <= KEPT
    assert not follower.is_lost


@pytest.mark.parametrize("inside", [110, 700])
def test_a_click_on_mere_noise_finds_nothing(inside: float) -> None:
    """The strongest closed line in noise is none: there is nothing inside of it."""
    refused = 0
    for seed in range(10):
        frame = disc_frames([still, growing], 1, inside=inside, seed=seed)[0]
        try:
            propose_outline(frame, 130, 130)
        except UserError:
            refused += 1
        for disc in (still, growing):
            x, y, _ = disc(0)
            assert overlap(propose_outline(frame, x, y), true_outline(disc, 0)) > 0.95
    assert refused >= 8


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    ground=st.sampled_from([0.0, 0.2, 3.0, 40.0, 200.0]),
    ratio=st.sampled_from([0.0, 0.1, 0.6, 1.0, 1.5, 3.0, 20.0]),
    radius=st.floats(1.5, 20),
    wander=st.sampled_from([0.0, 1.0, 8.0, 40.0]),
    dtype=st.sampled_from([np.uint8, np.uint16, np.float32]),
    gaps=st.sampled_from([0.0, 0.2]),
)
def test_no_small_movie_breaks_the_follower(
    seed: int, ground: float, ratio: float, radius: float, wander: float, dtype: type, gaps: float
) -> None:
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(24, 72)), int(rng.integers(24, 72))
    count, place = int(rng.integers(1, 6)), rng.uniform(-5, 70, 2)
    drift = np.cumsum(rng.normal(0, wander, (count, 2)), axis=0)
    frames = disc_frames(
        [lambda _k: (place[0], place[1], radius)], count, ground=ground, inside=min(255, ground * ratio),
        shape=shape, drift=drift, seed=seed, dtype=dtype,
    )  # fmt: skip
    if dtype is np.float32:
        frames[rng.random(frames.shape) < gaps] = rng.choice([np.nan, np.inf, -np.inf])
    key = int(rng.integers(0, count))
    corners = int(rng.integers(5, 30))
    drawn = circle(*(place + drift[key]), radius * rng.uniform(0.5, 1.7), corners)
    drawn = drawn + rng.normal(0, rng.choice([0, 0.5]), drawn.shape)
    keys = {"drawn": {key: drawn}, "middle": {0: circle(shape[1] / 2, shape[0] / 2, 5)}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run_to_end(follow_many(frames.__getitem__, count, keys, drift))
    for result in found.values():
        assert result.failure is None or isinstance(result.failure.error, UserError)
        for outline in result.outlines.values():
            assert np.isfinite(outline.polygon).all()
            assert 0 <= outline.confidence <= 1
            assert outline.area_low_px <= outline.area_px <= outline.area_high_px
