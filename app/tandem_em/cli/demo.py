"""tandem demo: build the demo experiment and open it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import work
from tandem_em.core.notices import UserError
from tandem_em.desk.demo import build
from tandem_em.desk.document.document import open_document

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "build the demo experiment and open it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem demo`."""
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="write it to FILE instead of the cache"
    )
    parser.add_argument("--no-window", action="store_true", help="build it without opening the window")
    parser.add_argument("--frames", type=int, default=build.FRAMES, help="frames of the movie (default 150)")
    parser.add_argument(
        "--size", type=int, default=512, help="width and height of a frame in pixels (default 512)"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--files",
        type=Path,
        metavar="FOLDER",
        help="only write its streams to FOLDER, in the formats of instruments",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it exists")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Build the demo, or take it from the cache, then open it unless told otherwise."""
    if not 4 <= options.frames <= 100_000:
        raise UserError(f"{options.frames} frames do not make a movie.", "Choose between 4 and 100 000.")
    if not 64 <= options.size <= 8192:
        raise UserError(f"A frame of {options.size} pixels cannot be made.", "Choose between 64 and 8192.")
    numbers = (options.frames, options.size, options.seed)
    if options.out is not None:
        if options.out.exists() and not options.force:
            raise UserError(
                f"{options.out} exists already.", "Choose another name, or overwrite it with --force."
            )
        path = work("Building the demo", build.write_demo(options.out, *numbers))
    else:
        path = work("Preparing the demo", build.demo_path(*numbers))
    if options.files is not None:
        document = work("Opening", open_document(path, readonly=True))
        try:
            written = work("Writing files", build.write_files(document.session, options.files))
        finally:
            document.close()
        print("\n".join(str(each) for each in written))
        return 0
    if options.no_window:
        print(path)
        return 0
    return window.open([path])
