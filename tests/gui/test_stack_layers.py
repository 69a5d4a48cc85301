"""Layers in the window: a line across them, edges marked on its profile, followed, shown in a lane and undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from disc_movie import QTest, drag, settled, shown_in
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import Task
from tandem_em.desk.stacks import layers
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.spectra import ProfileLine
from tandem_widgets.dialogs.montage.dialog import MontageDialog
from tandem_widgets.dialogs.montage.plot import plot_of
from tandem_widgets.panes.biasing.pane import BiasingPane
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.shell.window.main_window import MainWindow

FRAMES, PIXEL_NM = 12, 0.5
THICKNESS_NM = np.linspace(30, 48, FRAMES)


def film() -> FrameStack:
    from scipy.special import expit

    rng = np.random.default_rng(2)
    x = np.mgrid[0:120, 0:200][1].astype(float)
    frames = np.empty((FRAMES, 120, 200), np.uint16)
    for k in range(FRAMES):
        clean = 1 - 0.5 * expit((50 - x) * 2) - 0.25 * expit((50 + THICKNESS_NM[k] / PIXEL_NM - x) * 2)
        frames[k] = rng.poisson(80 * clean)
    return FrameStack(
        name="film", source=MemoryArray(frames), times=np.arange(FRAMES, dtype=float), times_from="file",
        pixel_nm=PIXEL_NM, drift_px=np.zeros((FRAMES, 2)),
    )  # fmt: skip


@pytest.fixture
def pane(qtbot: QtBot, window: MainWindow) -> StackPane:
    return shown_in(qtbot, window, film())


def draw(pane: StackPane, start: tuple[float, float], end: tuple[float, float]) -> ProfileLine:
    pane.tools.profile.setChecked(True)
    drag(pane, [start, end])
    line = pane.desk.session.profiles.first
    assert line is not None
    return line


def test_a_thickness_over_time_is_drawn_marked_followed_and_undone(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    line = draw(pane, (20, 60), (185, 60))
    shown = pane.tools.windows.profile
    assert shown is not None
    shown.width_box.setValue(30)
    qtbot.waitUntil(lambda: len(shown.plot.content.curves) == 1)
    shown.edges_box.setValue(2)
    qtbot.waitUntil(lambda: len(shown.plot.content.bands) == 1)
    band = shown.plot.content.bands[0]
    assert band.high - band.low == pytest.approx(THICKNESS_NM[0], abs=2)
    shown.follow_button.click()
    settled(qtbot, window)
    session = window.desk.session
    result = layers.of_line(session, line)
    assert result is not None
    np.testing.assert_allclose(layers.thicknesses(result)[0][0], THICKNESS_NM, rtol=0.02)
    assert session.history.undo_label == f"Layers along {line.name}"
    pane.go_to(FRAMES - 1)
    qtbot.waitUntil(lambda: pane.frame_index == FRAMES - 1, timeout=10_000)
    qtbot.waitUntil(
        lambda: shown.plot.content.bands[0].high - shown.plot.content.bands[0].low > THICKNESS_NM[-1] - 1
    )
    lanes = biasing(window)
    lanes.refresher.flush()
    lane = next(lane for lane in lanes.lanes.content.lanes if lane.kind == "thickness")
    assert lane.curves[0].band is not None
    assert lane.curves[0].value_at(pane.desk.session.focus.t) == pytest.approx(THICKNESS_NM[-1], rel=0.02)
    window.undo()
    assert layers.of_line(session, line) is None
    lanes.refresher.flush()
    assert all(lane.kind != "thickness" for lane in lanes.lanes.content.lanes)
    shown.close()


def test_marked_edges_are_dragged_on_the_profile(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    draw(pane, (20, 60), (185, 60))
    shown = pane.tools.windows.profile
    assert shown is not None
    qtbot.waitUntil(lambda: len(shown.plot.content.curves) == 1)
    shown.edges_box.setValue(2)
    before = list(shown.edges_px)
    shown.plot.band_dragged.emit("0", "signal", before[0] * PIXEL_NM, 70 * PIXEL_NM)
    assert shown.edges_px == pytest.approx([before[0], 70.0])
    shown.edges_box.setValue(0)
    assert shown.edges_px == []
    shown.close()
    settled(qtbot, window)


def test_clicks_draw_a_polyline_and_enter_ends_it(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.profile.setChecked(True)
    for x, y in ((30, 30), (90, 30), (90, 80)):
        QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, pos=pane.canvas.to_screen(x, y).toPoint())
    QTest.keyClick(pane.canvas, Qt.Key.Key_Return)
    line = window.desk.session.profiles.first
    assert line is not None
    assert len(line.points) == 3
    np.testing.assert_allclose(line.via, [(90, 30)], atol=1)
    assert not pane.tools.profile.isChecked()
    settled(qtbot, window)


def biasing(window: MainWindow) -> BiasingPane:
    found = window.docks.biasing.widget()
    assert isinstance(found, BiasingPane)
    return found


def test_the_drift_is_taken_off_while_it_is_being_found(window: MainWindow, pane: StackPane) -> None:
    task = Task[Any]("drift", state="running")
    pane.scene.drift.watch(task)
    pane.scene.drift.preview(np.full((FRAMES, 2), 3.0))
    assert pane.canvas.shift == (3.0, 3.0)
    task.state = "cancelled"
    pane.scene.show_again()
    assert pane.canvas.shift == (0.0, 0.0)


def test_moments_of_a_montage_are_clicked_in_its_plot(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    line = window.desk.session.profiles.add(
        ProfileLine(
            name="L1", owner_id=pane.stack.id if pane.stack else "", start=(20.0, 60.0), end=(185.0, 60.0)
        )
    )
    assert pane.stack is not None
    layers.follow(window.desk, pane.stack, line, [30.0, 90.0], 0)
    settled(qtbot, window)
    pane.tools.windows.open_montage()
    dialog = next(child for child in pane.children() if isinstance(child, MontageDialog))
    qtbot.waitUntil(lambda: not dialog.image.isNull(), timeout=20_000)
    dialog.times.setText("0 4")
    dialog.read()
    settled(qtbot, window)
    assert dialog.plot.isChecked()
    with_plot = dialog.image.height()
    plot = plot_of(window.desk.session, pane.stack)
    assert plot is not None
    area = plot.area(dialog.image.width(), 0.0)
    eighth = area.left() + area.width() * 8 / (FRAMES - 1)
    dialog.picture.clicked.emit(eighth, with_plot - 60.0)
    settled(qtbot, window)
    assert dialog.wanted() == [0, 4, 8]
    dialog.picture.clicked.emit(10.0, 10.0)  # the first frame goes
    settled(qtbot, window)
    assert dialog.wanted() == [4, 8]
    dialog.plot.setChecked(False)
    assert dialog.image.height() < with_plot
    dialog.close()
