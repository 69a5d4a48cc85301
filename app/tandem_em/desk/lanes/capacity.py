"""The areal capacity lane: the charge passed by the electrode area."""

from __future__ import annotations

from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.lanes.cell_factors import NO_AREA, per_area
from tandem_em.desk.lanes.charge import PASSED
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session


class Capacity(RunLane):
    """The areal capacity lane; needs the electrode area of the cell."""

    kind, title, name, unit = "capacity", "Capacity", "Areal capacity", "Ah/cm²"
    needs = ("current",)
    asks = "cell"
    table_unit, table_factor = "µAh/cm²", 1e6

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The passed charge in Ah/cm²; nothing while the area is unknown."""
        factor = per_area(cell_of(session, run))
        if factor is None:
            return []
        return [
            series_of(
                session, run, OfRun(run, PASSED), key=self.kind, role="charge", factor=factor / 3600.0,
                quantity="areal capacity",
            )
        ]  # fmt: skip

    def missing(self, session: Session, *, asked: bool) -> str:
        """Asks for the area when there is a run that could be shown."""
        return NO_AREA if any(True for _ in self.runs(session)) else ""
