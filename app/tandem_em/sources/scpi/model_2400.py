"""Keithley 2400, 2401, 2410, 2420, 2430, 2440 and 6430: the classic SCPI source-meters."""

from __future__ import annotations

import math

from tandem_em.sources.core.base import host_now
from tandem_em.sources.scpi.link import BadReplyError
from tandem_em.sources.scpi.meter import Meter, MeterReading, MeterState, Mode

WORDS: dict[Mode, str] = {"current": "CURR", "voltage": "VOLT"}
# Of the 24-bit status word that comes with each reading.
IN_COMPLIANCE = 1 << 3
# The trace buffer of the 2400 holds no more.
BURST_MAX = 2500


class Keithley2400(Meter):
    """One reading measures voltage and current together and brings the time element and the status word."""

    models = ("2400", "2401", "2410", "2420", "2425", "2430", "2440", "6430")
    has_bursts = True

    def prepare(self) -> None:
        """Fixed sources, autoranging, both compliances, and what one reading brings."""
        write, settings = self.link.write, self.settings
        write("*CLS")
        write(f":SYST:RSEN {'ON' if settings.four_wire else 'OFF'}")
        if settings.rear_terminals:
            write(":ROUT:TERM REAR")
        write(":ARM:COUN 1")
        write(":TRIG:COUN 1")
        # The 2400 would else switch its output off after each reading.
        write(":SOUR:CLE:AUTO OFF")
        # Both at once: without this one of them would be a set value, not a measured one.
        write(":SENS:FUNC:CONC ON")
        write(":SENS:FUNC 'VOLT','CURR'")
        write(f":SENS:CURR:NPLC {settings.nplc:g}")
        write(":FORM:ELEM VOLT,CURR,TIME,STAT")
        for word in WORDS.values():
            write(f":SENS:{word}:RANG:AUTO ON")
            write(f":SOUR:{word}:MODE FIX")
            write(f":SOUR:{word}:RANG:AUTO ON")
        self.set_checked(":SENS:VOLT:PROT", settings.compliance_V)
        self.set_checked(":SENS:CURR:PROT", settings.compliance_A)

    def read_state(self) -> MeterState:
        """Asked of the instrument; the off-state holds for both functions."""
        mode = self._mode()
        return MeterState(
            output_on=self.output_is_on(),
            mode=mode,
            level=self.fields(f":SOUR:{WORDS[mode]}?", 1)[0],
            off_state=self.link.query(":OUTP:SMOD?"),
        )

    def set_level(self, mode: Mode, level: float) -> None:
        """Set the level and ask it back."""
        self.set_checked(f":SOUR:{WORDS[mode]}", level)

    def select(self, mode: Mode, level: float) -> None:
        """Output off, the other function, compliances and level; the output stays off."""
        self.set_output(False)
        self.link.write(f":SOUR:FUNC {WORDS[mode]}")
        if self._mode() != mode:
            raise BadReplyError(f"{self.link.address} did not change to sourcing {mode}.")
        self.set_checked(":SENS:VOLT:PROT", self.settings.compliance_V)
        self.set_checked(":SENS:CURR:PROT", self.settings.compliance_A)
        self.set_level(mode, level)

    def read(self) -> MeterReading:
        """One reading, placed by the instrument's time element."""
        asked = host_now()
        voltage, current, raw, status = self.fields(":READ?", 4)
        host = host_now()
        return MeterReading(self.placed(raw, asked, host), host, voltage, current, in_compliance(status))

    def read_burst(self, count: int) -> list[MeterReading]:
        """A fill of the trace buffer; the instrument cannot be asked anything meanwhile, so keep it short. Its stamps
        count from the first reading of the fill; the host's clock places the fill."""
        count = min(count, BURST_MAX)
        for command in (
            ":TRAC:CLE",
            f":TRAC:POIN {count}",
            ":TRAC:FEED SENS",
            ":TRAC:FEED:CONT NEXT",
            f":TRIG:COUN {count}",
            ":INIT",
        ):
            self.link.write(command)
        # Two functions a reading, each so many cycles of 50 Hz, and at least a millisecond.
        expected_s = count * max(2 * self.settings.nplc / 50, 0.001)
        # Twice what it should take, and a second more.
        numbers = self.fields(":TRAC:DATA?", 4 * count, 2 * expected_s + 1.0)
        now = host_now()
        # Single readings follow: one trigger, one reading.
        self.link.write(":TRIG:COUN 1")
        rows = [numbers[i : i + 4] for i in range(0, len(numbers), 4)]
        device_end = self._time_base + (now - (self._time_reset_host or now))
        last = rows[-1][2]
        return [
            MeterReading(
                self.stamped(device_end - self._time_base - (last - time)),
                now - (last - time),
                voltage,
                current,
                in_compliance(status),
            )
            for voltage, current, time, status in rows
        ]

    def use_high_impedance(self) -> str:
        """The off-state as the instrument reports it; HIMP when it took it."""
        self.link.write(":OUTP:SMOD HIMP")
        return self.link.query(":OUTP:SMOD?")

    def reset_time(self) -> None:
        """The time element counts from zero again."""
        self.link.write(":SYST:TIME:RES")

    def _mode(self) -> Mode:
        reply = self.link.query(":SOUR:FUNC?").strip("\"'")
        if reply not in WORDS.values():
            raise BadReplyError(f"{self.link.address} answered {reply!r} when asked what it sources.")
        return "current" if reply == "CURR" else "voltage"


def in_compliance(status: float) -> bool:
    """Bit 3 of the status word; a word that is no number says nothing."""
    return math.isfinite(status) and bool(int(status) & IN_COMPLIANCE)
