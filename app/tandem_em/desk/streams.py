"""One stream out of a session or of any file: what `track`, `maps` and `cycles` work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk import files
from tandem_em.importers.core.base import ImportOptions
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Items
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

StreamT = TypeVar("StreamT", BiasRun, FrameStack, SpectrumImage)
WORDS = {"run": "biasing run", "stack": "image stack", "map": "spectrum image"}


@dataclass
class Source:
    """A session, from a session file (then with its store) or from an imported file."""

    path: Path
    session: Session
    opened: files.Opened | None

    def close(self) -> None:
        if self.opened is not None:
            self.opened.store.close()


def open_source(path: Path, *, write: bool = False, options: ImportOptions | None = None) -> Job[Source]:
    """Open a session, or import a file into a passing one."""
    if files.is_session_file(path):
        opened = yield from files.open_session(path, readonly=not write)
        if write and opened.store.is_readonly:
            holder = files.holder_text(opened.store)
            opened.store.close()
            raise UserError(
                f"{path.name} cannot be written. {holder}", "Close it there first, or leave out --save."
            )
        return Source(path, opened.session, opened)
    if write:
        raise UserError(
            f"{path.name} is not a session.",
            "Only sessions can keep results: import it first, or leave out --save.",
        )
    imported = yield from files.import_files(Session(path.stem), [path], options)
    session = Session(path.stem)
    session.history.do(files.adding(session, imported))
    return Source(path, session, None)


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
def closing(source: Source) -> Iterator[Source]:
    try:
        yield source
    finally:
        source.close()
