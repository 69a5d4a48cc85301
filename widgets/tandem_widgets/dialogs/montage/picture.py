"""Paints a montage into one picture: what the stack pane shows, frame beside frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor, QImage, QPainter

from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_widgets.dialogs.montage.plot import HEIGHT_PX, plot_of
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.outline_overlay import OutlineOverlay
from tandem_widgets.parts.image.shown_outlines import ShownOutlines

GAP_PX = 6


@dataclass(frozen=True)
class MontageLook:
    """How the montage looks; `panel_px` is the width of each frame in it."""

    panel_px: int
    levels: tuple[float, float]
    table: NDArray[np.uint32]
    outlines: bool = True
    ghosts: bool = False
    from_first: bool = False
    plot: bool = False
    """The areas over time below the frames."""


def paint_montage(
    session: Session, stack: FrameStack, frames: list[tuple[int, NDArray[Any]]], look: MontageLook
) -> QImage:
    """One row; the scale bar stands in the first frame; the plot, where it is wanted and there is one, below."""
    _, height, width = stack.shape
    across = look.panel_px
    down = max(1, round(across * height / max(width, 1)))
    zero = _time(stack, frames[0][0]) if look.from_first else 0.0
    plot = plot_of(session, stack, zero) if look.plot else None
    width = picture_width(len(frames), across)
    picture = QImage(width, down + (HEIGHT_PX if plot else 0), QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    if plot is not None:
        painter.save()
        plot.paint(painter, width, down, [_time(stack, index) for index, _ in frames])
        painter.restore()
    for number, (index, frame) in enumerate(frames):
        canvas = ImageCanvas()
        canvas.resize(across, down)
        canvas.levels, canvas.table = look.levels, look.table
        # one scale bar for all: they have the same scale
        canvas.pixel_nm = stack.pixel_nm if number == 0 else None
        when = _time(stack, index)
        canvas.stamp = (
            f"{round(when - zero, 2) + 0.0:g} s".replace("-", "−") if np.isfinite(when) else f"{index + 1}"
        )
        if look.outlines:
            shown = ShownOutlines(session, stack, index, with_ghosts=look.ghosts)
            canvas.overlays = [OutlineOverlay(shown)]
        canvas.show_frame(frame, stack.drift_at(index))
        canvas.render(painter, QPoint(number * (across + GAP_PX), 0))
        # never shown, so nothing else deletes it
        canvas.deleteLater()
    painter.end()
    return picture


def picture_width(count: int, panel_px: int) -> int:
    """Width in px of a row of so many panels, gaps included."""
    return count * panel_px + (count - 1) * GAP_PX


def _time(stack: FrameStack, index: int) -> float:
    return stack.time_of(index) if index < len(stack.times) else float("nan")
