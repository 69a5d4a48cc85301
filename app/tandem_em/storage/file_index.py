"""What is in a session file, known without reading it again: a save leaves alone what did not change."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from tandem_em.storage.codec.fields import Written


@dataclass
class FileIndex:
    """What the file holds, so that a save can leave alone what did not change."""

    group_paths: dict[str, str] = field(default_factory=dict)
    """item id -> path of its group."""
    saved: dict[str, Any] = field(default_factory=dict)
    """item id -> mark of the state that was saved."""
    written: dict[str, Written] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)
    """Removed item id -> path of its group among the deleted."""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    """For kinds kept as records: id -> mark."""
    exported: dict[str, Any] = field(default_factory=dict)
    """What the groups for other programs were made from."""
    order: str = ""
    protected: frozenset[str] = frozenset()
    """Ids and group names that could not be read: nothing of them is removed or written over."""

    def copy(self) -> FileIndex:
        """Enough of a copy that a failed save can go back to it."""
        written = {key: Written(dict(value.marks), value.recorded) for key, value in self.written.items()}
        records = {kind: dict(marks) for kind, marks in self.records.items()}
        return FileIndex(
            dict(self.group_paths), dict(self.saved), written, dict(self.deleted), records, dict(self.exported), self.order,
            self.protected,
        )  # fmt: skip


@dataclass
class SaveState:
    """What is known of one open file; whoever replaces it holds `saving`."""

    file_index: FileIndex = field(default_factory=FileIndex)
    saving: threading.Lock = field(default_factory=threading.Lock)
