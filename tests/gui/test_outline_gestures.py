"""Outlines under the hand: proposals, redrawing, splitting, merging, copying, stopping and asking, tables and kinetics."""

from __future__ import annotations

from threading import Event
from typing import Any

import numpy as np
import pytest
from disc_movie import FRAMES, RADIUS, SIDE, QTest, area, circle, disc_movie, drag, moved, settled, shown_in
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from tandem_em.desk.biasing import runs
from tandem_em.desk.lanes.area import Area
from tandem_em.desk.lanes.series import Points
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.outlines import kinetics
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Particle
from tandem_widgets.dialogs.kinetics.dialog import KineticsDialog
from tandem_widgets.dialogs.particle_table import ParticleTableDialog
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.parts.image.tools_outline import OutlineTool
from tandem_widgets.shell.window.main_window import MainWindow

TIMES = 40


@pytest.fixture
def pane(qtbot: QtBot, window: MainWindow) -> StackPane:
    return shown_in(qtbot, window, disc_movie())


def only(window: MainWindow) -> Particle:
    (particle,) = window.desk.session.particles
    return particle


def followed(qtbot: QtBot, window: MainWindow, pane: StackPane) -> Particle:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    pane.tools.following.start([particle])
    settled(qtbot, window)
    return particle


def go(qtbot: QtBot, pane: StackPane, frame: int) -> None:
    pane.go_to(frame)
    qtbot.waitUntil(lambda: pane.frame_index == frame, timeout=10_000)


def entry(menu: QMenu, text: str) -> QAction:
    """An entry of a menu or of one of its submenus."""
    for action in menu.actions():
        inner = action.menu()
        if action.text().split("\t")[0] == text:
            return action
        if inner is not None:
            for under in inner.actions():
                if f"{action.text()} › {under.text()}" == text:
                    return under
    raise AssertionError(f"no {text} in {[action.text() for action in menu.actions()]}")


def choose(pane: StackPane, particle: Particle | None, text: str) -> None:
    menu = QMenu(pane)
    if particle is not None:
        pane.tools.fill_at(menu, particle)
    else:
        pane.tools.fill_at(menu, None)
    entry(menu, text).trigger()


def click(pane: StackPane, x: float, y: float) -> None:
    QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, pos=pane.canvas.to_screen(x, y).toPoint())


# --- proposals ------------------------------------------------------------------------------------------------------


def proposed(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.outline.click()
    click(pane, 84, 78)
    settled(qtbot, window)
    pane.canvas.repaint()


def test_a_click_proposes_and_enter_takes_it(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    proposed(qtbot, window, pane)
    assert not len(window.desk.session.particles)  # nothing is there before it is taken
    QTest.keyClick(pane.canvas, Qt.Key.Key_Return)
    assert area(only(window).outlines[0].polygon) == pytest.approx(np.pi * RADIUS**2, rel=0.06)
    settled(qtbot, window)


def test_a_click_inside_a_proposal_takes_it(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.outline.click()
    assert "Click a particle" in pane.notes.hint
    click(pane, 84, 78)
    settled(qtbot, window)
    assert "Click inside" in pane.notes.hint
    pane.canvas.repaint()
    click(pane, 80, 84)
    particle = only(window)
    assert not pane.notes.hint
    settled(qtbot, window)
    assert len(particle.outlines) == FRAMES


def test_corners_on_the_edge_stay_corners_and_backspace_brings_the_proposal_back(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    proposed(qtbot, window, pane)
    click(pane, 80 + RADIUS, 80)  # on the line of the proposal: the second corner of a polygon
    assert "corner" in pane.notes.hint
    QTest.keyClick(pane.canvas, Qt.Key.Key_Backspace)
    settled(qtbot, window)
    pane.canvas.repaint()
    QTest.keyClick(pane.canvas, Qt.Key.Key_Return)
    assert area(only(window).outlines[0].polygon) == pytest.approx(np.pi * RADIUS**2, rel=0.06)
    settled(qtbot, window)


def test_a_pull_of_two_pixels_is_a_correction_of_the_proposal(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    proposed(qtbot, window, pane)
    tool = pane.canvas.tool
    assert isinstance(tool, OutlineTool)
    assert tool._offer is not None
    proposal = tool._offer
    at = QPointF(pane.canvas.to_screen(80 + RADIUS, 80).toPoint())
    QTest.mousePress(pane.canvas, Qt.MouseButton.LeftButton, pos=at.toPoint())
    for pixels in (1, 2):
        moved(pane.canvas, at + QPointF(pixels, 0), Qt.KeyboardModifier.NoModifier)
    QTest.mouseRelease(pane.canvas, Qt.MouseButton.LeftButton, pos=(at + QPointF(2, 0)).toPoint())
    settled(qtbot, window)
    window.desk.session.history.undo()  # following puts the line on the edge: what the hand has drawn is below that
    drawn = only(window).outlines[0].polygon
    assert drawn[:, 0].max() - proposal[:, 0].max() == pytest.approx(2 / pane.canvas.view.zoom, abs=0.05)
    assert drawn[:, 0].min() == pytest.approx(proposal[:, 0].min(), abs=0.05)


def test_a_click_inside_chooses_a_particle_and_one_beside_it_none(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    particle = followed(qtbot, window, pane)
    focus = window.desk.session.focus
    focus.select("particle", "")
    go(qtbot, pane, 0)
    click(pane, 80, 80)
    assert focus.selected("particle") == particle.id
    click(pane, 8, 8)
    assert focus.selected("particle") == ""


def test_dragging_the_line_of_a_proposal_puts_it_right_and_takes_it(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    proposed(qtbot, window, pane)
    drag(pane, [(80 + RADIUS, 80), (85 + RADIUS, 80), (88 + RADIUS, 80)])
    polygon = only(window).outlines[0].polygon
    assert polygon[:, 0].max() == pytest.approx(88 + RADIUS, abs=2)
    assert polygon[:, 0].min() == pytest.approx(80 - RADIUS, abs=2)
    settled(qtbot, window)


def test_dragging_all_of_a_proposal_takes_it_there(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    proposed(qtbot, window, pane)
    drag(pane, [(80, 80), (83, 80), (86, 80)])
    assert only(window).outlines[0].polygon[:, 0].mean() == pytest.approx(86, abs=2)
    settled(qtbot, window)


def test_escape_lets_a_proposal_go(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    proposed(qtbot, window, pane)
    QTest.keyClick(pane.canvas, Qt.Key.Key_Escape)
    tool = pane.canvas.tool
    assert isinstance(tool, OutlineTool)
    assert tool._offer is None
    QTest.keyClick(pane.canvas, Qt.Key.Key_Return)
    assert not len(window.desk.session.particles)


# --- correcting -----------------------------------------------------------------------------------------------------


def test_frames_outside_the_stretch_stay_as_they_are(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    particle = followed(qtbot, window, pane)
    for frame in (3, 6):
        go(qtbot, pane, frame)
        choose(pane, particle, "Make key frame")
    assert sorted(particle.keys) == [0, 3, 6]
    before = dict(particle.outlines)
    go(qtbot, pane, 5)
    x, y = before[5].polygon[np.argmax(before[5].polygon[:, 0])]
    drag(pane, [(x, y), (x + 3, y), (x + 6, y)])
    settled(qtbot, window)
    assert window.desk.session.history.undo_label == "Correct P1 in frame 6"
    for frame in (0, 1, 2, 3, 6, 7, 8):
        np.testing.assert_array_equal(particle.outlines[frame].polygon, before[frame].polygon)
    assert particle.outlines[5].is_key
    after = dict(particle.outlines)
    window.undo()  # the correction and what was found from it are one step
    assert particle.outlines == before
    window.redo()
    assert particle.outlines == after


def test_a_lost_frame_is_drawn_anew_for_the_same_particle(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    particle = followed(qtbot, window, pane)
    left = {frame: outline for frame, outline in particle.outlines.items() if frame < 6}
    window.desk.change("Lose the end", particle, outlines=left)
    go(qtbot, pane, 7)
    choose(pane, None, "Draw P1 in this frame")
    drag(pane, [*map(tuple, circle(RADIUS + 3.5)), tuple(circle(RADIUS + 3.5)[0])])
    assert only(window) is particle
    settled(qtbot, window)
    assert sorted(particle.outlines) == list(range(FRAMES))
    assert sorted(particle.keys) == [0, 7]


def test_a_changed_drift_makes_tracks_stale(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    particle = followed(qtbot, window, pane)
    assert pane.stack is not None
    window.desk.change("Other drift", pane.stack, drift_px=np.full((FRAMES, 2), 0.25))
    assert particles_edit.stale(window.desk.session, particle)
    assert [button.text() for button in pane.ask_bar.buttons] == ["Update", "Later"]
    pane.ask_bar.buttons[0].click()
    settled(qtbot, window)
    assert not particles_edit.stale(window.desk.session, particle)


# --- larger proposals -----------------------------------------------------------------------------------------------


@pytest.fixture
def pair(qtbot: QtBot, window: MainWindow) -> StackPane:
    """Two discs that touch, on one image."""
    y, x = np.mgrid[:SIDE, :SIDE]
    far = np.minimum(np.hypot(x - 56, y - 80), np.hypot(x - 102, y - 80))
    soft = 1 / (1 + np.exp((far - 24) / 1.2))
    frames = np.random.default_rng(5).poisson(200 - 90 * soft)[None].astype(np.uint16)
    stack = FrameStack(name="pair", source=MemoryArray(frames), times=np.zeros(1), pixel_nm=0.5)
    return shown_in(qtbot, window, stack)


def shift_click(qtbot: QtBot, window: MainWindow, pane: StackPane, x: float, y: float) -> None:
    place = pane.canvas.to_screen(x, y).toPoint()
    QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, pos=place)
    settled(qtbot, window)
    pane.canvas.repaint()


@pytest.mark.parametrize("x", [56, 102], ids=["inside: the cluster", "outside: one more"])
def test_shift_click_makes_the_proposal_larger_and_backspace_smaller(
    qtbot: QtBot, window: MainWindow, pair: StackPane, x: float
) -> None:
    pair.tools.outline.click()
    click(pair, 58, 78)
    settled(qtbot, window)
    pair.canvas.repaint()
    shift_click(qtbot, window, pair, x, 80)
    QTest.keyClick(pair.canvas, Qt.Key.Key_Backspace)
    shift_click(qtbot, window, pair, x, 80)
    QTest.keyClick(pair.canvas, Qt.Key.Key_Return)
    assert area(only(window).outlines[0].polygon) == pytest.approx(2 * np.pi * 24**2, rel=0.1)
    window.undo()
    pair.tools.outline.click()
    click(pair, 58, 78)
    settled(qtbot, window)
    pair.canvas.repaint()
    shift_click(qtbot, window, pair, x, 80)
    QTest.keyClick(pair.canvas, Qt.Key.Key_Backspace)
    QTest.keyClick(pair.canvas, Qt.Key.Key_Return)
    assert area(only(window).outlines[0].polygon) == pytest.approx(np.pi * 24**2, rel=0.1)


def test_where_nothing_larger_is_the_hint_says_so(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    proposed(qtbot, window, pane)
    shift_click(qtbot, window, pane, 80, 80)
    assert "No larger outline" in pane.notes.hint
    QTest.keyClick(pane.canvas, Qt.Key.Key_Return)
    assert area(only(window).outlines[0].polygon) == pytest.approx(np.pi * RADIUS**2, rel=0.06)
    settled(qtbot, window)


# --- several particles ----------------------------------------------------------------------------------------------


def test_a_line_splits_and_the_menu_merges(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    particle = followed(qtbot, window, pane)
    whole = area(particle.outlines[0].polygon)
    steps = len(window.desk.session.history._done)
    choose(pane, particle, "Split along a line")
    drag(pane, [(80, 30), (80, 80), (80, 130)])
    assert [p.name for p in window.desk.session.particles] == ["P1", "P2"]
    assert len(window.desk.session.history._done) == steps + 1
    settled(qtbot, window)
    assert len(window.desk.session.history._done) == steps + 1  # with what was followed of both
    window.undo()
    assert len(only(window).outlines) == FRAMES
    window.redo()
    assert [len(p.outlines) for p in window.desk.session.particles] == [FRAMES, FRAMES]
    choose(pane, particle, "Merge with › P2")
    assert area(only(window).outlines[0].polygon) == pytest.approx(whole, rel=0.05)
    settled(qtbot, window)


def another_stack(window: MainWindow, name: str, pixel_nm: float) -> FrameStack:
    other = disc_movie()
    other.name, other.pixel_nm = name, pixel_nm
    window.desk.session.clocks.add(other.clock)
    window.desk.add("Add a stack", other)
    return other


def test_an_outline_is_copied_to_another_stack(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    particle = followed(qtbot, window, pane)
    other = another_stack(window, "closer", 0.25)
    go(qtbot, pane, 0)
    choose(pane, particle, "Copy to › closer")
    copied = next(p for p in window.desk.session.particles if p.stack_id == other.id)
    assert (copied.name, copied.colour) == (particle.name, particle.colour)
    assert area(copied.outlines[0].polygon) == pytest.approx(4 * area(particle.outlines[0].polygon), rel=0.01)
    assert pane.stack is other  # where there is something to be seen, and to be put right
    assert pane.scene.selected is copied
    window.undo()
    assert only(window) is particle


@pytest.mark.expects_log
def test_no_outline_is_copied_out_of_the_picture(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    particle = followed(qtbot, window, pane)
    another_stack(window, "far too close", 0.05)
    go(qtbot, pane, 0)
    choose(pane, particle, "Copy to › far too close")
    assert only(window) is particle
    assert "outside the images of far too close" in window.services.notices.items[-1].title


# --- stopping and asking --------------------------------------------------------------------------------------------


@pytest.fixture
def vanishing(qtbot: QtBot, window: MainWindow) -> StackPane:
    """The disc is gone from frame 6 on."""
    rng = np.random.default_rng(3)
    kept = [disc_movie().frame(min(k, FRAMES - 1)) for k in range(6)]
    empty = [rng.poisson(200, (SIDE, SIDE)).astype(np.uint16) for _ in range(12)]
    stack = FrameStack(
        name="gone", source=MemoryArray(np.stack([*kept, *empty])), times=np.arange(18.0), times_from="file",
        pixel_nm=0.5, drift_px=np.zeros((18, 2)),
    )  # fmt: skip
    return shown_in(qtbot, window, stack)


def test_following_stops_where_the_particle_is_gone_and_asks(
    qtbot: QtBot, window: MainWindow, vanishing: StackPane
) -> None:
    particle = followed(qtbot, window, vanishing)
    assert [button.text() for button in vanishing.ask_bar.buttons] == ["Correct here", "Continue", "Ignore"]
    assert max(particle.outlines) < 13
    assert particle.followed is not None
    assert particle.followed[1] < 13
    qtbot.waitUntil(lambda: vanishing.frame_index in (5, 6, 7, 8, 9), timeout=10_000)
    shown = vanishing.frame_index
    assert f"frame {shown + 1}" in vanishing.ask_bar.text
    vanishing.ask_bar.buttons[0].click()
    x, y = particle.outlines[shown].polygon[0]
    drag(vanishing, [(x, y), (x + 2, y), (x + 4, y)])
    assert shown in particle.keys
    settled(qtbot, window)


def test_the_question_says_which_way_following_went(
    qtbot: QtBot, window: MainWindow, vanishing: StackPane
) -> None:
    stack = vanishing.stack
    assert stack is not None
    particle = particles_edit.draw(window.desk, stack, 0, circle(RADIUS))
    vanishing.tools.following._ask_to_correct([particle], {particle.id: (6,)})
    assert "in frame 7 and after" in vanishing.ask_bar.text
    particle.outlines[9] = particle.outlines.pop(0)
    vanishing.tools.following._ask_to_correct([particle], {particle.id: (6,)})
    assert "in frame 7 and before" in vanishing.ask_bar.text


def test_the_question_goes_with_its_particle(qtbot: QtBot, window: MainWindow, vanishing: StackPane) -> None:
    followed(qtbot, window, vanishing)
    assert not vanishing.ask_bar.isHidden()
    QTest.keyClick(vanishing.canvas, Qt.Key.Key_Delete)
    assert not len(window.desk.session.particles)
    assert vanishing.ask_bar.isHidden()


def test_go_on_tries_every_frame(qtbot: QtBot, window: MainWindow, vanishing: StackPane) -> None:
    particle = followed(qtbot, window, vanishing)
    vanishing.ask_bar.buttons[1].click()
    settled(qtbot, window)
    assert particle.followed == (0, 17)
    step = window.desk.session.steps[particle.made_by]
    assert step.parameters["stop_below"] is None


class Gate(MemoryArray):
    """Frames from the fifteenth on come only when the gate is open."""

    is_open = Event()

    def read(self, index: int) -> NDArray[Any]:
        if index >= 14:
            assert self.is_open.wait(60)
        return np.asarray(super().read(index))


def test_outlines_are_seen_while_they_grow_and_stopping_keeps_them(qtbot: QtBot, window: MainWindow) -> None:
    frames = np.stack([disc_movie().frame(min(k // 3, FRAMES - 1)) for k in range(24)])
    stack = FrameStack(
        name="slow", source=Gate(frames), times=np.arange(24.0), times_from="file", pixel_nm=0.5,
        drift_px=np.zeros((24, 2)),
    )  # fmt: skip
    pane = shown_in(qtbot, window, stack)
    overlay = pane.scene.outlines
    assert overlay is not None
    particle = particles_edit.draw(window.desk, stack, 0, circle(RADIUS))
    pane.tools.following.start([particle])
    qtbot.waitUntil(lambda: len(window.desk.session.growing.of(particle.id)) >= 4, timeout=60_000)
    reached = overlay.newest(particle)
    assert reached is not None
    assert reached >= 3
    (curve,) = Area().curves(window.desk.session, None)
    assert isinstance(curve.samples, Points)
    assert np.isfinite(curve.samples.y).sum() >= 4  # the area lane grows with them
    (task,) = window.services.runner.tasks
    task.cancel()
    Gate.is_open.set()
    settled(qtbot, window)
    qtbot.waitUntil(lambda: not pane.tools.following.is_running, timeout=10_000)
    assert set(range(reached + 1)) <= particle.outlines.keys()
    assert len(particle.outlines) < 24
    assert window.desk.session.history.undo_label == "Follow P1 (stopped)"
    assert window.desk.session.steps[particle.made_by].parameters == {"stopped": True}
    window.undo()
    assert list(particle.outlines) == [0]


def test_undo_while_following_leaves_nothing_growing(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gate, "is_open", Event())
    frames = np.stack([disc_movie().frame(min(k // 3, FRAMES - 1)) for k in range(24)])
    stack = FrameStack(
        name="slow", source=Gate(frames), times=np.arange(24.0), times_from="file", pixel_nm=0.5,
        drift_px=np.zeros((24, 2)),
    )  # fmt: skip
    pane = shown_in(qtbot, window, stack)
    session = window.desk.session
    particle = particles_edit.draw(window.desk, stack, 0, circle(RADIUS))
    pane.tools.outlining.correct(particle, circle(RADIUS + 2))
    qtbot.waitUntil(lambda: len(session.growing.of(particle.id)) >= 2, timeout=60_000)
    window.undo()
    assert not session.growing.of(particle.id)
    assert not pane.tools.following.is_running
    pane.tools.following.start([particle])
    particles_edit.remove(window.desk, particle)  # nothing is followed for one that is gone
    assert not pane.tools.following.is_running
    window.undo()
    Gate.is_open.set()
    settled(qtbot, window)
    assert list(particle.outlines) == [0]
    assert particle.outlines[0].polygon[:, 0].max() == pytest.approx(80 + RADIUS, abs=0.5)


# --- numbers --------------------------------------------------------------------------------------------------------


def test_the_table_has_every_frame_and_leads_there(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    particle = followed(qtbot, window, pane)
    pane.tools.windows.open_sizes(particle)
    dialog = next(child for child in pane.children() if isinstance(child, ParticleTableDialog))
    model = dialog.model
    assert model.rowCount() == FRAMES
    titles = [model.headerData(k, Qt.Orientation.Horizontal) for k in range(model.columnCount())]
    text = model.data(model.index(8, titles.index("area (nm²)")))
    assert float(text.split(" ± ")[0]) == pytest.approx(np.pi * (RADIUS + 4) ** 2 / 4, rel=0.03)
    dialog.view.clicked.emit(model.index(5, 0))
    qtbot.waitUntil(lambda: pane.frame_index == 5, timeout=10_000)
    assert model.as_text().splitlines()[0].startswith("frame\ttime (s)\tarea (nm²)\tarea low (nm²)")
    dialog.close()


def swelling(window: MainWindow, pane: StackPane) -> Particle:
    """A particle whose area is known to swell exponentially from second 5 on, to three halves of its start."""
    stack = pane.stack
    assert stack is not None
    times = np.arange(TIMES, dtype=float)
    window.desk.session.change(
        stack, source=MemoryArray(np.ones((TIMES, 8, 8), np.uint16)), times=times, drift_px=None
    )
    gain = 1 + 0.5 * (1 - np.exp(-np.maximum(0, times - 5) / 6))
    rng = np.random.default_rng(2)
    particle = Particle(name="P1", stack_id=stack.id)
    for frame, ratio in enumerate(gain * (1 + rng.normal(0, 0.002, TIMES))):
        polygon = circle(RADIUS * float(np.sqrt(ratio)))
        found = particles_edit.following.key_outline(polygon)
        particle.outlines[frame] = found
    window.desk.add("Outline P1", particle)
    return particle


def opened(qtbot: QtBot, window: MainWindow, pane: StackPane, particle: Particle) -> KineticsDialog:
    pane.tools.windows.open_kinetics(particle)
    dialog: KineticsDialog = next(child for child in pane.children() if isinstance(child, KineticsDialog))
    settled(qtbot, window)
    return dialog


def test_kinetics_are_fitted_kept_and_drawn_in_the_lane(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    particle = swelling(window, pane)
    dialog = opened(qtbot, window, pane, particle)
    found = dialog.analysed
    assert found is not None
    assert found.found.fits[0].model.name == "saturating"
    assert found.found.onset_s.value == pytest.approx(5, abs=0.3)
    start = np.pi * RADIUS**2 / 4
    assert found.found.end_area.value == pytest.approx(1.5 * start, rel=0.01)
    assert "cm²/s" in dialog.findings.texts["speed"]
    assert "A₀" in dialog.formula.text()
    assert dialog.formula.text().count("nm²") == 2  # both areas of the model say their unit
    assert dialog.references.rowCount() == len(kinetics.references()) > 5
    dialog.keep.click()
    session = window.desk.session
    result = kinetics.kept_for(session, particle)
    assert result is not None
    assert session.steps[result.made_by].inputs[particle.id] == particle.revision
    assert not kinetics.is_stale(session, result)
    particles_edit.recolour(window.desk, particle, "#123456")
    assert not kinetics.is_stale(session, result)
    particles_edit.correct(window.desk, particle, 20, circle(RADIUS))
    assert kinetics.is_stale(session, result)
    window.undo()
    window.undo()
    window.undo()
    assert kinetics.kept_for(session, particle) is None
    dialog.close()


def test_kinetics_follow_a_correction_and_say_when_there_is_no_curve(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    particle = swelling(window, pane)
    dialog = opened(qtbot, window, pane, particle)
    before = dialog.analysed
    window.desk.change("Lose one", particle, outlines={k: o for k, o in particle.outlines.items() if k != 8})
    settled(qtbot, window)
    assert before is not None
    assert dialog.analysed is not None
    assert len(dialog.analysed.curve.t) == len(before.curve.t) - 1
    dialog.curve_plot.picked.emit("area", 8)
    assert window.desk.session.focus.t == pytest.approx(9.0)
    window.desk.change("Lose all but one", particle, outlines={0: particle.outlines[0]})
    settled(qtbot, window)
    assert "no area curve" in dialog.note.text()
    assert not dialog.keep.isEnabled()
    dialog.close()


def moved_to(plot: QWidget, place: QPoint) -> None:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QMouseEvent
    from PyQt6.QtWidgets import QApplication

    button, at = Qt.MouseButton.LeftButton, QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, plot.mapToGlobal(at), button, button, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(plot, event)


def test_the_stretch_is_dragged_on_the_curve(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    dialog = opened(qtbot, window, pane, swelling(window, pane))
    plot = dialog.curve_plot
    plot.grab()
    assert plot._scales is not None
    start = QPoint(round(plot._scales[0].pixel(plot.interval[1])), 60)
    end = QPoint(round(plot._scales[0].pixel(25.0)), 60)
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    moved_to(plot, end)
    assert dialog.end.value() == pytest.approx(25, abs=0.3)
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    settled(qtbot, window)
    assert dialog.analysed is not None
    assert dialog.analysed.span[1] == pytest.approx(25, abs=0.3)
    assert len(dialog.analysed.curve.t) == 26
    dialog.close()


def test_the_area_lane_shows_other_sizes_too(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    from tandem_widgets.panes.biasing.pane import BiasingPane

    followed(qtbot, window, pane)
    lanes = window.docks.biasing.widget()
    assert isinstance(lanes, BiasingPane)
    around = {"perimeter": np.pi * (RADIUS + 4), "circularity": 1.0, "diameter": RADIUS + 4}
    for mode, value in around.items():
        runs.change_lane(window.desk, "area", "Show", mode=mode, y=None)
        settled(qtbot, window)
        lane = next(lane for lane in lanes.lanes.content.lanes if lane.kind == "area")
        assert lane.curves[0].value_at(8.0) == pytest.approx(value, rel=0.02)


def test_what_needs_a_track_is_greyed_out_without_one(window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    menu = QMenu(pane)
    pane.tools.fill_at(menu, particle)
    assert not entry(menu, "Kinetics…").isEnabled()
    assert entry(menu, "Size table…").isEnabled()  # the area of one image is a size too


def test_separate_images_are_measured_and_not_followed(window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    stacks.answer_axis(window.desk, pane.stack, False)
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    menu = QMenu(pane)
    pane.tools.fill_at(menu, particle)
    texts = [action.text() for action in menu.actions()]
    assert not any(text.startswith(("Follow", "Kinetics")) for text in texts)
    assert pane.scene.outlines is not None
    square_nm = np.pi * RADIUS**2 / 4
    words = pane.scene.outlines.words(particle, particle.outlines[0], 0)
    assert words.endswith("nm²")
    assert float(words.split()[1]) == pytest.approx(square_nm, rel=0.02)
