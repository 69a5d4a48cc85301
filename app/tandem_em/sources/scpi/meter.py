"""What the guardian needs of any source-meter, and the rules that hold for each of them.

Open circuit, not 0 V, is the safe state of a battery: the off-state is set to high impedance before anything else, both
compliances are always set, and what was set is asked back.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Literal

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import host_now
from tandem_em.sources.scpi.link import BadReplyError, Link, number

Mode = Literal["current", "voltage"]
TIME_RESET_S = 3600.0
"""The time element loses digits as it grows; after this long it is set back to zero."""


@dataclass(frozen=True)
class MeterSettings:
    """What a source-meter is set to before it measures; `nplc` in power line cycles."""

    compliance_V: float = 5.0
    compliance_A: float = 1e-6
    nplc: float = 1.0
    four_wire: bool = False
    rear_terminals: bool = False


@dataclass(frozen=True)
class MeterState:
    """Read from the instrument, never from memory."""

    output_on: bool
    mode: Mode
    level: float
    off_state: str


@dataclass(frozen=True)
class MeterReading:
    """One sample: device seconds, host seconds at arrival, volts, amperes, and whether a compliance limits."""

    time: float
    host_time: float
    voltage: float
    current: float
    in_compliance: bool = False


@dataclass(frozen=True)
class SafeReport:
    """What is known after making the cell safe. `verified`: the instrument itself says the output is off."""

    verified: bool
    high_impedance: bool
    message: str


class Meter(ABC):
    """A source-meter behind a link. Every method talks to the instrument; any may raise LinkError."""

    models: tuple[str, ...] = ()
    has_bursts = False
    """Whether `read_burst` lets the instrument sample on its own, faster than it can be asked."""

    def __init__(self, link: Link, settings: MeterSettings) -> None:
        self.link = link
        self.settings = settings
        self.idn = ""
        self.round_trip_s = math.inf
        """From asking for a reading to having it: the shortest so far."""
        self._time_base = 0.0
        self._time_reset_host: float | None = None
        self._last_time = 0.0
        self._is_placed = True
        """False from setting the instrument's time to zero until a reading has told when that was."""
        self._placing_s = 0.0

    @abstractmethod
    def prepare(self) -> None:
        """Formats, integration time, both compliances. The output stays as it is."""

    @abstractmethod
    def read_state(self) -> MeterState:
        """Output, mode, level and off-state as the instrument has them now."""

    @abstractmethod
    def set_level(self, mode: Mode, level: float) -> None:
        """Change the level in the present mode and ask it back."""

    @abstractmethod
    def select(self, mode: Mode, level: float) -> None:
        """Change the mode with the output off; the level is there before the output comes on."""

    @abstractmethod
    def read(self) -> MeterReading:
        """One reading; takes as long as the integration and the round trip."""

    @abstractmethod
    def use_high_impedance(self) -> str:
        """Ask for high impedance when off; returns the off-state the instrument then reports."""

    @abstractmethod
    def reset_time(self) -> None:
        """Set the instrument's time stamp to zero."""

    def read_burst(self, count: int) -> list[MeterReading]:
        """As many readings as the instrument takes on its own in one go; here: one after another."""
        return [self.read() for _ in range(count)]

    def identify(self, timeout_s: float | None = None) -> str:
        """Ask for *IDN? and keep it; `timeout_s` None: the link's own."""
        self.idn = self.link.query("*IDN?", timeout_s)
        return self.idn

    def output_is_on(self) -> bool:
        """Whether the instrument says that its output is on; BadReplyError for any other answer."""
        reply = self.link.query(":OUTP?")
        if reply not in ("0", "1", "OFF", "ON"):
            raise BadReplyError(f"{self.link.address} answered {reply!r} when asked for its output.")
        return reply in ("1", "ON")

    def set_output(self, on: bool) -> None:
        """Switch the output and ask it back; BadReplyError when it is not as wanted."""
        self.link.write(":OUTP ON" if on else ":OUTP OFF")
        if self.output_is_on() is not on:
            raise BadReplyError(f"{self.link.address} did not switch its output {'on' if on else 'off'}.")

    def require_high_impedance(self) -> None:
        """Before the output may come on."""
        state = self.use_high_impedance()
        # Not HIMP: the output would go to 0 V when it is switched off, a short for a battery.
        if state != "HIMP":
            raise UserError(
                f"The source-meter keeps its off-state {state!r} instead of high impedance.",
                "Switching off would put 0 V across the cell. Set the output-off state to HIGH-Z on its panel.",
            )

    def make_safe(self) -> SafeReport:
        """High impedance, output off, both asked back. Raises LinkError when the instrument cannot be reached."""
        # The off-state first: only then is switching off an open circuit.
        state = self.use_high_impedance()
        self.link.write(":OUTP OFF")
        off = not self.output_is_on()
        if off and state == "HIMP":
            return SafeReport(True, True, "Output off, high impedance; verified.")
        if off:
            return SafeReport(True, False, f"Output off, but its off-state is {state}, not high impedance.")
        return SafeReport(False, state == "HIMP", "Output may be ON: the instrument did not switch it off.")

    def start_clock(self, base: float) -> None:
        """Begin a stretch of device time that is `base` (s) now."""
        now = host_now()
        self.reset_time()
        self._last_time = base
        self._begin_stretch(base, now)

    def keep_clock_fine(self) -> bool:
        """Reset the time element when it has become coarse, anchored behind what was; True when it was reset."""
        if self._time_reset_host is None or host_now() - self._time_reset_host < TIME_RESET_S:
            return False
        self.anchor_clock()
        return True

    def anchor_clock(self) -> None:
        """Reset the time element; the host's clock bridges the time to the next reading."""
        last = self.read()
        self.reset_time()
        self._begin_stretch(last.time, last.host_time)

    @property
    def anchor_s(self) -> float:
        """How much later than need be the reading that placed this stretch may have come (s)."""
        return max(self._placing_s - self.round_trip_s, 0.0)

    def placed(self, raw_time: float, asked: float, arrived: float) -> float:
        """Device time of a reading that was asked for and arrived at these host times. The first one after a reset says
        when the instrument's time was zero: with some at the reset, with others at that reading."""
        if not self._is_placed and math.isfinite(raw_time):
            base = self._time_base + (arrived - (self._time_reset_host or arrived)) - raw_time
            self._time_base, self._time_reset_host = base, arrived - raw_time
            self._is_placed, self._placing_s = True, arrived - asked
        self.round_trip_s = min(self.round_trip_s, arrived - asked)
        return self.stamped(raw_time)

    def stamped(self, raw_time: float) -> float:
        """Device time of this source from the instrument's time element; never runs backwards."""
        # A reset or its rounding may bring the time back by a hair.
        self._last_time = max(self._time_base + raw_time, self._last_time)
        return self._last_time

    def _begin_stretch(self, device: float, host: float) -> None:
        """The timeline goes on from a moment that is known in both times."""
        self._time_base, self._time_reset_host, self._is_placed = device, host, False

    def fields(self, command: str, count: int, timeout_s: float | None = None) -> list[float]:
        """Ask for numbers; exactly `count` must come. Not-a-number and overflow codes become NaN and infinity."""
        reply = self.link.query(command, timeout_s)
        parts = reply.split(",")
        if len(parts) != count:
            raise BadReplyError(
                f"{self.link.address} answered {command!r} with {len(parts)} instead of {count} numbers."
            )
        try:
            return [_real(float(part)) for part in parts]
        except ValueError as error:
            raise BadReplyError(
                f"{self.link.address} answered {command!r} with {reply[:40]!r}, which is not a number."
            ) from error

    def set_checked(self, setting: str, value: float) -> None:
        """Write a number and ask it back; it must have arrived to a thousandth."""
        self.link.write(f"{setting} {number(value)}")
        got = self.fields(f"{setting}?", 1)[0]
        # Instruments round to their resolution: a thousandth is no other setting.
        if not math.isclose(got, value, rel_tol=2e-3, abs_tol=1e-13):
            raise BadReplyError(f"{setting} is {got:g} on {self.link.address} after {value:g} was asked for.")

    def with_settings(self, compliance_V: float, compliance_A: float) -> None:
        """Other compliances from now on; the instrument gets them with the next change of mode."""
        self.settings = replace(self.settings, compliance_V=compliance_V, compliance_A=compliance_A)


def _real(value: float) -> float:
    # SCPI: 9.9e37 is infinity and 9.91e37 is not a number; the border lies between, since both are rounded.
    if abs(value) >= 9.9e37:
        return math.nan if abs(value) > 9.905e37 else math.copysign(math.inf, value)
    return value
