"""The table of everything that can be done from the keyboard, a menu or the palette: one row, one action."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QWidget


@dataclass(frozen=True)
class Row:
    """One thing a person can do. `call` names a method of the window or of what it holds; `enabled` a property that allows it."""

    id: str
    menu: str
    title: str
    call: str
    shortcut: str = ""
    tip: str = ""
    enabled: str = ""
    starts_group: bool = False


ROWS: tuple[Row, ...] = (
    Row("new", "File", "New session", "new_session", "Ctrl+N", "Start an empty session"),
    Row("open", "File", "Open…", "ask_open", "Ctrl+O", "Open a session, or import files into this one"),
    Row("demo", "File", "Open the demo experiment", "open_demo", "", "A complete simulated experiment to try things on"),
    Row("save", "File", "Save", "save", "Ctrl+S", "Write everything to the session file", "can_save", True),
    Row("save_as", "File", "Save as…", "ask_save_as", "Ctrl+Shift+S", "Save a compact copy under another name"),
    Row("recover", "File", "Recover unsaved work…", "recover", "", "Recover changes that were not saved before a crash"),
    Row("copy_hyperspy", "File", "Copy code for HyperSpy", "copies.copy_hyperspy_line", "",
        "Copy the Python code that opens this file in HyperSpy", "has_file"),
    Row("export", "File", "Export…", "dialogs.show_export", "Ctrl+E", "Figures, movie, tables and report", "has_data", True),
    Row("contents", "File", "Contents…", "dialogs.show_contents", "Ctrl+I",
        "List everything in the session; rename, show or remove it", "has_data", True),
    Row("doctor", "File", "Diagnostics…", "dialogs.show_doctor", "",
        "List problems in the data, each with a way to fix it", "has_data"),
    Row("preferences", "File", "Preferences…", "dialogs.show_preferences", "Ctrl+,", "Theme, autosave, author", "", True),
    Row("quit", "File", "Quit", "close", "Ctrl+Q", "Close TandEM", "", True),
    Row("undo", "Edit", "Undo", "undo", "Ctrl+Z", "Undo the last change", "can_undo"),
    Row("redo", "Edit", "Redo", "redo", "Ctrl+Shift+Z", "Redo the change that was undone", "can_redo"),
    Row("mark", "Edit", "Mark an event", "mark_event", "M", "Mark an event at the cursor", "", True),
    Row("find_event", "Edit", "Events…", "dialogs.find_event", "Ctrl+F", "List and search the events; Enter goes to one"),
    Row("copy_figure", "Edit", "Copy pane as figure", "copies.copy_figure", "Ctrl+Shift+C",
        "Copy the pane under the pointer as a publication figure", "has_data"),
    Row("copy_pane", "Edit", "Copy pane as screenshot", "copies.copy_pane", "Ctrl+Alt+C",
        "Copy the pane under the pointer as it is on screen", "has_data"),
    Row("clocks", "Edit", "Clocks…", "dialogs.show_clocks", "Ctrl+Shift+K",
        "Align the streams in time", "has_data", True),
    Row("instruments", "Live", "Instruments…", "show_instruments", "Ctrl+Shift+I",
        "Find, test and set up instruments; simulated ones too"),
    Row("record", "Live", "Record or stop", "toggle_record", "R", "Start recording; R again stops"),
    Row("arm", "Live", "Arm recording", "arm", "Shift+R", "Connect and buffer the last 10 s; R then records them too"),
    Row("go_live", "Live", "Back to live", "go_live", "B", "Follow the newest data again", "is_recording"),
    Row("replay", "Live", "Replay a session…", "ask_replay", "", "Play a recorded session as if it were live"),
    Row("program", "Live", "Biasing program…", "show_program", "Ctrl+B", "Edit, preview and run a biasing program", "", True),
    Row("limits", "Live", "Limits…", "show_limits", "Ctrl+Shift+L", "Limits at which the output is switched off"),
    Row("emergency_stop", "Live", "Emergency stop", "emergency_stop", "F12",
        "Switch all outputs off (high impedance) at once", "", True),
    Row("play", "View", "Play or pause", "toggle_play", "Space", "Play at the chosen speed"),
    Row("next_frame", "View", "Next frame", "time.next_frame", "Right", "Go to the next frame"),
    Row("previous_frame", "View", "Previous frame", "time.previous_frame", "Left", "Go to the previous frame"),
    Row("next_event", "View", "Next event", "time.next_event", "Ctrl+Right", "Go to the next event"),
    Row("previous_event", "View", "Previous event", "time.previous_event", "Ctrl+Left", "Go to the previous event"),
    Row("to_start", "View", "Go to start", "time.to_start", "Home", "Go to the start of the data"),
    Row("to_end", "View", "Go to end", "time.to_end", "End", "Go to the end of the data"),
    Row("fit_time", "View", "Show all time", "fit_time", "F", "Show the whole experiment on the time axis"),
    Row("theme", "View", "Light or dark", "toggle_theme", "Ctrl+T", "Switch between light and dark theme", "", True),
    Row("restore_panes", "View", "Reset layout", "restore_panes", "Ctrl+0", "Reset the layout of the panes"),
    Row("palette", "View", "Command palette…", "dialogs.show_palette", "Ctrl+K", "Find any command by name"),
    Row("shortcuts", "Help", "Shortcuts", "dialogs.show_shortcuts", "F1", "List all keyboard shortcuts"),
    Row("guide", "Help", "User guide", "dialogs.show_guide", "Shift+F1", "First session, live session, every pane, the file"),
    Row("tour", "Help", "Two-minute tour", "dialogs.start_tour", "", "A short introduction, with the open session or the demo"),
    Row("about", "Help", "About TandEM", "dialogs.show_about", "", "Version and licence"),
)  # fmt: skip

MENUS = ("File", "Edit", "Live", "View", "Help")


class Actions:
    """QActions of one window, made from the table (and from rows that panes add)."""

    def __init__(self, window: QWidget, rows: Iterable[Row] = ROWS) -> None:
        self._window = window
        self.rows = list(rows)
        self.by_id: dict[str, QAction] = {}
        for row in self.rows:
            self.by_id[row.id] = self._make(row)

    def _make(self, row: Row) -> QAction:
        action = QAction(row.title, self._window)
        action.setObjectName(row.id)
        if row.shortcut:
            action.setShortcut(QKeySequence(row.shortcut))
        action.setToolTip(f"{row.tip} ({row.shortcut})" if row.shortcut else row.tip)
        call: Callable[[], object] = attrgetter(row.call)(self._window)
        action.triggered.connect(lambda _checked=False: call())
        self._window.addAction(action)
        return action

    def fill(self, menu: QMenu, name: str) -> None:
        for row in self.rows:
            if row.menu == name:
                if row.starts_group:
                    menu.addSeparator()
                menu.addAction(self.by_id[row.id])

    def refresh(self) -> None:
        """Grey out what cannot be done now."""
        for row in self.rows:
            if row.enabled:
                self.by_id[row.id].setEnabled(bool(getattr(self._window, row.enabled)))
