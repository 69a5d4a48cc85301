"""tandem info: what is in a session, or in any file TandEM reads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, work
from tandem_em.desk.inventory import describe_file, lines_of

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "show what is in a session or in any file TandEM reads"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem info`."""
    parser.add_argument("file", type=Path, help="a session or any file TandEM reads")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Print what is in a file, as lines or as JSON."""
    found = work("Reading", describe_file(existing(options.file)))
    if options.json:
        print_json(found)
    else:
        print("\n".join(lines_of(found)))
    return 0
