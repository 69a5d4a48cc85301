"""The two estimates of the same lithium."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.desk import lithium
from tandem_em.model.curves import Cell


def test_full_lithiation_is_nearly_fourfold_volume() -> None:
    assert lithium.x_from_volume(np.array([1.0]))[0] == 0
    assert lithium.x_from_volume(np.array([3.77]))[0] == pytest.approx(lithium.FULL_X, abs=0.05)


def test_a_discharged_capacity_fills_silicon() -> None:
    cell = Cell(area_um2=10.0, capacity_uAh_cm2=80.0)
    per_coulomb = lithium.x_per_coulomb(cell)
    assert per_coulomb is not None
    full_C = 80e-6 * 3600 * 10e-8
    assert -full_C * per_coulomb == pytest.approx(lithium.FULL_X)
    assert lithium.x_per_coulomb(Cell()) is None
    atoms = full_C / lithium.ELEMENTARY_C / lithium.FULL_X
    assert lithium.silicon_um3(per_coulomb) == pytest.approx(atoms * lithium.SI_NM3 * 1e-9)
