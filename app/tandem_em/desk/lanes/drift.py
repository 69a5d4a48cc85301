"""The drift lane: how far the content of each frame has moved in x and y."""

from __future__ import annotations

from tandem_em.desk.lanes.numbers import in_order
from tandem_em.desk.lanes.series import SPARE_COLOURS, Interval, Points, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session

NO_DRIFT = "The drift of the stack has not been measured."


class Drift(LaneSource):
    """The lane of the measured drift, x and y of each stack."""

    kind, title, name, unit = "drift", "Drift", "Drift of the stack", "nm"
    shows_each, has_table = True, False

    def heading(self, session: Session) -> Heading:
        """In nm, or in px when the last measured stack has no calibration."""
        measured = _measured(session)
        unit = "nm" if not measured or measured[-1].pixel_nm else "px"
        return Heading(self.title, self.title, unit)

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """Two series, x and y, for each stack whose drift was measured."""
        return [series for stack in _measured(session) for series in _of(stack)]

    def missing(self, session: Session, *, asked: bool) -> str:
        """That no drift was measured, said only when the lane was switched on by hand."""
        return NO_DRIFT if asked else ""


def _measured(session: Session) -> list[FrameStack]:
    return [stack for stack in session.stacks if stack.drift_px is not None and len(stack.times)]


def _of(stack: FrameStack) -> list[Series]:
    assert stack.drift_px is not None
    count = min(len(stack.drift_px), len(stack.times))
    x, order = in_order(stack.t[:count])
    moved = stack.drift_px[:count][order] * (stack.pixel_nm or 1.0)
    colours = SPARE_COLOURS[2], SPARE_COLOURS[1]
    return [
        Series(
            key=f"{stack.id}:drift {name}", name=name, role=name, colour=colours[axis],
            samples=Points(x, moved[:, axis]),
        )
        for axis, name in enumerate("xy")
    ]  # fmt: skip
