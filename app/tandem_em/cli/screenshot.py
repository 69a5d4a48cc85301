"""tandem screenshot: save a picture of the window as PNG; no display is needed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, quantity_in
from tandem_em.core.notices import UserError

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "save a picture of the window as PNG; no display is needed"


def size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels, each from 200 to 16384."""
    width, _, height = text.lower().partition("x")
    if not (
        width.isdigit() and height.isdigit() and 200 <= int(width) <= 16384 and 200 <= int(height) <= 16384
    ):
        raise argparse.ArgumentTypeError(f"{text} is not a size like 1600x1000 (200 to 16384 pixels)")
    return int(width), int(height)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem screenshot`."""
    parser.add_argument(
        "session", type=Path, nargs="?", help="a session or any file TandEM reads (default: the empty window)"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="PNG")
    parser.add_argument("--size", type=size, default=(1600, 1000), metavar="1600x1000")
    parser.add_argument("--at", type=quantity_in("s"), metavar="SECONDS", help="cursor time")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Save one picture of the window."""
    session = existing(options.session) if options.session is not None else None
    take(session, options.out, window, options.size, options.at, options.theme)
    return 0


def take(
    session: Path | None,
    out: Path,
    window: WindowDoor,
    pixels: tuple[int, int] = (1600, 1000),
    at: float | None = None,
    theme: str = "dark",
) -> None:
    """Have the window draw itself into a PNG; `at` None: the cursor stays where it is."""
    # Refused before the window is built.
    if out.suffix.lower() != ".png":
        raise UserError(f"{out.name} does not end in .png.", "Give the picture a name that ends in .png.")
    window.screenshot(session, out, pixels, at, theme)
