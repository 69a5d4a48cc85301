"""The session doctor: one list of what is wrong with a file, each with its fix."""

from __future__ import annotations

from pathlib import Path

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk import importing
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics import fixes, streams
from tandem_em.desk.diagnostics.finding import Finding, Severity, serious
from tandem_em.desk.document import files, places, recovery
from tandem_em.model.session import Session
from tandem_em.model.snapshot import snapshot
from tandem_em.storage.check import integrity
from tandem_em.storage.check import repair as recovering

__all__ = [
    "Finding",
    "accept",
    "accepted",
    "examine",
    "examine_session",
    "look",
    "remind",
    "repair",
    "serious",
]
ACCEPTED = "doctor accepted"
ORDER = {"error": 0, "warning": 1, "info": 2}


def look(session: Session) -> list[Finding]:
    """What can be said at once."""
    return _unaccepted(session, streams.in_session_time(session, streams.look(session)))


def examine_session(session: Session, folder: Path | None = None) -> Job[list[Finding]]:
    """Everything about an open session that lies in `folder`, worst first."""
    # On a snapshot: the session may be worked on meanwhile.
    return _examining(snapshot(session), folder)


def _examining(session: Session, folder: Path | None = None) -> Job[list[Finding]]:
    found = yield from streams.looking(session, folder)
    told = _unaccepted(session, streams.in_session_time(session, found))
    return sorted(told, key=lambda finding: ORDER[finding.severity])


def accepted(session: Session) -> list[str]:
    """Sentences a person has taken note of; they are not said again."""
    stored = session.info.view.get(ACCEPTED)
    return [text for text in stored if isinstance(text, str)] if isinstance(stored, list) else []


def accept(desk: Desk, finding: Finding) -> None:
    """Say this no more: undoable."""
    _keep_accepted(desk, "Mark a finding as reviewed", [*accepted(desk.session), finding.what])


def remind(desk: Desk) -> None:
    """Say everything again."""
    _keep_accepted(desk, "Show all findings again", [])


def _keep_accepted(desk: Desk, label: str, sentences: list[str]) -> None:
    desk.change(label, desk.session.info, view={**desk.session.info.view, ACCEPTED: sentences})


def _unaccepted(session: Session, found: list[Finding]) -> list[Finding]:
    quiet = set(accepted(session))
    # Errors cannot be accepted away: data are wrong.
    return [finding for finding in found if finding.severity == "error" or finding.what not in quiet]


def examine(path: Path) -> Job[list[Finding]]:
    """Everything that can be found out about a file: its structure first, then what its streams say."""
    # Any file that can be imported may be examined, in a passing session.
    if not files.is_session_file(path):
        session = Session()
        imported = yield from importing.import_files(session, [path])
        session.history.do(importing.adding(session, imported))
        found = yield from _examining(session)
        return [*(Finding("warning", problem) for problem in imported.problems), *found]
    yield Progress(0, 0, f"Checking {path.name}")
    in_file = yield from integrity.check(path, files.open_linked_array)
    found = [
        Finding(_severity(f.severity), f.what, f.advice, f.where, "repair" if f.fixable else "")
        for f in in_file
    ]
    found += [
        Finding("warning", lost.sentence, recovery.WHERE, path.name)
        for lost in ([] if places.in_recovery(path) else recovery.find(path))
    ]
    # A file that needs repair cannot be relied on to open.
    if serious([f for f in found if f.fix]):
        return _once(found)
    opened = yield from files.open_session(path, readonly=True)
    try:
        names = {
            item.name for item in opened.session.items()
        }  # what items say of themselves is said once, below
        found = [f for f in found if f.where not in names]
        # Problems of sources are said once more by the streams below.
        told = {problem for source in opened.session.sources for problem in source.problems}
        found += [Finding("warning", problem) for problem in opened.problems if problem not in told]
        found += yield from _examining(opened.session, path.resolve().parent)
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
    """Recover everything readable into a new session, and mend there what needs no answer: linked files that lie
    near are found again, stale results made again."""
    report = yield from recovering.repair(path, out)
    found = [Finding("info", sentence) for sentence in report]
    return found + (yield from fixes.mending(out, path.resolve().parent))
