"""The EELS pane as a person uses it: drag a window, hover, choose what the map shows, be told what is doubtful."""

from __future__ import annotations

from html import escape

import numpy as np
import pytest
from lithium_map import STEP, lithium_map
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot
from settling import settle

from tandem_em.desk.eels.maps import known_edges
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.panes.eels.advice import DoubtsPanel
from tandem_widgets.panes.eels.limits import LimitsPanel
from tandem_widgets.panes.eels.pane import EelsPane
from tandem_widgets.shell.window.main_window import MainWindow


@pytest.fixture
def pane(qtbot: QtBot, window: MainWindow) -> EelsPane:
    """The EELS pane of the real window with two states of one sample."""
    session = Session("lithium")
    for seed, (state, amount) in enumerate((("pristine", 12000.0), ("charged", 6000.0))):
        image = lithium_map(f"SI-{seed + 1}", state, amount, seed)
        session.clocks.add(image.clock)
        session.maps.add(image)
    window.show_session(session)
    found = window.docks.eels.widget()
    assert isinstance(found, EelsPane)
    settled(qtbot, window)
    return found


def settled(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: not window.services.runner.tasks, timeout=90_000)
    settle(qtbot)


def moved(widget: QWidget, place: QPointF, buttons: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """A mouse move with the button held: QTest cannot say that."""
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove, place, widget.mapToGlobal(place), Qt.MouseButton.NoButton, buttons,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    widget.mouseMoveEvent(event)


def test_dragging_a_window_is_one_step_and_the_map_follows(qtbot: QtBot, pane: EelsPane) -> None:
    plot = pane.spectrum
    edge = pane.session.edges.first
    assert edge is not None
    before, map_before, painted = edge.signal, np.array(pane.images.single.frame), pane.images.single.painted
    y = plot.height() // 2
    start = float(plot.x_to_px(sum(edge.signal) / 2))
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=QPointF(start, y).toPoint())
    for step in range(1, 6):
        moved(plot, QPointF(start + 4 * step, y))
        settle(qtbot)
    assert edge.signal != before
    assert not np.array_equal(np.array(pane.images.single.frame), map_before, equal_nan=True)
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=QPointF(start + 20, y).toPoint())
    assert 1 <= pane.images.single.painted - painted <= 12
    pane.session.history.undo()
    assert edge.signal == before


def test_hovering_shows_the_spectrum_of_that_pixel(qtbot: QtBot, pane: EelsPane) -> None:
    image = pane.session.maps.first
    assert image is not None
    canvas = pane.images.rgb
    painted = canvas.painted
    place = canvas.to_screen(20, 6)
    moved(canvas, place, Qt.MouseButton.NoButton)
    settle(qtbot)
    np.testing.assert_allclose(pane.spectrum.content.curves[0].y, image.source.read((6, 20)))
    assert "20, 6" in pane.spectrum.content.title
    assert canvas.painted - painted <= 1  # a hover shows a spectrum, it does not make the maps again


def test_impossible_windows_are_said_in_a_sentence(qtbot: QtBot, pane: EelsPane) -> None:
    edge = pane.session.edges.first
    assert edge is not None
    pane.desk.change("Signal", edge, signal=(900.0, 910.0))
    qtbot.waitUntil(lambda: bool(pane.note.sentence), timeout=3000)
    pane.session.history.undo()
    qtbot.waitUntil(lambda: not pane.note.sentence, timeout=3000)


@pytest.mark.expects_log
@pytest.mark.parametrize(
    ("text", "onset_eV"),
    [("532", 532.0), ("0,532 keV", 532.0), ("54.7eV", 54.7), ("1.2.3", None), ("5 nm", None)],
)
def test_an_onset_is_read_with_its_unit_or_it_is_said_why_not(
    pane: EelsPane, text: str, onset_eV: float | None
) -> None:
    edge = pane.session.edges.first
    assert edge is not None
    before = edge.onset_eV
    pane.edges.item(0, 1).setText(text)
    assert edge.onset_eV == (before if onset_eV is None else onset_eV)
    said = [each.title for each in pane.desk.notices.items]
    assert [text in each for each in said] == ([True] if onset_eV is None else [])


def test_advice_is_about_the_chosen_edge_with_numbers(qtbot: QtBot, pane: EelsPane) -> None:
    qtbot.waitUntil(lambda: bool(pane.note.warnings), timeout=20_000)
    assert all(each["reason"] and each["edge"] for each in pane.note.warnings)
    assert "cobalt" in pane.note.toolTip().lower() or "Co" in pane.note.toolTip()
    assert pane.note.text().startswith("⚠")


def test_the_map_shows_what_was_chosen(qtbot: QtBot, pane: EelsPane) -> None:
    single = pane.images.single
    counts, table = np.array(single.frame), single.table.copy()
    pane.scene.look(quantity="signal to noise", colours="cividis")
    settle(qtbot)
    shown = np.array(single.frame)
    assert np.nanmean(shown[:, STEP + 2 :]) > 10 > abs(np.nanmean(shown[:, : STEP - 2]))
    assert not np.array_equal(shown, counts, equal_nan=True)
    assert not np.array_equal(single.table, table)
    pane.scene.look(limits=(-2.0, 7.0))
    settle(qtbot)
    assert single.levels == (-2.0, 7.0)


def test_states_stand_side_by_side_on_common_limits(qtbot: QtBot, pane: EelsPane) -> None:
    pane.scene.look(compare=True)
    settle(qtbot)
    shown = [canvas for canvas in pane.images.canvases if canvas.isVisible()]
    assert [canvas.caption.split(" · ")[1] for canvas in shown] == ["pristine", "charged"]
    assert shown[0].levels == shown[1].levels
    pane.scene.look(compare=False)
    settle(qtbot)
    assert [canvas for canvas in pane.images.canvases if canvas.isVisible()] == [
        pane.images.adf, pane.images.rgb, pane.images.single,
    ]  # fmt: skip


def test_a_click_adds_a_site_and_undo_takes_it_back(qtbot: QtBot, pane: EelsPane) -> None:
    pane.tools.sites.setChecked(True)
    canvas = pane.images.rgb
    for x in (3, 20):
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.to_screen(x, 6).toPoint())
    settle(qtbot)
    assert [site.number for site in pane.session.sites] == [0, 1]
    assert len({site.colour for site in pane.session.sites}) == 2
    assert [curve.label for curve in pane.spectrum.content.curves] == ["0", "1"]
    painted = pane.images.adf.painted
    start, end = canvas.to_screen(20, 6), canvas.to_screen(15, 4)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    moved(canvas, (start + end) / 2)
    moved(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end.toPoint())
    second = list(pane.session.sites)[1]
    assert second.points[0] == pytest.approx((15, 4), abs=0.5)
    qtbot.waitUntil(lambda: pane.images.adf.painted > painted)  # the site moves on every picture
    pane.session.history.undo()
    assert second.points[0] == pytest.approx((20, 6), abs=0.5)
    pane.session.history.undo()
    assert len(pane.session.sites) == 1


def test_a_profile_is_drawn_normalised_and_anchored_on_the_step(qtbot: QtBot, pane: EelsPane) -> None:
    assert not pane.profile.isVisible()
    pane.tools.profile.setChecked(True)
    canvas = pane.images.single
    start, end = canvas.to_screen(1, 6), canvas.to_screen(22, 6)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    moved(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end.toPoint())
    settle(qtbot)
    assert pane.profile.isVisible()
    assert not pane.tools.profile.isChecked()
    curves = pane.profile.content.curves
    assert [curve.label for curve in curves] == ["pristine", "charged"]
    step = [float(np.nanmean(curve.y[-6:]) - np.nanmean(curve.y[:6])) for curve in curves]
    assert step[1] / step[0] == pytest.approx(0.5, abs=0.1)
    assert [mark.text for mark in pane.profile.content.marks] == ["bare", "rich"]
    edge = pane.session.edges.first
    assert edge is not None
    pane.scene.look(normalised=True, anchor=edge.id)
    settle(qtbot)
    curve = pane.profile.content.curves[0]
    assert float(np.nanmax(curve.y)) == pytest.approx(1.0)
    assert curve.x[0] < -10
    left, right = curve.y[curve.x < -4], curve.y[curve.x > 4]
    assert np.nanmax(left) < np.nanmin(right)  # the step lies at 0 nm
    pane.session.history.undo()
    settle(qtbot)
    assert not pane.profile.isVisible()


def test_a_drag_on_a_picture_shows_the_spectrum_of_that_region(qtbot: QtBot, pane: EelsPane) -> None:
    canvas = pane.images.single
    image = pane.image
    assert image is not None
    data = image.source.read(slice(None))
    start, end = canvas.to_screen(2.0, 3.0), canvas.to_screen(7.0, 6.0)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    for share in (0.3, 0.7, 1.0):
        moved(canvas, start + (end - start) * share)
    settle(qtbot)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end.toPoint())
    settle(qtbot)
    assert pane.spectrum.content.title == "region 6 × 4 px"

    expected = data[3:7, 2:8].reshape(-1, data.shape[2]).mean(axis=0, dtype=np.float64)
    shown = [c.y for c in pane.spectrum.content.curves if len(c.y) == data.shape[2]]
    assert any(np.allclose(y, expected) for y in shown)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=start.toPoint())
    settle(qtbot)
    assert pane.scene.region is None


def test_each_channel_has_limits_that_are_dragged_on_its_histogram(qtbot: QtBot, pane: EelsPane) -> None:
    edge = pane.session.edges.first
    assert edge is not None
    panel = LimitsPanel(pane, pane.scene, pane.pictures.shown_maps())
    panel.setWindowFlags(Qt.WindowType.Widget)  # a popup would grab the keyboard of the whole screen
    panel.show()
    histogram = panel.rows["red"].histogram
    before = pane.images.rgb._rgb
    low, high = histogram.limits
    place = QPointF(histogram._to_px(high), 20.0)
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=place.toPoint())
    moved(histogram, place - QPointF(30, 0))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=place.toPoint())
    settle(qtbot)
    first, last = pane.choice.channel_limits["red"]
    assert first == pytest.approx(low)
    assert last < high
    assert pane.images.rgb._rgb != before
    QTest.mouseDClick(histogram, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert "red" not in pane.choice.channel_limits
    panel.rows["map"].high.setText("5e3")
    panel.rows["map"].high.editingFinished.emit()
    settle(qtbot)
    assert pane.choice.limits is not None
    assert pane.choice.limits[1] == 5000.0
    panel.close()


def test_the_ratio_of_two_states_is_shown(qtbot: QtBot, pane: EelsPane) -> None:
    pristine, charged = list(pane.session.maps)
    pane.session.focus.select("map", charged.id)
    pane.scene.look(ratio_to=pristine.id)
    settle(qtbot)
    assert pane.images.single.caption == "Li K ÷ pristine"
    shown = pane.images.single.frame
    assert shown is not None
    edge = pane.session.edges.first
    assert edge is not None
    above, below = (pane.live(image).counts(edge) for image in (charged, pristine))
    assert above is not None
    assert below is not None
    assert np.allclose(shown[:, STEP:], above[:, STEP:] / below[:, STEP:])


def test_a_spectrum_of_other_energies_is_shown_with_edges_of_its_own(qtbot: QtBot, pane: EelsPane) -> None:
    energy = np.arange(400.0, 700.0, 0.5)
    counts = (1e9 * energy**-2.0 * np.where(energy > 532, 1.3, 1.0)).astype(np.float32)
    core = SpectrumImage(name="core loss", source=MemoryArray(counts[None, None]), energy_eV=energy)
    pane.session.clocks.add(core.clock)
    pane.session.maps.add(core)
    pane.session.focus.select("map", core.id)
    qtbot.waitUntil(lambda: pane.live(core).is_ready, timeout=30_000)
    settle(qtbot)
    assert "No edge of the table lies in the energy range of core loss (400 to 700 eV)" in pane.note.sentence
    assert np.allclose(pane.spectrum.content.curves[0].y, counts)
    assert not pane.images.isVisible()  # one spectrum has no pictures
    oxygen = next(edge for edge in known_edges(400.0, 699.5) if edge.name == "O K")
    pane.desk.add("Add O K", oxygen)
    settle(qtbot)
    assert not pane.note.sentence
    assert [band.key for band in pane.spectrum.content.bands] == [oxygen.id, oxygen.id]


@pytest.mark.parametrize(("height", "width"), [(1, 12), (12, 1)])
def test_line_scans_and_time_series_fill_their_pictures_and_have_a_profile(
    qtbot: QtBot, pane: EelsPane, height: int, width: int
) -> None:
    energy = np.arange(38.0, 150.0, 0.5)
    counts = np.broadcast_to(8e9 * energy**-3.0, (height, width, energy.size)).astype(np.float32)
    scan = SpectrumImage(
        name="scan",
        source=MemoryArray(counts),
        energy_eV=energy,
        axis0="time" if width == 1 else "y",
        dwell_s=0.5,
    )
    pane.session.clocks.add(scan.clock)
    pane.session.maps.add(scan)
    pane.session.focus.select("map", scan.id)
    qtbot.waitUntil(lambda: pane.live(scan).is_ready, timeout=30_000)
    settle(qtbot)
    frame = pane.images.single.frame
    assert frame is not None
    assert 1.5 < frame.shape[1] / frame.shape[0] < 3.0
    assert len(pane.profile.content.curves[-1].x) == 12
    assert pane.profile.content.x_label == ("Time (s)" if width == 1 else "Distance (px)")
    x, y = pane.images.to_map(pane.images.single, frame.shape[1] / 2 - 0.5, frame.shape[0] / 2 - 0.5)
    assert (x, y) == pytest.approx(((width - 1) / 2, (height - 1) / 2))


def test_every_doubt_is_read_with_its_reason(qtbot: QtBot, pane: EelsPane) -> None:
    qtbot.waitUntil(lambda: bool(pane.note.warnings), timeout=20_000)
    panel = DoubtsPanel(pane, pane.note.warnings)
    texts = [label.text() for label in panel.findChildren(QLabel)]
    assert len(texts) == len(pane.note.warnings)
    assert all(escape(each["reason"]) in text for each, text in zip(pane.note.warnings, texts))
    panel.deleteLater()
