"""The current lane: as recorded less its zero."""

from __future__ import annotations

from abc import abstractmethod

from tandem_em.desk.biasing.runs import cell_of
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.model.curves import BiasRun, Cell
from tandem_em.model.session import Session


class Current(RunLane):
    """The current lane, in amperes."""

    kind, title, name, unit = "current", "Current", "Current", "A"
    needs = ("current",)
    asks = "text"

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The current with the zero of the run subtracted."""
        return [scaled_current(session, run, self.kind, 1.0, "current less zero")]


class ScaledCurrent(RunLane):
    """The current in multiples of what the cell makes of an ampere."""

    needs = ("current",)
    asks = "cell"
    quantity: str
    """Heading of its column in the table of a run."""
    no_factor: str
    """What is missing without a factor."""

    @abstractmethod
    def factor(self, cell: Cell | None) -> float | None:
        """None while the cell is not described."""

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The current less zero times the factor of the cell; nothing while that is None."""
        factor = self.factor(cell_of(session, run))
        return [] if factor is None else [scaled_current(session, run, self.kind, factor, self.quantity)]

    def missing(self, session: Session, *, asked: bool) -> str:
        """What the cell lacks, when there is a run that could be shown."""
        return self.no_factor if any(True for _ in self.runs(session)) else ""


def scaled_current(session: Session, run: BiasRun, kind: str, factor: float, quantity: str) -> Series:
    """Series of (current − zero) × `factor`; the recorded samples are not touched."""
    return series_of(
        session, run, OfRun(run, "current"), key=kind, role="current", factor=factor,
        shift=-run.zero_current_A * factor, quantity=quantity,
    )  # fmt: skip
