"""The table and the form of a source-meter."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable


class ScpiTable(SourceTable):
    """A source-meter owned by the guardian."""

    kind: Literal["scpi"] = "scpi"
    model: str = "keithley 2400"
    address: str
    rate_hz: float = Field(default=10.0, gt=0, le=5000)
    nplc: float = Field(default=1.0, ge=0.01, le=10)
    compliance_V: float = Field(default=5.0, gt=0)
    compliance_A: float = Field(default=1e-6, gt=0)
    four_wire: bool = False
    rear_terminals: bool = False
    start: Literal["open circuit", "as is"] = "open circuit"
    """What to do at the start: source 0 A and watch the voltage, or leave the output as it is found."""
    baud_rate: int = 9600
    backend: Literal["auto", "visa", "socket"] = "auto"
    timeout_s: float = Field(default=0.8, gt=0, le=10)

    def owned_address(self) -> str:
        """The VISA address; its spellings are made one where the lock file is named."""
        return self.address


FORM = SourceForm(
    "Source-meter",
    "Source-meter",
    "Keithley 2400 family or 2450. A test switches the output on at 0 A to read the cell voltage.",
    (
        NAME,
        FormField("address", "Address", tip="VISA address, for example TCPIP::192.168.0.5::5025::SOCKET or GPIB0::24::INSTR",
                  hint="TCPIP::192.168.0.5::5025::SOCKET"),
        FormField("model", "Model", "choice", choices=tuple(
            (f"keithley {number}", f"Keithley {number}") for number in ("2400", "2401", "2410", "6430", "2450"))),
        FormField("rate_hz", "Samples", "quantity", "Hz", "Readings per second"),
        FormField("compliance_V", "Voltage limit", "quantity", "V", "Voltage limit (compliance) set at the instrument"),
        FormField("compliance_A", "Current limit", "quantity", "A", "Current limit (compliance) set at the instrument"),
        FormField("start", "At the start", "choice", tip="Output state when recording starts",
                  choices=(("open circuit", "Open circuit: 0 A, watch the voltage"), ("as is", "Leave the output as it is"))),
        FormField("nplc", "Integration", "quantity", tip="In power line cycles (0.01 to 10); longer: less noise",
                  advanced=True),
        FormField("four_wire", "Four-wire sense", "yes", tip="Sense the voltage at the cell", advanced=True),
        FormField("rear_terminals", "Rear terminals", "yes", advanced=True),
        FormField("baud_rate", "Baud rate", "quantity", "", "For serial lines", advanced=True),
        FormField("timeout_s", "Answer timeout", "quantity", "s", advanced=True),
        FormField("backend", "Connect through", "choice", advanced=True,
                  choices=(("auto", "Automatic"), ("visa", "VISA"), ("socket", "TCP socket"))),
    ),
)  # fmt: skip
