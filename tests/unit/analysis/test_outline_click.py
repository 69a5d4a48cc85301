"""A click inside a particle proposes its outline, dark or bright, and says so where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.outline_click import propose_outline
from tandem_em.analysis.polygon import centroid, contains, overlap
from tandem_em.notices import UserError
from tandem_em.simulation.movie_levels import level_recipe
from tandem_em.simulation.movie_physics import render_frame, truth


@pytest.mark.parametrize(("level", "least"), [("easy", 0.9), ("medium", 0.85), ("hard", 0.75)])
def test_a_click_anywhere_near_the_middle_finds_the_particle(level: str, least: float) -> None:
    recipe = level_recipe(level, 3, "single", frames=4, size=160)  # type: ignore[arg-type]
    image, true = render_frame(recipe, 0), truth(recipe, 0)["P1"]
    x, y = centroid(true)
    for dx, dy in ((0, 0), (6, -4)):
        proposed = propose_outline(image, x + dx, y + dy)
        assert contains(proposed, x, y)
        assert overlap(proposed, true) > least


def test_a_bright_particle_and_other_kinds_of_pixels() -> None:
    recipe = level_recipe("easy", 3, "single", frames=2, size=160)
    image, true = render_frame(recipe, 0), truth(recipe, 0)["P1"]
    x, y = centroid(true)
    bright = (image.max().astype(float) + 100 - image).astype(np.float32)
    assert overlap(propose_outline(bright, x, y), true) > 0.85
    swapped = image.astype(">u2")
    np.testing.assert_allclose(
        propose_outline(swapped, x, y), propose_outline(image.astype(np.float32), x, y)
    )


def test_where_there_is_nothing_it_says_so() -> None:
    empty = np.zeros((80, 80), np.uint16)
    with pytest.raises(UserError, match="blank"):
        propose_outline(empty, 40, 40)
    with pytest.raises(UserError, match="outside"):
        propose_outline(empty, 90, 40)
