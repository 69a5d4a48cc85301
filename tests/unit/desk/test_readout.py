"""What the header reads at a moment: the run of that moment, its last sample, nothing in gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_em.desk import readout
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session


def run(times: np.ndarray, offset: float = 0.0, zero_A: float = 0.0, **more: object) -> BiasRun:
    columns = {
        "voltage": Column("voltage", "V", GrowingArray(np.arange(len(times), dtype=float))),
        "current": Column("current", "A", GrowingArray(np.full(len(times), -5e-11))),
    }
    clock = Clock(name="log", offset_s=offset)
    return BiasRun(
        name="log", times=GrowingArray(times), columns=columns, clock=clock, zero_current_A=zero_A, **more
    )  # type: ignore[arg-type]


def session_of(*items: object) -> Session:
    session = Session("s")
    for item in items:
        session.collection_of(item).add(item)
    return session


@given(st.lists(st.floats(0.01, 0.5), min_size=2, max_size=30), st.floats(-100, 100), st.floats(0, 1))
def test_the_last_sample_that_is_not_later_is_read(steps: list[float], offset: float, share: float) -> None:
    times = np.cumsum(steps)
    one = run(times, offset)
    own = times[0] + share * (times[-1] - times[0])
    assert readout.value_at(one, "voltage", own + offset) in {
        float(np.flatnonzero(times <= own + 1e-9)[-1]), float(np.flatnonzero(times <= own - 1e-9)[-1] if own > times[0] + 1e-9 else 0)
    }  # fmt: skip
    assert math.isnan(readout.value_at(one, "voltage", times[0] + offset - 0.001))
    assert readout.value_at(one, "voltage", times[-1] + offset + 0.5) == len(times) - 1
    assert math.isnan(readout.value_at(one, "voltage", times[-1] + offset + 1.5))


def test_a_gap_has_no_value() -> None:
    paused = run(np.array([0.0, 0.1, 0.2, 0.3, 0.4, 20.0, 20.1]))
    assert readout.value_at(paused, "voltage", 1.2) == 4.0, "held for a moment"
    assert math.isnan(readout.value_at(paused, "voltage", 10.0))
    assert readout.value_at(paused, "voltage", 20.05) == 5.0
    announced = run(np.array([0.0, 4.0, 8.0, 12.0]), segment_starts=[0, 2])
    assert readout.value_at(announced, "voltage", 3.0) == 0.0
    assert math.isnan(readout.value_at(announced, "voltage", 7.0))
    chosen = run(np.array([0.0, 4.0, 8.0, 12.0]), gap_limit_s=2.0)
    assert math.isnan(readout.value_at(chosen, "voltage", 3.0))


def test_a_slow_log_holds_between_its_samples() -> None:
    slow = run(np.arange(0.0, 600.0, 60.0))
    assert readout.value_at(slow, "voltage", 59.0) == 0.0
    assert readout.value_at(slow, "voltage", 61.0) == 1.0


def test_the_marked_zero_is_taken_off() -> None:
    assert readout.value_at(run(np.arange(3.0), zero_A=2e-11), "current", 1.0) == pytest.approx(-7e-11)


def test_the_chosen_run_comes_before_the_one_of_the_moment_and_that_before_the_first() -> None:
    first, second = run(np.arange(5.0)), run(np.arange(5.0), offset=100.0)
    session = session_of(first, second)
    assert readout.active_run(session) is first
    assert readout.active_run(session, 102.0) is second
    assert readout.active_run(session, 50.0) is first
    session.focus.select("run", second.id)
    assert readout.active_run(session, 2.0) is second
    assert readout.active_run(Session()) is None


def stack(count: int = 5) -> FrameStack:
    return FrameStack(
        name="movie", source=MemoryArray(np.zeros((count, 4, 4), np.uint8)), times=np.arange(count, dtype=float), times_from="file"
    )  # fmt: skip


def test_everything_is_said_with_its_unit_and_true_minus_signs() -> None:
    assert readout.read_at(session_of(run(np.arange(5.0)), stack()), 2.5).parts == [
        "t = 2.50 s", "frame 3 / 5", "2.000 V", "−50.0 pA",
    ]  # fmt: skip
    early = readout.read_at(session_of(run(np.arange(5.0)), stack()), -3.0).parts
    assert early == ["t = −3.00 s", "frame 1 / 5"]
    assert readout.read_at(Session(), 0.0).parts == []


def test_images_that_are_no_movie_have_no_frame_of_the_moment() -> None:
    images = stack()
    images.axis0_is_time = False
    assert readout.read_at(session_of(images), 2.0).parts == ["t = 2.00 s"]


def test_a_typed_rate_counts_from_the_first_frame_and_passes_its_budget() -> None:
    movie = stack()
    movie.clock.offset_s = 10.0
    session = session_of(movie, DoseSettings(stack_id=movie.id, rate_e_A2s=20.0, budget_e_A2=50.0))
    assert readout.read_at(session, 5.0).dose == "20.0 e⁻/Å²s · Σ 0"
    assert readout.read_at(session, 12.5).dose == "20.0 e⁻/Å²s · Σ 50"
    assert readout.read_at(session, 13.0).dose == "20.0 e⁻/Å²s · Σ 60 ⚠"
    assert readout.read_at(session_of(stack()), 1.0).dose == ""
