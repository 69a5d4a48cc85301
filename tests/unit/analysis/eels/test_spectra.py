"""Spectra of places and lines, the curves drawn over them, and pictures made of maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.eels.colour import (
    channel_limits,
    common_limits,
    compose_rgb,
    limits,
    ratio,
    scaled,
)
from tandem_em.analysis.eels.maps import map_edge
from tandem_em.analysis.eels.spectra import (
    disc_mask,
    find_interface,
    line_profiles,
    line_spectra,
    model_curve,
    normalised,
    polygon_mask,
    region_spectrum,
)
from tandem_em.analysis.eels.windows import EdgeWindows
from tandem_em.core.notices import UserError

ENERGY = 20.0 + 0.2 * np.arange(300)
LITHIUM = EdgeWindows("Li K", "power law", 2, (41.0, 51.0), (52.5, 57.5))


def stack(height: int = 30, width: int = 40) -> np.ndarray:
    """Lithium right of x = 19.5."""
    mean = (
        3000.0 * (ENERGY / 40.0) ** -3.0 + 200.0 * (ENERGY > 54.7) * (np.arange(width) > 19.5)[None, :, None]
    )
    return np.random.default_rng(2).poisson(np.broadcast_to(mean, (height, width, 300))).astype(np.float32)


def test_region_spectra_are_sums_of_their_pixels() -> None:
    data = stack()
    mask = disc_mask((30, 40), (12.0, 7.0), 2.0)
    assert mask.sum() == 13
    np.testing.assert_allclose(region_spectrum(data, mask), data[mask].sum(axis=0, dtype=float))
    np.testing.assert_allclose(region_spectrum(data), data.sum(axis=(0, 1), dtype=float))
    np.testing.assert_allclose(
        region_spectrum(data, mask, mean=True), data[mask].mean(axis=0, dtype=float), rtol=1e-6
    )
    assert np.isnan(region_spectrum(data, np.zeros((30, 40), bool))).all()


@settings(deadline=None, max_examples=30)
@given(st.floats(-50, 90), st.floats(-50, 90), st.floats(0, 30))
def test_a_place_always_has_a_pixel_of_the_map(x: float, y: float, radius: float) -> None:
    assert disc_mask((30, 40), (x, y), radius).any()
    assert polygon_mask((30, 40), [(x, y), (x + radius, y), (x, y + radius)]).any()


def test_a_rectangle_as_a_polygon_has_the_pixels_whose_centres_are_inside() -> None:
    inside = np.zeros((30, 40), bool)
    inside[4:10, 3:12] = True
    corners = [(2.5, 3.5), (11.5, 3.5), (11.5, 9.5), (2.5, 9.5)]
    np.testing.assert_array_equal(polygon_mask((30, 40), corners), inside)


def test_each_pixel_counts_once_in_a_profile() -> None:
    data = stack()
    for start, end, width in (((0, 15), (39, 15), 30.0), ((5, 3), (33, 27), 7.0), ((39, 0), (0, 29), 1.0)):
        distance, sums, count = line_spectra(data, start, end, width)
        assert distance[-1] == pytest.approx(np.hypot(end[0] - start[0], end[1] - start[1]))
        assert count.max() <= 2.5 * width + 2
        assert sums.sum() == pytest.approx((sums.sum(axis=1)).sum())
    distance, sums, count = line_spectra(data, (0, 14.5), (39, 14.5), 30)
    np.testing.assert_allclose(sums, data.sum(axis=0, dtype=float))
    assert (count == 30).all()


def test_profiles_show_the_interface_within_their_error() -> None:
    fitted = EdgeWindows("Li K", "power law lsq", 2, LITHIUM.fit, LITHIUM.signal)
    (profile,) = line_profiles(stack(), ENERGY, [fitted], (0, 15), (39, 15), 21, anchor_px=19.5)
    assert find_interface(profile.counts, profile.distance_px) == pytest.approx(0.0, abs=0.5)
    signal = 200.0 * (ENERGY[162:187] > 54.7).sum()
    pull = (profile.counts - np.where(profile.distance_px > 0, signal, 0.0)) / profile.error
    assert np.abs(pull).mean() < 1.3
    assert pull.std() < 1.5


def test_profiles_that_cannot_be_are_sentences() -> None:
    with pytest.raises(UserError, match="no length"):
        line_profiles(stack(), ENERGY, [LITHIUM], (3, 3), (3, 3))
    with pytest.raises(UserError, match="misses the map"):
        line_profiles(stack(), ENERGY, [LITHIUM], (300, 3), (320, 3))
    with pytest.raises(UserError, match="needs a map"):
        line_profiles(stack()[0, 0], ENERGY, [LITHIUM], (0, 3), (20, 3))
    (profile,) = line_profiles(stack()[0], ENERGY, [LITHIUM], (0, 0), (39, 0))
    assert profile.counts.shape == (40,)


@pytest.mark.parametrize(
    "background", ["power law", "power law lsq", "polynomial", "exponential", "log polynomial", "none"]
)
def test_the_curve_drawn_sums_to_the_background_mapped(background: str) -> None:
    spectrum = stack()[:, 25:].sum(axis=(0, 1))
    edge = EdgeWindows("Li K", background, 2, (41.0, 51.0), (52.5, 57.5))  # type: ignore[arg-type]
    curve = model_curve(edge, spectrum, ENERGY)
    inside = (curve.energy_eV > 52.3) & (curve.energy_eV < 57.3)
    assert curve.background[inside].sum() == pytest.approx(
        float(map_edge(spectrum, ENERGY, edge).background), rel=1e-6
    )
    assert curve.residual[inside].sum() == pytest.approx(
        float(map_edge(spectrum, ENERGY, edge).counts), rel=1e-6
    )
    if background in (
        "power law lsq",
        "log polynomial",
    ):  # the others cannot follow a power law of a million counts
        assert abs(curve.misfit) < 3.5


def test_a_curve_that_does_not_follow_the_data_says_so() -> None:
    spectrum = 3e6 * (ENERGY / 40.0) ** -3.0 + 4e4 * np.exp(-0.5 * ((ENERGY - 46) / 2) ** 2)
    assert model_curve(LITHIUM, spectrum, ENERGY).misfit > 5


def test_normalising_for_stacks() -> None:
    values = np.array([1.0, 4.0, 3.0])
    assert normalised(values, "maximum").max() == 1
    assert normalised(values, "sum").sum() == pytest.approx(1)
    assert normalised(values, "sum", (0, 2)).tolist() == [0.2, 0.8, 0.6]
    assert normalised(values, "zero loss", zero_loss_counts=2.0).tolist() == [0.5, 2.0, 1.5]
    assert normalised(np.zeros(3), "maximum").tolist() == [0, 0, 0]


def test_rgb_keeps_channels_apart_and_marks_blank_pixels() -> None:
    ramp = np.linspace(0, 10, 11).reshape(1, -1)
    picture = compose_rgb(ramp, None, ramp[:, ::-1], levels=[(0, 10), None, (0, 5)])
    assert picture[0, :, 0].tolist() == [0, 26, 51, 77, 102, 128, 153, 179, 204, 230, 255]
    assert (picture[0, :, 1] == 0).all()
    assert (picture[0, :6, 2] == 255).all()
    hollow = ramp.copy()
    hollow[0, 3] = np.nan
    assert compose_rgb(hollow, None, None, blank=(9, 8, 7))[0, 3].tolist() == [9, 8, 7]
    with pytest.raises(ValueError, match="one shape"):
        compose_rgb(ramp, ramp.T, None)


def test_limits_ignore_blanks_and_outliers() -> None:
    image = np.concatenate([np.full(5, np.nan), np.linspace(0, 1, 1000), [1e9]])
    low, high = limits(image)
    assert 0 <= low < 0.02
    assert 0.97 < high < 1.01
    assert limits(np.full(4, np.nan)) == (0.0, 1.0)
    assert limits(np.full(4, 3.0))[0] == 3.0
    assert common_limits([image, image * 5])[1] > 4.5
    assert scaled(image, (0, 1))[-1] == 1.0


def test_ratios_carry_their_error_and_leave_weak_places_blank() -> None:
    rng = np.random.default_rng(0)
    top, bottom = 100 + 5 * rng.standard_normal(20000), 50 + 2 * rng.standard_normal(20000)
    value, error = ratio(top, bottom, np.full(20000, 5.0), np.full(20000, 2.0))
    assert error.mean() == pytest.approx(value.std(), rel=0.03)
    assert np.isnan(ratio([1.0, 1.0], [0.0, 0.5], [1.0, 1.0], [1.0, 1.0])[0]).all()


def test_a_colour_channel_leaves_noise_dark() -> None:
    rng = np.random.default_rng(2)
    image = rng.normal(0.0, 10.0, (60, 90))
    image[:, 60:] += 100.0
    low, high = channel_limits(image)
    assert 7.0 < low < 13.0
    assert 100.0 < high < 130.0
    low, high = channel_limits(rng.normal(0.0, 10.0, (60, 90)))
    assert high > 3 * low > 20.0  # nothing but noise stays dark
    assert channel_limits(np.full((3, 3), np.nan)) == (0.0, 1.0)
