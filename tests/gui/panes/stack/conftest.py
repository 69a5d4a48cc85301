"""The scene of a movie of one disc, and a canvas that shows its first frame: no pane, no window."""

from __future__ import annotations

import pytest
from disc_movie import disc_movie
from pytestqt.qtbot import QtBot

from tandem_em.desk.desk import Desk
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.parts.image.canvas import ImageCanvas


@pytest.fixture
def scene(desk: Desk) -> StackScene:
    stack = disc_movie()
    desk.session.clocks.add(stack.clock)
    desk.session.stacks.add(stack)
    made = StackScene(desk)
    made.choose()
    made.follow()
    made.place(0, stack.frame(0))
    return made


@pytest.fixture
def canvas(qtbot: QtBot, scene: StackScene) -> ImageCanvas:
    made = ImageCanvas()
    qtbot.addWidget(made)
    made.resize(480, 480)
    made.show_frame(scene.pixels)
    made.show()
    return made
