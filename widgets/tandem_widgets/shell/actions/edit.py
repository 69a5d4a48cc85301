"""Taking back, doing again, marking a moment."""

from __future__ import annotations

from tandem_em.desk import events
from tandem_widgets.shell.context import WindowContext


class EditActions:
    """Acts on the history and the events of the open session."""

    def __init__(self, context: WindowContext) -> None:
        self._context = context

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._context.session.history.undo_label)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was taken back."""
        return bool(self._context.session.history.redo_label)

    def undo(self) -> None:
        """Take the last step back."""
        self._context.session.history.undo()

    def redo(self) -> None:
        """Do the step that was taken back once more."""
        self._context.session.history.redo()

    def mark_event(self) -> None:
        """An event at the cursor; nothing while the session is empty."""
        if self._context.has_data:
            event = events.mark(self._context.desk)
            self._context.services.notices.info(
                f"Marked {event.name} at {event.t:.2f} s.", "Rename it with Ctrl+F."
            )
