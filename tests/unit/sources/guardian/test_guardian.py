"""The guardian turn by turn on a simulated source-meter: limits, accidents, programs, faults of the instrument."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from waiting import take_time, wait_until

from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.guardian.guardian import GuardianCore
from tandem_em.sources.guardian.soft_limits import CellLimits, Watch
from tandem_em.sources.guardian.wire import Answer, GuardConfig, answer_line, order_from
from tandem_em.sources.scpi.link import open_link
from tandem_em.sources.scpi.meter import MeterReading, MeterSettings
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.simulator import SimulatedMeter


class Bench:
    """A guardian, its simulated meter, and everything it said."""

    def __init__(self, model: str = "2400", speed: float = 1.0, **options: Any) -> None:
        self.meter = SimulatedMeter(model, BatteryCell(capacity_C=1e-6, resistance_ohm=2e5), speed=speed)
        self.server = ScpiServer(self.meter)
        config = GuardConfig(
            name="bias",
            model=model,
            address=self.server.address,
            settings=MeterSettings(compliance_V=5.0, compliance_A=1e-7),
            origin_host=host_now(),
            **options,
        )
        self.said: list[dict[str, Any]] = []
        self.core = GuardianCore(config, open_link(self.server.address, timeout_s=0.3), self._hear)
        self.core.beat()

    def _hear(self, answer: Answer) -> None:
        """As the window hears it."""
        self.said.append(json.loads(answer_line(answer, 0)))

    def order(self, raw: Any) -> None:
        """As it comes from the window."""
        self.core.command(order_from(raw))

    def run(self, until: Callable[[], bool], limit_s: float = 20.0) -> float:
        """Turn until something is so; returns how long it took."""

        def turn() -> None:
            self.core.beat()
            self.turn()

        return wait_until(
            until,
            limit_s,
            every_s=0.0,
            meanwhile=turn,
            saying=lambda: (self.core.state, self.core.message, self.texts),
        )

    def turn(self) -> None:
        """One turn at the pace the guardian asks for."""
        take_time(min(self.core.turn(), 0.02))

    def program(self, *steps: dict[str, Any], **more: Any) -> None:
        self.order({"do": "program", "json": json.dumps({"method": list(steps), **more})})

    @property
    def texts(self) -> list[str]:
        return [m["text"] for m in self.said if m["say"] == "event"]

    @property
    def rows(self) -> list[list[float]]:
        return [row for m in self.said if m["say"] == "samples" for row in m["rows"]]

    @property
    def is_safe(self) -> bool:
        return not self.meter.output_on and self.meter.off_state == "HIMP"


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def build(**options: Any) -> Bench:
        benches.append(Bench(**options))
        return benches[-1]

    yield build
    for bench in benches:
        bench.core.end("Test over.")
        bench.server.close()


CHARGE = {"step": "constant_current", "current_mA": 2.5e-7, "until_time_s": 1000}


@pytest.mark.parametrize("model", ["2400", "2450"])
def test_it_starts_at_open_circuit(make: Callable[..., Bench], model: str) -> None:
    bench = make(model=model, rate_hz=50)
    bench.run(lambda: len(bench.rows) >= 10)
    assert bench.core.state == "watching"
    assert bench.meter.state["SOUR:FUNC"] == "CURR"
    assert all(abs(row[3]) < 1e-12 for row in bench.rows)
    first = next(i for i, line in enumerate(bench.server.lines) if "HIMP" in line)
    assert first < bench.server.lines.index(":OUTP ON")
    assert bench.core.end("Done.")
    assert bench.is_safe


def test_a_constant_current_of_250_pA(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=50)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(CHARGE)
    bench.run(lambda: len(bench.rows) > 5 and bench.rows[-1][3] != 0)
    assert bench.rows[-1][3] == pytest.approx(2.5e-10, rel=1e-5)
    assert bench.meter.state["SOUR:CURR"] == 2.5e-10


@pytest.mark.parametrize("accident", ["short", "open"])
@pytest.mark.parametrize("step", ["constant_current", "constant_voltage", "rest"])
def test_short_and_open_contact_stop_within_half_a_second(
    make: Callable[..., Bench], accident: str, step: str
) -> None:
    bench = make(rate_hz=10)
    bench.run(lambda: bench.core.state == "watching")
    if step == "constant_current":
        bench.program(CHARGE)
    elif step == "constant_voltage":
        bench.program(
            {"step": "constant_voltage", "voltage_V": bench.meter.cell.ocv() + 0.005, "until_time_s": 99}
        )
    bench.run(lambda: bench.core.state == ("watching" if step == "rest" else "program"))
    settled = host_now() + 0.6
    bench.run(lambda: host_now() > settled)
    assert bench.meter.output_on
    if accident == "short":
        bench.meter.cell.short_ohm = 10.0
    else:
        bench.meter.cell.open_contact = True
    assert bench.run(lambda: bench.is_safe) < 0.5
    assert bench.core.state == "tripped"
    assert "contact" in bench.core.message or "short" in bench.core.message


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (CellLimits(high_V=3.86), "above the limit of 3.86 V"),
        (CellLimits(high_A=1e-10), "current 250 pA is above"),
        (CellLimits(charge_C=5e-11), "charge"),
        (CellLimits(rate_V_per_s=0.001), "V/s"),
    ],
)
def test_soft_limits(make: Callable[..., Bench], limits: CellLimits, words: str) -> None:
    bench = make(rate_hz=20, limits=limits, speed=20.0)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(
        {"step": "constant_current", "current_mA": 2.5e-7 if "pA" in words else 2e-5, "until_time_s": 999}
    )
    bench.run(lambda: bench.core.state == "tripped")
    assert bench.is_safe
    assert words in bench.core.message
    assert any(text.startswith("The program ended") for text in bench.texts)


def test_a_program_runs_to_its_end_and_is_told(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=20, speed=30.0)
    bench.run(lambda: bench.core.state == "watching")
    up = bench.meter.cell.ocv() + 0.03
    bench.program(
        {"step": "constant_current", "current_mA": 1e-5, "until_voltage_V": up},
        {"step": "constant_voltage", "voltage_V": up, "until_time_s": 0.6},
        {"step": "open_circuit_voltage", "until_time_s": 0.3},
        {"step": "loop", "loop_to": 1, "cycle_count": 2},
    )
    bench.run(lambda: "Program finished: after 0.3 s." in bench.texts, 12.0)
    assert any(text.startswith("Step 2") and f"({up:g} V reached)" in text for text in bench.texts)
    steps = [text for text in bench.texts if text.startswith("Step")]
    assert len(steps) == 6
    assert bench.core.state == "watching"
    assert bench.meter.output_on
    assert max(row[2] for row in bench.rows) < up + 0.02
    progress = [m for m in bench.said if m["say"] == "progress"]
    assert progress[-1]["progress"]["finished"]
    assert {row[4] for row in bench.rows if row[4] == row[4]} == {0.0, 1.0, 2.0}


def test_pause_skip_abort(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=50)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(CHARGE, {**CHARGE, "current_mA": 5e-7})
    bench.run(lambda: bench.meter.state["SOUR:CURR"] == 2.5e-10)
    bench.order({"do": "pause"})
    bench.run(lambda: bench.meter.state["SOUR:CURR"] == 0)
    bench.order({"do": "resume"})
    bench.order({"do": "skip"})
    bench.run(lambda: bench.meter.state["SOUR:CURR"] == 5e-10)
    bench.order({"do": "abort"})
    bench.run(lambda: bench.core.state == "watching")
    assert bench.meter.state["SOUR:CURR"] == 0
    assert bench.meter.output_on


def test_emergency_stop_and_ready_again(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=50)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(CHARGE)
    bench.run(lambda: bench.core.state == "program")
    bench.order({"do": "stop"})
    assert bench.is_safe
    assert bench.core.state == "tripped"
    bench.order({"do": "rearm"})
    bench.run(lambda: bench.core.state == "watching")
    assert bench.meter.output_on


@pytest.mark.parametrize("fault", ["hang", "garbage", "disconnect"])
def test_faults_are_honest_and_it_comes_back(make: Callable[..., Bench], fault: Any) -> None:
    bench = make(rate_hz=20)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(CHARGE)
    bench.run(lambda: len(bench.rows) > 4)
    if fault == "disconnect":
        bench.server.fault = "refuse"
        bench.server.disconnect()
    else:
        bench.server.fault = fault
    assert bench.run(lambda: bench.core.state == "lost") < 2.0
    assert bench.core.output_on is None
    assert "may be ON" in bench.core.message
    lost_at = len(bench.said)
    bench.server.fault = ""
    bench.run(lambda: any(m["say"] == "samples" for m in bench.said[lost_at:]))
    assert bench.core.state == "watching"
    assert next(m for m in bench.said[lost_at:] if m["say"] == "samples")["segment"]
    times = [row[0] for row in bench.rows]
    assert times == sorted(times)


@pytest.mark.parametrize("fault", ["garbage", "refuse"])
def test_a_lost_connection_does_not_take_back_an_emergency_stop(
    make: Callable[..., Bench], fault: Any
) -> None:
    bench = make(rate_hz=20)
    bench.run(lambda: bench.core.state == "watching")
    bench.order({"do": "stop"})
    bench.server.fault = fault
    bench.server.disconnect()
    bench.run(lambda: bench.core.state == "lost")
    bench.server.fault = ""
    bench.run(lambda: bench.core.state == "tripped")
    assert bench.is_safe
    assert bench.server.lines.count(":OUTP ON") == 1
    bench.order({"do": "rearm"})
    bench.run(lambda: bench.core.state == "watching")


def test_an_emergency_stop_that_did_not_arrive_is_made_up_for(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=20)
    bench.run(lambda: bench.core.state == "watching")
    bench.program(CHARGE)
    bench.run(lambda: bench.core.state == "program")
    bench.server.fault = "refuse"
    bench.server.disconnect()
    bench.order({"do": "stop"})
    assert bench.core.state == "lost"
    assert "may be ON" in bench.core.message
    bench.server.fault = ""
    bench.run(lambda: bench.core.state == "tripped")
    assert bench.is_safe


def test_silence_of_the_window_switches_off(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=20)
    bench.run(lambda: bench.core.state == "watching")
    wait_until(lambda: bench.core.state != "watching", 2.0, every_s=0.0, meanwhile=bench.turn)
    assert bench.is_safe
    assert "did not respond" in bench.core.message


def test_an_output_that_was_on_is_told_and_left_when_asked(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=20, start="as is")
    for line in (":OUTP:SMOD HIMP", ":SOUR:FUNC CURR", ":SOUR:CURR 3e-10", ":SENS:VOLT:PROT 5", ":OUTP ON"):
        bench.meter.handle(line)
    bench.run(lambda: len(bench.rows) > 3)
    assert bench.core.state == "as found"
    assert bench.rows[-1][3] == pytest.approx(3e-10, rel=1e-5)
    assert any("output was on" in text for text in bench.texts)


def test_wrong_orders_are_answered(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=20)
    bench.run(lambda: bench.core.state == "watching")
    for order in ({"do": "dance"}, {"do": "program", "json": "{"}, {"do": "program"}, {"do": "apply", "mode": "voltage", "level": 0},
                  {"do": "apply", "mode": "current", "level": float("nan")}):  # fmt: skip
        count = len(bench.texts)
        bench.order(order)
        assert len(bench.texts) == count + 1
    assert bench.core.state == "watching"


def test_bursts_are_segments(make: Callable[..., Bench]) -> None:
    bench = make(rate_hz=1000)
    bench.run(lambda: len(bench.rows) > 500)
    blocks = [m for m in bench.said if m["say"] == "samples"]
    assert all(block["segment"] for block in blocks)
    assert len(blocks[0]["rows"]) == 200


def test_a_step_of_the_set_point_is_no_accident() -> None:
    watch = Watch(CellLimits(jump_V=0.5))
    watch.check(MeterReading(0, 0.0, 3.0, 0.0), "current")
    watch.set_point_changed(0.0, jumped=True)
    assert watch.check(MeterReading(0.1, 0.1, 4.0, 1e-9), "current") is None
    assert watch.check(MeterReading(0.5, 0.5, 4.0, 1e-9), "current") is None
    assert watch.check(MeterReading(0.6, 0.6, 3.0, 1e-9), "current") is not None
