"""The doctor's buttons mend, the clock tool moves, the tour walks and cleans up, the guide is found and searched."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import call_as_job, run_to_end
from tandem_em.desk.document import files
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.session import Session
from tandem_widgets.dialogs.clocks import ClocksDialog
from tandem_widgets.dialogs.diagnostics.dialog import DoctorDialog
from tandem_widgets.dialogs.help.guide import GuideDialog
from tandem_widgets.dialogs.help.sheet import ShortcutSheet
from tandem_widgets.dialogs.help.tour import STOPS, Glow, Tour
from tandem_widgets.shell.application import first_steps
from tandem_widgets.shell.window.main_window import MainWindow


def idle(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=60_000)


def opened(window: MainWindow, kind: type[QDialog]) -> QDialog:
    return next(child for child in window.children() if isinstance(child, kind))


def test_a_finding_is_mended_by_its_button(qtbot: QtBot, window: MainWindow) -> None:
    stack = window.desk.session.stacks.first
    assert stack is not None
    window.desk.change("forget", stack, axis0_is_time=None)
    dialog = DoctorDialog(window, window.desk)
    idle(window, qtbot)
    row = next(
        row
        for row in dialog.rows
        if [b.text() for b in row.buttons] == ["Movie over time", "Separate images"]
    )
    row.buttons[0].click()
    assert stack.axis0_is_time is True
    qtbot.waitUntil(
        lambda: not any(row.buttons and row.buttons[0].text() == "Movie over time" for row in dialog.rows),
        timeout=30_000,
    )
    idle(window, qtbot)
    window.undo()
    assert stack.axis0_is_time is None
    dialog.close()


def button_of(dialog: DoctorDialog, sentence: str, text: str) -> QPushButton | None:
    for row in dialog.rows:
        if any(sentence in label.text() for label in row.findChildren(QLabel)):
            return next((button for button in row.buttons if button.text() == text), None)
    return None


def test_a_stale_result_is_made_again_by_a_click(qtbot: QtBot, window: MainWindow) -> None:
    session = window.desk.session
    stack = session.stacks.first
    assert stack is not None
    stacks.region_statistics(window.desk, stack, (0, 0, 10, 10))
    idle(window, qtbot)
    window.desk.change("calibrate", stack, pixel_nm=2.0)
    window.dialogs.show_doctor()
    dialog = opened(window, DoctorDialog)
    assert isinstance(dialog, DoctorDialog)
    qtbot.waitUntil(lambda: button_of(dialog, "out of date", "Recompute") is not None, timeout=30_000)
    (result,) = session.results
    step_before = result.made_by
    button = button_of(dialog, "out of date", "Recompute")
    assert button is not None
    button.click()
    qtbot.waitUntil(lambda: button_of(dialog, "out of date", "Recompute") is None, timeout=30_000)
    assert list(session.results) == [result]
    assert result.made_by != step_before
    window.undo()
    qtbot.waitUntil(lambda: button_of(dialog, "out of date", "Recompute") is not None, timeout=30_000)
    assert result.made_by == step_before
    dialog.close()


def test_a_finding_is_noted_and_said_again(qtbot: QtBot, window: MainWindow) -> None:
    stack = window.desk.session.stacks.first
    assert stack is not None
    window.desk.change("nominal", stack, times_from="nominal")
    window.dialogs.show_doctor()
    dialog = opened(window, DoctorDialog)
    assert isinstance(dialog, DoctorDialog)
    button = button_of(dialog, "nominal", "Mark as reviewed")
    assert button is not None
    assert not dialog.noted.isVisible()
    button.click()
    qtbot.waitUntil(lambda: button_of(dialog, "nominal", "Mark as reviewed") is None, timeout=30_000)
    assert dialog.noted.text() == "Show 1 reviewed finding again"
    dialog.noted.click()
    qtbot.waitUntil(lambda: button_of(dialog, "nominal", "Mark as reviewed") is not None, timeout=30_000)
    idle(window, qtbot)
    dialog.close()


def test_a_provisional_clock_leads_to_the_clock_tool(qtbot: QtBot, window: MainWindow) -> None:
    window.dialogs.show_doctor()
    idle(window, qtbot)
    doctor = opened(window, DoctorDialog)
    assert isinstance(doctor, DoctorDialog)
    button = next(b for row in doctor.rows for b in row.buttons if b.text() == "Clocks…")
    button.click()
    assert isinstance(opened(window, ClocksDialog), ClocksDialog)
    doctor.close()
    opened(window, ClocksDialog).close()


def test_a_common_event_moves_a_stream(qtbot: QtBot, window: MainWindow) -> None:
    session = window.desk.session
    run = session.runs.first
    assert run is not None
    dialog = ClocksDialog(window, window.desk, run.clock.id)
    assert dialog.clock is run.clock
    session.focus.t = 2.0
    dialog.mark_here()
    session.focus.t = 3.5
    dialog.mark_there()
    assert dialog.apply.text() == "Shift by +1.500 s"
    dialog.apply.click()
    assert run.clock.offset_s == pytest.approx(1.5)
    assert float(run.t[0]) == pytest.approx(1.5)
    assert dialog.table.item(dialog.table.currentRow(), 2).text() == "marked event"  # type: ignore[union-attr]
    window.undo()
    assert run.clock.offset_s == 0.0
    dialog.close()


def test_a_map_is_placed_in_time(window: MainWindow) -> None:
    image = window.desk.session.maps.first
    assert image is not None
    dialog = ClocksDialog(window, window.desk, image.id)
    assert dialog.map_choice.currentText() == image.name
    dialog.map_start.setValue(4.0)
    dialog.map_end.setValue(9.0)
    dialog.place_map()
    assert image.interval == pytest.approx((4.0, 9.0))
    dialog.close()


def test_the_tour_walks_through_and_leaves_nothing(qtbot: QtBot, window: MainWindow) -> None:
    window.dialogs.start_tour()
    tour = opened(window, Tour)
    assert isinstance(tour, Tour)
    assert window.services.settings.values.tour_seen
    seen = [tour.heading.text()]
    for _ in STOPS[1:]:
        tour.next.click()
        seen.append(tour.heading.text())
    assert seen == [stop.title for stop in STOPS]
    qtbot.keyClick(tour, Qt.Key.Key_Left)
    assert tour.heading.text() == STOPS[-2].title
    qtbot.keyClick(tour, Qt.Key.Key_Return)
    assert tour.heading.text() == STOPS[-1].title
    qtbot.keyClick(tour, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: not window.findChildren(Glow))


def test_keys_of_panes_are_on_the_sheet_and_in_the_palette(window: MainWindow) -> None:
    window.dialogs.show_shortcuts()
    sheet = opened(window, ShortcutSheet)
    labels = {label.text() for label in sheet.findChildren(QLabel)}
    assert {"Image stack", "Outline a particle", "Profile along a line", "Export…"} <= labels
    assert sheet.width() < 1240  # it has to fit on a small screen
    sheet.close()


def test_the_guide_is_searched(window: MainWindow) -> None:
    guide = GuideDialog(window)
    guide.search.setText("Diagnostics")
    guide.find_next()
    assert guide.page.textCursor().selectedText() == "Diagnostics"
    guide.close()


def test_any_pane_is_copied_as_a_picture(window: MainWindow) -> None:
    window.docks.panes[1].setFocus()
    window.copies.copy_pane()
    image = QGuiApplication.clipboard().image()  # type: ignore[union-attr]
    assert image.width() >= 2 * 200
    assert "screenshot" in window.services.notices.items[-1].title


def test_what_a_pane_shows_is_copied_as_a_figure_for_print(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None

    def drawn() -> bytes:
        mime = clipboard.mimeData()
        return bytes(mime.data("image/svg+xml")) if mime is not None and mime.hasImage() else b""

    for pane, words in zip(window.docks.panes, (b"nm", b"Li K", b"Voltage")):
        clipboard.clear()
        monkeypatch.setattr(window.docks, "pane_in_use", lambda pane=pane: pane)
        window.copies.copy_figure()
        qtbot.waitUntil(lambda: bool(drawn()), timeout=60_000)
        assert words in drawn()
    window.biasing_pane.show_view("gitt")
    window.copies.copy_figure()
    assert "no publication figure" in window.services.notices.items[-1].title


def test_the_first_start_shows_the_demo_and_the_tour(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_to_end(files.create_session(tmp_path / "demo.nxs", window.desk.session)).store.close()
    monkeypatch.setattr(
        "tandem_em.desk.demo.build.demo_path", lambda: call_as_job(lambda: tmp_path / "demo.nxs")
    )
    window.show_session(Session())
    first_steps(window, [], demo=False)
    qtbot.waitUntil(lambda: any(isinstance(child, Tour) for child in window.children()), timeout=60_000)
    assert window.document.name == "demo.nxs"
    opened(window, Tour).close()
