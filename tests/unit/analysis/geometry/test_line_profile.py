"""A profile of a plane is a line, wherever it is drawn and however wide."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.geometry.line_profile import profile

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
