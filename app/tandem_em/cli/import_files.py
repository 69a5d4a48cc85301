"""tandem import: put files into a session."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from tandem_em.cli.terminal import existing, positive_in, print_json, work
from tandem_em.core.notices import UserError
from tandem_em.core.texts import counted
from tandem_em.desk import importing
from tandem_em.desk.document.document import Document, open_document, runs_with
from tandem_em.desk.inventory import describe
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.cli.window_door import WindowDoor

HELP = "import files into a session (embedded; --link leaves large ones outside)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tandem import`."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="SESSION")
    parser.add_argument("--append", action="store_true", help="add to an existing session")
    parser.add_argument("--link", action="store_true", help="do not copy movies and maps, link to them")
    parser.add_argument(
        "--as", dest="text", type=Path, metavar="TEXT.toml", help="settings for reading a text table"
    )
    parser.add_argument(
        "--pixel-nm", type=positive_in("nm"), metavar="LENGTH",
        help="pixel size of images in nm or with its unit (2Å), replaces what the file says",
    )  # fmt: skip
    parser.add_argument(
        "--frame-interval",
        type=positive_in("s"),
        metavar="SECONDS",
        help="time between frames, if the file has none",
    )
    parser.add_argument(
        "--zone", default="", help="time zone of files that do not say (Europe/Berlin, +02:00)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object: streams, problems, questions"
    )


def run(options: argparse.Namespace, window: WindowDoor) -> int:
    """Read files into a new or an existing session; what could not be read is told on standard error."""
    # Before anything is read: a misspelled name at the end costs no long import.
    for path in options.files:
        existing(path)
    if options.out.exists() and not options.append:
        raise UserError(f"{options.out} exists already.", "Add to it with --append, or choose another name.")
    read = ImportOptions(
        # Who gives a frame interval says that the first axis is time.
        axis0_is_time=True if options.frame_interval else None,
        pixel_nm=options.pixel_nm,
        frame_interval_s=options.frame_interval,
        zone=options.zone,
        text=_text_settings(options.text),
    )
    document = _document(options)
    session = document.session
    try:
        imported = work("Importing", importing.import_files(session, options.files, read))
        session.history.do(importing.adding(session, imported))
        # After they belong to the session: what is linked is found relative to its folder.
        if options.link:
            importing.mark_linked(session, imported, options.out.parent)
        if document.is_untitled:
            document.save_as(options.out)
        else:
            document.save()
    finally:
        document.close()
    for problem in imported.problems:
        print(problem, file=sys.stderr)
    streams = importing.stream_items(imported.items)
    if options.json:
        print_json(
            {
                "session": str(options.out),
                "streams": [describe(stream) for stream in streams],
                "problems": imported.problems,
                "questions": [question.text for question in imported.questions],
            }
        )
        return 0
    print(f"{options.out}: {counted(len(streams), 'stream')} from {counted(len(options.files), 'file')}")
    return 0


def _document(options: argparse.Namespace) -> Document:
    """The session that is added to, else an empty one."""
    start = runs_with(work)
    if options.append and options.out.exists():
        return work("Opening", open_document(options.out, start=start))
    return Document(Session(options.out.stem), None, start)


def _text_settings(path: Path | None) -> dict[str, object] | None:
    if path is None:
        return None
    try:
        # utf-8-sig: editors on Windows write a byte order mark.
        return tomllib.loads(existing(path).read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path.name} is not valid TOML: {error}.",
            "Make it with “Copy as TOML” in the text import dialog.",
        ) from error
