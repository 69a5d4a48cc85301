"""The dialogs, sheets and lists that are opened from the keyboard, a menu or the palette."""

from __future__ import annotations

from tandem_em import __version__
from tandem_widgets.parts.basic import theme
from tandem_widgets.shell.actions.files import FileActions
from tandem_widgets.shell.context import WindowContext


class DialogActions:
    """Opens each dialog on what the window shows."""

    def __init__(self, context: WindowContext, files: FileActions) -> None:
        self._context, self._files = context, files

    def find_event(self) -> None:
        """The events of the session, to search, rename and go to."""
        # imported late, here and below: a start does not pay for dialogs
        from tandem_widgets.dialogs.events import EventsDialog

        self._context.open_dialog(EventsDialog(self._context.window, self._context.desk))

    def show_palette(self) -> None:
        """The palette in the middle of the window, with the keys of the panes too."""
        from tandem_widgets.shell.actions.command_palette import CommandPalette

        window = self._context.window
        own = [action for pane in self._context.parts.docks.panes for action in pane.actions()]
        palette = CommandPalette(window, [*window.actions(), *own])
        palette.adjustSize()
        palette.move(window.mapToGlobal(window.rect().center()) - palette.rect().center())
        palette.show()
        palette.line.setFocus()

    def show_shortcuts(self) -> None:
        """All keys by menu and pane, read from the actions themselves."""
        from tandem_widgets.dialogs.help.sheet import ShortcutSheet

        groups: dict[str, list[tuple[str, str]]] = {}
        for action in self._context.window.actions():
            if keys := action.shortcut().toString():
                # `title`, not the text: that of undo and redo names the last change
                groups.setdefault(action.property("menu"), []).append((keys, action.property("title")))
        for pane in self._context.parts.docks.panes:
            if own := [(action.shortcut().toString(), action.text()) for action in pane.actions()]:
                groups[pane.title] = own
        self._context.open_dialog(ShortcutSheet(self._context.window, list(groups.items())))

    def show_guide(self) -> None:
        """The user guide."""
        from tandem_widgets.dialogs.help.guide import GuideDialog

        self._context.open_dialog(GuideDialog(self._context.window))

    def check_installation(self) -> None:
        """The self-test of the program, with its report."""
        from tandem_widgets.dialogs.help.installation import InstallationDialog

        self._context.open_dialog(InstallationDialog(self._context.window))

    def start_tour(self) -> None:
        """The tour needs something to look at: the demo, if nothing else is open."""
        if self._context.has_data:
            from tandem_widgets.dialogs.help.tour import Tour

            places = self._context.parts.places
            self._context.open_dialog(Tour(self._context.window, self._context.desk, places))
            self._context.services.settings.change(tour_seen=True)
        elif self._files.may_leave():
            self._files.then = self.start_tour
            self._files.open_demo()

    def show_about(self) -> None:
        """Version and licence."""
        from tandem_widgets.dialogs.help.sheet import TextDialog

        text = (
            f"<h2>TandEM {__version__}</h2><p>Operando TEM of batteries: biasing curves, image stack and EELS maps on "
            "one clock, in one file.</p><p>Free software, GPL-3.0-or-later.</p>"
        )
        self._context.open_dialog(TextDialog(self._context.window, "About TandEM", text))

    def show_contents(self) -> None:
        """Everything in the session, to rename, show or remove."""
        from tandem_widgets.dialogs.contents import ContentsDialog

        self._context.open_dialog(ContentsDialog(self._context.window, self._context.desk))

    def show_export(self) -> None:
        """Figures, movie, tables and report."""
        from tandem_widgets.dialogs.export.dialog import ExportDialog

        self._context.open_dialog(ExportDialog(self._context.window, self._context.desk))

    def show_doctor(self) -> None:
        """Problems of the data and of the file, each with a way to fix it."""
        from tandem_widgets.dialogs.diagnostics.dialog import DoctorDialog

        path = self._context.document.path
        dialog = DoctorDialog(
            self._context.window, self._context.desk, path.parent if path is not None else None
        )
        dialog.relink_wanted.connect(self._files.relink)
        dialog.calibration_wanted.connect(self._calibrate)
        dialog.clock_wanted.connect(self.show_clocks)
        self._context.open_dialog(dialog)

    def _calibrate(self, stack_id: str) -> None:
        self._context.session.focus.select("stack", stack_id)
        self._context.views.calibrate()
        self._context.window.activateWindow()

    def show_clocks(self, item_id: str = "") -> None:
        """The alignment of the streams; `item_id` is the one to begin with, empty: none."""
        from tandem_widgets.dialogs.clocks import ClocksDialog

        self._context.open_dialog(ClocksDialog(self._context.window, self._context.desk, item_id))

    def show_preferences(self) -> None:
        """The preferences; they count once the dialog is accepted."""
        from tandem_widgets.dialogs.preferences import PreferencesDialog

        dialog = PreferencesDialog(self._context.window, self._context.services.settings)
        dialog.accepted.connect(self._use_preferences)
        self._context.open_dialog(dialog)

    def _use_preferences(self) -> None:
        self._files.set_autosave()
        wanted = self._context.services.settings.values.theme
        if wanted != theme.active().name:
            self._context.use_theme(wanted)
