"""Drift and outlines on frames as they come in, against the truth of generated movies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tandem_em.analysis.drift.live import LiveDrift
from tandem_em.analysis.drift.measure import drift_rms
from tandem_em.analysis.geometry.polygon import area
from tandem_em.analysis.outlines.levels import FrameLevel
from tandem_em.analysis.outlines.live import FITTED, KEPT, LiveFollower
from tandem_em.analysis.outlines.review import Review
from tandem_em.simulation.demo_movie import demo_recipe
from tandem_em.simulation.movie_physics import render_frame, truth
from tandem_em.simulation.movie_recipe import MovieRecipe

FRAMES = 40


@pytest.fixture(scope="module")
def filmed() -> tuple[MovieRecipe, list[np.ndarray]]:
    recipe = demo_recipe(300, 256)
    return recipe, [render_frame(recipe, number) for number in range(FRAMES)]


def test_the_drift_of_each_new_frame_is_close_to_the_truth(filmed):
    recipe, frames = filmed
    drift = LiveDrift(frames[0])
    found = np.array([np.zeros(2), *(drift.shift(frame)[0] for frame in frames[1:])])
    assert drift_rms(found, np.array(recipe.drift_px)[:FRAMES]) < 0.4


def test_a_frame_without_beam_keeps_the_last_drift(filmed):
    _, frames = filmed
    drift = LiveDrift(frames[0])
    for frame in frames[1:6]:
        before, sure = drift.shift(frame)
    blank, blank_is_sure = drift.shift(np.zeros_like(frames[0]) + 3)
    assert sure
    assert not blank_is_sure
    np.testing.assert_array_equal(blank, before)


def test_hiding_everything_leaves_enough_to_see_the_drift_by(filmed):
    _, frames = filmed
    drift = LiveDrift(frames[0])
    side = frames[0].shape[0]
    drift.hide([np.array([[0, 0], [side, 0], [side, side], [0, side]], float)])
    _, sure = drift.shift(frames[1])
    assert sure


def test_a_swelling_particle_is_followed_while_filming(filmed):
    recipe, frames = filmed
    follower = LiveFollower(truth(recipe, 0)["P1"], np.zeros(2))
    off = []
    for number, frame in enumerate(frames):
        found = follower.take(frame, np.array(recipe.drift_px[number]), FrameLevel.of(frame))
        off.append(found.area_px / area(truth(recipe, number)["P1"]) - 1)
    assert np.sqrt(np.mean(np.square(off))) < 0.05
    assert not follower.is_lost
    assert len(follower._crops.images) <= KEPT  # the memory of a day is that of a minute


def test_what_cannot_be_found_is_given_up(filmed):
    recipe, frames = filmed
    follower = LiveFollower(truth(recipe, 0)["P1"], np.zeros(2))
    follower.take(frames[0], np.zeros(2), FrameLevel.of(frames[0]))
    noise = np.random.default_rng(5).poisson(40, frames[0].shape).astype(np.uint16)
    for _ in range(80):
        found = follower.take(noise, np.zeros(2), FrameLevel.of(noise))
        if follower.is_lost:
            break
    assert follower.is_lost
    assert found.confidence < 0.5


def test_a_particle_that_outgrows_its_crop_gets_a_new_one(filmed):
    """A disc that grows tenfold in area leaves the surroundings that were cut out for it."""
    size = 200
    y, x = np.mgrid[:size, :size]
    rng = np.random.default_rng(2)

    def frame_of(radius: float) -> np.ndarray:
        inside = 1 / (1 + np.exp(np.hypot(x - 100, y - 100) - radius))
        return rng.poisson(400 * (1 - 0.6 * inside)).astype(np.uint16)

    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    follower = LiveFollower(100 + 20 * ring, np.zeros(2))
    for radius in np.arange(20, 64, 0.5):
        image = frame_of(radius)
        found = follower.take(image, np.zeros(2), FrameLevel.of(image))
    assert found.area_px == pytest.approx(np.pi * radius**2, rel=0.05)
    assert replace(found, confidence=1.0).area_low_px < found.area_px


def test_now_and_then_it_looks_back(filmed, monkeypatch):
    recipe, frames = filmed
    improved: list[int] = []
    one = Review._improve_one

    def noted(self, frame_numbers, place, *rest):
        improved.append(frame_numbers[place])
        one(self, frame_numbers, place, *rest)

    monkeypatch.setattr(Review, "_improve_one", noted)
    follower = LiveFollower(truth(recipe, 0)["P1"], np.zeros(2))
    for frame in frames[: FITTED + 1]:
        follower.take(frame, np.zeros(2), FrameLevel.of(frame))
    assert len(improved) >= FITTED
