"""The desk: one session and everything needed to work on it, handed to every pane and command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tandem_em.core.jobs import Job, Progress, Runner, Task
from tandem_em.core.notices import Notices
from tandem_em.model.edits import AddItem, ChangeFields, Edit, RemoveItem, Together
from tandem_em.model.items import Item
from tandem_em.model.session import Session

if TYPE_CHECKING:
    from tandem_em.desk.settings import Settings

Result = TypeVar("Result")


class Desk:
    """One session, one history, one job runner, one list of notices. Opening another file makes another desk."""

    def __init__(self, session: Session, runner: Runner, notices: Notices, settings: Settings) -> None:
        self.session = session
        self.runner = runner
        self.notices = notices
        self.settings = settings

    def do(
        self, label: str, *edits: Edit, merge_key: str | None = None, completing: Edit | None = None
    ) -> None:
        """Make one undoable step of one or several edits.

        `completing`: an earlier step that these belong to; they join it as long as nothing was done in between.
        """
        history = self.session.history
        # With anything done in between, joining would undo more than it says.
        if completing is not None and completing is history.newest and edits:
            rest = Together(label, list(edits))
            history.complete(rest, Together(completing.label, [completing, rest]))
        elif len(edits) == 1:
            self.session.history.do(edits[0])
        elif edits:
            self.session.history.do(Together(label, list(edits), merge_key))

    def add(self, label: str, *items: Item) -> None:
        """Put items into the session as one undoable step."""
        self.do(label, *(AddItem(label, item) for item in items))

    def remove(self, label: str, *items: Item) -> None:
        """Take items out of the session as one undoable step."""
        self.do(label, *(RemoveItem(label, item) for item in items))

    def change(self, label: str, item: Item, merge_key: str | None = None, **fields: Any) -> None:
        """Set fields of one item, undoable. While a gesture drags, give a merge_key; end it with `end_gesture`."""
        self.session.history.do(ChangeFields(label, item.id, fields, merge_key))

    def end_gesture(self) -> None:
        """End merging: the next change with the same key begins an undo step of its own."""
        self.session.history.end_merge()

    def start(
        self,
        label: str,
        job: Job[Result],
        on_result: Callable[[Result], None] | None = None,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None,
        on_cancelled: Callable[[], None] | None = None,
        key: str | None = None,
    ) -> Task[Result]:
        """Run a job off the GUI thread. Its errors become notices unless `on_error` takes them; `on_cancelled` is called
        when a person, or a newer job of the same key, has stopped it."""
        return self.runner.start(
            label,
            job,
            on_result=on_result,
            on_progress=on_progress,
            # No error of a job is ever silent.
            on_error=on_error or self.notices.tell,
            on_cancelled=on_cancelled,
            key=key,
        )
