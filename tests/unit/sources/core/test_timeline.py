"""Stamps of instruments that restart their clocks, and frame numbers with holes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.sources.core.timeline import Numbers, Timeline

STEPS = st.floats(0.0, 100.0)


@given(st.floats(-1e6, 1e6), st.lists(STEPS, min_size=1, max_size=30))
def test_an_unbroken_clock_keeps_its_steps_and_begins_at_zero(start: float, steps: list[float]) -> None:
    line, raw, host = Timeline(), start, 5.0
    placed = [line.place(raw, host)]
    for step in steps:
        raw, host = raw + step, host + step
        placed.append(line.place(raw, host))
    assert placed[0] == (0.0, False)
    assert not any(new for _, new in placed)
    for (time, _), total in zip(placed, [sum(steps[:n]) for n in range(len(steps) + 1)]):
        assert time == pytest.approx(total, abs=1e-6)


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e4) | st.just(math.nan), st.floats(0, 50), st.booleans()), max_size=40
    )
)
def test_time_never_runs_backwards(stamps: list[tuple[float, float, bool]]) -> None:
    line, host, last = Timeline(), 0.0, -math.inf
    for raw, later, restarts in stamps:
        host += later
        if restarts:
            line.restart()
        time, _ = line.place(raw, host)
        if math.isnan(raw):
            assert math.isnan(time)
        else:
            assert time >= last - 1e-9
            last = time


def test_a_restarted_clock_goes_on_where_the_host_says() -> None:
    line = Timeline()
    line.place(100.0, 10.0)
    line.place(103.0, 13.0)
    assert line.place(0.0, 20.0) == (pytest.approx(10.0), True)
    assert line.place(1.5, 21.5) == (pytest.approx(11.5), False)


def test_a_break_that_was_announced_is_new_even_when_the_stamp_grows() -> None:
    line = Timeline()
    line.restart()
    assert line.place(7.0, 1.0) == (0.0, False), "nothing was before it"
    line.restart()
    assert line.place(500.0, 4.0) == (pytest.approx(3.0), True)


def test_a_host_clock_that_was_set_back_does_not_take_time_back() -> None:
    line = Timeline()
    line.place(0.0, 100.0)
    line.place(5.0, 105.0)
    assert line.place(0.0, 50.0) == (pytest.approx(5.0), True)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(0, 1000))
def test_holes_in_frame_numbers_are_counted(steps: list[int], start: int) -> None:
    numbers, number, missing = Numbers(), start, 0
    assert numbers.take(number) == (0, False)
    for step in steps:
        number += step
        lost, anew = numbers.take(number)
        assert not anew
        missing += lost
    assert missing == sum(steps) - len(steps)


def test_a_count_that_begins_anew_has_lost_nothing() -> None:
    numbers = Numbers()
    numbers.take(41)
    assert numbers.take(0) == (0, True)
    assert numbers.take(3) == (2, False)
    numbers.restart()
    assert numbers.take(900) == (0, False)
