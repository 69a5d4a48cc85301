"""The time axis: pixels and moments are two names of one place, and no two marks say the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_widgets.parts.lanes.time_axis import (
    MAX_SPAN_S,
    MIN_SPAN_S,
    TimeScale,
    clock_text,
    moments,
    span_text,
)


@st.composite
def scales(draw: st.DrawFn) -> TimeScale:
    low = draw(st.floats(-1e5, 1e6))
    span = 10.0 ** draw(st.floats(-3, 8))
    return TimeScale(low, low + span, draw(st.floats(0, 100)), draw(st.floats(50, 4000)))


@given(scales(), st.floats(0, 1))
def test_a_moment_is_where_its_pixel_is(scale: TimeScale, share: float) -> None:
    t = scale.low + share * (scale.high - scale.low)
    room = 1e-6 * (scale.high - scale.low) + 1e-9 * abs(scale.low)
    assert scale.t(scale.x(t)) == pytest.approx(t, abs=room)
    assert scale.x(scale.low) == pytest.approx(scale.left)
    assert scale.x(scale.high) == pytest.approx(scale.left + scale.width)


@given(scales(), st.floats(0, 1), st.floats(0.01, 100))
def test_zooming_keeps_the_moment_under_the_pointer_and_its_limits(
    scale: TimeScale, share: float, factor: float
) -> None:
    x = scale.left + share * scale.width
    low, high = scale.zoomed(x, factor)
    assert high - low + 1e-9 * abs(low) >= MIN_SPAN_S * 0.99
    assert high - low <= MAX_SPAN_S * 1.01
    again = TimeScale(low, high, scale.left, scale.width)
    assert again.t(x) == pytest.approx(
        scale.t(x), abs=1e-6 * (high - low) + 1e-6 * (scale.high - scale.low) + 1e-9 * abs(low)
    )


@given(scales(), st.floats(-3000, 3000))
def test_panning_there_and_back_is_nothing(scale: TimeScale, pixels: float) -> None:
    there = TimeScale(*scale.panned(pixels), scale.left, scale.width)
    room = 1e-6 * (scale.high - scale.low) + 1e-9 * abs(scale.low)
    assert there.panned(-pixels) == pytest.approx((scale.low, scale.high), abs=room)


@given(scales(), st.floats(60, 150))
@example(TimeScale(90_000.0, 90_600.0, 0.0, 2000.0), 90.0)
def test_marks_are_in_view_apart_and_tell_each_other_apart(scale: TimeScale, spacing: float) -> None:
    found = moments(scale, spacing)
    values = [value for value, _ in found]
    assert values == sorted(values)
    room = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - room <= value <= scale.high + room for value in values)
    assert len(found) <= max(2, int(scale.width / spacing)) + 1
    if (scale.high - scale.low) > 1e-5 * max(abs(scale.low), abs(scale.high)):
        words = [text for _, text in found]
        assert len(set(words)) == len(words), words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (59.6, "1:00"),
        (750, "12:30"),
        (-750, "−12:30"),
        (3600, "1:00:00"),
        (86399.7, "1 d 00:00"),
        (93600, "1 d 02:00"),
    ],
)
def test_clocks_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@given(st.floats(-1e7, 1e7))
def test_a_span_is_said_to_three_digits(seconds: float) -> None:
    text = span_text(seconds)
    assert "-" not in text
    if 1e-9 < abs(seconds) < 599:
        number, unit = text.split()
        value = float(number.replace("−", "-")) * {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[unit]
        assert value == pytest.approx(seconds, rel=1e-3)
