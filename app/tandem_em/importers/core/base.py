"""What an importer is: it recognises a file by its content and reads it into model items, with all doubts named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from tandem_em.core.jobs import Job
from tandem_em.model.items import Item

Kind = Literal["bias", "stack", "spectrum", "session"]

HEAD_BYTES = 64 * 1024
"""How much of a file a probe gets to see."""


@dataclass(frozen=True)
class ImportOptions:
    """What a person may decide about one import. Empty means: as the file says."""

    axis0_is_time: bool | None = None
    pixel_nm: float | None = None
    frame_interval_s: float | None = None
    zone: str = ""
    """IANA name or +hh:mm for files whose dates have no zone; empty: this computer's."""
    text: dict[str, Any] | None = None
    """Settings of the text import (separator, decimal, columns …), as in a `--as` TOML file."""
    only: tuple[Kind, ...] = ()


@dataclass(frozen=True)
class Question:
    """Something the file does not say and that changes the meaning of the data."""

    key: str
    text: str
    choices: tuple[str, ...]
    default: str = ""


@dataclass
class Imported:
    """What came out of one file or folder. Each stream carries a Clock of its own whose `start_iso`, `zone`,
    `origin` and `uncertainty_s` say what the file knows; the desk moves them onto the session's time axis."""

    items: list[Item] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences: dropped frames, cut rows, impossible units. Nothing is left out silently."""
    questions: list[Question] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


class Importer(Protocol):
    """One family of formats."""

    name: str
    label: str
    kind: Kind
    suffixes: Sequence[str]
    """Lower case with the dot; what the open dialog offers. A folder reader has ()."""

    def probe(self, path: Path, head: bytes) -> float:
        """How sure (0..1) this is ours, from the first HEAD_BYTES (empty for folders) and the name. Never raises."""
        ...

    def read(self, path: Path, options: ImportOptions) -> Job[Imported]:
        """Read the file. Raises UserError (what, which file, what to do) for anything wrong with it."""
        ...
