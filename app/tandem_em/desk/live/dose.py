"""The dose of a movie that is still being filmed: what was measured when it was set goes on with every new frame.

live = LiveDose(session, stack, warn)
live.take(frame, host_time)     # from the recorder's thread, for each frame; costs next to nothing
live.follow()                   # on the session's thread: rate and dose up to the newest frame, and the budget
live.finish()                   # all of it, with the clock as it is known at the end
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.desk.stacks import dose
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import Session
from tandem_em.sources.core.base import host_now

Warn = Callable[[str, str], None]
LOOK_S = 0.02
"""Between two looks at the brightness; frames in between have that of the last look."""
SHOW_S = 0.5
SAMPLE_PX = 1 << 14
"""Pixels of a frame whose mean is its brightness."""
AUTHOR = "dose"


class LiveDose:
    """Carries on the dose of one stack, once it has been set (`desk.dose`)."""

    def __init__(self, session: Session, stack: FrameStack, warn: Warn) -> None:
        """`warn` tells a person (title, advice) when the budget is passed."""
        self._session, self._stack, self._warn = session, stack, warn
        self._lock = threading.Lock()
        self._levels = GrowingArray()
        self._level, self._looked = math.nan, -math.inf
        self._shown, self._shown_frames = -math.inf, 0
        self._made_from: tuple[str, tuple[Any, ...]] = ("", ())
        """The result that is carried on (its id), and what its rates followed from when it was met."""
        self._timed_by: tuple[Any, ...] = ()

    def take(self, frame: NDArray[Any], host_time: float) -> None:
        """The next frame of the stack."""
        if host_time - self._looked >= LOOK_S:
            # A thinned frame has the same mean within its noise, in a fraction of the time.
            stride = max(1, math.isqrt(frame.size // SAMPLE_PX))
            self._level = float(np.mean(frame[::stride, ::stride], dtype=np.float64))
            self._looked = host_time
        with self._lock:
            self._levels.append(np.array([self._level]))

    def follow(self) -> None:
        """Up to the newest frame, a few times a second."""
        if host_now() - self._shown >= SHOW_S:
            self._shown, self._shown_frames = host_now(), len(self._stack)
            self._carry_on()

    @property
    def is_behind(self) -> bool:
        """Frames have come that `follow` has not seen."""
        return len(self._levels) > self._shown_frames

    def finish(self) -> None:
        """Compute all doses once more with the final clock; on the session's thread, after the last frame."""
        if self._stack.id in self._session.stacks:
            # No clock at all: everything is timed anew.
            self._timed_by = ()
            self._carry_on()

    def _carry_on(self) -> None:
        result = dose.of_stack(self._session, self._stack)
        settings = dose.settings_of(self._session, self._stack)
        if result is None or settings is None:
            return
        with self._lock:
            levels = self._levels.view
        known, count = len(result.arrays["t_s"]), min(len(levels), len(self._stack))
        # The dose was set anew: what its rates follow from is looked up once.
        if self._made_from[0] != result.id:
            self._made_from = result.id, self._basis(result)
        clock = self._stack.clock
        timed_by = clock.id, clock.offset_s, clock.rate_ppm
        is_retimed, self._timed_by = timed_by != self._timed_by, timed_by
        if count < known or (count == known and not is_retimed):
            return
        total_before = float(result.arrays["dose_e_A2"][-1]) if known else 0.0
        arrays = self._longer(result, settings, levels[:count], retime=is_retimed)
        # Past the history: nobody undoes what a recording adds.
        self._session.change(result, arrays=arrays)
        # With another calibration the earlier frames are out of date, and must be said to be.
        if self._made_from[1] == self._basis(result):
            self._is_up_to_date(result)
        self._look_at_budget(settings, arrays, known, total_before)

    def _basis(self, result: ResultSet) -> tuple[Any, ...]:
        """What the rate of a frame follows from, besides its counts."""
        stack = self._stack
        return stack.pixel_nm, stack.counts_per_electron, stack.counts_offset, *result.values.values()

    def _longer(
        self, result: ResultSet, settings: DoseSettings, levels: NDArray[np.float64], *, retime: bool
    ) -> dict[str, NDArray[Any]]:
        """Rates and doses of all frames; those that are known stay, unless the clock has moved."""
        from tandem_em.analysis.images import dose as numbers

        known = len(result.arrays["t_s"])
        offset = result.values.get("counts_offset", self._stack.counts_offset)
        on = numbers.beam_is_on(levels, settings.beam_off_fraction, offset)[known:]
        new_rate = dose.rates(result.values, self._stack.pixel_nm, levels[known:], on)
        rate = np.concatenate([result.arrays["rate_e_A2s"], new_rate])
        new_t = self._stack.t[known : len(levels)]
        # A better clock moves all frames, not only those to come.
        t = self._stack.t[: len(levels)].copy() if retime else np.concatenate([result.arrays["t_s"], new_t])
        if retime or not known:
            total = numbers.over_time(t, rate)
        else:
            # From the last known frame on: the stretch between it and the first new one counts.
            more = numbers.over_time(t[known - 1 :], rate[known - 1 :])
            old = result.arrays["dose_e_A2"]
            total = np.concatenate([old, old[-1] + more[1:]])
        beam_on = np.concatenate([result.arrays["beam_on"], on])
        return {"t_s": t, "rate_e_A2s": rate, "dose_e_A2": total, "beam_on": beam_on}

    def _is_up_to_date(self, result: ResultSet) -> None:
        """That the stack has grown and its clock is known better makes nothing stale that was carried on."""
        step = self._session.steps.get(result.made_by)
        if step is not None:
            known = {item.id: item.revision for item in (self._stack, self._stack.clock)}
            if step.inputs != known:
                self._session.change(step, inputs=known)

    def _look_at_budget(
        self, settings: DoseSettings, arrays: dict[str, NDArray[Any]], known: int, before: float
    ) -> None:
        budget, total = settings.budget_e_A2, arrays["dose_e_A2"]
        # Said once: when the budget was passed already, it is no news.
        if not budget or before > budget or not np.any(total[known:] > budget):
            return
        t = float(arrays["t_s"][known + int(np.argmax(total[known:] > budget))])
        text = f"{self._stack.name} exceeds its dose budget of {budget:.4g} e⁻/Å² at {t:.1f} s."
        self._session.events.add(Event(name=text, t=t, category="warning", author=AUTHOR))
        self._warn(text, "Recording continues. Blank the beam if the sample must not receive more.")
