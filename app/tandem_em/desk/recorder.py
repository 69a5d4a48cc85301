"""Recording: blocks from live sources go to disk first, then into the model.

One thread a source pumps blocks into the store; `post` brings what changed to the thread the session lives on. A source
that dies ends nothing but itself; one that comes back goes on as a new segment.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.desk.live_follow import Lag, LiveFollow
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import SI_UNITS, BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import now_iso
from tandem_em.model.session import Session
from tandem_em.notices import Notices
from tandem_em.sources.base import EventBlock, FrameBlock, SampleBlock, Source, host_now

if TYPE_CHECKING:
    from tandem_em.storage.session_store import SessionStore

log = logging.getLogger(__name__)
Post = Callable[[Callable[[], None]], None]
READ_S = 0.2
CLOCK_S = 1.0


@dataclass
class Counters:
    """Honest numbers of one source."""

    received: int = 0
    written: int = 0
    acknowledged: int = 0
    dropped: int = 0
    rate_hz: float = 0.0
    state: str = "connecting"
    message: str = ""


@dataclass
class _Stream:
    """One source and the items it fills."""

    source: Source
    run: BiasRun | None = None
    stack: FrameStack | None = None
    clock: Clock | None = None
    item_ids: list[str] = field(default_factory=list)
    written: int = 0
    uses_host_time: bool = False
    thread: threading.Thread | None = None
    follow: LiveFollow | None = None
    error: BaseException | None = None


class Recorder:
    """Records sources into one session until `stop`. Make it, `start()`, look at `counters()`, `stop()`."""

    def __init__(
        self,
        session: Session,
        store: SessionStore,
        sources: list[Source],
        notices: Notices,
        post: Post,
        *,
        follow: bool = False,
    ) -> None:
        """`follow`: outlines drawn on a stack that is being recorded, and its drift, are followed meanwhile."""
        self._session = session
        self._store = store
        self._notices = notices
        self._post = post
        self._streams = {source.name: _Stream(source) for source in sources}
        self._zero = host_now()
        self._stopping = threading.Event()
        self._disk_verdict = "fine"
        self._follows = follow
        self.state = "idle"

    # --- from outside --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the sources; their times are counted from this moment unless the session has begun before."""
        self._zero = host_now()
        if not self._session.info.start_iso:
            self._session.change(self._session.info, start_iso=now_iso())
        else:
            self._zero -= self._since_start()
        self.state = "recording"
        for stream in self._streams.values():
            stream.thread = threading.Thread(
                target=self._pump, args=(stream,), name=f"record {stream.source.name}", daemon=True
            )
            stream.source.start()
            stream.thread.start()

    def _since_start(self) -> float:
        from datetime import datetime

        begun = datetime.fromisoformat(self._session.info.start_iso)
        return (datetime.now(begun.tzinfo) - begun).total_seconds()

    @property
    def sources(self) -> list[Source]:
        return [stream.source for stream in self._streams.values()]

    @property
    def elapsed_s(self) -> float:
        """Session seconds of now."""
        return host_now() - self._zero

    def counters(self) -> dict[str, Counters]:
        """What has happened to every source so far."""
        safe = self._store.acknowledged()
        found = {}
        for name, stream in self._streams.items():
            status = stream.source.status()
            found[name] = Counters(
                received=status.received,
                written=stream.written,
                acknowledged=sum(safe.get(item_id, 0) for item_id in stream.item_ids),
                dropped=status.dropped + status.missed,
                rate_hz=status.rate_hz,
                state=status.state,
                message=status.message,
            )
        return found

    def lags(self) -> dict[str, Lag]:
        """How far following is behind the camera, by the id of the stack."""
        streams = self._streams.values()
        return {s.stack.id: s.follow.lag for s in streams if s.stack is not None and s.follow is not None}

    def check_disk(self) -> float | None:
        """Minutes of recording the disk has room for; stops the recording while the file can still be closed."""
        from tandem_em.storage import disk_space

        rate = sum(self._bytes_per_second(stream) for stream in self._streams.values())
        state = disk_space.outlook(disk_space.free_bytes(self._store.path), rate)
        words = disk_space.sentence(state, self._store.path.name)
        if words is not None and state.verdict != self._disk_verdict:
            self._notices.post("error" if state.verdict == "stop" else "warning", *words)
        self._disk_verdict = state.verdict
        if state.verdict == "stop":
            self._stopping.set()
        return None if rate <= 0 else state.seconds_left / 60

    def _bytes_per_second(self, stream: _Stream) -> float:
        rate = stream.source.status().rate_hz
        if stream.stack is not None:
            _, height, width = stream.stack.source.shape
            return rate * height * width * stream.stack.source.dtype.itemsize
        return rate * 8 * (2 + len(stream.run.columns)) if stream.run is not None else 0.0

    @property
    def has_to_stop(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """All of stopping at once, where nothing else has to go on meanwhile (the command line)."""
        self.halt()
        self.finish()

    def halt(self, timeout_s: float = 10.0) -> None:
        """Stop the sources, write what is queued, end the streams. Takes its time: not on the GUI thread."""
        self._stopping.set()
        for stream in self._streams.values():
            stream.source.stop()
        deadline = time.monotonic() + timeout_s
        for stream in self._streams.values():
            if stream.thread is not None:
                stream.thread.join(max(0.1, deadline - time.monotonic()))
        for stream in self._streams.values():
            stream.source.close()
            if stream.follow is not None:
                stream.follow.stop()
            if stream.run is not None:
                self._store.finish_run(stream.run)
            if stream.stack is not None:
                self._store.finish_stack(stream.stack)
        self.state = "stopped"

    def finish(self) -> None:
        """What is left to do on the session's thread after `halt`; save the session afterwards."""
        for stream in self._streams.values():
            self._set_clock(stream)
            if stream.follow is not None:
                stream.follow.finish()
        self._session.change(self._session.info, end_iso=now_iso())

    # --- the pump ------------------------------------------------------------------------------------------------

    def _pump(self, stream: _Stream) -> None:
        next_clock = host_now() + CLOCK_S
        try:
            while True:
                block = stream.source.read(READ_S)
                if block is not None:
                    self._take(stream, block)
                elif self._stopping.is_set():
                    return
                if host_now() >= next_clock:
                    next_clock = host_now() + CLOCK_S
                    self._post(lambda: self._set_clock(stream))
        except Exception as error:
            log.exception("the source %s stopped", stream.source.name)
            stream.error = error
            self._notices.error(
                f"{stream.source.name} is no longer recorded: {error}", "The other sources go on."
            )

    def _take(self, stream: _Stream, block: SampleBlock | FrameBlock | EventBlock) -> None:
        if isinstance(block, SampleBlock):
            self._take_samples(stream, block)
        elif isinstance(block, FrameBlock):
            self._take_frame(stream, block)
        else:
            self._take_event(stream, block)

    def _take_samples(self, stream: _Stream, block: SampleBlock) -> None:
        run = stream.run
        if run is None or set(block.columns) - set(run.columns):
            run = self._begin_run(stream, block)
        if block.new_segment and stream.written:
            at = stream.written
            self._post(lambda: run.segment_starts.append(at))
        self._store.append_samples(run.id, block.times, block.columns, block.host_times - self._zero)
        stream.written += len(block)
        self._post(lambda: run.append(block.times, block.columns, block.host_times - self._zero))

    def _begin_run(self, stream: _Stream, block: SampleBlock) -> BiasRun:
        """The first block says which columns there are; one with more columns begins another run."""
        source = stream.source.describe()
        if stream.run is not None:
            self._store.finish_run(stream.run)
        columns = {
            name: Column(
                name, source.units.get(name, SI_UNITS.get(name, "")), GrowingArray(), is_step=name == "step"
            )
            for name in block.columns
        }
        clock = self._clock_of(stream, float(block.times[0]), float(block.host_times[0]))
        run = BiasRun(
            name=source.name,
            clock=clock,
            columns=columns,
            host_times=GrowingArray(),
            instrument={"kind": source.kind, "label": source.label, **source.instrument},
            simulated=source.simulated,
            cell_id=self._session.cells.first.id if self._session.cells.first else "",
        )
        self._store.start_run(run)
        stream.run, stream.written = run, 0
        stream.item_ids.append(run.id)
        self._post(lambda: self._add(clock, run))
        return run

    def _take_frame(self, stream: _Stream, block: FrameBlock) -> None:
        stack = stream.stack
        if (
            stack is None
            or stack.source.shape[1:] != block.frame.shape
            or stack.source.dtype != block.frame.dtype
        ):
            stack = self._begin_stack(stream, block)
        device = block.host_time - self._zero if stream.uses_host_time else block.time
        self._store.append_frame(stack.id, block.frame, device, block.frame_number)
        stream.written += 1
        count, number = stream.written, block.frame_number
        self._post(lambda: self._grow(stack, count, device, number))
        if stream.follow is not None:
            stream.follow.offer(count - 1, block.frame, block.host_time)

    def _begin_stack(self, stream: _Stream, block: FrameBlock) -> FrameStack:
        source = stream.source.describe()
        if stream.stack is not None:
            self._store.finish_stack(stream.stack)
        stream.uses_host_time = not math.isfinite(block.time)
        clock = self._clock_of(stream, block.time, block.host_time)
        stack = FrameStack(
            name=source.name,
            clock=clock,
            times_from="nominal" if stream.uses_host_time else "file",
            frame_numbers=np.zeros(0, np.int64),
            pixel_nm=block.info.get("pixel_nm", source.pixel_nm),
            exposure_s=block.info.get("exposure_s"),
            instrument={"kind": source.kind, "label": source.label, **source.instrument},
            simulated=source.simulated,
        )
        height, width = block.frame.shape
        stack.source = self._store.start_stack(stack, (height, width), block.frame.dtype)
        stream.stack, stream.written = stack, 0
        stream.item_ids.append(stack.id)
        self._post(lambda: self._add(clock, stack))
        self._begin_following(stream, stack)
        return stack

    def _begin_following(self, stream: _Stream, stack: FrameStack) -> None:
        before = stream.follow
        if before is not None:
            before.stop()
            self._post(before.finish)
        if self._follows:
            stream.follow = follow = LiveFollow(self._session, stack, self._post)
            self._post(follow.start)

    def _take_event(self, stream: _Stream, block: EventBlock) -> None:
        event = Event(
            name=block.text,
            t=block.host_time - self._zero,
            category=block.category,
            author=stream.source.name,
        )
        self._post(lambda: self._add(None, event))

    # --- on the session's thread ---------------------------------------------------------------------------------

    def _add(self, clock: Clock | None, item: BiasRun | FrameStack | Event) -> None:
        if clock is not None and clock.id not in self._session.clocks:
            self._session.clocks.add(clock)
        self._session.collection_of(item).add(item)

    def _grow(self, stack: FrameStack, count: int, device: float, number: int) -> None:
        source: Any = stack.source
        source.grow(count)
        assert stack.frame_numbers is not None
        stack.frame_numbers = np.append(stack.frame_numbers, number)
        stack.append(np.array([device]))

    def _clock_of(self, stream: _Stream, device: float, host: float) -> Clock:
        """A first guess from one pair of stamps; the envelope fit of the source takes over within seconds."""
        if stream.clock is None:
            offset = 0.0 if stream.uses_host_time else host - self._zero - device
            stream.clock = Clock(
                name=f"clock of {stream.source.name}", offset_s=offset, origin="same host", uncertainty_s=0.25
            )
        return stream.clock

    def _set_clock(self, stream: _Stream) -> None:
        clock = stream.clock
        if clock is None or stream.uses_host_time or clock.id not in self._session.clocks:
            return
        fit = stream.source.clock_fit()
        if math.isfinite(fit.offset_s) and fit.samples > 1:
            self._session.change(
                clock,
                offset_s=fit.offset_s - self._zero,
                rate_ppm=fit.rate_ppm,
                uncertainty_s=fit.uncertainty_s,
                origin=fit.origin,
            )
