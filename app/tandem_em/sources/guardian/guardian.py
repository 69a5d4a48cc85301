"""The guardian's mind: one loop turn reads the cell, watches the limits, runs the program, and keeps the cell safe.

It owns the instrument. It knows nothing of processes and pipes: commands come in through `command`, what it has to say
goes out through `say`, so it can be tested turn by turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.plain_fields import to_plain
from tandem_em.sources.guardian.soft_limits import Watch
from tandem_em.sources.guardian.voice import Say, Voice
from tandem_em.sources.guardian.wire import (
    Abort,
    Apply,
    Beat,
    ClockNow,
    GuardConfig,
    GuardState,
    NotUnderstood,
    Order,
    Pause,
    ProgramNow,
    Ready,
    Rearm,
    Resume,
    RunProgram,
    SetLimits,
    Skip,
    StateNow,
    Stop,
)
from tandem_em.sources.programs.reader import parse_program
from tandem_em.sources.programs.runner import ProgramRunner, SetPoint
from tandem_em.sources.scpi.connect import connect_meter
from tandem_em.sources.scpi.link import Link, LinkClosedError, LinkError, LinkTimeoutError
from tandem_em.sources.scpi.meter import Meter, MeterReading, MeterState, Mode

# s without a beat, of which the window sends five a second; then it counts as frozen or dead.
SILENCE_S = 1.0
GUARD_HZ = 10.0
"""The cell is looked at this often at least, however slowly it is recorded."""
SINGLE_READ_HZ = 80.0
"""Faster than that only through the trace buffer."""
# s of a fill of the trace buffer: so long nobody can look at the cell or switch it off.
BURST_S = 0.2
OUTPUT_LOOK_S = 0.25
"""Between two questions whether the output is still on."""
# s between two tries to connect.
RETRY_S = 0.4
ANSWERS_S = 0.3
"""An instrument that is there says who it is within this time."""
# After these the user is told to switch off at the instrument.
SAFE_TRIES = 3


class GuardianCore:
    """Call `turn` in a loop; each returns how long to wait (s) before the next."""

    def __init__(self, config: GuardConfig, link: Link, say: Say) -> None:
        self.config = config
        self.state: GuardState = "connecting"
        self.message = ""
        self.output_on: bool | None = None
        self.verified = False
        self._link = link
        self._voice = Voice(say)
        self._stays_off = config.stays_off
        """Why the output was switched off for good; empty: it may be on. Survives a lost connection."""
        self._meter: Meter | None = None
        self._watch = Watch(config.limits)
        self._runner: ProgramRunner | None = None
        self._mode: Mode = "current"
        self._level = 0.0
        self._must_be_on = False
        """We left the output on: when it is off, somebody else has switched it off."""
        self._next_look = 0.0
        self._last_beat = host_now()
        self._heard_beat = False
        self._next_read = 0.0
        self._reading_number = 0
        self._announced = -1
        self._was_connected = False
        self._next_try = 0.0

    # from outside

    def beat(self) -> None:
        """The window is alive."""
        self._last_beat = host_now()
        self._heard_beat = True

    def command(self, order: Order) -> None:
        """One order of the window. Faulty ones are answered with an event, never with an exception."""
        try:
            self._obey(order)
        except UserError as error:
            self._voice.event(str(error), "warning")
        except LinkError as error:
            self._lose(error)
        # An order is somebody else's text: it must not end the process that guards the cell.
        except (KeyError, TypeError, ValueError) as error:
            self._voice.event(f"The command {order.do!r} was not understood ({error!r}).", "warning")

    def _obey(self, order: Order) -> None:
        orders: dict[type[Any], Callable[[Any], None]] = {
            Beat: lambda _order: self.beat(),
            RunProgram: self._order_program,
            Pause: self._order_pause,
            Resume: self._order_resume,
            Skip: self._order_skip,
            Abort: self._order_abort,
            Apply: self._order_apply,
            SetLimits: self._order_limits,
            Stop: self._order_stop,
            Rearm: self._order_rearm,
        }
        if isinstance(order, NotUnderstood):
            self._voice.event(order.sentence, "warning")
        elif type(order) in orders:
            orders[type(order)](order)
        else:
            self._voice.event(f"The command {order.do!r} is not known.", "warning")

    def turn(self) -> float:
        """One turn of the loop."""
        now = host_now()
        # Not in states in which the output is off already, or nothing can be done about it.
        if (
            self._heard_beat
            and now - self._last_beat > SILENCE_S
            and self.state not in ("safe", "tripped", "lost")
        ):
            silent = now - self._last_beat
            # Once for each silence: the next one counts after a new beat.
            self._heard_beat = False
            # Before the instrument is asked: a window that is gone is reason enough, whatever it answers.
            self._trip(f"The window did not respond for {silent:.1f} s.")
        try:
            if self._meter is None:
                wait = self._connect(now)
            elif self.state in ("watching", "program", "paused", "as found"):
                wait = self._measure(now)
            else:
                wait = self._idle(now)
        except LinkError as error:
            self._lose(error)
            wait = RETRY_S
        self._voice.flush()
        self._tell()
        return wait

    def make_safe(
        self, why: str, state: GuardState = "safe", category: Literal["bias", "warning"] = "bias"
    ) -> bool:
        """High impedance, output off, asked back; reopens the link when it must. True when the instrument says so.
        `category`: of the event, if all goes well."""
        self._end_program(f"The program ended: {why}")
        # Set before the instrument is asked: even if it does not answer, the output may not come on again.
        self._stays_off, self._must_be_on = why, False
        trouble = "there is no connection"
        for attempt in range(SAFE_TRIES):
            try:
                # The second try opens the link anew: the first may have left it dirty.
                if self._meter is None or attempt:
                    self._reopen()
                assert self._meter is not None
                report = self._meter.make_safe()
                self._set_state(state, f"{why} {report.message}", not report.verified, report.verified)
                is_well = report.verified and report.high_impedance
                self._voice.event(self.message, category if is_well else "warning")
                if report.verified:
                    return True
            except LinkError as error:
                trouble = str(error)
        self._meter = None
        self._set_state(
            "lost", f"{why} Output may be ON: {trouble} Switch it off at the instrument.", None, False
        )
        self._voice.event(self.message, "warning")
        return False

    def end(self, why: str) -> bool:
        """The last thing before the process ends."""
        # An instrument that was never reached was never changed and is left alone.
        touched = self._meter is not None or self.state == "lost"
        verified = self.make_safe(why, "ended") if touched else True
        self._voice.flush(force=True)
        self._tell(force=True)
        self._link.close()
        return verified

    # orders

    def _order_program(self, order: RunProgram) -> None:
        program = parse_program(order.json, order.name, order.capacity_C)
        if self.state not in ("watching", "program", "paused", "as found"):
            raise UserError(f"The program was not started: {self.message}", "Press Output on first.")
        self._runner, self._announced = ProgramRunner(program), -1
        # The limits of cell and program, whichever is narrower.
        self._watch.restart(self.config.limits.with_safety(program.safety))
        count = self._runner.progress().total
        steps = counted(count, "step")
        self._voice.event(f"Program started: {steps}.", "bias", json=program.source_json)
        self._set_state("program", "")

    def _order_pause(self, _order: Pause) -> None:
        if self._runner is not None:
            self._runner.pause()
            self._set_state("paused", "The program is paused at 0 A.")
            self._voice.event("Program paused.", "bias")

    def _order_resume(self, _order: Resume) -> None:
        if self._runner is not None:
            self._runner.resume()
            self._set_state("program", "")
            self._voice.event("Program resumed.", "bias")

    def _order_skip(self, _order: Skip) -> None:
        if self._runner is not None:
            self._runner.skip()
            self._voice.event(f"Step skipped: {self._runner.progress().label}.", "bias")

    def _order_abort(self, _order: Abort) -> None:
        # Aborting changes the mode, which would switch an output on that somebody has switched off.
        if self._runner is not None and not self._trip_if_off():
            self._end_program("Program aborted.")
            self._drive(SetPoint("current", 0.0))
            self._set_state("watching", "")

    def _order_apply(self, order: Apply) -> None:
        """A set point by hand: 0 A, or a current; a voltage is approached by a program instead."""
        level = order.level
        if order.mode != "current" or not math.isfinite(level):
            raise UserError(
                "Only a current can be set by hand.", "Use a constant voltage step for a voltage."
            )
        if self.state not in ("watching", "as found"):
            raise UserError(
                f"The current was not set: {self.message or self.state}.", "End the program first."
            )
        if self._trip_if_off():
            return
        self._drive(SetPoint("current", level))
        self._voice.event(f"Current set to {level:g} A by hand.", "bias")

    def _order_limits(self, order: SetLimits) -> None:
        limits = order.limits
        # Kept in the configuration: the program's own limits fall away when it ends.
        self.config = replace(self.config, limits=limits)
        self._watch.limits = (
            limits if self._runner is None else limits.with_safety(self._runner.program.safety)
        )
        self._voice.event("Limits changed.", "bias", limits=to_plain(limits))

    def _order_stop(self, order: Stop) -> None:
        self.make_safe(order.why, "tripped")

    def _order_rearm(self, _order: Rearm) -> None:
        if self.state in ("safe", "tripped") and self._meter is not None:
            self._stays_off = ""
            self._watch.restart(self.config.limits)
            self._voice.new_segment = True
            self._watch_open_circuit(self._meter)
            self._voice.event("Output on: open circuit, 0 A.", "bias")

    # one turn

    def _connect(self, now: float) -> float:
        # In short waits, so that orders are heard while the instrument is away.
        if now < self._next_try:
            return min(self._next_try - now, 0.1)
        self._next_try = now + RETRY_S
        was_lost = self._was_connected
        try:
            meter = connect_meter(self._link, self.config.model, self.config.settings)
            found = meter.read_state()
            self._meter = meter
            self._voice.say(Ready(meter.idn, found))
            self._take_over(meter, found, was_lost)
            self._was_connected = True
        except (LinkError, UserError) as error:
            self._meter = None
            self._link.close()
            doubt = " Output may be ON." if was_lost and self.output_on is None else ""
            # Told once, not at every try.
            is_news = self.state != "lost"
            self._set_state("lost", f"{error}{doubt}", None, False)
            if is_news:
                self._voice.event(self.message, "warning")
            return RETRY_S
        return 0.0

    def _take_over(self, meter: Meter, found: MeterState, was_lost: bool) -> None:
        self._voice.new_segment = True
        self._watch.restart(self.config.limits)
        # Switched off for good before the connection was lost, or by an earlier guardian.
        if self._stays_off:
            self.make_safe(self._stays_off, "tripped")
            return
        # We had left it on: somebody switched it off while the connection was lost.
        if self._must_be_on and not found.output_on:
            self._trip(self._switched_off())
            return
        if found.output_on:
            self._voice.event(f"The output was on, sourcing a {found.mode} of {found.level:g}.", "warning")
        # "As is" is meant for the first connection; after a loss the cell is brought to open circuit.
        if self.config.start == "as is" and not was_lost:
            self._mode, self._level = found.mode, found.level
            state: GuardState = "as found" if found.output_on else "safe"
            message = (
                "" if found.output_on else "The output was found off and left off; nothing can be measured."
            )
            if found.output_on:
                # The output stays as it is; only what is measured is set.
                meter.prepare()
                meter.start_clock(self._device_now())
            self._must_be_on = found.output_on
            self._set_state(state, message, found.output_on, True)
            return
        # Before anything else: with another off-state, switching off would put 0 V across the cell.
        meter.require_high_impedance()
        meter.prepare()
        self._watch_open_circuit(meter)
        if was_lost:
            self._voice.event(
                f"{self.config.name} is connected again; the cell is at open circuit, 0 A.", "note"
            )

    def _watch_open_circuit(self, meter: Meter) -> None:
        meter.require_high_impedance()
        meter.select("current", 0.0)
        meter.set_output(True)
        meter.start_clock(self._device_now())
        self._mode, self._level, self._must_be_on = "current", 0.0, True
        self._watch.set_point_changed(host_now(), jumped=True)
        self._set_state("watching", "", True, True)

    def _measure(self, now: float) -> float:
        if now < self._next_read:
            return self._next_read - now
        rate = self.config.rate_hz
        # Kept to the grid of the rate, but what was missed is not caught up with a burst.
        self._next_read = max(
            self._next_read + 1.0 / (min(rate, SINGLE_READ_HZ) * self._looks_per_row()), now
        )
        if now >= self._next_look:
            # Not at each reading: the question costs a round trip.
            self._next_look = now + OUTPUT_LOOK_S
            if self._trip_if_off():
                return 0.05
        readings = self._take_readings()
        for reading in readings:
            self._note(reading)
            why = self._watch.check(reading, self._mode)
            if why is not None:
                self._trip(why)
                return 0.05
        # Only after the readings were taken: resetting makes a reading of its own.
        if self._meter is not None and readings and self._meter.keep_clock_fine():
            self._voice.event("The instrument's clock was set back to keep its digits.", "note")
        if readings:
            # Only the newest reading: the older ones of a burst lie in the past.
            self._run_program(readings[-1])
        return max(self._next_read - host_now(), 0.0)

    def _take_readings(self) -> list[MeterReading]:
        """One reading, or a fill of the trace buffer; none when the output turns out to be off."""
        meter, rate = self._meter, self.config.rate_hz
        assert meter is not None
        try:
            if rate <= SINGLE_READ_HZ:
                readings = [meter.read()]
                self._voice.clock(ClockNow(meter.round_trip_s, meter.anchor_s))
                return readings
            # Rows of a burst are placed by the host's clock, so that each begins a stretch of its own.
            self._voice.flush(force=True)
            self._voice.new_segment = True
            readings = meter.read_burst(max(int(rate * BURST_S), 2))
            self._next_read = host_now()
            return readings
        except LinkTimeoutError:  # the 2400 does not answer a reading while its output is off
            # After a timeout the link is dirty: the late answer would be taken for the next one's. An instrument that
            # hangs has been waited for already: a short question tells it from one whose output is off.
            self._reopen(ANSWERS_S)
            if self._trip_if_off():
                return []
            raise

    def _run_program(self, reading: MeterReading) -> None:
        runner = self._runner
        if runner is None:
            return
        wanted = runner.update(reading.time, reading.voltage, reading.current)
        if wanted is None:
            # The set point below would change the mode, and so switch on an output that somebody switched
            # off.
            if self._trip_if_off():
                return
            self._end_program(f"Program finished: {runner.ended_by}.")
            self._drive(SetPoint("current", 0.0))
            self._set_state("watching", f"The program is finished: {runner.ended_by}. Open circuit, 0 A.")
            return
        if wanted.mode != self._mode and self._trip_if_off():  # changing the mode would switch it on again
            return
        progress = runner.progress()
        if progress.done != self._announced:
            self._announced = progress.done
            why = f" ({runner.ended_by})" if runner.ended_by else ""
            self._voice.event(f"Step {progress.step + 1}: {progress.label}{why}.", "bias", step=progress.step)
        self._drive(wanted)
        change = runner.deadline()
        if change is not None:
            # Read just when the set point has to change, however slow the rate is.
            self._next_read = min(self._next_read, max(change + self.config.origin_host, host_now()))

    def _drive(self, wanted: SetPoint) -> None:
        meter = self._meter
        if meter is None:
            return
        if wanted.mode != self._mode:
            meter.select(wanted.mode, wanted.level)
            meter.set_output(True)
            self._watch.set_point_changed(host_now(), jumped=True)
        elif wanted.level != self._level:
            meter.set_level(wanted.mode, wanted.level)
            # A voltage is moved slowly, so it is no jump; a current is switched.
            self._watch.set_point_changed(host_now(), jumped=wanted.mode == "current")
        self._mode, self._level = wanted.mode, wanted.level

    def _idle(self, now: float) -> float:
        """Off on purpose: now and then ask that it still is."""
        if now >= self._next_read and self._meter is not None:
            self._next_read = now + 1.0
            on = self._meter.output_is_on()
            if on and self.state in ("tripped", "safe"):
                self._voice.event("The output was switched on at the instrument.", "warning")
            self.output_on, self.verified = on, not on
        return 0.05

    # inside

    def _trip(self, why: str) -> None:
        self.make_safe(why, "tripped", "warning")

    def _trip_if_off(self) -> bool:
        """Somebody else has switched the output off: it stays off, and that is said."""
        if self._meter is None or not self._must_be_on or self._meter.output_is_on():
            return False
        self._trip(self._switched_off())
        return True

    def _switched_off(self) -> str:
        return f"The output of {self.config.name} was switched off at the instrument or by another program."

    def _lose(self, error: LinkError) -> None:
        """A timeout or nonsense: reopen at once. Whatever was running ends; the cell is made safe when it answers."""
        self._end_program(f"The program ended: {error}")
        self._link.close()
        self._meter = None
        # After a timeout at once; a link that was closed gets a moment.
        self._next_try = 0.0 if not isinstance(error, LinkClosedError) else host_now() + 0.1
        doubt = "" if self.output_on is False else " Output may be ON."
        self._set_state("lost", f"{error}{doubt}", None, False)
        self._voice.event(self.message, "warning")

    def _reopen(self, timeout_s: float | None = None) -> None:
        self._link.close()
        self._meter = None
        try:
            self._meter = connect_meter(self._link, self.config.model, self.config.settings, timeout_s)
        # Another instrument answers at the address: for the loop that is a lost connection too.
        except UserError as error:
            raise LinkClosedError(str(error)) from error

    def _end_program(self, why: str) -> None:
        if self._runner is not None:
            progress = self._runner.progress()
            self._runner = None
            self._watch.limits = self.config.limits
            self._voice.event(why, "bias", done=progress.done, total=progress.total)
            self._voice.say(ProgramNow(replace(progress, finished=True)))

    def _device_now(self) -> float:
        return host_now() - self.config.origin_host

    def _looks_per_row(self) -> int:
        """How often the cell is looked at for one recorded row."""
        return max(1, math.ceil(GUARD_HZ / self.config.rate_hz))

    def _note(self, reading: MeterReading) -> None:
        number, self._reading_number = self._reading_number, self._reading_number + 1
        # The readings between the rows are only looked at.
        if number % self._looks_per_row() == 0:
            step = math.nan if self._runner is None else float(self._runner.step_number)
            self._voice.row(reading.time, reading.host_time, reading.voltage, reading.current, step)

    def _set_state(
        self, state: GuardState, message: str, output_on: bool | None = True, verified: bool = True
    ) -> None:
        self.state, self.message, self.output_on, self.verified = state, message, output_on, verified
        self._tell()

    def _tell(self, force: bool = False) -> None:
        told = StateNow(
            self.state,
            self.message,
            self.output_on,
            self.verified,
            self._mode,
            self._level,
            self._watch.charge_C,
        )
        if self._voice.state(told, force=force) and self._runner is not None:
            self._voice.say(ProgramNow(self._runner.progress()))
