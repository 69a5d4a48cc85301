"""Signs on buttons, drawn: a lab PC may have no font with them. Their colour is that of the theme when they are painted."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPen, QPixmap, QPolygonF

from tandem_widgets.parts.basic import theme

Corners = tuple[tuple[float, float], ...]


def _bar(x: float) -> Corners:
    return (x, 0.24), (x + 0.1, 0.24), (x + 0.1, 0.76), (x, 0.76)


def _right(x: float, tall: float = 0.28, wide: float = 0.42) -> Corners:
    return (x, 0.5 - tall), (x + wide, 0.5), (x, 0.5 + tall)


def _left(x: float, tall: float = 0.28, wide: float = 0.42) -> Corners:
    return (x + wide, 0.5 - tall), (x, 0.5), (x + wide, 0.5 + tall)


FILLED: dict[str, tuple[Corners, ...]] = {
    "to_start": (_bar(0.2), _left(0.34)),
    "previous": (_left(0.34, 0.2, 0.3),),
    "play": (_right(0.3, 0.32, 0.5),),
    "pause": (_bar(0.3), _bar(0.6)),
    "next": (_right(0.36, 0.2, 0.3),),
    "to_end": (_right(0.24), _bar(0.7)),
}
"""Polygons in a square of side 1."""
DRAWN: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "float": ((0.2, 0.2, 0.44, 0.44), (0.36, 0.36, 0.44, 0.44)),
}
"""Rectangles (x, y, width, height), the later ones in front."""


def icon(name: str) -> QIcon:
    """The sign of that name."""
    return QIcon(_Sign(name))


class _Sign(QIconEngine):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def clone(self) -> QIconEngine:
        return _Sign(self._name)

    def paint(self, painter: QPainter | None, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        # PyQt's types allow None, here as in all events; Qt itself never hands one over
        if painter is None:
            return
        active = theme.active()
        colour = QColor(active.faint if mode == QIcon.Mode.Disabled else active.text)
        side = min(rect.width(), rect.height())
        left = rect.x() + (rect.width() - side) / 2
        top = rect.y() + (rect.height() - side) / 2
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for corners in FILLED.get(self._name, ()):
            painter.drawPolygon(QPolygonF([QPointF(left + side * x, top + side * y) for x, y in corners]))
        painter.setPen(QPen(colour, max(1.0, side / 14)))
        painter.setBrush(QColor(active.pane))
        for x, y, wide, tall in DRAWN.get(self._name, ()):
            painter.drawRect(QRectF(left + side * x, top + side * y, side * wide, side * tall))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        # a new pixmap holds whatever was in memory
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return picture
