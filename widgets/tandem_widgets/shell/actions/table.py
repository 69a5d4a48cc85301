"""The table of everything that can be done from the keyboard, a menu or the palette: one row, one action."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QWidget

from tandem_widgets.shell.actions.window_actions import WindowActions


@dataclass(frozen=True)
class Row:
    """One thing a person can do; `enabled`: whether it can be done now (always, where there is none)."""

    id: str
    menu: str
    title: str
    call: Callable[[WindowActions], object]
    shortcut: str = ""
    tip: str = ""
    enabled: Callable[[WindowActions], bool] | None = None
    starts_group: bool = False


def _has_data(do: WindowActions) -> bool:
    return do.context.has_data


# Lambdas: the table is there before any window.
ROWS: tuple[Row, ...] = (
    Row("new", "File", "New session", lambda do: do.files.new_session(), "Ctrl+N", "Start an empty session"),
    Row("open", "File", "Open…", lambda do: do.files.ask_open(),
        "Ctrl+O", "Open a session, or import files into this one"),
    Row("demo", "File", "Open the demo experiment", lambda do: do.files.open_demo(),
        "", "A complete simulated experiment to try things on"),
    Row("save", "File", "Save", lambda do: do.files.save(),
        "Ctrl+S", "Write everything to the session file", lambda do: do.files.can_save, True),
    Row("save_as", "File", "Save as…", lambda do: do.files.ask_save_as(),
        "Ctrl+Shift+S", "Save a compact copy under another name"),
    Row("recover", "File", "Recover unsaved work…", lambda do: do.files.ask_recover(),
        "", "Recover changes that were not saved before a crash"),
    Row("copy_hyperspy", "File", "Copy code for HyperSpy", lambda do: do.copies.copy_hyperspy_line(), "",
        "Copy the Python code that opens this file in HyperSpy", lambda do: do.files.has_file),
    Row("export", "File", "Export…", lambda do: do.dialogs.show_export(),
        "Ctrl+E", "Figures, movie, tables and report", _has_data, True),
    Row("contents", "File", "Contents…", lambda do: do.dialogs.show_contents(), "Ctrl+I",
        "List everything in the session; rename, show or remove it", _has_data, True),
    Row("doctor", "File", "Diagnostics…", lambda do: do.dialogs.show_doctor(), "",
        "List problems in the data, each with a way to fix it", _has_data),
    Row("preferences", "File", "Preferences…", lambda do: do.dialogs.show_preferences(),
        "Ctrl+,", "Theme, autosave, author", starts_group=True),
    Row("quit", "File", "Quit", lambda do: do.context.close(), "Ctrl+Q", "Close TandEM", starts_group=True),
    Row("undo", "Edit", "Undo", lambda do: do.edit.undo(),
        "Ctrl+Z", "Undo the last change", lambda do: do.edit.can_undo),
    Row("redo", "Edit", "Redo", lambda do: do.edit.redo(),
        "Ctrl+Shift+Z", "Redo the change that was undone", lambda do: do.edit.can_redo),
    Row("mark", "Edit", "Mark an event", lambda do: do.edit.mark_event(),
        "M", "Mark an event at the cursor", starts_group=True),
    Row("find_event", "Edit", "Events…", lambda do: do.dialogs.find_event(),
        "Ctrl+F", "List and search the events; Enter goes to one"),
    Row("copy_figure", "Edit", "Copy pane as figure", lambda do: do.copies.copy_figure(), "Ctrl+Shift+C",
        "Copy the pane under the pointer as a publication figure", _has_data),
    Row("copy_pane", "Edit", "Copy pane as screenshot", lambda do: do.copies.copy_pane(), "Ctrl+Alt+C",
        "Copy the pane under the pointer as it is on screen", _has_data),
    Row("clocks", "Edit", "Clocks…", lambda do: do.dialogs.show_clocks(), "Ctrl+Shift+K",
        "Align the streams in time", _has_data, True),
    Row("instruments", "Live", "Instruments…", lambda do: do.recording.show_instruments(), "Ctrl+Shift+I",
        "Find, test and set up instruments; simulated ones too"),
    Row("record", "Live", "Record or stop", lambda do: do.recording.toggle(),
        "R", "Start recording; R again stops"),
    Row("arm", "Live", "Arm recording", lambda do: do.recording.arm(),
        "Shift+R", "Connect and buffer the last 10 s; R then records them too"),
    Row("go_live", "Live", "Back to live", lambda do: do.recording.cursor.go_live(),
        "B", "Follow the newest data again", lambda do: do.recording.is_recording),
    Row("replay", "Live", "Replay a session…", lambda do: do.recording.ask_replay(),
        "", "Play a recorded session as if it were live"),
    Row("program", "Live", "Biasing program…", lambda do: do.guardian.show_program(),
        "Ctrl+B", "Edit, preview and run a biasing program", starts_group=True),
    Row("limits", "Live", "Limits…", lambda do: do.guardian.show_limits(),
        "Ctrl+Shift+L", "Limits at which the output is switched off"),
    Row("emergency_stop", "Live", "Emergency stop", lambda do: do.guardian.emergency_stop(), "F12",
        "Switch all outputs off (high impedance) at once", starts_group=True),
    Row("play", "View", "Play or pause", lambda do: do.time.toggle_play(), "Space", "Play at the chosen speed"),
    Row("next_frame", "View", "Next frame", lambda do: do.time.next_frame(), "Right", "Go to the next frame"),
    Row("previous_frame", "View", "Previous frame", lambda do: do.time.previous_frame(), "Left", "Go to the previous frame"),
    Row("next_event", "View", "Next event", lambda do: do.time.next_event(), "Ctrl+Right", "Go to the next event"),
    Row("previous_event", "View", "Previous event", lambda do: do.time.previous_event(),
        "Ctrl+Left", "Go to the previous event"),
    Row("to_start", "View", "Go to start", lambda do: do.time.to_start(), "Home", "Go to the start of the data"),
    Row("to_end", "View", "Go to end", lambda do: do.time.to_end(), "End", "Go to the end of the data"),
    Row("fit_time", "View", "Show all time", lambda do: do.time.fit(),
        "F", "Show the whole experiment on the time axis"),
    Row("theme", "View", "Light or dark", lambda do: do.toggle_theme(),
        "Ctrl+T", "Switch between light and dark theme", starts_group=True),
    Row("restore_panes", "View", "Reset layout", lambda do: do.context.parts.docks.restore_home(),
        "Ctrl+0", "Reset the layout of the panes"),
    Row("palette", "View", "Command palette…", lambda do: do.dialogs.show_palette(),
        "Ctrl+K", "Find any command by name"),
    Row("shortcuts", "Help", "Shortcuts", lambda do: do.dialogs.show_shortcuts(), "F1", "List all keyboard shortcuts"),
    Row("guide", "Help", "User guide", lambda do: do.dialogs.show_guide(),
        "Shift+F1", "First session, live session, every pane, the file"),
    Row("check_installation", "Help", "Check this installation…", lambda do: do.dialogs.check_installation(),
        "", "Use every part of the program once, with a report to copy"),
    Row("tour", "Help", "Two-minute tour", lambda do: do.dialogs.start_tour(),
        "", "A short introduction, with the open session or the demo"),
    Row("about", "Help", "About TandEM", lambda do: do.dialogs.show_about(), "", "Version and licence"),
)  # fmt: skip

MENUS = ("File", "Edit", "Live", "View", "Help")


class ActionTable:
    """The QActions of one window, made from the table."""

    def __init__(self, window: QWidget, actions: WindowActions, rows: Iterable[Row] = ROWS) -> None:
        self._window, self._actions = window, actions
        self.rows = list(rows)
        self.refreshed = 0
        """How often the rows have been asked whether they can be done now."""
        self.by_id: dict[str, QAction] = {row.id: self._make(row) for row in self.rows}

    def _make(self, row: Row) -> QAction:
        action = QAction(row.title, self._window)
        action.setObjectName(row.id)
        action.setProperty("menu", row.menu)
        # the text of undo and redo changes; the sheet of shortcuts shows this
        action.setProperty("title", row.title)
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
        action.setToolTip(f"{row.tip} ({row.shortcut})" if row.shortcut else row.tip)
        action.triggered.connect(lambda _checked=False: row.call(self._actions))
        self._window.addAction(action)
        return action

    def fill(self, menu: QMenu, name: str) -> None:
        """Put the actions of one menu into it, with lines between their groups."""
        for row in self.rows:
            if row.menu == name:
                if row.starts_group:
                    menu.addSeparator()
                menu.addAction(self.by_id[row.id])

    def refresh(self) -> None:
        """Grey out what cannot be done now."""
        self.refreshed += 1
        for row in self.rows:
            if row.enabled is not None:
                self.by_id[row.id].setEnabled(row.enabled(self._actions))
