"""The guess behind the text import dialog: from a file to TextSettings, and the fingerprint that remembers an answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.formats.text.feed import LineFeed, is_text
from tandem_em.formats.text.guess import NoTableError, guess_text
from tandem_em.formats.text.rows import RowReader
from tandem_em.formats.text.settings import TextSettings

# bytes: more rows than the guess looks at, also in tables with many columns
HEAD = 512 * 1024
SAMPLE_LINES = 400


def guess(head_or_path: bytes | Path, name: str = "The text") -> TextSettings:
    """Settings for a delimited text, from its path or its first bytes. Raises UserError when there is no table."""
    if isinstance(head_or_path, Path):
        name = head_or_path.name
        try:
            with head_or_path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise UserError(
                f"{name} cannot be read: {error.strerror}.", "Check the path and the permissions."
            ) from error
    else:
        head = head_or_path
    if not head:
        raise UserError(f"{name} is empty (0 bytes).", "Copy it again from the instrument.")
    if not is_text(head):
        raise UserError(
            f"{name} is not a text file.", "Open it with the program that wrote it and export it as text."
        )
    feed = LineFeed()
    lines = [*feed.feed(head), *feed.end()]
    if len(head) < HEAD and feed.tail.strip():
        lines.append(feed.tail)
    try:
        rest = lines[SAMPLE_LINES:]
        return guess_text(lines[:SAMPLE_LINES], feed.encoding, rest[:: len(rest) // SAMPLE_LINES + 1])
    except NoTableError as error:
        if error.header_only:
            raise UserError(
                f"{name} has a header but no samples.", "Check that the recording was running."
            ) from error
        raise UserError(
            f"{name} is not a table of samples: {error}.", "Check that it is the right file."
        ) from error


def fingerprint(header: str | TextSettings) -> str:
    """A short name for a kind of table: the same for all files with the same headings, whatever the spaces."""
    if isinstance(header, TextSettings):
        header = header.separator.join(column.name for column in header.columns)
    plain = " ".join(header.replace("\ufeff", "").lower().split())
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()[:16]


def preview(path: Path, settings: TextSettings, rows: int = 50) -> list[list[str]]:
    """The first rows as fields, for the dialog's table; the headings are `settings.columns`."""
    with path.open("rb") as file:
        lines = LineFeed(settings.encoding).feed(file.read(HEAD))
    reader = RowReader(settings)
    return [
        reader.split(line) for line in lines[settings.first_row : settings.first_row + rows] if line.strip()
    ]
