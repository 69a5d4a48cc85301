"""Thousands of points into one QPolygonF without a Python loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QPainter, QPen, QPolygonF

FAR_PX = 30_000.0
"""Qt's painter wants coordinates that are not astronomically far away."""
LONG_WAY_PX = 15_000.0
"""A dense line that goes up and down further than this fills its columns: smooth edges would cost much and not be seen."""


def polygon(xs: NDArray[Any], ys: NDArray[Any]) -> QPolygonF:
    """Points in pixels as a polygon for Qt, held within ± FAR_PX."""
    made = QPolygonF()
    count = len(xs)
    if not count:
        return made
    # Qt's own memory, written to below without a copy
    made.fill(QPointF(), count)
    pointer: Any = made.data()
    # two doubles a point; the pointer comes without a length
    pointer.setsize(16 * count)
    points = np.frombuffer(pointer, np.float64).reshape(-1, 2)
    points[:, 0] = np.clip(xs, -FAR_PX, FAR_PX)
    points[:, 1] = np.clip(ys, -FAR_PX, FAR_PX)
    return made


def runs(good: NDArray[np.bool_]) -> list[slice]:
    """Stretches of two or more points without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2]) if b - a > 1]


def draw_pieces(painter: QPainter, xs: NDArray[Any], ys: NDArray[Any], breaks: NDArray[Any]) -> None:
    """A line through the points, interrupted before every point number in `breaks`."""
    start = 0
    for end in [*(int(b) for b in breaks), len(xs)]:
        if end - start == 1:
            # a sample between two gaps has no line, but it is there
            painter.drawPoint(
                QPointF(
                    float(np.clip(xs[start], -FAR_PX, FAR_PX)), float(np.clip(ys[start], -FAR_PX, FAR_PX))
                )
            )
        elif end > start:
            painter.drawPolyline(polygon(xs[start:end], ys[start:end]))
        start = end


def draw_thin(
    painter: QPainter, pen: QPen, xs: NDArray[Any], ys: NDArray[Any], breaks: NDArray[Any], ratio: float
) -> None:
    """A smooth thin line. Qt is quick only with cosmetic pens of one device pixel (a wider one takes a hundred times as
    long on noise), so a screen of high resolution gets the line more than once, a fraction of a pixel apart."""
    pen.setCosmetic(True)
    pen.setWidthF(1.0)
    painter.setPen(pen)
    dense = len(xs) > 1.2 * ratio * (float(xs[-1]) - float(xs[0])) if len(xs) > 1 else False
    smooth = not dense or float(np.abs(np.diff(np.clip(ys, -FAR_PX, FAR_PX))).sum()) < LONG_WAY_PX
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    passes = max(1, round(1.2 * ratio))
    for number in range(passes):
        draw_pieces(painter, xs, ys + (number - (passes - 1) / 2) / ratio, breaks)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
