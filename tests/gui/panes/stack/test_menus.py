"""The menus of the stack pane, filled for a scene alone: what they offer, and that they do it."""

from __future__ import annotations

import pytest
from disc_movie import RADIUS, circle
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QInputDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks.stack import ViewFilter
from tandem_em.model.tracks import Particle
from tandem_widgets.panes.stack.active_tool import ActiveTool
from tandem_widgets.panes.stack.measuring import Measuring
from tandem_widgets.panes.stack.menus import MoreMenu
from tandem_widgets.panes.stack.outlining import Outlining
from tandem_widgets.panes.stack.place_menus import CanvasMenu, ParticleMenu
from tandem_widgets.panes.stack.scene import StackScene
from tandem_widgets.panes.stack.windows import StackWindows
from tandem_widgets.parts.image.canvas import ImageCanvas


class Menus:
    """What the menus are made from, without a title row."""

    def __init__(self, scene: StackScene, canvas: ImageCanvas, parent: QWidget) -> None:
        self.scene, self.canvas, self.parent = scene, canvas, parent
        active = ActiveTool(scene, canvas)
        self.outlining = Outlining(scene, canvas, active)
        self.windows = StackWindows(scene, canvas, parent)
        self.measuring = Measuring(scene, active, parent, self.windows.show_profile)

    def more(self) -> QMenu:
        menu = QMenu(self.parent)
        MoreMenu(
            self.scene, self.canvas, self.parent, self.measuring, self.windows, self.outlining.following
        ).fill(menu)
        return menu

    def of(self, particle: Particle) -> QMenu:
        menu = QMenu(self.parent)
        ParticleMenu(self.scene, self.parent, self.outlining, self.windows).fill(menu, particle)
        return menu

    def beside(self) -> QMenu:
        menu = QMenu(self.parent)
        CanvasMenu(self.scene, self.canvas, self.outlining, self.windows, self.outlining.activate).fill(menu)
        return menu


@pytest.fixture
def menus(qtbot: QtBot, scene: StackScene, canvas: ImageCanvas) -> Menus:
    parent = QWidget()
    qtbot.addWidget(parent)
    return Menus(scene, canvas, parent)


@pytest.fixture
def particle(scene: StackScene) -> Particle:
    assert scene.stack is not None
    return particles_edit.draw(scene.desk, scene.stack, 0, circle(RADIUS))


def entry(menu: QMenu, text: str) -> QAction:
    """The entry that begins with these words, also in menus below."""
    below = [action.menu() for action in menu.actions() if action.menu() is not None]
    every = [*menu.actions(), *(action for each in below if each is not None for action in each.actions())]
    return next(action for action in every if action.text().startswith(text))


def test_the_quiet_menu_changes_the_scene(menus: Menus, particle: Particle) -> None:
    scene, menu = menus.scene, menus.more()
    assert entry(menu, "Montage…").isEnabled()
    entry(menu, ViewFilter("mean", 5).text.capitalize()).trigger()
    assert scene.view_filter == ViewFilter("mean", 5)
    assert entry(menus.more(), ViewFilter("mean", 5).text.capitalize()).isChecked()
    entry(menu, "Correct drift in the view").trigger()
    assert not scene.drift.on
    entry(menu, "Hide all outlines").trigger()
    assert not particle.visible
    entry(menu, "Measure distance").trigger()
    assert scene.tool == "measure"


@pytest.mark.expects_log
def test_what_fails_is_a_notice(menus: Menus) -> None:
    entry(menus.more(), "Kymograph…").trigger()
    assert menus.scene.desk.notices.items[-1].title == "There is no profile line for a kymograph."


def test_a_particle_is_renamed_hidden_and_deleted_from_its_menu(
    menus: Menus, particle: Particle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", staticmethod(lambda *_args, **_named: ("left one", True)))
    menu = menus.of(particle)
    entry(menu, "Rename").trigger()
    assert particle.name == "left one"
    entry(menu, "Blue").trigger()
    entry(menu, "Hide").trigger()
    assert not particle.visible
    beside = menus.beside()
    entry(beside, "Show left one").trigger()
    assert particle.visible
    entry(menu, "Split along a line").trigger()
    assert menus.scene.tool == "split"
    entry(menu, "Delete").trigger()
    assert not len(menus.scene.session.particles)


def test_beside_the_particles_one_that_is_missing_here_can_be_drawn(menus: Menus, particle: Particle) -> None:
    assert not any(action.text().startswith("Draw P1") for action in menus.beside().actions())
    menus.scene.place(3, menus.scene.pixels)
    entry(menus.beside(), "Draw P1 in this frame").trigger()
    assert menus.scene.tool == "outline again"
    entry(menus.beside(), "New outline").trigger()
    assert menus.scene.tool == "outline"
