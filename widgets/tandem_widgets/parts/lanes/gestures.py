"""Mouse and wheel over the lanes: each press starts one gesture, which moves the focus or asks the pane for a verb."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QWheelEvent

from tandem_widgets.parts.lanes.adjusting import LaneAdjusting
from tandem_widgets.parts.lanes.layout import SPACE, Layout, Zone
from tandem_widgets.parts.lanes.model import LanesContent
from tandem_widgets.parts.lanes.time_axis import TimeScale
from tandem_widgets.parts.lanes.time_cursor import GRIP_PX, Stretch

Button, Modifier = Qt.MouseButton, Qt.KeyboardModifier
CLICK_PX = 4.0
# Per unit of turn; a notch is 120: a fifth more or less.
WHEEL_ZOOM = 1.0015


class LanesUnderHand(Protocol):
    """The lanes as a hand meets them: what lies where, the cursor and the stretch."""

    content: LanesContent
    layout_now: Layout
    scale: TimeScale
    stretch: Stretch | None

    def time_at(self, x: float) -> float:
        """Session second of widget pixel x, held inside the plot."""

    def flag_at(self, at: QPointF) -> str:
        """Id of the flag whose tab is there; empty: none."""

    def band_at(self, at: QPointF) -> str:
        """Id of the map in the row under the axis; empty: none."""

    def curve_at(self, at: QPointF, lane: int) -> str:
        """Key of the marked curve of a lane within a few pixels; empty: none."""

    def set_cursor_time(self, t: float) -> None:
        """Move the one cursor to a session second."""

    def set_span(self, span: tuple[float, float]) -> None:
        """Show from one session second to another."""

    def set_stretch(self, stretch: Stretch | None) -> None:
        """Begin a stretch, or end it (None)."""

    def move_stretch(self, edge: str, t: float) -> None:
        """Move one end of the stretch, `a` or `b`, to a session second."""

    def end_stretch(self, *, click: bool) -> None:
        """The hand let go; `click`: it had not moved."""


class LaneGestures(QObject):
    """What the buttons mean. Left: cursor; Ctrl+left: stretch; middle, right or Shift+left: pan; gutter: lane and scale.

    What a gesture does to the lanes is asked of them; what it means for the session is signalled.
    """

    flag_clicked = pyqtSignal(str)
    flag_moved = pyqtSignal(str, float)
    band_clicked = pyqtSignal(str)
    note_clicked = pyqtSignal(str)
    curve_clicked = pyqtSignal(str)
    gesture_ended = pyqtSignal()
    fit_wanted = pyqtSignal()
    drop_moved = pyqtSignal()
    """A lane is being dragged to another place: `drop_at`; -1: no longer."""
    shape_wanted = pyqtSignal(object)
    """The Qt.CursorShape that says what a press would do here."""

    scrolled = pyqtSignal(float)
    """So many pixels down."""
    menu_asked = pyqtSignal(QPointF, object)
    """At a place of the lanes, and where that is on the screen."""

    def __init__(self, lanes: LanesUnderHand, adjusting: LaneAdjusting) -> None:
        super().__init__()
        self._lanes, self._adjusting = lanes, adjusting
        self.kind = ""
        self.lane = -1
        self.drop_at = -1
        self._from = QPointF()
        self._last = QPointF()
        self._moved = False
        self._edge = "b"
        self._flag = ""

    # --- mouse ---------------------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        """Find out which gesture begins here and do what a mere click does."""
        at = event.position()
        self._from = self._last = at
        self._moved = False
        zone, self.lane = self._lanes.layout_now.zone(at.x(), at.y())
        self.kind = self._choose(event, zone, at)
        if self.kind == "cursor":
            self._set_cursor(at)
        elif self.kind == "stretch":
            t = self._lanes.time_at(at.x())
            self._lanes.set_stretch(Stretch(t, t))
            self._edge = "b"

    def _choose(self, event: QMouseEvent, zone: Zone, at: QPointF) -> str:
        lanes = self._lanes
        if event.button() in (Button.MiddleButton, Button.RightButton):
            return "pan" if zone in ("plot", "axis", "strip", "bands") else "menu"
        if event.button() != Button.LeftButton:
            return ""
        # first: flags lie above the lanes
        if zone in ("plot", "outside") and (flag := lanes.flag_at(at)):
            self._flag = flag
            return "flag"
        if zone == "bands" and (band := lanes.band_at(at)):
            self.band_clicked.emit(band)
            return ""
        if zone in ("name", "ticks", "border"):
            return {"name": "reorder", "ticks": "scale", "border": "resize"}[zone]
        if zone == "plot":
            return self._choose_plot(event, at)
        return "pan" if zone == "axis" else "cursor" if zone in ("strip", "outside") and at.x() > 0 else ""

    def _choose_plot(self, event: QMouseEvent, at: QPointF) -> str:
        lanes = self._lanes
        # keys before places: with them a press means the same over a curve, too
        if event.modifiers() & Modifier.ControlModifier:
            return "stretch"
        if event.modifiers() & Modifier.ShiftModifier:
            return "pan"
        if lanes.content.lanes[self.lane].note:
            self.note_clicked.emit(lanes.content.lanes[self.lane].kind)
            return ""
        if self._grips(at):
            return "edge"
        key = lanes.curve_at(at, self.lane)
        if key:
            self.curve_clicked.emit(key)
        return "cursor"

    def _grips(self, at: QPointF) -> bool:
        stretch = self._lanes.stretch
        if stretch is None:
            return False
        for name in ("a", "b"):
            if abs(self._lanes.scale.x(getattr(stretch, name)) - at.x()) <= GRIP_PX:
                self._edge = name
                return True
        return False

    def move(self, event: QMouseEvent) -> None:
        """Go on with the gesture; without a button only the pointer's shape changes."""
        at = event.position()
        if not event.buttons():
            self._show_shape(at)
            return
        delta, self._last = at - self._last, at
        if (at - self._from).manhattanLength() > CLICK_PX:
            self._moved = True
        if self.kind == "cursor":
            self._set_cursor(at)
        elif self.kind == "flag" and self._moved:
            self.flag_moved.emit(self._flag, self._lanes.time_at(at.x()))
        elif self.kind == "pan" and self._moved:
            self._lanes.set_span(self._lanes.scale.panned(delta.x()))
        elif self.kind in ("stretch", "edge"):
            self._lanes.move_stretch(self._edge, self._lanes.time_at(at.x()))
        elif self.kind == "scale" and self._moved:
            self._adjusting.pan_values(self.lane, delta.y())
        elif self.kind == "resize":
            self._adjusting.resize_lane(self.lane, delta.y())
        elif self.kind == "reorder" and self._moved:
            self.drop_at = self._drop_number(at.y())
            self.drop_moved.emit()

    def release(self, event: QMouseEvent) -> None:
        """End the gesture and ask for what it means."""
        lanes, kind = self._lanes, self.kind
        self.kind = ""
        # a right drag pans; only where it did not move is it a menu
        if event.button() == Button.RightButton and not self._moved:
            self.menu_asked.emit(event.position(), event.globalPosition().toPoint())
        elif kind in ("scale", "resize", "flag") and self._moved:
            self.gesture_ended.emit()
        elif kind == "flag":
            self.flag_clicked.emit(self._flag)
        elif kind in ("stretch", "edge"):
            lanes.end_stretch(click=kind == "stretch" and not self._moved)
        elif kind == "reorder" and self._moved:
            drop, self.drop_at = self.drop_at, -1
            self.drop_moved.emit()
            self._adjusting.move_lane(self.lane, drop)
        self.lane = -1

    def double_click(self, event: QMouseEvent) -> None:
        """Over the curves: show all time; over the gutter: fit the lane's values."""
        zone, number = self._lanes.layout_now.zone(event.position().x(), event.position().y())
        self.kind = ""
        if zone in ("plot", "axis", "strip"):
            self.fit_wanted.emit()
        elif number >= 0:
            self._adjusting.toggle_fit(number)

    # --- wheel ---------------------------------------------------------------------------------------------------

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom the time; with Ctrl or over the gutter the values; with Shift or sideways pan."""
        lanes = self._lanes
        at = event.position()
        zone, number = lanes.layout_now.zone(at.x(), at.y())
        turn = event.angleDelta()
        factor = WHEEL_ZOOM ** -turn.y()
        if zone in ("name", "ticks", "border") and number >= 0:
            if zone == "name" and lanes.layout_now.overflow:
                self.scrolled.emit(-turn.y() / 2)
            else:
                self._adjusting.zoom_values(number, at.y(), factor)
        elif event.modifiers() & Modifier.ControlModifier and number >= 0:
            self._adjusting.zoom_values(number, at.y(), factor)
        elif event.modifiers() & Modifier.ShiftModifier or abs(turn.x()) > abs(turn.y()):
            # some systems report Shift+wheel as a sideways turn themselves
            lanes.set_span(lanes.scale.panned((turn.x() or turn.y()) * 0.6))
        elif turn.y():
            # over the gutter: about the left edge
            lanes.set_span(lanes.scale.zoomed(max(at.x(), lanes.scale.left), factor))

    # --- helpers -------------------------------------------------------------------------------------------------

    def _set_cursor(self, at: QPointF) -> None:
        self._lanes.set_cursor_time(self._lanes.time_at(at.x()))

    def _drop_number(self, y: float) -> int:
        rects = self._lanes.layout_now.lanes
        return sum(y > rect.center().y() + SPACE / 2 for rect in rects)

    def _show_shape(self, at: QPointF) -> None:
        zone, _number = self._lanes.layout_now.zone(at.x(), at.y())
        shapes = Qt.CursorShape
        if zone == "plot" and (self._grips(at) or self._lanes.flag_at(at)):
            shape = shapes.SplitHCursor if self._grips(at) else shapes.PointingHandCursor
        elif zone == "bands" and self._lanes.band_at(at):
            shape = shapes.PointingHandCursor
        else:
            shape = {
                "border": shapes.SplitVCursor, "name": shapes.OpenHandCursor, "ticks": shapes.SizeVerCursor,
                "axis": shapes.SizeHorCursor,
            }.get(zone, shapes.ArrowCursor)  # fmt: skip
        self.shape_wanted.emit(shape)
