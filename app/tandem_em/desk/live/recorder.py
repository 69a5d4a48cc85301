"""Recording: blocks from live sources go to disk first, then into the model.

    recorder = Recorder(session, store, sources, notices, post)
    recorder.arm(10.0)            # optional: watch, and keep the last 10 s in memory
    recorder.start()              # record, with what was kept
    recorder.counters()           # honest numbers, at any time
    recorder.stop()               # or halt() off the session's thread, then finish() on it

One thread a source; `post` brings what changed to the thread the session lives on. A source that dies ends nothing but
itself; one that comes back goes on as a new segment.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tandem_em.core.notices import Notices
from tandem_em.desk.live.files import LiveFiles
from tandem_em.desk.live.follow import Lag
from tandem_em.desk.live.pre_trigger import PreTriggerBuffer, read_or_rest
from tandem_em.desk.live.recorder_stream import Post, RecordedStream, RecordingTarget
from tandem_em.model.marks import Event
from tandem_em.model.provenance import now_iso
from tandem_em.model.session import Session
from tandem_em.sources.core.base import Source, host_now

if TYPE_CHECKING:
    from tandem_em.storage.session_store import SessionStore

log = logging.getLogger(__name__)
AUTHOR = "recorder"
"""Of the events that no source has sent."""
CLOCK_S = 1.0
DISK_S = 1.0
"""Between two looks at the free room: in that time no disk fills that had a minute left."""


@dataclass
class Counters:
    """Honest numbers of one source."""

    received: int = 0
    written: int = 0
    acknowledged: int = 0
    """Safe on disk, whatever happens now."""
    dropped: int = 0
    """All that was lost: here because the disk or the computer was too slow, and before it got here."""
    missed: int = 0
    """… of them lost before they arrived: holes in the numbers of the instrument."""
    refused: int = 0
    """Messages that could not be understood."""
    rate_hz: float = 0.0
    state: str = "connecting"
    message: str = ""


class Recorder:
    """Records sources into one session until `stop`."""

    def __init__(
        self,
        session: Session,
        store: SessionStore,
        sources: list[Source],
        notices: Notices,
        post: Post,
        *,
        follow: bool = True,
    ) -> None:
        """`follow`: outlines drawn on a stack that is being recorded, and its drift, are followed meanwhile."""
        self._session = session
        self._store = store
        self._notices = notices
        self._post = post
        self._files = LiveFiles(session, notices, post)
        self._target = RecordingTarget(session, store, post, self._files, follow, host_now(), notices)
        self._streams = {source.name: RecordedStream(source, self._target) for source in sources}
        self._threads: list[threading.Thread] = []
        self._recording, self._stopping = threading.Event(), threading.Event()
        self._keep_s = 0.0
        self._free_bytes, self._next_disk_look = 0, 0.0
        self._disk_verdict = "fine"
        self._trouble = ""
        self.stopped_by = ""
        """Why it has to stop by itself; empty while nothing forces it to."""
        self.state = "idle"

    # --- from outside --------------------------------------------------------------------------------------------

    def arm(self, keep_s: float) -> None:
        """Open the sources and keep what they send for so many seconds; nothing is written before `start`."""
        self._keep_s = keep_s
        self._open_sources()
        self.state = "armed"

    def start(self) -> None:
        """Record; times are counted from this moment (what was kept is before it) unless the session has begun earlier."""
        self._target.zero = host_now()
        if not self._session.info.start_iso:
            self._session.change(self._session.info, start_iso=now_iso())
        else:
            # A session that began earlier keeps its time zero; its new data come later on the axis.
            self._target.zero -= self._since_start()
        # After the zero is known: threads that wait here begin to time by it.
        self._recording.set()
        self.state = "recording"
        if not self._threads:
            self._open_sources()

    def _open_sources(self) -> None:
        for stream in self._streams.values():
            thread = threading.Thread(
                target=self._pump, args=(stream,), name=f"record {stream.source.name}", daemon=True
            )
            stream.source.start()
            thread.start()
            self._threads.append(thread)

    def _since_start(self) -> float:
        begun = datetime.fromisoformat(self._session.info.start_iso)
        return (datetime.now(begun.tzinfo) - begun).total_seconds()

    @property
    def sources(self) -> list[Source]:
        """The sources being recorded, in the order of the set-up."""
        return [stream.source for stream in self._streams.values()]

    @property
    def elapsed_s(self) -> float:
        """Session seconds of now."""
        return host_now() - self._target.zero

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
                missed=status.missed,
                refused=status.refused,
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
        from tandem_em.storage.gate import disk_space

        rate = sum(stream.bytes_per_second for stream in self._streams.values())
        now = time.monotonic()
        if now >= self._next_disk_look:  # a busy disk lets whoever asks wait: not several times a second
            self._next_disk_look = now + DISK_S
            self._free_bytes = disk_space.free_bytes(self._store.path)
        state = disk_space.outlook(self._free_bytes, rate)
        words = disk_space.sentence(state, self._store.path.name)
        # Said when it changes, not at every look.
        if words is not None and state.verdict != self._disk_verdict:
            self._notices.post("error" if state.verdict == "stop" else "warning", *words)
        self._disk_verdict = state.verdict
        self._tell_trouble()
        if state.verdict == "stop" and words is not None:
            self._stop_by_itself(" ".join(words))
        return None if rate <= 0 else state.seconds_left / 60

    def _stop_by_itself(self, why: str) -> None:
        """Once; the reason goes into the file too."""
        if not self.stopped_by:
            self.stopped_by = why
            event = Event(name=why, t=self.elapsed_s, category="warning", author=AUTHOR)
            self._session.events.add(event)
        self._stopping.set()

    def _tell_trouble(self) -> None:
        """The disk takes nothing at present: said once, and once that it goes on."""
        trouble = self._store.recording_trouble
        text = "" if trouble is None else str(trouble)
        if bool(text) != bool(self._trouble):
            if text:
                self._notices.error(
                    f"Nothing can be written at present: {text}",
                    "New data are kept in memory. Free some disk space.",
                )
            else:
                self._notices.info("Data are written to the disk again.", "")
        self._trouble = text

    @property
    def has_to_stop(self) -> bool:
        """Whether the recording is ending, because it was told to or the disk is nearly full."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """All of stopping at once, where nothing else has to go on meanwhile (the command line)."""
        self.halt()
        self.finish()

    def halt(self, timeout_s: float = 10.0) -> None:
        """Stop the sources, write what is queued, end the streams. Takes its time: not on the GUI thread."""
        self._stopping.set()
        streams = list(self._streams.values())
        if streams:
            with ThreadPoolExecutor(len(streams)) as pool:  # a source-meter takes its second to be made safe
                list(pool.map(RecordedStream.stop, streams))
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            # One deadline for all threads, and a moment for each even when it has passed.
            thread.join(max(0.1, deadline - time.monotonic()))
        for stream in streams:
            # After its thread has ended, which was reading from it.
            stream.source.close()
            stream.end()
        # After the streams, which may still report files.
        self._files.stop()
        self.state = "stopped"

    def finish(self) -> None:
        """What is left to do on the session's thread after `halt`; save the session afterwards."""
        for stream in self._streams.values():
            # What the threads handed over last was posted, but has not been taken yet.
            stream.catch_up()
            stream.set_clock()
            if stream.follow is not None:
                stream.follow.finish()
            if stream.dose is not None:
                stream.dose.finish()
        self._session.change(self._session.info, end_iso=now_iso())

    # --- the pump ------------------------------------------------------------------------------------------------

    def _pump(self, stream: RecordedStream) -> None:
        try:
            kept = PreTriggerBuffer(stream.source, self._keep_s)
            for block in kept.wait_for_start(self._recording, self._stopping):
                stream.take(block)
            self._record(stream)
        # A source that breaks ends its own recording and no other.
        except Exception as error:
            log.exception("the source %s stopped", stream.source.name)
            self._notices.error(
                f"{stream.source.name} is no longer recorded: {error}",
                "The other sources are still recorded.",
            )

    def _record(self, stream: RecordedStream) -> None:
        next_clock = host_now() + CLOCK_S
        while True:
            was_ended = (
                stream.is_ended.is_set()
            )  # asked before reading: what comes with the end is still taken
            block = read_or_rest(stream.source, stream.wait_s, stream.is_ended)
            if block is not None:
                stream.take(block)
            elif was_ended:
                return
            stream.show()
            if host_now() >= next_clock:
                next_clock = host_now() + CLOCK_S
                stream.update_clock()
                stream.update_dose()
