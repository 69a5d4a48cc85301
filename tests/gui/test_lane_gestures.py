"""Gestures on lanes that are only said to be there: what a press means, without the widget that paints them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PyQt6.QtCore import QEvent, QPointF, QRectF, Qt
from PyQt6.QtGui import QMouseEvent

from tandem_widgets.parts.lanes.adjusting import LaneAdjusting
from tandem_widgets.parts.lanes.gestures import LaneGestures
from tandem_widgets.parts.lanes.layout import GUTTER, Layout, lay_out
from tandem_widgets.parts.lanes.model import Lane, LanesContent
from tandem_widgets.parts.lanes.paint import LaneScale
from tandem_widgets.parts.lanes.time_axis import TimeScale
from tandem_widgets.parts.lanes.time_cursor import Stretch

LEFT, RIGHT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
NONE = Qt.KeyboardModifier.NoModifier
WIDTH, HEIGHT = 800, 300


def content() -> LanesContent:
    return LanesContent(
        [Lane("voltage", "Voltage", "V", y=(0.0, 4.0)), Lane("note", "Capacity", "Ah", note="Set the area")]
    )


@dataclass
class Given:
    """Two lanes, a flag at 500 px, and a memory of what was asked."""

    content: LanesContent = field(default_factory=content)
    layout_now: Layout = field(default_factory=lambda: lay_out(content(), WIDTH, HEIGHT))
    scale: TimeScale = field(default_factory=lambda: TimeScale(0.0, 100.0, GUTTER, WIDTH - GUTTER))
    stretch: Stretch | None = None
    ups: list[LaneScale] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ups = [LaneScale(0.0, 4.0, QRectF(rect)) for rect in self.layout_now.lanes]

    def time_at(self, x: float) -> float:
        return self.scale.t(x)

    def flag_at(self, at: QPointF) -> str:
        return "contact" if abs(at.x() - 500) < 3 else ""

    def band_at(self, at: QPointF) -> str:
        return ""

    def curve_at(self, at: QPointF, lane: int) -> str:
        return ""

    def set_cursor_time(self, t: float) -> None:
        self.asked.append(("cursor", round(t)))

    def set_span(self, span: tuple[float, float]) -> None:
        self.asked.append(("span", round(span[0]), round(span[1])))

    def set_stretch(self, stretch: Stretch | None) -> None:
        self.stretch = stretch

    def move_stretch(self, edge: str, t: float) -> None:
        self.asked.append(("stretch", edge, round(t)))

    def end_stretch(self, *, click: bool) -> None:
        self.asked.append(("stretch ends", click))

    def arrange(self) -> None:
        self.asked.append(("arrange",))

    def invalidate(self) -> None:
        self.asked.append(("invalidate",))


class Hand:
    """Presses, moves and lets go; remembers what is signalled."""

    def __init__(self) -> None:
        self.lanes = Given()
        self.adjusting = LaneAdjusting(self.lanes)
        self.gestures = LaneGestures(self.lanes, self.adjusting)
        self.told: list[tuple[object, ...]] = []
        self.gestures.note_clicked.connect(lambda kind: self.told.append(("note", kind)))
        self.gestures.flag_moved.connect(lambda flag, t: self.told.append(("flag", flag, round(t))))
        self.gestures.flag_clicked.connect(lambda flag: self.told.append(("flag clicked", flag)))
        self.gestures.menu_asked.connect(lambda _at, _where: self.told.append(("menu",)))
        self.gestures.shape_wanted.connect(lambda shape: self.told.append(("shape", shape)))
        self.adjusting.y_chosen.connect(lambda kind, y: self.told.append(("limits", kind, y)))
        self.adjusting.order_chosen.connect(lambda kind, number: self.told.append(("order", kind, number)))
        self.adjusting.weights_chosen.connect(lambda weights: self.told.append(("weights", *weights)))

    def drag(
        self, *places: tuple[float, float], button: Qt.MouseButton = LEFT, keys: Qt.KeyboardModifier = NONE
    ) -> None:
        press, move, release = (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseMove,
            QEvent.Type.MouseButtonRelease,
        )
        self.gestures.press(mouse(press, places[0], button, button, keys))
        for place in places[1:]:
            self.gestures.move(mouse(move, place, NO_BUTTON, button, keys))
        self.gestures.release(mouse(release, places[-1], button, NO_BUTTON, keys))


def mouse(
    kind: QEvent.Type, place: tuple[float, float], button: Qt.MouseButton, held: Qt.MouseButton, keys: Qt.KeyboardModifier
) -> QMouseEvent:  # fmt: skip
    return QMouseEvent(kind, QPointF(*place), QPointF(*place), button, held, keys)


@pytest.fixture
def hand() -> Hand:
    return Hand()


def middle(hand: Hand, number: int) -> float:
    return hand.lanes.layout_now.lanes[number].center().y()


def test_a_press_in_a_lane_is_the_cursor_and_with_control_a_stretch(hand: Hand) -> None:
    y = middle(hand, 0)
    hand.drag((GUTTER + 70, y), (GUTTER + 140, y))
    assert [what for what, *_ in hand.lanes.asked] == ["cursor", "cursor"]
    hand.lanes.asked.clear()
    hand.drag((GUTTER + 70, y), (GUTTER + 140, y), keys=Qt.KeyboardModifier.ControlModifier)
    assert hand.lanes.stretch is not None
    assert [what for what, *_ in hand.lanes.asked] == ["stretch", "stretch ends"]


def test_a_note_a_flag_and_a_menu_are_signalled(hand: Hand) -> None:
    hand.drag((GUTTER + 70, middle(hand, 1)))
    hand.drag((500, middle(hand, 0)))
    hand.drag((500, middle(hand, 0)), (560, middle(hand, 0)))
    hand.drag((GUTTER + 70, middle(hand, 0)), button=RIGHT)
    assert [what for what, *_ in hand.told] == ["note", "flag clicked", "flag", "menu"]
    assert hand.lanes.asked == []


def test_values_heights_and_order_are_adjusted_at_once_and_told(hand: Hand) -> None:
    hand.adjusting.zoom_values(0, middle(hand, 0), 0.5)
    assert hand.lanes.content.lanes[0].y == pytest.approx((1.0, 3.0), abs=0.05)
    assert ("invalidate",) in hand.lanes.asked
    hand.adjusting.resize_lane(0, 20.0)
    first, second = hand.lanes.content.lanes
    assert first.weight > second.weight
    hand.adjusting.move_lane(0, 2)
    hand.adjusting.move_lane(0, 1)  # before the next one: where it is
    hand.adjusting.toggle_fit(0)
    assert [what for what, *_ in hand.told] == ["limits", "weights", "order", "limits"]
    assert hand.told[2] == ("order", "voltage", 1)
    assert hand.told[3] == ("limits", "voltage", None)


def test_the_pointer_shows_what_a_press_would_do(hand: Hand) -> None:
    def shape_at(x: float, y: float) -> object:
        hand.gestures.move(mouse(QEvent.Type.MouseMove, (x, y), NO_BUTTON, NO_BUTTON, NONE))
        return hand.told[-1][1]

    assert shape_at(500, middle(hand, 0)) == Qt.CursorShape.PointingHandCursor
    assert shape_at(GUTTER + 70, middle(hand, 0)) == Qt.CursorShape.ArrowCursor
    hand.lanes.stretch = Stretch(0.0, 50.0)
    assert shape_at(hand.lanes.scale.x(50.0), middle(hand, 0)) == Qt.CursorShape.SplitHCursor
