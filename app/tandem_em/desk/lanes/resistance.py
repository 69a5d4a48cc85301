"""The resistance lane: voltage over current where there is enough of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.derived import Computed, Derivation
from tandem_em.desk.lanes.ordered import Ordered
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session

SMALLEST_PART = 0.05
"""A resistance is shown where the current is at least this part of its largest."""


class VoltageOverCurrent(Derivation):
    """Ohms; NaN where the current is too small to divide by."""

    name = "resistance"
    needs = ("current", "voltage")

    def whole(self, run: BiasRun, ordered: Ordered) -> Job[Computed]:
        """Ohms of all samples; the least current it used is kept as the state."""
        total = len(ordered.x)
        current, voltage = run.current, np.asarray(run.values("voltage"), np.float64)
        if ordered.order is not None:
            current, voltage = current[ordered.order], voltage[ordered.order]
        yield Progress(1, 2, f"Computing the resistance of {run.name}")
        threshold = least_current(current[:total])
        return Computed(over_current(voltage[:total], current[:total], threshold), state=threshold)

    def more(
        self, run: BiasRun, ordered: Ordered, before: Computed, total: int
    ) -> tuple[Floats, Floats | None]:
        """Later samples with the threshold of the first ones: those known do not change."""
        part = slice(len(before.values), total)
        return over_current(run.values("voltage")[part], run.current_in(part), before.state), None


OHMS = VoltageOverCurrent()


class Resistance(RunLane):
    """The resistance lane, in ohms."""

    kind, title, name, unit = "resistance", "Resistance", "Resistance", "Ω"
    needs = ("current", "voltage")

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """Voltage over current of a run, with gaps where the current is small."""
        samples = OfRun(run, OHMS)
        return [
            series_of(
                session, run, samples, key=self.kind, role="resistance", quantity="voltage over current"
            )
        ]

    def missing(self, session: Session, *, asked: bool) -> str:
        """Which columns are needed, when there is a run at all."""
        return "Resistance needs a voltage and a current." if session.runs.first is not None else ""


def least_current(current: Floats) -> float:
    """The least current (A) a resistance is made of."""
    finite = np.abs(current[np.isfinite(current)])
    return SMALLEST_PART * float(finite.max()) if len(finite) else 0.0


def over_current(voltage: NDArray[Any], current: NDArray[Any], threshold: float) -> Floats:
    """Voltage over current where there is enough of it, else NaN."""
    enough = np.abs(current) > threshold
    # 1.0 instead of what is too small: no warning about a division by zero.
    return np.where(enough, voltage, np.nan) / np.where(enough, current, 1.0)
