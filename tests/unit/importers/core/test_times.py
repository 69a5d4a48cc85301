"""Which times the frames of a stack get, what is said about them, and when absolute time is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.importers.core import times
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.signal import Axis, Facts, Found
from tandem_em.model.arrays import MemoryArray


def found(count: int = 5, units: str = "", name: str = "", scale: float = 1.0, **more: Any) -> Found:
    facts = more.pop("facts", Facts())
    source = MemoryArray(np.zeros((count, 2, 2), np.uint8))
    axes = [Axis(count, scale, 0.0, units, name, more.pop("values", None)), Axis(2), Axis(2)]
    return Found(source, axes, facts=facts, **more)


def stamps(one: Found, **options: Any) -> times.Stamps:
    return times.stamps_of(one, one.axes[0].size, "movie", ImportOptions(**options))


def test_true_stamps_come_before_everything_the_file_supposes() -> None:
    true = np.array([0.0, 0.5, 0.9, 1.6, 2.0])
    made = stamps(found(units="s", scale=9.0, times_s=true, facts=Facts(frame_interval_s=7.0)))
    assert made.times.tolist() == true.tolist()
    assert (made.origin, made.axis0_is_time, made.questions) == ("file", True, [])


@pytest.mark.parametrize(
    ("one", "expected", "origin"),
    [
        (found(units="ms", scale=40.0), [0.0, 0.04, 0.08, 0.12, 0.16], "nominal"),
        (found(units="min", values=np.array([0.0, 1, 2, 4, 5])), [0.0, 60, 120, 240, 300], "file"),
        (found(facts=Facts(frame_interval_s=0.25)), [0.0, 0.25, 0.5, 0.75, 1.0], "nominal"),
        (found(units="s", scale=0.0, facts=Facts(frame_interval_s=2.0)), [0.0, 2, 4, 6, 8], "nominal"),
        (found(units="s", times_s=np.full(5, np.nan), scale=3.0), [0.0, 3, 6, 9, 12], "nominal"),
        (found(units="s", times_s=np.arange(4.0), scale=3.0), [0.0, 3, 6, 9, 12], "nominal"),
    ],
)
def test_else_the_axis_and_then_the_interval(one: Found, expected: list[float], origin: str) -> None:
    made = stamps(one)
    assert made.times == pytest.approx(expected)
    assert (made.origin, made.axis0_is_time) == (origin, True)


def test_a_person_has_the_last_word() -> None:
    one = found(units="s", times_s=np.arange(5.0))
    assert stamps(one, frame_interval_s=0.1).times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    apart = stamps(one, axis0_is_time=False)
    assert np.isnan(apart.times).all()
    assert (apart.origin, apart.axis0_is_time) == ("none", False)


@pytest.mark.parametrize(("units", "suggested"), [("", "yes"), ("nm", "no"), ("1/nm", "no"), ("mrad", "no")])
def test_where_nobody_knows_it_is_asked_and_said(units: str, suggested: str) -> None:
    made = stamps(found(units=units, facts=Facts(exposure_s=0.2)))
    assert made.times == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert "the exposure time is assumed" in made.problems[0]
    (question,) = made.questions
    assert (question.key, question.default) == ("axis0_is_time", suggested)
    known = stamps(found(units=units, axis0_is_time=True))
    assert known.times.tolist() == [0, 1, 2, 3, 4]
    assert "one frame per second is assumed" in known.problems[0]
    assert known.questions == []


def test_one_image_has_a_time_only_where_its_file_states_one() -> None:
    assert times.stamps_of(found(1), 1, "x", ImportOptions()).origin == "none"
    assert (
        times.stamps_of(found(1, facts=Facts(start_iso="2026-01-01")), 1, "x", ImportOptions()).origin
        == "file"
    )


@given(st.floats(0.01, 100), st.integers(4, 40), st.integers(1, 5), st.data())
def test_dropped_frames_are_counted(step: float, count: int, lost: int, data: st.DataObject) -> None:
    stamps_s = step * np.arange(count, dtype=float)
    assert times.check_stamps(stamps_s) == []
    at = data.draw(st.integers(1, count - 1))
    stamps_s[at:] += lost * step
    said = times.check_stamps(stamps_s)
    if count > 5:
        assert len(said) == 1
        assert said[0].startswith(f"About {lost} frame")
        assert "in 1 gap" in said[0]


def test_missing_backward_and_repeated_stamps_are_named_by_their_frame() -> None:
    assert (
        times.check_stamps(np.array([0.0, np.nan, 1.0, 2.0, 3.0]))[0] == "1 of 5 frames without a time stamp."
    )
    assert "first at frame 3" in times.check_stamps(np.array([0.0, 1.0, 2.0, 1.5, 3.0]))[0]
    assert "first at frame 2" in times.check_stamps(np.array([0.0, 1.5, 1.5, 3.5, 4.5]))[0]


def test_frames_without_a_stamp_do_not_shift_the_frame_that_is_named() -> None:
    said = times.check_stamps(np.array([np.nan, np.nan, 0.0, 1.0, 2.0, 1.5, 3.0, 3.0]))
    assert said[0] == "2 of 8 frames without a time stamp."
    assert "first at frame 5" in said[1], "frames 5 and 6 are in the wrong order"
    assert "first at frame 7" in said[2], "frames 7 and 8 share a stamp"


def test_stamps_of_whole_seconds_are_one_sentence() -> None:
    said = times.check_stamps(np.repeat(np.arange(5.0), 4))
    assert said == ["The time stamps have whole seconds only: neighbouring frames share one."]


def test_frame_numbers_have_holes_and_repeats() -> None:
    steady = np.arange(6.0)
    assert times.check_stamps(steady, np.array([1, 2, 3, 4, 5, 6])) == []
    assert times.check_stamps(steady, np.array([1, 2, 5, 6, 8, 9])) == [
        "3 frame numbers are missing in the file."
    ]
    assert times.check_stamps(steady, np.array([1, 2, 2, 1, 2, 3])) == [
        "2 frame numbers repeat or run backwards."
    ]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("+02:00", 2), ("-0530", -5.5), ("UTC+3", 3), ("GMT-11:30", -11.5), ("UTC", 0), ("z", 0), ("CET", 1),
        ("+24:00", None), ("", None), ("Mars/Olympus", None), ("Europe", None), ("../etc/passwd", None), ("+1:3", None),
        ("\x00", None),
    ],
)  # fmt: skip
def test_zones(text: str, hours: float | None) -> None:
    zone = times.zone_info(text)
    winter = datetime(2026, 1, 15)
    assert (None if zone is None else zone.utcoffset(winter)) == (
        None if hours is None else timedelta(hours=hours)
    )


def test_summer_time_is_that_of_the_day_of_the_measurement() -> None:
    for start, iso in (("2026-01-15T12:00:00", "+01:00"), ("2026-07-15T12:00:00", "+02:00")):
        clock = times.clock_of(Facts(start_iso=start, zone="Europe/Oslo"), ImportOptions())
        assert clock.start_iso == f"{start}.000{iso}"
        assert (clock.zone, clock.zone_assumed, clock.origin) == ("Europe/Oslo", False, "file time")


def test_a_zone_that_no_file_states_is_assumed_and_marked() -> None:
    clock = times.clock_of(Facts(start_iso="2026-01-15T12:00:00"), ImportOptions(zone="+03:00"))
    assert (clock.start_iso[-6:], clock.zone, clock.zone_assumed) == ("+03:00", "+03:00", True)
    stated = times.clock_of(Facts(start_iso="2026-01-15T12:00:00-07:00"), ImportOptions(zone="+03:00"))
    assert (stated.start_iso[-6:], stated.zone, stated.zone_assumed) == ("-07:00", "-07:00", False)
    with pytest.raises(UserError, match="is unknown"):
        times.clock_of(Facts(start_iso="2026-01-15T12:00:00"), ImportOptions(zone="Oslo"))
    assert times.clock_of(Facts(), ImportOptions()).origin == "provisional"


@pytest.mark.parametrize(
    ("date", "clock", "iso"),
    [
        ("2026-03-04", "05:06:07", "2026-03-04T05:06:07"),
        ("03/04/2026", "5:06:07 PM", "2026-03-04T17:06:07"),
        ("25/12/2025", "05:06", "2025-12-25T05:06:00"),
        ("4-Mar-2026", "05:06:07.250", "2026-03-04T05:06:07.250000"),
        ("04.03.2026", "", "2026-03-04T00:00:00"),
        ("2026-03-04T05:06:07Z", "", "2026-03-04T05:06:07+00:00"),
        ("2026-03-04", "soon", ""), ("0001-01-01", "05:06:07", ""), ("30/02/2026", "", ""), (None, None, ""), ("", "05:06", ""),
        ("5:06", "2026-03-04", ""), ("3/4/2026", "5:06\u202fPM", "2026-03-04T17:06:00"),
    ],
)  # fmt: skip
def test_dates_as_programs_write_them(date: object, clock: object, iso: str) -> None:
    assert times.iso_of(date, clock) == iso


@given(st.text(max_size=30), st.text(max_size=20))
def test_no_text_breaks_the_reading_of_dates(date: str, clock: str) -> None:
    text = times.iso_of(date, clock)
    assert text == "" or times.parse_iso(text) is not None


@given(st.datetimes(datetime(1970, 1, 2), datetime(2198, 1, 1)))
def test_iso_and_epoch_come_back(moment: datetime) -> None:
    assert times.parse_iso(moment.isoformat()) == moment
    assert times.parse_iso(moment.isoformat(timespec="microseconds") + "123Z").replace(tzinfo=None) == moment
    seconds = (moment - datetime(1970, 1, 1)).total_seconds()
    if seconds > 86400:
        back = times.parse_iso(times.iso_of_epoch(seconds))
        assert abs(back.replace(tzinfo=None) - moment) < timedelta(milliseconds=1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_nonsense_is_no_moment(seconds: float) -> None:
    assert times.iso_of_epoch(seconds) == ""
