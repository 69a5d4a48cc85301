"""Replay: recorded times on the host's clock, pause, seek and speed, and out through the wire into a real receiver."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tandem_em.core.notices import UserError
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.sources import registry
from tandem_em.sources.core.base import (
    Block,
    EventBlock,
    FrameBlock,
    SampleBlock,
    Source,
    host_now,
)
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.registry import create_source
from tandem_em.sources.replay.clock import ReplayClock
from tandem_em.sources.replay.settings import ReplayTable
from tandem_em.sources.replay.source import replay_sources
from tandem_em.sources.replay.wire import ReplayOverWire
from tandem_em.sources.setup import parse_setup
from tandem_em.sources.zmq.settings import ZmqTable
from tandem_em.sources.zmq.source import ZmqSource


def session(seconds: float = 2.0) -> Session:
    made = Session("cluster A")
    times = np.arange(0, seconds, 0.01)
    run = BiasRun(name="bias", times=GrowingArray(times), segment_starts=[0, 50], simulated=True)
    run.columns["voltage"] = Column("voltage", "V", GrowingArray(3.7 + 0.001 * np.arange(len(times))))
    count = int(seconds * 20)
    frames = np.arange(count, dtype=np.uint16)[:, None, None] * np.ones((1, 4, 6), np.uint16)
    stack = FrameStack(
        name="camera", source=MemoryArray(frames), times=np.arange(count) / 20.0, pixel_nm=0.3,
        frame_numbers=np.arange(count, dtype=np.int64) + 7,
    )  # fmt: skip
    made.runs.add(run)
    made.stacks.add(stack)
    made.events.add(Event(name="Beam on", t=seconds / 2, category="beam"))
    return made


def drain(sources: list[Any], is_enough: Callable[[], bool], limit_s: float = 40.0) -> list[Block]:
    blocks: list[Block] = []
    deadline = time.monotonic() + limit_s
    while not is_enough() or any(s.status().queued for s in sources):
        assert time.monotonic() < deadline
        for source in sources:
            while (block := source.read(0.001)) is not None:
                blocks.append(block)
    return blocks


def test_a_session_plays_at_its_speed_and_nothing_is_lost() -> None:
    clock, sources = replay_sources(session(), speed=4.0)
    begun = host_now()
    for source in sources:
        assert isinstance(source, Source)
        source.start()
    blocks = drain(sources, lambda: all(s.is_played for s in sources))
    took = host_now() - begun
    for source in sources:
        source.close()
    samples = [b for b in blocks if isinstance(b, SampleBlock)]
    frames = [b for b in blocks if isinstance(b, FrameBlock)]
    times = np.concatenate([b.times for b in samples])
    assert times == pytest.approx(np.arange(200) * 0.01)
    assert [f.frame_number for f in frames] == list(range(7, 47))
    assert [f.frame[0, 0] for f in frames] == list(range(40))
    assert [b.text for b in blocks if isinstance(b, EventBlock)] == ["Beam on"]
    assert took > 0.45
    hosts = np.concatenate([b.host_times for b in samples])
    assert np.diff(hosts) == pytest.approx(0.0025, abs=1e-6)
    described = [source.describe() for source in sources]
    assert all(d.replay for d in described)
    assert [d.simulated for d in described] == [True, False, False]
    assert clock.is_over


def test_above_ten_times_all_samples_but_only_the_newest_frames() -> None:
    _clock, sources = replay_sources(session(20.0), speed=100.0)
    for source in sources:
        source.start()
    blocks = drain(sources, lambda: all(s.is_played for s in sources))
    for source in sources:
        source.close()
    frames = [b.frame_number for b in blocks if isinstance(b, FrameBlock)]
    assert sum(len(b) for b in blocks if isinstance(b, SampleBlock)) == 2000
    assert 1 <= len(frames) < 400
    assert frames[-1] == 406
    assert frames == sorted(frames)


def test_pause_seek_and_speed() -> None:
    clock, sources = replay_sources(session(60.0))
    run = sources[0]
    run.start()
    block = run.read(2.0)
    assert isinstance(block, SampleBlock)
    clock.pause()
    paused_at = clock.now()
    while run.read(0.1) is not None:
        pass
    assert clock.now() == paused_at
    assert run.status().state == "paused"
    clock.seek(30.0)
    clock.resume()
    after = run.read(2.0)
    assert isinstance(after, SampleBlock)
    assert after.new_segment
    assert after.times[0] == pytest.approx(30.0, abs=0.011)
    clock.speed = 5000
    assert clock.speed == 100.0
    clock.seek(1e9)
    assert clock.now() == clock.end_s
    run.close()


def test_the_clock_fit_is_exact() -> None:
    clock, sources = replay_sources(session(), speed=2.0)
    sources[0].start()
    blocks = drain(sources[:1], lambda: clock.now() > 0.5)
    fit = sources[0].clock_fit()
    sources[0].close()
    for block in blocks:
        assert isinstance(block, SampleBlock)
        assert [fit.to_host(t) for t in block.times] == pytest.approx(block.host_times, abs=1e-6)


def test_the_replay_clock_keeps_absolute_deadlines() -> None:
    clock = ReplayClock(10.0, 20.0, 2.0)
    assert clock.now() == 10.0
    clock.resume()
    due = clock.host_time_of(14.0)
    assert due - host_now() == pytest.approx(2.0, abs=0.05)
    assert clock.host_time_of(16.0) - due == pytest.approx(1.0)


def test_out_through_the_wire_into_a_real_receiver() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    receiver = ZmqSource(ZmqTable(name="camera again", address=f"127.0.0.1:{port}"))
    receiver.start()
    _clock, sources = replay_sources(session(), speed=5.0)
    wire = ReplayOverWire(sources[1], f"127.0.0.1:{port}")
    frames: list[FrameBlock] = []
    deadline = time.monotonic() + 40
    while len(frames) < 40:
        assert time.monotonic() < deadline
        block = receiver.read(0.2)
        if isinstance(block, FrameBlock):
            frames.append(block)
    described = receiver.describe()
    wire.close()
    receiver.close()
    assert [f.frame[0, 0] for f in frames] == list(range(40))
    assert np.diff([f.time for f in frames]) == pytest.approx(0.05)
    assert described.replay
    assert described.pixel_nm == pytest.approx(0.3)


def test_the_registry_knows_every_kind(tmp_path: Path) -> None:
    made = session()
    lines = {
        "scpi": 'address = "TCPIP::127.0.0.1::5025::SOCKET"', "text": 'path = "x.mpt"', "folder": f'path = "{tmp_path}"',
        "replay": 'path = "x"', "merlin": "", "dectris": "", "zmq": "", "impulse": "",
    }  # fmt: skip
    text = "".join(f'[[source]]\nkind = "{kind}"\nname = "{kind}"\n{more}\n' for kind, more in lines.items())
    setup = parse_setup(text)
    assert [t.kind for t in setup.source] == list(lines)
    assert set(lines) == set(registry.entries())
    for table in setup.source:
        source = create_source(table, setup.limits, lambda _path: [*made.runs, *made.stacks])
        assert isinstance(source, Source)
        assert source.describe().kind == table.kind
        assert source.status().state == "idle"
        assert isinstance(source, ThreadedSource)
        source.close()
    tdms = parse_setup('[[source]]\nkind = "text"\nname = "t"\npath = "x.tdms"\n').source[0]
    assert create_source(tdms).describe().label == "LabVIEW TDMS"


def test_a_replay_needs_something_to_play() -> None:
    table = ReplayTable(name="r", path=Path("empty.nxs"))
    with pytest.raises(UserError, match="nothing to replay"):
        create_source(table, None, lambda _path: [])
    with pytest.raises(UserError, match="reader of files"):
        create_source(table)
