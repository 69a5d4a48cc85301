"""Geometry of outlines: exact for what is known exactly, unmoved by where and how an outline is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.geometry import polygon as p
from tandem_em.core.notices import UserError

SQUARE = np.array([[2.0, 3.0], [12.0, 3.0], [12.0, 13.0], [2.0, 13.0]])


def disc(radius: float = 20.0, x: float = 50.0, y: float = 40.0, count: int = 400) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def test_measures_of_a_square_and_a_disc() -> None:
    assert p.area(SQUARE) == 100
    assert p.perimeter(SQUARE) == 40
    np.testing.assert_allclose(p.centroid(SQUARE), [7, 8])
    assert p.circularity(SQUARE) == pytest.approx(math.pi / 4)
    assert p.circularity(disc()) == pytest.approx(1, abs=1e-3)
    assert p.solidity(SQUARE) == pytest.approx(1)


@settings(deadline=None, max_examples=30)
@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0.3, 9), st.floats(0, 6.2), st.integers(0, 399))
def test_area_is_the_same_wherever_an_outline_starts_and_turns(
    dx: float, dy: float, scale: float, angle: float, first: int
) -> None:
    shape = disc(10, 0, 0) * [1.0, 0.6]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = np.roll(shape @ turn.T * scale + [dx, dy], first, axis=0)
    assert p.area(moved) == pytest.approx(scale**2 * p.area(shape), rel=1e-9)
    assert p.area(moved[::-1]) == pytest.approx(p.area(moved))
    np.testing.assert_allclose(p.centroid(moved), [dx, dy], atol=1e-6 * scale)


def test_normals_point_outwards_whichever_way_it_was_drawn() -> None:
    for shape in (disc(), disc()[::-1]):
        points = p.oriented(shape)
        outward = points - p.centroid(points)
        assert ((p.normals(points) * outward).sum(axis=1) > 0).all()


def test_relaxing_smooths_without_shrinking() -> None:
    rough = disc() + np.random.default_rng(1).normal(0, 0.3, (400, 2))
    smooth = p.relaxed(rough, 3.0)
    assert p.perimeter(smooth) < p.perimeter(rough)
    assert p.area(smooth) == pytest.approx(p.area(rough), rel=2e-3)


def test_overlap_of_shifted_discs() -> None:
    assert p.overlap(disc(), disc()) == 1
    assert p.overlap(disc(), disc(x=200)) == 0
    inner = p.overlap(disc(20), disc(19))
    assert inner == pytest.approx((19 / 20) ** 2, abs=4e-3)


def test_a_loop_is_cut_away_and_a_finger_goes() -> None:
    shape = disc()
    assert not p.crosses_itself(shape)
    crossed = shape.copy()
    crossed[100:104] = crossed[100:104][::-1] + np.array([[0, 6], [3, 8], [-3, 8], [0, 6]])
    assert p.crosses_itself(crossed)
    assert not p.crosses_itself(p.outer_outline(crossed, 300))
    finger = np.vstack([shape[:98], [[49, 59], [49, 75], [51, 75], [51, 59]][::-1], shape[102:]])
    finger = p.resampled(finger, 400)
    assert p.has_fingers(finger, 5.0)
    assert not p.has_fingers(shape, 5.0)
    cut = p.outer_outline(finger, 300, thin=2.5)
    assert cut[:, 1].max() < 64
    assert p.area(cut) == pytest.approx(p.area(shape), rel=0.03)


def test_what_is_no_outline_gets_a_sentence() -> None:
    for bad in ([[1, 2], [3, 4]], "words", [[0, 0], [1, 1], [2, 2]], [[0, 0], [1, float("nan")], [2, 0]]):
        with pytest.raises(UserError):
            p.as_polygon(bad)
    assert len(p.as_polygon([[0, 0], [0, 0], [4, 0], [4, 4]])) == 3


def test_contains_and_mask_agree() -> None:
    shape = disc(8.3, 12.2, 11.7)
    inside = p.mask(shape, (24, 26))
    assert inside.sum() == pytest.approx(p.area(shape), rel=0.03)
    assert p.contains(shape, 12, 11)
    assert not p.contains(shape, 1, 1)
