"""The registry takes sources from outside, keeps kinds apart, and old files' kinds are never an error."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.desk.lanes.registry import LANES, LaneRegistry
from tandem_em.desk.lanes.series import Interval, Points, Series
from tandem_em.desk.lanes.shown import shown
from tandem_em.desk.lanes.source import LaneSource
from tandem_em.model.session import Session


class Pressure(LaneSource):
    kind, title, name, unit = "pressure", "Pressure", "Column pressure", "Pa"

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        x = np.arange(10.0)
        return [Series(key="p", name="gauge", colour="#123456", samples=Points(x, 2 * x))]


def test_a_source_from_outside_is_shown_where_it_is_chosen() -> None:
    registry = LaneRegistry(LANES)
    registry.register(Pressure())
    session = Session("s")
    session.info.view["lanes"] = [{"kind": "pressure", "shown": True}]
    [lane] = [each for each in shown(session, None, registry) if each.choice.kind == "pressure"]
    assert (lane.heading.title, lane.heading.drawn_unit) == ("Pressure", "Pa")
    assert [each.name for each in lane.curves] == ["gauge"]
    assert "pressure" in [source.kind for source in registry.offered(session)]
    assert "pressure" not in [source.kind for source in LANES]


def test_a_kind_is_registered_once() -> None:
    registry = LaneRegistry(LANES)
    registry.register(Pressure())
    with pytest.raises(ValueError, match="pressure"):
        registry.register(Pressure())


def test_a_source_for_a_while_is_gone_afterwards() -> None:
    with LANES.with_source(Pressure()):
        assert LANES.source("pressure").name == "Column pressure"
    assert LANES.source("pressure").heading(Session("s")).label == "Pressure"  # a column nobody knows


def test_a_hidden_lane_is_not_computed() -> None:
    class Costly(Pressure):
        def curves(self, session: Session, span: Interval | None) -> list[Series]:
            raise AssertionError("asked though hidden")

    registry = LaneRegistry([Costly()])
    session = Session("s")
    session.info.view["lanes"] = [{"kind": "pressure", "shown": False}]
    assert not [each for each in shown(session, None, registry) if each.choice.kind == "pressure"]
