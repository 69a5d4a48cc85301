"""The row of pictures in the EELS pane: ADF, RGB composite, the map of the chosen edge; one view, one hover point."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QHBoxLayout, QWidget

from tandem_em.model.spectra import Site, SpectrumImage
from tandem_widgets.panes.eels.region import RegionTool, paint_region
from tandem_widgets.panes.eels.scene import EelsScene
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.basic.bind import Bindings
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.parts.image.composite import Mixer
from tandem_widgets.parts.image.marks import draw_tag
from tandem_widgets.parts.image.render import View, auto_levels, colour_table
from tandem_widgets.parts.image.tools import BaseTool

THIN_ASPECT = 2.2
"""Width over height of the pictures of line scans and time series."""


class EelsImages(QWidget):
    """Shows pictures of one map. Places are map pixels, whatever the size of the ADF."""

    menu_asked = pyqtSignal(float, float, object)
    """At a pixel of the map, and where that is on the screen."""

    def __init__(self, scene: EelsScene) -> None:
        super().__init__()
        self._scene, self._session = scene, scene.session
        self._image: SpectrumImage | None = None
        self._survey: NDArray[Any] | None = None
        self._adf_scale = 1.0
        self._stretch = (1, 1)
        """How often each column and each row is shown: a line scan would be a hair's breadth otherwise."""
        self._mixer = Mixer()
        self._states: list[ImageCanvas] = []
        self.adf, self.rgb, self.single = ImageCanvas(), ImageCanvas(), ImageCanvas()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 2, 8, 4)
        self._row.setSpacing(6)
        for canvas in self.canvases:
            self._prepare(canvas)
        self.single.overlays.append(self._paint_scale)
        Bindings(self).on(scene.region_changed, self.refresh)

    def _prepare(self, canvas: ImageCanvas) -> None:
        canvas.fill = True
        self._row.addWidget(canvas)
        canvas.view_changed.connect(lambda view: self._link(canvas, view))
        canvas.hovered.connect(lambda x, y: self._scene.point(self.to_map(canvas, x, y)))
        canvas.left.connect(lambda: self._scene.point(None))
        canvas.overlays = [self._paint_line, self._paint_region, self._paint_sites]
        canvas.tool = self._region_tool(canvas)
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(
            lambda place: self.menu_asked.emit(
                *self.to_map(canvas, *canvas.to_image(QPointF(place))), canvas.mapToGlobal(place)
            )
        )

    @property
    def canvases(self) -> tuple[ImageCanvas, ...]:
        """All canvases, shown or not: ADF, composite, single map and those of the compared states."""
        return self.adf, self.rgb, self.single, *self._states

    def show_states(
        self, maps: list[tuple[str, NDArray[Any]]], levels: tuple[float, float], colours: Any
    ) -> None:
        """The chosen edge of every state side by side on common limits; an empty list brings the pictures back."""
        while len(self._states) < len(maps):
            canvas = ImageCanvas()
            self._prepare(canvas)
            canvas.view = self.single.view
            self._states.append(canvas)
        for canvas in (self.adf, self.rgb, self.single):
            canvas.setVisible(not maps)
        for number, canvas in enumerate(self._states):
            canvas.setVisible(number < len(maps))
            if number < len(maps):
                canvas.caption, counts = maps[number]
                canvas.levels, canvas.table = levels, colour_table(colours)
                # one scale for all: they share their limits
                canvas.overlays[3:] = [self._paint_scale] if number == len(maps) - 1 else []
                canvas.show_frame(self._stretched(np.asarray(counts, np.float32)))

    @property
    def is_comparing(self) -> bool:
        """Whether the states are shown side by side in place of the single map."""
        return not self.single.isVisibleTo(self)

    def set_tools(self, make: Callable[[ImageCanvas], Any] | None) -> None:
        """A tool for every picture; without one a drag draws a region."""
        for canvas in self.canvases:
            canvas.tool = (make or self._region_tool)(canvas)
            canvas.setCursor(
                canvas.tool.cursor if isinstance(canvas.tool, BaseTool) else Qt.CursorShape.ArrowCursor
            )
            canvas.update()

    def _region_tool(self, canvas: ImageCanvas) -> RegionTool:
        return RegionTool(self._scene, canvas, self.to_map)

    def show_map(self, image: SpectrumImage) -> None:
        """Another spectrum image: its survey at once, its maps when they are made."""
        self._image = image
        height, width, _ = image.shape
        longest = max(height, width)
        # a line scan is one pixel wide: repeated, or nobody would see it
        across = round(THIN_ASPECT * longest) if width == 1 else 1
        self._stretch = (across, max(1, round(longest / THIN_ASPECT)) if height == 1 else 1)
        for canvas in self.canvases:
            canvas.fill = self._stretch == (1, 1)
        blank = self._stretched(np.full((height, width), np.nan, np.float32))
        two = image.adf is not None and image.adf.ndim == 2 and min(height, width) > 1
        adf = image.adf if two else None
        shown = blank if adf is None else np.asarray(adf)
        self._adf_scale = 1.0 if adf is None else shown.shape[1] / max(1, width)
        self.adf.levels = auto_levels(shown, 0.5)
        self.adf.caption = "ADF" if adf is not None else "No ADF in this file"
        pixel = image.pixel_nm[0] if image.pixel_nm else None
        self.adf.pixel_nm = pixel / self._adf_scale if pixel else None
        self.adf.show_frame(shown)
        for canvas in (self.rgb, self.single):
            canvas.caption = "Reading…"
            canvas.show_rgb(None)
            canvas.show_frame(blank)

    def show_survey(self, image: NDArray[Any], caption: str) -> None:
        """A picture of the whole field with the pixels of the map, where there is no ADF."""
        if self._survey is not image:
            self._survey = image
            self.adf.levels, self.adf.caption = auto_levels(image, 0.5), caption
            self.adf.show_frame(self._stretched(image))

    def show_composite(
        self, maps: dict[str, NDArray[Any]], levels: dict[str, tuple[float, float]], caption: str,
        *, safe: bool = False,
    ) -> None:  # fmt: skip
        """Shows maps by colour, each between its levels; the last picture stays where there are no maps."""
        self.rgb.caption = caption
        if maps:
            self.rgb.show_rgb(self._stretched(self._mixer.mix(maps, levels, safe=safe)))

    def show_single(
        self, counts: NDArray[Any], levels: tuple[float, float], caption: str, colours: NDArray[np.uint8] | None
    ) -> None:  # fmt: skip
        """Shows one map between its levels; `colours` is the colour table, None for grey."""
        self.single.levels = levels
        self.single.table = colour_table(colours)
        self.single.caption = caption
        self.single.show_frame(self._stretched(np.asarray(counts, np.float32)))

    def refresh(self) -> None:
        """Paint what lies over the pictures anew."""
        for canvas in self.canvases:
            canvas.update()

    # --- one view ------------------------------------------------------------------------------------------------

    def _scale(self, canvas: ImageCanvas) -> float:
        return self._adf_scale if canvas is self.adf else 1.0

    def _stretched(self, image: NDArray[Any]) -> NDArray[Any]:
        across, down = self._stretch
        if across > 1:
            image = np.repeat(image, across, axis=1)
        return np.repeat(image, down, axis=0) if down > 1 else image

    def to_map(self, canvas: ImageCanvas, x: float, y: float) -> tuple[float, float]:
        """Pixels of a picture to pixels of the map."""
        scale, (across, down) = self._scale(canvas), self._stretch
        # pixel centres lie at whole numbers in both pictures
        return (x + 0.5) / scale / across - 0.5, (y + 0.5) / scale / down - 0.5

    def _from_map(self, canvas: ImageCanvas, x: float, y: float) -> QPointF:
        scale, (across, down) = self._scale(canvas), self._stretch
        return canvas.to_screen((x + 0.5) * scale * across - 0.5, (y + 0.5) * scale * down - 0.5)

    def _link(self, moved: ImageCanvas, view: View) -> None:
        """One picture was zoomed or moved: the others look at the same place."""
        scale = self._scale(moved)
        for canvas in self.canvases:
            # states of another size show another field: their view is their own
            if canvas is not moved and canvas.frame is not None and self._same_field(canvas):
                ratio = self._scale(canvas) / scale
                canvas.set_view(
                    View((view.x + 0.5) * ratio - 0.5, (view.y + 0.5) * ratio - 0.5, view.zoom / ratio)
                )

    def _same_field(self, canvas: ImageCanvas) -> bool:
        """Maps of another size (another state) keep their own view."""
        if canvas not in self._states or self._image is None or canvas.frame is None:
            return True
        height, width, _ = self._image.shape
        return canvas.frame.shape == (height * self._stretch[1], width * self._stretch[0])

    # --- overlays ------------------------------------------------------------------------------------------------

    def _paint_line(self, painter: QPainter, canvas: ImageCanvas) -> None:
        for line in self._session.profiles:
            if self._image is None or not line.visible or self._session.stacks.get(line.owner_id) is not None:
                continue
            painter.setPen(QPen(QColor(255, 255, 255, 200), 1, Qt.PenStyle.DashLine))
            start, end = self._from_map(canvas, *line.start), self._from_map(canvas, *line.end)
            painter.drawLine(start, end)
            length = math.hypot(end.x() - start.x(), end.y() - start.y())
            half = 0.5 * line.width_px * canvas.view.zoom * self._scale(canvas)
            if length > 0 and half > 2:
                across = QPointF(
                    -(end.y() - start.y()) / length * half, (end.x() - start.x()) / length * half
                )
                painter.setPen(QPen(QColor(255, 255, 255, 70), 1))
                painter.drawPolygon(QPolygonF([start + across, end + across, end - across, start - across]))

    def _paint_region(self, painter: QPainter, canvas: ImageCanvas) -> None:
        region = self._scene.region
        if region is not None:
            corner = self._from_map(canvas, region.x0 - 0.5, region.y0 - 0.5)
            opposite = self._from_map(canvas, region.x1 + 0.5, region.y1 + 0.5)
            paint_region(painter, QRectF(corner, opposite))

    def _paint_scale(self, painter: QPainter, canvas: ImageCanvas) -> None:
        """A strip of the colours with the limits at its ends."""
        # in a small picture the scale would cover the map
        if canvas.width() < 130 or canvas.height() < 80:
            return
        bar = QRectF(canvas.width() - 15, 26, 7, canvas.height() - 52)
        strip = QLinearGradient(bar.bottomLeft(), bar.topLeft())
        for step in range(9):
            argb = int(canvas.table[round((len(canvas.table) - 1) * step / 8)])
            strip.setColorAt(step / 8, QColor.fromRgb(argb))
        painter.fillRect(bar.adjusted(-1, -1, 1, 1), QColor(0, 0, 0, 150))
        painter.fillRect(bar, strip)
        painter.setFont(theme.numbers_font(10, bold=True))
        for value, y in ((canvas.levels[1], 8.0), (canvas.levels[0], canvas.height() - 24.0)):
            place = QRectF(canvas.width() - 86, y, 80, 16)
            _plain_text(
                painter,
                place,
                (f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.3g}").replace("-", "−"),
            )

    def _paint_sites(self, painter: QPainter, canvas: ImageCanvas) -> None:
        # numbers would hide small maps
        if canvas is not self.adf and self._scene.tool != "sites":
            return
        painter.setFont(theme.numbers_font(10, bold=True))
        for site in self._session.sites:
            if not site.points or not site.visible:
                continue
            if site.shape == "polygon":
                self._paint_outline(painter, canvas, site)
                continue
            place = self._from_map(canvas, *site.points[0])
            box = QRectF(place.x() - 8, place.y() - 8, 16, 16)
            painter.setBrush(QColor(0, 0, 0, 150))
            painter.setPen(QPen(QColor(site.colour), 1.6))
            painter.drawEllipse(box)
            painter.setPen(QColor("white"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(site.number))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_outline(self, painter: QPainter, canvas: ImageCanvas, site: Site) -> None:
        """A particle, where it was placed: its outline and its name, as in the stack."""
        if self._image is None or site.map_id != self._image.id:
            return
        shape = QPolygonF([self._from_map(canvas, *corner) for corner in site.points])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 150), 3.2), (QColor(site.colour), 1.6)):
            painter.setPen(QPen(colour, width))
            painter.drawPolygon(shape)
        draw_tag(painter, shape.boundingRect().center() - QPointF(8, 9), site.name, site.colour, 10)
        painter.setFont(theme.numbers_font(10, bold=True))


def _plain_text(painter: QPainter, place: QRectF, text: str) -> None:
    """White on a dark rim, at the right."""
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    painter.setPen(QColor(0, 0, 0, 170))
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        painter.drawText(place.translated(dx, dy), int(right), text)
    painter.setPen(QColor("white"))
    painter.drawText(place, int(right), text)
