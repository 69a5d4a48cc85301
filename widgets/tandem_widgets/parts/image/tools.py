"""Tools of the image: they draw a shape with the mouse and hand it over. Points are pixels of the shown frame."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import Point, draw_line, draw_rectangle, draw_ruler


class BaseTool:
    """Swallows nothing and paints nothing; tools override what they use. Esc calls `cancelled`."""

    hint = ""
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, cancelled: Callable[[], None]) -> None:
        self.cancelled = cancelled

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Leaves the press to the canvas, which moves the image."""
        return False

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Nothing follows the pointer."""
        return False

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Leaves the release to the canvas."""
        return False

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Leaves it to the canvas, which fits the image."""
        return False

    def key(self, event: QKeyEvent) -> bool:
        """Esc leaves the tool."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled()
            return True
        return False

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """A tool without a shape draws nothing."""

    @staticmethod
    def _corner_key(event: QKeyEvent, corners: list[Point], end: Callable[[], None]) -> bool:
        """Keys of tools that click from corner to corner: Enter ends, Backspace takes one back, Esc all of them."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            end()
        elif event.key() == Qt.Key.Key_Backspace and corners:
            corners.pop()
        elif event.key() == Qt.Key.Key_Escape and corners:
            corners.clear()
        else:
            return False
        return True


class RectangleTool(BaseTool):
    """Drag a rectangle; `done(x0, y0, x1, y1)` gets its corners in order."""

    hint = "Drag a rectangle · Esc ends"

    def __init__(
        self, done: Callable[[float, float, float, float], None], cancelled: Callable[[], None]
    ) -> None:
        super().__init__(cancelled)
        self._done = done
        self._start: Point | None = None
        self._at: Point = (0.0, 0.0)

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The first corner."""
        self._start = self._at = (x, y)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The opposite corner follows the pointer."""
        self._at = (x, y)
        return self._start is not None

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Hands the rectangle over; one not over a pixel wide and high is a slip."""
        start, self._start = self._start, None
        if start is not None and abs(x - start[0]) > 1 and abs(y - start[1]) > 1:
            self._done(min(x, start[0]), min(y, start[1]), max(x, start[0]), max(y, start[1]))
        return True

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """The rectangle while it is dragged."""
        if self._start is not None:
            draw_rectangle(painter, canvas, self._start, self._at, theme.active().accent)


class LineTool(BaseTool):
    """Drag a line; Shift keeps it level, upright or at 45°. `describe(start, end)` is written beside it."""

    hint = "Drag a line (Shift keeps it level) · Esc ends"

    def __init__(
        self,
        done: Callable[[Point, Point], None],
        cancelled: Callable[[], None],
        describe: Callable[[Point, Point], str] = lambda _start, _end: "",
        width_px: float = 1.0,
    ) -> None:
        super().__init__(cancelled)
        self._done, self._describe = done, describe
        self.width_px = width_px
        self._start: Point | None = None
        self._at: Point = (0.0, 0.0)

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The start of the line."""
        self._start = self._at = (x, y)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The end follows the pointer, or the nearest multiple of 45° with Shift."""
        self._at = self._straight(x, y, event)
        return self._start is not None

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Hands the line over; one of up to two pixels is a slip and is forgotten."""
        end, start = self._straight(x, y, event), self._start
        self._start = None
        if start is not None and math.dist(start, end) > 2:
            self._done(start, end)
        return True

    def _straight(self, x: float, y: float, event: QMouseEvent) -> Point:
        if self._start is None or not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return x, y
        dx, dy = x - self._start[0], y - self._start[1]
        angle = round(math.atan2(dy, dx) / (math.pi / 4)) * (math.pi / 4)
        length = dx * math.cos(angle) + dy * math.sin(angle)
        return self._start[0] + length * math.cos(angle), self._start[1] + length * math.sin(angle)

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """The line while it is dragged, with its description beside it."""
        if self._start is not None:
            draw_ruler(
                painter, canvas, self._start, self._at, self._describe(self._start, self._at), self.width_px
            )


class PolylineTool(LineTool):
    """A drag is a straight line; clicks are the corners of a polyline, ended by Enter or a double click."""

    hint = "Drag a line (Shift keeps it level), or click its corners · Enter finishes · Esc ends"

    def __init__(
        self,
        done: Callable[[list[Point]], None],
        cancelled: Callable[[], None],
        describe: Callable[[Point, Point], str] = lambda _start, _end: "",
    ) -> None:
        super().__init__(lambda start, end: self._done_with([start, end]), cancelled, describe)
        self._finished = done
        self.corners: list[Point] = []

    def _done_with(self, points: list[Point]) -> None:
        self.corners = []
        self._finished(points)

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The next stretch follows the pointer also between clicks."""
        return super().move(x, y, event) or bool(self.corners)

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """A click sets a corner; a drag without corners is a straight line."""
        if self._start is None:  # the second half of a double click
            return True
        end = self._straight(x, y, event)
        if self.corners or math.dist(self._start, end) <= 2:
            self._start = None
            self.corners.append(end)
            return True
        return super().release(x, y, event)

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Ends the polyline; its first click has set the last corner."""
        self._end()
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Enter ends, Backspace takes a corner back, Esc all; without corners Esc leaves the tool."""
        return self._corner_key(event, self.corners, self._end) or super().key(event)

    def _end(self) -> None:
        if len(self.corners) > 1:
            self._done_with(self.corners)

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """The corners so far and the stretch to the pointer."""
        if self.corners:
            draw_line(painter, canvas, np.array([*self.corners, self._at]))
        else:
            super().paint(painter, canvas)


class MeasureTool(LineTool):
    """Lines stay until the tool is left: the length of each, and the angle of the last against the one before."""

    hint = "Drag lines for lengths and the angle between the last two · Esc ends"

    def __init__(self, cancelled: Callable[[], None], describe: Callable[[Point, Point], str]) -> None:
        super().__init__(self._keep, cancelled, describe)
        self.lines: list[tuple[Point, Point]] = []

    def _keep(self, start: Point, end: Point) -> None:
        # an angle needs the last two
        self.lines = [*self.lines[-1:], (start, end)]

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """The last two lines with their lengths and their angle, and the one being dragged."""
        for number, (start, end) in enumerate(self.lines):
            text = self._describe(start, end)
            if number == 1:
                text += f" · {angle_between(*self.lines):.1f}°"
            draw_ruler(painter, canvas, start, end, text)
        super().paint(painter, canvas)


def angle_between(one: tuple[Point, Point], other: tuple[Point, Point]) -> float:
    """The acute or right angle between two lines (degrees)."""
    a, b = (math.atan2(end[1] - start[1], end[0] - start[0]) for start, end in (one, other))
    apart = math.degrees(abs(a - b)) % 180
    # a line has no direction: 170° between two of them is 10°
    return min(apart, 180 - apart)
