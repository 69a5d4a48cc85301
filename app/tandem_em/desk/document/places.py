"""Where session files lie: unnamed ones, copies of the demo, recovery files beside their session."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tandem_em.desk.settings import config_folder, opened_demos

SUFFIX = ".nxs"
RECOVERY = ".recovery"
SCRATCH = ".scratch"
MOST = 20
"""Recovery files of one session that are looked for."""


def recovery_folder() -> Path:
    """Folder of unnamed sessions and of recovery files that cannot lie beside their session."""
    return config_folder() / "recovery"


def untitled_path() -> Path:
    """Where a session lives until it gets a name: a crash leaves it there to be recovered."""
    folder = recovery_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y-%m-%d %H-%M-%S")
    number, path = 1, folder / f"unsaved {stamp}{SUFFIX}"
    # Two sessions may begin within one second.
    while path.exists():
        number += 1
        path = folder / f"unsaved {stamp} {number}{SUFFIX}"
    return path


def in_recovery(path: Path) -> bool:
    """Whether this file is an unnamed session's."""
    return path.parent == recovery_folder() and path.suffix == SUFFIX


def recoverable() -> list[Path]:
    """Unsaved sessions of earlier runs that nobody is writing to now, newest first."""
    folder = recovery_folder()
    if not folder.is_dir():
        return []
    from tandem_em.storage.transaction.opening import is_held

    # An empty file holds nothing that could be recovered.
    files = [path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_size and not is_held(path)]
    return sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)


def is_demo(path: Path) -> bool:
    """Whether a file is a copy of the demo to play with: saving it needs another name."""
    return path.parent == opened_demos()


def is_recovery_file(path: Path) -> bool:
    """By name: `a.nxs.recovery`, `a.nxs.recovery2`."""
    number = path.suffix.removeprefix(RECOVERY)
    return path.suffix.startswith(RECOVERY) and (not number or number.isdigit())


def recovery_places(session_path: Path) -> Iterator[Path]:
    """Where the recovery files of a session may lie: beside it first."""
    whole = session_path.resolve()
    # Sessions of one name in different folders must not share a recovery file.
    digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:8]
    for stem in (whole.with_name(whole.name), recovery_folder() / f"{whole.name} {digest}"):
        for number in range(1, MOST + 1):
            yield stem.with_name(f"{stem.name}{RECOVERY}{number if number > 1 else ''}")


@dataclass(frozen=True)
class Lost:
    """A recovery file that nobody is writing: edits that were never saved. `is_older`: the session was saved since."""

    path: Path
    session_path: Path
    when: str
    is_older: bool

    @property
    def sentence(self) -> str:
        """What was lost and when, for a person; also whether the session was saved since."""
        when = datetime.fromisoformat(self.when)
        if self.path == self.session_path:
            return f"A session of {when:%Y-%m-%d %H:%M} was never saved: {self.path.stem}."
        since = " The session has been saved since; where both were changed, these changes are used."
        said = f"Changes of {when:%Y-%m-%d %H:%M} were not saved in {self.session_path.name}."
        return said + (since if self.is_older else "")


def delete(path: Path) -> bool:
    """Whether it is gone."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
        return True
    return False
