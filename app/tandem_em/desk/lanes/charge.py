"""The charge lane: what has passed since the first sample, by integration; a band where the zero has an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.numeric import Floats
from tandem_em.desk.lanes.derived import Computed, Derivation
from tandem_em.desk.lanes.ordered import CHUNK, Ordered
from tandem_em.desk.lanes.run_lane import RunLane, series_of
from tandem_em.desk.lanes.series import OfRun, Series
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session


class PassedCharge(Derivation):
    """Coulombs since the first sample; nothing is added across gaps."""

    name = "charge"
    needs = ("current",)

    def key(self, run: BiasRun) -> tuple[Any, ...]:
        """Also the number of segments: no charge is added where a new one begins."""
        return *super().key(run), len(run.segment_starts)

    def whole(self, run: BiasRun, ordered: Ordered) -> Job[Computed]:
        """In pieces that share a sample: hours at 1 kS/s need no gigabytes beside them."""
        total = len(ordered.x)
        # Samples out of order are rare: integrated as recorded in one piece, then sorted.
        if ordered.order is not None:
            charge, error = _integrated(run, ordered, 0, len(run))
            charge, error = charge[ordered.order], error[ordered.order]
        else:
            charge, error = yield from _in_pieces(run, ordered, total)
        # Without an error of the zero there is no band, rather than one of no width.
        return Computed(charge, error if run.zero_current_error_A else None)

    def more(
        self, run: BiasRun, ordered: Ordered, before: Computed, total: int
    ) -> tuple[Floats, Floats | None]:
        """Goes on from the last known sample, so that the trapezoid between them is counted."""
        done = len(before.values)
        charge, error = _integrated(run, ordered, max(done - 1, 0), total)
        values = (float(before.values[-1]) if done else 0.0) + charge[min(done, 1) :]
        if before.error is None:
            return values, None
        return values, (float(before.error[-1]) if done else 0.0) + error[min(done, 1) :]


PASSED = PassedCharge()


class Charge(RunLane):
    """The charge lane, in coulombs since the first sample."""

    kind, title, name, unit = "charge", "Charge", "Charge", "C"
    needs = ("current",)

    def of_run(self, session: Session, run: BiasRun) -> list[Series]:
        """The passed charge of a run, with a band where the zero of the current has an error."""
        return [
            series_of(
                session, run, OfRun(run, PASSED), key=self.kind, role="charge", quantity="charge passed"
            )
        ]


def _in_pieces(run: BiasRun, ordered: Ordered, total: int) -> Job[tuple[Floats, Floats]]:
    charge, error = np.zeros(total), np.zeros(total)
    current = run.values("current")
    first = 0
    while first < total:
        # One more than a piece: the last sample is the first of the next piece.
        last = min(first + CHUNK + 1, total)
        while last < total and not np.isfinite(current[last - 1]):
            last += 1  # the shared sample must have a value
        part, part_error = _integrated(run, ordered, first, last)
        charge[first:last] = charge[first] + part
        error[first:last] = error[first] + part_error
        yield Progress(last, total, f"Computing the charge of {run.name}")
        first = last - 1 if last < total else total
    return charge, error


def _integrated(run: BiasRun, ordered: Ordered, first: int, last: int) -> tuple[Floats, Floats]:
    from tandem_em.analysis.cycling.charge import Zero, integrate

    starts = [start - first for start in run.segment_starts if first < start < last]
    zero = Zero(run.zero_current_A, run.zero_current_error_A)
    current = np.asarray(run.values("current")[first:last], np.float64)
    found = integrate(run.times.view[first:last], current, zero, ordered.gap_limit_s, starts)
    return found.charge_C, found.error_C
