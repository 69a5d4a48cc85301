"""What the doctor says: one finding, with what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """What is wrong, where (an item id or a place in the file) and what to do."""

    severity: Severity
    what: str
    advice: str = ""
    where: str = ""
    fix: str = ""
    """What one click does: again (make the result anew), reimport, relink, clock, axis, zone, unit, stamps, times,
    calibrate, properties, go (there), show (the moment), repair (the file)."""
    at: float | None = None
    """The moment it is about: device seconds while looking, session seconds in what is told."""

    detail: str = ""
    """What the fix is about: the quantity, the path."""

    def as_dict(self) -> dict[str, Any]:
        """All fields by name, for the JSON of the command line."""
        return asdict(self)


def serious(findings: list[Finding]) -> bool:
    """Whether any finding is an error; warnings and remarks do not count."""
    return any(finding.severity == "error" for finding in findings)
