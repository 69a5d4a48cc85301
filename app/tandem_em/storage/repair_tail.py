"""A file that was cut short, made long enough to be opened: what is missing at its end reads as zeros."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tandem_em.notices import UserError
from tandem_em.storage import superblock
from tandem_em.storage.journal import PAGE

SIGNATURE = superblock.SIGNATURE
LARGEST_GAP = 1 << 40


def whole_file(path: Path, out: Path) -> tuple[Path, list[str]]:
    """`path` itself when it has its whole length, else a lengthened copy beside `out`; and what was done (sentences)."""
    if not path.is_file():
        raise UserError(f"{path} does not exist.", "Check the path.")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(PAGE)
    if size == 0:
        raise UserError(
            f"{path.name} is empty (0 bytes): there is nothing to recover.", "Look for a backup of it."
        )
    if head[:8] != SIGNATURE:
        raise UserError(
            f"{path.name} is not an HDF5 file: there is nothing to recover.",
            "Look for a backup, or import it as data.",
        )
    block = superblock.parse(head)
    if block is None:
        raise UserError(
            f"The first bytes of {path.name} are damaged beyond repair.", "Look for a backup of it."
        )
    if size >= block.end:
        return path, []
    if block.end - size > LARGEST_GAP:
        raise UserError(f"{path.name} claims an impossible size.", "Look for a backup of it.")
    copy = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    shutil.copyfile(path, copy)
    with copy.open("r+b") as file:
        file.truncate(block.end)
    return copy, [
        f"{path.name} was cut short: {block.end - size} of {block.end} bytes are missing at its end."
    ]
