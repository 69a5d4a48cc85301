"""tandem replay: play a session as live sources, into the window or over the wire."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, work
from tandem_em.desk import files, replay

if TYPE_CHECKING:
    from tandem_em.cli.commands import WindowDoor

HELP = "replay a session as live sources, into the window or over the wire"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", type=Path)
    parser.add_argument("--speed", type=replay.speed, default=1.0, help="0.1 to 100 times the recorded speed")
    parser.add_argument(
        "--to",
        metavar="ADDRESS",
        help="send it over ZeroMQ to host:port instead of opening the window; a second run or stack goes to port + 1",
    )


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    path = existing(options.session)
    if not options.to:
        return window.open([path], play_at=options.speed)
    opened = work("Opening", files.open_session(path, readonly=True))
    try:
        sent = replay.send(opened.session, options.to, options.speed, _say)
    finally:
        opened.store.close()
    print_json({"session": path, "to": options.to, "speed": options.speed, **sent}, indent=None)
    return 0


def _say(done: float, total: float) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2Kreplay {done:.1f} of {total:.1f} s, {time.strftime('%H:%M:%S')}")
        sys.stderr.flush()
