"""One source on its way into the session: blocks go to disk first, then into the model, a few times a second.

`take` runs in the thread that pumps the source. What it changes in the session is gathered and handed over through
`post` as one piece, so that a thousand frames a second cost the session's thread thirty calls, not a thousand.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.notices import Notices
from tandem_em.core.numeric import AnyArray
from tandem_em.desk.live.dose import LiveDose
from tandem_em.desk.live.files import LiveFiles
from tandem_em.desk.live.follow import LiveFollow
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import SI_UNITS, BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.sources.core.base import (
    Block,
    EventBlock,
    FrameBlock,
    SampleBlock,
    Source,
    host_now,
)

if TYPE_CHECKING:
    from tandem_em.storage.session_store import SessionStore

Post = Callable[[Callable[[], None]], None]
SHOW_S = 1 / 30
LIVE_AFTER_S = 2.0
"""A file that grows for so long is being written now: when its rows arrive is better than what its header says."""


@dataclass
class RecordingTarget:
    """Where recording goes. `zero`: host time of session second 0."""

    session: Session
    store: SessionStore
    post: Post
    files: LiveFiles
    follows: bool
    zero: float = 0.0
    notices: Notices = field(default_factory=Notices)


class RecordedStream:
    """One source and the items it fills."""

    def __init__(self, source: Source, target: RecordingTarget) -> None:
        self.source = source
        self.run: BiasRun | None = None
        self.stack: FrameStack | None = None
        self.follow: LiveFollow | None = None
        self.dose: LiveDose | None = None
        self.item_ids: list[str] = []
        self.written = 0
        self.is_ended = threading.Event()
        """Nothing more comes than what `source.read` still gives."""
        self._target = target
        self._clock: Clock | None = None
        self._uses_host_time = False
        self._arrivals: tuple[float, float] = (math.nan, math.nan)
        self._lock = threading.Lock()
        self._changes: list[_Change] = []
        self._is_on_its_way = False
        self._next_show = 0.0

    # --- in the thread of the source ------------------------------------------------------------------------------

    def take(self, block: Block) -> None:
        """Write a block and remember what it changes in the session."""
        if isinstance(block, SampleBlock):
            self._take_samples(block)
        elif isinstance(block, FrameBlock):
            self._take_frame(block)
        else:
            self._take_event(block)

    def show(self) -> None:
        """Hand over what has changed, unless that was done a moment ago or the last piece is still on its way."""
        now = host_now()
        # A busy window gets one larger piece, not a queue of small ones.
        if self._is_on_its_way or not self._changes or now < self._next_show:
            return
        self._next_show = now + SHOW_S
        self._is_on_its_way = True
        self._target.post(self.catch_up)

    def update_dose(self) -> None:
        """Once a second: what came last is shown even when nothing more comes."""
        if self.dose is not None and self.dose.is_behind:
            self._target.post(self.dose.follow)

    def update_clock(self) -> None:
        """Once a second. Moving a clock moves all its samples: what nobody could see waits for the end."""
        clock, better = self._clock, self._better_clock()
        if clock is None or better is None:
            return
        if _is_notable(clock, better, host_now() - self._target.zero):
            self._target.post(self.set_clock)

    @property
    def wait_s(self) -> float:
        """How long the thread may sleep before there is something to show."""
        return SHOW_S if self._changes else 0.2

    @property
    def bytes_per_second(self) -> float:
        """What this source brings to the disk."""
        rate = self.source.status().rate_hz
        if self.stack is not None:
            _, height, width = self.stack.source.shape
            return rate * height * width * self.stack.source.dtype.itemsize
        # Two columns more: the stamps of the instrument and those of the host.
        return rate * 8 * (2 + len(self.run.columns)) if self.run is not None else 0.0

    def stop(self) -> None:
        """Stop the source, which may still hand over what it has."""
        try:
            self.source.stop()
        finally:
            # Also when stopping failed: the thread must come to its end.
            self.is_ended.set()

    def end(self) -> None:
        """Everything queued is written and committed."""
        if self.follow is not None:
            self.follow.stop()
        if self.run is not None:
            self._target.store.finish_run(self.run)
        if self.stack is not None:
            self._target.store.finish_stack(self.stack)

    def _take_samples(self, block: SampleBlock) -> None:
        run = self.run
        if run is None or set(block.columns) - set(run.columns):
            run = self._begin_run(block)
        first = self._arrivals[0]
        arrived = float(block.host_times[-1])
        self._arrivals = (arrived if math.isnan(first) else first, arrived)
        hosts = block.host_times - self._target.zero
        # Disk first: what is in the session is safe by then.
        self._target.store.append_samples(run.id, block.times, block.columns, hosts)
        # The first block begins no new segment: nothing is before it.
        segment = self.written if block.new_segment and self.written else None
        self.written += len(block)
        self._note(_MoreSamples(run, [(block.times, block.columns, hosts)], segment))

    def _begin_run(self, block: SampleBlock) -> BiasRun:
        """The first block says which columns there are; one with more columns begins another run."""
        source, session = self.source.describe(), self._target.session
        if self.run is not None:
            self._target.store.finish_run(self.run)
        columns = {
            name: Column(
                name, source.units.get(name, SI_UNITS.get(name, "")), GrowingArray(), is_step=name == "step"
            )
            for name in block.columns
        }
        clock = self._clock_of(float(block.times[0]), float(block.host_times[0]))
        clock.start_iso = str(source.instrument.get("first_row_iso", ""))
        run = BiasRun(
            name=source.name,
            clock=clock,
            columns=columns,
            host_times=GrowingArray(),
            instrument={"kind": source.kind, "label": source.label, **source.instrument},
            simulated=source.simulated,
            cell_id=session.cells.first.id if session.cells.first else "",
        )
        self._target.store.start_run(run)
        self.run, self.written = run, 0
        self.item_ids.append(run.id)
        self._note(_Other(lambda: self._add(clock, run)))
        return run

    def _take_frame(self, block: FrameBlock) -> None:
        stack = self.stack
        shape = None if stack is None else stack.source.shape[1:]
        if stack is None or shape != block.frame.shape or stack.source.dtype != block.frame.dtype:
            stack = self._begin_stack(block)
        device = block.host_time - self._target.zero if self._uses_host_time else block.time
        # Disk first: what is in the session is safe by then.
        self._target.store.append_frame(stack.id, block.frame, device, block.frame_number)
        self.written += 1
        self._note(_MoreFrames(stack, [device], [block.frame_number], self.written))
        if self.dose is not None:
            self.dose.take(block.frame, block.host_time)
        if self.follow is not None:
            self.follow.offer(self.written - 1, block.frame, block.host_time)

    def _begin_stack(self, block: FrameBlock) -> FrameStack:
        source = self.source.describe()
        if self.stack is not None:
            self._target.store.finish_stack(self.stack)
        # A camera without stamps: arrival is all that is known.
        self._uses_host_time = not math.isfinite(block.time)
        clock = self._clock_of(block.time, block.host_time)
        stack = FrameStack(
            name=source.name,
            clock=clock,
            times_from="nominal" if self._uses_host_time else "file",
            frame_numbers=np.zeros(0, np.int64),
            pixel_nm=block.info.get("pixel_nm", source.pixel_nm),
            exposure_s=block.info.get("exposure_s"),
            instrument={"kind": source.kind, "label": source.label, **source.instrument},
            simulated=source.simulated,
        )
        height, width = block.frame.shape
        stack.source = self._target.store.start_stack(stack, (height, width), block.frame.dtype)
        self.stack, self.written = stack, 0
        self.item_ids.append(stack.id)
        self._note(_Other(lambda: self._add(clock, stack)))
        self._begin_following(stack)
        return stack

    def _begin_following(self, stack: FrameStack) -> None:
        if self.dose is not None:
            self._note(_Other(self.dose.finish))
        self.dose = LiveDose(self._target.session, stack, self._target.notices.warning)
        before = self.follow
        if before is not None:
            before.stop()
            self._note(_Other(before.finish))
        if self._target.follows:
            self.follow = LiveFollow(
                self._target.session, stack, self._target.post, self._target.notices.warning
            )
            self._note(_Other(self.follow.start))

    def _take_event(self, block: EventBlock) -> None:
        event = Event(
            name=block.text,
            t=block.host_time - self._target.zero,
            category=block.category,
            author=self.source.name,
        )
        self._note(_Other(lambda: self._add(None, event)))
        # A warning names a file that is empty or could not be read.
        if "file" in block.data and block.category != "warning":
            self._target.files.arrived(Path(block.data["file"]), block.data.get("time"))

    def _clock_of(self, device: float, host: float) -> Clock:
        """A first guess from one pair of stamps; the envelope fit of the source takes over within seconds."""
        if self._clock is None:
            offset = 0.0 if self._uses_host_time else host - self._target.zero - device
            self._clock = Clock(
                name=f"clock of {self.source.name}", offset_s=offset, origin="same host", uncertainty_s=0.25
            )
        return self._clock

    def _note(self, change: _Change) -> None:
        with self._lock:
            # Only into the last one, so that changes keep their order.
            if not self._changes or not self._changes[-1].merge(change):
                self._changes.append(change)

    # --- on the session's thread ----------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring the session to where the disk is."""
        with self._lock:
            # Taken under the lock, applied without it: the source goes on meanwhile.
            changes, self._changes = self._changes, []
            self._is_on_its_way = False
        for change in changes:
            change.apply()
        if self.dose is not None:
            self.dose.follow()

    def set_clock(self) -> None:
        """Use what is known of the clock by now."""
        clock, better = self._clock, self._better_clock()
        if clock is None or better is None or clock.id not in self._target.session.clocks:
            return
        self._target.session.change(
            clock,
            offset_s=better.offset_s,
            rate_ppm=better.rate_ppm,
            uncertainty_s=better.uncertainty_s,
            origin=better.origin,
        )

    def _better_clock(self) -> Clock | None:
        if self._clock is None or self._uses_host_time:
            return None
        stated = self._stated_offset(self._clock)
        if stated is not None:
            # Dates in files are given to the second.
            return Clock(offset_s=stated, uncertainty_s=1.0, origin="file time")
        fit = self.source.clock_fit()
        # One pair of stamps is what the first guess was made of.
        if not (math.isfinite(fit.offset_s) and fit.samples > 1):
            return None
        return Clock(
            offset_s=fit.offset_s - self._target.zero,
            rate_ppm=fit.rate_ppm,
            uncertainty_s=fit.uncertainty_s,
            origin=fit.origin,
        )

    def _stated_offset(self, clock: Clock) -> float | None:
        """Offset by the date a file states for its first row; None when it has none or its rows arrive as they are made."""
        first, last = self._arrivals
        if not clock.start_iso or last - first > LIVE_AFTER_S:
            return None
        try:
            stated = datetime.fromisoformat(clock.start_iso).astimezone()
            start = datetime.fromisoformat(self._target.session.info.start_iso).astimezone()
        except ValueError:
            return None
        return (stated - start).total_seconds()

    def _add(self, clock: Clock | None, item: BiasRun | FrameStack | Event) -> None:
        if clock is not None and clock.id not in self._target.session.clocks:
            self._target.session.clocks.add(clock)
        self._target.session.collection_of(item).add(item)


def _is_notable(clock: Clock, better: Clock, now: float) -> bool:
    """Whether a clock differs from a better one by something that can be seen (a part of the uncertainty), now or earlier."""
    # Between the start and now a line differs most at one of its ends.
    moved = max(abs(better.to_session(clock.to_device(t)) - t) for t in (0.0, now))
    surer = better.uncertainty_s < 0.5 * clock.uncertainty_s or better.uncertainty_s > 2 * clock.uncertainty_s
    return surer or better.origin != clock.origin or moved > max(1e-4, 0.2 * better.uncertainty_s)


class _Change:
    """Something to be done in the session."""

    def apply(self) -> None:
        raise NotImplementedError

    def merge(self, _newer: _Change) -> bool:
        """Whether a newer change became part of this one."""
        return False


@dataclass
class _Other(_Change):
    action: Callable[[], None]

    def apply(self) -> None:
        self.action()


@dataclass
class _MoreSamples(_Change):
    run: BiasRun
    blocks: list[tuple[AnyArray, dict[str, AnyArray], AnyArray]]
    segment: int | None = None

    def merge(self, newer: _Change) -> bool:
        if not isinstance(newer, _MoreSamples) or newer.run is not self.run or newer.segment is not None:
            return False
        self.blocks += newer.blocks
        return True

    def apply(self) -> None:
        if self.segment is not None:
            self.run.segment_starts.append(self.segment)
        times = np.concatenate([block[0] for block in self.blocks])
        columns = {
            # A block may lack a column that the run has.
            key: np.concatenate([b[1].get(key, np.full(len(b[0]), np.nan)) for b in self.blocks])
            for key in self.run.columns
        }
        self.run.append(times, columns, np.concatenate([block[2] for block in self.blocks]))


@dataclass
class _MoreFrames(_Change):
    stack: FrameStack
    times: list[float]
    numbers: list[int]
    count: int = field(default=0)

    def merge(self, newer: _Change) -> bool:
        if not isinstance(newer, _MoreFrames) or newer.stack is not self.stack:
            return False
        self.times += newer.times
        self.numbers += newer.numbers
        self.count = newer.count
        return True

    def apply(self) -> None:
        source: Any = self.stack.source
        # First the frames, then their times: nobody may find a time without a frame.
        source.grow(self.count)
        self.stack.append(np.array(self.times), np.array(self.numbers, np.int64))
