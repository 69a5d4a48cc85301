"""Camera scripts that send over ZeroMQ, for the registry."""

from __future__ import annotations

import socket

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.entry import Simulation, Simulator, SourceEntry
from tandem_em.sources.zmq.settings import FORM, ZmqTable
from tandem_em.sources.zmq.simulator import MovieSender
from tandem_em.sources.zmq.source import ZmqSource


def _simulate(name: str, movie: AnyArray | None, rate_hz: float) -> Simulation:
    # A port that is free now; the sender binds it a moment later.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    shown = movie if movie is not None else np.arange(256 * 256, dtype=np.uint16).reshape(1, 256, 256)
    sender = MovieSender(address, name, shown, rate_hz)
    return Simulation(ZmqTable(name=name, address=address, bind=False, simulated=True), sender, sender.close)


ZMQ = SourceEntry(
    kind="zmq",
    settings=ZmqTable,
    form=FORM,
    make=lambda table, _surroundings: ZmqSource(table),
    simulator=Simulator("Simulated camera script", _simulate, shows_movie=True),
)
