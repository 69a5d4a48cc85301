"""Outlines follow the particles they were drawn around, with areas that hold against the truth."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from tandem_em.analysis.geometry.polygon import area, centroid, overlap
from tandem_em.analysis.outlines import follower
from tandem_em.analysis.outlines.confidence import Evidence, confidences
from tandem_em.analysis.outlines.follow import follow, follow_many
from tandem_em.analysis.outlines.result import FollowOptions
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.simulation.movie_levels import level_recipe
from tandem_em.simulation.movie_physics import movie, truth
from tandem_em.simulation.movie_recipe import MovieRecipe

FRAMES = 20


@lru_cache(maxsize=4)
def made(level: str, seed: int, scene: str = "single") -> tuple[MovieRecipe, np.ndarray]:
    recipe = level_recipe(level, seed, scene, frames=FRAMES, size=128)  # type: ignore[arg-type]
    return recipe, movie(recipe)


def drawn(recipe: MovieRecipe, frame: int, name: str = "P1", scale: float = 1.04) -> np.ndarray:
    """A true outline as a hand draws it: too large, with few corners."""
    polygon = truth(recipe, frame)[name][::18]
    middle = centroid(polygon)
    return middle + (polygon - middle) * scale


def errors(recipe: MovieRecipe, result: object, name: str = "P1") -> np.ndarray:
    outlines = result.outlines  # type: ignore[attr-defined]
    return np.array([area(outlines[k].polygon) / area(truth(recipe, k)[name]) - 1 for k in sorted(outlines)])


def test_an_easy_particle_is_followed_through_every_frame() -> None:
    recipe, frames = made("easy", 2)
    drift = np.array(recipe.drift_px)
    result = run_to_end(follow(lambda k: frames[k], FRAMES, {0: drawn(recipe, 0)}, drift))
    assert sorted(result.outlines) == list(range(FRAMES))
    assert np.median(np.abs(errors(recipe, result))) < 0.02
    assert min(overlap(result.outlines[k].polygon, truth(recipe, k)["P1"]) for k in range(FRAMES)) > 0.94


def test_following_starts_in_any_frame_and_goes_both_ways() -> None:
    recipe, frames = made("easy", 2)
    drift = np.array(recipe.drift_px)
    result = run_to_end(follow(lambda k: frames[k], FRAMES, {11: drawn(recipe, 11, scale=0.96)}, drift))
    assert sorted(result.outlines) == list(range(FRAMES))
    assert np.median(np.abs(errors(recipe, result))) < 0.02


def test_a_particle_is_found_where_it_is_when_the_drift_is_wrong() -> None:
    recipe, frames = made("easy", 2)
    wrong = np.array(recipe.drift_px) + np.random.default_rng(1).normal(0, 1.5, (FRAMES, 2))
    wrong[12:] += 4
    result = run_to_end(follow(lambda k: frames[k], FRAMES, {0: drawn(recipe, 0)}, wrong - wrong[0]))
    assert np.median(np.abs(errors(recipe, result))) < 0.02
    assert min(overlap(result.outlines[k].polygon, truth(recipe, k)["P1"]) for k in range(FRAMES)) > 0.94


def test_progress_carries_each_outline_once_it_is_found_and_frames_are_read_once() -> None:
    recipe, frames = made("easy", 2)
    read: list[int] = []

    def read_frame(k: int) -> np.ndarray:
        read.append(k)
        return frames[k]

    job = follow_many(
        read_frame,
        FRAMES,
        {"A": {0: drawn(recipe, 0)}, "B": {4: drawn(recipe, 4)}},
        np.array(recipe.drift_px),
    )
    seen: dict[str, set[int]] = {"A": set(), "B": set()}
    for _ in range(10):
        for name, outlines in (next(job).partial or {}).items():
            seen[name] |= outlines.keys()
    job.close()
    assert seen["A"] == set(range(10))
    assert seen["B"] == set(range(4, 10))
    assert len(read) == len(set(read))


def test_a_blanked_frame_has_no_outline() -> None:
    recipe, frames = made("easy", 2)
    dark = frames.copy()
    dark[[6, 7]] = 100
    result = run_to_end(follow(lambda k: dark[k], FRAMES, {0: drawn(recipe, 0)}, np.array(recipe.drift_px)))
    assert result.blank == {6, 7}
    assert not {6, 7} & result.outlines.keys()
    assert 8 in result.outlines


def test_an_exact_key_is_kept_as_drawn() -> None:
    recipe, frames = made("easy", 2)
    mine = drawn(recipe, 9, scale=1.1)
    options = FollowOptions(exact_keys=frozenset({9}), frames=(4, 12))
    keys = {0: drawn(recipe, 0), 9: mine}
    result = run_to_end(follow(lambda k: frames[k], FRAMES, keys, np.array(recipe.drift_px), options))
    np.testing.assert_allclose(result.outlines[9].polygon, mine)
    assert result.outlines[9].is_key
    assert set(range(5, 13)) <= result.outlines.keys()


def test_wrong_calls_get_a_sentence() -> None:
    frames = np.ones((3, 40, 40), np.uint16)
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30.0]])
    with pytest.raises(UserError, match="frame 8"):
        run_to_end(follow(lambda k: frames[k], 3, {7: square}))
    with pytest.raises(UserError, match="encloses no area"):
        run_to_end(follow(lambda k: frames[k], 3, {0: square[:2]}))
    with pytest.raises(UserError, match="drift"):
        run_to_end(follow(lambda k: frames[k], 3, {0: square}, np.zeros((2, 2))))


def evidence_of(
    level: str, seed: int, scene: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Evidence, object]:
    """What a confidence is judged from, and the result, for the first target of a movie."""
    recipe, frames = made(level, seed, scene)
    name = next(iter(recipe.target_members))
    seen: list[Evidence] = []

    def noted(evidence: Evidence) -> list[tuple[float, float, float]]:
        seen.append(evidence)
        return confidences(evidence)

    monkeypatch.setattr(follower, "confidences", noted)
    drift = np.array(recipe.drift_px)
    result = run_to_end(follow(lambda k: frames[k], FRAMES, {0: drawn(recipe, 0, name)}, drift))
    assert np.abs(errors(recipe, result, name)).max() < 0.05
    return seen[0], result


def test_a_right_outline_is_trusted_also_beside_a_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    _, result = evidence_of("easy", 2, "touching", monkeypatch)
    assert min(o.confidence for o in result.outlines.values()) > 0.8  # type: ignore[attr-defined]


def test_an_outline_with_background_inside_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, _ = evidence_of("easy", 2, "single", monkeypatch)
    wrong = {k: bulged(polygon) for k, polygon in evidence.final.items()}
    assert min(confidence for confidence, _, _ in confidences(evidence)) > 0.8
    astray = replace(evidence, final=wrong, places={})  # what was seen along the right line says nothing here
    assert max(confidence for confidence, _, _ in confidences(astray)) < 0.5


def bulged(polygon: np.ndarray) -> np.ndarray:
    """An outline that reaches far into the background on one side."""
    arm = polygon - centroid(polygon)
    angle = np.arctan2(arm[:, 1], arm[:, 0])
    return centroid(polygon) + arm * (1 + 0.7 * np.clip(np.cos(angle) + 0.4, 0, 1))[:, None]


def test_following_can_be_left_between_any_two_frames_of_the_look_back() -> None:
    recipe, frames = made("easy", 2)
    job = follow(lambda k: frames[k], FRAMES, {0: drawn(recipe, 0)}, np.array(recipe.drift_px))
    shares, messages = [], []
    for progress in job:
        shares.append(progress.fraction or 0.0)
        messages.append(progress.message)
    assert messages.count("Refining outlines") >= FRAMES  # five looks at each frame, a word every fourth
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_particle_that_hangs_out_of_the_picture_is_followed_without_a_warning() -> None:
    recipe, frames = made("easy", 2)
    cut = frames[:, :, int(drawn(recipe, 0)[:, 0].mean()) :]
    first = drawn(recipe, 0) - [frames.shape[2] - cut.shape[2], 0]
    result = run_to_end(follow(lambda k: cut[k], FRAMES, {0: first}, np.array(recipe.drift_px)))
    assert result.outlines


def test_an_outline_outside_the_picture_gets_a_sentence() -> None:
    recipe, frames = made("easy", 2)
    with pytest.raises(UserError, match="lies outside the image"):
        run_to_end(follow(lambda k: frames[k], FRAMES, {0: drawn(recipe, 0) + 400}))
