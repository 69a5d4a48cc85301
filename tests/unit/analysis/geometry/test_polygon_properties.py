"""What holds for every outline: measures move, turn and scale as they must, and two ways of one answer agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tandem_em.analysis.geometry import polygon as geometry

NUMBERS = st.floats(-50, 50, allow_subnormal=False)


@st.composite
def stars(draw: st.DrawFn) -> np.ndarray:
    """An outline without crossings around a point: one radius for each of several directions."""
    radii = np.array(draw(st.lists(st.floats(2.0, 20.0), min_size=8, max_size=40)))
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    centre = np.array(draw(st.tuples(NUMBERS, NUMBERS)))
    return centre + np.column_stack([radii * np.cos(angle), radii * np.sin(angle)])


def turned(points: np.ndarray, angle: float, scale: float = 1.0) -> np.ndarray:
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return points @ np.array([[c, s], [-s, c]])


@given(stars(), st.floats(0, 6.3), st.floats(0.1, 10), NUMBERS, NUMBERS)
def test_measures_follow_a_turn_a_scale_and_a_shift(
    outline: np.ndarray, angle: float, scale: float, dx: float, dy: float
) -> None:
    moved = turned(outline, angle, scale) + np.array([dx, dy])
    assert geometry.area(moved) == pytest.approx(geometry.area(outline) * scale**2, rel=1e-6)
    assert geometry.perimeter(moved) == pytest.approx(geometry.perimeter(outline) * scale, rel=1e-6)
    assert geometry.circularity(moved) == pytest.approx(geometry.circularity(outline), rel=1e-6)
    centre = turned(geometry.centroid(outline)[None], angle, scale)[0] + np.array([dx, dy])
    assert geometry.centroid(moved) == pytest.approx(centre, abs=1e-4 * (1 + scale))


@given(stars())
def test_measures_have_their_bounds(outline: np.ndarray) -> None:
    assert 0 < geometry.circularity(outline) <= 1
    assert 0 < geometry.solidity(outline) <= 1 + 1e-9
    low, high = outline.min(axis=0), outline.max(axis=0)
    assert ((geometry.centroid(outline) >= low) & (geometry.centroid(outline) <= high)).all()
    assert 0 < geometry.bulge_radius(outline) <= math.sqrt(geometry.area(outline) / math.pi) + 1e-9


@given(stars())
def test_the_way_it_was_drawn_turns_the_sign_only(outline: np.ndarray) -> None:
    assert geometry.signed_area(outline[::-1]) == pytest.approx(-geometry.signed_area(outline))
    assert geometry.signed_area(geometry.oriented(outline[::-1])) > 0
    assert geometry.centroid(outline[::-1]) == pytest.approx(geometry.centroid(outline), abs=1e-6)


@given(stars(), st.integers(200, 400))
def test_resampled_lies_on_the_outline_at_equal_steps(outline: np.ndarray, count: int) -> None:
    found = geometry.resampled(outline, count)
    assert len(found) == count
    assert found[0] == pytest.approx(outline[0])
    step = geometry.perimeter(outline) / count
    chords = np.hypot(*(np.roll(found, -1, axis=0) - found).T)
    assert (chords <= step * (1 + 1e-6)).all()
    assert geometry.area(found) == pytest.approx(geometry.area(outline), rel=0.15)


@given(stars(), st.floats(0, 8))
def test_smoothing_keeps_the_mean_of_the_vertices(outline: np.ndarray, sigma: float) -> None:
    found = geometry.smoothed(outline, sigma)
    assert found.shape == outline.shape
    assert found.mean(axis=0) == pytest.approx(outline.mean(axis=0), abs=1e-6)
    assert np.ptp(found, axis=0) == pytest.approx(np.minimum(np.ptp(found, axis=0), np.ptp(outline, axis=0)))


@given(stars(), st.floats(-80, 80), st.floats(-80, 80))
def test_inside_is_where_the_outline_winds_around(outline: np.ndarray, x: float, y: float) -> None:
    away = outline - [x, y]
    assume(np.hypot(*away.T).min() > 1e-3)
    angle = np.arctan2(away[:, 1], away[:, 0])
    turns = np.diff(angle, append=angle[:1])
    turns = (turns + np.pi) % (2 * np.pi) - np.pi
    assume(np.abs(np.abs(turns) - np.pi).min() > 1e-6)  # on an edge
    assert geometry.contains(outline, x, y) == (abs(turns.sum()) > np.pi)


@given(stars())
def test_a_mask_has_the_area_and_the_pixels_of_its_outline(outline: np.ndarray) -> None:
    low = np.floor(outline.min(axis=0)) - 1
    columns, rows = (np.ceil(outline.max(axis=0)) + 2 - low).astype(int)
    found = geometry.mask(outline, (rows, columns), tuple(low), fine=8)
    assert found.sum() == pytest.approx(geometry.area(outline), abs=0.06 * geometry.perimeter(outline))
    coarse = geometry.mask(outline, (rows, columns), tuple(low))
    for row, column in ((0, 0), (rows // 2, columns // 2), (rows // 3, columns // 2)):
        assert bool(coarse[row, column]) == geometry.contains(outline, low[0] + column, low[1] + row)


@given(stars(), stars())
def test_overlap_is_a_share_of_both(one: np.ndarray, other: np.ndarray) -> None:
    share = geometry.overlap(one, other)
    assert 0 <= share <= 1
    assert share == pytest.approx(geometry.overlap(other, one))
    assert geometry.overlap(one, one) == 1.0
    assert (
        share
        <= min(geometry.area(one), geometry.area(other)) / max(geometry.area(one), geometry.area(other)) + 0.1
    )


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=4, max_size=12, unique=True))
def test_crossings_are_those_of_any_two_edges(corners: list[tuple[int, int]]) -> None:
    points = np.array(corners, float)
    points += np.random.default_rng(len(corners)).uniform(-0.01, 0.01, points.shape)  # no three on a line

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    count, crossed = len(points), False
    for i in range(count):
        for j in range(i + 1, count):
            if j - i in (1, count - 1):
                continue
            a, b, c, d = points[i], points[(i + 1) % count], points[j], points[(j + 1) % count]
            crossed |= side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
    assert geometry.crosses_itself(points) == crossed


@given(stars())
def test_a_star_does_not_cross_itself_and_a_swap_makes_it(outline: np.ndarray) -> None:
    assert not geometry.crosses_itself(outline)
    crossed = outline.copy()
    quarter = len(outline) // 4
    crossed[[0, 2 * quarter]] = crossed[[2 * quarter, 0]]
    assert geometry.crosses_itself(crossed)
