"""Series as exporters draw them: thinned without losing a spike, open at gaps, cut to what can be seen."""

from __future__ import annotations

import numpy as np
import pytest
from all_lanes import all_lanes_session
from doubled_lane import DoubledLane

from tandem_em.analysis.cycling.charge import Zero, integrate
from tandem_em.desk.export import lanes, tables
from tandem_em.desk.lanes.ordered import gap_limit
from tandem_em.desk.lanes.registry import LANES
from tandem_em.desk.lanes.series import OfRun, Points, Series
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.session import Session


def recorded(count: int, offset_s: float = 0.0) -> BiasRun:
    t = np.arange(count) / 100.0
    y = np.zeros(count)
    y[count // 3] = 5.0
    column = {"voltage": Column("voltage", "V", GrowingArray(y))}
    return BiasRun(name="r", times=GrowingArray(t), columns=column, clock=Clock(name="c", offset_s=offset_s))


def voltage(run: BiasRun) -> Series:
    return Series(key="v", name="v", colour="#123456", samples=OfRun(run, "voltage"))


def test_a_long_run_is_thinned_and_keeps_its_spike() -> None:
    curve = lanes.drawn_curve(voltage(recorded(200_000)), None, lanes.Numbers())
    assert curve is not None
    assert curve.exact is not None
    assert len(curve.x) <= 2 * lanes.MOST_POINTS
    assert curve.y.max() == 5.0
    assert len(curve.exact[0]) == 200_000


@pytest.mark.parametrize("offset_s", [0.0, 0.1, 1234.567])
def test_a_view_that_ends_with_a_sample_holds_it(offset_s: float) -> None:
    run = recorded(1000, offset_s)
    reach = float(run.t[100]), float(run.t[900])
    curve = lanes.drawn_curve(voltage(run), reach, lanes.Numbers())
    assert curve is not None
    assert (curve.x[0], curve.x[-1], len(curve.x)) == (*reach, 801)


def test_nothing_within_reach_is_no_curve() -> None:
    assert lanes.drawn_curve(voltage(recorded(10)), (500.0, 600.0), lanes.Numbers()) is None


def test_a_band_follows_the_scale_of_its_series() -> None:
    x = np.arange(3.0)
    limits = Points(x, x, x - 1, x + 2)
    for points, low, high in ((limits, -6.0, 0.0), (Points(x, x, error=np.full(3, 0.5)), -3.0, -1.0)):
        series = Series(key="k", name="n", colour="#123456", samples=points, factor=-2.0)
        curve = lanes.drawn_curve(series, None, lanes.Numbers())
        assert curve is not None
        assert curve.low is not None
        assert curve.high is not None
        assert (curve.low[1], curve.y[1], curve.high[1]) == (low, -2.0, high)


def test_samples_out_of_order_keep_their_rows_in_the_table() -> None:
    session = all_lanes_session()
    run = session.runs.first
    assert run is not None
    table = tables.run_table(session, run, {})
    found = {column.header: np.asarray(column.values) for column in table.columns}
    assert not np.all(np.diff(found["device time (s)"]) >= 0)
    zero = Zero(run.zero_current_A, run.zero_current_error_A)
    whole = integrate(run.times.view, np.asarray(run.values("current")), zero, gap_limit(run))
    np.testing.assert_allclose(found["charge passed (C)"], whole.charge_C)
    np.testing.assert_allclose(found["current less zero (A)"], found["current (A)"] - 2e-12)
    np.testing.assert_allclose(found["areal capacity (µAh/cm²)"], found["charge passed (C)"] / 3600e-6 / 1e-7)
    assert "charge passed error (C)" in found


def test_a_derived_lane_from_outside_goes_out_with_its_band_and_into_the_table() -> None:
    session, run = Session("s"), recorded(100)
    session.runs.add(run)
    session.info.view["lanes"] = [{"kind": "doubled", "shown": True}]
    with LANES.with_source(DoubledLane()):
        [lane] = [each for each in lanes.lanes(session, None) if each.kind == "doubled"]
        headers = {column.header: column.values for column in tables.run_table(session, run, {}).columns}
    assert lane.curves[0].y.max() == 10.0
    assert lane.curves[0].high is not None
    assert lane.curves[0].high.max() == pytest.approx(10.1)
    assert max(headers["doubled (V)"]) == 10.0
    assert headers["doubled error (V)"][0] == pytest.approx(0.1)


def test_chosen_limits_of_a_lane_go_out_too() -> None:
    session = all_lanes_session()
    session.info.view["lanes"] = [{"kind": "voltage", "y": [3.0, 5.0]}]
    lane = next(each for each in lanes.lanes(session, None) if each.kind == "voltage")
    assert lane.y == (3.0, 5.0)
    assert lane.limits == ((3.7, "safe from 3.7 V"), (4.1, "safe to 4.1 V"))
