"""What other programs send to source-meters, and what other simulators of cameras send to us."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from tandem_em.sources.core.base import FrameBlock
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.merlin.source import MerlinSource
from tandem_em.sources.scpi.server import ScpiServer
from tandem_em.sources.scpi.simulator import SimulatedMeter

CELL_OHM = 2e6


def meter(model: str) -> SimulatedMeter:
    return SimulatedMeter(model, BatteryCell(capacity_C=1e-6, resistance_ohm=CELL_OHM))


@pytest.fixture
def pymeasure_2400() -> Iterator[tuple[object, ScpiServer]]:
    from pymeasure.instruments.keithley import Keithley2400

    with ScpiServer(meter("2400")) as server:
        client = Keithley2400(
            server.address, visa_library="@py", read_termination="\n", write_termination="\n"
        )
        yield client, server
        client.adapter.close()


def test_pymeasure_drives_the_2400(pymeasure_2400) -> None:
    client, server = pymeasure_2400
    client.reset()
    client.source_mode = "current"
    client.compliance_voltage = 4.5
    client.source_current = 2.5e-10
    client.enable_source()
    assert client.source_current == 2.5e-10
    assert client.current == pytest.approx(2.5e-10)
    assert client.voltage == pytest.approx(server.meter.cell.ocv() + 2.5e-10 * CELL_OHM, abs=0.01)
    client.config_buffer(10, 0)
    client.start_buffer()
    client.wait_for_buffer(timeout=5)
    assert len(client.buffer_data) >= 10
    assert client.means[1] == pytest.approx(2.5e-10)
    client.output_off_state = "disconnected"
    client.disable_source()
    assert not client.source_enabled
    assert server.meter.off_state == "HIMP"
    assert client.check_errors() == []


QCODES_2450 = [
    (":SOUR:FUNC CURR", None), (":SOUR:FUNC?", "CURR"), (':SENS:FUNC "VOLT:DC"', None), (":SENS:FUNC?", '"VOLT:DC"'),
    ("SOUR:current:VLIM 4.5", None), ("SOUR:current:VLIM?", 4.5), ("SOUR:current 2.5e-10", None),
    ("SOUR:current?", 2.5e-10), (":SENSe:VOLTage:NPLCycles 0.1", None), (":SENSe:VOLTage:NPLCycles?", 0.1),
    (":SENSe:VOLTage:RSENse 1", None), (":SENSe:VOLTage:RSENse?", 1), (":SENSe:COUNt 3", None), (":SENSe:COUNt?", 3),
    (":SENSe:VOLTage:DELay:USER2 0.5", None), (":SENSe:VOLTage:DELay:USER2?", 0.5), ("ROUTe:TERMinals?", "FRON"),
    (":SYSTem:LFRequency?", 50), (":OUTP 1", None), (":OUTP?", 1), (":TRACe:MAKE 'b1', 100, STANDARD", None),
    (":TRACe:POINts? 'b1'", 100), (":TRACe:TRIGger 'b1'", None), (":TRACe:ACTual? 'b1'", 3),
    (":SOURce:SWEep:CURRent:LINear 0,1e-9,5,0,1,AUTO,ON,OFF,'b1'", None), (":INITiate", None), ("*WAI", None),
    (":TRACe:ACTual? 'b1'", 5), (":TRACe:CLEar 'b1'", None), (":TRACe:ACTual? 'b1'", 0),
    (":TRACe:DELete 'b1'", None), (":SYST:ERR?", '0,"No error"'),
]  # fmt: skip


def test_the_2450_understands_what_qcodes_sends() -> None:
    keithley = meter("2450")
    for line, wanted in QCODES_2450:
        answer = keithley.handle(line)
        if isinstance(wanted, int | float):
            assert answer is not None, line
            assert float(answer) == wanted, line
        else:
            assert answer == wanted, line


def test_a_sweep_is_read_back_from_its_buffer() -> None:
    keithley = meter("2450")
    keithley.handle(':SOUR:FUNC CURR;:SENS:FUNC "VOLT";:OUTP ON')
    keithley.handle(":SOURce:SWEep:CURRent:LINear 0,1e-9,5,0,1,AUTO,ON,OFF,'defbuffer1'")
    keithley.handle(":INITiate")
    read = keithley.handle(":TRACe:DATA? 1, 5, 'defbuffer1'")
    sourced = keithley.handle(":TRACe:DATA? 1, 5, 'defbuffer1', SOUR")
    assert read is not None
    assert sourced is not None
    assert np.diff([float(v) for v in read.split(",")]) == pytest.approx(0.25e-9 * CELL_OHM, rel=0.05)
    assert [float(v) for v in sourced.split(",")] == pytest.approx(np.linspace(0, 1e-9, 5))


def test_nonsense_is_an_error_and_no_death() -> None:
    for model in ("2400", "2450"):
        keithley = meter(model)
        for line in (":TRAC:DATA? a,b", ":TRAC:ACT? 'never made'", ":SOUR:SWE:CURR:LIN x", ":OUTP ON;:INIT"):
            keithley.handle(line)
        assert keithley.handle("*IDN?") is not None


@pytest.mark.parametrize("ending", ["12,", "12\n", "12,   "])
def test_frame_headers_of_all_software_versions(ending: str) -> None:
    """A scan of a public simulator: a header block, frames, the connection closed; commands answered loosely."""
    pixels = np.arange(64, dtype=">u2").reshape(8, 8)

    def message(payload: bytes) -> bytes:
        return b"MPX,%010d," % (len(payload) + 1) + payload

    def frame(number: int) -> bytes:
        zeros = ",".join(["0.000000E+0"] * 6)
        head = (
            f"MQ1,{number:06d},00384,01,0008,0008,U16,   1x1,01,2024-05-18 16:51:00.{number:06d},0.000555,0,0,0,"
            f"1.2E+2,5.1E+2,{zeros},3RX,175,511,000,MQ1A,2024-05-18T14:51:00.{number:06d}178Z,555000ns,{ending}"
        )
        return message(head.encode().ljust(384) + pixels.tobytes())

    data = socket.create_server(("127.0.0.1", 0))
    control = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        ours, _ = data.accept()
        orders, _ = control.accept()
        for _ in range(2):
            orders.recv(4096)
            orders.sendall(b"first,second,SET,fourth,0")
        with ours, orders:
            ours.sendall(message(b"HDR,\nFrames in Acquisition (Number):\t3\nEnd\t"))
            for number in (1, 2, 3):
                ours.sendall(frame(number))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    where = [f"127.0.0.1:{each.getsockname()[1]}" for each in (data, control)]
    source = MerlinSource(MerlinTable(name="camera", address=where[0], control=where[1], trigger=True))
    source.start()
    frames: list[FrameBlock] = []
    while len(frames) < 3:
        block = source.read(10.0)
        assert block is not None
        if isinstance(block, FrameBlock):
            frames.append(block)
    source.close()
    thread.join(5)
    data.close()
    control.close()
    assert [f.frame_number for f in frames] == [1, 2, 3]
    assert [f.time for f in frames] == pytest.approx([0, 1e-6, 2e-6], abs=1e-6)
    np.testing.assert_array_equal(frames[2].frame, pixels)
    assert source.status().refused == 0
