"""Data that stay outside the session: what is noted about their file, so that it is found and known again."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.storage.arrays import LinkOpener
from tandem_em.storage.read.session import open_linked

BLOCK = 8 << 20


def file_hash(path: Path, session_path: Path) -> Job[SourceFile]:
    """Size, SHA-256, date and path (relative to the session's folder where that is possible) of a file or folder."""
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if not files:
        raise UserError(f"{path} does not exist or is empty.", "Choose the file that holds the data.")
    digest, done, total = hashlib.sha256(), 0, sum(each.stat().st_size for each in files)
    for each in files:
        if path.is_dir():
            digest.update(each.relative_to(path).as_posix().encode())
        try:
            with each.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    done += len(block)
                    yield Progress(done, total, f"Checking {path.name}")
        except OSError as error:
            raise UserError(
                f"{each.name} cannot be read: {error.strerror}.", "Check the drive it is on."
            ) from error
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return SourceFile(
        name=path.name, path=relative_path(path, session_path), size=total, sha256=digest.hexdigest(),
        modified_iso=changed, linked=True,
    )  # fmt: skip


def relink(
    session: Session, source_id: str, path: Path, session_path: Path, open_link: LinkOpener | None
) -> Job[list[str]]:
    """Point a linked source at the file that holds its data now. Returns the ids of the streams that got them back."""
    origin = session.sources[source_id]
    found = yield from file_hash(path, session_path)
    if origin.sha256 and found.sha256 != origin.sha256:
        raise UserError(
            f"{path.name} is not the file that was linked: its content differs.",
            "Choose the original, or import this one as new data.",
        )
    origin.path, origin.size, origin.modified_iso = found.path, found.size, found.modified_iso
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
