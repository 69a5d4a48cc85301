"""The window's side of the guardian: a source that owns no instrument, only the process that does.

    source = GuardedSource(table, limits)
    source.start()
    source.run_program(json_text)           # pause() resume() skip() abort()
    source.emergency_stop()                 # immediate high impedance
    source.control                          # what the guardian last said: state, output, progress

Beats are sent by a thread of this process unless `beats_itself` is set to False; then the window's own timer calls
`beat()` at least every 0.2 s, so that a frozen window counts as dead.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import ClockFit, EventBlock, SourceDescription, State, host_now
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.core.tables import LimitsTable
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.guardian.soft_limits import CellLimits
from tandem_em.sources.guardian.wire import (
    Abort,
    Answer,
    Apply,
    Beat,
    ClockNow,
    Configure,
    GuardConfig,
    GuardianFormatError,
    Happened,
    LinkSettings,
    Order,
    Pause,
    ProgramNow,
    Quit,
    Ready,
    Rearm,
    Refused,
    Resume,
    RunProgram,
    Samples,
    SetLimits,
    Skip,
    StateNow,
    Stop,
    order_line,
    read_answer,
)
from tandem_em.sources.programs.runner import ProgramProgress
from tandem_em.sources.programs.steps import Program
from tandem_em.sources.scpi.meter import MeterSettings
from tandem_em.sources.scpi.settings import ScpiTable

# Five beats to the second of silence that the guardian allows.
BEAT_S = 0.2
END_S = 8.0
"""A guardian that is asked to end tries three times to make the cell safe; after this long it is killed."""
UNITS = {"voltage": "V", "current": "A", "step": ""}
READY = ("watching", "as found", "program", "paused")
SHOWN_STATE: dict[str, State] = {
    "connecting": "connecting",
    "lost": "lost",
    "safe": "paused",
    "tripped": "paused",
    "ended": "stopped",
}


@dataclass(frozen=True)
class ControlState:
    """What the guardian last said. `output_on` None: not known, so it may be on."""

    state: str = "connecting"
    message: str = ""
    output_on: bool | None = None
    verified: bool = False
    mode: str = "current"
    level: float = 0.0
    charge_C: float = 0.0
    idn: str = ""
    progress: ProgramProgress | None = None
    """While a program runs."""


def guardian_command() -> list[str]:
    """How the guardian is started; a frozen program starts itself with a switch instead of a module."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--guardian-process"]
    return [sys.executable, "-m", "tandem_em.sources.guardian.process"]


def limits_from(table: LimitsTable) -> CellLimits:
    """The limits of a set-up as the guardian watches them; one current stands for both directions."""
    current = table.current_A
    return CellLimits(
        low_V=table.low_V,
        high_V=table.high_V,
        low_A=None if current is None else -current,
        high_A=current,
        charge_C=table.charge_C,
        rate_V_per_s=table.rate_V_per_s,
        jump_V=table.jump_V,
    )


class GuardedSource(ThreadedSource):
    """A source-meter behind its guardian."""

    kind: ClassVar[str] = "scpi"
    retry_s: ClassVar[float] = 0.2
    # The guardian has its own time to end, and this thread has to see it end.
    stop_s: ClassVar[float] = END_S + 2.0
    says_when_connected: ClassVar[bool] = True

    def __init__(
        self, table: ScpiTable, limits: CellLimits | None = None, owner: Owner | None = None
    ) -> None:
        """`owner`: under which name the instrument is owned, so that no other program drives it; None: under none."""
        super().__init__(table.name)
        self._owner = owner
        self._refusal: UserError | None = None
        self._table = table
        self._limits = limits or CellLimits()
        self._origin_host = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()
        self._heard = threading.Condition()
        self._beating: threading.Thread | None = None
        self._dropped_there = 0
        self._pending = b""
        self._program: RunProgram | None = None
        self._stays_off = ""
        """Why the output was switched off; handed to the next guardian if this one dies."""
        self._round_trip_s, self._anchor_s = 0.0, 0.0
        self.beats_itself = True
        self.control = ControlState()

    # the source

    def describe(self) -> SourceDescription:
        """The source-meter by its *IDN?, as soon as the guardian has told it."""
        return SourceDescription(
            name=self._name,
            kind="scpi",
            label=self.control.idn or self._table.model,
            units=UNITS,
            sync=self.sync,
            simulated=self._table.simulated or "SIMULATED" in self.control.idn.upper(),
            instrument={"idn": self.control.idn, "address": self._table.address, "nplc": self._table.nplc},
        )

    def clock_fit(self) -> ClockFit:
        """A reading was made somewhere between asking and answer: in the middle, give or take half of the quickest.
        Each stretch of the timeline was placed by its first reading, which may have come later than the quickest."""
        fit, half = super().clock_fit(), self._round_trip_s / 2
        return replace(
            fit, offset_s=fit.offset_s - half, uncertainty_s=fit.uncertainty_s + half + self._anchor_s
        )

    def start(self) -> None:
        """Start the guardian process, which connects; beats begin with it."""
        if self._thread is None:
            # Kept over a restart, so that the device timeline goes on.
            self._origin_host = self._origin_host or host_now()
            super().start()
            self._beating = threading.Thread(
                target=self._beat_on, name=f"source {self._name} beat", daemon=True
            )
            self._beating.start()

    def stop(self) -> None:
        """Ends the guardian too: the cell is at open circuit when this returns, or the last event says otherwise."""
        super().stop()
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.join(2.0)

    def _interrupt(self) -> None:
        self._order(Quit())

    # what can be ordered

    def beat(self) -> None:
        """Tell the guardian that the window is alive; at least every second or it makes the cell safe."""
        self._order(Beat())

    def run_program(
        self, program: Program | str, name: str = "The program", capacity_C: float | None = None
    ) -> None:
        """Start a biasing program (its JSON), as soon as the cell is watched. Mistakes in it come back as an event."""
        text = program.source_json if isinstance(program, Program) else program
        with self._heard:
            # It waits here until the guardian watches the cell; it may still be connecting.
            self._program = RunProgram(text, name, capacity_C)
        self._send_program()

    def pause(self) -> None:
        """Hold the program at 0 A; its time stands still."""
        self._order(Pause())

    def resume(self) -> None:
        """Go on with a paused program, where it was."""
        self._order(Resume())

    def skip(self) -> None:
        """End the present step of the program at the next reading."""
        self._order(Skip())

    def abort(self) -> None:
        """End the program; the cell goes to open circuit at 0 A and stays watched."""
        # A program that has not been handed over must not start later.
        self._program = None
        self._order(Abort())

    def apply_current(self, current_A: float) -> None:
        """A current by hand, within the limits."""
        self._order(Apply("current", current_A))

    def set_limits(self, limits: CellLimits) -> None:
        """Watch other limits from now on; they also hold for a guardian that is started anew."""
        self._limits = limits
        self._order(SetLimits(limits))

    def emergency_stop(self, why: str = "Emergency stop.") -> None:
        """Immediate high impedance; returns at once, `wait_for` tells when it is verified."""
        # The same: after a stop no program may begin by itself.
        self._program = None
        self._order(Stop(why))

    def rearm(self) -> None:
        """After a stop: open circuit at 0 A, watched again."""
        self._order(Rearm())

    def wait_for(self, is_so: Callable[[ControlState], bool], timeout: float) -> bool:
        """Wait until the guardian has said something that satisfies `is_so`."""
        with self._heard:
            return self._heard.wait_for(lambda: is_so(self.control), timeout)

    @property
    def process_id(self) -> int | None:
        """Process id of the guardian; None while there is none."""
        return None if self._process is None else self._process.pid

    # inside

    def _connect(self) -> None:
        # A session of its own: Ctrl+C in the terminal of the window must not end the guardian.
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        self._process = subprocess.Popen(
            guardian_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Nobody reads it: a full pipe would hold the guardian up.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            **options,
        )
        self._order(self._configuration())

    def _configuration(self) -> Configure:
        table, owner = self._table, self._owner
        config = GuardConfig(
            name=self._name,
            model=table.model,
            address=table.address,
            rate_hz=table.rate_hz,
            start=table.start,
            settings=MeterSettings(
                compliance_V=table.compliance_V,
                compliance_A=table.compliance_A,
                nplc=table.nplc,
                four_wire=table.four_wire,
                rear_terminals=table.rear_terminals,
            ),
            limits=self._limits,
            origin_host=self._origin_host,
            stays_off=self._stays_off,
        )
        link = LinkSettings(table.timeout_s, table.backend, table.baud_rate)
        return Configure(config, link, owner and replace(owner, pid=owner.pid or os.getpid()))

    def _pump(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        piece = self._process.stdout.read(1 << 16)
        if not piece:
            # End of the pipe: the guardian has ended, on purpose or not.
            self._pending = b""
            if self._stopping.is_set():
                return
            if self._refusal is not None:
                raise self._refusal
            self._lose_control()
            raise SourceLostError(f"The guardian of {self._name} ended unexpectedly. Output may be ON.")
        # The last piece may be half a line.
        *lines, self._pending = (self._pending + piece).split(b"\n")
        for line in lines:
            try:
                self._hear(line)
            except GuardianFormatError as error:
                self._refused += 1
                self._lose_control()
                raise SourceLostError(
                    f"The guardian of {self._name} is not understood and is asked to make the cell safe: {error}"
                ) from error

    def _lose_control(self) -> None:
        """Nothing is known of the output any more."""
        self._set_control(replace(self.control, state="lost", output_on=None, verified=False, progress=None))

    def _disconnect(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # The end of its input asks a guardian to make the cell safe, even if no order arrives any more.
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        # A guardian that hangs in its instrument's driver would else keep this thread for ever.
        last_resort = threading.Timer(END_S, process.kill)
        last_resort.start()
        self._drain(process)
        code = process.wait()
        last_resort.cancel()
        last_resort.join()
        if process.stdout is not None:
            process.stdout.close()
        # 0, 1 and 2 are how a guardian ends by itself.
        if code not in (0, 1, 2) and self._stopping.is_set():
            self._say(f"The guardian of {self._name} had to be terminated. Output may be ON.", "warning")

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """What the guardian still has to say while it makes the cell safe."""
        assert process.stdout is not None
        pending = self._pending
        while piece := process.stdout.read(1 << 16):
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                try:
                    self._hear(line)
                except GuardianFormatError:  # what comes after it may be the word that the cell is safe
                    self._refused += 1
        self._pending = b""

    def _hear(self, line: bytes) -> None:
        answer, dropped = read_answer(line)
        # The guardian tells the sum of what it dropped; only the difference is new.
        self._missed += dropped - self._dropped_there
        self._dropped_there = dropped
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Samples):
            self._take_samples(answer)
        elif isinstance(answer, Happened):
            self._queue.put(
                EventBlock(
                    source=self._name,
                    host_time=answer.host,
                    text=answer.text,
                    category=answer.category,
                    data=answer.data,
                )
            )
        elif isinstance(answer, StateNow):
            self._take_state(answer)
        elif isinstance(answer, ProgramNow):
            now = answer.progress
            self._set_control(replace(self.control, progress=None if now.finished else now))
        elif isinstance(answer, ClockNow):
            self._round_trip_s = answer.round_trip_s
            # The worst stretch so far: which one a sample belongs to is not kept.
            self._anchor_s = max(self._anchor_s, answer.anchor_s)
        elif isinstance(answer, Refused):
            self._refusal = UserError(answer.title, answer.advice)
            self._set_control(replace(self.control, state="refused", message=answer.title))
        elif isinstance(answer, Ready):
            self._set_control(replace(self.control, idn=answer.idn))

    def _take_samples(self, answer: Samples) -> None:
        rows = np.array(answer.rows, np.float64)
        if answer.segment:
            self._begin_segment()
        columns = {"voltage": rows[:, 2], "current": rows[:, 3], "step": rows[:, 4]}
        self._put_samples(rows[:, 0], rows[:, 1], columns)

    def _take_state(self, now: StateNow) -> None:
        self._set_control(
            replace(
                self.control,
                state=now.state,
                message=now.message,
                output_on=now.output_on,
                verified=now.verified,
                mode=now.mode,
                level=now.level,
                charge_C=now.charge_C,
            )
        )
        # Kept on this side of the pipe: a stop stays a stop, even if this guardian dies.
        if now.state == "tripped":
            self._stays_off = now.message
        # Somebody has switched it on again.
        elif now.state in READY:
            self._stays_off = ""
        self._send_program()
        # Rows alone say that it runs; the other states are the guardian's to tell.
        shown = SHOWN_STATE.get(now.state)
        if shown is not None:
            self._set_state(shown, now.message)
        elif self._state != "running":
            self._set_state("waiting", now.message)

    def _send_program(self) -> None:
        """Hand over the program that waits, once the guardian can take it."""
        with self._heard:
            if self._program is None or self.control.state not in READY:
                return
            program, self._program = self._program, None
        self._order(program)

    def _set_control(self, control: ControlState) -> None:
        with self._heard:
            self.control = control
            self._heard.notify_all()

    def _order(self, order: Order) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        # Several threads order: window, beat and receiver. A pipe that is closed is noticed by the receiver.
        with self._writing, contextlib.suppress(OSError, ValueError):
            process.stdin.write(order_line(order))
            process.stdin.flush()

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_S):
            if self.beats_itself:
                self.beat()
