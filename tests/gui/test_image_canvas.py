"""The picture of a pane: what is written on it can be read."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot

from tandem_widgets.parts.image_canvas import ImageCanvas


def test_the_scale_bar_lies_on_the_image_and_drift_does_not_move_it(qtbot: QtBot) -> None:
    canvas = ImageCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(600, 300)
    canvas.show_frame(np.zeros((128, 128), np.uint16))
    canvas.fit(tell=False)
    left, bottom = canvas._bar_corner(80.0)
    edge, floor = canvas.view.to_screen(-0.5, 127.5, 600, 300)
    assert edge < left < edge + 80
    assert bottom < floor
    canvas.show_frame(np.zeros((128, 128), np.uint16), (9.0, -7.0))
    assert canvas._bar_corner(80.0) == (left, bottom)
    canvas.view = canvas.view.zoomed(8.0, 300, 150, 600, 300)
    assert canvas._bar_corner(80.0) == (30.0, 286.0)
