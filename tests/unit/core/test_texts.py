"""Numbers read as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tandem_em.core.texts import (
    byte_size,
    counted,
    duration,
    field_text,
    figure,
    parse_quantity,
    prefix_for,
    quantity,
    read_quantity,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-9.24e-11, "A", "−92.4 pA"),
        (2.5e-10, "A", "250 pA"),
        (-0.2, "V", "−200 mV"),
        (3.6, "V", "3.60 V"),
        (0.0, "A", "0.00 A"),
        (float("nan"), "A", "– A"),
        (120.0, "s", "120 s"),
        (1e-12, "A", "1.00 pA"),
        (1e-18, "A", "0.00100 fA"),
        (5.0, "nm", "5.00 nm"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_a_count_is_right_in_singular_and_plural() -> None:
    assert [counted(n, "line") for n in (0, 1, 2, 12_000)] == [
        "0 lines",
        "1 line",
        "2 lines",
        "12\u202f000 lines",
    ]
    assert (counted(1, "axis", "axes"), counted(2, "axis", "axes")) == ("1 axis", "2 axes")


def test_prefix_keeps_values_between_one_and_a_thousand() -> None:
    for exponent in range(-14, 12):
        factor, _ = prefix_for(3.3 * 10.0**exponent, "A")
        assert 1 <= 3.3 * 10.0**exponent * factor < 1000


def test_others() -> None:
    assert duration(95.4) == "00:01:35"
    assert byte_size(2_500_000) == "2.5 MB"
    assert figure(1.5e8) == "1.50e8"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        *[(f"500{blank}{spelt}", "µm²", 500.0) for blank in ("", " ") for spelt in ("um2", "um^2", "um²", "µm²", "µm2", "μm²", "µm^2", "µm**2", "μm 2")],
        ("500 cm2", "µm²", 5e10), ("1e-7 cm2", "µm²", 10.0), ("1e-7cm^2", "µm²", 10.0), ("1×10⁻⁷ cm²", "µm²", 10.0),
        ("1·10^-7 cm2", "µm²", 10.0), ("2 mm2", "µm²", 2e6), ("2 mm²", "µm²", 2e6), ("2 m2", "µm²", 2e12),
        ("2 nm2", "µm²", 2e-6), ("0,5 mm2", "µm²", 5e5), ("1 000 µm²", "µm²", 1000.0), ("12\u202f345 µm²", "µm²", 12345.0),
        ("2.5 µm", "µm", 2.5), ("850nm", "µm", 0.85), ("20 Å", "nm", 2.0), ("20 \N{ANGSTROM SIGN}", "nm", 2.0),
        ("20 A\u030a", "nm", 2.0), ("3 microns", "nm", 3000.0), ("1 cm", "µm", 1e4),
        ("10 pA", "A", 1e-11), ("10p", "A", 1e-11), ("2,5 nA", "A", 2.5e-9), ("5uA", "A", 5e-6), ("5 μA", "A", 5e-6),
        ("−3 A", "A", -3.0), ("1e-11", "A", 1e-11), ("5 na", "A", 5e-9), (".5", "A", 0.5), ("5.", "A", 5.0),
        ("1,5 mAh/cm2", "µAh/cm²", 1500.0), ("80 µAh/cm²", "µAh/cm²", 80.0), ("80 uAh/cm^2", "µAh/cm²", 80.0),
        ("1.5 mAh cm-2", "µAh/cm²", 1500.0), ("1.5 mAh·cm⁻²", "µAh/cm²", 1500.0), ("1 Ah/m2", "µAh/cm²", 100.0),
        ("40 uA/cm2", "µA/cm²", 40.0), ("50 mV", "V", 0.05), ("50 mv", "V", 0.05), ("5 mV/s", "V/s", 0.005),
        ("5 mV per s", "V/s", 0.005), ("30", "s", 30.0), ("5 min", "s", 300.0), ("1,5 h", "s", 5400.0), ("5 ms", "s", 0.005),
        ("2 kHz", "Hz", 2000.0), ("1 nAh", "C", 3.6e-6), ("0.53 keV", "eV", 530.0), ("12.5", "", 12.5),
        ("C/5", "C-rate", 0.2), ("0,5C", "C-rate", 0.5), ("2C/3", "C-rate", 2 / 3), ("1.25", "C-rate", 1.25),
    ],
)  # fmt: skip
def test_a_quantity_is_read_in_any_usual_spelling(text: str, unit: str, value: float) -> None:
    assert read_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5 mA", "A", 5e-3), ("5 MA", "A", 5e6), ("5 m", "A", 5e-3), ("5 M", "A", 5e6), ("5 m", "µm", 5e6),
        ("2 mm2", "µm²", 2e6), ("2 Mm2", "µm²", 2e24), ("2 m2", "µm²", 2e12), ("2 min", "s", 120.0), ("2 h", "s", 7200.0),
        ("2 d", "s", 172800.0), ("2 cm", "nm", 2e7), ("2 dm", "nm", 2e8), ("2 e", "e", 2.0), ("2e3 e", "e", 2000.0),
    ],
)  # fmt: skip
def test_prefixes_are_no_units_and_keep_their_case(text: str, unit: str, value: float) -> None:
    assert read_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("ten", "A", "“ten” does not begin with a number"), ("", "A", "does not begin with a number"),
        ("5 V", "A", "“5 V” cannot be brought to A: write for example 10 pA"), ("20 A", "nm", "cannot be brought to nm"),
        ("500 cm", "µm²", "cannot be brought to µm²: write for example 500 µm2"), ("5 %", "A", "cannot be brought to A"),
        ("5 parsec", "µm²", "has a unit that is not known here"), ("2 MM2", "µm²", "not known here"),
        ("10 PA", "A", "not known here"), ("5 cA", "A", "not known here"), ("5 A/", "A", "not known here"),
        ("5 m", "s", "can be minutes or milliseconds"), ("1.000,5", "A", "not one number"), ("3..5", "A", "not one number"),
        ("1e999 A", "A", "too large or too small"), ("9" * 500, "A", "does not begin"), ("1 Ah", "C-rate", "not a C-rate"),
        ("C/0", "C-rate", "not a C-rate"), ("5 V", "", "cannot be brought to a plain number"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence(text: str, unit: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_quantity(text, unit)
    assert parse_quantity(text, unit) is None


def test_a_number_alone_is_in_the_unit_that_is_shown() -> None:
    assert read_quantity("20", "A", 1e-12) == 2e-11
    assert read_quantity("20 nA", "A", 1e-12) == 2e-8


FIELD_UNITS = (
    "µm²", "µm", "nm", "µAh/cm²", "µA/cm²", "A", "V", "s", "Hz", "C", "C-rate", "V/s", "", "eV", "Ah", "W", "J", "Ω", "e", "B",
    "A/cm²", "Ah/cm²", "C/cm²", "A/g", "Ah/g", "Ah/V", "Ah/V/cm²", "F", "cm²/s",
)  # fmt: skip
SIZES = st.floats(1e-17, 1e17) | st.floats(-1e17, -1e-17) | st.just(0.0)


@given(SIZES, st.sampled_from(FIELD_UNITS), st.booleans())
def test_what_a_field_shows_is_read_back_as_the_same(value: float, unit: str, fixed: bool) -> None:
    text, shown = field_text(value, unit, fixed, digits=17)
    assert read_quantity(text, unit) == pytest.approx(value, rel=1e-14)
    number = text.split(" ")[0]
    assert read_quantity(number, unit, shown) == pytest.approx(value, rel=1e-14)
    assert read_quantity(field_text(value, unit, fixed)[0], unit) == pytest.approx(value, rel=1e-4)


@given(SIZES, st.sampled_from(FIELD_UNITS))
def test_what_is_written_anywhere_is_read_back(value: float, unit: str) -> None:
    if unit == "C-rate":
        return
    if value == 0 or 1e-12 < abs(value) < 1e15:
        assert read_quantity(quantity(value, unit, 6), unit) == pytest.approx(value, rel=6e-3, abs=5e-22)


def answer(text: str, unit: str) -> float | str:
    try:
        return read_quantity(text, unit)
    except ValueError as error:
        return str(error)


@given(
    st.text(max_size=90)
    | st.from_regex(
        r"[-+−]?[0-9]{1,4}[.,]?[0-9]{0,3}(e[-+]?[0-9]{1,3})? ?[µumnpkMGTcdfAVhsC2^/·⁻²Å. -]{0,8}",
        fullmatch=True,
    ),
    st.sampled_from(FIELD_UNITS),
)
@example("9e200 Tm9", "cm²/s")
@example("9e200 TA9 A-8", "A")
def test_any_text_is_a_finite_number_or_a_sentence(text: str, unit: str) -> None:
    found = answer(text, unit)
    assert math.isfinite(found) if isinstance(found, float) else found.endswith(".")
