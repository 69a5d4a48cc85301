"""The region lane: the mean of each region of a stack."""

from __future__ import annotations

from tandem_em.desk.lanes.per_frame import series_of_frames
from tandem_em.desk.lanes.series import ORDER, SPARE_COLOURS, Interval, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.of_stacks import RegionStatistics
from tandem_em.model.session import Session

NO_REGION = "Drag an ROI in the image stack (I)."


class Region(LaneSource):
    """The lane of the mean brightness of regions (ROIs) over time."""

    kind, title, name, unit = "region", "ROI", "ROI mean", "counts"
    shows_each, has_table = True, False

    def heading(self, session: Session) -> Heading:
        """In the unit of the first region; counts where it has none."""
        unit = next((found.unit for _, found in _measured(session)), "") or "counts"
        return Heading(self.title, self.name, unit, unit)

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """A series for each measured region; four colours take turns."""
        return [
            series_of_frames(
                session, result, found.mean, key=result.id, name=result.name.split(" of ")[0],
                role=ORDER[number % len(ORDER)], colour=SPARE_COLOURS[number % len(ORDER)],
            )
            for number, (result, found) in enumerate(_measured(session))
        ]  # fmt: skip

    def missing(self, session: Session, *, asked: bool) -> str:
        """How to draw a region, said only when the lane was switched on by hand."""
        return NO_REGION if asked else ""


def _measured(session: Session) -> list[tuple[ResultSet, RegionStatistics]]:
    return [(r, found) for r in session.results if (found := RegionStatistics.of(r)) is not None]
