"""The tool that draws an outline: by hand, by corners, as an ellipse, or from a click that is answered by a proposal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from tandem_em.desk.outlines import shape as particles_shape
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.marks import Point, Polygon, apart, draw_line, on_screen
from tandem_widgets.parts.image.tools import BaseTool
from tandem_widgets.parts.plot.polyline import polygon as to_qt

CLICK_PX = 4.0
"""A press and release closer than this on screen is a click."""
CLOSE_PX = 9.0
"""So near to its first vertex a polygon closes."""
PULL_PX = 1.5
"""A line that is dragged follows from here on: what is put right is often put right by a pixel or two."""
HINT_OFFER = "Click inside: accept · Drag: correct · Shift+click: whole cluster, or one more · Esc"
HINT_CORNERS = "Click the corners · Enter or the first corner closes · Backspace: one back · Esc"


class OutlineTool(BaseTool):
    """Freehand drag, clicks from vertex to vertex (Enter, double click or the first vertex closes), Shift+drag an ellipse.

    The first click also asks for a proposal: it appears dashed. A click inside, Enter or a double click takes it as it is;
    dragging its line, or all of it, puts it right and takes it. Shift+click asks for a larger one (Backspace: one back).
    `propose(x, y, before)` answers by `offer`, `say` gets what can be done next.
    """

    hint = "Click a particle, drag around it, or click its corners · Shift+drag: ellipse · Esc"

    def __init__(
        self,
        done: Callable[[Polygon], None],
        propose: Callable[[float, float, Polygon | None], None],
        cancelled: Callable[[], None],
        ellipse: Callable[[Point, Point], Polygon],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(cancelled)
        self._done, self._propose, self._ellipse, self._say = done, propose, ellipse, say
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
        self._smaller: list[Polygon] = []
        """The proposals before the present one."""
        self._held: tuple[Polygon, int | None] | None = None
        """The proposal as it was when a drag began, and the vertex that is dragged (None: all of it)."""

    def offer(self, polygon: Polygon) -> bool:
        """A proposal has been found; False when the hand has gone on meanwhile."""
        # proposals come from a job: a second corner or Esc may have been quicker
        if len(self._clicked) != 1:
            return False
        if self._offer is not None:
            self._smaller.append(self._offer)
        self._offer = polygon
        self._say(HINT_OFFER)
        return True

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Takes hold of a proposal, or begins a line, an ellipse (Shift) or a click."""
        self._pressed, self._at, self._far = event.position(), (x, y), False
        with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._held = None if with_shift else self._grasp(x, y)
        if self._held is not None:
            self._corner = None
            self._from = (x, y)
        elif with_shift:
            self._corner = (x, y)
        else:
            self._drag = [(x, y)]
        return True

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Follows a drag, of a proposal or of a new line; always True while something is drawn."""
        self._at = (x, y)
        least = PULL_PX if self._held is not None and self._held[1] is not None else CLICK_PX
        if self._pressed is not None and apart(event.position(), self._pressed) > least:
            self._far = True  # a drag, even when it comes back to where it began
        if self._held is not None and self._far:
            self._offer = self._moved(x, y)
            return True
        if self._drag and event.buttons():
            self._drag.append((x, y))
        return bool(self._drag or self._corner or self._clicked)

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Tells a click from a drag and ends what the press began."""
        if self._pressed is None:  # the second half of a double click
            return True
        far = self._far
        held, self._held = self._held, None
        if held is not None:
            self._pressed = None
            # a click inside takes the proposal, a click on its line is the next corner
            if self._offer is not None and (far or held[1] is None):
                self._finish(self._offer)
            else:
                self._add_vertex(x, y, event.position())
            return True
        drag, corner = self._drag, self._corner
        self._drag, self._corner, self._pressed = [], None, None
        if corner is not None:
            if far:
                self._finish(self._ellipse(corner, (x, y)))
            elif self._offer is not None:
                self._propose(x, y, self._offer)
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
        # as widely as EditTool drags without keys
        return particles_shape.soft_drag(before, vertex, dx, dy, 0.06 * around)

    def _add_vertex(self, x: float, y: float, on_screen: QPointF) -> None:
        if not self._clicked:
            self._first_on_screen = on_screen
        elif (
            len(self._clicked) > 2
            and self._first_on_screen is not None
            and apart(on_screen, self._first_on_screen) < CLOSE_PX
        ):
            self._close()
            return
        self._clicked.append((x, y))
        self._ask()

    def _ask(self) -> None:
        """One click asks for a proposal; with a second one it is a polygon."""
        self._offer, self._smaller = None, []
        self._say(HINT_CORNERS if self._clicked else self.hint)
        if len(self._clicked) == 1:
            self._propose(*self._clicked[0], None)

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Takes the polygon, or the proposal as it is."""
        if len(self._clicked) >= 3 or self._offer is not None:
            self._close()
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Backspace goes back to the smaller proposal or by a corner, Enter closes, Esc begins anew."""
        if event.key() == Qt.Key.Key_Backspace and self._smaller:
            self._offer = self._smaller.pop()
            return True
        before = len(self._clicked)
        if not self._corner_key(event, self._clicked, self._close):
            return super().key(event)
        if len(self._clicked) < before and event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
            self._ask()
        return True

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
        """The line or ellipse being drawn, the proposal dashed, and the corners that were clicked."""
        self._scale = canvas.view.zoom
        shape: list[Point] | Polygon = self._drag
        if self._corner is not None:
            shape = self._ellipse(self._corner, self._at)
            shape = np.vstack([shape, shape[:1]])
        elif self._clicked and self._offer is None:
            shape = [*self._clicked, self._at]
        if len(shape) > 1:
            draw_line(painter, canvas, np.asarray(shape, np.float64))
        if self._offer is not None:
            painter.setPen(QPen(QColor(theme.active().accent), 2, Qt.PenStyle.DashLine))
            painter.setBrush(theme.colour(theme.active().accent, 0.12))
            painter.drawPolygon(to_qt(*on_screen(canvas, self._offer)))
        painter.setPen(QPen(QColor("white"), 1.2))
        painter.setBrush(QColor(theme.active().accent))
        for x, y in self._clicked:
            painter.drawEllipse(canvas.to_screen(x, y), 3.5, 3.5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
