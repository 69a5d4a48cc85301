"""Lines into samples: however they come in portions, the samples are those of the whole, and nothing is lost unsaid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.formats.text.rows import FIRST, RowReader, Rows, joined
from tandem_em.formats.text.settings import TextColumn, TextSettings

HEADER = "time (s),voltage (V),current (mA)"


def table(**more: object) -> TextSettings:
    columns = [
        TextColumn("time (s)", "time", "s"),
        TextColumn("voltage (V)", "voltage", "V"),
        TextColumn("current (mA)", "current", "A", factor=1e-3),
    ]
    return TextSettings(columns=columns, **more)  # type: ignore[arg-type]


def line(number: int) -> str:
    return f"{0.5 * number:.3f},{3 + 0.01 * number:.5f},{number - 7}.25"


def read(lines: list[str], sizes: list[int] | None = None, **more: object) -> tuple[Rows, RowReader]:
    reader, parts, start = RowReader(table(**more), HEADER), [], 0
    for size in [*(sizes or []), len(lines)]:
        parts.append(reader.read(lines[start : start + size]))
        start += size
    return joined(parts), reader


ODD_LINES = [
    "",
    "# a remark",
    "1.0,2.0",
    "Mean,3.5,1.0",
    "1.0,OVLD,2.0",
    "2.0,9.9E37,1.0",
    ",3.0,1.0",
    HEADER,
    "a\x00b",
    "x,y,z",
    '"3.0","3.1","4"',
]


@settings(max_examples=150)
@given(
    st.lists(st.integers(0, 60).map(line) | st.sampled_from(ODD_LINES), max_size=60),
    st.lists(st.integers(1, 40), max_size=6),
)
def test_portions_make_no_difference(lines: list[str], sizes: list[int]) -> None:
    whole, all_at_once = read(lines)
    pieces, in_pieces = read(lines, sizes)
    np.testing.assert_array_equal(pieces.times, whole.times)
    for key in whole.values:
        np.testing.assert_array_equal(pieces.values[key], whole.values[key])
    assert pieces.segments == whole.segments
    for name in ("short", "unreadable", "untimed", "overflow", "zeros", "left_out"):
        assert getattr(in_pieces.tally, name) == getattr(all_at_once.tally, name), name


@given(st.integers(0, 200))
def test_the_quick_way_gives_what_the_careful_one_does(count: int) -> None:
    lines = [line(number) for number in range(count)]
    quick, _ = read(lines)
    reader = RowReader(table(), HEADER)
    careful = reader._slow(lines, [])
    np.testing.assert_array_equal(quick.times, careful.times)
    for key in ("voltage", "current"):
        np.testing.assert_allclose(quick.values[key], careful.values[key], rtol=1e-15)
    assert len(quick.times) == count


def test_values_are_in_si_units_under_their_quantity() -> None:
    rows, _ = read([line(number) for number in range(3)])
    assert rows.times.tolist() == [0.0, 0.5, 1.0]
    assert rows.values["voltage"] == pytest.approx([3.0, 3.01, 3.02])
    assert rows.values["current"] == pytest.approx([-7.25e-3, -6.25e-3, -5.25e-3])


@given(st.lists(st.sampled_from(ODD_LINES), max_size=20), st.integers(0, 5))
def test_every_line_is_a_sample_or_counted(odd: list[str], good: int) -> None:
    lines = [*odd, *[line(number) for number in range(good)]]
    rows, reader = read(lines)
    silent = sum(not text.strip(", ") or text.startswith("#") or text == HEADER for text in lines)
    assert len(rows.times) + reader.tally.left_out + silent == len(lines)


def test_headings_in_the_middle_begin_a_new_stretch() -> None:
    rows, _ = read(
        [line(0), line(1), HEADER, line(2), line(3), '"time (s)", "voltage (V)", "current (mA)"', line(4)]
    )
    assert rows.segments == [2, 4]
    assert len(rows.times) == 5


def test_a_discharge_said_in_words_is_a_negative_current() -> None:
    settings_ = table()
    settings_.columns.append(TextColumn("state", "state", "", kind="state"))
    reader = RowReader(settings_, "")
    rows = reader.read(
        [f"{n},3.0,5.0,{word}" for n, word in enumerate(["Chg", "DChg", "discharge", "Rest", "D"])]
    )
    assert np.sign(rows.values["current"]).tolist() == [1, -1, -1, 1, -1]
    assert reader.tally.made_negative == 3


def fixed(number: int) -> str:
    return f"{number:8.3f},{3 + 0.001 * number:.5f},{number:.5E}"


def test_a_line_that_may_be_cut_waits_for_its_end() -> None:
    reader = RowReader(table(), "")
    reader.read([fixed(number) for number in range(FIRST + 20)])
    whole = fixed(40)
    assert reader.is_whole(whole)
    for cut in range(1, len(whole)):
        assert not reader.is_whole(whole[:cut]), whole[:cut]


def test_the_last_line_without_its_end_loses_no_digit_unnoticed() -> None:
    for cut in range(1, 12):
        reader = RowReader(table(), "")
        reader.read([fixed(number) for number in range(FIRST + 20)])
        whole = fixed(40)
        rows = reader.read_last(whole[: len(whole) - cut])
        assert rows is None or np.isnan(rows.values["current"]).all()
        assert reader.tally.cut or reader.tally.cut_field
    reader = RowReader(table(), "")
    reader.read([fixed(number) for number in range(FIRST + 20)])
    last = reader.read_last(fixed(40))
    assert last is not None
    assert last.values["current"] == pytest.approx([0.04])
