"""Closing asks, discarding discards, a crash is made good: the window and the file it has open."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import call_as_job, run_to_end
from tandem_em.desk import events
from tandem_em.desk.document import files, recovery
from tandem_em.model.session import Session
from tandem_widgets.shell.window.main_window import MainWindow

BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def named(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Path:
    """The window's session, saved and opened again."""
    path = tmp_path / "work" / "named.nxs"
    path.parent.mkdir()
    run_to_end(files.create_session(path, window.desk.session)).store.close()
    window.show_session(Session())
    open_in(qtbot, window, path)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Answer every question with the button of this name; what was asked."""

    def answering(answer: str) -> list[str]:
        texts: list[str] = []

        def exec_(box: QMessageBox) -> int:
            texts.append(box.text())
            button = next(b for b in box.buttons() if b.text().replace("&", "") == answer)
            button.click()
            return box.standardButton(button)

        monkeypatch.setattr(QMessageBox, "exec", exec_)
        return texts

    return answering


def idle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(
        lambda: not window.services.runner.tasks and not window.document.is_writing, timeout=30_000
    )


def open_in(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    window.files.open_paths([path])
    qtbot.waitUntil(lambda: window.document.path == path, timeout=30_000)
    idle(qtbot, window)


def content(path: Path) -> bytes:
    """The file without the note of who has it open."""
    return without_note(path.read_bytes())


def without_note(whole: bytes) -> bytes:
    note = (64 << 10) + 4096
    return whole[:note] + whole[note + 4096 :]


def names(path: Path) -> list[str]:
    opened = run_to_end(files.open_session(path, readonly=True))
    try:
        return [event.name for event in opened.session.events]
    finally:
        opened.store.close()


def test_nothing_is_asked_of_what_was_only_looked_at(
    qtbot: QtBot, window: MainWindow, named: Path, asked: Callable[[str], list[str]]
) -> None:
    before = content(named)
    texts = asked("Cancel")
    window.desk.session.focus.t = 5.0
    window.files.autosave()
    idle(qtbot, window)
    events.mark(window.desk, "a slip")
    assert window.document.is_dirty
    window.undo()
    assert not window.document.is_dirty
    assert window.close()
    assert texts == []
    assert content(named) == before
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


def test_discard_leaves_the_file_as_it_was_saved(
    qtbot: QtBot, window: MainWindow, named: Path, asked: Callable[[str], list[str]]
) -> None:
    before = content(named)
    events.mark(window.desk, "unwanted")
    window.files.autosave()
    idle(qtbot, window)
    assert named.with_name("named.nxs.recovery").is_file()
    texts = asked("Discard")
    assert window.close()
    assert texts == ["Save the changes to named.nxs?"]
    assert content(named) == before
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


def test_save_saves_and_closes(
    qtbot: QtBot, window: MainWindow, named: Path, asked: Callable[[str], list[str]]
) -> None:
    events.mark(window.desk, "wanted")
    window.files.autosave()
    idle(qtbot, window)
    asked("Save")
    assert window.close()
    assert names(named) == ["bias on", "wanted"]
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


def test_cancel_stays_and_goes_on_keeping(
    qtbot: QtBot, window: MainWindow, named: Path, asked: Callable[[str], list[str]]
) -> None:
    events.mark(window.desk, "kept")
    asked("Cancel")
    assert not window.close()
    assert window.isVisible()
    window.files.autosave()
    idle(qtbot, window)
    assert window.document.is_dirty
    assert names(named) == ["bias on"]
    assert named.with_name("named.nxs.recovery").is_file()
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)
    assert names(named) == ["bias on", "kept"]
    assert not named.with_name("named.nxs.recovery").exists()


def test_save_pressed_while_the_recovery_file_is_written_saves(
    qtbot: QtBot, window: MainWindow, named: Path
) -> None:
    events.mark(window.desk, "hasty")
    window.files.autosave()
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)
    idle(qtbot, window)
    assert names(named) == ["bias on", "hasty"]
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


@pytest.fixture
def crashed(qtbot: QtBot, window: MainWindow, named: Path) -> Path:
    """As after a kill: changes in the recovery file only, the window empty."""
    events.mark(window.desk, "lost and found")
    window.files.autosave()
    idle(qtbot, window)
    window.files.close(keep=True)
    window.show_session(Session())
    assert named.with_name("named.nxs.recovery").is_file()
    return named


def test_opening_after_a_crash_offers_the_changes(
    qtbot: QtBot, window: MainWindow, crashed: Path, asked: Callable[[str], list[str]]
) -> None:
    texts = asked("Recover")
    open_in(qtbot, window, crashed)
    assert "were not saved in named.nxs" in texts[0]
    assert [event.name for event in window.desk.session.events] == ["bias on", "lost and found"]
    assert window.document.is_dirty
    assert names(crashed) == ["bias on"]
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)
    idle(qtbot, window)
    assert names(crashed) == ["bias on", "lost and found"]
    assert [each.name for each in crashed.parent.iterdir()] == ["named.nxs"]


def test_opened_as_saved_the_changes_wait_until_something_is_saved(
    qtbot: QtBot, window: MainWindow, crashed: Path, asked: Callable[[str], list[str]]
) -> None:
    asked("Open as saved")
    open_in(qtbot, window, crashed)
    assert [event.name for event in window.desk.session.events] == ["bias on"]
    assert not window.document.is_dirty
    window.files.new_session()
    assert [lost.session_path for lost in recovery.everything([str(crashed)])] == [crashed.resolve()]
    open_in(qtbot, window, crashed)
    events.mark(window.desk, "other work")
    window.files.save()
    qtbot.waitUntil(lambda: not window.document.is_dirty, timeout=20_000)
    idle(qtbot, window)
    assert recovery.everything([str(crashed)]) == []
    assert names(crashed) == ["bias on", "other work"]


def test_what_was_put_off_can_be_recovered_from_the_menu_of_the_same_session(
    qtbot: QtBot, window: MainWindow, crashed: Path, asked: Callable[[str], list[str]]
) -> None:
    asked("Open as saved")
    open_in(qtbot, window, crashed)
    asked("Recover")
    window.actions_table.by_id["recover"].trigger()
    qtbot.waitUntil(lambda: window.document.is_dirty, timeout=30_000)
    assert not window.document.is_readonly
    assert [event.name for event in window.desk.session.events] == ["bias on", "lost and found"]


def test_opening_the_same_session_again_goes_back_to_what_was_saved(
    qtbot: QtBot, window: MainWindow, named: Path, asked: Callable[[str], list[str]]
) -> None:
    events.mark(window.desk, "unwanted")
    window.files.autosave()
    idle(qtbot, window)
    asked("Discard")
    window.files.open_paths([named])
    qtbot.waitUntil(lambda: window.document.path == named and not window.document.is_dirty, timeout=30_000)
    idle(qtbot, window)
    assert [event.name for event in window.desk.session.events] == ["bias on"]
    assert not window.document.is_readonly
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


def test_what_was_lost_is_offered_at_the_start_and_in_the_menu(
    qtbot: QtBot, window: MainWindow, crashed: Path, asked: Callable[[str], list[str]]
) -> None:
    texts = asked("Later")
    assert window.files.offer_lost_work()
    assert "were not saved in named.nxs" in texts[0]
    texts = asked("Recover")
    window.actions_table.by_id["recover"].trigger()
    qtbot.waitUntil(lambda: window.document.is_dirty, timeout=30_000)
    assert len(texts) == 1  # asked once, not again by the opening
    assert [event.name for event in window.desk.session.events] == ["bias on", "lost and found"]
    texts = asked("Discard")
    window.files.new_session()
    assert not window.files.offer_lost_work()


def test_ended_from_outside_the_changes_are_offered_at_the_next_start(
    qtbot: QtBot, window: MainWindow, named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("PyQt6.QtWidgets.QApplication.exit", staticmethod(ended.append))
    events.mark(window.desk, "the last thing")
    window.end_without_asking()
    qtbot.waitUntil(lambda: ended == [0], timeout=20_000)
    assert names(named) == ["bias on"]
    assert len(recovery.everything([str(named)])) == 1


WINDOW = """
import sys
from pathlib import Path
from PyQt6.QtCore import QTimer
from tandem_em.desk import events
from tandem_em.desk.settings import Settings
from tandem_widgets.shell.application import make_application, make_window

path = Path(sys.argv[1])
app = make_application()
settings = Settings()
settings.change(autosave_s=1.0)
window, bridge = make_window(settings)
window.show()
window.files.open_paths([path])
timer = QTimer()

def look():
    if window.document.path is None or window.services.runner.tasks:
        return
    if len(window.desk.session.events) == 1:
        events.mark(window.desk, "before the kill")
    elif path.with_name(path.name + ".recovery").exists() and not window.document.is_writing:
        print("kept", flush=True)

timer.timeout.connect(look)
timer.start(50)
app.exec()
"""


def test_a_window_that_is_killed_loses_no_edits(
    qtbot: QtBot,
    window: MainWindow,
    named: Path,
    asked: Callable[[str], list[str]],
) -> None:
    window.files.new_session()
    before = named.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(named)], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "kept\n"  # by the timer: nobody pressed anything
        program.kill()
    assert content(named) == without_note(before)
    texts = asked("Recover")
    assert window.files.offer_lost_work()  # at the next start
    qtbot.waitUntil(lambda: window.document.is_dirty, timeout=30_000)
    assert len(texts) == 1
    assert [event.name for event in window.desk.session.events] == ["bias on", "before the kill"]
    idle(qtbot, window)
    asked("Discard")
    window.files.new_session()
    assert named.read_bytes() == before
    assert [each.name for each in named.parent.iterdir()] == ["named.nxs"]


@pytest.mark.expects_log
def test_a_session_that_is_open_elsewhere_asks_for_another_name(
    qtbot: QtBot,
    window: MainWindow,
    named: Path,
    asked: Callable[[str], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window.files.new_session()
    other = run_to_end(files.open_session(named))
    try:
        open_in(qtbot, window, named)
        assert window.document.is_readonly
        events.mark(window.desk, "mine")
        copy = named.with_name("mine.nxs")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(copy), ""))
        texts = asked("Save")
        assert window.close()
        assert texts == ["Save the changes to named.nxs?"]
    finally:
        other.store.close()
    assert names(copy) == ["bias on", "mine"]
    assert names(named) == ["bias on"]


def test_saving_the_demo_asks_for_a_name(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.desk.session
    monkeypatch.setattr("tandem_em.desk.demo.build.build_demo", lambda *_: call_as_job(lambda: session))
    window.show_session(Session())
    window.files.open_demo()
    qtbot.waitUntil(lambda: window.document.path is not None, timeout=30_000)
    idle(qtbot, window)
    opened = window.document.path
    assert opened is not None
    before = content(opened)
    events.mark(window.desk, "a visitor")
    mine = tmp_path / "mine.nxs"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(mine), ""))
    window.files.save()
    qtbot.waitUntil(lambda: window.document.path == mine, timeout=20_000)
    idle(qtbot, window)
    assert names(mine) == ["bias on", "a visitor"]
    assert content(opened) == before
