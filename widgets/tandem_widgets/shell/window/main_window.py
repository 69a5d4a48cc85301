"""The main window: header, three docks, status strip; it hands the desk to the panes and gestures to the verbs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QApplication, QMainWindow, QMenu, QToolButton, QVBoxLayout, QWidget

from tandem_em.core.jobs import Runner
from tandem_em.core.notices import Notices
from tandem_em.desk import events
from tandem_em.desk.desk import Desk
from tandem_em.desk.settings import Settings
from tandem_em.model.curves import BiasRun
from tandem_em.model.items import Item
from tandem_em.model.session import Session
from tandem_widgets.panes.biasing.pane import BiasingPane
from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.parts.basic import icons, theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.shell.actions import recovery
from tandem_widgets.shell.actions.copy import CopyActions
from tandem_widgets.shell.actions.dialogs import DialogActions
from tandem_widgets.shell.actions.files import FileActions
from tandem_widgets.shell.actions.guardian import GuardianActions
from tandem_widgets.shell.actions.record import RecordActions
from tandem_widgets.shell.actions.table import MENUS, Actions
from tandem_widgets.shell.actions.time import TimeActions
from tandem_widgets.shell.window.docks import PaneDocks
from tandem_widgets.shell.window.guardian_bar import GuardianBar, StopKey
from tandem_widgets.shell.window.header import Header
from tandem_widgets.shell.window.player import Player
from tandem_widgets.shell.window.reading_sign import ReadingSign
from tandem_widgets.shell.window.replay_bar import ReplayBar
from tandem_widgets.shell.window.status import StatusStrip

PATIENCE = 30
"""Tenths of a second in which what is being saved may end."""


@dataclass(frozen=True)
class Workshop:
    """What outlives a session: the job runner, the notices, the settings and the way back to the GUI thread."""

    post: Callable[[Callable[[], None]], None]
    runner: Runner
    notices: Notices
    settings: Settings


class MainWindow(QMainWindow):
    """One window, one desk at a time."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__()
        self.setWindowTitle("TandEM")
        self.setAcceptDrops(True)
        self.workshop = workshop
        self.desk = self._make_desk(Session())
        self.player = Player(self, self.desk.session)
        self.files = FileActions(self)
        self.recording = RecordActions(self)
        self.guardian = GuardianActions(self, self.recording)
        self.dialogs = DialogActions(self)
        self.copies = CopyActions(self)
        self.time = TimeActions(self)
        self._bindings = Bindings(self)
        self.actions_table = Actions(self)
        self._menu = self._make_menu()
        self.header = Header(self._menu, self._transport())
        self.header.speed_chosen.connect(self._set_speed)
        self.header.live_wanted.connect(self.go_live)
        self.guardian_bar = GuardianBar()
        self.replay_bar = ReplayBar()
        self.setMenuWidget(self._make_top())
        self.setContentsMargins(7, 0, 7, 0)
        self.docks = PaneDocks(self)
        self.reading = ReadingSign(self, self.docks)
        self.status = StatusStrip(workshop.runner, workshop.notices)
        strip = self.statusBar()
        if strip is not None:
            strip.setSizeGripEnabled(False)
            strip.addWidget(self.status, 1)
        self._autosave = QTimer(self)
        self._autosave.timeout.connect(self.files.autosave)
        self._autosave.start(int(workshop.settings.values.autosave_s * 1000))
        self.show_desk(self.desk)

    # --- what is shown -------------------------------------------------------------------------------------------

    def _make_desk(self, session: Session) -> Desk:
        return Desk(session, self.workshop.runner, self.workshop.notices, self.workshop.settings)

    def show_session(self, session: Session) -> None:
        """Show another session: everything that looked at the old one is made anew."""
        self.show_desk(self._make_desk(session))

    def show_desk(self, desk: Desk) -> None:
        speed = self.player.speed
        self.player.stop()
        self.desk = desk
        self._bindings.release()
        self._bindings = Bindings(self)
        self.player = Player(self, desk.session)
        self.player.speed = speed
        self.player.playing_changed.connect(self._show_playing)
        extent = desk.session.extent()
        self._fitted_span = desk.session.focus.span if extent is None else extent
        if extent is not None:
            view = desk.session.info.view
            low, high = view.get("span", extent)
            desk.session.focus.span = (low, high) if high > low else (low - 1, low + 1)
            desk.session.focus.t = float(view.get("t", low))
            for kind, item_id in view.get("selected", {}).items():
                desk.session.focus.select(kind, item_id)
        self.stack_pane = StackPane(desk)
        self.docks.stack.show_pane(self.stack_pane)
        self.eels_pane = EelsPane(desk)
        self.docks.eels.show_pane(self.eels_pane)
        self.biasing_pane = BiasingPane(desk)
        self.docks.biasing.show_pane(self.biasing_pane)
        self.header.show_desk(desk)
        self._bindings.on(desk.session.history.changed, self._show_history)
        self._bindings.on(desk.session.changed, lambda _item: self._show_file())
        self._bindings.on(desk.session.runs.added, self._fit_new_stream)
        self._bindings.on(desk.session.stacks.added, self._fit_new_stream)
        self._bindings.on(desk.session.maps.added, self._fit_new_stream)
        self._show_history()
        self._show_file()

    def _fit_new_stream(self, item: Item) -> None:
        """The strip follows the data until somebody has chosen a span; what lies outside of it is then said.

        While recording it follows the newest moment, and a map of another day must not take it away."""
        if self.is_recording:
            return
        focus, extent = self.desk.session.focus, self.desk.session.extent()
        if extent is None or extent[1] <= extent[0]:
            return
        if focus.span == self._fitted_span:
            focus.span = self._fitted_span = extent
        elif isinstance(item, BiasRun) and (own := item.extent) is not None and not _overlap(own, focus.span):
            self.workshop.notices.info(f"{item.name} lies outside the time in view.", "F shows everything.")
        if not extent[0] <= focus.t <= extent[1]:
            focus.t = extent[0]

    def _show_history(self) -> None:
        history = self.desk.session.history
        undo, redo = self.actions_table.by_id["undo"], self.actions_table.by_id["redo"]
        undo.setText(f"Undo {history.undo_label}".strip())
        redo.setText(f"Redo {history.redo_label}".strip())
        self.actions_table.refresh()
        self._show_file()

    def _show_file(self) -> None:
        name, tip = self.files.name, str(self.files.path or "Not saved yet")
        mark = " •" if self.files.is_dirty else ""
        locked = (self.files.holder or "The file is write-protected.") if self.files.is_readonly else ""
        self.header.show_file(name + mark, tip, locked)
        self.setWindowTitle(f"{name}{mark} – TandEM")
        self.actions_table.refresh()

    def _show_playing(self, playing: bool) -> None:
        self._play_button.setIcon(icons.icon("pause" if playing else "play"))

    # --- building ------------------------------------------------------------------------------------------------

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        for name in MENUS:
            sub = QMenu(name, menu)
            self.actions_table.fill(sub, name)
            if name == "File":
                self._recent = QMenu("Recent", sub)
                self._recent.aboutToShow.connect(self._fill_recent)
                sub.insertMenu(self.actions_table.by_id["demo"], self._recent)
            menu.addMenu(sub)
        return menu

    def _make_top(self) -> QWidget:
        """The header, and the bar of the guardian while a cell is driven."""
        bar = self.guardian_bar
        bar.stop_wanted.connect(self.emergency_stop)
        bar.program_wanted.connect(self.show_program)
        bar.limits_wanted.connect(self.show_limits)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self._stop_key = StopKey(app, self)
            self._stop_key.pressed.connect(self.emergency_stop)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        bars = QVBoxLayout()
        bars.setContentsMargins(7, 0, 7, 0)
        bars.setSpacing(6)
        bars.addWidget(bar)
        bars.addWidget(self.replay_bar)
        column.addLayout(bars)
        return top

    def _fill_recent(self) -> None:
        self._recent.clear()
        for text in self.workshop.settings.values.recent:
            self._recent.addAction(text, lambda text=text: self.files.open_paths([Path(text)]))
        if self._recent.isEmpty():
            action = self._recent.addAction("No files yet")
            if action is not None:
                action.setEnabled(False)

    def _transport(self) -> dict[str, QToolButton]:
        buttons: dict[str, QToolButton] = {}
        for action_id, sign in (
            ("to_start", "to_start"), ("previous_frame", "previous"), ("play", "play"), ("next_frame", "next"),
            ("to_end", "to_end"),
        ):  # fmt: skip
            button = QToolButton()
            button.setProperty("role", "tool")
            action = self.actions_table.by_id[action_id]
            button.setIcon(icons.icon(sign))
            button.setToolTip(action.toolTip())
            button.setAccessibleName(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _checked=False, action=action: action.trigger())
            buttons[action_id] = button
        self._play_button = buttons["play"]
        return buttons

    # --- conditions of actions -----------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self.desk.session.history.undo_label)

    @property
    def can_redo(self) -> bool:
        return bool(self.desk.session.history.redo_label)

    @property
    def can_save(self) -> bool:
        if self.files.is_readonly:
            return False
        return self.files.is_dirty or (self.files.is_untitled and self.has_data)

    @property
    def has_data(self) -> bool:
        return not self.desk.session.is_empty

    @property
    def has_file(self) -> bool:
        return self.files.path is not None

    # --- gestures ------------------------------------------------------------------------------------------------

    def new_session(self) -> None:
        self.files.new_session()

    def ask_open(self) -> None:
        self.files.ask_open()

    def open_demo(self) -> None:
        self.files.open_demo()

    def recover(self) -> None:
        if not recovery.offer(self):
            self.workshop.notices.info("There is no unsaved work to recover.")

    def save(self) -> None:
        self.files.save()

    def ask_save_as(self) -> None:
        self.files.ask_save_as()

    def toggle_record(self) -> None:
        self.recording.toggle()

    @property
    def is_recording(self) -> bool:
        return self.recording.is_recording

    def show_instruments(self) -> None:
        self.recording.show_instruments()

    def arm(self) -> None:
        self.recording.arm()

    def go_live(self) -> None:
        self.recording.cursor.go_live()

    def ask_replay(self) -> None:
        self.recording.ask_replay()

    def emergency_stop(self) -> None:
        self.guardian.emergency_stop()

    def show_program(self) -> None:
        self.guardian.show_program()

    def show_limits(self) -> None:
        self.guardian.show_limits()

    def undo(self) -> None:
        self.desk.session.history.undo()

    def redo(self) -> None:
        self.desk.session.history.redo()

    def mark_event(self) -> None:
        if self.has_data:
            event = events.mark(self.desk)
            self.workshop.notices.info(f"Marked {event.name} at {event.t:.2f} s.", "Rename it with Ctrl+F.")

    def toggle_play(self) -> None:
        self.player.toggle()

    def fit_time(self) -> None:
        extent = self.desk.session.extent()
        if extent:
            self.desk.session.focus.span = self._fitted_span = extent

    def _set_speed(self, speed: float) -> None:
        self.player.speed = speed

    def toggle_theme(self) -> None:
        self.use_theme("light" if theme.active().name == "dark" else "dark")

    def use_theme(self, name: str) -> None:
        self.workshop.settings.change(theme=name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, theme.LIGHT if name == "light" else theme.DARK)
        self.header.show_desk(self.desk)
        self.biasing_pane.mark()  # curves carry the colours they were made with
        self.eels_pane.redraw()

    def restore_panes(self) -> None:
        self.docks.restore_home()

    def use_preferences(self) -> None:
        values = self.workshop.settings.values
        self._autosave.start(int(values.autosave_s * 1000))
        if values.theme != theme.active().name:
            self.use_theme(values.theme)

    def open_dialog(self, dialog: QWidget) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    # --- window events -------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        mime = event.mimeData() if event is not None else None
        if event is not None and mime is not None and mime.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        mime = event.mimeData() if event is not None else None
        if event is not None and mime is not None:
            self.files.open_paths([Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()])
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if event is None:
            return
        if not (self.recording.may_leave() and self.files.may_leave()):
            event.ignore()
            return
        self._let_everything_go()
        event.accept()

    def end_without_asking(self, patience: int = PATIENCE) -> None:
        """The computer is shut down, say: a recording is ended properly; what is not saved is offered at the next start."""
        if self.is_recording:
            self.recording.stop(then=self.end_without_asking)
            return
        if patience == PATIENCE:
            self.files.autosave()
        if self.workshop.runner.tasks and patience > 0:  # it is being saved
            QTimer.singleShot(100, lambda: self.end_without_asking(patience - 1))
        else:
            self._let_everything_go(keep=True)
            QApplication.exit(0)

    def _let_everything_go(self, *, keep: bool = False) -> None:
        self.workshop.settings.change(
            window={"docks": self.docks.state(), "size": [self.width(), self.height()]}
        )
        self.player.stop()
        self.docks.close_panes()
        self.recording.close()
        self.files.close(keep=keep)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
