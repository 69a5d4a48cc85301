"""What can be mended without asking anybody: moved files that lie near are linked again, stale results made again.

Files that have changed are not read again here: that takes the place of data, so a person decides (in the window)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tandem_em.core.jobs import Job, Progress, Runner, Task
from tandem_em.core.notices import Notices, UserError
from tandem_em.desk import recompute
from tandem_em.desk.desk import Desk
from tandem_em.desk.diagnostics.finding import Finding
from tandem_em.desk.document import files
from tandem_em.desk.settings import Settings
from tandem_em.model.session import Session

MOST_ROUNDS = 5
"""Results can be made of results: what was made again makes others stale."""


class AtOnce(Runner):
    """Runs every job where it is asked for, inside a job of its own."""

    def __init__(self) -> None:
        super().__init__(threads=1)
        self.told: list[UserError] = []

    def start(
        self,
        label: str,
        job: Job[Any],
        *,
        on_result: Callable[[Any], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> Task[Any]:
        """Run the job to its end before returning; a UserError is kept in `told`, anything else is raised."""
        task: Task[Any] = Task(label, key)
        try:
            while True:
                next(job)
        except StopIteration as stop:
            if on_result is not None:
                on_result(stop.value)
        except UserError as error:
            self.told.append(error)
        task.state = "done"
        return task


def mending(path: Path, folder: Path) -> Job[list[Finding]]:
    """Mend the session in `path` as far as that needs no answer; its linked files lie in `folder` or below it."""
    opened = yield from files.open_session(path)
    try:
        said = yield from _linking(opened, folder)
        said += yield from mend(opened.session)
        if said:
            report = yield from files.save_session(opened)
            files.use_embedded_arrays(opened, report.embedded)
    finally:
        opened.store.close()
    return said


def _linking(opened: files.Opened, folder: Path) -> Job[list[Finding]]:
    """Linked files that were moved, found by name in the session's folder or one below; they must be the same."""
    said = []
    for source in list(opened.session.sources):
        # Only links that were found broken on opening.
        if not (source.linked and source.problems):
            continue
        name = Path(source.path).name
        # No deeper: a whole disk below the session would take minutes.
        for path in [*folder.glob(name), *folder.glob(f"*/{name}")]:
            try:
                yield from opened.store.relink(opened.session, source.id, path)
            except UserError:
                continue
            opened.session.change(source, path=source.path)  # so that it is saved
            said.append(Finding("info", f"{name} was found in {path.parent.name} and linked again."))
            break
    return said


def mend(session: Session) -> Job[list[Finding]]:
    """One sentence for every result that was made again, or could not be."""
    runner = AtOnce()
    desk = Desk(session, runner, Notices(), Settings())
    said: list[Finding] = []
    done: set[str] = set()
    try:
        for _ in range(MOST_ROUNDS):
            works = [
                w
                for w in recompute.stale(session)
                # Once each: a result that stays stale must not be made again for ever.
                if recompute.can_recompute(session, w) and w.step.id not in done
            ]
            for work in works:
                done.add(work.step.id)
                yield Progress(0, 0, f"Recomputing {work.name}")
                said.append(
                    _tried(runner, f"{work.name} was made again.", partial(recompute.recompute, desk, work))
                )
            if not works:
                break
    finally:
        runner.close()
    return said


def _tried(runner: AtOnce, sentence: str, do: Callable[[], Any]) -> Finding:
    before = len(runner.told)
    try:
        do()
    except UserError as error:
        runner.told.append(error)
    # A job that failed was told to the runner, not raised.
    if len(runner.told) > before:
        told = runner.told[-1]
        return Finding("warning", told.title, told.advice)
    return Finding("info", sentence)
