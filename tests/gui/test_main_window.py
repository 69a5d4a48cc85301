"""The window as a person uses it: one cursor, one history, keys, palette, themes, files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PyQt6.QtWidgets import QMessageBox, QWidget
from pytestqt.qtbot import QtBot
from settling import settle

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.desk import events
from tandem_em.desk.document import places
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.shell.actions.command_palette import CommandPalette, match_score
from tandem_widgets.shell.application import has_room
from tandem_widgets.shell.window.main_window import MainWindow


class PaintCounter(QObject):
    """Counts paint events of the widgets it watches."""

    def __init__(self, widgets: dict[str, QWidget]) -> None:
        super().__init__()
        self._names = {id(widget): name for name, widget in widgets.items()}
        self.count: Counter[str] = Counter()
        for widget in widgets.values():
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Paint:
            self.count[self._names[id(watched)]] += 1
        return False


def settled(qtbot: QtBot, window: MainWindow) -> None:
    settle(qtbot, window.services.runner)


def test_moving_the_cursor_repaints_each_pane_once(qtbot: QtBot, window: MainWindow) -> None:
    settled(qtbot, window)
    stack, eels, biasing = (dock.widget() for dock in window.docks.all)
    focus = window.desk.session.focus
    focus.t = 4.0
    settled(qtbot, window)
    counter = PaintCounter({"canvas": stack.canvas, "lanes": biasing.lanes, "spectrum": eels.spectrum})
    focus.t = 7.3
    settled(qtbot, window)
    assert counter.count["canvas"] == 1
    assert counter.count["lanes"] == 1
    assert counter.count["spectrum"] == 0  # nothing in it depends on the time
    assert stack.canvas.stamp == "6.84 s"


def test_the_header_reads_what_the_cursor_reads(qtbot: QtBot, window: MainWindow) -> None:
    window.desk.session.focus.t = 5.0
    qtbot.waitUntil(lambda: "t = 5.00 s" in window.header.readout.text())
    assert "−0.200 V" in window.header.readout.text()
    assert "frame 10 / 20" in window.header.readout.text()


def test_marking_is_one_undoable_step_with_a_label(qtbot: QtBot, window: MainWindow) -> None:
    window.desk.session.focus.t = 6.0
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert [event.t for event in window.desk.session.events] == [2.0, 6.0]
    undo = window.actions_table.by_id["undo"]
    qtbot.waitUntil(lambda: undo.text() == "Undo Mark event 2", timeout=1000)
    undo.trigger()
    assert len(window.desk.session.events) == 1
    redo = window.actions_table.by_id["redo"]
    qtbot.waitUntil(lambda: redo.text() == "Redo Mark event 2", timeout=1000)
    assert not undo.isEnabled()


def test_stepping_and_jumping(qtbot: QtBot, window: MainWindow) -> None:
    focus = window.desk.session.focus
    focus.t = 0.0
    window.time.next_frame()
    assert focus.t == pytest.approx(10 / 19)
    window.time.previous_frame()
    assert focus.t == 0.0
    window.time.next_event()
    assert focus.t == 2.0
    window.time.to_end()
    assert focus.t == 10.0


def test_playing_moves_the_cursor_and_stops_at_the_end(qtbot: QtBot, window: MainWindow) -> None:
    focus = window.desk.session.focus
    focus.t = 9.9
    window.player.speed = 10
    window.time.toggle_play()
    qtbot.waitUntil(lambda: not window.player.is_playing, timeout=5000)
    assert focus.t == 10.0


def test_palette_finds_commands_and_runs_them(qtbot: QtBot, window: MainWindow) -> None:
    palette = CommandPalette(window, list(window.actions_table.by_id.values()))
    qtbot.addWidget(palette)
    palette.line.setText("mark")
    item = palette.list.item(0)
    assert item is not None
    assert item.text().startswith("Mark an event")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert len(window.desk.session.events) == 2


def test_palette_scores() -> None:
    assert match_score("save", "Save as…") > match_score("save", "Autosave now")
    assert match_score("xyz", "Save") == 0


def test_both_themes_reach_every_pane(qtbot: QtBot, window: MainWindow) -> None:
    drawn = window.eels_pane.refreshes
    window.use_theme("light")
    qtbot.waitUntil(lambda: window.eels_pane.refreshes > drawn)  # in the colours of now
    settled(qtbot, window)
    assert theme.active().name == "light"
    corner = window.docks.biasing.widget().grab().toImage().pixelColor(8, 60)
    assert corner.lightness() > 200
    window.use_theme("dark")


def test_every_action_has_a_tip_and_shortcuts_are_unique(window: MainWindow) -> None:
    shortcuts = [row.shortcut for row in window.actions_table.rows if row.shortcut]
    assert len(shortcuts) == len(set(shortcuts))
    assert all(row.tip for row in window.actions_table.rows)


def test_panes_float_and_come_home(qtbot: QtBot, window: MainWindow) -> None:
    window.docks.eels.setFloating(True)
    assert window.docks.eels.isFloating()
    window.docks.restore_home()
    assert not window.docks.eels.isFloating()


def test_a_recovery_copy_that_comes_too_late_does_not_take_the_place_of_the_next_session(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    late = tmp_path / "late.nxs"
    monkeypatch.setattr(places, "untitled_path", lambda: late)
    window.files.autosave()
    window.files.close()
    window.show_session(Session())
    qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=20_000)
    qtbot.waitUntil(lambda: not late.exists(), timeout=5_000)
    assert window.document.is_untitled
    assert window.document.path is None
    assert not list(tmp_path.glob("late*"))


def test_a_new_session_lives_in_a_recovery_file_until_it_is_named(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.files.autosave()
    settled(qtbot, window)
    assert window.document.is_untitled
    assert not window.document.is_dirty
    window.document.save_as(tmp_path / "named.nxs")
    qtbot.waitUntil(lambda: not window.document.is_untitled, timeout=20_000)
    assert window.document.name == "named.nxs"
    assert window.desk.session.stacks.first is not None
    assert window.desk.session.stacks.first.frame(3).shape == (64, 80)
    events.mark(window.desk, "later")
    assert window.document.is_dirty
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)


def test_a_saved_session_opens_again_with_everything(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "again.nxs"
    window.document.save_as(path)
    qtbot.waitUntil(lambda: window.document.path == path, timeout=20_000)
    window.files.new_session()
    assert window.desk.session.is_empty
    window.files.open_paths([path])
    qtbot.waitUntil(lambda: not window.desk.session.is_empty, timeout=20_000)
    settled(qtbot, window)
    assert [event.name for event in window.desk.session.events] == ["bias on"]
    assert window.services.settings.values.recent[0] == str(path.resolve())


def test_leaving_with_unsaved_changes_asks(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(box: QMessageBox) -> int:
        asked.append(box.text())
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "exec", answer)
    events.mark(window.desk, "unsaved")
    assert not window.files.may_leave()
    assert asked == ["Save the changes to untitled?"]


@pytest.mark.expects_log
def test_a_wrong_file_is_a_sentence_in_the_strip(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    wrong = tmp_path / "holiday.xyz"
    wrong.write_bytes(bytes(range(256)) * 20)
    window.files.open_paths([wrong])
    qtbot.waitUntil(lambda: bool(window.services.notices.items), timeout=10_000)
    notice = window.services.notices.items[-1]
    assert "holiday.xyz" in notice.title
    assert notice.advice
    assert len(window.desk.session.runs) == 1


@pytest.mark.expects_log
def test_notices_show_errors_until_dismissed(window: MainWindow) -> None:
    window.services.notices.tell(UserError("The disk is full.", "Free some space."))
    assert "The disk is full." in window.status.notice.toolTip()


def test_recording_a_growing_file_from_the_window(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time (s),voltage (V),current (A)\n" + "".join(f"{t}.0,3.6,1e-11\n" for t in range(20)))
    (tmp_path / "setup.toml").write_text('[[source]]\nkind = "text"\nname = "bias"\npath = "log.csv"\n')
    window.recording.start(tmp_path / "setup.toml")
    qtbot.waitUntil(lambda: window.recording.is_recording, timeout=20_000)
    session = window.desk.session
    qtbot.waitUntil(lambda: session.runs.first is not None and len(session.runs.first) >= 19, timeout=20_000)
    assert window.header.recording.isVisibleTo(window)
    window.recording.stop()
    qtbot.waitUntil(lambda: not window.recording.is_recording, timeout=20_000)
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)
    assert not window.header.recording.isVisibleTo(window)


def test_a_chosen_span_stays_when_more_is_imported(qtbot: QtBot, window: MainWindow) -> None:
    settled(qtbot, window)
    session, said = window.desk.session, window.services.notices.items
    later = BiasRun(name="later", times=GrowingArray(np.array([50.0, 60.0])))
    session.runs.add(later)
    assert session.focus.span == (0.0, 60.0)  # nobody has chosen another one
    session.focus.span = (2.0, 4.0)
    session.runs.add(BiasRun(name="far", times=GrowingArray(np.array([500.0, 600.0]))))
    assert session.focus.span == (2.0, 4.0)
    assert [notice.title for notice in said if "outside" in notice.title] == [
        "far lies outside the time in view."
    ]
    window.time.fit()
    session.runs.add(BiasRun(name="last", times=GrowingArray(np.array([800.0, 900.0]))))
    assert session.focus.span == (0.0, 900.0)
    settled(qtbot, window)


def test_empty_panes_say_what_is_being_read(qtbot: QtBot, window: MainWindow) -> None:
    window.show_session(Session())
    settled(qtbot, window)
    hints = [pane.hint for pane in window.docks.panes]
    gate = Event()

    def slow() -> Job[None]:
        while not gate.is_set():
            yield Progress(0, 0, "Simulating the movie")
            gate.wait(0.01)

    window.reading.follow(window.desk.start("Building the demo experiment", slow()))
    said = "Building the demo experiment …\nSimulating the movie"
    qtbot.waitUntil(lambda: [pane.hint for pane in window.docks.panes] == [said] * 3)
    gate.set()
    qtbot.waitUntil(lambda: [pane.hint for pane in window.docks.panes] == hints)


def test_a_window_as_large_as_the_screen_is_maximized(window: MainWindow) -> None:
    """Its frame would not fit otherwise and the last line would hang below the screen."""
    room = QRect(0, 0, 1600, 1000)
    assert has_room(QSize(1500, 900), room)
    assert not has_room(QSize(1600, 1000), room)
    assert not has_room(QSize(1590, 985), room)
