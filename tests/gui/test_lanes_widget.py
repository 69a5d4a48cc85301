"""Gestures on the lanes: cursor, pan, zoom, stretch, gutter; and what lies where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QWheelEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tandem_em.core.jobs import run_to_end
from tandem_em.model.focus import Focus
from tandem_em.model.items import IDENTITY_COLOURS
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.layout import GUTTER, MIN_LANE, NAME_WIDTH, lay_out, shares
from tandem_widgets.parts.lanes.levels import build
from tandem_widgets.parts.lanes.model import Band, Finding, Flag, Lane, LanesContent
from tandem_widgets.parts.lanes.widget import Lanes
from tandem_widgets.parts.plot.axes import Axis
from tandem_widgets.parts.plot.xy_plot import PlotLine, XYPlot

LEFT, CTRL, SHIFT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def lanes(qtbot: QtBot) -> Lanes:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.DARK)
    focus = Focus()
    focus.span = (0.0, 100.0)
    made = Lanes(focus)
    qtbot.addWidget(made)
    made.resize(1000, 240)
    t = np.linspace(0, 100, 1001)
    made.show_content(
        LanesContent(
            [
                Lane("voltage", "Voltage", "V", [Curve("v", "V", "#7fe3a4", t, np.sin(t / 10))]),
                Lane(
                    "area",
                    "Area",
                    "",
                    [Curve("p1", "P1", "#ff5a5f", t, t / 100, marker=True)],
                    caption="× start",
                ),
                Lane("note", "Capacity", "Ah/cm²", note="Set the area"),
            ],
            [
                Flag("e1", 20.0, "bias on", "#9aa7b5", tip="bias on at 20 s"),
                Flag("e2", 21.0, "second", "#ffbf47"),
            ],
            [Band("m1", 40.0, 60.0, "SI-1", "#b98cff", "map tip"), Band("m2", 80.0, 80.0, "SI-2", "#b98cff")],
            [Finding(70.0, 75.0, "#ff5a5f", "Short: 1 nA")],
        )
    )
    made.show()
    qtbot.waitExposed(made)
    made.grab()
    return made


def at(lanes: Lanes, t: float, lane: int = 0) -> QPoint:
    return QPoint(round(lanes.scale.x(t)), round(lanes.layout_now.lanes[lane].center().y()))


def wheel(lanes: Lanes, where: QPoint, turn: int, modifier: Qt.KeyboardModifier = NONE) -> None:
    event = QWheelEvent(
        QPointF(where), QPointF(where), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, modifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    lanes.wheelEvent(event)
    lanes.grab()


def drag(qtbot: QtBot, lanes: Lanes, start: QPoint, end: QPoint, button=LEFT, modifier=NONE) -> None:
    qtbot.mousePress(lanes, button, modifier, start)
    for part in (0.3, 0.6, 1.0):
        where = start + (end - start) * part
        event_position = QPoint(round(where.x()), round(where.y()))
        move(lanes, event_position, button, modifier)
    qtbot.mouseRelease(lanes, button, modifier, end)
    lanes.grab()


def move(lanes: Lanes, where: QPoint, button, modifier) -> None:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QMouseEvent

    event = QMouseEvent(QEvent.Type.MouseMove, QPointF(where), QPointF(where), button, button, modifier)
    lanes.mouseMoveEvent(event)


def test_click_and_drag_move_the_cursor_and_stop_following(qtbot: QtBot, lanes: Lanes) -> None:
    drag(qtbot, lanes, at(lanes, 30.0), at(lanes, 55.0))
    assert lanes.focus_model.t == pytest.approx(55.0, abs=0.2)
    assert not lanes.focus_model.follow_live
    drag(qtbot, lanes, at(lanes, 30.0), QPoint(5000, 50))
    assert lanes.focus_model.t == pytest.approx(100.0)


def test_wheel_zooms_about_the_pointer(lanes: Lanes) -> None:
    where = at(lanes, 30.0)
    wheel(lanes, where, 240)
    low, high = lanes.focus_model.span
    assert high - low < 75
    assert lanes.scale.t(where.x()) == pytest.approx(30.0, abs=0.2)


@pytest.mark.parametrize(
    ("button", "modifier"),
    [(LEFT, SHIFT), (Qt.MouseButton.MiddleButton, NONE), (Qt.MouseButton.RightButton, NONE)],
)
def test_middle_right_and_shift_pan(qtbot: QtBot, lanes: Lanes, button, modifier) -> None:
    drag(qtbot, lanes, at(lanes, 50.0), at(lanes, 40.0), button, modifier)
    low, high = lanes.focus_model.span
    assert (low, high) == (pytest.approx(10.0, abs=0.3), pytest.approx(110.0, abs=0.3))
    assert lanes.focus_model.t == 0.0


def test_a_right_click_asks_for_a_menu(qtbot: QtBot, lanes: Lanes) -> None:
    with qtbot.waitSignal(lanes.menu_wanted) as asked:
        qtbot.mouseClick(lanes, Qt.MouseButton.RightButton, NONE, at(lanes, 50.0, 1))
    assert asked.args is not None
    assert asked.args[1:] == [pytest.approx(50.0, abs=0.2), "area"]


def test_control_drag_chooses_a_stretch_and_escape_forgets_it(qtbot: QtBot, lanes: Lanes) -> None:
    with qtbot.waitSignal(lanes.stretch_chosen) as chosen:
        drag(qtbot, lanes, at(lanes, 20.0), at(lanes, 60.0), modifier=CTRL)
    assert chosen.args is not None
    assert chosen.args[0] == (pytest.approx(20.0, abs=0.2), pytest.approx(60.0, abs=0.2))
    drag(qtbot, lanes, at(lanes, 60.0), at(lanes, 70.0))
    assert lanes.stretch is not None
    assert lanes.stretch.high == pytest.approx(70.0, abs=0.3)
    qtbot.keyClick(lanes, Qt.Key.Key_Escape)
    assert lanes.stretch is None


def test_control_click_compares_with_the_cursor(qtbot: QtBot, lanes: Lanes) -> None:
    lanes.focus_model.t = 10.0
    qtbot.mouseClick(lanes, LEFT, CTRL, at(lanes, 42.0))
    assert lanes.stretch is not None
    assert (lanes.stretch.a, lanes.stretch.b) == (10.0, pytest.approx(42.0, abs=0.2))


def test_double_click_fits(qtbot: QtBot, lanes: Lanes) -> None:
    with qtbot.waitSignal(lanes.fit_wanted):
        qtbot.mouseDClick(lanes, LEFT, NONE, at(lanes, 50.0))
    with qtbot.waitSignal(lanes.y_chosen) as chosen:
        qtbot.mouseDClick(lanes, LEFT, NONE, QPoint(90, at(lanes, 0.0).y()))
    assert chosen.args == ["voltage", "visible"]


def test_the_gutter_scales_resizes_and_reorders(qtbot: QtBot, lanes: Lanes) -> None:
    row = at(lanes, 0.0).y()
    before = lanes.ups[0].high - lanes.ups[0].low
    with qtbot.waitSignal(lanes.y_chosen) as scaled:
        wheel(lanes, QPoint(100, row), 120)
    assert scaled.args is not None
    low, high = scaled.args[1]
    assert high - low < before
    border = round(lanes.layout_now.lanes[0].bottom() + 3)
    with qtbot.waitSignal(lanes.weights_chosen) as resized:
        drag(qtbot, lanes, QPoint(40, border), QPoint(40, border + 12))
    assert resized.args is not None
    with qtbot.waitSignal(lanes.order_chosen) as moved:
        drag(qtbot, lanes, QPoint(30, row), QPoint(30, at(lanes, 0.0, 2).y() + 30))
    assert moved.args == ["voltage", 2]


def test_flags_maps_notes_and_curves_answer_clicks(qtbot: QtBot, lanes: Lanes) -> None:
    flag_at = QPoint(round(lanes.scale.x(20.0)) + 8, 8)
    with qtbot.waitSignal(lanes.flag_clicked) as flag:
        qtbot.mouseClick(lanes, LEFT, NONE, flag_at)
    assert flag.args == ["e1"]
    row = round(lanes.layout_now.bands.center().y())
    with qtbot.waitSignal(lanes.band_clicked) as band:
        qtbot.mouseClick(lanes, LEFT, NONE, QPoint(round(lanes.scale.x(50.0)), row))
    assert band.args == ["m1"]
    with qtbot.waitSignal(lanes.note_clicked) as note:
        qtbot.mouseClick(lanes, LEFT, NONE, at(lanes, 50.0, 2))
    assert note.args == ["note"]
    on_curve = QPoint(round(lanes.scale.x(60.0)), round(lanes.ups[1].y(0.6)))
    with qtbot.waitSignal(lanes.curve_clicked) as curve:
        qtbot.mouseClick(lanes, LEFT, NONE, on_curve)
    assert curve.args == ["p1"]


def test_tips_say_what_is_there(lanes: Lanes) -> None:
    assert lanes.tip_at(QPointF(lanes.scale.x(20.0) + 5, 6)) == "bias on at 20 s\nDrag moves it."
    assert lanes.tip_at(QPointF(lanes.scale.x(50.0), lanes.layout_now.bands.center().y())) == "map tip"
    strip = lanes.layout_now.strip.center().y()
    assert lanes.tip_at(QPointF(lanes.scale.x(72.0), strip)) == "Short: 1 nA"
    assert "No anomalies" in lanes.tip_at(QPointF(lanes.scale.x(10.0), strip))
    assert "resize" in lanes.tip_at(QPointF(20, at(lanes, 0, 0).y()))


def test_flags_that_would_overlap_go_down_a_row(lanes: Lanes) -> None:
    boxes = {flag.id: box for flag, box in lanes._flag_boxes}
    assert boxes["e2"].top() > boxes["e1"].bottom()


def test_gaps_are_dark_pixels_and_spikes_are_bright_ones(lanes: Lanes) -> None:
    t = np.linspace(0, 100, 200_001)
    y = np.zeros(len(t))
    y[100_003] = 1.0
    t[150_000:] += 20.0
    curve = Curve("v", "V", "#ffffff", t, y, run_to_end(build(y)), gaps=np.array([150_000]))
    lanes.show_content(LanesContent([Lane("v", "V", "V", [curve], y=(-0.5, 1.5))]))
    lanes.focus_model.span = (0.0, 120.0)
    lanes.focus_model.t = -5.0
    image = lanes.grab().toImage()
    row = round(lanes.ups[0].y(0.0))

    def bright(t_s: float, value: float) -> bool:
        x = round(lanes.scale.x(t_s))
        near = [
            image.pixelColor(x + dx, round(lanes.ups[0].y(value)) + dy)
            for dx in (-1, 0, 1)
            for dy in (0, 1, 2)
        ]
        return any(colour.lightness() > 120 for colour in near)

    assert bright(float(t[100_003]), 1.0)
    assert bright(40.0, 0.0)
    assert not bright(85.0, 0.0)
    assert row > 0


@given(st.lists(st.floats(0.05, 20), min_size=1, max_size=12), st.floats(50, 2000))
@given_settings(deadline=None, max_examples=30)
def test_heights_fill_the_room_and_are_never_too_small(weights: list[float], room: float) -> None:
    heights = shares(weights, room, MIN_LANE)
    assert min(heights) >= MIN_LANE - 1e-6
    assert sum(heights) >= room - 1e-6 or room < MIN_LANE * len(weights) + 1e-6
    assert sum(heights) <= max(room, MIN_LANE * len(weights)) + 1e-6


def test_too_many_lanes_can_be_scrolled(lanes: Lanes) -> None:
    content = LanesContent([Lane(f"l{n}", f"L{n}", "V") for n in range(12)])
    assert lay_out(content, 800, 200).overflow > 0
    lanes.show_content(content)
    lanes.grab()
    first = lanes.layout_now.lanes[0].top()
    name = QPoint(int(GUTTER) - 60, round(first) + 8)
    assert lanes.layout_now.zone(name.x(), name.y())[0] == "name"
    wheel(lanes, name, -80)  # over the names the wheel scrolls, by half of its turn
    assert lanes.layout_now.lanes[0].top() == pytest.approx(first - 40)
    assert lanes.layout_now.zone(GUTTER - 60, 30)[0] in ("name", "border")


def test_identities_can_be_seen_on_both_grounds() -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for ground in (theme.LIGHT, theme.DARK):
        theme.apply(app, ground)
        paper = theme._brightness(QColor(ground.plot)) + 0.05
        for colour in IDENTITY_COLOURS:
            ink = theme._brightness(QColor(theme.ink(colour))) + 0.05
            assert max(ink, paper) / min(ink, paper) > 3
    assert theme.ink("#ffbf47") == "#ffbf47"  # untouched on dark


def test_a_current_that_is_exactly_zero_lies_on_an_axis_of_picoamperes() -> None:
    t = np.arange(10.0)
    low, high = Lane("current", "Current", "A", [Curve("i", "I", "#ffbf47", t, np.zeros(10))]).y_range(0, 10)
    assert (low, high) == (-1e-12, 1e-12)


def test_no_flag_covers_a_curve_and_none_the_text_of_another(lanes: Lanes) -> None:
    assert lanes.layout_now.lanes[0].top() >= max(box.bottom() for _flag, box in lanes._flag_boxes)
    lanes.content.flags.clear()
    lanes.arrange()
    assert lanes.layout_now.lanes[0].top() < 5


def test_a_plot_of_exactly_no_current_has_an_axis_of_picoamperes(qtbot: QtBot) -> None:
    plot = XYPlot()
    qtbot.addWidget(plot)
    t = np.arange(5.0)
    plot.show_lines(
        [PlotLine("current", "", "#fff", t, np.zeros(5))], Axis("time", "s"), Axis("Current", "A")
    )
    assert plot.limits()[2:] == (-1e-12, 1e-12)


def test_no_tick_label_is_cut_off_at_the_lower_end(lanes: Lanes) -> None:
    t = np.linspace(0, 100, 1001)
    curve = Curve("p1", "P1", "#ff5a5f", t, t / 100)
    # the lowest tick stands exactly at the lower edge
    lanes.show_content(LanesContent([Lane("area", "Area", "", [curve], y=(0.0, 1.0))]))
    picture = lanes.grab().toImage()
    end, ratio = lanes.layout_now.lanes[-1].bottom(), picture.devicePixelRatio()
    x = [round(column * ratio) for column in range(int(NAME_WIDTH) + 20, int(GUTTER) - 6)]
    y = range(round((end - 12) * ratio), round((lanes.layout_now.bottom + 1) * ratio))
    rows_of_text = [row for row in y if len({picture.pixel(column, row) for column in x}) > 1]
    assert rows_of_text, "there is a label"
    # a row of background under it: nothing of it is missing
    assert max(rows_of_text) < round(lanes.layout_now.bottom * ratio) - 1
