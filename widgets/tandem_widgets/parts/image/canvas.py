"""The image on screen: one frame, one view, overlays above it, gestures handed to the tool in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QWidget

from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.marks import draw_tag
from tandem_widgets.parts.image.render import View, fitting


class Tool(Protocol):
    """What the mouse does. Points are image pixels (x, y); return True to swallow the event."""

    def press(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Left button down; what is not swallowed moves the view."""

    def move(self, x: float, y: float, event: QMouseEvent) -> bool:
        """The pointer moved, with or without a button; True repaints the canvas."""

    def release(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Button up after a press that the tool swallowed."""

    def double_click(self, x: float, y: float, event: QMouseEvent) -> bool:
        """Not swallowed, it fits the image into the pane."""

    def key(self, event: QKeyEvent) -> bool:
        """A key while the canvas has the focus."""

    def paint(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """Draw the unfinished shape above frame and overlays, in widget pixels."""


Overlay = Callable[[QPainter, "ImageCanvas"], None]


class ImageCanvas(QWidget):
    """Shows a frame by area mean. `view_changed` tells others (linked maps) where we look."""

    view_changed = pyqtSignal(object)
    hovered = pyqtSignal(float, float)
    left = pyqtSignal()
    clicked = pyqtSignal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(80, 60)
        self.view = View()
        self.levels = (0.0, 1.0)
        self.table = render.colour_table()
        self.pixel_nm: float | None = None
        self.pixel_unit = "nm"
        self.caption = ""
        self.stamp = ""
        self.shift = (0.0, 0.0)
        """Drift of this frame (image pixels): taken off on view."""
        self.fill = False
        self.may_fill = False
        """Whether a double click goes to and fro between the whole image and one that fills the pane."""
        self.overlays: list[Overlay] = []
        self.tool: Tool | None = None
        self.painted = 0
        self._frame: NDArray[Any] | None = None
        self._coarse: NDArray[Any] | None = None
        """Shown in place of the frame until that has been read."""
        self._pixels: NDArray[np.uint32] | None = None
        self._pixels_of: tuple[Any, ...] = ()
        """What the pixels were made of: an outline that grows over the frame does not ask for them again."""
        self._pixels_table = self.table
        self._rgb: QImage | None = None
        self._fitted = True
        self._grabbed: QPoint | None = None
        self._moved = False

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def frame(self) -> NDArray[Any] | None:
        """The frame on screen; None also while only a coarse one is shown."""
        return self._frame if self._coarse is None else None

    @property
    def is_fitted(self) -> bool:
        """Whether the whole picture is seen: there is nothing to move about then."""
        return self._fitted

    def show_frame(self, frame: NDArray[Any] | None, shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Show a frame (Y, X), or nothing. The view stays unless the size of the image changed."""
        resized = frame is not None and (self._frame is None or self._frame.shape != frame.shape)
        self._frame, self._coarse, self.shift, self._pixels_of = frame, None, shift, ()
        if resized or self._fitted:
            self.fit(tell=False)
        self.update()

    def show_coarse(self, frame: NDArray[Any], shift: tuple[float, float] = (0.0, 0.0)) -> None:
        """Show a small version of a frame of the same size as the one before, until the frame itself comes."""
        self._coarse, self.shift, self._pixels_of = frame, shift, ()
        self.update()

    def show_rgb(self, rgb: NDArray[np.uint8] | None) -> None:
        """Show a colour picture (Y, X, 3) instead of a frame (composites)."""
        self._rgb = None
        if rgb is not None:
            height, width, _ = rgb.shape
            # the QImage is told 3 × width bytes a row
            data = np.ascontiguousarray(rgb)
            # a QImage only borrows the bytes: the copy owns them
            self._rgb = QImage(data.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            # stands in for a frame: only its size is asked for, and it takes no memory
            self._frame = np.broadcast_to(np.uint8(0), (height, width))
            if self._fitted:
                self.fit(tell=False)
        self.update()

    def fit(self, *, tell: bool = True) -> None:
        """Show the whole image (or fill the pane); `tell`: linked canvases are to follow."""
        self._fitted = True
        if self._frame is not None:
            # of the frame itself, also while a coarse one is shown: the view must not jump when it comes
            height, width = self._frame.shape
            self.view = fitting(width, height, max(1, self.width()), max(1, self.height()), fill=self.fill)
        if tell:
            self.view_changed.emit(self.view)
        self.update()

    def fit_or_fill(self) -> None:
        """All of the image; once that is seen, the pane is filled (and back)."""
        if self._fitted and self.may_fill:
            self.fill = not self.fill
        self.fit()

    def set_view(self, view: View) -> None:
        """Look there (another canvas was moved)."""
        if view != self.view:
            self._fitted = False
            # not told on: the canvas that was moved has told all others
            self.view = view
            self.update()

    # --- places --------------------------------------------------------------------------------------------------

    def to_screen(self, x: float, y: float) -> QPointF:
        """Sample coordinates (drift taken off) to widget pixels."""
        sx, sy = self.view.to_screen(x - self.shift[0], y - self.shift[1], self.width(), self.height())
        return QPointF(sx, sy)

    def to_image(self, point: QPointF) -> tuple[float, float]:
        """Widget pixels to pixels of the shown frame."""
        x, y = self.view.to_image(point.x(), point.y(), self.width(), self.height())
        return x + self.shift[0], y + self.shift[1]

    # --- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Frame, overlays, the tool's shape, then scale bar and texts above all of it."""
        self.painted += 1
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.active().image))
        if self._frame is None:
            return
        if self._rgb is not None:
            self._paint_rgb(painter)
        else:
            self._paint_frame(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for overlay in self.overlays:
            overlay(painter, self)
        if self.tool is not None:
            self.tool.paint(painter, self)
        self._paint_scale_bar(painter)
        self._paint_texts(painter)

    def _paint_frame(self, painter: QPainter) -> None:
        assert self._frame is not None
        ratio = self.devicePixelRatioF()
        # device pixels: on a dense screen the frame is as sharp as the screen
        width, height = max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        view = View(self.view.x + self.shift[0], self.view.y + self.shift[1], self.view.zoom * ratio)
        frame = self._frame
        if self._coarse is not None:
            frame, block = self._coarse, self._frame.shape[1] // self._coarse.shape[1]
            # whole numbers are pixel centres: the outer edges of both frames must coincide
            view = View((view.x + 0.5) / block - 0.5, (view.y + 0.5) / block - 0.5, view.zoom * block)
        made_of = view, width, height, self.levels, render.types_ready()
        pixels, table = self._pixels, self.table
        # an array cannot be compared inside a tuple: the table is told by identity
        if pixels is None or made_of != self._pixels_of or table is not self._pixels_table:
            pixels = render.render(frame, view, width, height, self.levels, table, pixels)
            self._pixels, self._pixels_of, self._pixels_table = pixels, made_of, table
        # the format Qt paints without converting; our pixels are opaque or nothing, so it is the same
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)  # type: ignore[call-overload]
        image.setDevicePixelRatio(ratio)
        painter.drawImage(0, 0, image)

    def _paint_rgb(self, painter: QPainter) -> None:
        assert self._rgb is not None
        corner = self.to_screen(-0.5, -0.5)
        size = self._rgb.width() * self.view.zoom, self._rgb.height() * self.view.zoom
        # magnified pixels stay squares: smoothing would show detail that was not measured
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.view.zoom < 1)
        painter.drawImage(QRectF(corner.x(), corner.y(), *size), self._rgb)

    def _paint_scale_bar(self, painter: QPainter) -> None:
        if not self.pixel_nm or self.width() < 150:
            return
        screen_per_nm = self.view.zoom / self.pixel_nm
        length = bar_length_nm(min(160.0, self.width() * 0.16) / screen_per_nm, share=1.0)
        text = length_text(length)
        bar = length * screen_per_nm
        left, bottom = self._bar_corner(bar)
        painter.setFont(_bold(14))
        _outlined_text(painter, QRectF(left, bottom - 26, max(bar, 80), 20), text, centre=bar > 80)
        painter.fillRect(QRectF(left - 1, bottom - 5, bar + 2, 6), QColor(0, 0, 0, 120))
        painter.fillRect(QRectF(left, bottom - 4, bar, 4), QColor("white"))

    def _bar_corner(self, bar: float) -> tuple[float, float]:
        """Lower left end of the scale bar: on the image where that is smaller than the pane. Drift does not move it."""
        assert self._frame is not None
        rows = self._frame.shape[0]
        left, bottom = self.view.to_screen(-0.5, rows - 0.5, self.width(), self.height())
        return min(max(30.0, left + 14), self.width() - bar - 30), min(
            self.height() - 14.0, max(bottom - 10, 60.0)
        )

    def _paint_texts(self, painter: QPainter) -> None:
        painter.setFont(_bold(11))
        if self.caption:
            _outlined_text(painter, QRectF(7, 4, self.width() - 14, 18), self.caption)
        if self.stamp:
            draw_tag(painter, QPointF(self.width(), 4), self.stamp, "white", 11)

    # --- gestures ------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """An image that was fitted stays fitted; a chosen view stays where it is."""
        if self._fitted:
            self.fit(tell=False)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom about the pointer."""
        if event is None or self._frame is None:
            return
        # a notch of the wheel is 120: a fifth larger
        factor = 1.0015 ** event.angleDelta().y()
        place = event.position()
        self._fitted = False
        self.view = self.view.zoomed(factor, place.x(), place.y(), self.width(), self.height())
        self.view_changed.emit(self.view)
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """The tool first; what it does not want takes hold of the image."""
        if event is None:
            return
        x, y = self.to_image(event.position())
        if (
            event.button() == Qt.MouseButton.LeftButton
            and self.tool is not None
            and self.tool.press(x, y, event)
        ):
            self.update()
            return
        self._grabbed, self._moved = event.pos(), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Tell the pixel under the pointer; drag the image, or let the tool follow."""
        if event is None:
            return
        x, y = self.to_image(event.position())
        self.hovered.emit(x, y)
        if self._grabbed is not None and event.buttons():
            step = event.pos() - self._grabbed
            # less is a click of an unsteady hand
            if self._moved or step.manhattanLength() > 3:
                self._moved, self._fitted = True, False
                self.view = self.view.moved(step.x(), step.y())
                self._grabbed = event.pos()
                self.view_changed.emit(self.view)
                self.update()
        elif self.tool is not None and self.tool.move(x, y, event):
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """The end of a drag; a press that did not move is a click."""
        if event is None:
            return
        x, y = self.to_image(event.position())
        if self._grabbed is not None:
            if not self._moved:
                self.clicked.emit(x, y)
            self._grabbed = None
        elif self.tool is not None and self.tool.release(x, y, event):
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """For the tool, else the whole image."""
        if event is None:
            return
        x, y = self.to_image(event.position())
        if self.tool is None or not self.tool.double_click(x, y, event):
            self.fit_or_fill()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """For the tool, else passed on to the widgets around."""
        if event is None:
            return
        if self.tool is not None and self.tool.key(event):
            self.update()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: object) -> None:
        """The readout of the pixel under the pointer ends."""
        self.left.emit()


def _bold(pixels: int) -> QFont:
    return theme.numbers_font(pixels, bold=True)


def _outlined_text(painter: QPainter, place: QRectF, text: str, *, centre: bool = False) -> None:
    """White text with a dark rim: readable on any image."""
    side = Qt.AlignmentFlag.AlignHCenter if centre else Qt.AlignmentFlag.AlignLeft
    flags = int(side | Qt.AlignmentFlag.AlignVCenter)
    painter.setPen(QPen(QColor(0, 0, 0, 160)))
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        painter.drawText(place.translated(dx, dy), flags, text)
    painter.setPen(QPen(QColor("white")))
    painter.drawText(place, flags, text)
