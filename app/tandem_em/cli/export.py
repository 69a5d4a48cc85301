"""tandem export: tables, figures, movie and report of a session."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, work
from tandem_em.desk import export, streams

if TYPE_CHECKING:
    from tandem_em.cli.commands import WindowDoor

HELP = "tables, figures, movie and report of a session (movies are not built yet); all when none is named"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", type=Path, metavar="SESSION")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tables", action="store_true", help="CSV with units, and provenance.json")
    parser.add_argument("--figures", action="store_true", help="PDF, SVG and PNG at column width")
    parser.add_argument("--movie", action="store_true", help="not built yet")
    parser.add_argument("--report", action="store_true", help="one HTML page that needs no network")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    names = ("tables", "figures", "movie", "report")
    chosen = {name: getattr(options, name) for name in names}
    wanted = export.Wanted(**chosen) if any(chosen.values()) else export.Wanted(movie=False)
    with streams.closing(work("Opening", streams.open_source(existing(options.session)))) as source:
        for path in work("Exporting", export.export(source.session, options.out, wanted)):
            print(path)
    return 0
