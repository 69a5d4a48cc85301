"""Damaged files made fit to be opened: lengthened where they were cut short, copied object by object where HDF5 stumbles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import superblock
from tandem_em.storage.transaction.journal import PAGE

SIGNATURE = superblock.SIGNATURE
# a terabyte missing at the end is a damaged superblock, not a cut file
LARGEST_GAP = 1 << 40
# each one leaves alone what the one before died on
ATTEMPTS = 5


def whole_file(path: Path, out: Path) -> tuple[Path, list[str]]:
    """`path` itself when it has its whole length, else a lengthened copy beside `out`; and what was done (sentences)."""
    if not path.is_file():
        raise UserError(f"{path} does not exist.", "Check the path.")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(PAGE)
    if size == 0:
        raise UserError(f"{path.name} is empty (0 bytes): there is nothing to recover.", "Use a backup copy.")
    if head[:8] != SIGNATURE:
        raise UserError(
            f"{path.name} is not an HDF5 file: there is nothing to recover.",
            "Look for a backup, or import it as data.",
        )
    block = superblock.parse(head)
    if block is None:
        raise UserError(f"The first bytes of {path.name} are damaged beyond repair.", "Use a backup copy.")
    if size >= block.end:
        return path, []
    if block.end - size > LARGEST_GAP:
        raise UserError(f"{path.name} claims an impossible size.", "Use a backup copy.")
    copy = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    shutil.copyfile(path, copy)
    with copy.open("r+b") as file:
        file.truncate(block.end)
    return copy, [
        f"{path.name} was cut short: {block.end - size} of {block.end} bytes are missing at its end."
    ]


def salvaged(path: Path, out: Path) -> Job[tuple[Path, list[str]]]:
    """A clean copy, beside `out`, of every object that can be read; and what was lost (sentences). Runs in a process of
    its own: where HDF5 crashes or hangs, the next attempt leaves that object alone. Stopped half-way, nothing is left."""
    copy = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.salvage")
    skipped: list[str] = []
    is_complete = False
    try:
        for _ in range(ATTEMPTS):
            copy.unlink(missing_ok=True)
            said = yield from _attempt(path, copy, skipped)
            if said.get("done"):
                is_complete = True
                return copy, _losses(said)
            # the last thing it spoke of is what it died on
            skipped.append(str(said.get("at", "")))
        raise UserError(f"Nothing can be read from {path.name}: HDF5 cannot open it.", "Use a backup copy.")
    finally:
        if not is_complete:
            copy.unlink(missing_ok=True)


def _attempt(path: Path, copy: Path, skipped: list[str]) -> Job[dict[str, object]]:
    """Run the child once; returns the last thing it said."""
    said: dict[str, object] = {}
    with subprocess.Popen(
        [*_command(), str(path), str(copy), *skipped],
        # no filter plug-ins: foreign code would run on a damaged file
        env={**os.environ, "HDF5_PLUGIN_PRELOAD": "::"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as child:
        try:
            assert child.stdout is not None
            for line in child.stdout:
                said = json.loads(line)
                done = float(str(said.get("bytes", 0)))
                yield Progress(done, path.stat().st_size, f"Recovering {path.name}")
        finally:
            # stopped half-way; a child that is done ends by itself
            if child.poll() is None and not said.get("done"):
                child.kill()
    return said


def _losses(said: dict[str, object]) -> list[str]:
    lost = said.get("lost")
    names = [str(name) for name in lost] if isinstance(lost, list) else []
    more = [f"Lost: {len(names) - 20} more."] if len(names) > 20 else []
    return [f"Lost: {name}." for name in names[:20]] + more


def _command() -> list[str]:
    if getattr(
        sys, "frozen", False
    ):  # the packaged program has no interpreter: its front door knows this word
        return [sys.executable, "--salvage-file"]
    return [sys.executable, "-m", "tandem_em.storage.check.repair_child"]
