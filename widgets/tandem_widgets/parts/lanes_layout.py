"""Where everything lies in the lanes widget: gutter, plots, strip, axis, rows. Pure geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from PyQt6.QtCore import QRectF

from tandem_widgets.parts.lanes_model import LanesContent

GUTTER = 122.0
NAME_WIDTH = 74.0
"""Left part of the gutter, with the name; the rest has the tick labels."""
RIGHT = 24.0
TOP = 2.0
AXIS = 19.0
ROW = 18.0
STRIP = 5.0
SPACE = 7.0
MIN_LANE = 34.0
FLAG = 14.0

Zone = Literal["plot", "name", "ticks", "border", "axis", "bands", "strip", "outside"]


@dataclass
class Layout:
    """Rectangles for one size and content. `scroll` shifts the lanes up when they do not fit."""

    width: float = 0.0
    height: float = 0.0
    lanes: list[QRectF] = field(default_factory=list)
    strip: QRectF = field(default_factory=QRectF)
    axis: QRectF = field(default_factory=QRectF)
    bands: QRectF = field(default_factory=QRectF)
    overflow: float = 0.0
    head: float = 0.0
    """Rows of flags above the lanes."""

    @property
    def left(self) -> float:
        return GUTTER

    @property
    def plot_width(self) -> float:
        return max(self.width - GUTTER - RIGHT, 10.0)

    @property
    def bottom(self) -> float:
        """Where the lanes end."""
        return self.strip.top()

    def zone(self, x: float, y: float) -> tuple[Zone, int]:
        """What lies under a point, and the number of the lane (-1: none)."""
        if self.bands.height() and y >= self.bands.top():
            return "bands", -1
        if y >= self.axis.top():
            return "axis", -1
        if y >= self.strip.top():
            return ("strip" if self.strip.height() else "axis"), -1
        for number, lane in enumerate(self.lanes):
            if (
                x < GUTTER
                and abs(y - (lane.bottom() + SPACE / 2)) <= SPACE / 2
                and number < len(self.lanes) - 1
            ):
                return "border", number
            if lane.top() - SPACE / 2 <= y <= lane.bottom() + SPACE / 2:
                zone: Zone = "name" if x < NAME_WIDTH else "ticks" if x < GUTTER else "plot"
                return zone, number
        return "outside", -1


def lay_out(
    content: LanesContent, width: float, height: float, scroll: float = 0.0, head: float = 0.0
) -> Layout:
    layout = Layout(width, height, head=head)
    row = ROW if content.bands else 2.0
    strip = STRIP if content.findings is not None else 0.0
    layout.bands = QRectF(0, height - row, width, row if content.bands else 0.0)
    layout.axis = QRectF(0, height - row - AXIS, width, AXIS)
    layout.strip = QRectF(GUTTER, layout.axis.top() - strip, layout.plot_width, strip)
    room = layout.strip.top() - head - TOP - 1
    count = len(content.lanes)
    if not count:
        return layout
    heights = shares([lane.weight for lane in content.lanes], room - SPACE * (count - 1), MIN_LANE)
    layout.overflow = max(0.0, sum(heights) + SPACE * (count - 1) - room)
    y = head + TOP - min(scroll, layout.overflow)
    for tall in heights:
        layout.lanes.append(QRectF(GUTTER, y, layout.plot_width, tall))
        y += tall + SPACE
    return layout


def shares(weights: list[float], room: float, least: float) -> list[float]:
    """Heights in proportion to the weights, none below `least`."""
    heights = [0.0] * len(weights)
    free = set(range(len(weights)))
    left = room
    while free:
        total = sum(weights[i] for i in free) or 1.0
        small = [i for i in free if left * weights[i] / total < least]
        if not small:
            for i in free:
                heights[i] = left * weights[i] / total
            break
        for i in small:
            heights[i] = least
            left -= least
            free.discard(i)
    return heights
