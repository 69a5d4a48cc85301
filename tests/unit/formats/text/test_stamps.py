"""Dates, times and durations in every spelling come back; no text, however odd, ends the reading of a log."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.formats.text import stamps

MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2068, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)
ORDERS = {"YMD": "%Y{0}%m{0}%d", "DMY": "%d{0}%m{0}%Y", "MDY": "%m{0}%d{0}%Y"}
CLOCKS = ["%H:%M:%S", "%I:%M:%S %p", "%I:%M:%S%p"]
PIECES = st.sampled_from(
    ["2024", "01", "13", "31", "99", "9999", "12", "/", "-", ".", ":", " ", "T", "Z", "+", "am", "PM", "Mar", "mai", "'", ",", "d", "day",
     "(", ")", "0", "00", "235959", "20240229", "٣", "é", "h", "+9999", "-2500", "+02:00", "UTC", "1" * 400]
)  # fmt: skip
ODD = st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=30)


@given(MOMENTS, st.sampled_from(list(ORDERS)), st.sampled_from("/-."), st.sampled_from(CLOCKS))
def test_a_stamp_is_read_in_its_order(moment: datetime, order: str, separator: str, clock: str) -> None:
    text = moment.strftime(f"{ORDERS[order].format(separator)} {clock}")
    found = stamps.parse_stamp(text, order)  # type: ignore[arg-type]
    assert found is not None
    assert found.when == moment
    assert (found.has_clock, found.has_zone, found.resolution_s) == (True, False, 1.0)


@given(
    MOMENTS,
    st.sampled_from(
        ["%d-%b-%Y %H:%M:%S", "%d %B %Y, %H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%a %b %d %H:%M:%S %Y"]
    ),
)
def test_months_have_names(moment: datetime, spelled: str) -> None:
    found = stamps.parse_stamp(moment.strftime(spelled))
    assert found is not None
    assert found.when == moment


@given(MOMENTS, st.integers(1, 9), st.integers(0, 10**9 - 1))
def test_a_fraction_has_its_digits_and_its_resolution(
    moment: datetime, digits: int, nanoseconds: int
) -> None:
    fraction = f"{nanoseconds:09d}"[:digits]
    found = stamps.parse_clock(f"{moment:%H:%M:%S}.{fraction}")
    assert found is not None
    assert found[0] == pytest.approx(
        moment.hour * 3600 + moment.minute * 60 + moment.second + float(f"0.{fraction}")
    )
    assert found[1] == pytest.approx(10.0**-digits)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), st.booleans())
def test_a_zone_is_that_of_the_text(moment: datetime, minutes: int, with_colon: bool) -> None:
    zone = timezone(timedelta(minutes=minutes))
    spelled = moment.replace(tzinfo=zone).isoformat()
    text = spelled if with_colon else spelled[:-3] + spelled[-2:]
    found = stamps.parse_stamp(text)
    assert found is not None
    assert found.when == moment.replace(tzinfo=zone)
    assert stamps.epoch_seconds(text) == pytest.approx(moment.replace(tzinfo=zone).timestamp())


@given(MOMENTS, st.sampled_from(list(ORDERS)), st.sampled_from(["", ".5", ",25"]))
def test_the_quick_way_to_seconds_is_the_careful_one(moment: datetime, order: str, fraction: str) -> None:
    text = moment.strftime(f"{ORDERS[order].format('/')} %H:%M:%S") + fraction
    quick = stamps.epoch_seconds(text, order)  # type: ignore[arg-type]
    careful = stamps.parse_stamp(text, order)  # type: ignore[arg-type]
    assert careful is not None
    assert quick == pytest.approx(careful.when.replace(tzinfo=UTC).timestamp())
    since = 86400.0 * 10_000
    assert stamps.epoch_seconds(text, order, since) == pytest.approx(quick - since)  # type: ignore[arg-type]


@given(
    st.integers(0, 400),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from(["", ".5", ",125"]),
)
def test_durations_come_back(days: int, hours: int, minutes: int, seconds: int, fraction: str) -> None:
    value = (
        ((days * 24 + hours) * 60 + minutes) * 60
        + seconds
        + float(f"0{fraction.replace(',', '.')}" if fraction else 0)
    )
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
    for text in (
        f"{days}d {clock}",
        f"{days} days, {clock}",
        f"{days}.{clock}",
        f"{days * 24 + hours}:{clock[3:]}",
    ):
        assert stamps.parse_duration(text) == pytest.approx(value), text
    assert stamps.parse_duration(f"-{clock}") == pytest.approx(-(value - days * 86400))


@given(ODD)
@example("2024-01-01 10:00:00 +9999")
@example("9999-12-31 24:00:60")
@example("1" * 400 + ":00:00")
@example("1" * 400 + "d 00:00:00")
def test_no_text_ends_the_reading(text: str) -> None:
    for order in ("YMD", "DMY", "MDY"):
        day = stamps.parse_date(text, order)  # type: ignore[arg-type]
        assert day is None or isinstance(day, date)
        stamp = stamps.parse_stamp(text, order)  # type: ignore[arg-type]
        assert (stamp is None) or isinstance(stamp.when, datetime)
        seconds = stamps.epoch_seconds(text, order)  # type: ignore[arg-type]
        assert seconds is None or isinstance(seconds, float)
    clock = stamps.parse_clock(text)
    assert clock is None or (0 <= clock[0] <= 25 * 3600 and clock[1] > 0)
    duration = stamps.parse_duration(text)
    assert duration is None or isinstance(duration, float)
    stamps.parse_zone(text)


@given(st.lists(ODD, max_size=5))
def test_any_dates_have_an_order(texts: list[str]) -> None:
    order, is_sure = stamps.find_order(texts)
    assert order in ORDERS
    assert isinstance(is_sure, bool)


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.sampled_from(list(ORDERS)), st.sampled_from("/-."))
def test_a_log_of_some_weeks_says_its_order(first: date, order: str, separator: str) -> None:
    texts = [
        (first + timedelta(days=3 * number)).strftime(ORDERS[order].format(separator)) for number in range(30)
    ]
    found, is_sure = stamps.find_order(texts)
    assert (found, is_sure) == (order, True)


def test_two_digits_of_a_year_are_of_this_century_until_1970() -> None:
    assert stamps.parse_date("01/02/69") == date(2069, 1, 2)
    assert stamps.parse_date("01/02/70") == date(1970, 1, 2)
    assert stamps.parse_date("01/02/123") is None
