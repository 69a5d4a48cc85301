"""Pages and menus of the biasing pane with a scene alone: they answer, and their gestures move the one cursor."""

from __future__ import annotations

import pytest
from cycled_run import cycled
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from tandem_em.desk.desk import Desk
from tandem_widgets.panes.biasing import menus
from tandem_widgets.panes.biasing.cycles import CyclesPage
from tandem_widgets.panes.biasing.gitt import GittPage
from tandem_widgets.panes.biasing.lanes import LaneMaker
from tandem_widgets.panes.biasing.scene import BiasingScene
from tandem_widgets.panes.biasing.series import SeriesStore
from tandem_widgets.panes.biasing.views import PlotPage
from tandem_widgets.parts.lanes.time_cursor import Stretch
from tandem_widgets.parts.lanes.widget import Lanes


@pytest.fixture
def scene(desk: Desk) -> BiasingScene:
    run = cycled()
    desk.session.clocks.add(run.clock)
    desk.session.runs.add(run)
    desk.session.focus.span = (0.0, 400.0)
    desk.session.focus.t = 150.0
    return BiasingScene(desk)


def answered(qtbot: QtBot, scene: BiasingScene) -> None:
    qtbot.waitUntil(lambda: not scene.desk.runner.tasks, timeout=60_000)
    QApplication.processEvents()


def test_the_cycles_are_a_table_whose_rows_lead_to_their_moment(qtbot: QtBot, scene: BiasingScene) -> None:
    page = CyclesPage(scene)
    qtbot.addWidget(page)
    page.refresh()
    qtbot.waitUntil(lambda: page.result is not None, timeout=60_000)
    kinds = [row[1] for row in page.model.texts]
    row = kinds.index("discharge")
    page.table.clicked.emit(page.model.index(row, 0))
    assert scene.session.focus.t == pytest.approx(300.0, abs=1.0)
    assert not scene.session.focus.follow_live
    page.copy()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text().startswith("Cycle\tKind")
    page._keep()
    assert len(scene.session.results) == 1


def test_the_cursor_is_marked_on_a_curve_and_a_point_moves_it(qtbot: QtBot, scene: BiasingScene) -> None:
    page = PlotPage(scene, "iv")
    qtbot.addWidget(page)
    page.show()
    page.refresh()
    qtbot.waitUntil(lambda: bool(page.plot.lines), timeout=60_000)
    assert len(page.plot.marks) == 1
    before = page.plot.marks[0]
    scene.session.focus.t = 390.0
    assert page.plot.marks[0] != before
    line = page.plot.lines[0]
    assert line.t is not None
    page.plot.picked.emit(line.key, 100)
    assert scene.session.focus.t == float(line.t[100])


def test_the_diffusivity_of_a_pulse_is_shown_and_kept(qtbot: QtBot, scene: BiasingScene) -> None:
    page = GittPage(scene)
    qtbot.addWidget(page)
    page.refresh()
    qtbot.waitUntil(lambda: page.result is not None, timeout=60_000)
    assert "median D" in page.note.text()
    page.length.setValue(200.0)
    before = page.note.text()
    qtbot.waitUntil(
        lambda: page.note.text() != before, timeout=60_000
    )  # it goes with the square of the length
    page.keep.click()
    assert len(scene.session.results) == 1


def test_without_a_run_pages_say_so(qtbot: QtBot, desk: Desk) -> None:
    empty = BiasingScene(desk)
    for page in (CyclesPage(empty), PlotPage(empty, "capacity"), GittPage(empty)):
        qtbot.addWidget(page)
        page.refresh()
        text = page.totals.text() if isinstance(page, CyclesPage) else page.plot.hint
        assert text == "There is no biasing run yet."


def test_the_menu_of_a_moment_acts_on_the_scene(qtbot: QtBot, scene: BiasingScene) -> None:
    lanes = Lanes(scene.session.focus)
    qtbot.addWidget(lanes)
    store = SeriesStore(scene.desk, lanes.bindings, lanes.update)
    lanes.show_content(LaneMaker(scene.session, store).content())
    asked: list[str] = []
    context = menus.MenuContext(
        scene, lanes, store, lambda: asked.append("copy"), lambda: asked.append("cell")
    )
    lanes.set_stretch(Stretch(10.0, 20.0))
    menu = QMenu()
    menus.fill_context_menu(menu, context, 40.0, "voltage")

    def choose(text: str) -> None:
        next(action for action in menu.actions() if action.text().startswith(text)).trigger()

    choose("Move cursor here")
    assert scene.session.focus.t == 40.0
    choose("Mark selection")
    event = scene.session.events.first
    assert event is not None
    assert (event.t, event.end) == (10.0, 20.0)
    choose("Zoom to selection")
    assert scene.session.focus.span == (10.0, 20.0)
    choose("Use selection (a rest)")
    answered(qtbot, scene)
    assert scene.session.runs.first is not None
    assert scene.session.runs.first.zero_span == (10.0, 20.0)
    choose("Copy as image")
    choose("Cell…")
    assert asked == ["copy", "cell"]
