"""tandem check: diagnostics of a session; --repair recovers what can be read into a new file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, work
from tandem_em.core.texts import counted
from tandem_em.desk.diagnostics import diagnose

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "diagnostics of a session; --repair recovers what can be read into a new file"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem check`."""
    parser.add_argument("file", type=Path, help="a session or any file TandEM reads")
    parser.add_argument(
        "--repair", action="store_true", help="write what can be recovered to NAME-repaired.nxs"
    )
    parser.add_argument("-o", "--out", type=Path, metavar="SESSION", help="path of the repaired copy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Print what is wrong with a file; 1 when it is serious and no repaired copy was written."""
    path = existing(options.file)
    findings = work("Checking", diagnose.examine(path))
    repaired: Path | None = None
    if options.repair:
        repaired = options.out or path.with_name(f"{path.stem}-repaired.nxs")
        findings += work("Repairing", diagnose.repair(path, repaired))
    if options.json:
        print_json(
            {
                "file": path,
                "ok": not diagnose.serious(findings),
                "findings": [f.as_dict() for f in findings],
                "repaired": repaired,
            }
        )
    else:
        for finding in findings:
            print(f"{finding.severity}: {finding.what} {finding.advice}".strip())
        print(f"{path.name}: " + (counted(len(findings), "finding") if findings else "no problems found"))
        if repaired is not None:
            print(f"repaired copy: {repaired}")
    return 1 if diagnose.serious(findings) and repaired is None else 0
