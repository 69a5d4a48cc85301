"""Names, units and chunk shapes of a session file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.storage.codec import layout

SIZES = st.integers(1, 20_000)


@given(st.text(max_size=100))
def test_any_text_becomes_a_name_every_reader_accepts(text: str) -> None:
    name = layout.safe_name(text)
    assert re.fullmatch(r"[0-9A-Za-z_]{1,60}", name)
    assert layout.safe_name(name) in (name, name.strip("_"))


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("dwell_s", "s"), ("area_um2", "um^2"), ("capacity_uAh_cm2", "uA*h/cm^2"), ("rate_e_A2s", "e/angstrom^2/s"),
        ("dose_e_A2", "e/angstrom^2"), ("zero_current_A", "A"), ("zero_current_error_A", "A"), ("pixel_nm", "nm"),
        ("times", "s"), ("t", "s"), ("name", ""), ("s", ""), ("frames", ""), ("rate_ppm", "ppm"), ("energy_eV", "eV"),
    ],
)  # fmt: skip
def test_the_unit_is_read_from_the_name_of_a_field(field: str, unit: str) -> None:
    assert layout.unit_of(field) == unit


@given(st.sampled_from(["movie", "bias", "a_1"]), st.integers(0, 5000))
def test_numbers_of_names_come_back(stem: str, number: int) -> None:
    assert layout.number_of(layout.numbered(stem, number)) == number


def test_names_without_a_number_have_none() -> None:
    assert layout.number_of("session") == 0
    assert layout.number_of("movie_012_raw") == 0


@given(st.tuples(SIZES, SIZES, SIZES), st.sampled_from([1, 2, 4, 8]))
def test_one_frame_is_one_chunk_as_long_as_it_is_not_huge(shape: tuple[int, int, int], itemsize: int) -> None:
    one, rows, columns = layout.frame_chunks(shape, itemsize)
    assert (one, columns) == (1, shape[2])
    assert 1 <= rows <= shape[1]
    assert rows * columns * itemsize <= layout.MAX_FRAME_CHUNK
    if shape[1] * shape[2] * itemsize <= layout.MAX_FRAME_CHUNK:
        assert rows == shape[1]


@given(st.tuples(SIZES, SIZES, st.integers(1, 3_000_000)), st.sampled_from([1, 2, 4, 8]))
def test_spectra_are_never_cut(shape: tuple[int, int, int], itemsize: int) -> None:
    rows, columns, channels = layout.spectrum_chunks(shape, itemsize)
    assert channels == shape[2]
    assert 1 <= rows <= min(8, shape[0])
    assert 1 <= columns <= min(8, shape[1])
    assert rows * columns == 1 or rows * columns * channels * itemsize <= 4 << 20


def test_every_kind_has_a_place_of_its_own() -> None:
    places = [(place.folder, place.stem) for place in layout.PLACES.values()]
    assert len(set(places)) == len(places)
    other = layout.place_of("lattice fit/2")
    assert (other.folder, other.stem) == ("entry/lattice_fit_2_items", "lattice_fit_2")


@pytest.mark.parametrize("text", ["", "one", "1.x", ".1", "1.0.2"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        layout.version_tuple(text)


def test_versions_are_compared_as_numbers() -> None:
    assert layout.version_tuple("1.10") > layout.version_tuple("1.9")
    assert layout.version_tuple("2") == (2, 0)
