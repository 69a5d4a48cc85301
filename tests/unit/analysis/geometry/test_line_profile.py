"""A profile of a plane is a line, wherever it is drawn and however wide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tandem_em.analysis.geometry.line_profile import bilinear, profile, sample_points

inside = st.tuples(st.floats(8, 30), st.floats(8, 30))


@given(start=inside, end=inside, width=st.integers(1, 9), a=st.floats(-3, 3), b=st.floats(-3, 3))
@settings(deadline=None, max_examples=40)
def test_profile_of_a_plane(
    start: tuple[float, float], end: tuple[float, float], width: int, a: float, b: float
) -> None:
    y, x = np.mgrid[0:40, 0:40].astype(float)
    _, mean, _ = profile(a * x + b * y, start, end, width)
    expected = np.linspace(a * start[0] + b * start[1], a * end[0] + b * end[1], len(mean))
    np.testing.assert_allclose(mean, expected, atol=1e-9)


def test_outside_is_not_a_number_and_blank_pixels_are_left_out() -> None:
    image = np.ones((10, 10))
    image[5, 4] = np.nan
    distance, mean, _ = profile(image, (-4.0, 5.0), (9.0, 5.0), 3)
    assert np.isnan(mean[distance < 3]).all()
    assert mean[distance > 6][0] == 1.0


def test_error_of_the_mean_falls_with_the_width() -> None:
    _, _, error = profile(np.ones((40, 40)), (2.0, 20.0), (37.0, 20.0), 16, error=np.full((40, 40), 4.0))
    np.testing.assert_allclose(error, 1.0)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_a_line_of_no_length_is_one_place(width: int) -> None:
    distance, x, y = sample_points((5.0, 6.0), (5.0, 6.0), width)
    assert distance.tolist() == [0.0, 0.0]
    assert x.shape == y.shape == (2, width)
    assert (x.mean(), y.mean()) == (5.0, 6.0)


@given(
    st.tuples(st.floats(0, 30), st.floats(0, 30)),
    st.tuples(st.floats(0, 30), st.floats(0, 30)),
    st.integers(1, 7),
)
def test_samples_lie_a_pixel_apart_around_the_line(
    start: tuple[float, float], end: tuple[float, float], width: int
) -> None:
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    assume(length > 2)
    distance, x, y = sample_points(start, end, width)
    assert distance[-1] == pytest.approx(length)
    assert np.diff(distance) == pytest.approx(1.0, rel=0.25)
    middle = np.column_stack([x.mean(axis=1), y.mean(axis=1)])
    assert middle[0] == pytest.approx(start, abs=1e-6)
    assert middle[-1] == pytest.approx(end, abs=1e-6)
    if width > 1:
        assert np.hypot(np.diff(x, axis=1), np.diff(y, axis=1)) == pytest.approx(1.0)


@given(st.floats(-3, 12), st.floats(-3, 9))
def test_between_pixels_a_plane_is_exact_and_outside_nothing_is_known(x: float, y: float) -> None:
    rows, columns = np.mgrid[:7, :10]
    image = 2.0 * columns - 3.0 * rows + 1.0
    found = float(bilinear(image, np.array([x]), np.array([y]))[0])
    if 0 <= x <= 9 and 0 <= y <= 6:
        assert found == pytest.approx(2 * x - 3 * y + 1)
    elif not (-0.5 <= x <= 9.5 and -0.5 <= y <= 6.5):
        assert np.isnan(found)


def test_a_blank_pixel_gives_neither_value_nor_error() -> None:
    image, error = np.full((9, 20), 5.0), np.full((9, 20), 0.6)
    image[3, :] = np.nan
    _, mean, off = profile(image, (2, 4), (15, 4), 3, error)
    assert mean == pytest.approx(5.0)
    assert off == pytest.approx(0.6 * np.sqrt(2) / 2)


def test_where_nothing_is_known_the_error_is_unknown_too() -> None:
    image, error = np.full((9, 20), 5.0), np.full((9, 20), 0.6)
    image[:, 10] = np.nan
    for given_error in (error, None):
        _, mean, off = profile(image, (2, 4), (15, 4), 3, given_error)
        assert np.array_equal(np.isnan(mean), np.isnan(off))
