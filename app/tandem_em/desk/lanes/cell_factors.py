"""What a cell makes of an ampere: current density and C-rate."""

from __future__ import annotations

from tandem_em.model.curves import Cell

NO_AREA = "Set the electrode area: click here, or Cell…"
NO_CAPACITY = "Set the area and the theoretical capacity: click here, or Cell…"


def per_area(cell: Cell | None) -> float | None:
    """From A to A/cm²; None without an electrode area."""
    area = cell.electrode_area_cm2 if cell is not None else None
    return None if not area else 1.0 / area


def per_one_c(cell: Cell | None) -> float | None:
    """From A to multiples of 1C; None without area and capacity."""
    area = per_area(cell)
    capacity = cell.capacity_uAh_cm2 if cell is not None else None
    return None if area is None or not capacity else area / (capacity * 1e-6)
