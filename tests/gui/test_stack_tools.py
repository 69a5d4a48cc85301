"""The stack pane as a person uses it: draw, follow, correct, keep references, measure, calibrate, correct the drift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from disc_movie import FRAMES, RADIUS, QTest, area, circle, disc_movie, drag, settled, shown_in
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QInputDialog, QMenu
from pytestqt.qtbot import QtBot

from tandem_em.core.notices import UserError
from tandem_em.desk.outlines import edit as particles_edit
from tandem_em.desk.stacks import stack as stacks
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.dialogs.kymograph import KymographDialog
from tandem_widgets.dialogs.montage.dialog import MontageDialog
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.shell.window.main_window import MainWindow


@pytest.fixture
def pane(qtbot: QtBot, window: MainWindow) -> StackPane:
    """The stack pane of the real window, showing the disc."""
    return shown_in(qtbot, window, disc_movie())


def test_a_drawn_outline_is_one_step_and_is_followed_as_one_step(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    pane.tools.outline.click()
    assert pane.tools.outline.isChecked()
    drag(pane, [*map(tuple, circle(RADIUS + 1)), tuple(circle(RADIUS + 1)[0])])
    session = window.desk.session
    assert [p.name for p in session.particles] == ["P1"]
    particle = session.particles.first
    assert particle is not None
    assert not pane.tools.outline.isChecked()
    assert session.history.undo_label == "Outline P1"
    settled(qtbot, window)
    assert session.history.undo_label == "Follow P1"
    assert sorted(particle.outlines) == list(range(FRAMES))
    true = np.pi * (RADIUS + 0.5 * (FRAMES - 1)) ** 2
    assert abs(area(particle.outlines[FRAMES - 1].polygon) / true - 1) < 0.03
    step = session.steps.get(particle.made_by)
    assert step is not None
    assert pane.stack is not None
    assert step.inputs == {pane.stack.id: pane.stack.revision}
    window.undo()
    assert list(particle.outlines) == [0]
    window.undo()
    assert not len(session.particles)
    window.redo()
    assert len(session.particles) == 1


def test_keys_activate_the_tools(window: MainWindow) -> None:
    pane = window.docks.stack.widget()
    assert isinstance(pane, StackPane)
    QTest.keyClick(window, Qt.Key.Key_N)
    assert pane.tools.outline.isChecked()
    assert pane.notes.hint.startswith("Click a particle")
    QTest.keyClick(window, Qt.Key.Key_L)
    assert not pane.tools.outline.isChecked()
    assert pane.tools.profile.isChecked()
    QTest.keyClick(pane.canvas, Qt.Key.Key_Escape)
    assert not pane.tools.profile.isChecked()
    assert pane.notes.hint == ""


def test_without_a_stack_no_tool_is_activated(window: MainWindow) -> None:
    window.show_session(Session("empty"))
    pane = window.docks.stack.widget()
    assert isinstance(pane, StackPane)
    pane.tools.outline.click()
    assert not pane.tools.outline.isChecked()


def test_a_stopped_follow_keeps_what_it_has(window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    found = dict.fromkeys(range(4), particle.outlines[0])
    particles_edit.keep(window.desk, [particle], {particle.id: found})
    assert sorted(particle.outlines) == [0, 1, 2, 3]
    assert particle.followed == (0, 3)
    window.undo()
    assert sorted(particle.outlines) == [0]


def test_clicks_make_a_polygon_and_escape_leaves(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.outline.setChecked(True)
    canvas = pane.canvas
    for x, y in ((50, 50), (110, 50), (110, 110), (50, 110)):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.to_screen(x, y).toPoint())
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    particle = window.desk.session.particles.first
    assert particle is not None
    assert area(particle.outlines[0].polygon) == pytest.approx(3600, rel=0.06)
    settled(qtbot, window)
    pane.tools.outline.setChecked(True)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not pane.tools.outline.isChecked()
    assert len(window.desk.session.particles) == 1


def test_shift_drags_an_ellipse(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.outline.setChecked(True)
    drag(pane, [(50, 60), (80, 80), (110, 100)], Qt.KeyboardModifier.ShiftModifier)
    particle = window.desk.session.particles.first
    assert particle is not None
    assert area(particle.outlines[0].polygon) == pytest.approx(np.pi * 30 * 20, rel=0.06)
    settled(qtbot, window)


def test_dragging_an_outline_makes_a_key_and_only_its_stretch_is_followed(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    pane.tools.following.start([particle])
    settled(qtbot, window)
    pane.go_to(4)
    qtbot.waitUntil(lambda: pane.frame_index == 4, timeout=10_000)
    before = dict(particle.outlines)
    right = before[4].polygon[np.argmax(before[4].polygon[:, 0])]
    drag(pane, [(right[0], right[1]), (right[0] + 6, right[1]), (right[0] + 12, right[1])])
    assert particle.outlines[4].is_key
    reach = particle.outlines[4].polygon[:, 0].max() - before[4].polygon[:, 0].max()
    assert reach == pytest.approx(12, abs=1.5)
    assert particle.outlines[4].polygon[:, 0].min() == pytest.approx(before[4].polygon[:, 0].min(), abs=1.2)
    assert particles_edit.stretch_of(window.desk.session, particle, 2) == (0, 4)
    settled(qtbot, window)
    assert sorted(particle.keys) == [0, 4]
    window.undo()  # the correction, and what was followed from it
    assert particle.outlines == before


def test_reference_rename_hide_delete(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    assert particle.reference_frames == [0]
    pane.tools.outlining.toggle_reference()
    assert particle.reference_frames == []
    pane.tools.outlining.toggle_reference()
    assert particle.reference_frames == [0]
    particles_edit.rename(window.desk, particle, "left one")
    particles_edit.show(window.desk, [particle], False)
    assert (particle.name, particle.visible) == ("left one", False)
    window.undo()
    assert particle.visible
    QTest.keyClick(pane.canvas, Qt.Key.Key_Delete)
    assert not len(window.desk.session.particles)
    window.undo()
    assert window.desk.session.particles.first is particle


def test_split_and_merge_keep_the_area(window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    whole = area(particle.outlines[0].polygon)
    one, other = particles_edit.split(window.desk, particle, 0, (80.0, 20.0), (80.0, 140.0))
    halves = [area(each.outlines[0].polygon) for each in (one, other)]
    assert sum(halves) == pytest.approx(whole, rel=0.02)
    merged = particles_edit.merge(window.desk, one, other, 0)
    assert area(merged.outlines[0].polygon) == pytest.approx(whole, rel=0.03)
    assert len(window.desk.session.particles) == 1
    window.undo()
    window.undo()
    assert area(particle.outlines[0].polygon) == whole
    with pytest.raises(UserError):
        particles_edit.split(window.desk, particle, 0, (0.0, 0.0), (1.0, 0.0))


def test_changed_calibration_makes_tracks_stale_and_update_follows_again(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    pane.tools.following.start([particle])
    settled(qtbot, window)
    assert pane.ask_bar.isHidden()
    stacks.set_pixel(window.desk, pane.stack, 0.4)
    assert particles_edit.stale(window.desk.session, particle)
    assert "P1" in pane.ask_bar.text
    assert not pane.ask_bar.isHidden()
    pane.ask_bar.buttons[0].click()
    settled(qtbot, window)
    assert not particles_edit.stale(window.desk.session, particle)


def test_a_region_gives_its_mean_over_time(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    pane.tools.roi.setChecked(True)
    drag(pane, [(5, 5), (20, 20), (35, 35)])
    settled(qtbot, window)
    result = window.desk.session.results.first
    assert result is not None
    assert result.analysis == stacks.REGION
    assert len(result.arrays["mean"]) == FRAMES
    assert result.arrays["mean"] == pytest.approx(np.full(FRAMES, 200.0), rel=0.02)
    assert result.arrays["sd"] == pytest.approx(np.full(FRAMES, np.sqrt(200.0)), rel=0.2)
    window.undo()
    assert not len(window.desk.session.results)


def test_a_profile_opens_a_window_and_a_kymograph(
    qtbot: QtBot, window: MainWindow, pane: StackPane, tmp_path: Path
) -> None:
    pane.tools.profile.setChecked(True)
    drag(pane, [(20, 80), (80, 80), (140, 80)])
    line = window.desk.session.profiles.first
    assert line is not None
    assert pane.stack is not None
    assert line.owner_id == pane.stack.id
    shown = pane.tools.windows.profile
    assert shown is not None
    qtbot.waitUntil(lambda: bool(shown.plot.content.curves))
    curve = shown.plot.content.curves[0]
    assert float(curve.y[len(curve.y) // 2]) == pytest.approx(110, rel=0.1)
    assert float(curve.y[3]) == pytest.approx(200, rel=0.1)
    assert float(curve.x[-1]) == pytest.approx(60, rel=0.05)  # nm
    pane.tools.windows.open_kymograph(line)
    dialog = next(child for child in pane.children() if isinstance(child, KymographDialog))
    settled(qtbot, window)
    assert dialog.values is not None
    assert dialog.values.shape[0] == FRAMES
    dialog.save(tmp_path / "k.csv")
    assert len((tmp_path / "k.csv").read_text("utf-8").splitlines()) == FRAMES + 1
    dialog.close()
    shown.close()


def test_the_scale_bar_calibrates_and_is_remembered(
    qtbot: QtBot, window: MainWindow, pane: StackPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pane.stack is not None
    pane.stack.magnification = 40_000.0
    monkeypatch.setattr(QInputDialog, "getDouble", staticmethod(lambda *_args: (50.0, True)))
    pane.tools.measuring.activate_scale_bar()
    drag(pane, [(30, 100), (80, 100), (130, 100)])
    assert pane.stack.pixel_nm == pytest.approx(0.5, rel=0.03)
    assert pane.stack.pixel_from == "scale bar"
    other = FrameStack(name="other", magnification=40_000.0, source=pane.stack.source)
    assert stacks.remembered_pixel(window.desk, other) == pane.stack.pixel_nm


def test_drift_is_found_shown_and_undone(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    stack = pane.stack
    assert stack is not None
    window.desk.change("Forget the drift", stack, drift_px=None)
    assert not pane.tools.drift.isChecked()
    pane.tools.drift.click()
    settled(qtbot, window)
    assert stack.drift_px is not None
    assert pane.tools.drift.isChecked()
    assert stack.drift_px.shape == (FRAMES, 2)
    assert window.desk.session.history.undo_label == "Correct the drift of disc"
    pane.tools.drift.click()
    assert not pane.scene.drift.on
    assert not pane.tools.drift.isChecked()
    window.undo()
    assert stack.drift_px is None


class BrokenFrame(MemoryArray):
    """A movie whose fourth frame is damaged on disk."""

    def read(self, index: object) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
        if index == 3:
            raise UserError("The data of this frame are cut off.", "Copy the file again.")
        return super().read(index)


def test_a_bad_frame_is_a_sentence_and_the_movie_goes_on(qtbot: QtBot, window: MainWindow) -> None:
    session = Session("bad")
    stack = disc_movie()
    stack.source = BrokenFrame(np.asarray(stack.source.read(slice(None))))
    session.stacks.add(stack)
    window.show_session(session)
    pane = window.docks.stack.widget()
    assert isinstance(pane, StackPane)
    pane.go_to(3)
    qtbot.waitUntil(lambda: "cut off" in pane.notes.trouble, timeout=10_000)
    assert pane.notes.trouble.startswith("Frame 4")
    pane.go_to(5)
    qtbot.waitUntil(lambda: pane.frame_index == 5, timeout=10_000)
    assert pane.notes.trouble == ""
    settled(qtbot, window)


def test_images_that_are_no_movie_are_asked_once_and_get_a_slider(qtbot: QtBot, window: MainWindow) -> None:
    session = Session("focus series")
    stack = disc_movie()
    stack.times, stack.times_from, stack.axis0_is_time = np.full(FRAMES, np.nan), "none", None
    session.stacks.add(stack)
    window.show_session(session)
    pane = window.docks.stack.widget()
    assert isinstance(pane, StackPane)
    assert [button.text() for button in pane.ask_bar.buttons] == ["Yes, a movie", "No, separate images"]
    pane.ask_bar.buttons[1].click()
    assert stack.axis0_is_time is False
    assert not pane.slider.isHidden()
    pane.slider.setValue(6)
    qtbot.waitUntil(lambda: pane.frame_index == 6, timeout=10_000)
    assert pane.canvas.stamp == f"7 / {FRAMES}"
    drawn = particles_edit.draw(window.desk, stack, 6, circle(RADIUS))
    assert drawn.reference_frames == []  # the other images may show another place
    window.undo()
    window.undo()
    assert stack.axis0_is_time is None
    stacks.answer_axis(window.desk, stack, True)
    assert stack.times_from == "nominal"
    assert pane.slider.isHidden()
    settled(qtbot, window)


def test_montage_has_a_panel_for_each_time(
    qtbot: QtBot, window: MainWindow, pane: StackPane, tmp_path: Path
) -> None:
    pane.tools.windows.open_montage()
    dialog = next(child for child in pane.children() if isinstance(child, MontageDialog))
    qtbot.waitUntil(lambda: not dialog.image.isNull(), timeout=20_000)
    assert len(dialog.wanted()) == 5
    dialog.times.setText("0, 3 8")
    dialog.read()
    dialog.panel.setValue(200)
    qtbot.waitUntil(lambda: dialog.image.width() == 3 * 200 + 2 * 6, timeout=20_000)
    assert dialog.image.height() == 200
    dialog.save(tmp_path / "montage.png")
    assert (tmp_path / "montage.png").stat().st_size > 1000
    with pytest.raises(UserError):
        dialog.save(tmp_path / "nowhere" / "montage.png")
    dialog.close()
    settled(qtbot, window)


def test_menus_offer_what_can_be_done(qtbot: QtBot, window: MainWindow, pane: StackPane) -> None:
    assert pane.stack is not None
    particle = particles_edit.draw(window.desk, pane.stack, 0, circle(RADIUS))
    menus = [QMenu(pane) for _ in range(3)]
    pane.tools.fill_more(menus[0])
    pane.tools.fill_at(menus[1], particle)
    pane.tools.fill_at(menus[2], None)
    texts = [[action.text() for action in menu.actions()] for menu in menus]
    assert "Montage…" in texts[0]
    assert "Keep as reference outline\tG" in texts[1]
    assert texts[2][0].startswith("New outline")


def test_filters_change_what_is_shown_and_not_the_data(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    assert pane.stack is not None
    assert pane.canvas.frame is not None
    raw = pane.stack.frame(0).copy()
    noisy = float(np.std(np.asarray(pane.canvas.frame)[:30, :30]))
    pane.scene.use_filter(stacks.ViewFilter("mean", 5))
    qtbot.waitUntil(
        lambda: pane.canvas.frame is not None and pane.canvas.frame.dtype == np.float32, timeout=10_000
    )
    assert float(np.std(np.asarray(pane.canvas.frame)[:30, :30])) == pytest.approx(
        noisy / np.sqrt(5), rel=0.25
    )
    assert (pane.stack.frame(0) == raw).all()
    pane.scene.use_filter(stacks.ViewFilter())
    qtbot.waitUntil(
        lambda: pane.canvas.frame is not None and pane.canvas.frame.dtype == np.uint16, timeout=10_000
    )


def test_images_that_are_no_movie_are_stepped_through(
    qtbot: QtBot, window: MainWindow, pane: StackPane
) -> None:
    assert pane.stack is not None
    stacks.answer_axis(window.desk, pane.stack, False)
    window.time.next_frame()
    qtbot.waitUntil(lambda: pane.frame_index == 1, timeout=10_000)
    window.time.to_end()
    qtbot.waitUntil(lambda: pane.frame_index == FRAMES - 1, timeout=10_000)
    window.time.next_frame()
    window.time.previous_frame()
    qtbot.waitUntil(lambda: pane.frame_index == FRAMES - 2, timeout=10_000)
    window.time.to_start()
    qtbot.waitUntil(lambda: pane.frame_index == 0, timeout=10_000)


def test_a_double_click_shows_the_whole_image_and_fills_the_pane_again(
    window: MainWindow, pane: StackPane
) -> None:
    canvas = pane.canvas
    canvas.fit()
    filled = canvas.view.zoom
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    assert canvas.view.zoom < filled
    canvas.resize(canvas.size())
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    assert canvas.view.zoom == pytest.approx(filled)
