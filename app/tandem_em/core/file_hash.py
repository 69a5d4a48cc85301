"""Whether a file is the one that is meant: the hash of its content, for a big file that of its ends."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tandem_em.core.jobs import Job, Progress, run_to_end

WHOLE_BELOW = 1 << 28
"""Bigger files are known by their size and their ends: reading them whole takes minutes."""
END = 8 << 20
BY_ENDS = "ends:"
"""What such a hash begins with."""


def file_hash(path: Path, whole_below: int = WHOLE_BELOW) -> str:
    """SHA-256 of a file; above 256 MiB of its size, first and last 8 MiB (marked "ends:")."""
    return _of_ends(path) if path.stat().st_size > whole_below else run_to_end(_of_all(path))


def has_content(path: Path, known: str) -> Job[bool]:
    """Whether a file has the content of this hash, whichever of the two kinds it is."""
    if known.startswith(BY_ENDS):
        return _of_ends(path) == known
    return (yield from _of_all(path)) == known


def _of_ends(path: Path) -> str:
    size = path.stat().st_size
    # The size goes in too: two files of equal ends but different length must differ.
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(END))
        # A file shorter than END would be sought to before its beginning.
        file.seek(-min(END, size), os.SEEK_END)
        digest.update(file.read(END))
    return BY_ENDS + digest.hexdigest()


def _of_all(path: Path) -> Job[str]:
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(END):
            digest.update(block)
            done += len(block)
            yield Progress(done, total, f"Checking {path.name}")
    return digest.hexdigest()
