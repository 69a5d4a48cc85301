"""The canvas makes its pixels when the picture changes, not when something moves over it."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tandem_widgets.parts import image_render
from tandem_widgets.parts.image_canvas import ImageCanvas


def test_an_overlay_that_changes_does_not_make_the_picture_again(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    render = image_render.render
    monkeypatch.setattr(image_render, "render", lambda *args: made.append(args) or render(*args))
    canvas = ImageCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(80, 60)
    frame = np.arange(48, dtype=np.uint16).reshape(6, 8)
    canvas.levels = (0.0, 47.0)
    canvas.show_frame(frame)
    first = canvas.grab().toImage()
    before = len(made)
    canvas.overlays = [lambda painter, _canvas: painter.drawLine(0, 0, 80, 60)]
    assert canvas.grab().toImage() != first
    assert len(made) == before
    canvas.overlays = []
    assert canvas.grab().toImage() == first
    for change in (
        lambda: setattr(canvas, "levels", (0.0, 20.0)),
        lambda: setattr(canvas, "table", image_render.colour_table(invert=True)),
        lambda: setattr(canvas, "shift", (1.0, 0.0)),
        lambda: (np.copyto(frame, 3), canvas.show_frame(frame)),
    ):
        before, seen = len(made), canvas.grab().toImage()
        change()
        assert canvas.grab().toImage() != seen
        assert len(made) > before
