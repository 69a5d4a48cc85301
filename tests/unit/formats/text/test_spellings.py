"""Units, numbers, fields and headings: every spelling means one thing, whatever stands around it."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.formats.text import labels, numbers, odd_rows, units
from tandem_em.formats.text.fields import split_line
from tandem_em.formats.text.labels import quantity_of, read_label

PREFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
SYMBOLS = {
    "A": "current",
    "V": "voltage",
    "W": "power",
    "Ah": "charge",
    "Wh": "energy",
    "Hz": "frequency",
    "Ohm": "resistance",
}
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_prefix_scales_its_unit(prefix: str, symbol: str) -> None:
    plain, scaled = units.parse_unit(symbol), units.parse_unit(prefix + symbol)
    assert plain is not None
    assert scaled is not None
    assert scaled.dimension == plain.dimension == SYMBOLS[symbol]
    assert scaled.factor == pytest.approx(plain.factor * PREFIXES[prefix])
    for spelled in (
        f" {prefix}{symbol} ",
        f"{prefix}{symbol} vs. Li",
        ".".join(prefix + symbol) if symbol in ("Ah", "Wh") else symbol,
    ):
        found = units.parse_unit(spelled)
        assert found is not None
        assert found.dimension == plain.dimension


@given(st.text(max_size=12), st.sampled_from(["", "temperature"]))
def test_any_text_is_a_unit_or_none(text: str, hint: str) -> None:
    unit = units.parse_unit(text, hint)
    if unit is not None:
        assert unit.factor > 0
        assert unit.si in units.SI.values()


def test_large_and_small_letters_count() -> None:
    milli, mega = units.parse_unit("mV"), units.parse_unit("MV")
    assert milli is not None
    assert mega is not None
    assert mega.factor / milli.factor == pytest.approx(1e9)
    fahrenheit = units.parse_unit("°F", "temperature")
    assert fahrenheit is not None
    assert 212 * fahrenheit.factor + fahrenheit.offset == pytest.approx(100)
    farad = units.parse_unit("F")
    assert farad is not None
    assert farad.dimension == "capacitance"


@given(FLOATS, st.sampled_from(["{!r}", "{:+.6e}", "{:.3f}", '"{!r}"', "  {!r} "]))
def test_numbers_come_back_in_both_decimals(value: float, spelled: str) -> None:
    text = spelled.format(value)
    expected = float(text.strip().strip('"'))
    assert numbers.to_number(text) == expected
    assert numbers.to_number(text.replace(".", ","), ",") == expected
    assert numbers.is_number(text)


@given(st.integers(1000, 10**12), st.sampled_from([" ", ",", "'", "\u202f"]))
def test_thousands_may_be_parted(value: int, separator: str) -> None:
    text = f"{value:,}".replace(",", separator)
    assert numbers.to_number(text) == value


@given(st.text(max_size=12), st.sampled_from(".,"))
@example("1" * 5, ",")
def test_any_field_is_a_number_or_missing_or_refused(text: str, decimal: str) -> None:
    try:
        value = numbers.to_number(text, decimal)
    except ValueError:
        assert not numbers.is_number(text, decimal)
        values, bad = numbers.numbers([text], decimal)
        assert bad == 1
        assert math.isnan(values[0])
    else:
        assert numbers.is_number(text, decimal) is not math.isnan(value)


@given(
    st.lists(
        st.lists(FLOATS | st.integers(-(10**6), 10**6), min_size=3, max_size=3), min_size=1, max_size=12
    ),
    st.sampled_from([(",", "."), (";", ","), ("\t", "."), (" ", ".")]),
)
def test_a_block_is_what_its_fields_are(rows: list[list[float]], style: tuple[str, str]) -> None:
    separator, decimal = style
    lines = [separator.join(repr(value).replace(".", decimal) for value in row) for row in rows]
    found = numbers.block(lines, separator, decimal, [2, 0], [3])
    assert found is not None
    singly = [
        [numbers.to_number(split_line(line, separator)[at], decimal) for at in (2, 0)] for line in lines
    ]
    np.testing.assert_array_equal(found, singly)


CELLS = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(CELLS, min_size=2, max_size=6), st.sampled_from(",;\t"))
def test_quoted_fields_are_taken_apart_as_they_were_put_together(cells: list[str], separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="", quoting=csv.QUOTE_ALL).writerow(cells)
    assert split_line(out.getvalue(), separator) == cells


@given(st.text(st.characters(exclude_characters="\r\n"), max_size=40), st.sampled_from([",", ";", "\t", " "]))
@example('"broken', ",")
def test_any_line_has_fields(line: str, separator: str) -> None:
    fields = split_line(line, separator)
    assert isinstance(fields, list)
    if '"' not in line and separator != " ":
        assert separator.join(fields) == line


@given(st.text(max_size=30), st.text(max_size=8))
def test_any_heading_is_taken_apart(text: str, unit_text: str) -> None:
    label = read_label(text, unit_text)
    assert quantity_of(label) is None or isinstance(quantity_of(label), str)
    assert 0 <= labels.preference(label) <= len(labels.RULES)


@pytest.mark.parametrize(
    "spelled", ["Voltage{}(mV)", "Voltage{}[mV]", "Voltage{}/{}mV", "Voltage_mV", "voltage, mV"]
)
def test_the_unit_of_a_heading_is_found_in_every_spelling(spelled: str) -> None:
    for space in ("", " "):
        label = read_label(spelled.format(space, space))
        assert label.unit is not None
        assert (label.unit.dimension, label.unit.factor) == ("voltage", 1e-3)
        assert label.name.lower() == "voltage"
        assert quantity_of(label) == "voltage"


def test_a_row_of_units_decides() -> None:
    assert quantity_of(read_label("Ewe", "mV")) == "voltage"
    assert quantity_of(read_label("Ewe", "mA")) != "voltage"
    clock = read_label("Test Time", "hh:mm:ss")
    assert (clock.is_clock, quantity_of(clock)) == (True, "time")


@pytest.mark.parametrize(
    ("row", "begins_with_number", "is_one"),
    [
        (["Mean", "1.0"], True, True), (["Std. Dev.", "1.0"], False, True), (["CV", "1.0"], True, True), (["CV", "1.0"], False, False),
        (["1.0", "Mean"], True, False), (["", "average:", "2"], True, True), (["Meaning", "1"], True, False), ([], True, False),
        (["Summe", "1"], False, True), (["Rest", "1"], True, False),
    ],
)  # fmt: skip
def test_statistics_are_told_from_samples(row: list[str], begins_with_number: bool, is_one: bool) -> None:
    assert odd_rows.is_summary(row, begins_with_number) is is_one


def test_what_was_left_out_is_said_once_for_each_reason() -> None:
    left = odd_rows.LeftOut()
    for line in ("Mean,1,2", "Min,0,1"):
        left.add(odd_rows.STATISTICS, line)
    left.add(odd_rows.WORDS, "x" * 200)
    assert left.count == 3
    first, second = left.sentences("log.csv")
    assert first == f"log.csv: 2 lines {odd_rows.STATISTICS}; left out (the first: 'Mean,1,2')."
    assert len(second) < 200


def test_the_same_headings_are_known_again() -> None:
    assert odd_rows.same_fields(["Time ", '"Voltage"', ""], ["time", "voltage"])
    assert not odd_rows.same_fields(["time"], ["time", "voltage"])
    assert not odd_rows.same_fields([], [])
    assert odd_rows.tag_of("BATT:", [["BATT:", "1"], ["BATT:", "2"]]) == "BATT:"
    assert odd_rows.tag_of("Time", [["1"], ["2"]]) == ""
