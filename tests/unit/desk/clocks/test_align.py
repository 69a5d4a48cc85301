"""Clocks: common events give offset and rate with honest residuals; correlation finds the lag that was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.analysis.clock_lag import activity, find_lag
from tandem_em.core.jobs import Runner, run_to_end
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk.clocks import align
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage


def desk_with(tmp_path: Path, *streams: BiasRun | FrameStack | SpectrumImage) -> Desk:
    session = Session("s")
    for stream in streams:
        session.clocks.add(stream.clock)
        session.collection_of(stream).add(stream)
    return Desk(session, Runner(threads=1), Notices(), Settings(tmp_path / "p.json"))


def run(name: str = "log", step_at: float = 20.0, offset: float = 0.0) -> BiasRun:
    t = np.arange(0, 60, 0.1)
    noise = np.random.default_rng(1).normal(0, 1e-4, len(t))
    columns = {"voltage": Column("voltage", "V", GrowingArray(np.where(t > step_at, -0.2, 0.0) + noise))}
    return BiasRun(name=name, times=GrowingArray(t), columns=columns, clock=Clock(name=name, offset_s=offset))


def test_one_event_moves_two_events_also_stretch(tmp_path: Path) -> None:
    log = run()
    desk = desk_with(tmp_path, log)
    align.relate(desk, log.clock, 10.0, 13.0, 0.05)
    assert log.clock.offset_s == pytest.approx(3.0)
    assert (log.clock.origin, log.clock.uncertainty_s) == ("marked event", 0.05)
    align.relate(desk, log.clock, 50.0, 53.004, 0.05)
    assert log.clock.rate_ppm == pytest.approx(100.0)
    assert float(log.clock.to_session(50.0)) == pytest.approx(53.004)
    align.forget_event(desk, log.clock, 1)
    assert float(log.clock.to_session(10.0)) == pytest.approx(13.0)
    for _ in range(3):
        desk.session.history.undo()
    assert (log.clock.offset_s, log.clock.rate_ppm, log.clock.origin) == (0.0, 0.0, "provisional")


@settings(deadline=None, max_examples=30)
@given(offset=st.floats(-1e4, 1e4), rate=st.floats(-500, 500), marks=st.lists(st.floats(0, 1000), min_size=2, max_size=6, unique=True))  # fmt: skip
def test_events_without_error_leave_no_residual(offset: float, rate: float, marks: list[float]) -> None:
    true = Clock(offset_s=offset, rate_ppm=rate)
    fit = align.fit_events(true, [{"device_s": d, "session_s": float(true.to_session(d))} for d in marks])
    assert max(map(abs, fit.residuals_s)) < 1e-6


def test_contradicting_events_widen_the_uncertainty(tmp_path: Path) -> None:
    log = run()
    desk = desk_with(tmp_path, log)
    for device, session in ((0.0, 1.0), (20.0, 21.5), (40.0, 41.0)):
        align.relate(desk, log.clock, device, session, 0.01)
    assert log.clock.uncertainty_s == pytest.approx(1 / 3, rel=0.01)


@pytest.mark.parametrize("lag", [-7.3, 0.0, 12.4])
def test_a_bias_step_and_the_image_that_answers_are_laid_on_each_other(tmp_path: Path, lag: float) -> None:
    rng = np.random.default_rng(2)
    times = np.arange(0, 60, 0.2)
    frames = rng.normal(100, 2, (len(times), 32, 32)).astype(np.float32)
    frames[times > 20.0] += 30
    stack = FrameStack(name="m", source=MemoryArray(frames), times=times, clock=Clock(name="camera"))
    log = run(offset=-lag)
    found = run_to_end(align.correlating(stack, log, 30.0))
    assert found.lag_s == pytest.approx(lag, abs=0.25)
    assert found.confidence > 0.6
    desk = desk_with(tmp_path, stack, log)
    align.use_lag(desk, log.clock, found)
    assert log.clock.offset_s == pytest.approx(0.0, abs=0.25)


def test_noise_alone_gives_no_confidence() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(0, 100, 0.1)
    found = find_lag(activity(t, rng.normal(size=len(t))), activity(t, rng.normal(size=len(t))), 30.0, 0.1)
    assert found.confidence < 0.5


def test_a_map_gets_its_place_in_its_own_clock(tmp_path: Path) -> None:
    image = SpectrumImage(name="SI", clock=Clock(name="spectrometer", offset_s=-2.0))
    desk = desk_with(tmp_path, image)
    align.place_map(desk, image, 10.0, 40.0)
    assert image.interval == pytest.approx((10.0, 40.0))
    assert image.start == pytest.approx(12.0)
    with pytest.raises(UserError):
        align.place_map(desk, image, 40.0, 10.0)


def test_the_header_is_taken_back(tmp_path: Path) -> None:
    log = run(offset=99.0)
    log.clock.start_iso = "2026-01-01T10:00:05+00:00"
    desk = desk_with(tmp_path, log)
    with pytest.raises(UserError):
        align.back_to_header(desk, log.clock)
    desk.session.info.start_iso = "2026-01-01T11:00:00+01:00"
    align.back_to_header(desk, log.clock)
    assert (log.clock.offset_s, log.clock.origin) == (5.0, "file time")
