"""Every simulator can be started from one place and connected to with the table it gives; discovery proposes tables."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.sources import discovery
from tandem_em.sources.core.base import EventBlock
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.registry import create_source
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.settings import ScpiTable
from tandem_em.sources.scpi.simulator import SimulatedMeter
from tandem_em.sources.setup import parse_setup
from tandem_em.sources.simulators import simulate

MOVIE = np.arange(3 * 32 * 32, dtype=np.uint16).reshape(3, 32, 32)


@pytest.mark.parametrize("kind", ["scpi", "merlin", "dectris", "impulse", "zmq", "text"])
def test_each_simulator_is_heard(kind: str) -> None:
    with simulate(kind, movie=MOVIE) as simulation:
        source = create_source(simulation.table)
        source.start()
        deadline = time.monotonic() + 40
        block = source.read(1.0)
        while block is None or isinstance(block, EventBlock):
            assert time.monotonic() < deadline, source.status()
            block = source.read(1.0)
        assert source.describe().simulated
        source.close()


def test_no_such_simulator() -> None:
    with pytest.raises(UserError, match="There is no simulator"):
        simulate("radio")


def test_simulators_on_the_command_line_write_their_set_up() -> None:
    command = [sys.executable, "-m", "tandem_em.sources.simulators", "scpi", "impulse"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines: list[str] = []
    while sum(line.startswith("[[source]]") for line in lines) < 2 or lines[-1].strip():
        lines.append(process.stdout.readline())
        assert lines[-1]
    process.terminate()
    process.wait(10)
    process.stdout.close()
    assert [table.kind for table in parse_setup("".join(lines)).source] == ["scpi", "impulse"]


def test_discovery_asks_only_who_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScpiServer(SimulatedMeter("2450", BatteryCell())) as server:
        addresses = [server.address, "TCPIP::127.0.0.1::9::SOCKET", "ASRL/dev/null::INSTR"]
        monkeypatch.setattr(discovery, "find_instruments", lambda: addresses)
        monkeypatch.setattr(discovery, "_answers", lambda address: address.endswith("6342"))
        found = run_to_end(discovery.find_sources())
        assert server.lines == ["*IDN?"]
    assert [type(each.table) for each in found] == [MerlinTable, ScpiTable]
    assert isinstance(found[1].table, ScpiTable)
    assert found[1].table.model == "keithley 2450"


def test_looking_for_instruments_opens_no_door_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyvisa_py import tcpip

    def broadcast() -> list[str]:
        raise AssertionError("a broadcast was sent")

    monkeypatch.setattr(tcpip.TCPIPInstrSession, "list_resources", staticmethod(broadcast))
    assert isinstance(discovery.find_instruments(), list)
