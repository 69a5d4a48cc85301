"""Each kind of lane by itself: names, units, values at known moments, and what it says where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from all_lanes import all_lanes_session

from tandem_em.desk.export.lanes import Numbers, drawn_curve
from tandem_em.desk.lanes.registry import LANES
from tandem_em.desk.lanes.series import ROLES, OfRun, Points, Series
from tandem_em.exporters.movie.lanes import value_at
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session


@pytest.fixture
def session() -> Session:
    return all_lanes_session()


def series_of(session: Session, kind: str, mode: str = "") -> list[Series]:
    return LANES.source(kind, mode).curves(session, None)


def read(series: Series, t: float) -> float:
    """As the movie reads it at its cursor."""
    curve = drawn_curve(series, None, Numbers())
    assert curve is not None
    return value_at(curve, t)


def charge_at(t: float) -> float:
    """Of the run: 80 pA until 15 s, then a gap of 5 s, then −90 pA; its clock is a quarter of a second late."""
    own = (t - 0.25) / (1 + 40e-6)
    return 8e-11 * min(own, 14.9) - 9e-11 * max(own - 20.0, 0.0)


@pytest.mark.parametrize("kind", [source.kind for source in LANES])
def test_every_kind_has_its_series_under_known_names(session: Session, kind: str) -> None:
    source = LANES.source(kind)
    found = source.curves(session, None)
    heading = source.heading(session)
    assert found
    assert heading.title
    assert heading.label
    assert len({each.key for each in found}) == len(found)
    assert all(each.role in ("", *ROLES) for each in found)
    assert all(each.role or each.colour.startswith("#") for each in found)
    for each in found:
        if isinstance(each.samples, Points):
            assert (np.diff(each.samples.x) >= 0).all()


def test_a_column_is_read_where_it_lies(session: Session) -> None:
    [voltage] = series_of(session, "voltage")
    run = session.runs.first
    assert run is not None
    assert isinstance(voltage.samples, OfRun)
    assert voltage.samples.run is run  # nothing is copied
    assert read(voltage, 30.3) == pytest.approx(3.6 + 0.02 * 30.0, abs=3e-3)
    assert np.isnan(read(voltage, 17.5)), "a pause of five seconds is a gap"


def test_the_safe_window_of_the_cell_limits_the_voltage(session: Session) -> None:
    limits = LANES.source("voltage").limits(session)
    assert [(each.value, each.name) for each in limits] == [(3.7, "safe from 3.7 V"), (4.1, "safe to 4.1 V")]
    again = BiasRun(
        name="at the same time", times=GrowingArray(np.arange(9.0)),
        columns={"voltage": Column("voltage", "V", GrowingArray(np.zeros(9)))},
    )  # fmt: skip
    session.runs.add(again)
    assert LANES.source("voltage").limits(session) == limits


def test_currents_are_less_their_zero_and_by_the_cell(session: Session) -> None:
    area_cm2 = 10.0e-8
    for kind, factor in (("current", 1.0), ("density", 1 / area_cm2), ("c_rate", 1 / area_cm2 / 80e-6)):
        [series] = series_of(session, kind)
        assert read(series, 10.0) == pytest.approx(8e-11 * factor, rel=0.05)
    assert LANES.source("density").heading(session).drawn_unit == "A/cm²"
    assert LANES.source("c_rate").heading(session).drawn_unit == "C"


def test_charge_is_integrated_and_does_not_grow_in_a_gap(session: Session) -> None:
    [charge], [capacity] = series_of(session, "charge"), series_of(session, "capacity")
    for t in (5.0, 14.0, 30.0):
        assert read(charge, t) == pytest.approx(charge_at(t), rel=0.02)
        assert read(capacity, t) == pytest.approx(read(charge, t) / 3600.0 / 10.0e-8)
    drawn = drawn_curve(charge, None, Numbers())
    assert drawn is not None
    assert drawn.low is not None
    assert drawn.high is not None
    assert drawn.high[-1] > drawn.y[-1] > drawn.low[-1], "the zero has an error: a band"


def test_resistance_is_left_out_where_too_little_flows(session: Session) -> None:
    run = session.runs.first
    assert run is not None
    current = np.where(np.arange(len(run)) < 20, 1e-13, np.array(run.values("current")))
    run.columns["current"] = Column("current", "A", GrowingArray(current))
    run.zero_current_A = 0.0
    [series] = series_of(session, "resistance")
    assert np.isnan(read(series, 1.0))
    assert read(series, 10.3) == pytest.approx(3.8 / 8.2e-11, rel=0.06)


def test_runs_of_the_same_time_have_their_own_colours(session: Session) -> None:
    assert [each.role for each in series_of(session, "voltage")] == ["voltage"]
    other = BiasRun(
        name="other", times=GrowingArray(np.arange(9.0)), clock=Clock(name="other"),
        columns={"voltage": Column("voltage", "V", GrowingArray(np.zeros(9)))},
    )  # fmt: skip
    session.runs.add(other)
    first, second = series_of(session, "voltage")
    assert (first.role, second.role) == ("", "")
    assert first.colour != second.colour
    session.change(other, visible=False)
    assert [each.role for each in series_of(session, "voltage")] == ["voltage"]


@pytest.mark.parametrize(
    ("mode", "title", "unit", "first"),
    [
        ("", "Area", "× start", 1.0), ("nm2", "Area", "nm²", 26.5), ("diameter", "Diameter", "nm", 5.81),
        ("volume", "Volume", "× start", 1.0), ("perimeter", "Perimeter", "nm", 20.6),
        ("circularity", "Circularity", "", 0.785), ("centroid", "Centroid", "nm", 0.0),
    ],
)  # fmt: skip
def test_particles_in_every_mode(session: Session, mode: str, title: str, unit: str, first: float) -> None:
    source = LANES.source("area", mode)
    heading, found = source.heading(session), source.curves(session, None)
    assert (heading.title, heading.drawn_unit) == (title, unit)
    assert [each.name for each in found if not each.is_fit] == ["P1", "P2"], "the hidden one is not there"
    # drift is taken off the centroid: it has gone a way by then
    assert read(found[0], 3.2) == pytest.approx(
        first, abs=0.03 * first + (2.0 if mode == "centroid" else 0.0)
    )
    assert np.isnan([read(found[0], t) for t in (12.5, 20.5)]).all(), "doubtful and lost frames are gaps"


def test_the_kept_fit_stands_beside_its_particle(session: Session) -> None:
    fit = next(each for each in series_of(session, "area", "nm2") if each.is_fit)
    assert fit.name == "P1, linear"
    assert read(fit, 10.0) == pytest.approx(26.0)
    assert not any(each.is_fit for each in series_of(session, "area", "circularity"))


def test_an_area_is_not_measured_twice_while_nothing_changes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    series_of(session, "area")
    monkeypatch.setattr(
        "tandem_em.desk.lanes.area.area_track", lambda _outlines: pytest.fail("measured again")
    )
    assert len(series_of(session, "area", "nm2")) == 3
    particle = session.particles.first
    assert particle is not None
    monkeypatch.undo()
    before = series_of(session, "area")[0].samples
    shorter = {frame: each for frame, each in particle.outlines.items() if frame < 10}
    session.change(particle, outlines=shorter)
    after = series_of(session, "area")[0].samples
    assert isinstance(before, Points)
    assert isinstance(after, Points)
    assert len(after.x) < len(before.x)


def test_lithium_from_swelling_and_charge_share_an_axis(session: Session) -> None:
    first, *_, charge = series_of(session, "lithium")
    [volume, *_] = series_of(session, "area", "volume")
    assert read(first, 30.0) == pytest.approx((read(volume, 30.0) - 1) * 0.02002 / 0.0148)
    drawn = drawn_curve(charge, None, Numbers())
    assert drawn is not None
    assert drawn.name == "charge"
    assert read(charge, 3.05) == pytest.approx(0.0, abs=0.05), "nothing where the movie begins"


def test_frames_of_results_and_of_the_stack(session: Session) -> None:
    [layer], [region] = series_of(session, "thickness"), series_of(session, "region")
    assert (layer.name, read(layer, 10.2)) == ("anode", 95.0)
    assert isinstance(layer.samples, Points)
    assert layer.samples.low is not None
    assert layer.samples.low[0] == 84.5
    assert (region.name, region.role) == ("R1", "first")
    x, y = series_of(session, "drift")
    stack = session.stacks.first
    assert stack is not None
    assert stack.drift_px is not None
    assert (read(x, 7.0), read(y, 7.0)) == (stack.drift_px[7, 0] * 0.5, stack.drift_px[7, 1] * 0.5)
    session.change(stack, pixel_nm=None)
    assert LANES.source("drift").heading(session).unit == "px"


def test_a_typed_dose_rate_is_known_between_its_two_points(session: Session) -> None:
    [dose], [rate] = series_of(session, "dose"), series_of(session, "dose_rate")
    assert isinstance(dose.samples, Points)
    assert len(dose.samples.x) == 2
    assert read(dose, 19.5) == pytest.approx(195.0)
    assert read(rate, 19.5) == 10.0
    assert [each.value for each in LANES.source("dose").limits(session)] == [250.0]
    assert not LANES.source("dose_rate").limits(session)
    assert LANES.source("dose").from_zero


def test_what_is_missing_is_said(session: Session) -> None:
    empty = Session("empty")
    said = {source.kind: source.missing(empty, asked=True) for source in LANES}
    assert "Drop a biasing log" in said["voltage"]
    assert "Press N" in said["area"]
    assert "Follow a silicon" in said["lithium"]
    assert "°C or K" in said["temperature"]
    assert all(said[kind] for kind in ("thickness", "region", "drift", "dose", "dose_rate"))
    assert not any(
        source.missing(empty, asked=False) for source in LANES if source.kind in ("region", "dose", "area")
    )
    cell = session.cells.first
    assert cell is not None
    session.change(cell, area_um2=None)
    assert not series_of(session, "density")
    assert "area" in LANES.source("density").missing(session, asked=True)


def test_a_stack_without_times_has_no_series() -> None:
    session = Session("s")
    session.stacks.add(FrameStack(name="untimed"))
    assert not [each for source in LANES for each in source.curves(session, None)]
