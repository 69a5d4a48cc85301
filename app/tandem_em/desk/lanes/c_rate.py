"""The C-rate lane: current in multiples of what charges the cell in an hour."""

from __future__ import annotations

from tandem_em.desk.lanes.cell_factors import NO_CAPACITY, per_one_c
from tandem_em.desk.lanes.current import ScaledCurrent
from tandem_em.model.curves import Cell


class CRate(ScaledCurrent):
    """The C-rate lane; needs electrode area and theoretical capacity of the cell."""

    kind, title, name, caption = "c_rate", "C-rate", "C-rate", "C"
    quantity, no_factor = "C-rate", NO_CAPACITY

    def factor(self, cell: Cell | None) -> float | None:
        """From A to multiples of 1C; None without area and capacity."""
        return per_one_c(cell)
