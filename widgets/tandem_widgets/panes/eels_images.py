"""The row of pictures in the EELS pane: ADF, RGB composite, the map of the chosen edge; one view, one hover point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QHBoxLayout, QWidget

from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_widgets.parts import theme
from tandem_widgets.parts.composite import composite, lithium_colours
from tandem_widgets.parts.image_canvas import ImageCanvas
from tandem_widgets.parts.image_render import View, auto_levels, colour_table


class EelsImages(QWidget):
    """Shows pictures of one map. Places are map pixels, whatever the size of the ADF."""

    hovered = pyqtSignal(float, float)
    left = pyqtSignal()
    clicked = pyqtSignal(float, float)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._image: SpectrumImage | None = None
        self._adf_scale = 1.0
        self._linking = False
        self.adf, self.rgb, self.single = ImageCanvas(), ImageCanvas(), ImageCanvas()
        self.single.table = colour_table(lithium_colours())
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 4)
        row.setSpacing(6)
        for canvas in self.canvases:
            canvas.fill = True
            row.addWidget(canvas)
            canvas.view_changed.connect(lambda view, canvas=canvas: self._link(canvas, view))
            canvas.hovered.connect(lambda x, y, canvas=canvas: self.hovered.emit(*self._to_map(canvas, x, y)))
            canvas.left.connect(self.left)
            canvas.clicked.connect(lambda x, y, canvas=canvas: self.clicked.emit(*self._to_map(canvas, x, y)))
            canvas.overlays = [self._paint_line, self._paint_sites]

    @property
    def canvases(self) -> tuple[ImageCanvas, ImageCanvas, ImageCanvas]:
        return self.adf, self.rgb, self.single

    def show_map(self, image: SpectrumImage) -> None:
        """Another spectrum image: its survey at once, its maps when they are made."""
        self._image = image
        height, width, _ = image.shape
        blank = np.full((height, width), np.nan, np.float32)
        adf = image.adf if image.adf is not None and image.adf.ndim == 2 else None
        shown = blank if adf is None else np.asarray(adf)
        self._adf_scale = shown.shape[1] / max(1, width)
        self.adf.levels = auto_levels(shown, 0.5)
        self.adf.caption = "ADF" if adf is not None else "no ADF in this file"
        pixel = image.pixel_nm[0] if image.pixel_nm else None
        self.adf.pixel_nm = pixel / self._adf_scale if pixel else None
        self.adf.show_frame(shown)
        for canvas in (self.rgb, self.single):
            canvas.show_rgb(None)
            canvas.show_frame(blank)

    def show_composite(
        self, maps: dict[str, NDArray[Any]], levels: dict[str, tuple[float, float]], caption: str
    ) -> None:
        self.rgb.caption = caption
        if maps:
            self.rgb.show_rgb(composite(maps, levels))

    def show_single(self, counts: NDArray[Any], levels: tuple[float, float], caption: str) -> None:
        self.single.levels = levels
        self.single.caption = caption
        self.single.show_frame(np.asarray(counts, np.float32))

    def refresh(self) -> None:
        for canvas in self.canvases:
            canvas.update()

    # --- one view ------------------------------------------------------------------------------------------------

    def _scale(self, canvas: ImageCanvas) -> float:
        return self._adf_scale if canvas is self.adf else 1.0

    def _to_map(self, canvas: ImageCanvas, x: float, y: float) -> tuple[float, float]:
        scale = self._scale(canvas)
        return (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5

    def _from_map(self, canvas: ImageCanvas, x: float, y: float) -> QPointF:
        scale = self._scale(canvas)
        return canvas.to_screen((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5)

    def _link(self, moved: ImageCanvas, view: View) -> None:
        """One picture was zoomed or moved: the others look at the same place."""
        x, y = self._to_map(moved, view.x, view.y)
        zoom = view.zoom * self._scale(moved)
        for canvas in self.canvases:
            if canvas is not moved:
                scale = self._scale(canvas)
                canvas.set_view(View((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5, zoom / scale))

    # --- overlays ------------------------------------------------------------------------------------------------

    def _paint_line(self, painter: QPainter, canvas: ImageCanvas) -> None:
        for line in self._session.profiles:
            if self._image is None or not line.visible or self._session.stacks.get(line.owner_id) is not None:
                continue
            painter.setPen(QPen(QColor(255, 255, 255, 200), 1, Qt.PenStyle.DashLine))
            painter.drawLine(self._from_map(canvas, *line.start), self._from_map(canvas, *line.end))

    def _paint_sites(self, painter: QPainter, canvas: ImageCanvas) -> None:
        if canvas is not self.adf:
            return
        painter.setFont(theme.numbers_font(10, bold=True))
        for site in self._session.sites:
            if not site.points or not site.visible:
                continue
            place = self._from_map(canvas, *site.points[0])
            box = QRectF(place.x() - 8, place.y() - 8, 16, 16)
            painter.setBrush(QColor(0, 0, 0, 150))
            painter.setPen(QPen(QColor(site.colour), 1.6))
            painter.drawEllipse(box)
            painter.setPen(QColor("white"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(site.number))
        painter.setBrush(Qt.BrushStyle.NoBrush)
