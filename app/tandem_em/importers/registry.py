"""Which importer reads a file: asked by content, loaded only when needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import HEAD_BYTES, Imported, Importer, ImportOptions

MODULES = ("bias_catalogue", "image_catalogue")
"""Modules of this package; each has `IMPORTERS: list[Importer]` and imports only cheap things at its top."""


def importers() -> list[Importer]:
    """All importers, in the order they are asked."""
    return [
        importer
        for module in MODULES
        for importer in import_module(f"tandem_em.importers.{module}").IMPORTERS
    ]


def suffixes() -> list[str]:
    """All suffixes that some importer offers, in order, for the open dialog."""
    return sorted({suffix for importer in importers() for suffix in importer.suffixes})


def read_head(path: Path) -> bytes:
    """The bytes probes get to see; empty for a folder. UserError when it cannot be read."""
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read: {error.strerror}.", "Check the path and the permissions."
        ) from error


def find(path: Path) -> Importer:
    """The importer that is surest about this file; a UserError when nobody knows it."""
    if not path.exists():
        raise UserError(f"{path} does not exist.", "Check the path, or the drive it is on.")
    head = read_head(path)
    if path.is_file() and not head:
        raise UserError(f"{path.name} is empty (0 bytes).", "Copy it again from the instrument.")
    sure, best = max(
        ((importer.probe(path, head), index) for index, importer in enumerate(importers())),
        # where two are equally sure, the one that is asked first
        key=lambda p: (p[0], -p[1]),
    )
    if sure <= 0:
        raise UserError(
            f"{path.name} is in no format TandEM knows.",
            "Export it as text, TIFF, MRC or HyperSpy (.hspy), or open it with the text import dialog.",
        )
    return importers()[best]


def read(path: Path, options: ImportOptions | None = None) -> Job[Imported]:
    """Find the importer and run it."""
    importer = find(path)
    yield Progress(0, 0, f"Reading {path.name}")
    result = yield from importer.read(path, options or ImportOptions())
    if not result.files:
        result.files = [path]
    return result
