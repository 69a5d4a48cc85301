"""Proposals from a click on movies of known truth: a particle, then the whole cluster it belongs to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from skimage.draw import polygon2mask

from tandem_em.analysis.outlines.propose import propose_outline
from tandem_em.analysis.outlines.propose_cluster import propose_cluster
from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import following
from tandem_em.model.tracks import Polygon
from tandem_em.simulation import movie_physics
from tandem_em.simulation.movie_levels import Level, Scene, level_recipe

SIZE = 256


def scene(level: Level, seed: int, kind: Scene) -> tuple[Any, Polygon, list[tuple[float, float]]]:
    """The first frame, the true outline, and where its particles lie."""
    recipe = level_recipe(level, seed, kind, frames=2, size=SIZE)
    name, members = recipe.targets[0]
    at_start = recipe.times_s[0]
    places = [p.centre(at_start) for p in recipe.particles if p.name in members]
    return movie_physics.render_frame(recipe, 0), movie_physics.truth(recipe, 0)[name], places


def overlap(one: Polygon, other: Polygon) -> float:
    a, b = (polygon2mask((SIZE, SIZE), each[:, ::-1]) for each in (one, other))
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_a_click_finds_a_particle(level: Level) -> None:
    found = []
    for seed in range(4):
        frame, true, _ = scene(level, seed, "touching")
        found.append(overlap(propose_outline(frame, *true.mean(axis=0)), true))
    assert min(found) > 0.85


@pytest.mark.parametrize(("level", "least"), [("easy", 0.93), ("medium", 0.8)])
def test_from_a_particle_the_whole_cluster_is_found(level: Level, least: float) -> None:
    found = []
    for seed in range(4):
        frame, true, places = scene(level, seed, "cluster")
        for x, y in places[1:3]:
            found.append(overlap(propose_cluster(frame, propose_outline(frame, x, y)), true))
    assert np.median(found) > least


def test_click_by_click_a_cluster_grows_together() -> None:
    frame, true, places = scene("hard", 2, "cluster")
    stack: Any = SimpleNamespace(frame=lambda _index: frame)
    grown = following.propose(stack, 0, *places[0])
    for x, y in places[1:]:
        grown = following.propose_more(stack, 0, grown, x, y)
    assert overlap(grown, true) > 0.8


def test_a_particle_that_stands_alone_has_no_cluster() -> None:
    y, x = np.mgrid[:160, :160]
    soft = 1 / (1 + np.exp((np.hypot(x - 80, y - 80) - 30) / 1.2))
    frame = np.random.default_rng(5).poisson(200 - 90 * soft).astype(np.uint16)
    with pytest.raises(UserError, match="No larger outline"):
        propose_cluster(frame, propose_outline(frame, 84, 78))


def test_a_needle_that_touches_is_no_part_of_the_cluster() -> None:
    y, x = np.mgrid[:256, :256]
    far = np.minimum(np.hypot(x - 110, y - 128) - 30, np.hypot(x - 162, y - 128) - 30)
    needle = np.maximum(np.abs(y - 128) - 12, x - 82)
    dark = 90 / (1 + np.exp(far / 1.2)) + 190 / (1 + np.exp(needle / 1.2))
    frame = np.random.default_rng(5).poisson(np.maximum(200 - dark, 5)).astype(np.uint16)
    cluster = propose_cluster(frame, propose_outline(frame, 162, 128))
    assert cluster[:, 0].min() > 70
    assert following.polygon_area(cluster) == pytest.approx(2 * np.pi * 30**2, rel=0.1)
