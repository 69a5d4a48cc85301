"""A recorder at work on given sources, and the memory of this process: what the recording benchmarks share."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk.document import files
from tandem_em.desk.live.recorder import Recorder
from tandem_em.model.session import Session
from tandem_em.sources.core.base import Source


@contextmanager
def recording(
    path: Path, sources: list[Source]
) -> Iterator[tuple[Recorder, Session, Callable[[float], None]]]:
    """A recorder at work, its session, and what to call so that the session follows."""
    session = Session(path.stem)
    opened = run_to_end(files.create_session(path, session, for_recording=True))
    posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def work_off(wait_s: float) -> None:
        try:
            posted.get(timeout=wait_s)()
            # Everything that waits, not one a turn: else a slow turn would let the queue grow.
            while True:
                posted.get_nowait()()
        except queue.Empty:
            return

    recorder = Recorder(session, opened.store, sources, Notices(), posted.put, follow=False)
    recorder.start()
    try:
        yield recorder, session, work_off
    finally:
        # Before the store closes: the last changes still belong to the session.
        recorder.stop()
        work_off(0.0)
        opened.store.close()


def memory_MiB() -> float:
    """Memory that only this process has. Mapped files are not counted: the system takes them back when it likes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    words = status.partition("RssAnon:")[2].split()
    return int(words[0]) / 1024 if words else float("nan")
