"""Everything a person can do in one window, by subject."""

from __future__ import annotations

from tandem_widgets.parts.basic import theme
from tandem_widgets.shell.actions.copy import CopyActions
from tandem_widgets.shell.actions.dialogs import DialogActions
from tandem_widgets.shell.actions.edit import EditActions
from tandem_widgets.shell.actions.files import FileActions
from tandem_widgets.shell.actions.guardian import GuardianActions
from tandem_widgets.shell.actions.record import RecordActions
from tandem_widgets.shell.actions.time import TimeActions
from tandem_widgets.shell.context import WindowContext


class WindowActions:
    """The actions of one window; the table names them, menus and keys call them."""

    def __init__(self, context: WindowContext) -> None:
        self.context = context
        self.files = FileActions(context)
        self.edit = EditActions(context)
        self.recording = RecordActions(context, self.files)
        self.guardian = GuardianActions(context, self.recording)
        self.dialogs = DialogActions(context, self.files)
        self.copies = CopyActions(context)
        self.time = TimeActions(context)

    def toggle_theme(self) -> None:
        """Light becomes dark and the other way round; remembered in the settings."""
        self.context.use_theme("light" if theme.active().name == "dark" else "dark")
