"""Data that stay outside the session: what is noted about their file, so that it is found and known again."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np

from tandem_em.core.file_hash import has_content
from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.model.session import Session
from tandem_em.storage.arrays import LinkOpener
from tandem_em.storage.read.session import open_linked


def relink(
    session: Session, source_id: str, path: Path, session_path: Path, open_link: LinkOpener | None
) -> Job[list[str]]:
    """Point a linked source at the file that holds its data now. Returns the ids of the streams that got them back."""
    origin = session.sources[source_id]
    try:
        stat, is_file = path.stat(), path.is_file()
        is_same = not origin.sha256 or (is_file and (yield from has_content(path, origin.sha256)))
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read: {error.strerror}.", "Choose the file that holds the data."
        ) from error
    if not is_same:
        raise UserError(
            f"{path.name} is not the file that was linked: its content differs.",
            "Choose the original, or import this one as new data.",
        )
    origin.path, origin.size = relative_path(path, session_path), stat.st_size if is_file else 0
    origin.modified_iso = datetime.fromtimestamp(stat.st_mtime).astimezone().isoformat(timespec="seconds")
    origin.problems = []
    mended: list[str] = []
    for item in [*session.stacks, *session.maps]:
        if item.source_id == source_id:
            shape, dtype = tuple(item.source.shape), np.dtype(item.source.dtype)
            source, problem = open_linked(origin, session_path, shape, dtype, open_link)
            if problem:
                raise UserError(problem, "Choose another file.")
            item.source = source
            mended.append(item.id)
    return mended


def relative_path(path: Path, session_path: Path) -> str:
    """With forward slashes; absolute only when it is on another drive."""
    try:
        return Path(os.path.relpath(path.resolve(), session_path.resolve().parent)).as_posix()
    except ValueError:
        return str(path.resolve())
