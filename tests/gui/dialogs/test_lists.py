"""The lists of events and of contents: they show the session, follow it, and each change is one undoable step."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton, QTreeWidgetItem, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk import events
from tandem_em.desk.desk import Desk
from tandem_widgets.dialogs.contents import ContentsDialog
from tandem_widgets.dialogs.events import EventsDialog


def button(dialog: QWidget, text: str) -> QPushButton:
    return next(each for each in dialog.findChildren(QPushButton) if each.text() == text)


@pytest.fixture
def listed(desk: Desk, parent: QWidget) -> EventsDialog:
    return EventsDialog(parent, desk)


def rows(dialog: EventsDialog) -> list[tuple[str, ...]]:
    table = dialog.table
    return [tuple(table.item(row, column).text() for column in range(3)) for row in range(table.rowCount())]


def test_events_stand_in_the_order_of_time_and_follow_the_session(listed: EventsDialog, desk: Desk) -> None:
    assert rows(listed) == [("2.00", "bias on", "bias"), ("17.00", "contact lost", "note")]
    events.mark(desk, "first light", t=-1.0)
    assert rows(listed)[0] == ("-1.00", "first light", "note")
    desk.session.history.undo()
    assert len(rows(listed)) == 2


def test_words_are_searched_in_text_and_type_and_enter_jumps(
    listed: EventsDialog, desk: Desk, qtbot: QtBot
) -> None:
    qtbot.keyClicks(listed.line, "NOTE lost")
    assert [row[1] for row in rows(listed)] == ["contact lost"]
    qtbot.keyClick(listed.line, Qt.Key.Key_Return)
    assert desk.session.focus.t == 17.0
    assert len(desk.session.events) == 2, "Enter removes nothing"
    listed.line.setText("no such words")
    assert rows(listed) == []
    button(listed, "Go to").click()
    button(listed, "Remove").click()
    assert desk.session.focus.t == 17.0
    assert len(desk.session.events) == 2


def test_a_typed_text_is_a_step_that_can_be_undone(listed: EventsDialog, desk: Desk) -> None:
    listed.table.item(1, 1).setText("  contact found ")
    assert [event.name for event in desk.session.events] == ["bias on", "contact found"]
    assert desk.session.history.undo_label == "Rename contact lost"
    listed.table.item(0, 2).setText("beam")
    assert desk.session.events.named("bias on").category == "beam"
    for _ in range(2):
        desk.session.history.undo()
    assert rows(listed) == [("2.00", "bias on", "bias"), ("17.00", "contact lost", "note")]


def test_the_chosen_event_is_removed(listed: EventsDialog, desk: Desk) -> None:
    listed.table.selectRow(1)
    button(listed, "Remove").click()
    assert [event.name for event in desk.session.events] == ["bias on"]
    assert rows(listed) == [("2.00", "bias on", "bias")]
    desk.session.history.undo()
    assert len(rows(listed)) == 2


def test_times_cannot_be_typed(listed: EventsDialog) -> None:
    assert not listed.table.item(0, 0).flags() & Qt.ItemFlag.ItemIsEditable
    assert listed.table.item(0, 1).flags() & Qt.ItemFlag.ItemIsEditable


def groups(dialog: ContentsDialog) -> dict[str, list[QTreeWidgetItem]]:
    tops = [dialog.tree.topLevelItem(number) for number in range(dialog.tree.topLevelItemCount())]
    return {top.text(0): [top.child(number) for number in range(top.childCount())] for top in tops}


def names(dialog: ContentsDialog) -> dict[str, list[str]]:
    return {heading: [row.text(0) for row in children] for heading, children in groups(dialog).items()}


def test_the_contents_are_grouped_with_what_they_are(desk: Desk, parent: QWidget) -> None:
    dialog = ContentsDialog(parent, desk)
    found = names(dialog)
    assert found["Biasing"] == ["log"]
    assert found["Image stacks"] == ["movie"]
    assert found["Spectrum images"] == ["SI"]
    assert found["Particles"] == [particle.name for particle in desk.session.particles]
    assert "350 samples" in groups(dialog)["Biasing"][0].text(1)
    assert "40 frames of 32 × 32" in groups(dialog)["Image stacks"][0].text(1)


def test_names_are_edited_in_place_and_never_emptied(desk: Desk, parent: QWidget, qtbot: QtBot) -> None:
    dialog = ContentsDialog(parent, desk)
    groups(dialog)["Biasing"][0].setText(0, " sample A ")
    assert desk.session.runs.first.name == "sample A"
    assert desk.session.history.undo_label == "Rename log"
    qtbot.waitUntil(lambda: names(dialog)["Biasing"] == ["sample A"])
    groups(dialog)["Biasing"][0].setText(0, "   ")
    assert desk.session.runs.first.name == "sample A"
    desk.session.history.undo()
    qtbot.waitUntil(lambda: names(dialog)["Biasing"] == ["log"])


def test_an_item_is_shown_removed_and_brought_back(desk: Desk, parent: QWidget, qtbot: QtBot) -> None:
    dialog = ContentsDialog(parent, desk)
    particle = desk.session.particles.first
    dialog.tree.setCurrentItem(groups(dialog)["Particles"][0])
    button(dialog, "Show").click()
    assert desk.session.focus.selected("particle") == particle.id
    button(dialog, "Remove").click()
    assert desk.session.particles.get(particle.id) is None
    qtbot.waitUntil(lambda: particle.name not in names(dialog)["Particles"])
    desk.session.history.undo()
    qtbot.waitUntil(lambda: particle.name in names(dialog)["Particles"])
    dialog.tree.setCurrentItem(dialog.tree.topLevelItem(0))
    button(dialog, "Remove").click()
    assert len(desk.session.runs) == 1, "a heading is no item"
