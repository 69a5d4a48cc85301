"""The voltage lane: as recorded, with the safe window of the cell."""

from __future__ import annotations

from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.lanes.placing import ends
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import Limit, OfRun, Series
from tandem_em.desk.stacks.stack import is_growing
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

NO_RUN = "Drop a biasing log here, or open one (Ctrl+O)."
NO_SAMPLE = "No sample has come yet."


class Voltage(RunLane):
    """The voltage lane, in volts."""

    kind, title, name, unit = "voltage", "Voltage", "Voltage", "V"
    needs = ("voltage",)
    asks = "text"

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The voltage as it was recorded."""
        return [series_of(session, run, OfRun(run, "voltage"), key=self.kind, role="voltage")]

    def limits(self, session: Session) -> list[Limit]:
        """Of all runs that are shown, each once as long as they were recorded at the same time."""
        found: list[Limit] = []
        for run in self.runs(session):
            cell = cell_of(session, run)
            window = ((cell.safe_low_V, "safe from"), (cell.safe_high_V, "safe to")) if cell else ()
            for value, label in window:
                if value is not None:
                    name = f"{label} {value:g} V".replace("-", "−")
                    _add(found, Limit(value, name, *ends(run)))
        return found

    def missing(self, session: Session, *, asked: bool) -> str:
        """How to get a run; while a movie is being recorded, that no sample has come."""
        if len(session.runs):
            return ""
        return NO_SAMPLE if any(map(is_growing, session.stacks)) else NO_RUN


def _add(found: list[Limit], limit: Limit) -> None:
    overlapping = (
        other.start <= limit.end and other.end >= limit.start for other in found if other.value == limit.value
    )
    if not any(overlapping):
        found.append(limit)
