"""The stack pane without the window: one move of the cursor is one repaint, and closing it ends its thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from disc_movie import RADIUS, circle, disc_movie
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tandem_em.desk.desk import Desk
from tandem_em.desk.outlines import edit as particles_edit
from tandem_widgets.panes.stack.pane import StackPane


@pytest.fixture
def pane(qtbot: QtBot, desk: Desk) -> Iterator[StackPane]:
    stack = disc_movie()
    desk.session.clocks.add(stack.clock)
    desk.session.stacks.add(stack)
    made = StackPane(desk)
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show()
    qtbot.waitUntil(lambda: made.scene.pixels is not None and not desk.runner.tasks, timeout=60_000)
    yield made
    made.close_pane()


def test_one_move_of_the_cursor_is_one_repaint(qtbot: QtBot, pane: StackPane) -> None:
    for index in (3, 0):  # both frames are in memory then
        pane.go_to(index)
        qtbot.waitUntil(lambda index=index: pane.scene.shown == index)
    QApplication.processEvents()
    painted = pane.canvas.painted
    pane.desk.session.focus.t = 3.0
    assert pane.scene.shown == 3
    QApplication.processEvents()
    assert pane.canvas.painted == painted + 1
    pane.desk.session.focus.t = 3.4  # the same frame
    QApplication.processEvents()
    assert pane.canvas.painted == painted + 1


def test_the_empty_pane_says_what_to_do(qtbot: QtBot, desk: Desk) -> None:
    empty = StackPane(desk)
    qtbot.addWidget(empty)
    assert empty.is_empty
    assert "Drop a movie" in empty.hint
    assert empty.figure_for_print() == ("montage", {"times": (0.0,), "stack_ids": ()})


def test_a_question_stands_above_the_image_until_it_is_answered(pane: StackPane) -> None:
    answered: list[str] = []
    pane.scene.questions.ask("pixel", "Is it?", ("Yes", lambda: answered.append("yes")), leave="No")
    assert [button.text() for button in pane.ask_bar.buttons] == ["Yes", "No"]
    assert pane.ask_bar.isVisible()
    pane.ask_bar.buttons[0].click()
    assert answered == ["yes"]
    assert not pane.ask_bar.isVisible()


def test_lost_particles_are_asked_for_while_filming(pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(pane.desk, pane.stack, 0, circle(RADIUS))
    pane.show_lag("3 frames behind", [particle.id], reach=4)
    assert pane.scene.lag == "3 frames behind"
    assert pane.scene.outlines is not None
    assert pane.scene.outlines.reach == 4
    question = pane.scene.questions.question
    assert question is not None
    assert question.text.startswith("P1 can no longer be followed")
    pane.show_lag("", [])
    assert (pane.scene.lag, pane.scene.questions.question) == ("", None)
