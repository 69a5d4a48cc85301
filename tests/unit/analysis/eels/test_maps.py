"""Element maps: what they count, how far off they may be, and what broken spectra do to them."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tandem_em.analysis.eels.data import find_dead_channels
from tandem_em.analysis.eels.maps import map_edge, map_edge_in_blocks
from tandem_em.analysis.eels.windows import BACKGROUNDS, EdgeWindows, EnergyAxis, find_channels
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError

ENERGY = 20.0 + 0.2 * np.arange(400)
FIT, SIGNAL = (41.0, 51.0), (52.5, 57.5)
FITTED = [name for name in BACKGROUNDS if name != "none"]


def edge(background: str = "power law", order: int = 2) -> EdgeWindows:
    return EdgeWindows("Li K", background, order, FIT, SIGNAL)  # type: ignore[arg-type]


def spectra(
    pixels: int, level: float = 2000.0, r: float = 3.0, signal: float = 0.0, seed: int = 0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mean = level * (ENERGY / 40.0) ** -r + signal * (ENERGY >= 54.7)
    return rng.poisson(np.broadcast_to(mean, (pixels, ENERGY.size))).astype(np.float32)


def true_signal(signal: float) -> float:
    window = find_channels(edge(), EnergyAxis.from_values(ENERGY))
    return float(signal * (ENERGY[window.signal_start : window.signal_stop] >= 54.7).sum())


@pytest.mark.parametrize("background", ["power law", "power law lsq", "log polynomial"])
def test_a_noiseless_power_law_leaves_exactly_the_edge(background: str) -> None:
    data = 3e4 * (ENERGY / 40.0) ** -3.3 + 50.0 * (ENERGY >= 54.7)
    found = map_edge(data, ENERGY, edge(background, 1))
    total = 3e4 * ((ENERGY / 40.0) ** -3.3)[162:187].sum()
    # HyperSpy's two-area estimator, copied as it is, puts its area bounds half a channel off: half a per cent here
    assert found.counts == pytest.approx(
        true_signal(50.0), abs=(6e-3 if background == "power law" else 1e-5) * total
    )


def test_noiseless_exponential_and_polynomial_are_followed_exactly() -> None:
    decay = 5e4 * np.exp(-ENERGY / 17.0)
    assert map_edge(decay, ENERGY, edge("exponential")).counts == pytest.approx(0.0, abs=1e-7 * decay.sum())
    parabola = 900.0 - 3.0 * ENERGY + 0.02 * ENERGY**2
    assert map_edge(parabola, ENERGY, edge("polynomial", 2)).counts == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("background", FITTED)
def test_the_error_shown_is_the_scatter_of_the_counts(background: str) -> None:
    order = 1 if background in ("polynomial", "log polynomial") else 2
    data = spectra(4000, level=3000.0, r=0.8, signal=60.0)
    found = map_edge(data, ENERGY, edge(background, order))
    assert found.error is not None
    scatter = found.counts.std()
    assert found.error.mean() == pytest.approx(scatter, rel=0.06)
    assert found.reduced_chi2 is not None
    assert found.reduced_chi2.mean() == pytest.approx(1.0, abs=0.03)


def test_a_power_law_background_is_unbiased_within_its_error() -> None:
    for background in ("power law", "power law lsq"):
        found = map_edge(spectra(4000, signal=80.0), ENERGY, edge(background))
        assert found.error is not None
        standard_error = found.counts.std() / np.sqrt(found.counts.size)
        # a ratio of few counts is biased by a small part of one pixel's error
        assert abs(found.counts.mean() - true_signal(80.0)) < 3 * standard_error + 0.3 * found.error.mean()


def test_gain_scales_the_error_and_leaves_the_counts() -> None:
    data = spectra(50)
    one, ten = (map_edge(data, ENERGY, edge(), counts_per_electron=gain) for gain in (1.0, 10.0))
    np.testing.assert_array_equal(one.counts, ten.counts)
    assert one.error is not None
    assert ten.error is not None
    np.testing.assert_allclose(ten.error, one.error * np.sqrt(10))


def test_exponent_and_amplitude_are_those_of_the_curve() -> None:
    data = 3e4 * (ENERGY / 40.0) ** -3.3
    for background in ("power law", "power law lsq"):
        found = map_edge(data, ENERGY, edge(background))
        assert found.exponent is not None
        assert found.amplitude is not None
        assert found.exponent == pytest.approx(3.3, rel=5e-3 if background == "power law" else 1e-6)
        assert found.amplitude * 50.0**-found.exponent * 0.2 == pytest.approx(
            3e4 * (50 / 40.0) ** -3.3, rel=1e-2 if background == "power law" else 1e-6
        )


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (1, 1)])
def test_every_shape_keeps_its_shape(background: str, shape: tuple[int, ...]) -> None:
    data = spectra(int(np.prod(shape)) if shape else 1).reshape(*shape, -1)
    found = map_edge(data, ENERGY, edge(background))
    assert found.counts.shape == shape
    assert found.error is not None
    assert found.error.shape == shape
    assert np.isfinite(found.counts).all()


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "u4", "f2", "f4", "f8", ">f4", ">i2", "?"])
def test_every_number_type_gives_the_same_map(kind: str) -> None:
    data = np.minimum(spectra(30, level=80.0), 1 if kind == "?" else 120).reshape(5, 6, -1)
    expected = map_edge(data.astype(np.float64), ENERGY, edge("polynomial", 1)).counts
    np.testing.assert_allclose(
        map_edge(data.astype(kind), ENERGY, edge("polynomial", 1)).counts, expected, rtol=1e-5, atol=1e-9
    )


def test_views_that_are_not_contiguous_are_read_right() -> None:
    data = spectra(24).reshape(4, 6, -1)
    turned = np.ascontiguousarray(data.transpose(2, 0, 1)).transpose(1, 2, 0)
    for background in BACKGROUNDS:
        np.testing.assert_allclose(
            map_edge(turned, ENERGY, edge(background)).counts,
            map_edge(data, ENERGY, edge(background)).counts,
            rtol=1e-6,
        )


@pytest.mark.parametrize("background", FITTED)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_channel_in_a_window_blanks_its_pixel_alone(background: str, broken: float) -> None:
    data = spectra(9)
    clean = map_edge(data, ENERGY, edge(background)).counts
    data[3, 120] = broken  # 44 eV, in the fit window
    data[5, 170] = broken  # 54 eV, in the signal window
    data[7, 10] = broken  # 22 eV, in neither
    found = map_edge(data, ENERGY, edge(background))
    assert np.flatnonzero(~np.isfinite(found.counts)).tolist() == [3, 5]
    assert found.error is not None
    assert np.flatnonzero(~np.isfinite(found.error)).tolist() == [3, 5]
    keep = [0, 1, 2, 4, 6, 7, 8]
    np.testing.assert_allclose(found.counts[keep], clean[keep], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("background", FITTED)
def test_pixels_without_a_fit_are_blank_not_zero(background: str) -> None:
    data = spectra(4)
    data[1] = 0.0
    found = map_edge(data, ENERGY, edge(background))
    assert np.flatnonzero(np.isnan(found.counts)).tolist() == [1]
    if background != "polynomial":
        data[2] = -5.0
        assert np.isnan(map_edge(data, ENERGY, edge(background)).counts[2])


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(BACKGROUNDS), st.integers(0, 4), st.floats(21, 90), st.floats(0.5, 20), st.floats(0.1, 30),
    st.sampled_from([0.0, 1.0, 5.0, 1e6]),
)  # fmt: skip
@example("log polynomial", 3, 21.0, 1.0, 3.0, 5.0)
@example("log polynomial", 4, 21.0, 1.0, 30.0, 1.0)
@example("power law", 2, 60.0, 0.5, 30.0, 5.0)
@example("exponential", 2, 60.0, 0.5, 30.0, 5.0)
@example("power law lsq", 2, 60.0, 0.5, 30.0, 5.0)
@example("polynomial", 4, 21.0, 1.0, 30.0, 5.0)
def test_any_window_on_any_counts_answers_or_says_why(
    background: str, order: int, start: float, width: float, signal: float, level: float
) -> None:
    data = np.random.default_rng(1).poisson(level, (6, ENERGY.size)).astype(np.float32) - 1.0
    with suppress(UserError):  # a sentence is an answer; anything else is not caught here
        fit, counted = (start, start + width), (start + width, start + width + signal)
        asked = EdgeWindows("x", background, order, fit, counted)  # type: ignore[arg-type]
        quick = map_edge(data, ENERGY, asked, detail="counts")
        for detail in ("error", "full"):
            found = map_edge(data, ENERGY, asked, detail=detail)  # type: ignore[arg-type]
            assert found.error is not None
            assert (np.isfinite(found.counts) == np.isfinite(found.error)).all()
            np.testing.assert_array_equal(found.counts, quick.counts)
        shown = found.counts[np.isfinite(found.counts)]
        assert (np.abs(shown) < np.finfo(np.float32).max).all()  # what maps are kept in


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("level", [4.0, 40.0])
def test_two_errors_hold_for_a_log_polynomial_from_few_counts(order: int, level: float) -> None:
    """Taken as straight, the error of the logarithm left out up to 26 of 100 pixels."""
    found = map_edge(
        spectra(2000, level, signal=level / 4), ENERGY, edge("log polynomial", order), detail="error"
    )
    assert found.error is not None
    inside = np.abs(found.counts - true_signal(level / 4)) <= 2 * found.error
    assert inside.mean() > 0.9


def test_a_curve_that_runs_away_is_blank_and_the_map_says_why() -> None:
    """Four coefficients from five channels of five counts: beyond them they reach 1e160, which no float's square holds."""
    data = np.random.default_rng(1).poisson(5.0, (6, ENERGY.size)).astype(np.float32) - 1.0
    asked = EdgeWindows("x", "log polynomial", 3, (21.0, 22.0), (22.0, 25.0))
    for detail in ("counts", "error", "full"):
        found = map_edge(data, ENERGY, asked, detail=detail)  # type: ignore[arg-type]
        assert np.flatnonzero(np.isnan(found.counts)).tolist() == [1, 2, 3]
        assert found.notes == [
            "3 of 6 pixels are blank: their log polynomial background diverges between the fit window and the "
            "signal window. Widen the fit window, or choose a lower order or another background."
        ]
    assert not map_edge(spectra(4), ENERGY, edge("log polynomial")).notes


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ((FIT, (200.0, 210.0)), "lies outside the spectrum"),
        (((1.0, 5.0), SIGNAL), "lies outside the spectrum"),
        ((FIT, (57.0, 52.0)), "is empty"),
        (((50.0, 50.0), SIGNAL), "is empty"),
        (((50.0, float("nan")), SIGNAL), "is empty"),
    ],
)
def test_impossible_windows_are_a_sentence(
    windows: tuple[tuple[float, float], tuple[float, float]], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        map_edge(spectra(2), ENERGY, EdgeWindows("Li K", "power law", 2, *windows))


def test_other_impossible_requests_are_sentences() -> None:
    with pytest.raises(UserError, match="not a background model"):
        EdgeWindows("Li K", "spline", 2, FIT, SIGNAL)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="cannot start at"):
        map_edge(
            np.ones(100), np.arange(100) - 50.0, EdgeWindows("x", "power law", 2, (-20.0, -5.0), (5.0, 9.0))
        )
    with pytest.raises(UserError, match="400 channels but the energy axis has 399"):
        map_edge(spectra(2), ENERGY[:-1], edge())
    with pytest.raises(UserError, match="even steps"):
        map_edge(np.ones(5), [1.0, 2.0, 4.0, 8.0, 16.0], edge())
    with pytest.raises(UserError, match="complex"):
        map_edge(np.ones((2, 400), complex), ENERGY, edge())
    with pytest.raises(UserError, match="no spectra"):
        map_edge(np.ones((0, 400)), ENERGY, edge())
    with pytest.raises(UserError, match=r"too few channels|outside"):
        map_edge(np.ones((2, 1)), [50.0], EdgeWindows("x", "power law", 2, (49.0, 50.2), (49.8, 51.0)))


def test_a_window_over_the_end_is_cut_and_said() -> None:
    found = map_edge(spectra(3), ENERGY, EdgeWindows("x", "power law", 2, (80.0, 95.0), (97.0, 120.0)))
    assert found.channels.clipped
    assert found.notes
    assert found.signal_eV[1] == pytest.approx(ENERGY[-1])


def test_dead_channels_are_found_and_mended() -> None:
    data = spectra(200, level=4000.0)
    clean = map_edge(data, ENERGY, edge()).counts.mean()
    broken = data.copy()
    broken[:, 130] = 0.0
    broken[:, 170] = np.nan
    assert find_dead_channels(broken).tolist() == [130, 170]
    assert find_dead_channels(data).size == 0
    flank = np.zeros((4, 60))
    flank[:, 20:40], flank[:, 3] = 1e5 * np.exp(-np.arange(20.0)), 1.0
    assert find_dead_channels(flank).size == 0  # dark beside a steep flank
    mended = map_edge(broken, ENERGY, edge(), dead_channels=find_dead_channels(broken)).counts.mean()
    assert mended == pytest.approx(clean, abs=0.02 * float(data[0, 162:187].sum()))


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_blocks_join_to_the_same_map(background: str) -> None:
    data = spectra(9 * 7, signal=40.0).reshape(9, 7, -1)
    whole = map_edge(data, ENERGY, edge(background))
    job = map_edge_in_blocks(
        lambda a, b: data[a:b], data.shape, ENERGY, [edge(background)], block_bytes=2 * 7 * 400 * 8
    )
    (found,) = run_to_end(job)
    np.testing.assert_allclose(found.counts, whole.counts, rtol=1e-7, atol=1e-5)
    assert found.error is not None
    assert found.error.shape == (9, 7)


def test_closing_a_block_job_midway_leaves_nothing_running() -> None:
    data = spectra(40).reshape(8, 5, -1)
    job = map_edge_in_blocks(lambda a, b: data[a:b], data.shape, ENERGY, [edge()], block_bytes=1)
    progress = [next(job) for _ in range(3)]
    assert np.isfinite(progress[-1].partial[0][:2]).all()
    job.close()
    with pytest.raises(StopIteration):
        next(job)


def test_wild_pixels_beyond_the_tables_are_summed_channel_by_channel() -> None:
    from tandem_em.analysis.eels.background_areas import CENTRE, REACH, TwoArea

    axis = EnergyAxis.from_values(ENERGY)
    for power in (True, False):
        plan = TwoArea(power, axis, find_channels(edge("power law" if power else "exponential"), axis))
        border = CENTRE + REACH + np.array([-1e-9, 1e-9])
        background = np.empty(2)
        plan.close(1 + border, 1 - border, background)
        assert background[0] == pytest.approx(background[1], rel=1e-7)
