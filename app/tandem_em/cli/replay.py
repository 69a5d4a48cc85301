"""tandem replay: play a session as live sources, into the window or over the wire."""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, work
from tandem_em.core.notices import UserError
from tandem_em.desk.document.document import open_document
from tandem_em.desk.live import replay

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor
    from tandem_em.sources.replay.clock import ReplayClock

HELP = "replay a session as live sources, in the window or over the network"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem replay`."""
    parser.add_argument("session", type=Path)
    parser.add_argument("--speed", type=replay.speed, default=1.0, help="0.1 to 100 times the recorded speed")
    parser.add_argument(
        "--to",
        metavar="ADDRESS",
        help="send it over ZeroMQ to host:port instead of opening the window; a second run or stack goes to port + 1. "
        "Commands on standard input: pause, go, seek SECONDS, speed X",
    )


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Open the window and play, or send over ZeroMQ and obey the orders on standard input."""
    path = existing(options.session)
    if not options.to:
        return window.open([path], play_at=options.speed)
    document = work("Opening", open_document(path, readonly=True))
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # Daemon: it may sit in a read that never returns.
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    try:
        sent = replay.send(
            document.session, options.to, options.speed, _say, lambda clock: _obey(clock, lines)
        )
    finally:
        document.close()
    print_json({"session": path, "to": options.to, "speed": options.speed, **sent}, indent=None)
    return 0


def _listen(lines: queue.SimpleQueue[str]) -> None:
    """Orders as they are typed. A command in the background must not read what is typed for another."""
    if sys.stdin is None or (sys.stdin.isatty() and os.name == "posix" and os.tcgetpgrp(0) != os.getpgrp()):
        return
    for line in sys.stdin:
        if line.strip():
            lines.put(line)


def _obey(clock: ReplayClock, lines: queue.SimpleQueue[str]) -> None:
    while not lines.empty():
        try:
            replay.obey(clock, lines.get())
        except UserError as error:
            sys.stderr.write(f"{error}\n")


def _say(done: float, total: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2Kreplay {done:.1f} of {total:.1f} s, {time.strftime('%H:%M:%S')}")
        sys.stderr.flush()
