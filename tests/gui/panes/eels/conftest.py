"""The scene of two states of one sample, their sums prepared; the row of pictures where a test asks for it."""

from __future__ import annotations

import pytest
from lithium_map import lithium_map
from pytestqt.qtbot import QtBot

from tandem_em.desk.desk import Desk
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.scene import EelsScene


@pytest.fixture
def scene(qtbot: QtBot, desk: Desk) -> EelsScene:
    for seed, (state, amount) in enumerate((("pristine", 12000.0), ("charged", 6000.0))):
        image = lithium_map(f"SI-{seed + 1}", state, amount, seed)
        desk.session.clocks.add(image.clock)
        desk.session.maps.add(image)
    made = EelsScene(desk)
    made.choose()
    qtbot.waitUntil(lambda: not desk.runner.tasks, timeout=90_000)
    return made


@pytest.fixture
def images(qtbot: QtBot, scene: EelsScene) -> EelsImages:
    made = EelsImages(scene)
    qtbot.addWidget(made)
    made.resize(900, 240)
    assert scene.image is not None
    made.show_map(scene.image)
    made.show()
    return made
