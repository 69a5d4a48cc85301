"""The EELS pane without the window: what is painted when the pointer or the cursor moves, or a window is dragged."""

from __future__ import annotations

import pytest
from mouse import move
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.panes.eels.scene import EelsScene


@pytest.fixture
def pane(qtbot: QtBot, scene: EelsScene) -> EelsPane:
    made = EelsPane(scene.desk)
    qtbot.addWidget(made)
    made.resize(800, 700)
    made.show()
    assert made.image is not None
    qtbot.waitUntil(lambda: not scene.desk.runner.tasks, timeout=90_000)
    qtbot.waitUntil(
        lambda: bool(made.note.warnings), timeout=30_000
    )  # the advice has come: nothing is under way
    made._refresher.flush()
    QApplication.processEvents()
    return made


def test_a_move_of_the_cursor_redraws_nothing(pane: EelsPane) -> None:
    before = pane.refreshes, [canvas.painted for canvas in pane.images.canvases]
    pane.session.focus.t = 7.0
    QApplication.processEvents()
    assert (pane.refreshes, [canvas.painted for canvas in pane.images.canvases]) == before


def test_a_move_of_the_pointer_redraws_the_spectrum_only(qtbot: QtBot, pane: EelsPane) -> None:
    refreshes, painted = pane.refreshes, pane.images.rgb.painted
    move(pane.images.rgb, pane.images.rgb.to_screen(20, 6), Qt.MouseButton.NoButton)
    qtbot.waitUntil(lambda: "20, 6" in pane.spectrum.content.title)
    assert pane.refreshes == refreshes
    assert pane.images.rgb.painted == painted


def test_many_changes_in_one_turn_are_one_redraw(qtbot: QtBot, pane: EelsPane) -> None:
    edge, before = pane.scene.edge, pane.refreshes
    assert edge is not None
    for step in range(10):
        pane.desk.change("Move", edge, merge_key="move", signal=(54.0 + step, 60.0 + step))
    qtbot.waitUntil(lambda: pane.refreshes > before)
    QApplication.processEvents()
    assert pane.refreshes == before + 1
