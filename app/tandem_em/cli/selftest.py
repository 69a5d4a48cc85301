"""tandem selftest: whether this installation works, part by part, and what to do where it does not."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em import __version__
from tandem_em.cli.terminal import print_json
from tandem_em.core.notices import UserError
from tandem_em.desk.selftest import everything
from tandem_em.desk.selftest.check import Outcome, outcomes

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "check this installation: every reader and writer, recovery, the guardian, the window"


def arguments(parser: argparse.ArgumentParser) -> None:
    """`--json`, `--shot`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--shot", type=Path, metavar="PNG", help="keep the picture of the window there")
    parser.add_argument("--only", metavar="WORD", help="only the checks whose name contains WORD")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Exit status 0 when every check passed, 1 otherwise."""
    wanted = (options.only or "").lower()
    checks = [check for check in everything.checks(options.shot) if wanted in check.name.lower()]
    if not checks:
        raise UserError(
            f"No check has “{options.only}” in its name.", "Leave --only away to run all of them."
        )
    if not options.json:
        print(
            f"TandEM {__version__}, Python {platform.python_version()}, {platform.platform()}, {_cores()} cores"
        )
    done: list[Outcome] = []
    for outcome in outcomes(checks):
        done.append(outcome)
        if not options.json:
            print(outcome.line, flush=True)
    failed = [each for each in done if not each.ok]
    if options.json:
        print_json(_report(done))
    else:
        print(f"{len(done)} checks, {f'{len(failed)} FAILED' if failed else 'all passed'}")
    return 1 if failed else 0


def _report(done: list[Outcome]) -> dict[str, object]:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "program": sys.executable,
        "ok": all(each.ok for each in done),
        "checks": [each.as_dict() for each in done],
    }


def _cores() -> int:
    return os.cpu_count() or 1
