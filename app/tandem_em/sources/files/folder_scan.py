"""Which files of a watched folder are complete: unchanged in size over two polls, in the order of their names.

Gatan's in-situ layout (`NAME/Hour_00/Minute_00/Second_07/…`) is only looked at where new files can appear: an hour of
film has 72 000 files.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

GATAN_PART = re.compile(r"^(Hour|Minute|Second)_(\d+)$", re.IGNORECASE)
NEWEST = 3
"""So many of the newest Second folders are looked at."""
# How cameras, browsers and copying programs call a file that they have not finished.
UNFINISHED = (".part", ".tmp", ".partial", ".crdownload", ".lock", "~")


@dataclass
class Candidate:
    """A file that is not read yet. `tries` counts readings that failed at the present size."""

    path: Path
    size: int
    changed_ns: int
    since: float
    polls: int = 0
    tries: int = 0


class FolderScan:
    """Finds the files in a folder, or in Gatan's tree of folders, that are complete and not read yet."""

    def __init__(
        self, folder: Path, pattern: str = "*", layout: str = "auto", from_start: bool = False
    ) -> None:
        self.folder, self.pattern, self.layout = folder, pattern, layout
        self._done: dict[str, set[int]] = {}
        self._waiting: dict[Path, Candidate] = {}
        self._skip_present = not from_start
        self._all_folders = from_start

    def poll(self, now: float) -> list[Candidate]:
        """Files that have not changed since the poll before, oldest name first."""
        folders = self._folders()
        for folder in folders:
            self._look_into(folder, now)
        self._skip_present = False
        self._forget(folders)
        # Twice the same size and time: one poll may fall into a pause of the writer.
        ready = [c for c in self._waiting.values() if c.polls >= 2]
        return sorted(ready, key=lambda c: natural(str(c.path)))

    def take_all(self) -> None:
        """The folder is made after the beginning: whatever is in it is new."""
        self._skip_present = False

    def is_done(self, candidate: Candidate) -> None:
        """This file was read, or given up."""
        self._waiting.pop(candidate.path, None)
        self._done.setdefault(str(candidate.path.parent), set()).add(hash(candidate.path.name))

    @property
    def paths(self) -> list[Path]:
        """The files that are there and not read yet, complete or not."""
        return list(self._waiting)

    @property
    def waiting(self) -> int:
        """How many files are there and not read yet, complete or not."""
        return len(self._waiting)

    def _look_into(self, folder: Path, now: float) -> None:
        done = self._done.setdefault(str(folder), set())
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if hash(entry.name) in done or not self._is_wanted(entry):
                        continue
                    # What lay there before the start is not part of this recording.
                    if self._skip_present:
                        done.add(hash(entry.name))
                        continue
                    self._note(Path(entry.path), now)
        except OSError:
            # The folder may be gone or out of reach for a moment; the next poll looks again.
            return

    def _is_wanted(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.lower()
        return (
            fnmatch(name, self.pattern.lower())
            and not name.startswith(".")
            and not name.endswith(UNFINISHED)
            and entry.is_file()
        )

    def _note(self, path: Path, now: float) -> None:
        try:
            facts = path.stat()
        # Renamed or removed since the folder was listed.
        except OSError:
            self._waiting.pop(path, None)
            return
        known = self._waiting.get(path)
        if known is None or (known.size, known.changed_ns) != (facts.st_size, facts.st_mtime_ns):
            # An empty file has only been created: its first poll does not count.
            self._waiting[path] = Candidate(
                path, facts.st_size, facts.st_mtime_ns, now, polls=int(facts.st_size > 0)
            )
        elif facts.st_size > 0:
            known.polls += 1

    def _folders(self) -> list[Path]:
        if self.layout == "flat":
            return [self.folder]
        roots = gatan_roots(self.folder)
        if not roots:
            return [self.folder]
        newest = None if self._all_folders else NEWEST
        found = [second for root in roots for second in gatan_seconds(root, newest)]
        # All folders only once; afterwards new files appear in the newest.
        self._all_folders = False
        # A folder that is no longer among the newest may still hold files that are not read.
        still_open = {candidate.path.parent for candidate in self._waiting.values()}
        return sorted({*found, *still_open}, key=lambda path: natural(str(path)))

    def _forget(self, folders: list[Path]) -> None:
        """Folders that are not looked at any more need no memory."""
        if len(self._done) > 50:
            kept = {str(folder) for folder in folders}
            self._done = {name: done for name, done in self._done.items() if name in kept}


def gatan_roots(folder: Path) -> list[Path]:
    """The folder itself or those in it that hold `Hour_…` folders."""
    if _numbered(folder, 1):
        return [folder]
    try:
        inside = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []
    return [each for each in inside if _numbered(each, 1)]


def gatan_seconds(root: Path, newest: int | None = NEWEST) -> list[Path]:
    """The newest Second folders of a Gatan series, oldest first; all of them with None."""
    level = [root]
    for _depth in range(3):
        below: list[Path] = []
        # From the newest folder back, until there are enough.
        for folder in reversed(level):
            below = _numbered(folder, newest if newest is None else newest - len(below)) + below
            if newest is not None and len(below) >= newest:
                break
        level = below
    return level


def natural(text: str) -> list[tuple[int, int | str]]:
    """Sorting as people count: frame 2 before frame 10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", text) if part]


def _numbered(folder: Path, newest: int | None) -> list[Path]:
    """Hour, Minute or Second folders in here, by number; only the newest few."""
    try:
        with os.scandir(folder) as entries:
            found = [(int(m[2]), entry.path) for entry in entries if (m := GATAN_PART.match(entry.name))]
    except OSError:
        return []
    found.sort()
    return [Path(path) for _, path in (found if newest is None else found[-max(newest, 1) :])]
