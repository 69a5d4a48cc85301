"""tandem export: tables, figures, movie and report of a session."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.screenshot import size
from tandem_em.cli.terminal import existing, quantity_in, work
from tandem_em.core.notices import UserError
from tandem_em.desk import streams
from tandem_em.desk.export import folder

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "tables, figures, movie and report of a session; all four when none is named"
KINDS = ("tables", "figures", "movie", "report")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem export`."""
    parser.add_argument("session", type=Path, metavar="SESSION")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--tables", action="store_true", help="CSV with units, and provenance.json")
    parser.add_argument("--figures", action="store_true", help="PDF, SVG and PNG at column width")
    parser.add_argument("--movie", action="store_true", help="MP4: stack, maps and lanes, synchronised")
    parser.add_argument("--report", action="store_true", help="one HTML page that needs no network")
    film = parser.add_argument_group("the movie")
    film.add_argument(
        "--size", type=size, default=(1280, 720), metavar="1280x720", help="size of the movie in pixels"
    )
    film.add_argument(
        "--speed",
        type=positive,
        metavar="X",
        help="session seconds per second (default: about 20 s of movie)",
    )
    film.add_argument(
        "--rate", type=int, default=30, choices=range(1, 121), metavar="FPS", help="frames per second (30)"
    )
    film.add_argument(
        "--from", type=quantity_in("s"), dest="start", metavar="S", help="start, in seconds of the session"
    )
    film.add_argument(
        "--to", type=quantity_in("s"), dest="end", metavar="S", help="end, in seconds of the session"
    )
    film.add_argument(
        "--panes", type=panes, default=folder.PANES, metavar="stack,eels,biasing", help="panes to show"
    )
    film.add_argument(
        "--every-frame", action="store_true", help="one frame of the movie for each frame of the stack"
    )
    film.add_argument("--full-size", action="store_true", help="only the stack, at full resolution")
    film.add_argument("--no-outlines", action="store_true", help="without the particles")
    film.add_argument(
        "--no-stamp", action="store_true", help="without time, scale bar and names in the images"
    )
    film.add_argument("--light", action="store_true", help="white background")


def positive(text: str) -> float:
    """A number above zero, as an option of the command line."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above zero")
    return value


def panes(text: str) -> tuple[str, ...]:
    """Names of panes from a list with commas, in that order."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in folder.PANES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text} is not a list of panes like stack,eels,biasing")
    return names


def film_of(options: argparse.Namespace) -> folder.MovieSettings:
    """How the movie is made; UserError when its span is not two times, the earlier first."""
    span = None
    if options.start is not None or options.end is not None:
        if options.start is None or options.end is None or not options.start < options.end:
            raise UserError(
                "--from and --to must be given together, the earlier time first.",
                "For example: --from 0 --to 120",
            )
        span = (options.start, options.end)
    return folder.MovieSettings(
        None if options.full_size else options.size, options.rate, options.speed, span,
        ("stack",) if options.full_size else options.panes, options.every_frame,
        not options.no_outlines, not options.no_stamp, options.light,
    )  # fmt: skip


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Write what was asked for into a folder and print each path."""
    chosen = {name: getattr(options, name) for name in KINDS}
    # None named: the defaults of `Wanted` make all four.
    wanted = folder.Wanted(**(chosen if any(chosen.values()) else {}), film=film_of(options))
    with streams.closing(work("Opening", streams.open_source(existing(options.session)))) as source:
        for path in work("Exporting", folder.export(source.session, options.out, wanted)):
            print(path)
    return 0
