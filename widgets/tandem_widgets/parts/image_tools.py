"""Tools of the image: they draw a shape with the mouse and hand it over. Points are pixels of the shown frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from tandem_em.desk import particles_shape
from tandem_widgets.parts import theme
from tandem_widgets.parts.image_canvas import ImageCanvas
from tandem_widgets.parts.plot_polyline import polygon as to_qt

Point = tuple[float, float]
Polygon = NDArray[np.float64]
CLICK_PX = 4.0
"""A press and release closer than this on screen is a click."""
CLOSE_PX = 9.0
"""So near to its first vertex a polygon closes."""


class BaseTool:
    """Swallows nothing and paints nothing; tools override what they use. Esc calls `cancelled`."""

    hint = ""
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, cancelled: Callable[[], None]) -> None:
        self.cancelled = cancelled

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        return False

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        return False

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        return False

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        return False

    def key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled()
            return True
        return False

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        pass


class OutlineTool(BaseTool):
    """Freehand drag, clicks from vertex to vertex (Enter, double click or the first vertex closes), Shift+drag an ellipse.

    The first click also asks for a proposal: it appears dashed. Enter or a double click takes it as it is; dragging its
    line, or all of it, puts it right and takes it.
    """

    hint = "Click a particle, or drag around it, or click corner by corner · Shift+drag: ellipse · Esc"

    def __init__(
        self,
        done: Callable[[Polygon], None],
        propose: Callable[[float, float], None],
        cancelled: Callable[[], None],
        ellipse: Callable[[Point, Point], Polygon],
    ) -> None:
        super().__init__(cancelled)
        self._done, self._propose, self._ellipse = done, propose, ellipse
        self._clicked: list[Point] = []
        self._drag: list[Point] = []
        self._corner: Point | None = None
        self._at: Point = (0.0, 0.0)
        self._pressed: QPointF | None = None
        self._far = False
        self._from: Point = (0.0, 0.0)
        self._scale = 0.0
        """Screen pixels of an image pixel, as last painted."""
        self._first_on_screen: QPointF | None = None
        self._offer: Polygon | None = None
        self._held: tuple[Polygon, int | None] | None = None
        """The proposal as it was when a drag began, and the vertex in hand (None: all of it)."""

    def offer(self, polygon: Polygon) -> bool:
        """A proposal has been found; False when the hand has gone on meanwhile."""
        if len(self._clicked) != 1:
            return False
        self._offer = polygon
        return True

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._pressed, self._at, self._far = event.position(), (x, y), False
        self._held = self._grasp(x, y)
        if self._held is not None:
            self._corner = None
            self._from = (x, y)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._corner = (x, y)
        else:
            self._drag = [(x, y)]
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._at = (x, y)
        if self._pressed is not None and _apart(event.position(), self._pressed) > CLICK_PX:
            self._far = True  # a drag, even when it comes back to where it began
        if self._held is not None and self._far:
            self._offer = self._moved(x, y)
            return True
        if self._drag and event.buttons():
            self._drag.append((x, y))
        return bool(self._drag or self._corner or self._clicked)

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        if self._pressed is None:  # the second half of a double click
            return True
        far = self._far
        held, self._held = self._held, None
        if held is not None:
            self._pressed = None
            if far and self._offer is not None:
                self._finish(self._offer)
            else:
                self._add_vertex(x, y, event.position())
            return True
        drag, corner = self._drag, self._corner
        self._drag, self._corner, self._pressed = [], None, None
        if corner is not None:
            if far:
                self._finish(self._ellipse(corner, (x, y)))
        elif far and len(drag) > 3:
            self._finish(np.array(drag))
        else:
            self._add_vertex(x, y, event.position())
        return True

    def _grasp(self, x: float, y: float) -> tuple[Polygon, int | None] | None:
        """What a press takes hold of: the line of the proposal, or all of it."""
        if self._offer is None or self._scale <= 0:
            return None
        vertex, far = particles_shape.nearest(self._offer, x, y)
        if far * self._scale <= CLOSE_PX:
            return self._offer, vertex
        return (self._offer, None) if particles_shape.contains(self._offer, x, y) else None

    def _moved(self, x: float, y: float) -> Polygon:
        assert self._held is not None
        (before, vertex), (dx, dy) = self._held, (x - self._from[0], y - self._from[1])
        if vertex is None:
            return before + np.array([dx, dy])
        around = float(np.hypot(*(np.roll(before, -1, axis=0) - before).T).sum())
        return particles_shape.soft_drag(before, vertex, dx, dy, 0.06 * around)

    def _add_vertex(self, x: float, y: float, on_screen: QPointF) -> None:
        if not self._clicked:
            self._first_on_screen = on_screen
        elif (
            len(self._clicked) > 2
            and self._first_on_screen is not None
            and _apart(on_screen, self._first_on_screen) < CLOSE_PX
        ):
            self._close()
            return
        self._clicked.append((x, y))
        self._offer = None
        if len(self._clicked) == 1:
            self._propose(x, y)

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        if len(self._clicked) >= 3 or self._offer is not None:
            self._close()
        return True

    def key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close()
            return True
        if event.key() == Qt.Key.Key_Backspace and self._clicked:
            self._clicked.pop()
            return True
        if event.key() == Qt.Key.Key_Escape and self._clicked:
            self._clicked, self._offer = [], None
            return True
        return super().key(event)

    def _close(self) -> None:
        clicked, offer = self._clicked, self._offer
        if len(clicked) >= 3:
            self._finish(np.array(clicked))
        elif offer is not None:
            self._finish(offer)

    def _finish(self, polygon: Polygon) -> None:
        self._clicked, self._offer = [], None
        self._done(np.asarray(polygon, np.float64))

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        self._scale = canvas.view.zoom
        shape: list[Point] | Polygon = self._drag
        if self._corner is not None:
            shape = self._ellipse(self._corner, self._at)
            shape = np.vstack([shape, shape[:1]])
        elif self._clicked and self._held is None:
            shape = [*self._clicked, self._at]
        if len(shape) > 1:
            draw_line(painter, canvas, np.asarray(shape, np.float64))
        if self._offer is not None:
            painter.setPen(QPen(QColor(theme.active().accent), 2, Qt.PenStyle.DashLine))
            painter.setBrush(theme.colour(theme.active().accent, 0.12))
            painter.drawPolygon(to_qt(*on_screen(canvas, self._offer)))
            draw_tag(
                painter,
                canvas.to_screen(*self._clicked[0]),
                "Enter or double click takes it, drag puts it right",
                theme.active().accent,
            )
        painter.setPen(QPen(QColor("white"), 1.2))
        painter.setBrush(QColor(theme.active().accent))
        for x, y in self._clicked:
            painter.drawEllipse(canvas.to_screen(x, y), 3.5, 3.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)


class RectangleTool(BaseTool):
    """Drag a rectangle; `done(x0, y0, x1, y1)` gets its corners in order."""

    hint = "Drag a rectangle · Esc leaves"

    def __init__(
        self, done: Callable[[float, float, float, float], None], cancelled: Callable[[], None]
    ) -> None:
        super().__init__(cancelled)
        self._done = done
        self._start: Point | None = None
        self._at: Point = (0.0, 0.0)

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._start = self._at = (x, y)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._at = (x, y)
        return self._start is not None

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        start, self._start = self._start, None
        if start is not None and abs(x - start[0]) > 1 and abs(y - start[1]) > 1:
            self._done(min(x, start[0]), min(y, start[1]), max(x, start[0]), max(y, start[1]))
        return True

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        if self._start is not None:
            draw_rectangle(painter, canvas, self._start, self._at, theme.active().accent)


class LineTool(BaseTool):
    """Drag a line; Shift keeps it level, upright or at 45°. `describe(start, end)` is written beside it."""

    hint = "Drag a line, Shift keeps it straight · Esc leaves"

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
        self._start = self._at = (x, y)
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._at = self._straight(x, y, event)
        return self._start is not None

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
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
        if self._start is not None:
            draw_ruler(
                painter, canvas, self._start, self._at, self._describe(self._start, self._at), self.width_px
            )


class PolylineTool(LineTool):
    """A drag is a straight line; clicks are the corners of a polyline, ended by Enter or a double click."""

    hint = "Drag a line (Shift keeps it straight), or click corners · Enter ends · Esc leaves"

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
        return super().move(x, y, event) or bool(self.corners)

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        if self._start is None:  # the second half of a double click
            return True
        end = self._straight(x, y, event)
        if self.corners or math.dist(self._start, end) <= 2:
            self._start = None
            self.corners.append(end)
            return True
        return super().release(x, y, event)

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        self._end()
        return True

    def key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._end()
            return True
        if event.key() == Qt.Key.Key_Backspace and self.corners:
            self.corners.pop()
            return True
        if event.key() == Qt.Key.Key_Escape and self.corners:
            self.corners = []
            return True
        return super().key(event)

    def _end(self) -> None:
        if len(self.corners) > 1:
            self._done_with(self.corners)

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        if self.corners:
            draw_line(painter, canvas, np.array([*self.corners, self._at]))
        else:
            super().paint(painter, canvas)


class MeasureTool(LineTool):
    """Lines stay until the tool is left: the length of each, and the angle of the last against the one before."""

    hint = "Drag lines: lengths, and the angle of the last two · Esc leaves"

    def __init__(self, cancelled: Callable[[], None], describe: Callable[[Point, Point], str]) -> None:
        super().__init__(self._keep, cancelled, describe)
        self.lines: list[tuple[Point, Point]] = []

    def _keep(self, start: Point, end: Point) -> None:
        self.lines = [*self.lines[-1:], (start, end)]

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
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
    return min(apart, 180 - apart)


# --- drawing that tools and overlays share ---------------------------------------------------------------------------


def on_screen(canvas: ImageCanvas, points: Polygon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Many image points in widget pixels at once."""
    origin, unit = canvas.to_screen(0.0, 0.0), canvas.view.zoom
    return points[:, 0] * unit + origin.x(), points[:, 1] * unit + origin.y()


def draw_line(painter: QPainter, canvas: ImageCanvas, points: Polygon) -> None:
    line = to_qt(*on_screen(canvas, points))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 3.4))
    painter.drawPolyline(line)
    painter.setPen(QPen(QColor(theme.active().accent), 1.8))
    painter.drawPolyline(line)


def draw_rectangle(
    painter: QPainter, canvas: ImageCanvas, start: Point, end: Point, colour: str, text: str = ""
) -> None:
    box = QRectF(canvas.to_screen(*start), canvas.to_screen(*end)).normalized()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 3.2))
    painter.drawRect(box)
    painter.setPen(QPen(QColor(colour), 1.6))
    painter.drawRect(box)
    if text and box.intersects(QRectF(painter.viewport())):
        draw_tag(painter, QPointF(box.left() + 2, box.top() - 18), text, colour)


def draw_ruler(
    painter: QPainter,
    canvas: ImageCanvas,
    start: Point,
    end: Point,
    text: str,
    width_px: float = 1.0,
    colour: str = "",
) -> None:
    """A line with end marks, its width as a faint band, and a text beside its end."""
    a, b = canvas.to_screen(*start), canvas.to_screen(*end)
    colour = colour or theme.active().accent
    length = max(_apart(a, b), 1e-6)
    nx, ny = -(b.y() - a.y()) / length, (b.x() - a.x()) / length
    half = width_px * canvas.view.zoom / 2
    if width_px > 1:
        band = [
            (a.x() + nx * half, a.y() + ny * half), (b.x() + nx * half, b.y() + ny * half),
            (b.x() - nx * half, b.y() - ny * half), (a.x() - nx * half, a.y() - ny * half),
        ]  # fmt: skip
        painter.setPen(QPen(theme.colour(colour, 0.6), 1, Qt.PenStyle.DotLine))
        painter.setBrush(theme.colour(colour, 0.10))
        painter.drawPolygon(to_qt(np.array(band)[:, 0], np.array(band)[:, 1]))
    for pen in (QPen(QColor(0, 0, 0, 110), 3.4), QPen(QColor(colour), 1.8)):
        painter.setPen(pen)
        painter.drawLine(a, b)
        for end_point in (a, b):
            tick = QPointF(nx * 5, ny * 5)
            painter.drawLine(end_point - tick, end_point + tick)
    if text:
        draw_tag(painter, QPointF(b.x() + 8, b.y() - 20), text, colour)


def draw_path(
    painter: QPainter, canvas: ImageCanvas, points: list[Point], text: str, width_px: float, colour: str
) -> None:
    """A polyline as rulers one after the other; the text stands at its end."""
    for start, end in pairwise(points):
        draw_ruler(painter, canvas, start, end, text if end is points[-1] else "", width_px, colour)


def draw_tag(painter: QPainter, place: QPointF, text: str, colour: str, pixels: int = 12) -> None:
    """Coloured text on a dark plate: readable on any image."""
    painter.setFont(theme.numbers_font(pixels, bold=True))
    metrics = painter.fontMetrics()
    box = QRectF(place.x(), place.y(), metrics.horizontalAdvance(text) + 10, metrics.height() + 2)
    device = painter.viewport()
    box.moveLeft(min(max(box.left(), 2), max(2, device.width() - box.width() - 2)))
    box.moveTop(min(max(box.top(), 2), max(2, device.height() - box.height() - 2)))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(10, 12, 15, 170))
    painter.drawRoundedRect(box, 3, 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(colour))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _apart(one: QPointF, other: QPointF) -> float:
    return math.hypot(one.x() - other.x(), one.y() - other.y())
