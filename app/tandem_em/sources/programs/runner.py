"""Which set point a program wants now: fed with each reading, knows nothing of instruments or of real time.

The guardian feeds it with readings, the preview with a simulated cell: both run the same steps the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tandem_em.sources.programs.steps import (
    ConstantCurrent,
    ConstantVoltage,
    Loop,
    Program,
    Pulse,
    Quantity,
    Ramp,
    Rest,
    Scan,
    Step,
    Tag,
    amperes,
    label,
)

SLEW_V_PER_S = 0.5
"""A voltage is never jumped to: it is approached from what is there at this speed."""


@dataclass(frozen=True)
class SetPoint:
    """What the source-meter should hold: a level in A or V."""

    mode: Quantity
    level: float


@dataclass(frozen=True)
class ProgramProgress:
    """Where a program is. `step` counts from 0 in the program as written; `done` of `total` steps, loops unrolled."""

    step: int
    label: str
    done: int
    total: int
    step_s: float
    step_fraction: float | None
    paused: bool
    finished: bool


class ProgramRunner:
    """`update(t, V, I)` at each reading gives the set point to apply, or None when the program is over."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.paused = False
        self.finished = False
        self.ended_by = ""
        """What ended the step before, in a few words."""
        self._at = 0
        self._started: float | None = None
        self._start_V = 0.0
        self._start_I = 0.0
        self._done = 0
        self._total = program.executions()
        self._loops: dict[int, int] = {}
        self._skip = False
        self._paused_at: float | None = None
        self._now = 0.0

    @property
    def step(self) -> Step | None:
        """The step that is being run; None when the program is over."""
        return None if self.finished else self.program.steps[self._at]

    @property
    def step_number(self) -> int:
        """Number of the step in the program as written, from 0."""
        return self._at

    def update(self, t: float, voltage: float, current: float) -> SetPoint | None:
        """Call with every reading (s, V, A)."""
        self._now = t
        if self.paused and not self.finished:
            if self._paused_at is None:
                # The pause begins with the reading that notices it.
                self._paused_at = t
            return SetPoint("current", 0.0)
        if self._paused_at is not None:
            # The step began that much later: a pause does not shorten it.
            self._started = None if self._started is None else self._started + (t - self._paused_at)
            self._paused_at = None
            # A ramp or an approach begins anew from what the cell is at now.
            self._start_V, self._start_I = voltage, current
        if self._started is not None:
            why = "skipped" if self._skip else self._why_over(t - self._started, voltage, current)
            if why:
                self.ended_by = why
                self._next()
        self._skip = False
        if self._started is None and not self._enter(t, voltage, current):
            return None
        assert self._started is not None
        return self._set_point(t - self._started)

    def skip(self) -> None:
        """End the present step at the next reading."""
        self._skip = True

    def pause(self) -> None:
        """Hold 0 A from the next reading on; the time of the step stands still."""
        self.paused = True

    def resume(self) -> None:
        """Go on from where it was paused."""
        self.paused = False

    def deadline(self) -> float | None:
        """The time (s) at which the present step's set point changes by itself or the step ends; None: unknown."""
        if self._started is None or self.finished:
            return None
        step, since = self.program.steps[self._at], self._now - self._started
        if isinstance(step, Pulse):
            period = step.pulse_s + step.base_s
            # Inside a pulse train the next change is the end of this pulse or of this base.
            inside = since % period
            return self._now + ((step.pulse_s if inside < step.pulse_s else period) - inside)
        duration = self._duration(step)
        return None if duration is None else self._started + duration

    def progress(self) -> ProgramProgress:
        """Where the program is, for people and for the log."""
        step = self.step
        since = 0.0 if self._started is None else (self._paused_at or self._now) - self._started
        duration = None if step is None else self._duration(step)
        return ProgramProgress(
            step=self._at,
            label="" if step is None else label(step),
            done=self._done,
            total=self._total,
            step_s=since,
            step_fraction=min(since / duration, 1.0) if duration else None,
            paused=self.paused,
            finished=self.finished,
        )

    def _enter(self, t: float, voltage: float, current: float) -> bool:
        """Go on to the next step that takes time; False at the end of the program."""
        while self._at < len(self.program.steps):
            step = self.program.steps[self._at]
            if isinstance(step, Loop):
                turns = self._loops.get(self._at, 0) + 1
                if turns < step.count:
                    self._loops[self._at] = turns
                    self._at = step.to
                else:
                    # Forgotten, so that an outer loop can run this one again in full.
                    self._loops.pop(self._at, None)
                    self._at += 1
            elif isinstance(step, Tag):
                self._at += 1
            else:
                self._started, self._start_V, self._start_I = t, voltage, current
                return True
        self.finished = True
        # The last step stays shown when the program is over.
        self._at = len(self.program.steps) - 1
        return False

    def _next(self) -> None:
        self._done += 1
        self._at += 1
        self._started = None

    def _why_over(self, since: float, voltage: float, current: float) -> str:
        """What ends the present step now; empty while it goes on."""
        step = self.program.steps[self._at]
        if isinstance(step, ConstantCurrent) and step.until_voltage_V is not None:
            # In the direction of the current: a discharge ends when the voltage has fallen.
            passed = (voltage - step.until_voltage_V) * math.copysign(1.0, step.current_A)
            if passed >= 0 and since > 0:
                return f"{step.until_voltage_V:g} V reached"
        if isinstance(step, ConstantVoltage) and step.until_current_A is not None:
            # While the voltage is still approached the current says nothing of the end.
            arrived = since > abs(step.voltage_V - self._start_V) / SLEW_V_PER_S + 0.05
            if arrived and abs(current) <= step.until_current_A:
                return f"{amperes(step.until_current_A)} reached"
        duration = self._duration(step)
        # A hair of rounding must not cost a whole reading.
        return "" if duration is None or since < duration - 1e-9 else f"after {duration:g} s"

    def _duration(self, step: Step) -> float | None:
        match step:
            case Rest() | Ramp():
                return step.duration_s
            case ConstantCurrent() | ConstantVoltage():
                return step.until_time_s
            case Pulse():
                return step.count * (step.pulse_s + step.base_s)
            case Scan():
                lead = abs(step.start_V - self._start_V) / SLEW_V_PER_S
                return lead + abs(step.end_V - step.start_V) / step.rate_V_per_s
        return None

    def _set_point(self, since: float) -> SetPoint:
        step = self.program.steps[self._at]
        match step:
            case ConstantCurrent():
                return SetPoint("current", step.current_A)
            case ConstantVoltage():
                return SetPoint("voltage", _approach(self._start_V, step.voltage_V, SLEW_V_PER_S * since))
            case Ramp():
                start = step.start
                if start is None:
                    start = self._start_V if step.quantity == "voltage" else self._start_I
                fraction = min(since / step.duration_s, 1.0)
                return SetPoint(step.quantity, start + (step.end - start) * fraction)
            case Pulse():
                # The same hair: a reading just at the edge belongs to the next part.
                inside = (since + 1e-9) % (step.pulse_s + step.base_s)
                return SetPoint("current", step.pulse_A if inside < step.pulse_s else step.base_A)
            case Scan():
                lead = abs(step.start_V - self._start_V) / SLEW_V_PER_S
                if since < lead:
                    return SetPoint("voltage", _approach(self._start_V, step.start_V, SLEW_V_PER_S * since))
                return SetPoint(
                    "voltage", _approach(step.start_V, step.end_V, step.rate_V_per_s * (since - lead))
                )
        return SetPoint("current", 0.0)


def _approach(start: float, end: float, way: float) -> float:
    """From start towards end, at most `way` far."""
    return end if abs(end - start) <= way else start + math.copysign(way, end - start)
