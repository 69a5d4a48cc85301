"""Lanes of columns that have no lane of their own: `column:power`."""

from __future__ import annotations

from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.desk.lanes.source import Heading
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

PREFIX = "column:"


class OtherColumn(RunLane):
    """A column as it was recorded."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.column = kind.removeprefix(PREFIX)
        self.name = self.column.replace("_", " ").capitalize()
        self.title = self.name[:11]
        self.needs = (self.column,)

    def heading(self, session: Session) -> Heading:
        """The unit is that of the first run with this column."""
        column = next((run.columns[self.column] for run in session.runs if self.column in run.columns), None)
        return Heading(self.title, self.name, column.unit if column is not None else "")

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The column as it was recorded."""
        return [series_of(session, run, OfRun(run, self.column), key=self.column, role="other")]
