"""The lithium ledger: what swelling and charge say about the same lithium, both as x in LixSi."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.curves import Cell

SI_NM3 = 0.02002
"""Volume of an atom of crystalline silicon (a = 0.5431 nm)."""
LI_NM3 = 0.0148
"""Volume a lithium atom adds to the alloy: 8.9 cm³/mol, Obrovac et al., J. Electrochem. Soc. 154 (2007) A849."""
FULL_X = 3.75
"""Li15Si4, what a charge of the theoretical capacity makes."""
ELEMENTARY_C = 1.602176634e-19


def x_from_volume(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """x from V/V0, swelling alike in all directions."""
    return np.asarray((ratio - 1.0) * (SI_NM3 / LI_NM3))


def x_per_coulomb(cell: Cell | None) -> float | None:
    """x for each coulomb, of an electrode of known capacity; lithium enters silicon at the sign that is discharge."""
    area = cell.electrode_area_cm2 if cell is not None else None
    if cell is None or not area or not cell.capacity_uAh_cm2:
        return None
    full_C = cell.capacity_uAh_cm2 * area * 3600e-6
    return (-1.0 if cell.positive_current_is_charge else 1.0) * FULL_X / full_C


def silicon_um3(per_coulomb: float) -> float:
    """How much silicon there is when a coulomb changes x by so much."""
    return SI_NM3 * 1e-9 / (ELEMENTARY_C * abs(per_coulomb))
