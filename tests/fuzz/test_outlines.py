"""Outlines of any shape: areas, masks and crossings hold together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tandem_em.analysis.geometry import polygon as geometry
from tandem_em.core.notices import UserError

PLACES = st.floats(-30, 30).map(lambda value: round(value, 6))
CORNERS = st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=40)


@settings(max_examples=1000)
@given(CORNERS)
def test_what_is_taken_as_an_outline_has_every_measure(corners: list[tuple[float, float]]) -> None:
    try:
        outline = geometry.as_polygon(corners)
    except UserError:
        return
    assert geometry.area(outline) > 0
    assert np.isfinite(geometry.centroid(outline)).all()
    assert 0 < geometry.circularity(outline) <= 1 + 1e-9
    for made in (geometry.resampled(outline, 60), geometry.relaxed(outline, 1.0), geometry.oriented(outline)):
        assert np.isfinite(made).all()
    assert np.isfinite(geometry.normals(geometry.oriented(outline))).all()


@settings(max_examples=500)
@given(CORNERS)
def test_a_mask_is_where_the_outline_contains(corners: list[tuple[float, float]]) -> None:
    outline = np.array(corners)
    inside = geometry.mask(outline, (61, 61), (-30.0, -30.0))
    for row, column in np.random.default_rng(len(corners)).integers(0, 61, (40, 2)):
        x, y = column - 30.0, row - 30.0
        assume(np.abs(outline[:, 1] - y).min() > 1e-9)
        if bool(inside[row, column]) != geometry.contains(outline, x, y):
            a, b = outline, np.roll(outline, -1, axis=0)
            with np.errstate(all="ignore"):
                crossing = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
            assert np.abs(crossing - x).min() < 1e-6, "it may differ on the line alone"


@settings(max_examples=200)
@given(CORNERS)
def test_the_outer_line_of_anything_does_not_cross_itself(corners: list[tuple[float, float]]) -> None:
    try:
        outline = geometry.as_polygon(corners)
    except UserError:
        return
    assume(geometry.mask(outline, (67, 67), (-33.0, -33.0), fine=4).sum() > 30)
    found = geometry.outer_outline(outline, 80)
    assert found.shape == (80, 2)
    assert geometry.area(found) == pytest.approx(geometry.area(found[::-1]))
    assert geometry.signed_area(found) >= 0
