"""The lanes of the electron dose and its rate: as computed from counts, else from the typed rate over the movie."""

from __future__ import annotations

import numpy as np

from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.numbers import in_order
from tandem_em.desk.lanes.series import SPARE_COLOURS, Interval, Limit, Points, Series
from tandem_em.desk.lanes.source import LaneSource
from tandem_em.model.results.of_stacks import Dose as Measured
from tandem_em.model.session import Session

NO_DOSE = "Enter the dose rate or calibrate the counts in the image stack (⋯, Dose)."
COLOUR = SPARE_COLOURS[3]


class DoseRate(LaneSource):
    """The lane of the dose rate, in e⁻/Å²s."""

    kind, title, name, unit = "dose_rate", "Dose rate", "Dose rate", "e⁻/Å²s"
    from_zero, has_table = True, False
    array = "rate_e_A2s"

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """The newest measured dose; without one, what the typed rate makes over the movie."""
        found = _computed(session, self.array)
        return [found] if found is not None else self._typed(session)

    def missing(self, session: Session, *, asked: bool) -> str:
        """How to enter a dose, said only when the lane was switched on by hand."""
        return NO_DOSE if asked else ""

    def _typed(self, session: Session) -> list[Series]:
        """A rate that holds for the whole movie needs two points."""
        dose = session.doses.first
        if dose is None or not dose.rate_e_A2s:
            return []
        stack = session.stacks.get(dose.stack_id) or session.stacks.first
        times = stack.t[np.isfinite(stack.t)] if stack is not None else np.zeros(0)
        extent = (float(times.min()), float(times.max())) if len(times) else session.extent()
        if extent is None or extent[1] <= extent[0]:
            return []
        x = np.array(extent)
        points = Points(x, self._over(x, dose.rate_e_A2s))
        return [
            Series(key=f"{dose.id}:{self.array}", name="dose", role="dose", colour=COLOUR, samples=points, is_linear=True)
        ]  # fmt: skip

    def _over(self, x: Floats, rate: float) -> Floats:
        return np.full(len(x), rate)


class Dose(DoseRate):
    """The lane of the accumulated dose, in e⁻/Å²."""

    kind, title, name, unit = "dose", "Dose", "Dose", "e⁻/Å²"
    array = "dose_e_A2"

    def limits(self, session: Session) -> list[Limit]:
        """The dose budget, where one is set."""
        dose = session.doses.first
        return [Limit(dose.budget_e_A2, "budget")] if dose is not None and dose.budget_e_A2 else []

    def _over(self, x: Floats, rate: float) -> Floats:
        return (x - x[0]) * rate


def _computed(session: Session, array: str) -> Series | None:
    # The newest counts: it is what somebody measured last.
    results = reversed(list(session.results))
    result, found = next(((r, dose) for r in results if (dose := Measured.of(r)) is not None), (None, None))
    if result is None or found is None:
        return None
    x, order = in_order(np.asarray(found.t_s, np.float64))
    y = np.asarray(getattr(found, array), np.float64)[order]
    stale = bool(result.made_by) and session.is_stale(result.made_by)
    return Series(
        key=f"{result.id}:{array}", name="dose", role="dose", colour=COLOUR, samples=Points(x, y), is_stale=stale
    )  # fmt: skip
