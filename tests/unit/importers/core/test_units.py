"""Units as microscope files spell them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.importers.core import units


@pytest.mark.parametrize(
    ("text", "nm"),
    [
        ("nm", 1.0), ("µm", 1e3), ("\u03bcm", 1e3), ("\\u00B5m", 1e3), ("Å", 0.1), ("\u212b", 0.1), ("A", 0.1), ("m", 1e9),
        (b"nm", 1.0), (" nm\x00", 1.0), ("Micron", 1e3), ("[nm]", 1.0), ("pm", 1e-3), ("1/nm", None), ("nm^-1", None),
        ("mrad", None), ("", None), (None, None), ("<undefined>", None), ("pixels", None), (3, None), ("s", None),
    ],
)  # fmt: skip
def test_lengths(text: object, nm: float | None) -> None:
    assert units.length_nm(text) == nm


@pytest.mark.parametrize(
    ("text", "eV"),
    [
        ("eV", 1.0), ("keV", 1e3), ("meV", 1e-3), ("MeV", 1e6), ("Energy loss (eV)", 1.0), ("Energy (keV)", 1e3),
        ("nm", None), ("", None), ("(eV", None),
    ],
)  # fmt: skip
def test_energies_tell_milli_from_mega(text: str, eV: float | None) -> None:
    assert units.energy_eV(text) == eV


@pytest.mark.parametrize(
    ("text", "s"), [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("Minutes", 60.0), ("nm", None)]
)
def test_times(text: str, s: float | None) -> None:
    assert units.time_s(text) == s


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1/nm", True),
        ("1 / nm", True),
        ("nm^-1", True),
        ("nm⁻¹", True),
        ("mrad", True),
        ("nm", False),
        ("", False),
    ],
)
def test_what_is_measured_in_diffraction(text: str, is_one: bool) -> None:
    assert units.is_reciprocal(text) is is_one


def test_no_word_is_two_things() -> None:
    for one, other in (
        (units.LENGTH_NM, units.ENERGY_EV),
        (units.LENGTH_NM, units.TIME_S),
        (units.ENERGY_EV, units.TIME_S),
    ):
        assert not one.keys() & other.keys()


@given(
    st.one_of(
        st.floats(), st.integers(), st.text(), st.binary(), st.none(), st.booleans(), st.lists(st.integers())
    )
)
def test_a_number_is_finite_or_none_whatever_a_tag_holds(value: object) -> None:
    found = units.number(value)
    assert found is None or (isinstance(found, float) and math.isfinite(found))
    above = units.positive(value)
    assert above is None or above > 0
    assert above == (found if found is not None and found > 0 else None)


@pytest.mark.parametrize(
    ("value", "number"),
    [("1.5", 1.5), (b" 2e3 ", 2000.0), ("1,5", None), (True, None), ("inf", None), (10**400, None)],
)
def test_numbers_in_texts(value: object, number: float | None) -> None:
    assert units.number(value) == number


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.floats()))
def test_any_tag_is_asked_for_a_unit_without_harm(value: object) -> None:
    for ask in (units.length_nm, units.energy_eV, units.time_s, units.is_reciprocal):
        ask(value)
