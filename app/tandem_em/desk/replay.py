"""Replaying a recorded session: over the wire for now; marked as a replay wherever it arrives."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from tandem_em.model.session import Session
from tandem_em.notices import UserError


def speed(text: str) -> float:
    """0.1 to 100, as typed."""
    try:
        value = float(text.rstrip("x×"))
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} is not a speed from 0.1 to 100")
    return value


def send(
    session: Session, address: str, factor: float, say: Callable[[float, float], None]
) -> dict[str, Any]:
    """Play every stream over ZeroMQ to `address` until all is sent; returns the numbers sent by stream."""
    from tandem_em.sources.replay import replay_sources
    from tandem_em.sources.replay_wire import ReplayOverWire

    if session.is_empty:
        raise UserError("There is nothing to replay in this session.", "Choose one with a recorded stream.")
    began = time.monotonic()
    clock, sources = replay_sources(session, factor)
    wires = [ReplayOverWire(source, address) for source in sources]
    try:
        low, high = clock.start_s, clock.end_s
        while not all(wire.is_done for wire in wires):
            time.sleep(0.1)
            say(min(high - low, (time.monotonic() - began) * factor), high - low)
    finally:
        for wire in wires:
            wire.close()
    return {"sent": {wire.source.name: wire.sent for wire in wires}, "seconds": time.monotonic() - began}
