"""One stream out of a session or of any file: what `track`, `maps` and `cycles` work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk import importing
from tandem_em.desk.document import files
from tandem_em.desk.document.document import Document, open_document
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Items
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

StreamT = TypeVar("StreamT", BiasRun, FrameStack, SpectrumImage)
WORDS = {"run": "biasing run", "stack": "image stack", "map": "spectrum image"}


Source = Document
"""What commands work on: a session file, or an imported file in a passing session."""


def open_source(path: Path, *, write: bool = False, options: ImportOptions | None = None) -> Job[Document]:
    """Open a session, or import a file into a passing one."""
    if files.is_session_file(path):
        document = yield from open_document(path, readonly=not write)
        # Before any work: results that cannot be kept would be lost at the end.
        if write and document.is_readonly:
            holder = document.holder
            document.close()
            raise UserError(
                f"{path.name} cannot be written. {holder}", "Close it there first, or leave out --save."
            )
        return document
    if write:
        raise UserError(
            f"{path.name} is not a session.",
            "Only sessions can keep results: import it first, or leave out --save.",
        )
    session = Session(path.stem)
    imported = yield from importing.import_files(session, [path], options)
    session.history.do(importing.adding(session, imported))
    return Document(session)


def choose(items: Items[StreamT], name: str | None, path: Path) -> StreamT:
    """The stream of that name, or the only (or first) one."""
    word = WORDS[items.kind.kind]
    if not len(items):
        raise UserError(f"There is no {word} in {path.name}.", "`tandem info` shows what is in it.")
    if name is None:
        first = items.first
        assert first is not None
        return first
    found = items.named(name)
    if found is None:
        raise UserError(
            f"There is no {word} “{name}” in {path.name}.",
            f"Available: {', '.join(item.name for item in items)}.",
        )
    return found


@contextmanager
def closing(source: Document) -> Iterator[Document]:
    """A document that is closed at the end, whatever happens."""
    try:
        yield source
    finally:
        source.close()
