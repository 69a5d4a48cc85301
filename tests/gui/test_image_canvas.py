"""The picture of a pane: what is written on it can be read, and its pixels are made only when they change."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_widgets.parts.image import canvas as canvas_module
from tandem_widgets.parts.image import render as image_render
from tandem_widgets.parts.image.canvas import ImageCanvas


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


@pytest.mark.parametrize("pixel_nm", [0.0004, 0.004, 0.05, 3.0])
def test_the_scale_bar_says_what_a_figure_says(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, pixel_nm: float
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        canvas_module, "_outlined_text", lambda _painter, _place, text, **_: said.append(text)
    )
    canvas = ImageCanvas()
    qtbot.addWidget(canvas)
    canvas.resize(500, 500)
    canvas.show_frame(np.zeros((500, 500), np.uint16))
    canvas.fit(tell=False)
    canvas.pixel_nm = pixel_nm
    canvas.grab()
    across_nm = 80 / canvas.view.zoom * pixel_nm  # the bar takes at most 16 % of 500 pixels on the screen
    assert said == [length_text(bar_length_nm(across_nm, 1.0))]


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
