"""tandem track: follow outlines through a movie."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, print_json, read_json, work, write_json
from tandem_em.desk import streams
from tandem_em.desk.outlines import tracking
from tandem_em.importers.core.base import ImportOptions

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "follow outlines through a movie: area against time"
EXAMPLE = """OUTLINE.json, in pixels of that frame, (0, 0) being the centre of the first one:

{"particles": [{"name": "P1", "frame": 0, "polygon": [[101.5, 88.0], [131.0, 90.2], [115.0, 120.4]]},
               {"name": "P2", "frame": 12, "click": [240, 310]}]}

Frames count from 0. Optional beside "particles": "pixel_size_nm", and "times_s" with one time per frame."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem track`, and the example of an OUTLINE.json below them."""
    parser.epilog, parser.formatter_class = EXAMPLE, argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="SESSION|MOVIE")
    parser.add_argument(
        "--outline",
        type=Path,
        required=True,
        metavar="OUTLINE.json",
        help="a polygon or a click per particle",
    )
    parser.add_argument("--stack", metavar="NAME", help="image stack of the session")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="TRACKS.json",
        help="file for the tracks (default: standard output)",
    )
    parser.add_argument("--save", action="store_true", help="also save the particles in the session")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="work on a Dask cluster, tcp://host:port")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Follow the outlines of a file; 1 when one of them could not be followed, the others are kept."""
    request = tracking.read_request(read_json(existing(options.outline)), options.outline.name)
    # A movie that does not say so is taken for one: nothing else can be followed.
    read = ImportOptions(axis0_is_time=True)
    opening = streams.open_source(existing(options.file), write=options.save, options=read)
    with streams.closing(work("Opening", opening)) as source:
        stack = streams.choose(source.session.stacks, options.stack, options.file)
        following = partial(work, "Following")
        tracked = tracking.track(source.session, stack, request, following, options.scheduler or "")
        report = tracking.report(stack, tracked)
        if options.save and tracked.found and source.opened is not None:
            work("Saving", source.opened.store.save(source.session))
    if options.out is not None:
        write_json(options.out, report)
        for particle in tracked.particles:
            print(f"{particle.name}: {len(particle.outlines)} of {len(stack)} frames")
            for sentence in tracked.lost.get(particle.name, []):
                print(f"  {sentence}")
    else:
        print_json(report, indent=None)
    if (trouble := tracked.trouble) is None:
        return 0
    others = " The others were followed and their tracks are kept." if len(tracked.particles) > 1 else ""
    sys.stderr.write(f"{trouble.title} {trouble.advice}{others}\n")
    return 1
