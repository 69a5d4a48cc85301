"""The region lane: the mean of each region of a stack."""

from __future__ import annotations

from tandem_em.desk.lanes.per_frame import series_of_frames
from tandem_em.desk.lanes.series import ORDER, SPARE_COLOURS, Interval, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.desk.stacks.stack import REGION
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session

NO_REGION = "Drag an ROI in the image stack (I)."


class Region(LaneSource):
    kind, title, name, unit = "region", "ROI", "ROI mean", "counts"
    shows_each, has_table = True, False

    def heading(self, session: Session) -> Heading:
        found = _measured(session)
        unit = found[0].units.get("mean", "counts") if found else "counts"
        return Heading(self.title, self.name, unit, unit)

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        return [
            series_of_frames(
                session, result, result.arrays["mean"], key=result.id, name=result.name.split(" of ")[0],
                role=ORDER[number % len(ORDER)], colour=SPARE_COLOURS[number % len(ORDER)],
            )
            for number, result in enumerate(_measured(session))
        ]  # fmt: skip

    def missing(self, session: Session, *, asked: bool) -> str:
        return NO_REGION if asked else ""


def _measured(session: Session) -> list[ResultSet]:
    return [r for r in session.results if r.analysis == REGION and "mean" in r.arrays]
