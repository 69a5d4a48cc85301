"""Events: flags on the shared time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tandem_em.model.items import ColouredItem

EVENT_COLOURS = {
    "bias": "#9aa7b5",
    "contact": "#ffbf47",
    "beam": "#b98cff",
    "warning": "#ff5a5f",
    "note": "#4a9eff",
}


@dataclass(eq=False, kw_only=True)
class Event(ColouredItem):
    """Something that happened at session second `t` (until `end`, if it lasted). `name` is the text."""

    kind: ClassVar[str] = "event"

    t: float = 0.0
    end: float | None = None
    category: str = "note"
    author: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.colour = self.colour or EVENT_COLOURS.get(self.category, EVENT_COLOURS["note"])
