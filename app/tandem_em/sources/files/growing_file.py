"""A file that another program is writing: polled, reopened each time, never opened exclusively.

Knows bytes, not rows. A file that shrank, vanished and came back, or whose head changed, begins again visibly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 256
# A long log comes in pieces, so that a stop is noticed in between.
MAX_PIECE = 4 << 20


@dataclass(frozen=True)
class Growth:
    """What a poll found. `restarted`: everything before is another file. `more`: there is more to read at once."""

    data: bytes = b""
    restarted: bool = False
    there: bool = True
    more: bool = False


class GrowingFile:
    """Reads what another program appends to a file, which is open only during a poll."""

    def __init__(self, path: Path, from_start: bool = True) -> None:
        self.path = path
        self._position = 0
        self._head = b""
        self._skip = not from_start
        self._seen = False

    def poll(self) -> Growth:
        """Read what was added. OSError other than a missing file is passed on."""
        try:
            with self.path.open("rb", buffering=0) as file:
                size = file.seek(0, 2)
                # A log that was begun again may have grown past the old position by now: its head tells.
                restarted = size < self._position or not self._same_head(file)
                if restarted:
                    self._position, self._head = 0, b""
                # Only the new rows are wanted: the first poll goes to the end.
                if self._skip and not self._seen:
                    self._position = size
                self._seen = True
                # A short head is read again until it is long enough to tell files apart.
                if len(self._head) < HEAD_BYTES:
                    file.seek(0)
                    self._head = file.read(min(HEAD_BYTES, size))
                file.seek(self._position)
                data = file.read(min(size - self._position, MAX_PIECE))
        except FileNotFoundError:
            return Growth(there=False)
        # After the read: an OSError in it must not lose a piece.
        self._position += len(data)
        return Growth(data, restarted, True, self._position < size)

    def read_head(self) -> bytes:
        """The beginning of the file (up to 64 KiB), e.g. a header that was skipped."""
        with self.path.open("rb") as file:
            return file.read(1 << 16)

    def _same_head(self, file: object) -> bool:
        if not self._head:
            return True
        file.seek(0)  # type: ignore[attr-defined]
        same: bool = file.read(len(self._head)) == self._head  # type: ignore[attr-defined]
        return same
