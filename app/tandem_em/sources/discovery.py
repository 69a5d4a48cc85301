"""What could be recorded here: instruments VISA finds, serial ports, and cameras at their usual ports of this computer."""

from __future__ import annotations

import socket

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.sources import registry
from tandem_em.sources.core.addresses import host_port
from tandem_em.sources.core.entry import FoundInstrument
from tandem_em.sources.scpi.connect import meter_class
from tandem_em.sources.scpi.link import LinkError, find_instruments, open_link
from tandem_em.sources.scpi.settings import ScpiTable

PORT_WAIT_S = 0.2
ASK_WAIT_S = 0.5


def find_sources(*, ask_serial: bool = False) -> Job[list[FoundInstrument]]:
    """Look around. Only *IDN? is asked, and serial ports are opened only with `ask_serial`: some devices take offence."""
    found: list[FoundInstrument] = []
    yield Progress(0, 2, "Searching for cameras")
    usual = [place for each in registry.entries().values() for place in each.usual_places]
    found += [place for place in usual if _answers(place.address)]
    yield Progress(1, 2, "Asking VISA")
    try:
        addresses = find_instruments()
    except Exception:  # noqa: BLE001 - VISA backends raise anything when a driver is broken
        addresses = []
    for number, address in enumerate(addresses):
        yield Progress(1 + number / max(len(addresses), 1), 2, f"Asking {address}")
        # A serial port may belong to anything, and PRLGX is such a port with GPIB behind it.
        if not address.upper().startswith(("ASRL", "PRLGX")) or ask_serial:
            proposal = ask(address)
            if proposal is not None:
                found.append(proposal)
    return found


def ask(address: str, baud_rate: int = 9600) -> FoundInstrument | None:
    """Who is at this VISA address; None when nobody answers or it is no source-meter of ours."""
    link = open_link(address, timeout_s=ASK_WAIT_S, baud_rate=baud_rate)
    try:
        link.open()
        idn = link.query("*IDN?")
        model = idn.upper().partition("MODEL")[2].split(",")[0].strip()
        meter_class(model)
    except (LinkError, UserError):
        return None
    finally:
        link.close()
    table = ScpiTable(name="bias", address=address, model=f"keithley {model.lower()}", baud_rate=baud_rate)
    return FoundInstrument(idn, address, table)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection(host_port(address, 1), PORT_WAIT_S):
            return True
    except OSError:
        return False
