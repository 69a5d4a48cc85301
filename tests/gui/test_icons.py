"""Signs on buttons are drawn, each by itself, in the colour of the theme."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot

from tandem_widgets.parts.basic import icons, theme

NAMES = [*icons.FILLED, *icons.DRAWN]


def drawn(name: str) -> np.ndarray:
    picture = icons.icon(name).pixmap(32, 32).toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    data = picture.constBits()
    assert data is not None
    return np.frombuffer(data.asarray(picture.sizeInBytes()), np.uint8).reshape(32, -1, 4)[:, :32].copy()


@pytest.mark.parametrize("name", NAMES)
def test_a_sign_is_drawn_inside_its_square_in_the_colour_of_text(qtbot: QtBot, name: str) -> None:
    picture = drawn(name)
    solid = picture[picture[..., 3] == 255]
    text = QColor(theme.active().text)
    assert 0.04 < (picture[..., 3] > 128).mean() < 0.6
    assert (solid[:, :3] == [text.red(), text.green(), text.blue()]).all(axis=1).any()
    assert not picture[[0, -1]].any()
    assert not picture[:, [0, -1]].any()


def test_no_two_signs_look_the_same(qtbot: QtBot) -> None:
    pictures = [drawn(name)[..., 3].astype(int) for name in NAMES]
    for k, one in enumerate(pictures):
        for other in pictures[k + 1 :]:
            assert np.abs(one - other).sum() > 255 * 20


@pytest.mark.parametrize("look", [theme.DARK, theme.LIGHT], ids=lambda look: look.name)
def test_a_box_without_a_tick_is_seen(qtbot: QtBot, look: theme.Theme) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    before = theme.active()
    theme.apply(app, look)
    try:
        box = QCheckBox("Figures")
        qtbot.addWidget(box)
        picture = box.grab().toImage()
        middle = picture.height() // 2
        row = [picture.pixelColor(x, middle).lightness() for x in range(14)]
        assert max(row) - min(row) > 60
    finally:
        theme.apply(app, before)
