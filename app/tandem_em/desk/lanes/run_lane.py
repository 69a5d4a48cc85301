"""What all lanes of biasing runs share: a series for each visible run that has the columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from tandem_em.desk.lanes.placing import is_alone, is_unplaced
from tandem_em.desk.lanes.series import Interval, OfRun, Series
from tandem_em.desk.lanes.source import LaneSource
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session


class RunLane(LaneSource):
    """A lane of runs; a run's table has a column for whatever is not simply recorded."""

    has_table = False
    needs: tuple[str, ...] = ()
    """Columns a run must have."""
    table_unit: str | None = None
    """Unit of the column in the table of a run, where it is not that of the lane, and how to get there."""
    table_factor: float = 1.0

    @abstractmethod
    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The series of a run that has samples; none where something else is missing."""

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """The series of every visible run that has the columns; the span does not matter."""
        return [series for run in self.runs(session) for series in self.of_run(session, run)]

    def runs(self, session: Session) -> Iterator[BiasRun]:
        """The visible runs that have samples and the columns."""
        return (run for run in session.runs if run.visible and self.has(run))

    def has(self, run: BiasRun) -> bool:
        """Whether a run has samples and all columns in `needs`."""
        return len(run) > 0 and all(name in run.columns for name in self.needs)


def series_of(
    session: Session, run: BiasRun, samples: OfRun, *, key: str, role: str = "", name: str = "", colour: str = "",
    factor: float = 1.0, shift: float = 0.0, quantity: str = "",
) -> Series:  # fmt: skip
    """In the colour of the quantity, unless another run was recorded at the same time: then in that of the run."""
    alone = is_alone(session, run)
    return Series(
        key=f"{run.id}:{key}", name=name or run.name, colour=(alone and colour) or run.colour, role=role if alone else "",
        samples=samples, factor=factor, shift=shift, quantity=quantity, is_unplaced=is_unplaced(session, run),
    )  # fmt: skip
