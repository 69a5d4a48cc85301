"""Programs: read from unicycler JSON, run step by step, previewed; nothing is rounded away."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.model.curves import Cell
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.programs.curve import program_curve
from tandem_em.sources.programs.reader import c_rate, parse_program
from tandem_em.sources.programs.runner import ProgramRunner, SetPoint
from tandem_em.sources.programs.steps import (
    ConstantCurrent,
    ConstantVoltage,
    Loop,
    Program,
    Rest,
    Tag,
    amperes,
    label,
)

CYCLE: dict[str, Any] = {
    "sample": {"name": "A", "capacity_mAh": 1e-6},
    "record": {"time_s": 1},
    "safety": {"max_voltage_V": 4.5, "min_voltage_V": 2.5, "max_current_mA": 1e-5},
    "method": [
        {"step": "tag", "tag": "cycle"},
        {"step": "constant_current", "rate_C": "C/2", "until_voltage_V": 4.2},
        {"step": "constant_voltage", "voltage_V": 4.2, "until_rate_C": 0.05, "until_time_s": 7200},
        {"step": "constant_current", "rate_C": "D/2", "until_voltage_V": 3.5, "until_time_s": 20000},
        {"step": "open_circuit_voltage", "until_time_s": 600},
        {"step": "loop", "loop_to": "cycle", "cycle_count": 3},
    ],
}


def with_steps(*steps: dict[str, Any]) -> Program:
    return parse_program(json.dumps({**CYCLE, "method": list(steps)}))


def test_read_a_cycle() -> None:
    program = parse_program(json.dumps(CYCLE))
    assert program.capacity_C == pytest.approx(3.6e-6)
    _tag, charge, hold, discharge, rest, loop = program.steps
    assert charge == ConstantCurrent(pytest.approx(5e-10), 4.2, None)
    assert isinstance(hold, ConstantVoltage)
    assert hold.until_current_A == pytest.approx(5e-11)
    assert isinstance(discharge, ConstantCurrent)
    assert discharge.current_A == pytest.approx(-5e-10)
    assert rest == Rest(600)
    assert loop == Loop(0, 3)
    assert program.executions() == 12
    assert program.safety.high_V == 4.5
    assert program.safety.high_A == pytest.approx(1e-8)


def test_what_unicycler_writes_is_read() -> None:
    from aurora_unicycler import CyclingProtocol

    theirs = CyclingProtocol.from_dict(json.loads(json.dumps(CYCLE)))
    assert parse_program(theirs.to_json()).steps == parse_program(json.dumps(CYCLE)).steps


def test_250_pA_is_not_rounded() -> None:
    step = with_steps({"step": "constant_current", "current_mA": 2.5e-7, "until_time_s": 1}).steps[0]
    assert isinstance(step, ConstantCurrent)
    assert step.current_A == pytest.approx(2.5e-10, rel=1e-12)
    assert amperes(2.5e-10) == "250 pA"
    assert label(step) == "Constant current 250 pA"


@pytest.mark.parametrize(
    ("value", "rate"),
    [("C/5", 0.2), ("1/5", 0.2), ("2C/3", 2 / 3), ("D/2", -0.5), (0.1, 0.1), ("", None), (None, None)],
)
def test_c_rates(value: Any, rate: float | None) -> None:
    assert c_rate(value) == (None if rate is None else pytest.approx(rate))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"step": "constant_current", "current_mA": 1}, "never end"),
        ({"step": "constant_current", "until_time_s": 1}, "neither rate_C nor current_mA"),
        ({"step": "constant_voltage", "voltage_V": "high", "until_time_s": 1}, "high"),
        ({"step": "constant_voltage", "until_time_s": 1}, "voltage_V"),
        ({"step": "impedance_spectroscopy"}, "impedance"),
        ({"step": "dance"}, "dance"),
        ({"stop": 3}, "step 1"),
        ({"step": "open_circuit_voltage", "until_time": 3}, "until_time"),
        ({"step": "loop", "loop_to": 1, "cycle_count": 3}, "nothing would be repeated"),
        ({"step": "pulse", "current_mA": 1, "pulse_s": 1, "base_s": 1, "count": 1.5}, "count"),
    ],
)
def test_mistakes_are_named(step: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        with_steps(step)
    assert words in str(caught.value)


def test_a_rate_needs_a_capacity() -> None:
    text = json.dumps({"method": [{"step": "constant_current", "rate_C": "C/5", "until_time_s": 5}]})
    with pytest.raises(UserError, match="capacity"):
        parse_program(text)
    step = parse_program(text, capacity_C=3.6e-6).steps[0]
    assert isinstance(step, ConstantCurrent)
    assert step.current_A == pytest.approx(2e-10)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_nested_loops_run_as_often_as_counted(outer: int, inner: int, rests: int) -> None:
    steps = (Tag("a"), *[Rest(1.0)] * rests, Rest(1.0), Loop(1, inner), Rest(1.0), Loop(0, outer))
    program = Program(steps=steps)
    runner = ProgramRunner(program)
    t, last = 0.0, -1
    begun = 0
    while runner.update(t, 3.8, 0.0) is not None:
        if runner.progress().done != last:
            last = runner.progress().done
            begun += 1
        t += 0.5
    assert begun == program.executions() == outer * (inner * (rests + 1) + 1)


def test_pause_freezes_the_time_and_rests() -> None:
    runner = ProgramRunner(with_steps({"step": "constant_current", "current_mA": 1e-6, "until_time_s": 10}))
    assert runner.update(0.0, 3.8, 0.0) == SetPoint("current", pytest.approx(1e-9))
    runner.pause()
    assert runner.update(5.0, 3.8, 0.0) == SetPoint("current", 0.0)
    assert runner.update(500.0, 3.8, 0.0) == SetPoint("current", 0.0)
    runner.resume()
    assert runner.update(501.0, 3.8, 0.0) is not None
    assert runner.progress().step_s == pytest.approx(5.0)
    assert runner.update(506.1, 3.8, 0.0) is None


def test_skip_ends_the_step() -> None:
    runner = ProgramRunner(Program(steps=(Rest(100.0), Rest(50.0))))
    runner.update(0.0, 3.8, 0.0)
    runner.skip()
    runner.update(1.0, 3.8, 0.0)
    assert runner.step_number == 1


def test_a_voltage_is_approached_not_jumped_to() -> None:
    runner = ProgramRunner(with_steps({"step": "constant_voltage", "voltage_V": 4.2, "until_time_s": 100}))
    levels = []
    for i in range(30):
        wanted = runner.update(i * 0.1, 3.7, 0.0)
        assert wanted is not None
        levels.append(wanted.level)
    assert levels[0] == pytest.approx(3.7)
    assert max(np.diff(levels)) <= 0.05 + 1e-9
    assert levels[-1] == 4.2


def test_pulses_and_ramps() -> None:
    runner = ProgramRunner(
        with_steps(
            {"step": "pulse", "current_mA": 1e-6, "pulse_s": 1, "base_s": 2, "count": 2},
            {"step": "ramp", "start_current_mA": 0, "end_current_mA": 1e-6, "until_time_s": 10},
            {"step": "voltage_scan", "start_voltage_V": 3.8, "end_voltage_V": 4.0, "scan_rate_mV_per_s": 20},
        )
    )
    levels = {t: runner.update(t, 3.8, 0.0) for t in np.arange(0, 26.5, 0.5)}
    assert [levels[t].level for t in (0.0, 0.5, 1.0, 2.5, 3.0, 5.5)] == pytest.approx(
        [1e-9, 1e-9, 0, 0, 1e-9, 0]
    )  # type: ignore[union-attr]
    assert levels[11.0] == SetPoint("current", pytest.approx(0.5e-9))
    assert levels[21.0] == SetPoint("voltage", pytest.approx(3.9))
    assert levels[26.0] is None


def test_the_preview_shows_the_curve_of_the_cycle() -> None:
    program = parse_program(json.dumps(CYCLE))
    curve = program_curve(program, Cell(area_um2=10.0), start_V=3.8)
    assert curve.complete
    assert len(curve.steps) == program.executions()
    assert curve.voltage.max() == pytest.approx(4.2, abs=0.02)
    assert curve.voltage.min() == pytest.approx(3.5, abs=0.03)
    assert np.all(np.diff(curve.times) >= 0)
    assert {round(i * 1e12) for i in curve.current[::5]} & {500, -500, 0} == {500, -500, 0}
    charge = np.abs(np.diff(curve.times) * curve.current[:-1])
    assert charge.sum() < 6 * 3.6e-6
    assert curve.notes


def test_the_preview_has_an_end() -> None:
    curve = program_curve(with_steps({"step": "open_circuit_voltage", "until_time_s": 1e9}))
    assert not curve.complete
    assert len(curve.times) <= 20_001


def test_the_cell_model_conserves_charge() -> None:
    cell = BatteryCell(capacity_C=1e-6, soc=0.2)
    for _ in range(100):
        cell.drive("current", 1e-9, 5.0, 1.0)
    assert cell.soc == pytest.approx(0.3)
