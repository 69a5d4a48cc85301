"""Temperature: any column in °C or K, of runs and results, in °C everywhere it goes."""

from __future__ import annotations

import numpy as np
import pytest

from tandem_em.desk.export import lanes, tables
from tandem_em.desk.lanes.registry import LANES
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session


def heated(*columns: tuple[str, str, float], start: float = 0.0, name: str = "heater") -> BiasRun:
    """A hundred seconds of constant columns: name, unit, value."""
    t = start + np.arange(100.0)
    made = {key: Column(key, unit, GrowingArray(np.full(100, value))) for key, unit, value in columns}
    return BiasRun(name=name, times=GrowingArray(t), columns=made, clock=Clock(name=name))


def session_with(*runs: BiasRun) -> Session:
    session = Session("hot")
    for run in runs:
        session.clocks.add(run.clock)
        session.runs.add(run)
    session.info.view["lanes"] = [{"kind": "temperature", "shown": True}]
    return session


def drawn(session: Session) -> dict[str, float]:
    [lane] = [each for each in lanes.lanes(session, None) if each.kind == "temperature"]
    assert (lane.unit, lane.label, lane.title) == ("°C", "Temperature", "Temp.")
    return {curve.name: float(curve.y[0]) for curve in lane.curves}


@pytest.mark.parametrize(("unit", "value"), [("K", 373.15), ("°C", 100.0)])
def test_kelvin_and_degrees_are_shown_in_degrees(unit: str, value: float) -> None:
    session = session_with(heated(("stage", unit, value), ("voltage", "V", 3.0)))
    assert drawn(session) == {"heater": pytest.approx(100.0)}


def test_every_temperature_of_a_run_has_its_name_and_colour() -> None:
    session = session_with(
        heated(("temperature", "K", 300.0), ("set_temperature", "°C", 50.0)),
        heated(("temperature", "°C", 21.0), start=200.0, name="room"),
    )
    assert drawn(session) == {
        "heater, temperature": pytest.approx(26.85), "heater, set temperature": 50.0, "room": 21.0,
    }  # fmt: skip
    found = LANES.source("temperature").curves(session, None)
    assert len({(each.role, each.colour) for each in found[:2]}) == 2


def test_a_result_with_a_temperature_over_time_is_shown_too() -> None:
    session = session_with()
    arrays = {"t_s": np.arange(5.0), "lattice": np.full(5, 473.15), "once": np.array([1.0])}
    session.results.add(
        ResultSet(name="from the lattice", arrays=arrays, units={"lattice": "K", "once": "K"})
    )
    assert drawn(session) == {"from the lattice": pytest.approx(200.0)}


def test_it_is_offered_where_there_is_one_and_the_column_has_no_second_lane() -> None:
    with_one = session_with(heated(("sample", "K", 300.0), ("power", "W", 1.0)))
    offered = [source.kind for source in LANES.offered(with_one)]
    assert "temperature" in offered
    assert "column:power" in offered
    assert "column:sample" not in offered
    without = session_with(heated(("voltage", "V", 1.0), ("gain", "dB", 1.0)))
    assert "temperature" not in [source.kind for source in LANES.offered(without)]


def test_the_lane_of_the_column_that_an_older_session_shows_stays() -> None:
    session = session_with(heated(("temperature", "°C", 30.0)))
    session.info.view["lanes"] = [{"kind": "column:temperature", "shown": True}]
    [lane] = [each for each in lanes.lanes(session, None) if each.kind == "column:temperature"]
    assert (lane.unit, lane.curves[0].y[0]) == ("°C", 30.0)


def test_the_table_has_kelvin_as_recorded_and_degrees_beside() -> None:
    run = heated(("temperature", "K", 300.0))
    table = tables.run_table(session_with(run), run, {})
    found = {column.header: float(column.values[0]) for column in table.columns}
    assert found["temperature (K)"] == 300.0
    assert found["temperature (°C)"] == pytest.approx(26.85)
    degrees = heated(("temperature", "°C", 20.0))
    headers = [column.header for column in tables.run_table(session_with(degrees), degrees, {}).columns]
    assert headers.count("temperature (°C)") == 1, "what is recorded in °C is not repeated"
