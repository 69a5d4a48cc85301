"""Keithley 2450, 2460 and 2461 in their own SCPI: one measured quantity, the source read back, native buffers."""

from __future__ import annotations

from tandem_em.sources.core.base import host_now
from tandem_em.sources.scpi.link import BadReplyError
from tandem_em.sources.scpi.meter import Meter, MeterReading, MeterState, Mode

WORDS: dict[Mode, str] = {"current": "CURR", "voltage": "VOLT"}
LIMITS: dict[Mode, str] = {"current": "VLIM", "voltage": "ILIM"}
MEASURED: dict[Mode, Mode] = {"current": "voltage", "voltage": "current"}
BUFFER = '"defbuffer1"'


class Keithley2450(Meter):
    """Sourcing current it measures voltage, and the other way round; the other value is the source's own read-back."""

    models = ("2450", "2460", "2461", "2470")
    has_bursts = True
    _sourcing: Mode = "current"

    def prepare(self) -> None:
        """Autoranging, read-back of the source and both limits; the output stays as it is."""
        write, settings = self.link.write, self.settings
        write("*CLS")
        if settings.rear_terminals:
            write(":ROUT:TERM REAR")
        write(":FORM:ASC:PREC 10")
        write(":SENS:COUN 1")
        for word in WORDS.values():
            write(f":SENS:{word}:RANG:AUTO ON")
            write(f":SENS:{word}:NPLC {settings.nplc:g}")
            write(f":SENS:{word}:RSEN {'ON' if settings.four_wire else 'OFF'}")
            write(f":SOUR:{word}:RANG:AUTO ON")
            # The set value is not what flows: the source reads itself back.
            write(f":SOUR:{word}:READ:BACK ON")
        self._set_limits()
        self._sourcing = self._mode()

    def read_state(self) -> MeterState:
        """Asked of the instrument; the off-state is that of the present function."""
        self._sourcing = mode = self._mode()
        return MeterState(
            output_on=self.output_is_on(),
            mode=mode,
            level=self.fields(f":SOUR:{WORDS[mode]}?", 1)[0],
            off_state=self.link.query(f":OUTP:{WORDS[mode]}:SMOD?"),
        )

    def set_level(self, mode: Mode, level: float) -> None:
        """Set the level and ask it back."""
        self.set_checked(f":SOUR:{WORDS[mode]}", level)

    def select(self, mode: Mode, level: float) -> None:
        """Output off, the other function and its measurement, limits and level; the output stays off."""
        self.set_output(False)
        self.link.write(f":SOUR:FUNC {WORDS[mode]}")
        self.link.write(f':SENS:FUNC "{WORDS[MEASURED[mode]]}"')
        self._sourcing = self._mode()
        if self._sourcing != mode:
            raise BadReplyError(f"{self.link.address} did not change to sourcing {mode}.")
        self._set_limits()
        self.set_level(mode, level)

    def read(self) -> MeterReading:
        """One reading, placed by the buffer's relative time; a second question asks for the limit."""
        asked = host_now()
        sourced, measured, raw = self.fields(f":READ? {BUFFER},SOUR,READ,REL", 3)
        host = host_now()
        time = self.placed(raw, asked, host)
        voltage, current = self._sorted(sourced, measured)
        return MeterReading(time, host, voltage, current, self._is_limited())

    def read_burst(self, count: int) -> list[MeterReading]:
        """A fill of the reading buffer, whose relative time begins anew; the host's clock places it."""
        self.link.write(f":TRAC:CLE {BUFFER}")
        self.link.write(f":SENS:COUN {count}")
        self.link.write(f":TRAC:TRIG {BUFFER}")
        wait_s = 2 * count * max(2 * self.settings.nplc / 50, 0.001) + 1.0
        numbers = self.fields(f":TRAC:DATA? 1,{count},{BUFFER},SOUR,READ,REL", 3 * count, wait_s)
        now = host_now()
        # Single readings follow.
        self.link.write(":SENS:COUN 1")
        rows = [numbers[i : i + 3] for i in range(0, len(numbers), 3)]
        last = rows[-1][2]
        end = self._time_base + (now - (self._time_reset_host or now))
        self._time_base, self._time_reset_host, self._is_placed = end - last, now - last, True
        # The state after the fill stands for all its readings: they do not bring it themselves.
        limited = self._is_limited()
        return [
            MeterReading(self.stamped(time), now - (last - time), *self._sorted(sourced, measured), limited)
            for sourced, measured, time in rows
        ]

    def use_high_impedance(self) -> str:
        """Both functions have an off-state of their own; both must say high impedance."""
        states = []
        for word in WORDS.values():
            self.link.write(f":OUTP:{word}:SMOD HIMP")
            states.append(self.link.query(f":OUTP:{word}:SMOD?"))
        return next((state for state in states if state != "HIMP"), "HIMP")

    def reset_time(self) -> None:
        """Relative time counts from the first reading in the buffer: the next one is at zero."""
        self.link.write(f":TRAC:CLE {BUFFER}")

    def _sorted(self, sourced: float, measured: float) -> tuple[float, float]:
        """(voltage, current)."""
        return (measured, sourced) if self._sourcing == "current" else (sourced, measured)

    def _is_limited(self) -> bool:
        return self.fields(f":SOUR:{WORDS[self._sourcing]}:{LIMITS[self._sourcing]}:TRIP?", 1)[0] == 1

    def _set_limits(self) -> None:
        self.set_checked(":SOUR:CURR:VLIM", self.settings.compliance_V)
        self.set_checked(":SOUR:VOLT:ILIM", self.settings.compliance_A)

    def _mode(self) -> Mode:
        reply = self.link.query(":SOUR:FUNC?").strip("\"'")
        if reply not in WORDS.values():
            raise BadReplyError(f"{self.link.address} answered {reply!r} when asked what it sources.")
        return "current" if reply == "CURR" else "voltage"
