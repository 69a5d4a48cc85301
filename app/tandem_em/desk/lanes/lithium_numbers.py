"""The lithium ledger: what swelling and charge say about the same lithium, both as x in LixSi."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.model.curves import Cell

SI_NM3 = 0.02002
"""Volume of an atom of crystalline silicon (a = 0.5431 nm)."""
LI_NM3 = 0.0148
"""Volume a lithium atom adds to the alloy: 8.9 cm³/mol, Obrovac et al., J. Electrochem. Soc. 154 (2007) A849."""
FULL_X = 3.75
"""Li15Si4, what a charge of the theoretical capacity makes."""
ELEMENTARY_C = 1.602176634e-19


def x_from_volume(ratio: Floats) -> Floats:
    """x from V/V0, swelling alike in all directions."""
    return np.asarray((ratio - 1.0) * (SI_NM3 / LI_NM3))


def x_per_coulomb(cell: Cell | None) -> float | None:
    """x for each coulomb, of an electrode of known capacity; lithium enters silicon at the sign that is discharge."""
    area = cell.electrode_area_cm2 if cell is not None else None
    if cell is None or not area or not cell.capacity_uAh_cm2:
        return None
    full_C = cell.capacity_uAh_cm2 * area * 3600e-6
    return (-1.0 if cell.positive_current_is_charge else 1.0) * FULL_X / full_C


@dataclass(frozen=True)
class ChargeAsX:
    """x in LixSi is `per_coulomb` times the charge since `zero_C`; the label says where the factor comes from."""

    per_coulomb: float
    zero_C: float
    label: str


def charge_as_x(
    known: float | None,
    charge_t: Floats,
    swelling: Sequence[tuple[Floats, Floats]],
    charge_at: Callable[[float], float],
) -> ChargeAsX | None:
    """How the charge of a run reads as lithium, beside the swelling (t, x) of particles filmed meanwhile.

    It is zero where the movie begins. With the capacity of the electrode (`known`) it is an estimate of its own; without,
    it is scaled to the mean swelling at its height, and the label says how much silicon that would be.
    """
    if not swelling or not len(charge_t):
        return None
    times = np.unique(np.concatenate([t for t, _ in swelling]))
    mean = np.mean([np.interp(times, t, np.nan_to_num(x)) for t, x in swelling], axis=0)
    inside = (times >= charge_t[0]) & (times <= charge_t[-1])
    if not inside.any():
        return None
    # Scaled at the height of the swelling, where its relative error is least.
    top = int(np.argmax(np.where(inside, mean, -np.inf)))
    # Zero at the first swelling within the run, so that both start together.
    begin, end = charge_at(float(times[inside][0])), charge_at(float(times[top]))
    scale = known if known is not None else float(mean[top]) / (end - begin) if end != begin else np.nan
    # A gap of the log where the movie begins, or no charge passed at all.
    if not np.isfinite(begin) or not np.isfinite(scale):
        return None
    label = "charge" if known is not None else f"charge, if {silicon_um3(scale):.2g} µm³ Si"
    return ChargeAsX(scale, begin, label)


def silicon_um3(per_coulomb: float) -> float:
    """How much silicon there is when a coulomb changes x by so much."""
    return SI_NM3 * 1e-9 / (ELEMENTARY_C * abs(per_coulomb))
