"""What a look through a session file found: one sentence with its place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class IntegrityFinding:
    """What is wrong, where (an item's name or a place in the file), what to do. `fixable`: `repair` mends it."""

    what: str
    where: str = ""
    advice: str = ""
    severity: Severity = "warning"
    fixable: bool = False
