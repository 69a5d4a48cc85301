"""The time of every row, however a table says it, and when its second 0 was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.formats.text.settings import TextColumn, TextSettings
from tandem_em.formats.text.times import TimeReader

BEGAN = datetime(2026, 3, 4, 23, 59, 58)
ELAPSED = [0.0, 0.5, 1.0, 2.5, 4.0]


def reader(*columns: TextColumn, **more: object) -> TimeReader:
    return TimeReader(TextSettings(columns=list(columns), **more))  # type: ignore[arg-type]


def rows(spelled: str) -> list[list[str]]:
    moments = [BEGAN + timedelta(seconds=t) for t in ELAPSED]
    return [moment.strftime(spelled).split("|") for moment in moments]


@pytest.mark.parametrize(
    ("columns", "spelled", "order"),
    [
        ([TextColumn("t", kind="stamp")], "%Y-%m-%d %H:%M:%S.%f", "YMD"),
        ([TextColumn("t", kind="stamp")], "%d/%m/%Y %I:%M:%S.%f %p", "DMY"),
        ([TextColumn("d", kind="date"), TextColumn("c", kind="clock")], "%m/%d/%Y|%H:%M:%S.%f", "MDY"),
    ],
)
def test_dates_become_seconds_since_the_first(columns: list[TextColumn], spelled: str, order: str) -> None:
    one = reader(*columns, date_order=order)
    assert one.from_fields(rows(spelled)) == pytest.approx(ELAPSED, abs=1e-5)
    assert one.start is not None
    assert one.start.when == BEGAN


def test_a_time_of_day_goes_on_past_midnight_and_has_its_date_from_above() -> None:
    one = reader(TextColumn("c", kind="clock"), start="2026-03-04")
    assert one.from_fields(rows("%H:%M:%S.%f")) == pytest.approx(ELAPSED)
    assert one.start is not None
    assert one.start.when == BEGAN
    assert reader(TextColumn("c", kind="clock")).from_fields(rows("%H:%M:%S.%f"))[-1] == 4.0


@pytest.mark.parametrize(
    ("kind", "zero"),
    [("epoch", datetime(1970, 1, 1)), ("labview", datetime(1904, 1, 1)), ("excel", datetime(1899, 12, 30))],
)
def test_counted_times_have_their_zero(kind: str, zero: datetime) -> None:
    per_unit = 86400.0 if kind == "excel" else 1.0
    fields = [[repr(((BEGAN - zero).total_seconds() + t) / per_unit)] for t in ELAPSED]
    one = reader(TextColumn("t", kind=kind))
    assert one.from_fields(fields) == pytest.approx(ELAPSED, abs=1e-4)
    assert one.start is not None
    assert abs(one.start.when.replace(tzinfo=None) - BEGAN) < timedelta(milliseconds=1)


def test_a_date_beside_elapsed_seconds_says_when_second_0_was() -> None:
    one = reader(TextColumn("t", "time", "min", factor=60.0), TextColumn("d", kind="stamp"), date_order="YMD")
    fields = [[f"{1 + t / 60:.6f}", stamp[0]] for t, stamp in zip(ELAPSED, rows("%Y-%m-%d %H:%M:%S.%f"))]
    assert one.from_fields(fields) == pytest.approx(60 + np.array(ELAPSED), abs=1e-4)
    assert one.start is not None
    assert abs(one.start.when - (BEGAN - timedelta(seconds=60))) < timedelta(milliseconds=1)


def test_a_zone_and_a_fraction_of_a_second_are_read() -> None:
    one = reader(TextColumn("t", kind="stamp"), date_order="YMD")
    one.from_fields([["2026-03-05T01:59:58+02:00"]])
    assert one.start is not None
    assert one.start.when.astimezone(UTC) == BEGAN.replace(tzinfo=UTC)
    assert one.start.when.utcoffset() == timedelta(hours=2)
    parts = reader(TextColumn("c", kind="clock"), TextColumn("ms", "fraction", kind="fraction", factor=1e-3))
    assert parts.from_fields([["10:00:00", "250"], ["10:00:01", "750"]]) == pytest.approx([0.0, 1.5])


def test_times_that_begin_again_in_every_step_follow_one_another() -> None:
    one = reader(TextColumn("t", "time", "s"), time_restarts=True)
    first = one.from_fields([["0"], ["10"], ["20"], ["0"], ["5"]])
    assert first.tolist() == [0, 10, 20, 20, 25]
    assert one.from_fields([["15"], ["1"]]).tolist() == [35, 36]


def test_rows_that_say_no_time_are_counted_or_none() -> None:
    assert reader(TextColumn("v", "voltage", "V")).from_fields([["1"], ["2"]]).tolist() == [0, 1]
    found = reader(TextColumn("t", kind="stamp")).from_fields([["soon"], ["2026-03-04 10:00:00"], []])
    assert np.isnan(found[[0, 2]]).all()
    assert found[1] == 0.0


@pytest.mark.parametrize("kind", ["epoch", "labview", "excel"])
@given(st.floats(-1e30, 1e30) | st.integers(-(10**20), 10**20))
def test_no_number_ends_the_reading(kind: str, value: float) -> None:
    one = reader(TextColumn("t", kind=kind))
    times = one.from_fields([[repr(value)], [repr(value)]])
    assert len(times) == 2


@given(
    st.lists(st.text(max_size=20), max_size=6),
    st.sampled_from(["stamp", "date", "clock", "duration", "number", "epoch"]),
)
def test_no_text_in_a_column_of_times_ends_the_reading(texts: list[str], kind: str) -> None:
    one = reader(TextColumn("t", "time", "s", kind=kind), start="2026-03-04 10:00")
    assert len(one.from_fields([[text] for text in texts])) == len(texts)
