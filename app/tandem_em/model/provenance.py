"""Where results come from: inputs, parameters, version; and whether an input has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from numpy.typing import NDArray

from tandem_em.model.items import Item, MadeItem


def now_iso() -> str:
    """The present moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(eq=False, kw_only=True)
class Step(Item):
    """One piece of work: what was done, with which parameters, to which inputs (id -> revision at that time)."""

    kind: ClassVar[str] = "step"

    what: str = ""
    analysis: str = ""
    """Name of the analysis; empty for other work, and in files from before analyses had one."""
    parameters: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    version: str = ""
    when: str = field(default_factory=now_iso)

    def changed_inputs(self, revision_of: Callable[[str], int | None]) -> list[str]:
        """Ids of inputs that are gone or have another revision now; empty when the result is up to date."""
        return [item_id for item_id, revision in self.inputs.items() if revision_of(item_id) != revision]


@dataclass(eq=False, kw_only=True)
class ResultSet(MadeItem):
    """A stored result: named arrays and numbers of one analysis (chosen maps, kinetics fits, thickness, cycles …)."""

    kind: ClassVar[str] = "result"
    stored_before: ClassVar[dict[str, str]] = {"made_by": "step_id"}

    analysis: str = ""
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    owner_id: str = ""


@dataclass(eq=False, kw_only=True)
class Truth(ResultSet):
    """What a simulated stream was made of, to compare with what is measured; only in simulated sessions."""

    kind: ClassVar[str] = "truth"


@dataclass(eq=False, kw_only=True)
class SourceFile(Item):
    """A file that data came from. `linked`: the data still live there (relative path, size and hash to find it again)."""

    kind: ClassVar[str] = "source"

    path: str = ""
    """Relative to the session where possible."""
    size: int = 0
    sha256: str = ""
    modified_iso: str = ""
    importer: str = ""
    linked: bool = False
    dataset: str = ""
    problems: list[str] = field(default_factory=list)
