"""A lane as a plug-in brings one: computed from a column sample by sample, with an error band."""

from __future__ import annotations

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.derived import Computed, Derivation
from tandem_em.desk.lanes.ordered import Ordered
from tandem_em.desk.lanes.run_lane import RunLane
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session


class Doubled(Derivation):
    """Twice the voltage, give or take a tenth."""

    name = "doubled voltage"
    needs = ("voltage",)

    def whole(self, run: BiasRun, ordered: Ordered) -> Job[Computed]:
        values = 2 * np.asarray(run.values("voltage"), np.float64)
        return Computed(values, np.full(len(values), 0.1))
        yield

    def more(
        self, run: BiasRun, ordered: Ordered, before: Computed, total: int
    ) -> tuple[Floats, Floats | None]:
        values = 2 * np.asarray(run.values("voltage")[len(before.values) : total], np.float64)
        return values, np.full(len(values), 0.1)


class DoubledLane(RunLane):
    kind, title, name, unit = "doubled", "Doubled", "Doubled voltage", "V"
    needs = ("voltage",)

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        return [
            Series(
                key=run.id, name=run.name, colour="#123456", samples=OfRun(run, Doubled()), quantity="doubled"
            )
        ]
