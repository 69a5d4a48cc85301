"""tandem record: record live sources; stops cleanly on Ctrl+C or SIGTERM."""

from __future__ import annotations

import argparse
import json
import queue
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, positive_in, work
from tandem_em.core.notices import Notice, Notices, UserError
from tandem_em.desk.document import files
from tandem_em.desk.document.document import Document, runs_with
from tandem_em.desk.live import setup as live
from tandem_em.desk.live.recorder import AUTHOR, Recorder

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor
    from tandem_em.model.session import Session

HELP = "record live sources into a session; stops cleanly on Ctrl+C or SIGTERM"
SAY_S = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem record`."""
    parser.add_argument(
        "--setup", type=Path, required=True, metavar="SETUP.toml", help="set-up file: sources and cell"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="SESSION")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=positive_in("s"),
        metavar="SECONDS",
        help="stop automatically after this time",
    )


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Record until told to stop; one JSON line twice a second says what is safe on disk."""
    setup = live.read_setup(existing(options.setup))
    if options.out.exists():
        raise UserError(
            f"{options.out} exists already.", "A recording never overwrites a file: choose another name."
        )
    sources = live.make_sources(setup, "tandem record")
    session = live.session_for(setup, options.out.stem)
    # Made on disk before the sources start, so that the first block has somewhere to go.
    opened = work("Creating", files.create_session(options.out, session, for_recording=True))
    document = Document(session, opened, runs_with(work))
    notices = Notices()
    notices.posted.connect(_say_notice)
    # What the recorder posts from its threads is worked off on this one.
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    recorder = Recorder(session, opened.store, sources, notices, waiting.put, follow=False)
    try:
        recorder.start()
        live.start_program(setup, recorder)
        _watch(session, recorder, waiting, options.seconds)
    except KeyboardInterrupt:
        pass  # the way to stop: everything below still runs
    # In this order: the recorder ends, its last changes are worked off, then the session is saved.
    finally:
        recorder.stop()
        _work_off(waiting)
        _say(recorder)
        document.save()
        document.close()
    return 0


def _watch(
    session: Session,
    recorder: Recorder,
    waiting: queue.SimpleQueue[Callable[[], None]],
    seconds: float | None,
) -> None:
    """Work off what the recorder posts, and say twice a second what is safely on disk."""
    ends = None if seconds is None else time.monotonic() + seconds
    next_word = 0.0
    told: dict[str, str] = {}
    seen: set[str] = set()
    while not recorder.has_to_stop and (ends is None or time.monotonic() < ends):
        now = time.monotonic()
        if now >= next_word:
            next_word = now + SAY_S
            recorder.check_disk()
            _say(recorder)
            told = _say_troubles(recorder, told)
            seen = _say_warnings(session, seen, told)
        try:
            # At most a tenth of a second, so that the end is noticed in time.
            waiting.get(timeout=max(0.0, min(0.1, next_word - now)))()
        except queue.Empty:
            continue


def _work_off(waiting: queue.SimpleQueue[Callable[[], None]]) -> None:
    while not waiting.empty():
        waiting.get()()


def _say(recorder: Recorder) -> None:
    counters = recorder.counters()
    line = {
        "t": round(recorder.elapsed_s, 3),
        "acknowledged": {name: each.acknowledged for name, each in counters.items()},
        "dropped": {name: each.dropped for name, each in counters.items()},
        "received": {name: each.received for name, each in counters.items()},
        "refused": {name: each.refused for name, each in counters.items()},
        "sources": {name: each.state for name, each in counters.items()},
        "state": recorder.state,
    }
    print(json.dumps(line), flush=True)


def _say_troubles(recorder: Recorder, told: dict[str, str]) -> dict[str, str]:
    """On standard error what is wrong with a source, and that it is over; each once."""
    now = dict(told)
    for name, each in recorder.counters().items():
        if each.state in ("lost", "failed"):
            now[name] = each.message
        elif each.state == "running":
            now[name] = ""
    for name, message in now.items():
        if message != told.get(name, ""):
            sys.stderr.write(f"{message or f'{name} is connected again.'}\n")
            sys.stderr.flush()
    return now


def _say_warnings(session: Session, seen: set[str], told: dict[str, str]) -> set[str]:
    """On standard error what a source warned of (a message it refused, a limit that was reached); each once. What the
    recorder itself has to say comes as a notice."""
    warnings = {
        event.id: event.name
        for event in session.events
        if event.category == "warning" and event.author != AUTHOR
    }
    for event_id, text in warnings.items():
        if event_id not in seen and text not in told.values():
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
    return set(warnings)


def _say_notice(notice: Notice) -> None:
    sys.stderr.write(f"{notice.title} {notice.advice}\n")
