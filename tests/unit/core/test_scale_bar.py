"""A scale bar is a round length, in the unit that reads best."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.core.scale_bar import bar_length_nm, length_text


def test_lengths_read_well() -> None:
    assert [length_text(nm) for nm in (0.02, 0.5, 50, 2000)] == ["20 pm", "0.5 nm", "50 nm", "2 µm"]


@pytest.mark.parametrize(
    ("across", "length"), [(10, 2), (100, 20), (0.1, 0.02), (3333, 500), (1000 / 0.3, 1000)]
)
def test_the_longest_round_length_below_the_share(across: float, length: float) -> None:
    assert bar_length_nm(across) == pytest.approx(length)


@given(st.floats(1e-4, 1e7))
def test_it_fills_a_good_part_of_its_share_and_not_more(across: float) -> None:
    length = bar_length_nm(across, 0.5)
    assert 0.39 * 0.5 * across < length <= 0.5 * across * (1 + 1e-8)
    assert f"{length:e}"[:8] in ("1.000000", "2.000000", "5.000000")
