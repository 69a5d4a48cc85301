"""The tools of the EELS pane on a row of pictures alone: which one is active, and what a gesture does."""

from __future__ import annotations

import pytest
from mouse import click, drag, move
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk.eels import places
from tandem_widgets.panes.eels.images import EelsImages
from tandem_widgets.panes.eels.pictures import Pictures
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.panes.eels.tools import EelsTools
from tandem_widgets.parts.basic.pane_frame import PaneFrame


@pytest.fixture
def tools(qtbot: QtBot, scene: EelsScene, images: EelsImages) -> EelsTools:
    frame = PaneFrame("alone", QWidget())
    qtbot.addWidget(frame)
    return EelsTools(scene, images, Pictures(scene, images), frame)


def test_one_tool_at_a_time(scene: EelsScene, images: EelsImages, tools: EelsTools) -> None:
    tools.profile.click()
    assert scene.tool == "profile"
    tools.sites.click()
    assert (scene.tool, tools.profile.isChecked(), tools.sites.isChecked()) == ("sites", False, True)
    QTest.keyClick(images.rgb, Qt.Key.Key_Escape)
    assert (scene.tool, tools.sites.isChecked()) == ("", False)


def test_a_drawn_line_deactivates_its_tool(scene: EelsScene, images: EelsImages, tools: EelsTools) -> None:
    tools.profile.click()
    drag(images.single, (1, 6), (22, 6))
    line = places.profile_line(scene.session)
    assert line is not None
    assert line.start == pytest.approx((1, 6), abs=0.5)
    assert line.end == pytest.approx((22, 6), abs=0.5)
    assert scene.tool == ""
    assert not tools.profile.isChecked()


def test_without_a_tool_a_drag_is_a_region_and_a_hover_a_place(
    scene: EelsScene, images: EelsImages, tools: EelsTools
) -> None:
    told: list[bool] = []
    scene.pointed.connect(lambda: told.append(scene.is_quick))
    drag(images.single, (2, 3), (4, 5), (7, 6))
    assert scene.region is not None
    assert scene.region.text == "region 6 × 4 px"
    assert True in told  # while the hand is at it
    assert told[-1] is False
    click(images.single, 2, 3)
    assert scene.region is None
    move(images.rgb, images.rgb.to_screen(20, 6), Qt.MouseButton.NoButton)
    assert scene.place == pytest.approx((20, 6), abs=0.5)


def test_the_menu_at_a_place_adds_and_removes_a_site(scene: EelsScene, tools: EelsTools) -> None:
    for text in ("Add site here", "Remove site 0"):
        menu = QMenu()
        tools.more.fill_at(menu, (5.0, 5.0))
        action = next(a for a in menu.actions() if a.text().startswith(text.split(" ")[0]))
        action.trigger()
        assert len(scene.session.sites) == (1 if text.startswith("Add") else 0)


def test_the_menus_change_the_choice(scene: EelsScene, tools: EelsTools) -> None:
    menu = QMenu()
    tools.menus.fill_map(menu)
    next(a for a in menu.actions() if a.text() == "Signal to noise").trigger()
    assert scene.choice.quantity == "signal to noise"
    tools.menus.fill_rgb(menu)
    next(a for a in menu.actions() if a.text().startswith("Colour-blind")).trigger()
    assert scene.choice.safe_colours
    tools.more.fill(menu)
    next(a for a in menu.actions() if a.text() == "Compare states").trigger()
    assert scene.choice.compare
