"""The table and the form of a replay."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tandem_em.sources.core.forms import NAME, FormField, SourceForm
from tandem_em.sources.core.tables import SourceTable


class ReplayTable(SourceTable):
    """A recorded session that is played as if it were live."""

    kind: Literal["replay"] = "replay"
    path: Path
    speed: float = Field(default=1.0, ge=0.1, le=100)


FORM = SourceForm(
    "Replay of a session",
    "Replay",
    "Plays a recorded session as if it were live. It is marked as a replay and cannot switch any output.",
    (
        NAME,
        FormField("path", "Session", "file"),
        FormField("speed", "Speed", "quantity", "", "0.1 to 100 times"),
    ),
)  # fmt: skip
