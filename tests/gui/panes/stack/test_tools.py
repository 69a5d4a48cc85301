"""The tools of the stack pane on a canvas of their own: buttons, keys, gestures, what they do to the session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from disc_movie import RADIUS, area, circle
from mouse import drag
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest as QTestStubs
from PyQt6.QtWidgets import QInputDialog, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import stack as stacks
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.tools import StackTools
from tandem_widgets.parts.basic.pane_frame import PaneFrame
from tandem_widgets.parts.image.canvas import ImageCanvas

QTest: Any = QTestStubs


class Made:
    """The tools, and which button asked for the contrast."""

    def __init__(self, qtbot: QtBot, scene: StackScene, canvas: ImageCanvas) -> None:
        self.asked: list[QToolButton] = []
        self.frame = PaneFrame("alone", QWidget())
        qtbot.addWidget(self.frame)
        self.tools = StackTools(scene, canvas, self.frame, self.asked.append)


@pytest.fixture
def made(qtbot: QtBot, scene: StackScene, canvas: ImageCanvas) -> Made:
    return Made(qtbot, scene, canvas)


@pytest.fixture
def tools(made: Made) -> StackTools:
    return made.tools


def test_a_button_shows_which_tool_is_active(
    scene: StackScene, canvas: ImageCanvas, tools: StackTools
) -> None:
    tools.outline.click()
    assert (scene.tool, tools.outline.isChecked()) == ("outline", True)
    assert scene.hint.startswith("Click a particle")
    tools.roi.click()
    assert (scene.tool, tools.outline.isChecked(), tools.roi.isChecked()) == ("region", False, True)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert (scene.tool, scene.hint, tools.roi.isChecked()) == ("", "", False)
    tools.measuring.activate_measure()
    tools.profile.click()
    tools.profile.click()
    assert (scene.tool, tools.profile.isChecked()) == ("", False)


def test_without_a_stack_a_button_stays_unchecked(scene: StackScene, tools: StackTools) -> None:
    assert scene.stack is not None
    scene.session.stacks.remove(scene.stack.id)
    scene.choose()
    tools.outline.click()
    assert (scene.tool, tools.outline.isChecked()) == ("", False)


def test_a_drawn_outline_becomes_a_particle_that_is_dragged_next(
    qtbot: QtBot, scene: StackScene, canvas: ImageCanvas, tools: StackTools
) -> None:
    tools.outline.click()
    drag(canvas, *((float(x), float(y)) for x, y in circle(RADIUS + 1)))
    particle = scene.session.particles.first
    assert particle is not None
    assert scene.tool == ""
    assert area(particle.outlines[0].polygon) == pytest.approx(np.pi * (RADIUS + 1) ** 2, rel=0.05)
    qtbot.waitUntil(lambda: not scene.desk.runner.tasks, timeout=90_000)
    before = particle.outlines[0].polygon
    x, y = before[np.argmax(before[:, 0])]
    drag(canvas, (x, y), (x + 5, y), (x + 10, y))
    assert particle.outlines[0].polygon[:, 0].max() == pytest.approx(before[:, 0].max() + 10, abs=1.5)
    assert scene.selected is particle
    qtbot.waitUntil(lambda: not scene.desk.runner.tasks, timeout=90_000)


def test_filming_stands_still_while_an_outline_is_drawn(
    scene: StackScene, canvas: ImageCanvas, tools: StackTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    focus = scene.session.focus
    monkeypatch.setattr(stacks, "is_growing", lambda _stack: True)
    tools.outline.click()
    assert not focus.follow_live
    tools.roi.click()
    assert focus.follow_live
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert focus.follow_live


def test_a_region_and_a_scale_bar_end_in_the_session(
    qtbot: QtBot, scene: StackScene, canvas: ImageCanvas, tools: StackTools, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools.roi.click()
    drag(canvas, (5, 5), (20, 20), (35, 35))
    qtbot.waitUntil(lambda: len(scene.session.results) == 1, timeout=30_000)
    assert scene.drift.last_region() == (5, 5, 35, 35)
    monkeypatch.setattr(QInputDialog, "getDouble", staticmethod(lambda *_args: (50.0, True)))
    tools.measuring.activate_scale_bar()
    drag(canvas, (30, 100), (80, 100), (130, 100))
    assert scene.stack is not None
    assert scene.stack.pixel_nm == pytest.approx(0.5, rel=0.03)


@pytest.mark.expects_log
def test_a_split_that_misses_says_so(scene: StackScene, canvas: ImageCanvas, tools: StackTools) -> None:
    assert scene.stack is not None
    particle = particles_edit.draw(scene.desk, scene.stack, 0, circle(RADIUS))
    tools.outlining.activate_split(particle)
    assert "across P1" in scene.hint
    drag(canvas, (2, 2), (10, 2), (20, 2))
    assert scene.desk.notices.items
    assert len(scene.session.particles) == 1
    assert scene.tool == ""


def test_contrast_is_asked_below_its_button(made: Made) -> None:
    made.tools.contrast.click()
    assert made.asked == [made.tools.contrast]
    assert [action.shortcut().toString() for action in made.frame.actions()] == ["N", "G", "I", "L", "C"]


def test_the_drift_button_shows_what_is_so(scene: StackScene, tools: StackTools) -> None:
    assert tools.drift.isChecked()
    tools.drift.click()
    assert (scene.drift.on, tools.drift.isChecked()) == (False, False)
    scene.drift.use(True)
    assert tools.drift.isChecked()
