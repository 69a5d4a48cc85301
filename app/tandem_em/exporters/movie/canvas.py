"""A picture that is drawn on with pixels, lines and letters; antialiased by matplotlib's Agg, without figures or Qt."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

Bytes = NDArray[np.uint8]
Rect = tuple[float, float, float, float]
"""x, y, width, height in pixels, y down."""
FAMILIES = ("Inter", "Segoe UI", "Noto Sans", "DejaVu Sans")
NEEDED = "−·⁻²₂₃µÅ×±"
"""What a font must have to be of use here."""


def rgba(colour: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    """`#rrggbb` as red, green, blue and alpha in 0..1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha


@lru_cache(maxsize=2)
def _font_file(bold: bool) -> str:
    """The first family that has every letter of this field; matplotlib brings the last one with it."""
    from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

    here = {entry.name for entry in fontManager.ttflist}
    found = ""
    for family in (name for name in FAMILIES if name in here):
        found = str(findfont(FontProperties(family=[family], weight="bold" if bold else "normal")))
        # a font without these signs would print boxes; the last one found is better than none
        if set(map(ord, NEEDED)) <= set(get_font(found).get_charmap()):
            break
    return found


@lru_cache(maxsize=64)
def _font(size: float, bold: bool) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(_font_file(bold), size)


@lru_cache(maxsize=2048)
def _letters(text: str, size: float, bold: bool, shadow: bool) -> tuple[Floats, Floats | None, int, int]:
    """How much ink each pixel gets, of the letters and of their shadow, and where that stands from the baseline's start."""
    from PIL import Image, ImageDraw

    font = _font(size, bold)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    # room for the shadow, which is a pixel wider all around
    edge = 2
    image = Image.new("L", (round(right - left) + 2 * edge, round(bottom - top) + 2 * edge))
    ImageDraw.Draw(image).text((edge - left, edge - top), text, 255, font, anchor="ls")
    ink = np.asarray(image, np.float64)[..., None] / 255
    dark = None
    if shadow:
        dark = np.zeros_like(ink)
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            np.maximum(dark, np.roll(ink, (dy, dx), (0, 1)), out=dark)
        dark *= 0.7
    return ink, dark, round(left) - edge, round(top) - edge


class Canvas:
    """`pixels` is the picture (height, width, 4); what is drawn lands in it at once."""

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.transforms import Affine2D

        self.width, self.height = width, height
        self._agg = RendererAgg(width, height, 72)  # at 72 dpi points are pixels
        self.pixels: Bytes = np.asarray(self._agg.buffer_rgba())
        # Agg counts y upwards, everything here downwards
        self._down = Affine2D.from_values(1, 0, 0, -1, 0, height)

    def fill(self, colour: str) -> None:
        """Covers the whole picture with one opaque colour."""
        self.pixels[...] = np.array([round(255 * part) for part in rgba(colour)], np.uint8)

    def _pen(self, colour: str, width: float, alpha: float, clip: Rect | None) -> Any:
        from matplotlib.transforms import Bbox

        pen = self._agg.new_gc()
        pen.set_foreground(rgba(colour, alpha), isRGBA=True)
        pen.set_alpha(alpha)
        pen.set_linewidth(width)
        pen.set_joinstyle("round")
        if clip is not None:
            x, y, w, h = clip
            # the clip is in Agg's own coordinates, not in those of `_down`
            pen.set_clip_rectangle(Bbox.from_bounds(x, self.height - y - h, w, h))
        return pen

    def line(
        self, points: Floats, colour: str, width: float = 1.0, *, alpha: float = 1.0, dash: float = 0.0,
        closed: bool = False, clip: Rect | None = None,
    ) -> None:  # fmt: skip
        """A line through (N, 2) points; NaN opens it. `dash` is the length of a stroke."""
        from matplotlib.path import Path

        if len(points) < 2:
            return
        if closed:
            points = np.vstack([points, points[:1]])
        pen = self._pen(colour, width, alpha, clip)
        if dash:
            pen.set_dashes(0, [dash, 0.8 * dash])
        self._agg.draw_path(pen, Path(points), self._down, None)

    def area(self, points: Floats, colour: str, alpha: float = 1.0, clip: Rect | None = None) -> None:
        """A filled polygon."""
        from matplotlib.path import Path

        pen = self._pen(colour, 0.0, alpha, clip)
        self._agg.draw_path(pen, Path(points, closed=False), self._down, rgba(colour, alpha))

    def box(self, rect: Rect, colour: str, *, alpha: float = 1.0, radius: float = 0.0) -> None:
        """A filled rectangle, its corners cut round."""
        x, y, w, h = rect
        if not radius:
            self.area(np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]), colour, alpha)
            return
        turn = np.linspace(0, np.pi / 2, 7)
        arcs = [
            (cx + radius * np.cos(turn + start), cy + radius * np.sin(turn + start))
            for cx, cy, start in (
                (x + w - radius, y + h - radius, 0.0), (x + radius, y + h - radius, np.pi / 2),
                (x + radius, y + radius, np.pi), (x + w - radius, y + radius, 1.5 * np.pi),
            )
        ]  # fmt: skip
        self.area(np.concatenate([np.stack(arc, axis=1) for arc in arcs]), colour, alpha)

    def dot(self, x: float, y: float, radius: float, colour: str, rim: str) -> None:
        """A filled circle with a rim 1 px wide; place and radius in px."""
        turn = np.linspace(0, 2 * np.pi, 20)
        for r, ink in ((radius + 1.0, rim), (radius, colour)):
            self.area(np.stack([x + r * np.cos(turn), y + r * np.sin(turn)], axis=1), ink)

    def text(
        self, x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False,
        align: Literal["left", "centre", "right"] = "left", shadow: str = "",
    ) -> float:  # fmt: skip
        """Letters with their baseline at y; returns their width."""
        wide = self.text_width(text, size, bold=bold)
        left = x - {"left": 0.0, "centre": wide / 2, "right": wide}[align]
        # sizes to a tenth of a px, so that the cache of letters is hit
        ink, dark, dx, dy = _letters(text, round(size, 1), bold, bool(shadow))
        if dark is not None:
            self._blend(dark, shadow, round(left) + dx, round(y) + dy)
        self._blend(ink, colour, round(left) + dx, round(y) + dy)
        return wide

    def _blend(self, ink: Floats, colour: str, x: int, y: int) -> None:
        top, left = max(0, -y), max(0, -x)
        h, w = min(ink.shape[0], self.height - y), min(ink.shape[1], self.width - x)
        # wholly outside the picture
        if h <= top or w <= left:
            return
        under = self.pixels[y + top : y + h, x + left : x + w, :3]
        share = ink[top:h, left:w]
        under[...] = under + share * (np.array(rgba(colour)[:3]) * 255 - under) + 0.5

    def text_width(self, text: str, size: float, *, bold: bool = False) -> float:
        """Width in px that `text` takes when it is written in this size."""
        return float(_font(round(size, 1), bold).getlength(text))

    def picture(self, rgb: Bytes, x: int, y: int) -> None:
        """Opaque pixels, (h, w, 3 or 4) or (h, w) grey, cut at the border of the canvas."""
        h = min(rgb.shape[0], self.height - y)
        w = min(rgb.shape[1], self.width - x)
        part = rgb[:h, :w]
        # a grey picture
        if part.ndim == 2:
            part = np.broadcast_to(part[..., None], (h, w, 3))
        self.pixels[y : y + h, x : x + w, : part.shape[2]] = part
