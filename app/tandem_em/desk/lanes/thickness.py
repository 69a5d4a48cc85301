"""The thickness lane: layers that were followed through a stack, with their deviation."""

from __future__ import annotations

from tandem_em.desk.lanes.per_frame import series_of_frames
from tandem_em.desk.lanes.series import SPARE_COLOURS, Interval, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.of_stacks import Layers
from tandem_em.model.session import Session

NO_LAYER = "Draw a profile across a layer in the image stack (L), mark its edges and follow them."


class Thickness(LaneSource):
    """The lane of followed layers, in nm."""

    kind, title, name, unit = "thickness", "Thickness", "Layer thickness", "nm"
    shows_each, has_table = True, False

    def heading(self, session: Session) -> Heading:
        """In the unit of the last result; px where the stack was not calibrated."""
        units = [found.unit for _, found in _followed(session) if found.thickness]
        unit = units[-1] if units else "nm"
        return Heading(self.title, self.name, unit, unit)

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """A series for each layer between two neighbouring edges, with ± one deviation."""
        made: list[Series] = []
        for result, found in _followed(session):
            line = session.profiles.get(found.line_id)
            name, colour = (line.name, line.colour) if line is not None else (result.name, SPARE_COLOURS[2])
            rows = zip(found.thickness, found.thickness_error)
            for number, (values, errors) in enumerate(rows, start=1):
                label = name if len(found.thickness) == 1 else f"{name}.{number}"
                made.append(
                    series_of_frames(
                        session, result, values, (values - errors, values + errors), key=f"{result.id}:{number}",
                        name=label, colour=colour, role="" if line is not None else "other",
                    )
                )  # fmt: skip
        return made

    def missing(self, session: Session, *, asked: bool) -> str:
        """How to follow a layer, said only when the lane was switched on by hand."""
        return NO_LAYER if asked else ""


def _followed(session: Session) -> list[tuple[ResultSet, Layers]]:
    return [(r, found) for r in session.results if (found := Layers.of(r)) is not None]
