"""Actions without a window: each row calls what it says and is greyed out as it says."""

from __future__ import annotations

import re
from pathlib import Path

from PyQt6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from tandem_widgets.shell.actions import table
from tandem_widgets.shell.actions.table import MENUS, ROWS, ActionTable, Row


class Counted:
    """Stands for the actions of a window."""

    def __init__(self) -> None:
        self.called = 0
        self.is_allowed = False

    def call(self) -> None:
        self.called += 1


def row(counted: Counted) -> Row:
    return Row(
        "one", "File", "One", lambda _do: counted.call(), "Ctrl+1", "Does it", lambda _do: counted.is_allowed
    )


def test_a_row_becomes_an_action(qtbot: QtBot) -> None:
    window, counted = QWidget(), Counted()
    qtbot.addWidget(window)
    made = ActionTable(window, counted, [row(counted)])  # type: ignore[arg-type]
    action = made.by_id["one"]
    made.refresh()
    action.trigger()
    assert (action.isEnabled(), counted.called) == (False, 0)
    counted.is_allowed = True
    made.refresh()
    action.trigger()
    assert counted.called == 1
    assert action.toolTip() == "Does it (Ctrl+1)"
    assert window.actions() == [action]
    menu = QMenu(window)
    made.fill(menu, "File")
    made.fill(menu, "Edit")
    assert menu.actions() == [action]


def test_every_row_is_in_a_menu_and_named_once() -> None:
    assert {each.menu for each in ROWS} == set(MENUS)
    assert len({each.id for each in ROWS}) == len(ROWS)


def test_actions_do_not_know_the_window_and_nobody_names_a_room_below_the_desk() -> None:
    """Not even by a string, which no import contract sees."""
    shell = Path(table.__file__).parents[1]
    for path in (*(shell / "actions").glob("*.py"), shell / "context.py"):
        assert "main_window" not in path.read_text("utf-8"), path
    below = re.compile(r"tandem_em\.(storage|importers|exporters|sources|cli)\b")
    rooms = (shell, *(shell.parent / name for name in ("parts", "panes", "dialogs")))
    named = [p for room in rooms for p in room.rglob("*.py") if below.search(p.read_text("utf-8"))]
    assert named == []
