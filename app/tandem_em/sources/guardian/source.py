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
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import ClockFit, EventBlock, SourceDescription, State, host_now
from tandem_em.sources.core.ownership import Owner
from tandem_em.sources.core.setup import LimitsTable, ScpiTable
from tandem_em.sources.core.threaded import SourceLostError, ThreadedSource
from tandem_em.sources.guardian.soft_limits import Limits
from tandem_em.sources.programs.steps import Program

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
    progress: dict[str, Any] | None = None
    """Fields of `program_runner.ProgramProgress` while a program runs."""


def guardian_command() -> list[str]:
    """How the guardian is started; a frozen program starts itself with a switch instead of a module."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--guardian-process"]
    return [sys.executable, "-m", "tandem_em.sources.guardian.process"]


def limits_from(table: LimitsTable) -> Limits:
    current = table.current_A
    return Limits(
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

    kind: ClassVar[Any] = "scpi"
    retry_s: ClassVar[float] = 0.2
    stop_s: ClassVar[float] = END_S + 2.0
    says_when_connected: ClassVar[bool] = True

    def __init__(self, table: ScpiTable, limits: Limits | None = None, owner: Owner | None = None) -> None:
        """`owner`: under which name the instrument is owned, so that no other program drives it; None: under none."""
        super().__init__(table.name)
        self._owner = owner
        self._refusal: UserError | None = None
        self._table = table
        self._limits = limits or Limits()
        self._origin_host = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()
        self._heard = threading.Condition()
        self._beating: threading.Thread | None = None
        self._dropped_there = 0
        self._pending = b""
        self._program: dict[str, Any] | None = None
        self._stays_off = ""
        """Why the output was switched off; handed to the next guardian if this one dies."""
        self._round_trip_s, self._anchor_s = 0.0, 0.0
        self.beats_itself = True
        self.control = ControlState()

    # the source

    def describe(self) -> SourceDescription:
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
        if self._thread is None:
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
        self._order({"do": "quit"})

    # what can be ordered

    def beat(self) -> None:
        self._order({"do": "beat"})

    def run_program(
        self, program: Program | str, name: str = "The program", capacity_C: float | None = None
    ) -> None:
        """Start a biasing program (its JSON), as soon as the cell is watched. Mistakes in it come back as an event."""
        text = program.source_json if isinstance(program, Program) else program
        with self._heard:
            self._program = {"do": "program", "json": text, "name": name, "capacity_C": capacity_C}
        self._send_program()

    def pause(self) -> None:
        self._order({"do": "pause"})

    def resume(self) -> None:
        self._order({"do": "resume"})

    def skip(self) -> None:
        self._order({"do": "skip"})

    def abort(self) -> None:
        """End the program; the cell goes to open circuit at 0 A and stays watched."""
        self._program = None
        self._order({"do": "abort"})

    def apply_current(self, current_A: float) -> None:
        """A current by hand, within the limits."""
        self._order({"do": "apply", "mode": "current", "level": current_A})

    def set_limits(self, limits: Limits) -> None:
        self._limits = limits
        self._order({"do": "limits", "limits": asdict(limits)})

    def emergency_stop(self, why: str = "Emergency stop.") -> None:
        """Immediate high impedance; returns at once, `wait_for` tells when it is verified."""
        self._program = None
        self._order({"do": "stop", "why": why})

    def rearm(self) -> None:
        """After a stop: open circuit at 0 A, watched again."""
        self._order({"do": "rearm"})

    def wait_for(self, is_so: Callable[[ControlState], bool], timeout: float) -> bool:
        """Wait until the guardian has said something that satisfies `is_so`."""
        with self._heard:
            return self._heard.wait_for(lambda: is_so(self.control), timeout)

    @property
    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    # inside

    def _connect(self) -> None:
        options: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        self._process = subprocess.Popen(
            guardian_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            **options,
        )
        self._order(self._configuration())

    def _configuration(self) -> dict[str, Any]:
        table = self._table
        return {
            "name": self._name,
            "model": table.model,
            "address": table.address,
            "rate_hz": table.rate_hz,
            "start": table.start,
            "timeout_s": table.timeout_s,
            "backend": table.backend,
            "baud_rate": table.baud_rate,
            "owner": self._owner_facts(),
            "origin_host": self._origin_host,
            "stays_off": self._stays_off,
            "settings": {
                "compliance_V": table.compliance_V,
                "compliance_A": table.compliance_A,
                "nplc": table.nplc,
                "four_wire": table.four_wire,
                "rear_terminals": table.rear_terminals,
            },
            "limits": asdict(self._limits),
        }

    def _owner_facts(self) -> dict[str, Any] | None:
        owner = self._owner
        if owner is None:
            return None
        return {"folder": str(owner.folder), "program": owner.program, "pid": owner.pid or os.getpid()}

    def _pump(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        piece = self._process.stdout.read(1 << 16)
        if not piece:
            self._pending = b""
            if self._stopping.is_set():
                return
            if self._refusal is not None:
                raise self._refusal
            self._set_control(
                replace(self.control, state="lost", output_on=None, verified=False, progress=None)
            )
            raise SourceLostError(f"The guardian of {self._name} ended unexpectedly. Output may be ON.")
        *lines, self._pending = (self._pending + piece).split(b"\n")
        for line in lines:
            self._hear(json.loads(line))

    def _disconnect(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        last_resort = threading.Timer(END_S, process.kill)
        last_resort.start()
        self._drain(process)
        code = process.wait()
        last_resort.cancel()
        last_resort.join()
        if process.stdout is not None:
            process.stdout.close()
        if code not in (0, 1, 2) and self._stopping.is_set():
            self._say(f"The guardian of {self._name} had to be terminated. Output may be ON.", "warning")

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """What the guardian still has to say while it makes the cell safe."""
        assert process.stdout is not None
        pending = self._pending
        while piece := process.stdout.read(1 << 16):
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))
        self._pending = b""

    def _hear(self, message: dict[str, Any]) -> None:
        self._missed += message.get("dropped", 0) - self._dropped_there
        self._dropped_there = message.get("dropped", 0)
        what = message.get("say")
        if what == "samples":
            self._hear_samples(message)
        elif what == "event":
            self._queue.put(
                EventBlock(
                    source=self._name,
                    host_time=message["host"],
                    text=message["text"],
                    category=message["category"],
                    data=message["data"],
                )
            )
        elif what == "state":
            self._hear_state(message)
        elif what == "progress":
            progress = {key: value for key, value in message.items() if key not in ("say", "dropped")}
            self._set_control(replace(self.control, progress=None if progress["finished"] else progress))
        elif what == "clock":
            self._round_trip_s = message["round_trip_s"]
            self._anchor_s = max(self._anchor_s, message["anchor_s"])
        elif what == "refused":
            self._refusal = UserError(message["title"], message["advice"])
            self._set_control(replace(self.control, state="refused", message=message["title"]))
        elif what == "ready":
            self._set_control(replace(self.control, idn=message["idn"]))

    def _hear_samples(self, message: dict[str, Any]) -> None:
        rows = np.array(message["rows"], np.float64)
        if message["segment"]:
            self._begin_segment()
        columns = {"voltage": rows[:, 2], "current": rows[:, 3], "step": rows[:, 4]}
        self._put_samples(rows[:, 0], rows[:, 1], columns)

    def _hear_state(self, message: dict[str, Any]) -> None:
        known = ("state", "message", "output_on", "verified", "mode", "level", "charge_C")
        self._set_control(replace(self.control, **{key: message[key] for key in known}))
        if message["state"] == "tripped":
            self._stays_off = message["message"]
        elif message["state"] in READY:
            self._stays_off = ""
        self._send_program()
        shown = SHOWN_STATE.get(message["state"])
        if shown is not None:
            self._set_state(shown, message["message"])
        elif self._state != "running":
            self._set_state("waiting", message["message"])

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

    def _order(self, order: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        with self._writing, contextlib.suppress(OSError, ValueError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()

    def _beat_on(self) -> None:
        while not self._stopping.wait(BEAT_S):
            if self.beats_itself:
                self.beat()
