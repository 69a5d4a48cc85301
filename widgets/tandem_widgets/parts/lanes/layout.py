"""Where everything lies in the lanes widget: gutter, plots, strip, axis, rows. Pure geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from PyQt6.QtCore import QRectF

from tandem_widgets.parts.lanes.model import Lane, LanesContent

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
VALUE_ROW = 12.0
TITLE_LETTER, UNIT_LETTER = 7.2, 5.6
"""About as wide as their letters are."""
MORE_PX = 18.0
"""What `+3` takes at the end of values that do not all fit."""

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
        """Where the plots begin (px)."""
        return GUTTER

    @property
    def plot_width(self) -> float:
        """Pixels of the time axis; at least ten, however narrow the widget."""
        return max(self.width - GUTTER - RIGHT, 10.0)

    @property
    def bottom(self) -> float:
        """Where the lanes end."""
        return self.strip.top()

    def zone(self, x: float, y: float) -> tuple[Zone, int]:
        """What lies under a point, and the number of the lane (-1: none)."""
        # from the bottom up: lanes that do not fit reach under strip and axis
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
                # below the last lane there is none to take height from
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
    """Rectangles for lanes, strip, axis and row of maps; `scroll` and `head` in pixels."""
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
    # after a lane has gone the old scroll may be too far
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
        # `or`: all weights may be zero
        total = sum(weights[i] for i in free) or 1.0
        small = [i for i in free if left * weights[i] / total < least]
        if not small:
            for i in free:
                heights[i] = left * weights[i] / total
            break
        for i in small:
            heights[i] = least
            # what they take is missing for the others, so these are shared out once more
            left -= least
            free.discard(i)
    return heights


def has_unit_beside(lane: Lane, height: float) -> bool:
    """Whether the unit goes beside the title: a low lane that has more values than fit under two lines, two in a row."""
    rows_under = int((height + 4 - 26) // VALUE_ROW)
    fits = TITLE_LETTER * len(lane.title) + UNIT_LETTER * len(lane.caption or lane.unit) < NAME_WIDTH + 2
    return lane.shows_each and fits and len(lane.main_curves) > 2 * rows_under


def in_rows(widths: Sequence[float], room: float, rows: int) -> list[tuple[float, int]]:
    """Where values go, from left to right and row by row: (x, row). What does not fit is left out at the end."""
    places: list[tuple[float, int]] = []
    x, row = 0.0, 0
    for width in widths:
        # `x`: a value wider than the room stays in its row all the same
        if x and x + width > room:
            x, row = 0.0, row + 1
        if row >= rows:
            break
        places.append((x, row))
        x += width
    while (
        len(places) > 1
        and len(places) < len(widths)
        and places[-1][0] + widths[len(places) - 1] > room - MORE_PX
    ):
        places.pop()
    return places
