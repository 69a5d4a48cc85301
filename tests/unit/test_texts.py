"""Numbers read as people write them."""

from __future__ import annotations

import pytest

from tandem_em.texts import byte_size, duration, figure, prefix_for, quantity


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


def test_prefix_keeps_values_between_one_and_a_thousand() -> None:
    for exponent in range(-14, 12):
        factor, _ = prefix_for(3.3 * 10.0**exponent, "A")
        assert 1 <= 3.3 * 10.0**exponent * factor < 1000


def test_others() -> None:
    assert duration(95.4) == "00:01:35"
    assert byte_size(2_500_000) == "2.5 MB"
    assert figure(1.5e8) == "1.50e8"
