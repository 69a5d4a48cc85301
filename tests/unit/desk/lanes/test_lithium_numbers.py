"""The two estimates of the same lithium."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.desk.lanes import lithium_numbers
from tandem_em.model.curves import Cell


def test_full_lithiation_is_nearly_fourfold_volume() -> None:
    assert lithium_numbers.x_from_volume(np.array([1.0]))[0] == 0
    assert lithium_numbers.x_from_volume(np.array([3.77]))[0] == pytest.approx(
        lithium_numbers.FULL_X, abs=0.05
    )


def test_a_discharged_capacity_fills_silicon() -> None:
    cell = Cell(area_um2=10.0, capacity_uAh_cm2=80.0)
    per_coulomb = lithium_numbers.x_per_coulomb(cell)
    assert per_coulomb is not None
    full_C = 80e-6 * 3600 * 10e-8
    assert -full_C * per_coulomb == pytest.approx(lithium_numbers.FULL_X)
    assert lithium_numbers.x_per_coulomb(Cell()) is None
    atoms = full_C / lithium_numbers.ELEMENTARY_C / lithium_numbers.FULL_X
    assert lithium_numbers.silicon_um3(per_coulomb) == pytest.approx(atoms * lithium_numbers.SI_NM3 * 1e-9)
