"""The dialogs, sheets and lists that are opened from the keyboard, a menu or the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tandem_em import __version__
from tandem_widgets.shell.actions.table import MENUS

if TYPE_CHECKING:
    from tandem_widgets.shell.window.main_window import MainWindow


class DialogActions:
    """Opens each dialog on what the window shows."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def find_event(self) -> None:
        from tandem_widgets.dialogs.events import EventsDialog

        self._window.open_dialog(EventsDialog(self._window, self._window.desk))

    def show_palette(self) -> None:
        from tandem_widgets.shell.window.command_palette import CommandPalette

        own = [action for pane in self._window.docks.panes for action in pane.actions()]
        palette = CommandPalette(self._window, [*self._window.actions_table.by_id.values(), *own])
        palette.adjustSize()
        palette.move(self._window.mapToGlobal(self._window.rect().center()) - palette.rect().center())
        palette.show()
        palette.line.setFocus()

    def show_shortcuts(self) -> None:
        from tandem_widgets.dialogs.help.sheet import ShortcutSheet

        groups = [
            (
                name,
                [
                    (r.shortcut, r.title)
                    for r in self._window.actions_table.rows
                    if r.menu == name and r.shortcut
                ],
            )
            for name in MENUS
        ]
        groups += [
            (pane.title, [(action.shortcut().toString(), action.text()) for action in pane.actions()])
            for pane in self._window.docks.panes
        ]
        self._window.open_dialog(ShortcutSheet(self._window, [group for group in groups if group[1]]))

    def show_guide(self) -> None:
        from tandem_widgets.dialogs.help.guide import GuideDialog

        self._window.open_dialog(GuideDialog(self._window))

    def start_tour(self) -> None:
        """The tour needs something to look at: the demo, if nothing else is open."""
        if self._window.has_data:
            from tandem_widgets.dialogs.help.tour import Tour

            places = {
                "stack": self._window.docks.stack,
                "eels": self._window.docks.eels,
                "biasing": self._window.docks.biasing,
                "header": self._window.header,
            }
            self._window.open_dialog(Tour(self._window, self._window.desk, places))
            self._window.workshop.settings.change(tour_seen=True)
        elif self._window.files.may_leave():
            self._window.files.then = self.start_tour
            self._window.files.open_demo()

    def show_about(self) -> None:
        from tandem_widgets.dialogs.help.sheet import TextDialog

        text = (
            f"<h2>TandEM {__version__}</h2><p>Operando TEM of batteries: biasing curves, image stack and EELS maps on "
            "one clock, in one file.</p><p>Free software, GPL-3.0-or-later.</p>"
        )
        self._window.open_dialog(TextDialog(self._window, "About TandEM", text))

    def show_contents(self) -> None:
        from tandem_widgets.dialogs.contents import ContentsDialog

        self._window.open_dialog(ContentsDialog(self._window, self._window.desk))

    def show_export(self) -> None:
        from tandem_widgets.dialogs.export.dialog import ExportDialog

        self._window.open_dialog(ExportDialog(self._window, self._window.desk))

    def show_doctor(self) -> None:
        from tandem_widgets.dialogs.diagnostics.dialog import DoctorDialog

        path = self._window.files.path
        dialog = DoctorDialog(self._window, self._window.desk, path.parent if path is not None else None)
        dialog.relink_wanted.connect(self._window.files.relink)
        dialog.calibration_wanted.connect(self._calibrate)
        dialog.clock_wanted.connect(self.show_clocks)
        self._window.open_dialog(dialog)

    def _calibrate(self, stack_id: str) -> None:
        self._window.desk.session.focus.select("stack", stack_id)
        self._window.stack_pane.tools.measuring.activate_scale_bar()
        self._window.activateWindow()

    def show_clocks(self, item_id: str = "") -> None:
        from tandem_widgets.dialogs.clocks import ClocksDialog

        self._window.open_dialog(ClocksDialog(self._window, self._window.desk, item_id))

    def show_preferences(self) -> None:
        from tandem_widgets.dialogs.preferences import PreferencesDialog

        dialog = PreferencesDialog(self._window, self._window.workshop.settings)
        dialog.accepted.connect(self._window.use_preferences)
        self._window.open_dialog(dialog)
