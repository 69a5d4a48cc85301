"""The calculator knows the numbers of the field."""

from __future__ import annotations

import pytest

from tandem_em.analysis.cycling.cell_numbers import (
    areal_capacity_uAh_cm2,
    c_rate,
    calculate,
    capacity_uAh_cm2,
    density_uA_cm2,
    density_warning,
    find_chemistry,
    limiting_capacity_uAh_cm2,
    readable,
)


def test_density_and_c_rate() -> None:
    assert c_rate(100.0, 80.0) == pytest.approx(1.25)
    assert density_uA_cm2(1e-12, 2.5) == pytest.approx(40)
    answer = calculate(2.5, 80, current_A=1e-12)
    assert (answer.density_uA_cm2, answer.c_rate, answer.full_charge_s) == pytest.approx((40, 0.5, 7200))
    assert calculate(2.5, 80, rate=0.5).current_A == pytest.approx(1e-12)
    assert calculate(2.5, 80, density_uA_cm2=40).current_A == pytest.approx(1e-12)
    assert calculate(2.5, current_A=1e-12).c_rate is None


def test_a_milliampere_through_a_lamella_is_warned_of_with_the_figure() -> None:
    words = density_warning(1e-3, 1e-8)
    assert "1e8 mA/cm²" in words
    assert "1 mA over 1 µm²" in words
    assert density_warning(1e-12, 1e-8) == ""
    assert calculate(1.0, current_A=1e-3).warning == words


def test_exactly_one_number_is_given() -> None:
    with pytest.raises(ValueError, match="one of"):
        calculate(1.0, 80, current_A=1.0, rate=1.0)
    with pytest.raises(ValueError, match="needs the areal capacity"):
        calculate(1.0, rate=1.0)


def test_layers() -> None:
    layers = [{"name": "Cu", "thickness_nm": 500}, {"name": "Si", "thickness_nm": 100}, {"name": "LiPON", "thickness_nm": 1000},
              {"name": "LiCoO2", "thickness_nm": 2000}]  # fmt: skip
    assert limiting_capacity_uAh_cm2(layers) == pytest.approx(83.4, rel=0.01)
    assert limiting_capacity_uAh_cm2([{"name": "Cu", "thickness_nm": 5}]) is None
    assert areal_capacity_uAh_cm2("unobtainium", 100) is None
    lco = find_chemistry("LCO")
    assert lco is not None
    assert lco.name == "LiCoO2"
    assert find_chemistry("LiCoO₂") is lco


def test_capacity_and_readable_numbers() -> None:
    assert capacity_uAh_cm2(3.6e-3, 1.0) == pytest.approx(1.0)
    assert readable(2.5e-12, "A") == "2.5 pA"
    assert readable(-0.2, "V") == "-200 mV"
    assert readable(0.0, "A") == "0 A"
    assert readable(1e-18, "A") == "0.001 fA"
