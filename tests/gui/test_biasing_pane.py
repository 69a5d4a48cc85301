"""The biasing pane as a person uses it: lanes, cursor, cell, zero, views, cycles, statistics, clipboard, text import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cycled_run import CURRENT_A, OFFSET_A, RATE_HZ, cycled
from PyQt6 import sip
from PyQt6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PyQt6.QtGui import QGuiApplication, QMouseEvent
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from tandem_em.analysis.cycling.half_cycles import EFFICIENCY
from tandem_em.core.jobs import Runner, run_to_end
from tandem_em.core.notices import Notices
from tandem_em.desk import importing
from tandem_em.desk.biasing import runs, text_import
from tandem_em.desk.desk import Desk
from tandem_em.desk.lanes import charge
from tandem_em.desk.lanes.charge import PASSED
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Cell, Column
from tandem_em.model.dose import DoseSettings
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_widgets.panes.biasing import (
    copy as biasing_copy,
)
from tandem_widgets.panes.biasing import (
    derived,
    menus,
    same_charge,
)
from tandem_widgets.panes.biasing import (
    lanes as biasing_lanes,
)
from tandem_widgets.panes.biasing.cell import CellDialog
from tandem_widgets.panes.biasing.cycles import HEADINGS
from tandem_widgets.panes.biasing.pane import BiasingPane
from tandem_widgets.panes.biasing.ready import making_ready
from tandem_widgets.panes.biasing.text_import import TextImportDialog
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bridge import Bridge
from tandem_widgets.parts.basic.quantity_edit import QuantityEdit
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.time_cursor import Stretch, lag_text
from tandem_widgets.parts.plot.copy import copy_picture

AREA_UM2 = 10.0


def full_session() -> Session:
    session = Session("full")
    run = cycled()
    session.clocks.add(run.clock)
    session.runs.add(run)
    stack = FrameStack(name="movie", times=np.arange(0, 400, 2.0), pixel_nm=0.5)
    session.clocks.add(stack.clock)
    session.stacks.add(stack)
    for number in range(2):
        particle = Particle(name=f"P{number + 1}", stack_id=stack.id, followed=(0, 199))
        square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
        for frame in range(200):
            if not 90 <= frame < 100:
                size = 1 + 0.002 * frame * (number + 1)
                particle.outlines[frame] = Outline(square * np.sqrt(size))
        session.particles.add(particle)
    session.events.add(Event(name="contact", t=100.0, category="contact"))
    session.doses.add(DoseSettings(stack_id=stack.id, rate_e_A2s=10.0, budget_e_A2=3000.0))
    session.maps.add(SpectrumImage(name="SI-1", state="charged", start=210.0, end=280.0))
    session.focus.span = (0.0, 400.0)
    session.focus.t = 150.0
    return session


class CountingRunner(Runner):
    """Knows whether everything it was given has also been answered."""

    unanswered = 0

    def start(self, *args, **fields):
        self.unanswered += 1
        return super().start(*args, **fields)

    def _finish(self, *args) -> None:
        super()._finish(*args)
        self._post(self._answered)

    def _answered(self) -> None:
        self.unanswered -= 1


class Bench:
    """A pane with its desk, and what waits for it."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, theme.DARK)
        self.qtbot = qtbot
        self.bridge = Bridge()
        self.runner = CountingRunner(self.bridge.post)
        self.settings = Settings(folder / "preferences.json")
        self.panes: list[BiasingPane] = []

    def pane(self, session: Session) -> BiasingPane:
        pane = BiasingPane(Desk(session, self.runner, Notices(), self.settings))
        self.qtbot.addWidget(pane)
        pane.resize(1200, 320)
        pane.show()
        self.panes.append(pane)
        self.settle(pane)
        return pane

    def settle(self, pane: BiasingPane) -> None:
        """Until no job runs, nothing is posted and everything has been shown."""
        self.qtbot.waitUntil(lambda: self.runner.unanswered == 0, timeout=90_000)
        pane.refresher.flush()
        self.qtbot.waitUntil(lambda: self.runner.unanswered == 0, timeout=90_000)
        pane.refresher.flush()
        QApplication.processEvents()

    def close(self) -> None:
        for pane in self.panes:
            pane.bindings.release()
            pane.lanes.bindings.release()
        self.bridge.close()
        self.runner.close()


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(qtbot, tmp_path)
    yield made
    made.close()


def kinds(pane: BiasingPane) -> list[str]:
    return [lane.kind for lane in pane.lanes.content.lanes]


def lane(pane: BiasingPane, kind: str):
    return next(lane for lane in pane.lanes.content.lanes if lane.kind == kind)


class PaintCounter(QObject):
    count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_lanes_are_there_for_what_is_there(bench: Bench) -> None:
    pane = bench.pane(full_session())
    assert kinds(pane) == ["voltage", "current", "area", "dose"]
    assert [band.text for band in pane.lanes.content.bands] == ["SI-1 charged"]
    assert [flag.text for flag in pane.lanes.content.flags] == ["contact"]
    assert lane(pane, "dose").limits[0].value == 3000.0
    assert lane(pane, "dose").curves[0].value_at(100.0) == pytest.approx(1000.0)


def test_an_empty_session_says_what_to_do(bench: Bench) -> None:
    pane = bench.pane(Session())
    assert pane.is_empty
    pane.desk.session.runs.add(cycled())
    bench.settle(pane)
    assert not pane.is_empty


def test_without_a_run_the_other_streams_keep_their_lanes(bench: Bench) -> None:
    session = full_session()
    session.runs.remove(next(iter(session.runs)).id)
    pane = bench.pane(session)
    assert not pane.is_empty
    assert "Drop a biasing log here" in lane(pane, "voltage").note
    assert "area" in kinds(pane)


def test_one_repaint_for_one_step_of_the_cursor(bench: Bench) -> None:
    pane = bench.pane(full_session())
    QApplication.processEvents()
    counter = PaintCounter()
    pane.lanes.installEventFilter(counter)
    drawn = pane.lanes.static_count
    for step in range(5):
        pane.desk.session.focus.t = 10.0 + step
        pane.desk.session.focus.t = 10.5 + step
        QApplication.processEvents()
        assert counter.count == step + 1
    assert pane.lanes.static_count <= drawn + 1  # the curves are not drawn anew


def test_lost_frames_are_gaps_and_areas_are_relative_to_the_start(bench: Bench) -> None:
    pane = bench.pane(full_session())
    first, second = lane(pane, "area").curves
    assert first.value_at(0.0) == pytest.approx(1.0)
    assert second.value_at(100.0) == pytest.approx(1.2)
    assert np.isnan(first.value_at(190.0))
    runs.change_lane(pane.desk, "area", "nm²", mode="nm2")
    bench.settle(pane)
    assert lane(pane, "area").curves[0].value_at(0.0) == pytest.approx(25.0)


def test_adding_hiding_moving_and_scaling_lanes_is_undoable(bench: Bench) -> None:
    pane = bench.pane(full_session())
    history = pane.desk.session.history
    runs.change_lane(pane.desk, "charge", "Show charge", shown=True)
    bench.settle(pane)
    assert kinds(pane)[-1] == "charge"
    pane.lanes.order_chosen.emit("charge", 0)
    bench.settle(pane)
    assert kinds(pane)[0] == "charge"
    for factor in (0.9, 0.8, 0.7):
        pane.lanes.adjusting.zoom_values(0, 30.0, factor)
    pane.lanes.gesture_ended.emit()
    bench.settle(pane)
    assert isinstance(lane(pane, "charge").y, tuple)
    history.undo()
    bench.settle(pane)
    assert lane(pane, "charge").y is None
    history.undo()
    history.undo()
    bench.settle(pane)
    assert kinds(pane) == ["voltage", "current", "area", "dose"]


def test_resized_lanes_keep_their_share(bench: Bench) -> None:
    pane = bench.pane(full_session())
    before = pane.lanes.layout_now.lanes[0].height()
    pane.lanes.adjusting.resize_lane(0, 15.0)
    pane.lanes.gesture_ended.emit()
    bench.settle(pane)
    pane.lanes.arrange()
    assert pane.lanes.layout_now.lanes[0].height() == pytest.approx(before + 15, abs=1.5)
    stored = pane.desk.session.info.view["lanes"]
    assert {"voltage", "current", "area", "dose"} <= {entry["kind"] for entry in stored}


def test_nonsense_in_stored_lanes_is_left_out(bench: Bench) -> None:
    session = full_session()
    session.info.view["lanes"] = [
        {"kind": "current", "y": [3, 1], "weight": -2},
        7,
        {"kind": 4},
        {"shown": True},
    ]
    pane = bench.pane(session)
    assert kinds(pane)[0] == "current"
    assert lane(pane, "current").y is None


def test_the_zero_from_a_marked_rest_moves_current_and_charge(bench: Bench) -> None:
    pane = bench.pane(full_session())
    runs.change_lane(pane.desk, "charge", "Show", shown=True)
    pane.scene.take_as_zero(5.0, 95.0)
    bench.settle(pane)
    run = next(iter(pane.desk.session.runs))
    assert run.zero_current_A == pytest.approx(OFFSET_A)
    assert lane(pane, "current").curves[0].value_at(50.0) == pytest.approx(0.0, abs=1e-18)
    assert lane(pane, "charge").curves[0].value_at(250.0) == pytest.approx(100 * CURRENT_A, rel=2e-3)
    pane.desk.session.history.undo()
    bench.settle(pane)
    assert run.zero_current_A == 0.0


def test_capacity_density_and_c_rate_follow_the_cell(bench: Bench) -> None:
    pane = bench.pane(full_session())
    for kind in ("capacity", "density", "c_rate"):
        runs.change_lane(pane.desk, kind, "Show", shown=True)
    bench.settle(pane)
    assert "area" in lane(pane, "density").note
    run = next(iter(pane.desk.session.runs))
    runs.set_cell(pane.desk, [run], None, {"name": "c", "area_um2": AREA_UM2, "capacity_uAh_cm2": 80.0})
    bench.settle(pane)
    assert lane(pane, "density").curves[0].value_at(150.0) == pytest.approx(1.005e-4)
    assert lane(pane, "c_rate").curves[0].value_at(150.0) == pytest.approx(1.25625)
    charge_C = 300 * OFFSET_A + 100 * CURRENT_A
    assert lane(pane, "capacity").curves[0].value_at(299.9) * 3600 * 1e-7 == pytest.approx(charge_C, rel=5e-3)
    pane.desk.session.history.undo()
    assert not len(pane.desk.session.cells)


def test_a_stretch_gives_differences_and_statistics(bench: Bench) -> None:
    pane = bench.pane(full_session())
    pane.lanes.set_stretch(Stretch(120.0, 180.0))
    pane.lanes.end_stretch(click=False)
    bench.settle(pane)
    key = lane(pane, "voltage").curves[0].key
    count, mean, _spread, low, high = pane.statistics.numbers[key]
    assert count == pytest.approx(600, abs=1)
    assert (mean, low, high) == (
        pytest.approx(3.5, abs=0.01),
        pytest.approx(3.2),
        pytest.approx(3.8, abs=0.01),
    )
    assert "mean" in pane.lanes.statistics["voltage"]


def test_copying_the_figure_the_values_and_the_table(bench: Bench) -> None:
    pane = bench.pane(full_session())
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    biasing_copy.copy_lanes(pane.lanes)
    assert clipboard.image().width() == 2 * pane.lanes.width()
    biasing_copy.copy_values(pane.lanes)
    names, values = clipboard.text().splitlines()
    assert names.split("\t")[:2] == ["time (s)", "Voltage (V)"]
    assert float(values.split("\t")[1]) == pytest.approx(3.5)
    pane.desk.session.focus.span = (100.0, 101.0)
    biasing_copy.copy_table(pane.desk, pane.lanes)
    bench.settle(pane)
    assert len(clipboard.text().splitlines()) in (11, 12)


@pytest.mark.parametrize("view", ["capacity", "iv", "dqdv", "overlay", "gitt", "cycles"])
def test_every_view_opens_and_answers(bench: Bench, view: str) -> None:
    pane = bench.pane(full_session())
    run = next(iter(pane.desk.session.runs))
    runs.set_cell(pane.desk, [run], None, {"name": "c", "area_um2": AREA_UM2})
    pane.show_view(view)
    bench.settle(pane)
    page = pane.pages[view]
    assert page.isVisible()
    if view == "cycles":
        found = [(half.kind, half.charge_uAh_cm2) for half in page.result.half_cycles if half.kind != "rest"]
        assert [kind for kind, _ in found] == ["charge", "discharge"]
        assert found[0][1] == pytest.approx(2.8, rel=0.03)
    elif view == "gitt":
        assert page.plot.hint
    else:
        assert page.plot.lines
    if view == "capacity":
        assert [line.label for line in page.plot.lines] == ["charge 1", "discharge 1"]
        assert page.plot.marks, "the cursor's moment is marked on the curve"
    assert not pane.desk.notices.items
    pane.show_view("time")
    assert pane.lanes.isVisible()


def test_cycles_are_kept_once_with_where_they_come_from(bench: Bench) -> None:
    pane = bench.pane(full_session())
    pane.show_view("cycles")
    bench.settle(pane)
    page = pane.pages["cycles"]
    page._keep()
    page._keep()
    session = pane.desk.session
    assert len(session.results) == 1
    result = next(iter(session.results))
    assert not session.is_stale(result.made_by)
    run = next(iter(session.runs))
    runs.set_zero(pane.desk, run, 1e-13, 1e-15, (0, 50))
    assert session.is_stale(result.made_by)


def test_a_log_that_begins_with_a_discharge_has_no_efficiency_of_a_half_nobody_recorded(bench: Bench) -> None:
    session = full_session()
    run = next(iter(session.runs))
    current = run.columns["current"]
    current.values = GrowingArray(-current.values.view)  # rest, discharge, rest, charge
    pane = bench.pane(session)
    pane.show_view("cycles")
    bench.settle(pane)
    page = pane.pages["cycles"]
    assert page.totals.text().startswith("0 cycles")
    assert "The discharge at the start belongs to no cycle" in page.totals.text()
    assert "efficiency" not in page.totals.text()
    column = HEADINGS.index("Efficiency")
    tip = page.model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert tip == EFFICIENCY["charge"]
    runs.set_cell(pane.desk, [run], None, {"name": "c", "first_half": "discharge"})
    bench.settle(pane)
    assert "1 cycle · mean efficiency" in page.totals.text()
    assert (
        page.model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        == (EFFICIENCY["discharge"])
    )


def test_three_samples_are_compared_aligned_and_per_area(bench: Bench) -> None:
    session = Session()
    for number in range(3):
        run = cycled(f"dwell {number}", start=1000.0 * number)
        session.clocks.add(run.clock)
        session.runs.add(run)
        session.cells.add(Cell(id=f"cell{number}", area_um2=10.0 + number))
        run.cell_id = f"cell{number}"
    session.focus.span = (0.0, 3000.0)
    pane = bench.pane(session)
    pane.show_view("overlay")
    page = pane.pages["overlay"]
    page.choice.setCurrentIndex(2)
    bench.settle(pane)
    assert [line.label for line in page.plot.lines] == ["dwell 0", "dwell 1", "dwell 2"]
    for number, line in enumerate(page.plot.lines):
        at = np.searchsorted(line.x, 50.0)
        assert line.y[at] == pytest.approx((CURRENT_A + OFFSET_A) / ((10 + number) * 1e-8), rel=1e-3)


def test_what_is_found_stands_in_the_strip(bench: Bench) -> None:
    session = full_session()
    run = next(iter(session.runs))
    session.cells.add(Cell(id="c", safe_high_V=3.5))
    run.cell_id = "c"
    pane = bench.pane(session)
    findings = pane.lanes.content.findings
    assert findings is not None
    bad = [finding for finding in findings if finding.colour == theme.active().bad]
    assert "above the safe 3.5 V" in bad[0].tip
    assert bad[0].start == pytest.approx(150.1, abs=0.2)
    assert pane.trust._button.text().startswith("⚠")
    menu = QMenu()
    pane.trust._menu = menu
    pane.trust._fill()
    assert any("safe 3.5 V" in action.text() for action in menu.actions())


def test_menus_offer_lanes_runs_and_the_stretch(bench: Bench) -> None:
    pane = bench.pane(full_session())
    menu = QMenu()
    menus.fill_lanes_menu(menu, pane.menu_context)
    names = {action.text(): action for action in menu.actions()}
    assert names["Voltage"].isChecked()
    assert not names["Charge"].isChecked()
    names["Charge"].trigger()
    bench.settle(pane)
    assert "charge" in kinds(pane)
    pane.lanes.set_stretch(Stretch(10, 20))
    context = QMenu()
    menus.fill_context_menu(context, pane.menu_context, 15.0, "voltage")
    texts = [action.text() for action in context.actions()]
    assert any("as zero current" in text for text in texts)
    next(action for action in context.actions() if action.text().startswith("Mark an event")).trigger()
    assert pane.desk.session.events.named("event 2") is not None


def test_samples_that_arrive_are_shown_without_a_new_job(bench: Bench) -> None:
    pane = bench.pane(full_session())
    runs.change_lane(pane.desk, "charge", "Show", shown=True)
    bench.settle(pane)
    run = next(iter(pane.desk.session.runs))
    before = lane(pane, "charge").curves[0].y[-1]
    t = 400.0 + np.arange(100) / RATE_HZ
    run.append(t, {"voltage": np.full(100, 3.3), "current": np.full(100, CURRENT_A)})
    pane.refresher.flush()
    assert lane(pane, "voltage").curves[0].value_at(405.0) == 3.3
    assert lane(pane, "charge").curves[0].y[-1] == pytest.approx(before + 10 * CURRENT_A, abs=2e-12)
    run.append(np.array([500.0]), {"voltage": np.array([3.0]), "current": np.array([0.0])})
    pane.refresher.flush()
    assert np.isnan(lane(pane, "voltage").curves[0].value_at(450.0)), "the pause is a gap"


def test_the_view_follows_the_newest_moment_until_the_cursor_is_taken_away(bench: Bench) -> None:
    pane = bench.pane(full_session())
    session = pane.desk.session
    run = next(iter(session.runs))
    session.focus.span = (350.0, 410.0)

    def record(start: float) -> None:
        run.append(start + np.arange(100) / RATE_HZ, {"voltage": np.ones(100), "current": np.zeros(100)})
        pane.refresher.flush()

    record(400.0)
    record(410.0)
    assert session.focus.span == (pytest.approx(419.9 - 54), pytest.approx(419.9 + 6))
    assert pane.live_button.isVisible()
    pane.lanes.set_cursor_time(415.0)
    record(420.0)
    assert session.focus.span[1] == pytest.approx(425.9)
    pane.scene.set_follow(True)
    assert session.focus.span[1] > 429
    session.focus.span = (0.0, 430.0)
    record(430.0)
    assert session.focus.span[0] == 0.0
    assert session.focus.span[1] > 440


def test_a_pane_may_go_while_its_jobs_still_run(bench: Bench) -> None:
    session = full_session()
    pane = BiasingPane(Desk(session, bench.runner, Notices(), bench.settings))
    for view in ("capacity", "cycles", "gitt"):
        pane.show_view(view)
    pane.lanes.set_stretch(Stretch(10, 20))
    pane.lanes.end_stretch(click=False)
    pane.bindings.release()
    pane.lanes.bindings.release()
    sip.delete(pane)
    bench.qtbot.waitUntil(lambda: bench.runner.unanswered == 0, timeout=30_000)
    QApplication.processEvents()


def test_a_plot_can_be_copied_as_picture_and_table(bench: Bench) -> None:
    pane = bench.pane(full_session())
    pane.show_view("iv")
    bench.settle(pane)
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    plot = pane.pages["iv"].plot
    copy_picture(plot, plot.as_text())
    assert clipboard.image().width() == 2 * plot.width()
    head, first = clipboard.text().splitlines()[:2]
    assert head == "cell A voltage (V)\tcell A current (A)"
    assert float(first.split("\t")[0]) == pytest.approx(3.0)


def test_a_long_run_is_coarse_first_and_exact_then(bench: Bench) -> None:
    count = 3 * levels.SMALL
    t = np.arange(count) / 1000.0
    y = np.zeros(count)
    y[123_457] = 5.0
    session = Session()
    run = BiasRun(
        name="long", times=GrowingArray(t), columns={"voltage": Column("voltage", "V", GrowingArray(y))}
    )
    session.clocks.add(run.clock)
    session.runs.add(run)
    session.focus.span = (0.0, float(t[-1]))
    pane = bench.pane(session)
    curve = lane(pane, "voltage").curves[0]
    assert curve.levels is not None
    assert curve.whole_range() == (0.0, 5.0)
    assert curve.even is not None


def test_charge_in_pieces_is_the_charge_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    t = np.cumsum(rng.exponential(0.1, 5000))
    t[2500:] += 100.0
    current = rng.normal(1e-11, 5e-12, 5000)
    current[777:790] = np.nan
    run = BiasRun(
        name="r", times=GrowingArray(t), columns={"current": Column("current", "A", GrowingArray(current))}
    )
    run.zero_current_A, run.zero_current_error_A = 2e-12, 1e-13
    ready = run_to_end(making_ready(t, {}, 20.0, [0]))
    whole = run_to_end(derived.deriving(PASSED, (), run, ready))
    monkeypatch.setattr(charge, "CHUNK", 700)
    pieces = run_to_end(derived.deriving(PASSED, (), run, ready))
    np.testing.assert_allclose(pieces.y, whole.y, atol=1e-12 * abs(whole.y).max())
    np.testing.assert_allclose(pieces.error, whole.error, rtol=1e-5)


def test_samples_out_of_order_are_drawn_in_the_order_of_time() -> None:
    t = np.array([0.0, 1.0, 3.0, 2.0, np.nan, 4.0])
    ready = run_to_end(making_ready(t, {"voltage": np.arange(6.0)}, 10.0, [0]))
    np.testing.assert_array_equal(ready.x, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(ready.levels["voltage"].values, [0, 1, 3, 2, 5])


def test_the_cell_dialog_changes_nothing_before_ok(bench: Bench) -> None:
    pane = bench.pane(full_session())
    run = next(iter(pane.desk.session.runs))
    dialog = CellDialog(pane, pane.desk, run)
    bench.qtbot.addWidget(dialog)
    dialog.area.setText("10")
    dialog.area.textEdited.emit("10")
    dialog.chemistry.setCurrentText("LiCoO2")
    dialog._add_layer("LiCoO2", "2000")
    dialog.capacity.setText("80")
    dialog.capacity.textEdited.emit("80")
    dialog.calculator.density.setText("100")
    dialog.calculator.density.textEdited.emit("100")
    assert dialog.calculator.rate.value == pytest.approx(1.25)
    assert dialog.calculator.current.value == pytest.approx(1e-11)
    assert "109.6" in dialog.suggestion.text()
    dialog.calculator.current.setText("1 mA")
    dialog.calculator.current.textEdited.emit("1 mA")
    assert "not plausible for a battery" in dialog.calculator.answer.text()
    assert not len(pane.desk.session.cells)
    dialog.accept()
    cell = next(iter(pane.desk.session.cells))
    assert (cell.area_um2, cell.capacity_uAh_cm2, cell.chemistry) == (10.0, 80.0, "LiCoO2")
    assert run.cell_id == cell.id
    pane.desk.session.history.undo()
    assert not len(pane.desk.session.cells)
    assert run.cell_id == ""


@pytest.mark.parametrize(
    ("text", "area_um2", "shown"),
    [
        ("500 cm2", 5e10, "5e10 µm²"), ("1e-7 cm2", 10.0, "10 µm²"), ("500 um2", 500.0, "500 µm²"),
        ("0,02 mm²", 2e4, "20000 µm²"), ("12", 12.0, "12 µm²"),
    ],
)  # fmt: skip
def test_an_area_is_taken_in_any_unit_and_shown_as_understood(
    bench: Bench, text: str, area_um2: float, shown: str
) -> None:
    pane = bench.pane(full_session())
    dialog = CellDialog(pane, pane.desk, next(iter(pane.desk.session.runs)))
    bench.qtbot.addWidget(dialog)
    for end in range(1, len(text) + 1):  # letter by letter, as it is typed
        dialog.area.setText(text[:end])
        dialog.area.textEdited.emit(text[:end])
    assert dialog.area.toolTip().startswith(f"= {shown}")
    dialog.area.editingFinished.emit()
    assert dialog.area.text() == shown
    dialog.ok.click()
    assert next(iter(pane.desk.session.cells)).area_um2 == area_um2


def test_red_means_no_ok_and_says_why(bench: Bench) -> None:
    pane = bench.pane(full_session())
    dialog = CellDialog(pane, pane.desk, next(iter(pane.desk.session.runs)))
    bench.qtbot.addWidget(dialog)
    for text in ("500", "500 parsec2"):
        dialog.area.setText(text)
        dialog.area.textEdited.emit(text)
    assert not dialog.ok.isEnabled()
    assert dialog.area.value is None
    assert dialog.electrode_um2() is None
    why = "“500 parsec2” has a unit that is not known here: write for example 500 µm2, 0.02 mm2 or 1e-7 cm2."
    assert dialog.area.toolTip().startswith(why)
    assert dialog.trouble.text() == why
    dialog.ok.click()
    dialog.accept()
    assert not len(pane.desk.session.cells)
    dialog.area.setText("-500 µm²")
    assert "is not above zero" in dialog.trouble.text()
    assert not dialog.ok.isEnabled()
    dialog.area.setText("500 µm²")
    dialog._add_layer("LiCoO2", "2 kg")
    assert not dialog.ok.isEnabled()
    assert dialog.trouble.text().startswith("Thickness of LiCoO2: “2 kg” cannot be brought to nm")
    dialog.layers.item(0, 1).setText("2 µm")
    assert dialog.ok.isEnabled()
    assert dialog.trouble.text() == ""
    assert dialog.layer_list() == [{"name": "LiCoO2", "thickness_nm": 2000.0}]


def test_a_quantity_keeps_its_digits_and_comes_back_after_a_mistake(bench: Bench) -> None:
    field = QuantityEdit("A")
    bench.qtbot.addWidget(field)
    exact = 1.23456789e-11
    field.set_value(exact)
    assert field.text() == "12.346 pA"
    field.editingFinished.emit()
    assert field.value == exact
    field.setText("12.346 pAA")
    assert field.value is None
    assert not field.is_valid
    field.editingFinished.emit()
    assert field.text() == "12.346 pAA"  # what is wrong stays to be mended
    field.setText("12.346 pA")
    assert (field.value, field.problem) == (exact, "")
    field.setText("20")
    field.editingFinished.emit()
    assert (field.value, field.text()) == (pytest.approx(2e-11), "20 pA")
    field.setText("")
    field.editingFinished.emit()
    assert field.value is None
    assert field.is_valid


@pytest.mark.expects_log
def test_text_import_shows_its_guess_and_remembers_the_answer(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = "\n".join(f"{i * 0.5:.1f};{3 + i / 100:.3f};{i}".replace(".", ",") for i in range(200))
    path.write_text("time (s);Ewe;Strom (µA)\n" + rows + "\n", encoding="utf-8")
    pane = bench.pane(full_session())
    dialog = TextImportDialog(pane, pane.desk, path)
    bench.qtbot.addWidget(dialog)
    dialog.show()
    bench.settle(pane)
    assert dialog.separator.currentData() == ";"
    assert dialog.decimal.currentData() == ","
    assert dialog.plot.lines
    assert dialog.table.item(2, 1).text() == "3,000"
    dialog._choose_role(1, "voltage")
    dialog._choose_role(2, "current")
    dialog._choose_unit(2, "nA")
    dialog._try()
    bench.settle(pane)
    assert dialog.tried is not None
    assert dialog.tried.run is not None
    dialog.accept()
    bench.settle(pane)
    run = pane.desk.session.runs.named("log")
    assert run is not None
    assert run.values("current")[100] == pytest.approx(1e-7)
    assert run.values("voltage")[100] == pytest.approx(4.0)
    again = TextImportDialog(pane, pane.desk, path)
    bench.qtbot.addWidget(again)
    bench.settle(pane)
    assert again.guess is not None
    assert again.guess.remembered
    assert again.settings.columns[2].factor == pytest.approx(1e-9)


def test_a_separator_that_is_wrong_is_a_sentence_not_an_error(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time (s),U (V)\n" + "".join(f"{i},{i / 10}\n" for i in range(50)), encoding="utf-8")
    pane = bench.pane(full_session())
    dialog = TextImportDialog(pane, pane.desk, path)
    bench.qtbot.addWidget(dialog)
    bench.settle(pane)
    dialog.separator.setCurrentIndex(dialog.separator.findData(";"))
    dialog._try()
    bench.settle(pane)
    assert "no time column" in dialog.said.text()
    dialog.reject()
    assert not pane.desk.notices.items


def test_light_and_dark_are_one_repaint_away(bench: Bench) -> None:
    pane = bench.pane(full_session())
    dark = pane.lanes.grab().toImage().pixelColor(600, 20).lightness()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.LIGHT)
    bench.settle(pane)
    assert pane.lanes.grab().toImage().pixelColor(600, 20).lightness() > dark + 100
    theme.apply(app, theme.DARK)


def test_a_flag_is_dragged_and_one_undo_puts_it_back(bench: Bench, qtbot: QtBot) -> None:
    pane = bench.pane(full_session())
    event = next(iter(pane.desk.session.events))
    pane.desk.change("Let it last", event, end=110.0)
    bench.settle(pane)
    pane.lanes.repaint()
    lanes, left = pane.lanes, Qt.MouseButton.LeftButton
    start = QPoint(round(lanes.scale.x(100.0)) + 6, 8)
    qtbot.mousePress(lanes, left, pos=start)
    for step in (20, 60, 100):
        move = start + QPoint(step, 0)
        QApplication.sendEvent(
            lanes,
            QMouseEvent(
                QEvent.Type.MouseMove,
                QPointF(move),
                QPointF(move),
                left,
                left,
                Qt.KeyboardModifier.NoModifier,
            ),
        )
    qtbot.mouseRelease(lanes, left, pos=start + QPoint(100, 0))
    wanted = lanes.time_at(start.x() + 100)
    assert event.t == pytest.approx(wanted)
    assert event.end == pytest.approx(wanted + 10.0)
    pane.desk.session.history.undo()
    assert (event.t, event.end) == (100.0, 110.0)


def test_the_cursor_is_read_in_words_in_the_other_views(bench: Bench) -> None:
    pane = bench.pane(full_session())
    run = next(iter(pane.desk.session.runs))
    for name, units in (("capacity", ("V", "Ah")), ("dqdv", ("V", "Ah/V")), ("iv", ("V", "A"))):
        pane.show_view(name)
        bench.settle(pane)
        page = pane.pages[name]
        pane.desk.session.focus.t = 150.0
        text = page._reading.text()
        assert all(unit in text for unit in units), (name, text)
        (mark,) = page.plot.marks
        if name == "dqdv":
            at = int(np.searchsorted(run.times.view, 150.0, side="right")) - 1
            assert mark[0] == pytest.approx(float(run.values("voltage")[at]), abs=0.02)
        pane.desk.session.focus.t = -50.0
        assert page._reading.text() == ""


def test_what_has_no_known_place_in_time_is_grey_and_short_lags_are_unresolved(bench: Bench) -> None:
    session = full_session()
    pane = bench.pane(session)
    run, stack = next(iter(session.runs)), next(iter(session.stacks))
    assert lane(pane, "voltage").curves[0].is_unplaced
    assert "drawn grey" in biasing_lanes.summary(session)
    assert lag_text(2.0, pane.lanes.content.clocks_agree_s) == (
        "Δt 2 s · within the clock uncertainty (one clock is provisional)", False,
    )  # fmt: skip
    for number, stream in enumerate((run, stack, *session.maps)):
        session.change(stream.clock, origin="file time", uncertainty_s=0.5 * number)
    bench.settle(pane)
    assert not lane(pane, "voltage").curves[0].is_unplaced
    assert pane.lanes.content.clocks_agree_s == pytest.approx(1.5)
    assert lag_text(2.0, 1.5)[1]
    assert lag_text(-1.0, 1.5) == ("Δt −1 s · within the clock uncertainty (± 1.5 s)", False)
    assert lag_text(0.1, 0.0) == ("Δt 0.1 s", True)


@pytest.mark.expects_log
def test_a_guessed_table_is_offered_to_be_settled_and_the_answer_holds_for_the_next_file(
    bench: Bench, tmp_path: Path
) -> None:
    rows = "".join(f"{i * 0.5:.1f},{3 + i / 100:.3f},{i}\n" for i in range(200))
    for name, above in (("one.csv", ""), ("two.csv", "operator,me\n\n")):
        (tmp_path / name).write_text(f"{above}time (s),voltage,current\n{rows}")
    session = Session()
    pane = bench.pane(session)
    pane.desk.start("import", importing.import_files(session, [tmp_path / "one.csv"]),
                    lambda found: session.history.do(importing.adding(session, found)))  # fmt: skip
    bench.settle(pane)
    assert pane.doubts_button.isVisibleTo(pane)
    assert "current in A" in pane.doubts_button.toolTip()
    (guessed,) = session.runs
    pane.settle_doubts()
    (dialog,) = pane.findChildren(TextImportDialog)
    bench.settle(pane)
    dialog._choose_unit(2, "pA")
    dialog.accept()
    bench.settle(pane)
    (run,) = session.runs
    assert run.values("current")[100] == pytest.approx(1e-10)
    assert len(session.sources) == 1
    assert not pane.doubts_button.isVisibleTo(pane)
    session.history.undo()
    assert list(session.runs) == [guessed]
    options = text_import.remembered(pane.desk.settings, tmp_path / "two.csv")
    assert options is not None
    found = run_to_end(importing.import_files(session, [tmp_path / "two.csv"], options))
    (two,) = [item for item in found.items if isinstance(item, BiasRun)]
    assert len(two) == 200
    assert two.values("current")[100] == pytest.approx(1e-10)


def test_copy_takes_what_is_shown(bench: Bench) -> None:
    pane = bench.pane(full_session())
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    for view, words, has_picture in (
        ("time", "Voltage", True), ("capacity", "voltage (V)", True), ("cycles", "Efficiency", False),
    ):  # fmt: skip
        pane.show_view(view)
        bench.settle(pane)
        pane.copy_picture()
        data = clipboard.mimeData()
        assert data is not None
        assert words in data.text()
        assert data.hasImage() == has_picture


def test_lithium_from_charge_and_swelling_share_an_axis(bench: Bench) -> None:
    pane = bench.pane(full_session())
    runs.change_lane(pane.desk, "lithium", "Show", shown=True)
    bench.settle(pane)
    curves = {curve.label: curve for curve in lane(pane, "lithium").curves}
    assert list(curves)[:2] == ["P1", "P2"]
    (charge,) = (curve for label, curve in curves.items() if label.startswith("charge, if "))
    ratio = 1 + 0.002 * 199 * 2
    assert curves["P2"].value_at(398.0) == pytest.approx((ratio**1.5 - 1) * 0.02002 / 0.0148, rel=1e-3)
    assert charge.value_at(0.0) == pytest.approx(0, abs=1e-6)
    cell = Cell(area_um2=AREA_UM2, capacity_uAh_cm2=80.0)
    runs.set_cell(
        pane.desk, list(pane.desk.session.runs), None, {"area_um2": AREA_UM2, "capacity_uAh_cm2": 80.0}
    )
    bench.settle(pane)
    charge = next(curve for curve in lane(pane, "lithium").curves if curve.label == "charge")
    area = cell.electrode_area_cm2
    assert area is not None
    passed = 100 * CURRENT_A / (80e-6 * 3600 * area)
    assert charge.value_at(250.0) == pytest.approx(-3.75 * passed, rel=0.02)  # charged: lithium leaves


def test_the_same_charge_elsewhere_is_found_and_compared(bench: Bench) -> None:
    pane = bench.pane(full_session())
    runs.change_lane(pane.desk, "charge", "Show", shown=True)
    bench.settle(pane)
    (other,) = same_charge.moments(pane.scene.chosen_run(), pane.store, 150.0)
    assert other == pytest.approx(350.0, abs=2.0)  # half charged, then half discharged
    menu = QMenu()
    menus.fill_context_menu(menu, pane.menu_context, 150.0, "charge")
    entry = next(action for action in menu.actions() if action.text().startswith("Go to the same charge at"))
    entry.trigger()
    assert pane.desk.session.focus.t == pytest.approx(other)
