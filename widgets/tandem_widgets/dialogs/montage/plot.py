"""The plot below a montage: area (or thickness) over time, with a line at each chosen frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from tandem_em.core.numeric import Floats
from tandem_em.core.texts import decimals_for, padded, tick_text, ticks
from tandem_em.desk.outlines import following
from tandem_em.desk.stacks import layers
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.plot.polyline import polygon, runs

HEIGHT_PX = 190
LEFT, RIGHT, TOP, BOTTOM = 58, 44, 12, 40


@dataclass(frozen=True)
class Line:
    """One curve of the plot: `t` in session seconds, NaN where there is no value."""

    name: str
    colour: str
    t: Floats
    y: Floats


@dataclass(frozen=True)
class MontagePlot:
    """What is plotted, on white paper as the montage itself."""

    lines: list[Line]
    y_label: str
    zero: float = 0.0
    """Session seconds that are called 0."""

    def area(self, width: float, top: float) -> QRectF:
        """Rectangle (px) inside the axes, for a picture of this width with the plot below `top`."""
        return QRectF(LEFT, top + TOP, width - LEFT - RIGHT, HEIGHT_PX - TOP - BOTTOM)

    @property
    def span(self) -> tuple[float, float]:
        """First and last moment (session seconds) that any line reaches."""
        known = [line.t[np.isfinite(line.t)] for line in self.lines]
        return min(float(t.min()) for t in known if len(t)), max(float(t.max()) for t in known if len(t))

    def time_at(self, x: float, width: float) -> float | None:
        """Session seconds of a place in the picture; None beside the plot."""
        area, (low, high) = self.area(width, 0.0), self.span
        part = (x - area.left()) / area.width()
        # a click just beside the ends still means them
        return low + part * (high - low) if -0.02 <= part <= 1.02 else None

    def paint(self, painter: QPainter, width: int, top: int, chosen: list[float]) -> None:
        """Draws the plot below `top`, with a mark at each chosen time (session seconds)."""
        area, (low, high) = self.area(width, top), self.span
        bottom, ceiling = padded(*self._y_range())
        ink, quiet = QColor("#22262b"), QColor("#d5d9de")

        def x_of(t: Floats) -> Floats:
            return np.asarray(area.left() + (t - low) / max(high - low, 1e-12) * area.width())

        def y_of(y: Floats) -> Floats:
            return np.asarray(area.bottom() - (y - bottom) / (ceiling - bottom) * area.height())

        painter.setFont(theme.numbers_font(11))
        places = ticks(bottom, ceiling, 4)
        for place in places:
            y = float(y_of(np.array(place)))
            painter.setPen(QPen(quiet, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(ink)
            box = QRectF(0, y - 8, LEFT - 6, 16)
            painter.drawText(box, _RIGHT, tick_text(place, decimals_for(places)))
        places = ticks(low - self.zero, high - self.zero, max(3, width // 110))
        for place in places:
            x = float(x_of(np.array(place + self.zero)))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            box = QRectF(x - 40, area.bottom() + 5, 80, 15)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, tick_text(place, decimals_for(places)))
        painter.drawRect(area)
        painter.drawText(
            QRectF(area.left(), area.bottom() + 20, area.width(), 16),
            Qt.AlignmentFlag.AlignCenter,
            "Time (s)",
        )
        painter.save()
        painter.translate(12, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-80, -8, 160, 16), Qt.AlignmentFlag.AlignCenter, self.y_label)
        painter.restore()
        painter.setPen(QPen(QColor("#7d8590"), 1, Qt.PenStyle.DashLine))
        for t in chosen:
            x = float(x_of(np.array(t)))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self.lines:
            painter.setPen(QPen(QColor(line.colour), 1.6))
            # lost frames leave a gap in the line
            for piece in runs(np.isfinite(line.y) & np.isfinite(line.t)):
                painter.drawPolyline(polygon(x_of(line.t[piece]), y_of(line.y[piece])))
            self._paint_points(painter, line, chosen, x_of(line.t), y_of(line.y), area)

    def _paint_points(
        self, painter: QPainter, line: Line, chosen: list[float], x: Floats, y: Floats, area: QRectF
    ) -> None:
        """A dot at each chosen moment, the name at the end."""
        painter.setBrush(QColor(line.colour))
        for t in chosen:
            at = int(np.argmin(np.where(np.isfinite(line.t), np.abs(line.t - t), np.inf)))
            if np.isfinite(y[at]) and line.t[at] == t:
                painter.drawEllipse(QPointF(x[at], y[at]), 3.2, 3.2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        seen = np.flatnonzero(np.isfinite(y))
        if len(seen):
            painter.drawText(QPointF(area.right() + 5, float(y[seen[-1]]) + 4), line.name)

    def _y_range(self) -> tuple[float, float]:
        values = np.concatenate([line.y[np.isfinite(line.y)] for line in self.lines])
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)


_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def plot_of(session: Session, stack: FrameStack, zero: float = 0.0) -> MontagePlot | None:
    """Areas of the stack's particles relative to their start, else the thickness of its layers; None without any."""
    t = np.asarray(stack.t, np.float64)
    order = np.argsort(t, kind="stable")
    # frames without a time have no place in the plot
    order = order[np.isfinite(t[order])]
    lines = []
    for particle in session.particles:
        if particle.stack_id == stack.id and particle.visible and len(particle.outlines) > 1:
            area = np.full(len(t), np.nan)
            for frame, outline in particle.outlines.items():
                # outlines may be newer than the times of a recording
                if frame < len(area):
                    known = np.isfinite(outline.area_px)
                    area[frame] = outline.area_px if known else following.polygon_area(outline.polygon)
            first = area[order][np.isfinite(area[order])][:1]
            if len(first) and first[0] > 0:
                lines.append(Line(particle.name, particle.colour, t[order], area[order] / first[0]))
    if lines:
        return MontagePlot(lines, "Area (× start)", zero)
    for line in session.profiles:
        kept = layers.of_line(session, line) if line.owner_id == stack.id else None
        for values, _, _ in layers.thicknesses(kept) if kept is not None else ():
            whole = np.full(len(t), np.nan)
            whole[: len(values)] = values[: len(t)]
            lines.append(Line(line.name, line.colour, t[order], whole[order]))
    unit = "nm" if stack.pixel_nm else "px"
    return MontagePlot(lines, f"Thickness ({unit})", zero) if lines else None
