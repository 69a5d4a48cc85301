"""The EELS maps in a movie: each fades in while it is being recorded; below them the profiles of every state so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tandem_em.core.numeric import AnyArray
from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_em.exporters.figures.data import Curve, MapSet, Picture, ProfileSet
from tandem_em.exporters.movie.canvas import Bytes, Canvas, Rect
from tandem_em.exporters.movie.lanes import number, ticks
from tandem_em.exporters.movie.look import Colours


@dataclass
class Shown:
    """A map made ready: its three pictures at their size on screen, its profile, and the time it took."""

    image: MapSet
    pictures: list[tuple[str, Bytes]]
    colour: str
    profile: tuple[ProfileSet, Curve] | None = None
    points: list[Any] = field(default_factory=list)

    def share(self, t: float) -> float:
        """How much of it was recorded at t, 0 to 1."""
        if self.image.interval is None:
            return 1.0
        start, end = self.image.interval
        return float(np.clip((t - start) / max(end - start, 1e-9), 0, 1)) if t >= start else 0.0


class MapsPainter:
    """Paints the newest maps and the profiles into its rectangle."""

    def __init__(self, found: Picture, colours: Colours, rect: Rect, unit: float) -> None:
        self._colours, self._unit, self._rect = colours, unit, rect
        order = sorted(found.maps, key=lambda each: each.interval[0] if each.interval else -np.inf)
        height, width = order[0].maps[0].counts.shape
        gap, inner = 6 * unit, rect[2] - 16 * unit
        many = 1 + any(each.adf is not None for each in order) + any(each.rgb is not None for each in order)
        wide = (inner - (many - 1) * gap) / many
        names = {each.name for each in order}
        share = 0.5 if any(p.edges and p.map_name in names for p in found.profiles) else 1.0
        tall = min(wide * height / width, share * (rect[3] - 38 * unit))
        self._cell = round(tall * width / height), round(tall)
        self._step = self._cell[0] + gap
        self._across_nm = [each.pixel_nm[0] * width if each.pixel_nm else None for each in order]
        limits = _common([each.maps[0].counts for each in order])
        self._shown = [self._ready(each, limits, found.lithium) for each in order]
        for each in self._shown:
            each.profile = next(
                ((p, p.edges[0]) for p in found.profiles if p.map_name == each.image.name and p.edges), None
            )
        self._area = self._plot_area()
        self._range = _range([each.profile[1] for each in self._shown if each.profile])

    def _ready(self, image: MapSet, limits: tuple[float, float], table: Bytes) -> Shown:
        first = image.maps[0]
        low, high = limits
        share = np.nan_to_num((first.counts - low) / max(high - low, 1e-30))
        coloured = table[(np.clip(share, 0, 1) * 255).astype(np.uint8)]
        pictures: list[tuple[str, Bytes]] = []
        if image.adf is not None:
            pictures.append(("ADF", _grey(np.asarray(image.adf, float))))
        if image.rgb is not None:
            names = [
                m.edge.split()[0] for c in ("red", "green", "blue") for m in image.maps if m.channel == c
            ]
            pictures.append((" · ".join(names), np.asarray(image.rgb, np.uint8)))
        pictures.append((first.edge, coloured))
        return Shown(image, [(name, _resized(each, self._cell)) for name, each in pictures], image.colour)

    def _plot_area(self) -> Rect | None:
        if not any(each.profile for each in self._shown):
            return None
        x, y, w, h = self._rect
        unit = self._unit
        top = y + 30 * unit + self._cell[1] + 26 * unit
        rect = (x + 50 * unit, top, w - 130 * unit, y + h - top - 36 * unit)
        return rect if rect[3] > 30 * unit else None

    def paint(self, canvas: Canvas, t: float) -> None:
        """Paints the map that was recorded last at `t`; while it is recorded, only as far as it has come."""
        x, y, _w, _h = self._rect
        unit, c = self._unit, self._colours
        canvas.box(self._rect, c.pane, radius=5 * unit)
        canvas.text(x + 10 * unit, y + 19 * unit, "EELS maps", 12.5 * unit, c.text, bold=True)
        begun = [each for each in self._shown if each.share(t) > 0]
        if not begun:
            canvas.text(x + 92 * unit, y + 19 * unit, "no map yet", 11 * unit, c.quiet)
        else:
            share = begun[-1].share(t)
            doing = f"recording {100 * share:.0f} %" if share < 1 else ""
            name = begun[-1].image.name
            canvas.text(
                x + 92 * unit, y + 19 * unit, " · ".join(p for p in (name, doing) if p), 11 * unit, c.quiet
            )
            self._pictures(canvas, begun, share)
        if self._area is not None:
            self._profiles(canvas, t)

    def _pictures(self, canvas: Canvas, begun: list[Shown], share: float) -> None:
        x, y = self._rect[0] + 8 * self._unit, self._rect[1] + 30 * self._unit
        before = dict(begun[-2].pictures) if len(begun) > 1 else {}
        for column, (name, picture) in enumerate(begun[-1].pictures):
            if share < 1:
                old = before.get(name, np.full_like(picture, int(self._colours.pane[1:3], 16)))
                picture = (old + share * (picture.astype(np.float32) - old)).astype(np.uint8)
            left = round(x + column * self._step)
            canvas.picture(picture, left, round(y))
            canvas.text(
                left + 6 * self._unit,
                y + 15 * self._unit,
                name,
                11 * self._unit,
                "#ffffff",
                bold=True,
                shadow="#000000",
            )
            across = self._across_nm[self._shown.index(begun[-1])]
            if column == 0 and across:
                self._bar(canvas, across, left, y)

    def _bar(self, canvas: Canvas, across_nm: float, x: float, y: float) -> None:
        length, unit = bar_length_nm(across_nm), self._unit
        long, bottom = length / across_nm * self._cell[0], y + self._cell[1] - 8 * unit
        canvas.box((x + 7 * unit, bottom - 3 * unit, long + 2, 3 * unit + 2), "#000000", alpha=0.5)
        canvas.box((x + 8 * unit, bottom - 2 * unit, long, 2 * unit + 1), "#ffffff")
        canvas.text(
            x + 8 * unit + long / 2,
            bottom - 6 * unit,
            length_text(length),
            10 * unit,
            "#ffffff",
            bold=True,
            align="centre",
            shadow="#000000",
        )

    def _profiles(self, canvas: Canvas, t: float) -> None:
        assert self._area is not None
        x, y, w, h = self._area
        (x0, x1), (y0, y1) = self._range
        unit, c = self._unit, self._colours
        known = [each for each in self._shown if each.profile]
        profile, curve = known[0].profile or (None, None)
        assert profile is not None
        assert curve is not None
        canvas.text(x, y - 8 * unit, f"{curve.name} along the line", 11 * unit, c.text, bold=True)
        for tick in ticks(y0, y1, max(2, int(h / (30 * unit)))):
            at = y + h * (y1 - tick) / (y1 - y0)
            canvas.line(np.array([(x, at), (x + w, at)]), c.line, 0.8)
            canvas.text(x - 6 * unit, at + 3.5 * unit, number(tick), 9.5 * unit, c.quiet, align="right")
        for tick in ticks(x0, x1, 6):
            at = x + w * (tick - x0) / (x1 - x0)
            canvas.text(at, y + h + 14 * unit, number(tick), 9.5 * unit, c.quiet, align="centre")
        canvas.text(
            x + w / 2, y + h + 28 * unit, f"Distance ({profile.unit})", 9.5 * unit, c.quiet, align="centre"
        )
        for name, start, end in profile.layers:
            middle = x + w * (0.5 * (start + end) - x0) / (x1 - x0)
            canvas.text(middle, y + h - 5 * unit, name, 9.5 * unit, c.quiet, align="centre")
        for row, each in enumerate(known):
            share = each.share(t)
            if share > 0 and each.profile:
                line = each.profile[1]
                points = np.stack(
                    [x + w * (line.x - x0) / (x1 - x0), y + h * (y1 - line.y) / (y1 - y0)], axis=1
                )
                canvas.line(points, each.colour, 1.4 * unit, alpha=share, clip=self._area)
                label = each.image.state or each.image.name
                canvas.text(x + w + 8 * unit, y + (10 + 15 * row) * unit, label, 10.5 * unit, each.colour)


def _grey(image: AnyArray) -> Bytes:
    low, high = np.nanpercentile(image, [0.5, 99.5])
    grey = (np.clip(np.nan_to_num((image - low) / max(high - low, 1e-30)), 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _resized(image: Bytes, size: tuple[int, int]) -> Bytes:
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.NEAREST))


def _common(images: list[Any]) -> tuple[float, float]:
    finite = np.concatenate([each[np.isfinite(each)].ravel() for each in images])
    low, high = np.percentile(finite, [2, 98]) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def _range(curves: list[Curve]) -> tuple[tuple[float, float], tuple[float, float]]:
    if not curves:
        return (0.0, 1.0), (0.0, 1.0)
    x = np.concatenate([curve.x for curve in curves])
    y = np.concatenate([curve.y for curve in curves])
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    edge = 0.1 * (high - low) or 1.0
    return (float(np.nanmin(x)), float(np.nanmax(x))), (low - edge, high + edge)
