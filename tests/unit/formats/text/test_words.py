"""Units, headings, stamps and numbers as instruments spell them."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.formats.text.labels import quantity_of, read_label
from tandem_em.formats.text.numbers import block, to_number
from tandem_em.formats.text.stamps import (
    epoch_seconds,
    find_order,
    parse_clock,
    parse_duration,
    parse_stamp,
)
from tandem_em.formats.text.units import parse_unit


@pytest.mark.parametrize(("text", "dimension", "factor"), [
    ("mA", "current", 1e-3), ("µA", "current", 1e-6), ("uA", "current", 1e-6), ("pA", "current", 1e-12), ("mV", "voltage", 1e-3),
    ("V vs. Ref.", "voltage", 1), ("mA.h", "charge", 3.6), ("A.h", "charge", 3600), ("mAh", "charge", 3.6), ("Ah", "charge", 3600),
    ("W.h", "energy", 3600), ("h", "time", 3600), ("min", "time", 60), ("ms", "time", 1e-3), ("Milliseconds", "time", 1e-3),
    ("Hours", "time", 3600), ("kOhm", "resistance", 1e3), ("Ω", "resistance", 1), ("kHz", "frequency", 1e3), ("µF", "capacitance", 1e-6),
    ("Volts", "voltage", 1), ("Amp DC", "current", 1), ("degC", "temperature", 1), ("°C", "temperature", 1), ("MOhm", "resistance", 1e6),
])  # fmt: skip
def test_units(text: str, dimension: str, factor: float) -> None:
    unit = parse_unit(text)
    assert unit is not None
    assert unit.dimension == dimension
    assert unit.factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("text", ["", "mAh/g", "V/s", "#", "bits", "Ohm.cm", "Ohm-1", "Channel", "x"])
def test_words_that_are_no_units(text: str) -> None:
    assert parse_unit(text) is None


def test_kelvin_and_coulomb_or_celsius() -> None:
    kelvin = parse_unit("K")
    assert kelvin is not None
    assert 300 * kelvin.factor + kelvin.offset == pytest.approx(26.85)
    celsius, coulomb = parse_unit("C", "temperature"), parse_unit("C")
    assert celsius is not None
    assert coulomb is not None
    assert (celsius.dimension, coulomb.dimension) == ("temperature", "charge")


@pytest.mark.parametrize(("heading", "quantity"), [
    ("Ewe/V", "voltage"), ("<I>/mA", "current"), ("Test Time (s)", "time"), ("Step Time (s)", "step_time"), ("Amps", "current"),
    ("Charge_Capacity", "charge_capacity"), ("DChg. Cap.(Ah)", "discharge_capacity"), ("test_time_second", "time"), ("I_mA", "current"),
    ("current_ampere", "current"), ("Channel B Voltage", "voltage"), ("Tmeas[C]", "temperature"), ("Aux_Temperature_1 (C)", "temperature"),
    ("Total Time (Hours in hh:mm:ss.xxx)", "time"), ("-Im(Z)/Ohm", "impedance_imag"), ("freq/Hz", "frequency"), ("Cyc#", "cycle"),
    ("WE(1).Potential (V)", "voltage"), ("Spannung / V", "voltage"), ("T", "temperature"), ("mAh/g", None), ("dQ/dV (Ah/V)", None),
    ("Position Start Time", "skip"), ("p", None),
])  # fmt: skip
def test_headings(heading: str, quantity: str | None) -> None:
    assert quantity_of(read_label(heading)) == quantity


def test_stamps_of_many_instruments() -> None:
    def iso(text: str, order: str = "MDY") -> str:
        stamp = parse_stamp(text, order)  # type: ignore[arg-type]
        assert stamp is not None
        return stamp.when.isoformat()

    assert iso("01/16/2020 14:13:34.000") == "2020-01-16T14:13:34"
    assert iso("23-Nov-23 3:56:08 PM") == "2023-11-23T15:56:08"
    assert iso("16/04/'15 13:53", "DMY") == "2015-04-16T13:53:00"
    assert iso("2024-05-01T12:00:00.5+02:00") == "2024-05-01T12:00:00.500000+02:00"
    assert iso("2022-04-20T213025.275348+0000") == "2022-04-20T21:30:25.275348+00:00"
    assert iso("May 3, 2022 10:05 AM") == "2022-05-03T10:05:00"
    assert iso("Mon Jan 26 10:11:12 2015") == "2015-01-26T10:11:12"
    assert parse_stamp("no date here") is None
    assert parse_stamp("31/02/2020", "DMY") is None
    assert parse_clock("12:05am") == (300.0, 60.0)
    assert parse_clock("25:00:00") is None


def test_stamps_keep_their_microseconds_when_far_from_1970() -> None:
    first, second = (
        epoch_seconds(f"2024-05-01 12:00:00.{n:06d}", "YMD", 1714521600.0) for n in (123456, 123457)
    )
    assert first is not None
    assert second is not None
    assert second - first == pytest.approx(1e-6, rel=1e-4)


def test_durations() -> None:
    assert parse_duration("  0d 00:00:01.0000") == 1
    assert parse_duration("1d 02:03:04.5") == 93784.5
    assert parse_duration("100:00:00") == 360000
    assert parse_duration("00.00:06:45.416") == pytest.approx(405.416)
    assert parse_duration("12:70:00") is None
    assert parse_duration("3.5") is None


def test_order_of_dates_in_one_file() -> None:
    assert find_order(["10-2-2020", "9/12/2019", "8/19/2019"]) == ("MDY", True)
    assert find_order(["16/04/'15 13:53"]) == ("DMY", True)
    assert find_order([]) == ("YMD", True)


@pytest.mark.parametrize(("text", "decimal", "value"), [
    ("1,5", ",", 1.5), ("1.234,5", ",", 1234.5), ("1,234.5", ".", 1234.5), ("−1.5", ".", -1.5), ("+3.0E-009", ".", 3e-9),
    ("1.5D-3", ".", 1.5e-3), ('"2"', ".", 2), ("1'234.5", ".", 1234.5),
])  # fmt: skip
def test_numbers(text: str, decimal: str, value: float) -> None:
    assert to_number(text, decimal) == pytest.approx(value, rel=1e-15)


def test_what_is_no_number() -> None:
    for text in ("N/A", "", "--", "NaN", "OVLD"):
        assert np.isnan(to_number(text))
    for text in ("abc", "1_000", "1.2.3", "0x10", "12:30"):
        with pytest.raises(ValueError, match="not a number"):
            to_number(text)
    with pytest.raises(ValueError, match="decimal comma"):
        to_number("1.5", ",")


def test_fast_blocks_refuse_what_is_not_plain() -> None:
    assert block(["1,2,3", "4,5,6"], ",", ".", [0, 2], [3]).tolist() == [[1, 3], [4, 6]]  # type: ignore[union-attr]
    assert block(["1,2,3", "4,5"], ",", ".", [0, 2], [3]) is None
    assert block(["1,2,3", "4,,6"], ",", ".", [0, 1], [3]) is None
    assert block(["1;2.5", "4;5,5"], ";", ",", [0, 1], [2]) is None
