"""Starts simulated instruments for trying out, demonstrations and tests, each with the table that connects to it.

with simulate("scpi") as smu, simulate("merlin") as camera:
    setup = Setup(source=[smu.table, camera.table])

python -m tandem_em.sources.simulators scpi merlin > SETUP.toml     runs until Ctrl+C
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.simulation.movie_levels import level_recipe
from tandem_em.simulation.movie_physics import render_frame
from tandem_em.sources.core.base import Kind, host_now
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.core.setup import (
    AnySource,
    DectrisTable,
    ImpulseTable,
    MerlinTable,
    ScpiTable,
    Setup,
    TextTable,
    ZmqTable,
    dump_setup,
    to_toml,
)
from tandem_em.sources.dectris.simulator import DectrisSimulator
from tandem_em.sources.files.tail_simulator import FileWriter, ec_lab_text
from tandem_em.sources.impulse.simulator import ImpulseSimulator
from tandem_em.sources.merlin.simulator import MerlinSimulator
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.simulator import SimulatedMeter
from tandem_em.sources.zmq.sender import MessageSender

MOVIE_FRAMES = 48


@dataclass
class Simulation:
    """A running simulator. `instrument` is the object itself, with its faults on demand."""

    table: AnySource
    instrument: Any
    close: Callable[[], None]

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def simulate(
    kind: str, name: str = "", *, movie: NDArray[Any] | None = None, rate_hz: float = 20.0
) -> Simulation:
    """Start one of scpi, merlin, dectris, impulse, zmq, text. `movie`: what the cameras show (uint16)."""
    makers: dict[str, Callable[[str, NDArray[Any] | None, float], Simulation]] = {
        "scpi": _scpi,
        "merlin": _merlin,
        "dectris": _dectris,
        "impulse": _impulse,
        "zmq": _zmq,
        "text": _text,
    }
    if kind not in makers:
        raise UserError(f'There is no simulator of the kind "{kind}".', f"There are: {', '.join(makers)}.")
    return makers[kind](name or f"simulated {kind}", movie, rate_hz)


def particle_movie(frames: int = MOVIE_FRAMES, size: int = 256) -> NDArray[np.uint16]:
    """A bright-field movie of a particle that grows (takes a few seconds to make)."""
    recipe = level_recipe("easy", 3, frames=frames, size=size)
    return np.stack([render_frame(recipe, number) for number in range(frames)])


def _scpi(name: str, _movie: NDArray[Any] | None, _rate_hz: float) -> Simulation:
    server = ScpiServer(SimulatedMeter("2400", BatteryCell(capacity_C=2e-7, resistance_ohm=2e6)))
    table = ScpiTable(name=name, address=server.address, compliance_A=1e-7, simulated=True)
    return Simulation(table, server, server.close)


def _merlin(name: str, movie: NDArray[Any] | None, rate_hz: float) -> Simulation:
    camera = MerlinSimulator(frames=10_000_000, rate_hz=rate_hz, movie=movie)
    table = MerlinTable(name=name, address=camera.address, control=camera.control, simulated=True)
    return Simulation(table, camera, camera.close)


def _dectris(name: str, _movie: NDArray[Any] | None, rate_hz: float) -> Simulation:
    camera = DectrisSimulator(2, frames=10_000_000, rate_hz=rate_hz)
    table = DectrisTable(name=name, address=camera.address, version=2, simulated=True)
    return Simulation(table, camera, camera.close)


def _impulse(name: str, _movie: NDArray[Any] | None, rate_hz: float) -> Simulation:
    holder = ImpulseSimulator(rate_hz=rate_hz)
    table = ImpulseTable(name=name, address=holder.address, control=holder.control, simulated=True)
    return Simulation(table, holder, holder.close)


class MovieSender:
    """Sends a movie over and over with the open ZeroMQ message, like a camera script would."""

    def __init__(self, address: str, source: str, movie: NDArray[Any], rate_hz: float) -> None:
        self._sender = MessageSender(address, source, bind=True, facts={"simulated": True})
        self._thread = threading.Thread(
            target=self._send, args=(movie, rate_hz), name="movie sender", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._sender.closing.set()
        self._thread.join(5.0)
        self._sender.close()

    def _send(self, movie: NDArray[Any], rate_hz: float) -> None:
        begun, number = host_now(), 0
        while not self._sender.closing.wait(max(begun + number / rate_hz - host_now(), 0.0)):
            self._sender.frame(movie[number % len(movie)], host_now(), t_clock="host", scale=0.5, unit="nm")
            number += 1


def _zmq(name: str, movie: NDArray[Any] | None, rate_hz: float) -> Simulation:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    shown = movie if movie is not None else np.arange(256 * 256, dtype=np.uint16).reshape(1, 256, 256)
    sender = MovieSender(address, name, shown, rate_hz)
    return Simulation(ZmqTable(name=name, address=address, bind=False, simulated=True), sender, sender.close)


def _text(name: str, _movie: NDArray[Any] | None, _rate_hz: float) -> Simulation:
    folder = tempfile.TemporaryDirectory(prefix="tandem-simulated-")
    path = Path(folder.name) / "cell.mpt"
    writer = FileWriter(path, ec_lab_text(20_000), pause_s=0.1, largest=500)

    def close() -> None:
        writer.close()
        folder.cleanup()

    return Simulation(TextTable(name=name, path=path, simulated=True), writer, close)


def main(kinds: list[str]) -> int:
    """Run simulators, write the set-up that connects to them, wait for Ctrl+C."""
    running: list[Simulation] = []
    known = [kind for kind in get_args(Kind) if kind not in ("folder", "replay")]
    try:
        cameras = {"merlin", "zmq"} & set(kinds)
        movie = particle_movie() if cameras else None
        running = [simulate(kind, movie=movie) for kind in kinds or known]
        sys.stdout.write(to_toml(dump_setup(Setup(source=[each.table for each in running]))) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        for each in running:
            each.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
