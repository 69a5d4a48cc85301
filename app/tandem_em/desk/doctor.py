"""The session doctor: one list of what is wrong with a file, each with its fix."""

from __future__ import annotations

from pathlib import Path

from tandem_em.desk import files
from tandem_em.desk.doctor_streams import look
from tandem_em.desk.findings import Finding, Severity, serious
from tandem_em.jobs import Job, Progress
from tandem_em.model.session import Session

__all__ = ["Finding", "examine", "look", "repair", "serious"]


def examine(path: Path) -> Job[list[Finding]]:
    """Everything that can be found out about a file: its structure first, then what its streams say."""
    if not files.is_session_file(path):
        imported = yield from files.import_files(Session(), [path])
        return [Finding("warning", problem) for problem in imported.problems]
    from tandem_em.storage import check

    yield Progress(0, 0, f"Checking {path.name}")
    in_file = yield from check.check(path)
    found = [Finding(_severity(f.severity), f.what, f.advice, f.where) for f in in_file]
    if not serious(found):
        opened = yield from files.open_session(path, readonly=True)
        try:
            found += [Finding("warning", problem) for problem in opened.problems]
            found += look(opened.session)
        finally:
            opened.store.close()
    seen: dict[str, Finding] = {}
    for finding in found:
        seen.setdefault(finding.what, finding)
    return list(seen.values())


def _severity(text: str) -> Severity:
    return "error" if text == "error" else "warning" if text == "warning" else "info"


def repair(path: Path, out: Path) -> Job[list[Finding]]:
    """Recover everything readable into a new session."""
    from tandem_em.storage import repair as mending

    report = yield from mending.repair(path, out)
    return [Finding("info", sentence) for sentence in report]
