"""The current density lane: current by the electrode area."""

from __future__ import annotations

from tandem_em.desk.lanes.cell_factors import NO_AREA, per_area
from tandem_em.desk.lanes.current import ScaledCurrent
from tandem_em.model.curves import Cell


class Density(ScaledCurrent):
    """The current density lane; needs the electrode area of the cell."""

    kind, title, name, unit = "density", "Density", "Current density", "A/cm²"
    quantity, no_factor = "current density", NO_AREA

    def factor(self, cell: Cell | None) -> float | None:
        """From A to A/cm²; None without an area."""
        return per_area(cell)
