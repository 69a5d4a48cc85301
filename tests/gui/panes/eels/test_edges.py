"""The table of edges alone: what is typed into it is one step each, and it follows the session."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from tandem_em.model.spectra import Edge
from tandem_widgets.panes.eels.edges import EdgeTable, read_window, window_text
from tandem_widgets.panes.eels.scene import EelsScene


@pytest.fixture
def table(qtbot: QtBot, scene: EelsScene) -> EdgeTable:
    made = EdgeTable(scene)
    qtbot.addWidget(made)
    return made


def cell(table: EdgeTable, row: int, column: int) -> str:
    item = table.item(row, column)
    assert item is not None
    return item.text()


def type_into(table: EdgeTable, row: int, column: int, text: str) -> None:
    item = table.item(row, column)
    assert item is not None
    item.setText(text)


def test_what_is_typed_changes_the_edge_and_can_be_undone(scene: EelsScene, table: EdgeTable) -> None:
    edge = scene.session.edges.first
    assert edge is not None
    before = edge.fit
    type_into(table, 0, 0, "lithium")
    type_into(table, 0, 2, "40 - 52 eV")
    type_into(table, 0, 3, "55,5 60")
    assert (edge.name, edge.fit, edge.signal) == ("lithium", (40.0, 52.0), (55.5, 60.0))
    assert cell(table, 0, 3) == "55.5 – 60.0"
    scene.session.history.undo()
    scene.session.history.undo()
    assert edge.fit == before
    assert cell(table, 0, 2) == window_text(before)


@pytest.mark.expects_log
def test_what_is_no_window_is_said_and_the_table_shows_the_old_one(
    scene: EelsScene, table: EdgeTable
) -> None:
    edge = scene.session.edges.first
    assert edge is not None
    type_into(table, 0, 2, "52 - 40")
    assert scene.desk.notices.items[-1].title == "“52 - 40” is not an energy window."
    assert cell(table, 0, 2) == window_text(edge.fit)
    assert read_window("41.0–51.0 eV") == (41.0, 51.0)


def test_the_selected_row_is_the_selected_edge(scene: EelsScene, table: EdgeTable) -> None:
    rows = table.rowCount()
    scene.session.edges.add(Edge(name="mine", onset_eV=100.0, fit=(90.0, 99.0), signal=(100.0, 110.0)))
    assert table.rowCount() == rows + 1
    table.selectRow(rows)
    assert scene.edge is not None
    assert scene.edge.name == "mine"
    first = scene.session.edges.first
    assert first is not None
    scene.session.focus.select("edge", first.id)
    assert table.currentRow() == 0


def test_an_edge_of_ones_own_lies_in_the_middle_of_the_shown_axis(scene: EelsScene, table: EdgeTable) -> None:
    low, high = scene.energies
    table._add()
    made = list(scene.session.edges)[-1]
    assert made.onset_eV == pytest.approx((low + high) / 2, abs=0.1)
    assert low < made.fit[0] < made.fit[1] < made.onset_eV < made.signal[1] < high
