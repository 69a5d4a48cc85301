"""Marks on an image: lines, rectangles, rulers and tags that tools and overlays share. Points are pixels of the frame."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image.render import View
from tandem_widgets.parts.plot.polyline import polygon as to_qt

Point = tuple[float, float]
Polygon = NDArray[np.float64]


class Surface(Protocol):
    """What is drawn on: it knows where a pixel of the image lies on screen."""

    @property
    def view(self) -> View:
        """The part of the image that is seen, and its zoom (screen pixels per image pixel)."""

    def to_screen(self, x: float, y: float) -> QPointF:
        """A pixel of the frame in widget pixels."""


def on_screen(surface: Surface, points: Polygon) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Many image points in widget pixels at once."""
    # the map is a scale and a shift: one call for any number of points
    origin, unit = surface.to_screen(0.0, 0.0), surface.view.zoom
    return points[:, 0] * unit + origin.x(), points[:, 1] * unit + origin.y()


def draw_line(painter: QPainter, surface: Surface, points: Polygon) -> None:
    """An open line in the accent colour with a dark rim, readable on any image."""
    line = to_qt(*on_screen(surface, points))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 3.4))
    painter.drawPolyline(line)
    painter.setPen(QPen(QColor(theme.active().accent), 1.8))
    painter.drawPolyline(line)


def draw_rectangle(
    painter: QPainter, surface: Surface, start: Point, end: Point, colour: str, text: str = ""
) -> None:
    """A rectangle between two corners in any order; the text stands above it, where it is in view."""
    box = QRectF(surface.to_screen(*start), surface.to_screen(*end)).normalized()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 110), 3.2))
    painter.drawRect(box)
    painter.setPen(QPen(QColor(colour), 1.6))
    painter.drawRect(box)
    # tags are held inside the view: one of a far rectangle would stand at the edge
    if text and box.intersects(QRectF(painter.viewport())):
        draw_tag(painter, QPointF(box.left() + 2, box.top() - 18), text, colour)


def draw_ruler(
    painter: QPainter,
    surface: Surface,
    start: Point,
    end: Point,
    text: str,
    width_px: float = 1.0,
    colour: str = "",
) -> None:
    """A line with end marks, its width as a faint band, and a text beside its end."""
    a, b = surface.to_screen(*start), surface.to_screen(*end)
    colour = colour or theme.active().accent
    # start and end may coincide while a drag begins
    length = max(apart(a, b), 1e-6)
    nx, ny = -(b.y() - a.y()) / length, (b.x() - a.x()) / length
    half = width_px * surface.view.zoom / 2
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
    painter: QPainter, surface: Surface, points: list[Point], text: str, width_px: float, colour: str
) -> None:
    """A polyline as rulers one after the other; the text stands at its end."""
    for start, end in pairwise(points):
        draw_ruler(painter, surface, start, end, text if end is points[-1] else "", width_px, colour)


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


def apart(one: QPointF, other: QPointF) -> float:
    """Distance of two places on screen (px)."""
    return math.hypot(one.x() - other.x(), one.y() - other.y())
