"""What most sources share: one receiver thread that connects, pumps blocks into the queue, and comes back after a loss."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from tandem_em.core.notices import UserError
from tandem_em.model.clock import Origin
from tandem_em.sources.core.base import (
    Block,
    ClockFit,
    EventBlock,
    EventCategory,
    FrameBlock,
    SampleBlock,
    SourceDescription,
    SourceStatus,
    State,
    host_now,
)
from tandem_em.sources.core.envelope import Envelope
from tandem_em.sources.core.ownership import HeldTogether, Owner
from tandem_em.sources.core.queues import BlockQueue

log = logging.getLogger(__name__)


class SourceLostError(Exception):
    """The other side went away or stopped making sense: say it, wait, connect again. The text is a sentence."""


class ThreadedSource(ABC):
    """Subclasses give `_connect`, `_pump` (take what is there, for at most about 0.2 s) and `_disconnect`."""

    kind: ClassVar[str]
    sync: ClassVar[Origin] = "same host"
    # s a full queue is waited for before a block is dropped.
    patience_s: ClassVar[float] = 0.0
    # s between two tries to connect.
    retry_s: ClassVar[float] = 0.5
    # s without data after which a source counts as waiting.
    quiet_s: ClassVar[float] = 2.0
    # s that `stop` waits for the thread.
    stop_s: ClassVar[float] = 5.0
    says_when_connected: ClassVar[bool] = False
    """The source tells by itself when there is a connection: what `_connect` reaches is not the instrument."""

    def __init__(self, name: str, *, queue: BlockQueue | None = None) -> None:
        self._name = name
        self._queue = queue or BlockQueue(patience_s=self.patience_s)
        self._envelope = Envelope(self.sync)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._state: State = "idle"
        self._message = ""
        self._missed = 0
        self._refused = 0
        self._segments = 0
        self._segment_is_new = True
        self._last_host_time = float("nan")
        self._was_lost = False
        self._owned: tuple[Owner, str] | None = None

    def own(self, owner: Owner, address: str) -> None:
        """From each `start` until it is stopped the instrument at this address is `owner`'s; when it is another
        program's, the source fails and says whose."""
        self._owned = owner, address

    # what a recorder calls

    @property
    def name(self) -> str:
        """The name in the set-up."""
        return self._name

    @abstractmethod
    def describe(self) -> SourceDescription:
        """What it delivers, as far as the instrument has said so by now."""

    def start(self) -> None:
        """Begin to connect in the receiver thread; does nothing while it runs."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self._queue.reopen()
        self._set_state("connecting")
        # Daemon: a driver that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=f"source {self._name}", daemon=True)
        self._thread.start()

    def read(self, timeout: float) -> Block | None:
        """The next block; None when nothing came within `timeout` (s), or all was read after the end."""
        return self._queue.get(timeout)

    def stop(self) -> None:
        """End the receiver thread, waiting up to `stop_s` for it; what is queued can still be read."""
        self._stopping.set()
        # Only after the flag: a `_pump` that wakes has to see it.
        self._interrupt()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(self.stop_s)
            if thread.is_alive():
                log.error("source %s did not stop within %g s", self._name, self.stop_s)
        self._queue.close()
        # Why it failed stays to be read.
        if self._state != "failed":
            self._set_state("stopped", self._message if self._was_lost else "")

    def close(self) -> None:
        """Stop, and throw away what nobody has read."""
        self.stop()
        self._queue.clear()

    def status(self) -> SourceStatus:
        """How it is doing now."""
        blocks, nbytes = self._queue.size
        return SourceStatus(
            state=self._state,
            message=self._message,
            received=self._queue.received,
            delivered=self._queue.delivered,
            dropped=self._queue.dropped,
            missed=self._missed,
            refused=self._refused,
            queued=blocks,
            queued_bytes=nbytes,
            rate_hz=self._queue.rate_hz(),
            segments=self._segments,
            last_host_time=self._last_host_time,
        )

    def clock_fit(self) -> ClockFit:
        """Clock relation from all blocks so far."""
        return self._envelope.fit()

    # what a subclass gives

    @abstractmethod
    def _connect(self) -> None:
        """Open; raise SourceLostError to be called again, UserError when trying again makes no sense."""

    @abstractmethod
    def _pump(self) -> None:
        """Take what has arrived and `_put` it. Called in a loop while connected; must come back within 0.2 s."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Free everything; is called after every `_connect`, also one that failed halfway."""

    def _interrupt(self) -> None:  # noqa: B027
        """Wake a `_pump` that sleeps (optional)."""

    # what a subclass calls

    def _put_samples(
        self, times: Any, host_times: Any, columns: dict[str, Any], *, new_segment: bool = False
    ) -> None:
        device, host = np.asarray(times, np.float64), np.asarray(host_times, np.float64)
        if len(device) == 0:
            return
        values = {key: np.asarray(column, np.float64) for key, column in columns.items()}
        self._envelope.add(device, host)
        self._put(
            SampleBlock(
                source=self._name,
                times=device,
                host_times=host,
                columns=values,
                new_segment=self._take_segment(new_segment),
            ),
            float(host[-1]),
        )

    def _put_frame(
        self,
        frame: Any,
        time: float,
        frame_number: int,
        *,
        host_time: float | None = None,
        new_segment: bool = False,
        info: dict[str, Any] | None = None,
    ) -> None:
        host = host_now() if host_time is None else host_time
        self._envelope.add_pair(time, host)
        self._put(
            FrameBlock(
                source=self._name,
                frame=frame,
                time=time,
                host_time=host,
                frame_number=frame_number,
                new_segment=self._take_segment(new_segment),
                info=info or {},
            ),
            host,
        )

    def _say(self, text: str, category: EventCategory = "note", **data: Any) -> None:
        log.info("%s: %s", self._name, text)
        self._queue.put(
            EventBlock(source=self._name, host_time=host_now(), text=text, category=category, data=data)
        )

    def _begin_segment(self) -> None:
        """Mark the next block as the first of a new stretch."""
        self._segment_is_new = True

    def _set_state(self, state: State, message: str = "") -> None:
        self._state, self._message = state, message

    # the receiver thread

    def _put(self, block: Block, host_time: float) -> None:
        self._last_host_time = host_time
        if self._state != "running":
            self._set_state("running")
        # The first block of a stretch was dropped: the next one has to carry the mark in its place.
        if not self._queue.put(block) and isinstance(block, SampleBlock | FrameBlock) and block.new_segment:
            self._segment_is_new = True
            self._segments -= 1

    def _take_segment(self, asked: bool) -> bool:
        new = asked or self._segment_is_new
        self._segment_is_new = False
        if new:
            self._segments += 1
        # The very first stretch has nothing before it that could be joined.
        return new and self._segments > 1

    def _run(self) -> None:
        try:
            # Taken in the receiver thread, so that `start` returns at once and the refusal becomes a state.
            held = None if self._owned is None else HeldTogether.take(*self._owned)
        except UserError as error:
            self._fail(error)
            self._queue.close()
            return
        try:
            self._receive()
        # Whatever ended the thread, others may have the instrument now.
        finally:
            if held is not None:
                held.close()

    def _receive(self) -> None:
        while not self._stopping.is_set():
            try:
                # Inside the try: a half-open connection is freed below too.
                self._connect()
                if self._was_lost:
                    self._was_lost = False
                    self._say(f"{self._name} is connected again.", "note")
                # A source that says itself when it is connected has set its state already.
                if self._state in ("connecting", "lost") and not self.says_when_connected:
                    self._set_state("waiting", "Connected; waiting for data.")
                while not self._stopping.is_set():
                    self._pump()
                    self._note_quiet()
            except SourceLostError as loss:
                self._lost(str(loss))
            except UserError as error:
                self._fail(error)
                break
            except OSError as error:
                self._lost(f"{self._name} lost its connection: {error}.")
            # A bug in one source must not end the recording of the others.
            except Exception as error:
                log.exception("source %s", self._name)
                self._lost(f"{self._name} had an unexpected error: {error}.")
            finally:
                self._disconnect()
        self._queue.close()

    def _fail(self, error: UserError) -> None:
        self._set_state("failed", str(error))
        self._say(str(error), "warning")

    def _note_quiet(self) -> None:
        """A connection over which nothing comes is waiting, not running."""
        # Told by arrivals here, since an open connection says nothing of the instrument behind it.
        if self._state == "running" and host_now() - self._last_host_time > self.quiet_s:
            self._set_state("waiting", f"No data for {self.quiet_s:g} s.")

    def _lost(self, message: str) -> None:
        if not self._stopping.is_set():
            # Once for each loss, not at every try to connect again.
            if not self._was_lost:
                self._say(message, "warning")
            self._was_lost = True
            self._segment_is_new = True
            self._set_state("lost", message)
            # Wakes at once when the source is stopped.
            self._stopping.wait(self.retry_s)
