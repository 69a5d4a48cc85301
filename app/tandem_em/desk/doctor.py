"""The session doctor: one list of what is wrong with a file, each with its fix."""

from __future__ import annotations

from pathlib import Path

from tandem_em.desk import doctor_streams, files
from tandem_em.desk.export_snapshot import snapshot
from tandem_em.desk.findings import Finding, Severity, serious
from tandem_em.jobs import Job, Progress
from tandem_em.model.session import Session

__all__ = ["Finding", "examine", "examine_session", "look", "repair", "serious"]
ORDER = {"error": 0, "warning": 1, "info": 2}


def look(session: Session) -> list[Finding]:
    """What can be said at once."""
    return doctor_streams.in_session_time(session, doctor_streams.look(session))


def examine_session(session: Session) -> Job[list[Finding]]:
    """Everything about an open session, worst first."""
    return _examining(snapshot(session))


def _examining(session: Session) -> Job[list[Finding]]:
    found = yield from doctor_streams.looking(session)
    return sorted(doctor_streams.in_session_time(session, found), key=lambda finding: ORDER[finding.severity])


def examine(path: Path) -> Job[list[Finding]]:
    """Everything that can be found out about a file: its structure first, then what its streams say."""
    if not files.is_session_file(path):
        session = Session()
        imported = yield from files.import_files(session, [path])
        session.history.do(files.adding(session, imported))
        found = yield from _examining(session)
        return [*(Finding("warning", problem) for problem in imported.problems), *found]
    from tandem_em.storage import check

    yield Progress(0, 0, f"Checking {path.name}")
    in_file = yield from check.check(path)
    found = [
        Finding(_severity(f.severity), f.what, f.advice, f.where, "repair" if f.fixable else "")
        for f in in_file
    ]
    if serious([f for f in found if f.fix]):
        return _once(found)
    opened = yield from files.open_session(path, readonly=True)
    try:
        names = {
            item.name for item in opened.session.items()
        }  # what items say of themselves is said once, below
        found = [f for f in found if f.where not in names]
        found += [Finding("warning", problem) for problem in opened.problems]
        found += yield from _examining(opened.session)
    finally:
        opened.store.close()
    return _once(found)


def _once(found: list[Finding]) -> list[Finding]:
    seen: dict[str, Finding] = {}
    for finding in found:
        seen.setdefault(finding.what, finding)
    return sorted(seen.values(), key=lambda finding: ORDER[finding.severity])


def _severity(text: str) -> Severity:
    return "error" if text == "error" else "warning" if text == "warning" else "info"


def repair(path: Path, out: Path) -> Job[list[Finding]]:
    """Recover everything readable into a new session."""
    from tandem_em.storage import repair as mending

    report = yield from mending.repair(path, out)
    return [Finding("info", sentence) for sentence in report]
