"""The guardian as a real process: whatever happens to the window, the output goes off in high impedance."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from waiting import STAY, wait_until

from tandem_em.sources.core.base import Block, EventBlock, SampleBlock
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.guardian import source as guarded
from tandem_em.sources.guardian.soft_limits import CellLimits
from tandem_em.sources.guardian.source import GuardedSource
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.scpi.simulator import SimulatedMeter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")
WINDOW = f"""
import sys
from tandem_em.sources.guardian.source import GuardedSource
from tandem_em.sources.scpi.settings import ScpiTable
source = GuardedSource(ScpiTable(name="bias", address=sys.argv[1], rate_hz=20))
source.start()
while source.read(1.0) is None or source.status().received == 0: pass
print(source.process_id, flush=True)
{STAY}
"""
CHARGE = json.dumps({"method": [{"step": "constant_current", "current_mA": 2.5e-7, "until_time_s": 1000}]})


@pytest.fixture
def server() -> Iterator[ScpiServer]:
    threads = threading.active_count()
    with ScpiServer(SimulatedMeter("2400", BatteryCell(capacity_C=1e-6, resistance_ohm=2e5))) as running:
        yield running
    assert threading.active_count() == threads


@pytest.fixture
def source(server: ScpiServer) -> Iterator[GuardedSource]:
    made = GuardedSource(
        ScpiTable(name="bias", address=server.address, rate_hz=50, compliance_A=1e-7), CellLimits()
    )
    made.start()
    assert made.wait_for(lambda c: c.state == "watching", 5.0)
    pid = made.process_id
    yield made
    made.close()
    assert pid is None or not psutil.pid_exists(pid)


def is_safe(server: ScpiServer) -> bool:
    return not server.meter.output_on and server.meter.off_state == "HIMP"


def next_samples(source: GuardedSource) -> SampleBlock:
    for _ in range(200):
        block = source.read(2.0)
        if isinstance(block, SampleBlock):
            return block
    raise AssertionError("no samples")


def left_of(source: GuardedSource) -> list[Block]:
    """What waits in the queue."""
    left = []
    while (block := source.read(0.0)) is not None:
        left.append(block)
    return left


def test_a_killed_window_leaves_the_cell_open(server: ScpiServer) -> None:
    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, server.address], stdout=subprocess.PIPE, text=True
    )
    assert window.stdout is not None
    guardian = psutil.Process(int(window.stdout.readline()))
    assert server.meter.output_on
    charge = server.meter.cell.soc
    window.send_signal(signal.SIGKILL)
    assert wait_until(lambda: is_safe(server), 2.0) < 2.0
    window.wait()
    window.stdout.close()
    guardian.wait(3.0)
    assert abs(server.meter.cell.soc - charge) < 1e-3


def test_ctrl_c_in_the_terminal_does_not_reach_it(source: GuardedSource, server: ScpiServer) -> None:
    assert source.process_id is not None
    assert os.getsid(source.process_id) != os.getsid(0)
    os.kill(source.process_id, signal.SIGINT)
    block = next_samples(source)
    assert next_samples(source).times[0] > block.times[0]
    assert server.meter.output_on


def test_a_hung_window_counts_as_dead_after_a_second(source: GuardedSource, server: ScpiServer) -> None:
    source.beats_itself = False
    assert 0.5 < wait_until(lambda: is_safe(server), 2.0) < 2.0
    assert source.wait_for(lambda c: c.state == "tripped" and c.output_on is False, 1.0)


def test_normal_end_is_verified(source: GuardedSource, server: ScpiServer) -> None:
    source.run_program(CHARGE)
    assert source.wait_for(lambda c: c.level == 2.5e-10, 2.0)
    start = time.monotonic()
    source.stop()
    assert time.monotonic() - start < 2.0
    assert is_safe(server)
    left = []
    while (block := source.read(0.0)) is not None:
        left.append(block)
    events = [b.text for b in left if isinstance(b, EventBlock)]
    assert any("verified" in text for text in events)
    assert source.status().dropped == 0


def test_a_program_given_before_the_meter_is_ready_waits_for_it(server: ScpiServer) -> None:
    source = GuardedSource(ScpiTable(name="bias", address=server.address, compliance_A=1e-7), CellLimits())
    source.run_program(CHARGE)
    source.start()
    source.run_program(CHARGE)
    assert source.wait_for(lambda c: c.state == "program" and c.level == 2.5e-10, 5.0)
    source.close()
    assert is_safe(server)
    assert server.lines.count(":SOUR:CURR 2.500000000e-10") == 1


def test_emergency_stop_is_quick_and_can_be_taken_back(source: GuardedSource, server: ScpiServer) -> None:
    source.run_program(CHARGE)
    assert source.wait_for(lambda c: c.state == "program", 2.0)
    source.emergency_stop()
    assert wait_until(lambda: is_safe(server), 2.0) < 0.5
    assert source.wait_for(lambda c: c.state == "tripped" and c.verified, 1.0)
    source.rearm()
    assert source.wait_for(lambda c: c.state == "watching" and c.output_on is True, 2.0)


def test_a_second_owner_is_refused_by_name_and_does_not_touch_the_cell(
    server: ScpiServer, tmp_path: Path
) -> None:
    table = ScpiTable(name="bias", address=server.address, rate_hz=20)
    first = GuardedSource(table, owner=Owner(tmp_path, "tandem record"))
    first.start()
    assert first.wait_for(lambda c: c.state == "watching", 5.0)
    lines = len(server.lines)
    second = GuardedSource(table, owner=Owner(tmp_path))
    second.start()
    wait_until(lambda: second.status().state == "failed", 5.0)
    assert "in use by tandem record of" in second.status().message
    assert f"(process {os.getpid()})" in second.status().message
    second.close()
    assert server.meter.output_on
    assert not any("OUTP O" in line or "IDN" in line for line in server.lines[lines:])
    assert first.process_id is not None
    os.kill(first.process_id, signal.SIGKILL)  # the lock of a dead guardian holds up nobody
    assert first.wait_for(lambda c: c.output_on is None, 2.0)
    assert first.wait_for(lambda c: c.state == "watching", 5.0)
    first.close()
    third = GuardedSource(table, owner=Owner(tmp_path))
    third.start()
    assert third.wait_for(lambda c: c.state == "watching", 5.0)
    third.close()


@pytest.mark.parametrize("rate_hz", [1, 20, 500])
@pytest.mark.parametrize("model", ["2400", "2450"])
def test_an_output_that_somebody_else_switched_off_ends_the_program(model: str, rate_hz: float) -> None:
    with ScpiServer(SimulatedMeter(model, BatteryCell(capacity_C=1e-6, resistance_ohm=2e5))) as server:
        table = ScpiTable(
            name="bias", model=f"keithley {model}", address=server.address, rate_hz=rate_hz,
            nplc=0.01 if rate_hz > 80 else 1.0,
        )  # fmt: skip
        source = GuardedSource(table)
        source.start()
        source.run_program(CHARGE)
        assert source.wait_for(lambda c: c.level == 2.5e-10, 5.0)
        with socket.create_connection(("127.0.0.1", server.port)) as other:
            other.sendall(b":OUTP OFF\n")
            begun = time.monotonic()
            assert source.wait_for(lambda c: c.state == "tripped", 2.0)
            assert time.monotonic() - begun < 2.0
        why = "The output of bias was switched off at the instrument or by another program."
        assert source.control.message.startswith(why)
        assert source.control.output_on is False
        said: dict[str, str] = {}

        def is_said() -> bool:
            said.update({b.text: b.category for b in left_of(source) if isinstance(b, EventBlock)})
            return said.get(source.control.message) == "warning"

        wait_until(is_said, 2.0)
        assert f"The program ended: {why}" in said
        assert not server.meter.output_on
        source.close()


@pytest.mark.parametrize("model", ["2400", "2450"])
def test_stamps_after_ready_again_are_as_true_as_is_claimed(model: str) -> None:
    """Against the clock of the instrument, which knows when each reading was made."""
    meter = SimulatedMeter(model, BatteryCell(capacity_C=1e-6, resistance_ohm=2e5))
    with ScpiServer(meter) as server:
        table = ScpiTable(name="bias", model=f"keithley {model}", address=server.address, rate_hz=40)
        source = GuardedSource(table)
        source.start()
        stamps: list[float] = []

        def take(count: int) -> None:
            wanted = len(stamps) + count
            while len(stamps) < wanted:
                stamps.extend(next_samples(source).times)

        take(40)
        for _ in range(2):
            source.emergency_stop()
            assert source.wait_for(lambda c: c.state == "tripped", 2.0)
            source.rearm()
            take(40)
        fit = source.clock_fit()
        source.close()
    errors = [fit.to_host(t) - true for t, true in zip(stamps, meter.measured_at)]
    assert max(map(abs, errors)) < fit.uncertainty_s
    assert fit.uncertainty_s < 0.05


def test_sigterm_to_the_guardian_makes_it_safe_and_another_takes_over(
    source: GuardedSource, server: ScpiServer
) -> None:
    first = source.process_id
    assert first is not None
    os.kill(first, signal.SIGTERM)
    wait_until(lambda: is_safe(server), 2.0)
    assert source.wait_for(lambda c: c.state == "watching" and source.process_id not in (first, None), 5.0)
    seen = next_samples(source)
    while not seen.new_segment:
        later = next_samples(source)
        assert later.times[0] >= seen.times[-1], "device time must not run backwards"
        seen = later


def test_a_stop_outlives_the_guardian(source: GuardedSource, server: ScpiServer) -> None:
    source.emergency_stop()
    assert source.wait_for(lambda c: c.state == "tripped", 2.0)
    first = source.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert source.wait_for(lambda c: c.state == "tripped" and source.process_id not in (first, None), 5.0)
    assert is_safe(server)
    assert server.lines.count(":OUTP ON") == 1


def test_a_killed_guardian_is_said_and_replaced(source: GuardedSource, server: ScpiServer) -> None:
    first = source.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert source.wait_for(lambda c: c.state == "lost" and c.output_on is None, 2.0)
    assert source.wait_for(lambda c: c.state == "watching", 5.0)
    blocks = [source.read(0.1) for _ in range(30)]
    assert any("Output may be ON" in block.text for block in blocks if isinstance(block, EventBlock))


def test_a_closed_port_is_told_and_nothing_is_left(server: ScpiServer) -> None:
    server.fault = "refuse"
    source = GuardedSource(ScpiTable(name="bias", address=server.address), CellLimits())
    source.start()
    assert source.wait_for(lambda c: c.state == "lost", 3.0)
    assert source.status().state == "lost"
    source.close()
    source.close()


def test_ending_with_a_hung_instrument_takes_three_seconds_and_says_so(server: ScpiServer) -> None:
    source = GuardedSource(ScpiTable(name="bias", address=server.address, timeout_s=0.3), CellLimits())
    source.start()
    assert source.wait_for(lambda c: c.state == "watching", 5.0)
    server.fault = "hang"
    start = time.monotonic()
    source.stop()
    assert time.monotonic() - start < 3.0
    texts = []
    while (block := source.read(0.0)) is not None:
        texts += [block.text] if isinstance(block, EventBlock) else []
    source.close()
    assert "Output may be ON" in texts[-1]
    assert source.control.output_on is None


def test_nonsense_to_the_guardian_is_told_and_the_cell_stays_watched(
    source: GuardedSource, server: ScpiServer
) -> None:
    process = source._process
    assert process is not None
    assert process.stdin is not None
    with source._writing:
        process.stdin.write(b'nonsense\n[]\n{"do": "dance"}\n{"do": "limits", "limits": {"high_V": 4.2}}\n')
    said: list[str] = []

    def all_are_told() -> bool:
        said.extend(block.text for block in left_of(source) if isinstance(block, EventBlock))
        words = ("no JSON", "no object", "'dance' is not known", "has no limits.low_V")
        return all(any(word in text for text in said) for word in words)

    wait_until(all_are_told, 5.0)
    assert source.control.state == "watching"
    assert server.meter.output_on
    assert next_samples(source).source == "bias"
    source.stop()
    assert is_safe(server)


GARBLED = """
import os, subprocess, sys, threading
guardian = subprocess.Popen([sys.executable, "-m", "tandem_em.sources.guardian.process"])

def garble():
    open(sys.argv[1]).read()
    os.write(1, b"nonsense\\n")

threading.Thread(target=garble, daemon=True).start()
os._exit(guardian.wait())
"""


def test_a_guardian_that_talks_nonsense_makes_the_cell_safe_and_is_replaced(
    server: ScpiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(guarded, "guardian_command", lambda: [sys.executable, "-c", GARBLED, str(pipe)])
    source = GuardedSource(ScpiTable(name="bias", address=server.address, rate_hz=50), CellLimits())
    source.start()
    assert source.wait_for(lambda c: c.state == "watching", 10.0)
    first = source.process_id
    pipe.write_text("now")
    wait_until(lambda: ":OUTP OFF" in server.lines, 5.0)
    assert source.wait_for(lambda c: c.state == "watching" and source.process_id not in (first, None), 10.0)
    assert source.status().refused >= 1
    texts = [block.text for block in left_of(source) if isinstance(block, EventBlock)]
    assert any("is not understood" in text and "no JSON" in text for text in texts)
    source.close()
    assert is_safe(server)


@pytest.fixture
def charging(server: ScpiServer) -> Iterator[GuardedSource]:
    """A cell that is being charged with 50 nA within limits."""
    limits = CellLimits(high_V=4.3, low_V=2.5, high_A=1e-7, low_A=-1e-7)
    table = ScpiTable(name="bias", address=server.address, rate_hz=50, compliance_V=4.4, compliance_A=1e-7)
    made = GuardedSource(table, limits)
    made.start()
    made.run_program(
        json.dumps({"method": [{"step": "constant_current", "current_mA": 5e-5, "until_time_s": 1000}]})
    )
    try:
        assert made.wait_for(lambda c: c.state == "program" and c.level > 4e-8, 10.0)
        next_samples(made)
        yield made
    finally:
        made.close()


def has_lost(server: ScpiServer, charge: float) -> float:
    """Share of the full charge that the cell has lost against a moment ago."""
    return charge - server.meter.cell.soc


def test_an_opened_contact_is_stopped_within_half_a_second(
    charging: GuardedSource, server: ScpiServer
) -> None:
    server.meter.cell.open_contact = True
    assert wait_until(lambda: is_safe(server), 2.0) < 0.5
    assert charging.wait_for(lambda c: c.state == "tripped" and c.verified, 1.0)


def test_a_short_is_stopped_within_half_a_second(charging: GuardedSource, server: ScpiServer) -> None:
    server.meter.cell.short_ohm = 100.0
    assert wait_until(lambda: is_safe(server), 2.0) < 0.5
    assert charging.wait_for(lambda c: c.state == "tripped" and c.verified, 1.0)


@pytest.mark.parametrize(
    ("limits", "word"),
    [
        (CellLimits(high_V=3.0), "voltage"),
        (CellLimits(high_A=1e-8), "current"),
        (CellLimits(charge_C=1e-9), "charge"),
        (CellLimits(rate_V_per_s=1e-9), "V/s"),
    ],
)
def test_each_limit_ends_in_a_safe_state(
    charging: GuardedSource, server: ScpiServer, limits: CellLimits, word: str
) -> None:
    charging.set_limits(limits)
    assert wait_until(lambda: is_safe(server), 2.0) < 2.0
    assert charging.wait_for(lambda c: c.state == "tripped" and c.verified, 1.0)
    assert word in charging.control.message
    charge = server.meter.cell.soc
    server.meter.advance(10.0)
    assert abs(has_lost(server, charge)) < 1e-3, "high impedance discharges nothing"


def test_a_cut_line_is_said_and_the_cell_is_made_safe_when_it_is_back(
    charging: GuardedSource, server: ScpiServer
) -> None:
    """What cannot be reached cannot be switched off: that is said, and made up for at once."""
    charge = server.meter.cell.soc
    server.fault = "refuse"
    server.disconnect()
    assert charging.wait_for(lambda c: c.state == "lost" and c.output_on is None, 2.0)
    assert "Output may be ON" in charging.control.message
    server.fault = ""
    assert charging.wait_for(lambda c: c.state in ("watching", "tripped"), 5.0)
    assert server.meter.state["SOUR:CURR"] == 0.0 or is_safe(server)
    assert has_lost(server, charge) < 1e-3


def test_closing_the_recorder_side_is_a_verified_end(charging: GuardedSource, server: ScpiServer) -> None:
    charge = server.meter.cell.soc
    begun = time.monotonic()
    charging.close()
    assert time.monotonic() - begun < 2.0
    assert is_safe(server)
    server.meter.advance(60.0)
    assert has_lost(server, charge) < 1e-3


def test_a_program_leaves_its_log_as_events(charging: GuardedSource, server: ScpiServer) -> None:
    charging.pause()
    assert charging.wait_for(lambda c: c.state == "paused", 2.0)
    charging.resume()
    assert charging.wait_for(lambda c: c.state == "program", 2.0)
    charging.skip()
    assert charging.wait_for(lambda c: c.state == "watching", 3.0)
    charging.stop()
    texts = []
    while (block := charging.read(0.0)) is not None:
        texts += [block.text] if isinstance(block, EventBlock) else []
    for words in ("Program started", "Program paused", "Program resumed", "Step skipped", "Program finished"):
        assert any(words in text for text in texts), (words, texts)
