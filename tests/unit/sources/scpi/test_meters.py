"""Source-meters over real sockets and a real serial line: values arrive, faults are sentences, the cell stays open."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Iterator

import pytest
from waiting import wait_until

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.battery_cell import BatteryCell
from tandem_em.sources.scpi.connect import connect_meter
from tandem_em.sources.scpi.link import (
    BadReplyError,
    LinkClosedError,
    LinkTimeoutError,
    SocketLink,
    number,
    open_link,
)
from tandem_em.sources.scpi.meter import Meter, MeterSettings
from tandem_em.sources.scpi.server import ScpiServer, SerialServer
from tandem_em.sources.scpi.simulator import SimulatedMeter
from tandem_em.sources.scpi.words import normal_form, split_line

SETTINGS = MeterSettings(compliance_V=5.0, compliance_A=1e-9)


@pytest.fixture(params=["2400", "2450"])
def server(request: pytest.FixtureRequest) -> Iterator[ScpiServer]:
    with ScpiServer(
        SimulatedMeter(request.param, BatteryCell(capacity_C=1e-6, resistance_ohm=2e6))
    ) as running:
        yield running


def wait_past(moment: float) -> None:
    wait_until(lambda: host_now() >= moment)


def ready_meter(server: ScpiServer, backend: str = "auto") -> Meter:
    meter = connect_meter(
        open_link(server.address, timeout_s=0.5, backend=backend), server.meter.model, SETTINGS
    )
    meter.require_high_impedance()
    meter.prepare()
    meter.select("current", 0.0)
    meter.set_output(True)
    meter.start_clock(0.0)
    return meter


def test_250_pA_arrives_as_250_pA(server: ScpiServer) -> None:
    meter = ready_meter(server)
    meter.set_level("current", 2.5e-10)
    assert server.meter.state["SOUR:CURR"] == 2.5e-10
    limit = "SOUR:VOLT:ILIM" if server.meter.is_2450 else "SENS:CURR:PROT"
    assert server.meter.state[limit] == 1e-9
    reading = meter.read()
    assert reading.current == pytest.approx(2.5e-10, rel=1e-5)
    assert reading.voltage == pytest.approx(server.meter.cell.ocv() + 2.5e-10 * 2e6, rel=1e-5)
    meter.link.close()


def test_a_thousand_readings(server: ScpiServer) -> None:
    meter = ready_meter(server)
    meter.set_level("current", 1e-9)
    readings = [meter.read() for _ in range(1000)]
    assert all(r.current == pytest.approx(1e-9, rel=1e-5) for r in readings)
    assert all(3.5 < r.voltage < 4.3 for r in readings)
    times = [r.time for r in readings]
    assert times == sorted(times)
    meter.link.close()


def test_off_is_open_circuit_and_costs_no_charge(server: ScpiServer) -> None:
    meter = ready_meter(server)
    before = server.meter.cell.soc
    report = meter.make_safe()
    assert report.verified
    assert report.high_impedance
    server.meter.advance(1.0)
    assert (server.meter.output_on, server.meter.off_state) == (False, "HIMP")
    assert server.meter.cell.soc == pytest.approx(before, abs=1e-6)
    meter.link.close()


def test_the_normal_off_state_would_have_discharged_it() -> None:
    """The reason for all this: 0 V across the cell."""
    meter = SimulatedMeter("2400", BatteryCell(capacity_C=1e-6, resistance_ohm=2e6), clipped_on=True)
    meter.advance(0.6)
    assert meter.cell.soc < 0.5 - 1e-5


def test_the_output_goes_off_before_the_mode_changes(server: ScpiServer) -> None:
    meter = ready_meter(server)
    meter.select("voltage", 3.9)
    assert not server.meter.output_on
    meter.set_output(True)
    assert meter.read_state().mode == "voltage"
    assert meter.read().voltage == pytest.approx(3.9, abs=0.2)
    meter.link.close()


def test_compliance_is_seen(server: ScpiServer) -> None:
    meter = ready_meter(server)
    meter.set_level("current", 1e-9)
    server.meter.cell.open_contact = True
    assert meter.read().in_compliance
    meter.link.close()


def test_a_hanging_instrument_is_a_timeout(server: ScpiServer) -> None:
    meter = ready_meter(server)
    server.fault = "hang"
    start = time.monotonic()
    with pytest.raises(LinkTimeoutError):
        meter.read()
    assert time.monotonic() - start < 1.0
    meter.link.close()


def test_garbage_is_refused(server: ScpiServer) -> None:
    meter = ready_meter(server)
    server.fault = "garbage"
    with pytest.raises(BadReplyError):
        meter.read()
    with pytest.raises(BadReplyError):
        meter.output_is_on()
    meter.link.close()


def test_a_cut_connection_is_seen_at_once(server: ScpiServer) -> None:
    meter = ready_meter(server)
    server.disconnect()
    with pytest.raises(LinkClosedError):
        meter.read()
    meter.link.open()
    assert meter.identify().startswith("KEITHLEY")
    meter.link.close()


def test_a_late_reply_does_not_answer_the_next_question() -> None:
    with ScpiServer(SimulatedMeter("2400")) as server:
        link = open_link(server.address, timeout_s=0.5)
        assert isinstance(link, SocketLink)
        link.open()
        link.write(":SOUR:CURR?")
        select.select([link._opened()], [], [], 5.0)  # its answer is there
        assert link.query("*IDN?").startswith("KEITHLEY")
        link.close()


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(LinkClosedError, match="does not answer"):
        open_link("TCPIP::127.0.0.1::9::SOCKET").open()


def test_the_wrong_model_is_named() -> None:
    with (
        ScpiServer(SimulatedMeter("2450")) as server,
        pytest.raises(UserError, match="2450") as caught,
    ):
        connect_meter(link := open_link(server.address), "keithley 2400", SETTINGS)
    link.close()
    assert "keithley 2450" in caught.value.advice
    with pytest.raises(UserError, match="not supported"):
        connect_meter(open_link("x"), "agilent 3458", SETTINGS)


def test_a_meter_that_refuses_high_impedance_is_not_used(
    server: ScpiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = connect_meter(open_link(server.address), server.meter.model, SETTINGS)
    store = server.meter._store
    monkeypatch.setattr(server.meter, "_store", lambda h, a: None if h.endswith("SMOD") else store(h, a))
    with pytest.raises(UserError, match="high impedance"):
        meter.require_high_impedance()
    meter.link.close()


def test_a_burst_from_the_instruments_own_buffer(server: ScpiServer) -> None:
    meter = ready_meter(server)
    meter.set_level("current", 1e-10)
    before = meter.read()
    burst = meter.read_burst(200)
    later = meter.read_burst(200)
    after = meter.read()
    assert len(burst) == len(later) == 200
    assert all(r.current == pytest.approx(1e-10, rel=1e-5) for r in burst)
    assert all(3.5 < r.voltage < 4.5 for r in burst)
    times = [r.time for r in (before, *burst, *later, after)]
    assert times == sorted(times)
    meter.link.close()


def test_the_clock_runs_on_over_a_reset() -> None:
    with ScpiServer(SimulatedMeter("2400", BatteryCell())) as server:
        meter = ready_meter(server)
        first = meter.read()
        meter.anchor_clock()
        second = meter.read()
        assert ":SYST:TIME:RES" in server.lines
        assert second.time - first.time == pytest.approx(second.host_time - first.host_time, abs=0.02)
        meter.link.close()


def test_stamps_are_true_however_late_the_first_reading_comes(server: ScpiServer) -> None:
    """The relative time of the 2450 counts from the first reading in its buffer, not from the moment it was emptied."""
    meter = ready_meter(server)
    begun = host_now()
    meter.start_clock(100.0)
    for waited_s in (0.3, 0.05):
        wait_past(host_now() + waited_s)
        reading = meter.read()
        true = 100.0 + server.meter.measured_at[-1] - begun
        assert reading.time == pytest.approx(true, abs=0.02)
    meter.anchor_clock()
    wait_past(host_now() + 0.3)
    reading = meter.read()
    assert reading.time == pytest.approx(100.0 + server.meter.measured_at[-1] - begun, abs=0.02)
    meter.link.close()


def test_through_visa_socket() -> None:
    with ScpiServer(SimulatedMeter("2400", BatteryCell())) as server:
        meter = ready_meter(server, backend="visa")
        start = time.monotonic()
        for _ in range(100):
            meter.read()
        assert time.monotonic() - start < 2.0, "Nagle's delay makes it 22 readings a second"
        server.fault = "hang"
        with pytest.raises(LinkTimeoutError):
            meter.read()
        meter.link.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
def test_through_a_serial_line() -> None:
    server = SerialServer(SimulatedMeter("2400", BatteryCell()))
    try:
        meter = ready_meter(server)
        assert 3.5 < meter.read().voltage < 4.3
        assert meter.make_safe().verified
        meter.link.close()
    finally:
        server.close()


def test_pymeasure_speaks_with_the_simulator() -> None:
    from pymeasure.instruments.keithley import Keithley2400

    with ScpiServer(SimulatedMeter("2400", BatteryCell())) as server:
        theirs = Keithley2400(
            server.address, visa_library="@py", read_termination="\n", write_termination="\n"
        )
        theirs.output_off_state = "HIMP"
        theirs.source_mode = "current"
        theirs.source_current_range_auto_enabled = True
        theirs.compliance_voltage = 5
        theirs.source_current = 1e-9
        theirs.source_enabled = True
        everything = theirs.measure_all()
        assert everything["current"] == pytest.approx(1e-9, rel=1e-5)
        assert theirs.voltage == pytest.approx(everything["voltage"], abs=1e-3)
        assert theirs.source_enabled is True
        theirs.adapter.close()


def test_what_qcodes_sends() -> None:
    meter = SimulatedMeter("2400", BatteryCell())
    for line in (":TRIG:COUN 1;:FORM:ELEM VOLT,CURR", "SENS:VOLT:PROT 5.000000", ':SENS:FUNC "VOLT"', ":SOUR:FUNC CURR",
                 ":SOUR:CURR:LEV 0.00000001", ":OUTP:STAT 1"):  # fmt: skip
        assert meter.handle(line) is None
    assert meter.handle(":OUTP:STAT?") == "1"
    fields = [float(x) for x in str(meter.handle(":READ?")).split(",")]
    assert fields[1] == pytest.approx(1e-8)
    assert meter.handle("SYST:ERR?") == '0,"No error"'
    newer = SimulatedMeter("2450", BatteryCell())
    assert newer.handle("*LANG?") == "SCPI"
    newer.handle("SOUR:current:VLIM 4.5")
    assert float(str(newer.handle("SOUR:current:VLIM?"))) == 4.5
    assert newer.handle(":SENSe:FUNCtion?") == '"CURR:DC"'
    assert newer.handle(":NOSUCH:THING?") is None
    assert "Undefined header" in str(newer.handle(":SYST:ERR?"))


def test_words() -> None:
    assert normal_form(":SOURCE:FUNCTION") == normal_form("sour:func") == "SOUR:FUNC"
    assert [c[0] for c in split_line(":SENS:CURR:NPLC 1;RANG 2;:OUTP?;*CLS")] == [
        ":SENS:CURR:NPLC", "SENS:CURR:RANG", ":OUTP", "*CLS",
    ]  # fmt: skip
    assert float(number(2.5e-10)) == 2.5e-10
