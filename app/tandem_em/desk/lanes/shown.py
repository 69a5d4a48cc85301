"""The lanes of a session as they were chosen, each with its series: what the window wraps and exporters thin."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_em.desk.biasing.runs import LaneChoice, lane_choices
from tandem_em.desk.lanes.registry import LANES, LaneRegistry
from tandem_em.desk.lanes.series import Interval, Limit, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.model.session import Session


@dataclass(frozen=True, eq=False)
class ShownLane:
    """One lane in its place."""

    choice: LaneChoice
    source: LaneSource
    heading: Heading
    curves: list[Series]
    limits: list[Limit]
    note: str
    """What is missing, where there are no curves."""


def shown(session: Session, span: Interval | None, registry: LaneRegistry = LANES) -> list[ShownLane]:
    """Lanes in the order of the pane, without those that were hidden; those chosen by nobody only where there is
    something in them."""
    lanes = [
        lane(session, choice, span, registry) for choice in lane_choices(session) if choice.shown is not False
    ]
    return [each for each in lanes if each.curves or each.note or each.choice.shown is not None]


def lane(
    session: Session, choice: LaneChoice, span: Interval | None, registry: LaneRegistry = LANES
) -> ShownLane:
    """One lane with its series over `span`, and a note when there are none."""
    source = registry.source(choice.kind, choice.mode)
    curves = source.curves(session, span)
    limits = source.limits(session) if curves else []
    note = "" if curves else source.missing(session, asked=bool(choice.shown))
    return ShownLane(choice, source, source.heading(session), curves, limits, note)
