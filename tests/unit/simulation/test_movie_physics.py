"""Generated movies: deterministic, counted like electrons, and true to the outlines they give."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tandem_em.simulation.movie_levels import LEVELS, SCENES, level_recipe
from tandem_em.simulation.movie_physics import expected_electrons, render_frame, truth
from tandem_em.simulation.movie_recipe import Camera, MovieRecipe, Optics, Particle, Swelling


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def plain(**changes: object) -> MovieRecipe:
    grow = Swelling(onset_s=2, fast_gain=0.5, fast_tau_s=5)
    disc = Particle("P1", 40, 42, 15, harmonics=((2, 0.1, 0.3), (3, 0.05, 1.0)), swelling=grow)
    recipe = MovieRecipe((20, 80, 80), 0.5, tuple(float(t) for t in range(20)), (disc,), seed=3)
    return replace(recipe, **changes)  # type: ignore[arg-type]


def test_frames_are_independent_of_order_and_repeatable() -> None:
    recipe = level_recipe("hard", 4, "cluster", frames=8, size=96)
    forward = [render_frame(recipe, k) for k in range(8)]
    again = [render_frame(recipe, k) for k in reversed(range(8))][::-1]
    np.testing.assert_array_equal(forward, again)
    assert forward[0].dtype == np.uint16
    assert not np.array_equal(forward[1], render_frame(replace(recipe, seed=recipe.seed + 1), 1))


def test_true_area_follows_the_swelling_law() -> None:
    recipe = plain()
    for frame in (0, 5, 19):
        ratio = recipe.particles[0].area_ratio(recipe.times_s[frame])
        assert area(truth(recipe, frame)["P1"]) == pytest.approx(math.pi * 15**2 * ratio, rel=1e-3)


def test_outline_lies_where_the_thickness_ends() -> None:
    recipe = plain(optics=Optics(blur_px=0.3, fringe=0.0))
    image = expected_electrons(recipe, 10)
    middle = truth(recipe, 10)["P1"].mean(axis=0)
    for scale, bright in ((1.06, True), (0.94, False)):
        x, y = np.round(middle + (truth(recipe, 10)["P1"] - middle) * scale).astype(int).T
        light = image[y, x] / recipe.camera.electrons
        assert (light > 0.995).all() if bright else (light < 0.97).all()


def test_cluster_truth_is_the_union() -> None:
    left, right = Particle("A", 30, 40, 12), Particle("B", 48, 40, 12)
    recipe = plain(particles=(left, right), targets=(("C", ("A", "B")),))
    lens = 2 * 144 * math.acos(18 / 24) - 9 * math.sqrt(4 * 144 - 18**2)
    assert area(truth(recipe, 0)["C"]) == pytest.approx(2 * math.pi * 144 - lens, rel=2e-3)


@pytest.mark.parametrize("electrons", [3.0, 40.0])
def test_camera_counts_like_poisson(electrons: float) -> None:
    recipe = plain(particles=(), camera=Camera(electrons, gain=1.0, offset=200.0, read_noise=0.0))
    counts = np.concatenate([render_frame(recipe, k).ravel() for k in range(10)]) - 200.0
    assert counts.mean() == pytest.approx(electrons, rel=0.01)
    assert counts.var() == pytest.approx(electrons, rel=0.03)


def test_blanked_frame_holds_only_the_camera_offset() -> None:
    recipe = plain(blanked=frozenset({3}), camera=Camera(hot_pixels=0))
    assert abs(render_frame(recipe, 3).mean() - recipe.camera.offset) < 1
    assert render_frame(recipe, 4).mean() > 5 * recipe.camera.offset


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("scene", SCENES)
def test_every_level_and_scene_renders_with_targets_inside(level: str, scene: str) -> None:
    recipe = level_recipe(level, 1, scene, frames=6, size=128)  # type: ignore[arg-type]
    assert render_frame(recipe, 5).shape == (128, 128)
    assert np.all(np.diff(recipe.times_s) >= 0)
    for polygon in truth(recipe, 0).values():
        assert polygon.min() > 0
        assert polygon.max() < 127
