"""What a hand adjusts about lanes: the limits of their values, their heights, their order. Shown at once, kept by the pane."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from tandem_widgets.parts.lanes.layout import MIN_LANE, Layout
from tandem_widgets.parts.lanes.model import LanesContent
from tandem_widgets.parts.lanes.paint import LaneScale


class LanesShown(Protocol):
    """The lanes as they are shown."""

    content: LanesContent
    layout_now: Layout
    ups: list[LaneScale]

    def arrange(self) -> None:
        """Bring rectangles and scales up to date with the weights."""

    def invalidate(self) -> None:
        """Paint everything anew at the next turn."""


class LaneAdjusting(QObject):
    """Lanes are told by their number from the top."""

    y_chosen = pyqtSignal(str, object)
    """Kind of a lane and its new limits (None: everything; "visible"; or low, high)."""
    weights_chosen = pyqtSignal(object)
    order_chosen = pyqtSignal(str, int)
    ended = pyqtSignal()
    """The adjustment is complete: what comes next is another step."""

    def __init__(self, lanes: LanesShown) -> None:
        super().__init__()
        self._lanes = lanes

    def zoom_values(self, number: int, y: float, factor: float) -> None:
        """Zoom the values of a lane about widget pixel `y`; factor < 1 shows less."""
        up = self._lanes.ups[number]
        at = up.value(y)
        self._scale(number, at + (up.low - at) * factor, at + (up.high - at) * factor)

    def pan_values(self, number: int, pixels: float) -> None:
        """Move the curves of a lane down by so many pixels."""
        up = self._lanes.ups[number]
        shift = pixels / up.per_unit
        self._scale(number, up.low + shift, up.high + shift)

    def _scale(self, number: int, low: float, high: float) -> None:
        """Show other limits at once; the pane keeps them."""
        # zooming in far enough ends in equal limits
        if high > low:
            lanes = self._lanes
            # at once, without waiting for the pane: the hand is on it
            lanes.content.lanes[number].y = low, high
            lanes.ups[number] = LaneScale(low, high, lanes.ups[number].rect)
            lanes.invalidate()
            self.y_chosen.emit(lanes.content.lanes[number].kind, (low, high))

    def toggle_fit(self, number: int) -> None:
        """Fit the values to what is in view, or to everything."""
        lane = self._lanes.content.lanes[number]
        self.y_chosen.emit(lane.kind, "visible" if lane.y is None else None)
        self.ended.emit()

    def resize_lane(self, number: int, pixels: float) -> None:
        """Give a lane some of the height of the next one."""
        rects, lanes = self._lanes.layout_now.lanes, self._lanes.content.lanes
        upper = max(rects[number].height() + pixels, MIN_LANE)
        lower = max(rects[number].height() + rects[number + 1].height() - upper, MIN_LANE)
        heights = {lane.kind: rect.height() for lane, rect in zip(lanes, rects)}
        heights[lanes[number].kind], heights[lanes[number + 1].kind] = upper, lower
        mean = sum(heights.values()) / len(heights)
        # around 1, whatever the window's height: it is the shares that are kept
        weights = {kind: round(height / mean, 4) for kind, height in heights.items()}
        for lane in lanes:
            lane.weight = weights[lane.kind]
        self._lanes.arrange()
        self._lanes.invalidate()
        self.weights_chosen.emit(weights)

    def move_lane(self, number: int, drop: int) -> None:
        """Before the lane that has the number `drop` now."""
        # its own place is gone once it is taken out
        target = drop - 1 if drop > number else drop
        if drop >= 0 and target != number:
            self.order_chosen.emit(self._lanes.content.lanes[number].kind, target)
