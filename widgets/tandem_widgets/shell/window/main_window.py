"""The main window: header, three docks, status strip; it makes the panes of the open session and shows what can be done."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QApplication, QMainWindow, QMenu, QToolButton, QVBoxLayout, QWidget

from tandem_em.desk.desk import Desk
from tandem_em.desk.document.document import Document
from tandem_em.model.items import Item
from tandem_em.model.session import Session
from tandem_widgets.panes.biasing.pane import BiasingPane
from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.parts.basic import icons, theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.basic.refresh import Refresher
from tandem_widgets.shell.actions.table import MENUS, ActionTable
from tandem_widgets.shell.actions.window_actions import WindowActions
from tandem_widgets.shell.context import AppServices, Views, WindowContext, WindowParts
from tandem_widgets.shell.window.docks import PaneDocks
from tandem_widgets.shell.window.guardian_bar import GuardianBar, StopKey
from tandem_widgets.shell.window.header import Header
from tandem_widgets.shell.window.player import Player
from tandem_widgets.shell.window.reading_sign import ReadingSign
from tandem_widgets.shell.window.replay_bar import ReplayBar
from tandem_widgets.shell.window.status import StatusStrip

PATIENCE = 30
"""Tenths of a second in which what is being saved may end."""
TRANSPORT = {
    "to_start": "to_start", "previous_frame": "previous", "play": "play", "next_frame": "next", "to_end": "to_end",
}  # fmt: skip
"""Buttons in the header: action and sign."""


class MainWindow(QMainWindow):
    """One window, one session at a time."""

    def __init__(self, services: AppServices) -> None:
        super().__init__()
        self.setWindowTitle("TandEM")
        self.setAcceptDrops(True)
        self.services = services
        self.state_refresher = Refresher(self, self._show_state)
        self._bindings = Bindings(self)
        # for the views, which stop the player of the session before
        self.player = Player(self, Session())
        self._menu = QMenu(self)
        self._transport = {action_id: QToolButton() for action_id in TRANSPORT}
        self.header = Header(self._menu, self._transport)
        self.guardian_bar = GuardianBar()
        self.replay_bar = ReplayBar()
        self.setMenuWidget(self._make_top())
        self.setContentsMargins(7, 0, 7, 0)
        self.docks = PaneDocks(self)
        self.reading = ReadingSign(self, self.docks)
        self._make_status()
        # after all parts: it puts the views of an empty session into them at once
        self.context = WindowContext(self, services, self._parts(), self)
        self._take_actions(WindowActions(self.context))
        self._fill_menu()
        self._fill_transport()
        self._connect_bars()
        self.state_refresher.flush()

    def _take_actions(self, actions: WindowActions) -> None:
        self._edit = actions.edit
        self.files, self.dialogs = actions.files, actions.dialogs
        self.copies, self.time = actions.copies, actions.time
        self.recording, self.guardian = actions.recording, actions.guardian
        self.actions_table = ActionTable(self, actions)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk:
        """The desk of the open session."""
        return self.context.desk

    @property
    def document(self) -> Document:
        """The open document."""
        return self.context.document

    def show_session(self, session: Session) -> None:
        """Show a session that has no file yet."""
        self.files.replace_document(self.services.document(session))

    def show_views(self, desk: Desk) -> Views:
        """Everything that looked at another session is made anew."""
        # chosen by a person, so it outlives the session
        speed = self.player.speed
        self.player.stop()
        self._bindings.release()
        self._bindings = Bindings(self)
        self.player = Player(self, desk.session)
        self.player.speed = speed
        self.player.playing_changed.connect(self._show_playing)
        self.stack_pane = StackPane(desk)
        self.docks.stack.show_pane(self.stack_pane)
        self.eels_pane = EelsPane(desk)
        self.docks.eels.show_pane(self.eels_pane)
        self.biasing_pane = BiasingPane(desk)
        self.docks.biasing.show_pane(self.biasing_pane)
        self.header.show_desk(desk)
        self._bind(desk.session)
        calibrate = self.stack_pane.tools.measuring.activate_scale_bar
        return Views(self.stack_pane, self.biasing_pane, self.player, calibrate)

    def _bind(self, session: Session) -> None:
        self._bindings.on(session.history.changed, self.refresh)
        self._bindings.on(session.changed, lambda _item: self.refresh())
        for streams in (session.runs, session.stacks, session.maps):
            self._bindings.on(streams.added, self._fit_new_stream)

    def _fit_new_stream(self, item: Item) -> None:
        """While recording the strip follows the newest moment: a map of another day must not take it away."""
        if not self.recording.is_recording:
            self.time.fit_new_stream(item)

    def refresh(self) -> None:
        """Show title and actions anew, once, in the next turn of the event loop."""
        self.state_refresher.mark()

    def _show_state(self) -> None:
        self._show_file()
        history, by_id = self.desk.session.history, self.actions_table.by_id
        by_id["undo"].setText(f"Undo {history.undo_label}".strip())
        by_id["redo"].setText(f"Redo {history.redo_label}".strip())
        self.actions_table.refresh()

    def _show_file(self) -> None:
        document = self.document
        mark = " •" if document.is_dirty else ""
        locked = (document.holder or "The file is write-protected.") if document.is_readonly else ""
        self.header.show_file(document.name + mark, str(document.path or "Not saved yet"), locked)
        self.setWindowTitle(f"{document.name}{mark} – TandEM")

    def _show_playing(self, playing: bool) -> None:
        self._transport["play"].setIcon(icons.icon("pause" if playing else "play"))

    def use_theme(self, name: str) -> None:
        """Dress the program `light` or `dark` and remember that."""
        self.services.settings.change(theme=name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, theme.LIGHT if name == "light" else theme.DARK)
        self.header.show_desk(self.desk)
        self.biasing_pane.mark()  # curves carry the colours they were made with
        self.eels_pane.redraw()

    # --- building ------------------------------------------------------------------------------------------------

    def _make_top(self) -> QWidget:
        """The header, and the bar of the guardian while a cell is driven."""
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        bars = QVBoxLayout()
        bars.setContentsMargins(7, 0, 7, 0)
        bars.setSpacing(6)
        bars.addWidget(self.guardian_bar)
        bars.addWidget(self.replay_bar)
        column.addLayout(bars)
        return top

    def _make_status(self) -> None:
        self.status = StatusStrip(self.services.runner, self.services.notices)
        strip = self.statusBar()
        if strip is not None:
            strip.setSizeGripEnabled(False)
            strip.addWidget(self.status, 1)

    def _parts(self) -> WindowParts:
        docks = self.docks
        places = {"stack": docks.stack, "eels": docks.eels, "biasing": docks.biasing, "header": self.header}
        return WindowParts(docks, self.header, self.guardian_bar, self.replay_bar, self.reading, dict(places))

    def _connect_bars(self) -> None:
        self.header.speed_chosen.connect(self._set_speed)
        self.header.live_wanted.connect(self.recording.cursor.go_live)
        bar = self.guardian_bar
        bar.stop_wanted.connect(self.guardian.emergency_stop)
        bar.program_wanted.connect(self.guardian.show_program)
        bar.limits_wanted.connect(self.guardian.show_limits)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self._stop_key = StopKey(app, self)
            self._stop_key.pressed.connect(self.guardian.emergency_stop)

    def _set_speed(self, speed: float) -> None:
        self.player.speed = speed

    def _fill_menu(self) -> None:
        for name in MENUS:
            sub = QMenu(name, self._menu)
            self.actions_table.fill(sub, name)
            if name == "File":
                self._recent = QMenu("Recent", sub)
                self._recent.aboutToShow.connect(self._fill_recent)
                sub.insertMenu(self.actions_table.by_id["demo"], self._recent)
            self._menu.addMenu(sub)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for text in self.services.settings.values.recent:
            self._recent.addAction(text, lambda text=text: self.files.open_paths([Path(text)]))
        if self._recent.isEmpty():
            action = self._recent.addAction("No files yet")
            if action is not None:
                action.setEnabled(False)

    def _fill_transport(self) -> None:
        for action_id, button in self._transport.items():
            action = self.actions_table.by_id[action_id]
            button.setProperty("role", "tool")
            button.setIcon(icons.icon(TRANSPORT[action_id]))
            button.setToolTip(action.toolTip())
            button.setAccessibleName(action.text())
            # Space plays: it must not press the button that was clicked last
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _checked=False, action=action: action.trigger())

    # --- gestures ------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the last step back."""
        self._edit.undo()

    def redo(self) -> None:
        """Do the step that was taken back once more."""
        self._edit.redo()

    # --- window events -------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Files are welcome; what they are is found out when they are dropped."""
        mime = event.mimeData() if event is not None else None
        if event is not None and mime is not None and mime.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Open or import files of this computer; other addresses are left out."""
        mime = event.mimeData() if event is not None else None
        if event is not None and mime is not None:
            self.files.open_paths([Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()])
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Ask about a running recording, then about changes; either answer can keep the window."""
        if event is None:
            return
        # the recording first: once it has ended it closes the window anew
        if not (self.recording.may_leave() and self.files.may_leave()):
            event.ignore()
            return
        self._let_everything_go()
        event.accept()

    def end_without_asking(self, patience: int = PATIENCE) -> None:
        """The computer is shut down, say: a recording is ended properly; what is not saved is offered at the next start."""
        if self.recording.is_recording:
            self.recording.stop(then=self.end_without_asking)
            return
        # once, not at every look
        if patience == PATIENCE:
            self.files.autosave()
        if self.services.runner.tasks and patience > 0:  # it is being saved
            QTimer.singleShot(100, lambda: self.end_without_asking(patience - 1))
        else:
            self._let_everything_go(keep=True)
            QApplication.exit(0)

    def _let_everything_go(self, *, keep: bool = False) -> None:
        self.services.settings.change(
            window={"docks": self.docks.state(), "size": [self.width(), self.height()]}
        )
        self.player.stop()
        self.docks.close_panes()
        self.recording.close()
        self.files.close(keep=keep)
