"""Three maps as one picture: every channel between its limits, blank pixels black, nothing made twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_widgets.parts.image import composite
from tandem_widgets.parts.image.contrast import COLOUR_MAPS, Contrast, colours_named

MAPS = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    elements=st.floats(-1e6, 1e6) | st.just(np.nan),
)
LEVELS = st.tuples(st.floats(-100, 100), st.floats(0.01, 200)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(MAPS, LEVELS)
def test_a_channel_is_its_share_between_the_limits(image: np.ndarray, levels: tuple[float, float]) -> None:
    picture = composite.composite({"green": image}, {"green": levels})
    assert picture.dtype == np.uint8
    assert not picture[..., [0, 2]].any()
    share = np.clip((image - levels[0]) / (levels[1] - levels[0]), 0, 1)
    expected = np.nan_to_num(share * 255)
    assert np.abs(picture[..., 1] - expected).max() <= 1.01 + 1e-4 * np.abs(np.nan_to_num(image)).max() / (
        levels[1] - levels[0]
    )
    assert (picture[..., 1][np.isnan(image)] == 0).all()


@given(MAPS, LEVELS, LEVELS)
def test_a_mixer_that_remembers_mixes_the_same(
    image: np.ndarray, one: tuple[float, float], other: tuple[float, float]
) -> None:
    mixer = composite.Mixer()
    second = image[::-1]
    for levels in (one, other, one):
        maps = {"red": image, "blue": second}
        limits = {"red": levels, "blue": one}
        np.testing.assert_array_equal(mixer.mix(maps, limits), composite.composite(maps, limits))
        np.testing.assert_array_equal(
            mixer.mix(maps, limits, safe=True), composite.composite_safe(maps, limits)
        )


def test_safe_colours_are_those_of_their_channels() -> None:
    full = np.ones((1, 1))
    for channel, colour in composite.SAFE_COLOURS.items():
        picture = composite.composite_safe({channel: full}, {channel: (0.0, 1.0)})
        assert np.abs(picture[0, 0].astype(int) - colour).max() <= 1


@given(MAPS)
def test_smoothing_is_the_mean_of_what_is_known_around(image: np.ndarray) -> None:
    found = composite.smoothed(image)
    padded = np.pad(image, ((0, 1), (0, 1)), mode="edge")
    for y, x in np.ndindex(image.shape):
        around = padded[y : y + 2, x : x + 2]
        known = around[np.isfinite(around)]
        if np.isnan(image[y, x]):
            assert np.isnan(found[y, x])
        else:
            assert found[y, x] == pytest.approx(known.mean(), abs=1e-6)


@given(st.lists(MAPS, min_size=1, max_size=3))
def test_common_limits_hold_those_of_every_map(images: list[np.ndarray]) -> None:
    low, high = composite.common_limits(images)
    for image in images:
        own = composite.limits(image)
        assert low <= own[0] < own[1] <= high
    assert composite.common_limits([]) == (0.0, 1.0)


def test_limits_are_found_once_for_an_array() -> None:
    asked = []

    def find(image: np.ndarray, percent: float) -> tuple[float, float]:
        asked.append(percent)
        return composite.limits(image, percent)

    known = composite.Limits(find, remembered=2)
    one, other, third = (np.arange(9.0) + n for n in range(3))
    for image in (one, one, other, one, third, one):
        assert known.of(image, 2.0) == composite.limits(image, 2.0)
    assert len(asked) == 4, "the first was forgotten when a third came"
    known.of(third, 5.0)
    assert asked[-1] == 5.0


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_tables_go_from_the_first_to_the_last_colour_and_back_when_inverted(name: str) -> None:
    table, back = Contrast(colours=name).table(), Contrast(colours=name, invert=True).table()
    np.testing.assert_array_equal(table, back[::-1])
    colours = colours_named(name)
    assert colours is None or colours.shape == (256, 3)


def test_chosen_counts_are_kept_unless_each_frame_has_its_own() -> None:
    frame = np.linspace(0, 100, 1000).reshape(10, 100)
    assert Contrast(low=3.0, high=7.0).levels(frame) == (3.0, 7.0)
    low, high = Contrast(mode="each frame", low=3.0, high=7.0).levels(frame)
    assert low < 3 < 7 < high
