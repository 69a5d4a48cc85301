"""Polygons under the hand: unions of outlines that overlap, all but touch, or lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.analysis.geometry.polygon import area
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.model.tracks import Polygon


def disc(x: float, y: float, radius: float) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    return np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)])


def test_a_union_has_the_area_of_both_without_what_they_share() -> None:
    joined = particles_shape.union(disc(50, 50, 20), disc(90, 50, 21))
    assert joined is not None
    assert area(joined) == pytest.approx(np.pi * (20**2 + 21**2), rel=0.01)


def test_a_gap_of_a_pixel_or_two_between_hand_drawn_neighbours_is_closed() -> None:
    joined = particles_shape.union(disc(50, 50, 20), disc(92, 50, 20))
    assert joined is not None
    assert area(joined) == pytest.approx(2 * np.pi * 20**2, rel=0.03)


def test_outlines_that_lie_apart_have_no_union() -> None:
    assert particles_shape.union(disc(50, 50, 20), disc(110, 50, 20)) is None
