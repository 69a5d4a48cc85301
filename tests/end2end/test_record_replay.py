"""`tandem record` and `tandem replay` as real processes: killed, ended, played again through the wire."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from waiting import wait_until

from tandem_em.bench import recording_kills
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.simulator import SimulatedMeter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")
FRAMES, ROWS = 40, 400


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, seed: int) -> None:
    assert recording_kills.killed_at_random(tmp_path, seed) is None


def test_sigterm_under_load_ends_cleanly_within_three_seconds(tmp_path: Path) -> None:
    seconds, wrong = recording_kills.seconds_to_stop(tmp_path)
    assert wrong is None
    assert seconds < 3


def played_session(path: Path) -> Path:
    """A session of 4 s with a run and a movie whose values tell their place."""
    session = Session("played")
    clock = session.clocks.add(Clock(name="source-meter", uncertainty_s=0.1, origin="same host"))
    times = np.arange(ROWS) * 0.01
    run = BiasRun(
        name="bias",
        clock=clock,
        times=GrowingArray(times),
        columns={"voltage": Column("voltage", "V", GrowingArray(3.0 + times))},
        simulated=True,
    )
    session.runs.add(run)
    movie = np.arange(FRAMES, dtype=np.uint16)[:, None, None] * np.ones((1, 8, 12), np.uint16)
    stack = FrameStack(
        name="camera", clock=clock, source=MemoryArray(movie), times=np.arange(FRAMES) * 0.1, times_from="file",
        simulated=True,
    )  # fmt: skip
    session.stacks.add(stack)
    opened = run_to_end(files.create_session(path, session))
    opened.store.close()
    return path


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tandem_em", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )


def test_an_instrument_has_one_owner_and_a_switched_off_output_is_told(tmp_path: Path) -> None:
    """Two times `tandem record` on one source-meter; then somebody presses OUTPUT at its panel."""
    with ScpiServer(SimulatedMeter("2400", BatteryCell(capacity_C=1e-6, resistance_ohm=2e5))) as server:
        setup = tmp_path / "setup.toml"
        setup.write_text(
            f'[[source]]\nkind = "scpi"\nname = "bias"\naddress = "{server.address}"\nrate_hz = 20\n'
            '[program]\nfile = "charge.json"\n'
        )
        charge = {"step": "constant_current", "current_mA": 2.5e-7, "until_time_s": 1000}
        (tmp_path / "charge.json").write_text(json.dumps({"method": [charge]}))
        first = start("record", "--setup", setup, "-o", tmp_path / "first.nxs")
        wait_until(lambda: server.meter.state["SOUR:CURR"] == 2.5e-10, 30)
        second = start("record", "--setup", setup, "-o", tmp_path / "second.nxs")
        said = second.communicate(timeout=30)[1]
        assert second.returncode != 0
        assert "in use by tandem record of" in said
        assert f"(process {first.pid})" in said
        assert not (tmp_path / "second.nxs").exists()
        assert server.meter.output_on
        with socket.create_connection(("127.0.0.1", server.port)) as panel:
            panel.sendall(b":OUTP OFF\n")
        assert first.stderr is not None
        why = "The output of bias was switched off at the instrument or by another program."
        line = first.stderr.readline()
        assert line.startswith(why)
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=30)
        assert first.returncode == 0
    opened = run_to_end(files.open_session(tmp_path / "first.nxs", readonly=True))
    assert any(event.name.startswith(why) for event in opened.session.events)
    opened.store.close()


def listening(pid: int, limit_s: float = 20.0) -> set[tuple[str, int]]:
    """Where a process listens, as soon as it does."""
    open_here: set[tuple[str, int]] = set()

    def look() -> bool:
        found = psutil.Process(pid).net_connections("inet")
        open_here.update((c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN)
        return bool(open_here)

    wait_until(look, limit_s, saying=lambda: "it listens nowhere")
    return open_here


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_session_is_replayed_over_the_wire_and_recorded_again(tmp_path: Path) -> None:
    played, port = played_session(tmp_path / "played.nxs"), free_port()
    before = played.read_bytes()
    setup = tmp_path / "setup.toml"
    setup.write_text(f'[[source]]\nkind = "zmq"\nname = "wire"\naddress = "127.0.0.1:{port}"\n')
    recorded = tmp_path / "again.nxs"
    recorder = start("record", "--setup", setup, "-o", recorded, "--for", 60)
    assert recorder.stdout is not None
    json.loads(recorder.stdout.readline())
    assert listening(recorder.pid) == {("127.0.0.1", port)}, "only loopback"
    sent = start("replay", played, "--speed", 4, "--to", f"127.0.0.1:{port}")
    answer, errors = sent.communicate(timeout=60)
    assert sent.returncode == 0, errors
    (went_out,) = json.loads(answer)["sent"]
    assert went_out == {
        "to": f"127.0.0.1:{port}", "streams": "bias and camera", "sample": ROWS, "frame": FRAMES, "event": 0
    }  # fmt: skip
    deadline = time.monotonic() + 30
    while True:
        line = json.loads(recorder.stdout.readline())
        if line["acknowledged"]["wire"] >= ROWS + FRAMES:
            break
        assert time.monotonic() < deadline, line
    recorder.send_signal(signal.SIGTERM)
    recorder.communicate(timeout=20)
    assert recorder.returncode == 0
    assert played.read_bytes() == before, "a replay never writes into the session it plays"
    opened = run_to_end(files.open_session(recorded, readonly=True))
    run, stack = opened.session.runs.first, opened.session.stacks.first
    assert run is not None
    assert stack is not None
    np.testing.assert_allclose(run.values("voltage"), 3.0 + 0.01 * np.arange(ROWS))
    assert [int(stack.frame(k)[3, 3]) for k in range(FRAMES)] == list(range(FRAMES))
    opened.store.close()


def test_a_replay_over_the_wire_pauses_and_seeks(tmp_path: Path) -> None:
    """Orders come in lines on standard input while it plays."""
    played, port = played_session(tmp_path / "played.nxs"), free_port()
    setup = tmp_path / "setup.toml"
    setup.write_text(f'[[source]]\nkind = "zmq"\nname = "wire"\naddress = "127.0.0.1:{port}"\n')
    recorder = start("record", "--setup", setup, "-o", tmp_path / "again.nxs", "--for", 60)
    listening(recorder.pid)
    sent = subprocess.Popen(
        [sys.executable, "-m", "tandem_em", "replay", played, "--to", f"127.0.0.1:{port}", "--speed", "0.1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert sent.stdin is not None
    began = time.monotonic()
    sent.stdin.write("pause\nfaster\nseek 3.9\nspeed 100\ngo\n")
    sent.stdin.flush()
    answer, errors = sent.communicate(timeout=60)
    recorder.send_signal(signal.SIGTERM)
    recorder.communicate(timeout=20)
    assert sent.returncode == 0, errors
    assert "'faster' is not a replay command" in errors
    assert time.monotonic() - began < 30, "40 s at this speed"
    (went_out,) = json.loads(answer)["sent"]
    assert 0 < went_out["sample"] < ROWS / 2, "what lies before the place was not sent"


def test_a_session_is_a_source_of_a_setup(tmp_path: Path) -> None:
    played_session(tmp_path / "played.nxs")
    setup = tmp_path / "setup.toml"
    setup.write_text('[[source]]\nkind = "replay"\nname = "again"\npath = "played.nxs"\nspeed = 4\n')
    recorded = tmp_path / "again.nxs"
    done = start("record", "--setup", setup, "-o", recorded, "--for", 5)
    _, errors = done.communicate(timeout=60)
    assert done.returncode == 0, errors
    opened = run_to_end(files.open_session(recorded, readonly=True))
    run, stack = opened.session.runs.first, opened.session.stacks.first
    assert run is not None
    assert stack is not None
    assert (len(run), len(stack)) == (ROWS, FRAMES)
    assert run.instrument["replay_of"] == "played.nxs"
    assert np.ptp(run.t) == pytest.approx(np.ptp(stack.t), abs=0.15)
    assert np.ptp(run.t) == pytest.approx(3.99 / 4, abs=0.1)
    opened.store.close()


def test_nothing_to_replay_is_a_sentence(tmp_path: Path) -> None:
    opened = run_to_end(files.create_session(tmp_path / "empty.nxs", Session("empty")))
    opened.store.close()
    done = start("replay", tmp_path / "empty.nxs", "--to", "127.0.0.1:9")
    _, errors = done.communicate(timeout=60)
    assert done.returncode == 1
    assert "nothing to replay" in errors
    assert "Traceback" not in errors


def test_what_is_wrong_with_a_source_is_said_where_somebody_reads_it(tmp_path: Path) -> None:
    setup = tmp_path / "setup.toml"
    meter = f'kind = "scpi"\nname = "bias"\naddress = "TCPIP::127.0.0.1::{free_port()}::SOCKET"\n'
    camera = f'kind = "merlin"\nname = "camera"\naddress = "127.0.0.1:{free_port()}"\n'
    setup.write_text(f"[[source]]\n{meter}[[source]]\n{camera}")
    recorder = start("record", "--setup", setup, "-o", tmp_path / "none.nxs", "--for", 8)
    lines, errors = recorder.communicate(timeout=90)
    assert recorder.returncode == 0
    assert errors.count("does not answer") == 2
    assert "camera" in errors
    assert "is connected again" not in errors
    states = [json.loads(line)["sources"] for line in lines.splitlines()]
    assert not any(state["bias"] == "waiting" for state in states), "there is no connection"


def test_a_message_nobody_can_read_is_counted_and_told(tmp_path: Path) -> None:
    import zmq

    setup = tmp_path / "setup.toml"
    with zmq.Context() as context, context.socket(zmq.PUSH) as detector:
        detector.setsockopt(zmq.LINGER, 0)
        port = detector.bind_to_random_port("tcp://127.0.0.1")
        setup.write_text(
            f'[[source]]\nkind = "dectris"\nname = "camera"\naddress = "127.0.0.1:{port}"\n', "utf-8"
        )
        with start("record", "--setup", setup, "-o", tmp_path / "out.nxs", "--for", "4") as recording:
            for _ in range(3):
                detector.send(b"\x00nonsense")
            out, said = recording.communicate(timeout=60)
    assert recording.returncode == 0
    assert json.loads(out.splitlines()[-1])["refused"] == {"camera": 3}
    assert said.count("CBOR") == 1
