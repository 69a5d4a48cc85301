"""A click inside a particle gives an outline close to it; beside everything, a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.outlines.propose import propose_outline
from tandem_em.core.notices import UserError
from tandem_em.desk.outlines.following import polygon_area


def disc(radius: float, inside: float, outside: float, noise: float) -> np.ndarray:
    y, x = np.mgrid[0:200, 0:220].astype(float)
    image = np.where(np.hypot(x - 100, y - 90) < radius, inside, outside)
    return image + np.random.default_rng(1).normal(0, noise, image.shape)


@pytest.mark.parametrize(("inside", "outside"), [(60, 100), (100, 60)])
@pytest.mark.parametrize("offset", [(0, 0), (12, -9)])
def test_dark_and_bright_discs(inside: float, outside: float, offset: tuple[int, int]) -> None:
    polygon = propose_outline(disc(35, inside, outside, 15), 100 + offset[0], 90 + offset[1])
    assert polygon_area(polygon) == pytest.approx(np.pi * 35**2, rel=0.06)
    assert np.abs(polygon.mean(axis=0) - (100, 90)).max() < 2


def test_nothing_there_is_a_sentence() -> None:
    with pytest.raises(UserError, match="No closed edge"):
        propose_outline(np.full((100, 100), 5.0), 50, 50)
    with pytest.raises(UserError, match="outside"):
        propose_outline(np.zeros((50, 50)), 70, 10)
