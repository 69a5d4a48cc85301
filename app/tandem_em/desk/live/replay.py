"""Replaying a recorded session, over the wire or into the window; marked as a replay wherever it arrives."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk.document.files import Opened, open_session
from tandem_em.model.session import Session
from tandem_em.sources.core.base import (
    Block,
    ClockFit,
    FrameBlock,
    SampleBlock,
    SourceDescription,
    SourceStatus,
)

if TYPE_CHECKING:
    from tandem_em.sources.replay.clock import ReplayClock
    from tandem_em.sources.replay.source import ReplaySource

OFFSET_UNCERTAINTY_S = 0.02
DEFAULT_PORT = 5555


def speed(text: str) -> float:
    """0.1 to 100, as typed."""
    try:
        value = float(text.rstrip("x×"))
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not a speed from 0.1 to 100")
    return value


def obey(clock: ReplayClock, order: str) -> None:
    """Pause, go on, seek or change the speed, in words; a UserError for any other word."""
    word, _, value = order.strip().lower().partition(" ")
    try:
        if word == "pause":
            clock.pause()
        elif word == "go":
            clock.resume()
        elif word == "seek":
            clock.seek(clock.start_s + float(value))
        elif word == "speed":
            clock.speed = speed(value)
        else:
            raise ValueError(word)
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise UserError(
            f"{order.strip()!r} is not a replay command.", "Commands: pause, go, seek SECONDS, speed X."
        ) from error


def send(
    session: Session,
    address: str,
    factor: float,
    say: Callable[[float, float], None],
    order: Callable[[ReplayClock], None] = lambda _clock: None,
) -> dict[str, Any]:
    """Play every stream over ZeroMQ until all is sent; returns what was sent, by address and stream.

    `order` is called ten times a second and may pause, seek and change the speed.
    One sender brings a run and a stack. Further ones go to the ports above, for a receiver takes one sender only.
    """
    from tandem_em.sources.core.addresses import host_port
    from tandem_em.sources.replay.source import paired_sources
    from tandem_em.sources.replay.wire import ReplayOverWire

    if session.is_empty:
        raise UserError(
            "This session has nothing to replay.", "Choose a session with a recorded run or stack."
        )
    began = time.monotonic()
    clock, sources = paired_sources(session, factor)
    if not sources:
        raise UserError("This session has nothing to replay.", "Only runs and stacks can be replayed.")
    host, port = host_port(address, DEFAULT_PORT)
    wires = {
        f"{host}:{port + place}": ReplayOverWire(source, f"{host}:{port + place}")
        for place, source in enumerate(sources)
    }
    try:
        low, high = clock.start_s, clock.end_s
        while not all(wire.is_done for wire in wires.values()):
            time.sleep(0.1)
            order(clock)
            say(min(clock.now(), high) - low, high - low)
    finally:
        for wire in wires.values():
            wire.close()
    sent = [{"to": to, "streams": wire.source.name, **wire.sent} for to, wire in wires.items()]
    return {"sent": sent, "seconds": time.monotonic() - began}


@dataclass(frozen=True)
class Replay:
    """A session that plays into the window. `clock` pauses, seeks and sets the speed."""

    opened: Opened
    clock: ReplayClock
    sources: list[AsItCame]

    @property
    def name(self) -> str:
        """Title of the replayed session, else the name of its file."""
        return self.opened.session.info.name or self.opened.store.path.stem


class AsItCame:
    """A replayed stream on the time axis of the replay: pauses are gaps, and going back does not turn time around."""

    def __init__(self, source: ReplaySource) -> None:
        self._source = source

    @property
    def name(self) -> str:
        """That of the replayed stream."""
        return self._source.name

    def describe(self) -> SourceDescription:
        """What the replayed source says of itself, marked as a replay there."""
        return self._source.describe()

    def start(self) -> None:
        """Begin to play."""
        self._source.start()

    def read(self, timeout: float) -> Block | None:
        """The next block stamped with its arrival (host seconds); None when nothing came within `timeout` s."""
        block = self._source.read(timeout)
        if isinstance(block, SampleBlock):
            return replace(block, times=np.asarray(block.host_times))
        if isinstance(block, FrameBlock):
            return replace(block, time=block.host_time)
        return block

    def stop(self) -> None:
        """Stop playing; what is queued can still be read."""
        self._source.stop()

    def close(self) -> None:
        """Let go of the replayed stream."""
        self._source.close()

    def status(self) -> SourceStatus:
        """State and counters of the replayed source."""
        return self._source.status()

    def clock_fit(self) -> ClockFit:
        """Its times are those of this computer."""
        return ClockFit(
            offset_s=0.0,
            uncertainty_s=OFFSET_UNCERTAINTY_S,
            origin="same host",
            samples=self.status().received,
        )


def open_replay(path: Path, factor: float = 1.0) -> Job[Replay]:
    """Open a session, only to read it, and make its streams ready to play."""
    from tandem_em.sources.replay.source import replay_sources

    opened = yield from open_session(path, readonly=True)
    clock, sources = replay_sources(opened.session, factor)
    if not sources:
        opened.store.close()
        raise UserError(
            f"{path.name} has nothing to replay.", "Choose a session with a recorded run or stack."
        )
    return Replay(opened, clock, [AsItCame(source) for source in sources])
