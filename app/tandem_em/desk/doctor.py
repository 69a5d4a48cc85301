"""The session doctor: one list of what is wrong, each with its fix."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tandem_em.desk import files
from tandem_em.jobs import Job, Progress
from tandem_em.model.session import Session

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """What is wrong, where (an item id or a place in the file) and what to do. `fix` names a verb that mends it."""

    severity: Severity
    what: str
    advice: str = ""
    where: str = ""
    fix: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def serious(findings: list[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def examine(path: Path) -> Job[list[Finding]]:
    """Everything that can be found out about a file: its structure first, then what its streams say."""
    if not files.is_session_file(path):
        imported = yield from files.import_files(Session(), [path])
        return [Finding("warning", problem) for problem in imported.problems]
    from tandem_em.storage import check

    yield Progress(0, 0, f"Checking {path.name}")
    found = yield from check.check(path)
    return [
        Finding(
            "error" if f.severity == "error" else "warning" if f.severity == "warning" else "info",
            f.what,
            f.advice,
            f.where,
        )
        for f in found
    ]


def repair(path: Path, out: Path) -> Job[list[Finding]]:
    """Recover everything readable into a new session."""
    from tandem_em.storage import repair as mending

    report = yield from mending.repair(path, out)
    return [Finding("info", sentence) for sentence in report]
