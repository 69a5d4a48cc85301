"""tandem check: the session doctor; --repair recovers and mends into a new file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, work
from tandem_em.desk.diagnostics import diagnose

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "the session doctor; --repair recovers and mends into a new file"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--repair", action="store_true", help="write what can be saved into NAME-repaired.nxs"
    )
    parser.add_argument("-o", "--out", type=Path, metavar="SESSION", help="where the repaired copy goes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
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
        print(
            f"{path.name}: "
            + (
                "nothing to complain about"
                if not findings
                else "one finding"
                if len(findings) == 1
                else f"{len(findings)} findings"
            )
        )
        if repaired is not None:
            print(f"repaired copy: {repaired}")
    return 1 if diagnose.serious(findings) and repaired is None else 0
