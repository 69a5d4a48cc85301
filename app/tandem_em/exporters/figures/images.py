"""Figures of images: the montage with its area plot, and the element maps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.curves import draw_lane, time_unit
from tandem_em.exporters.figures.style import (
    ONE_COLUMN_MM,
    TWO_COLUMNS_MM,
    FigureSettings,
    ink,
    lettered,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

SMALL_IN = 0.9
"""Maps narrower than this carry less text."""
FEW_SHOTS = 2
"""So many frames go into one column."""
FAR_S = 1e5
"""Moments later than that are read from the first frame on: the movie is of another day than the session's begin."""
CHANNEL_INKS = {"red": "#c62828", "green": "#2e7d32", "blue": "#1565c0"}


def scale_bar(axes: Axes, shape: tuple[int, ...], pixel_nm: float | None, settings: FigureSettings) -> None:
    """Draws a bar of round length into the lower left; nothing where the pixel size is unknown."""
    if not pixel_nm:
        return
    from matplotlib.patheffects import withStroke

    length = bar_length_nm(shape[1] * pixel_nm)
    edge, around = (withStroke(linewidth=wide, foreground="#00000090") for wide in (1.2, 3.2))
    y, x = 0.92 * shape[0] - 0.5, 0.05 * shape[1] - 0.5
    axes.plot(
        [x, x + length / pixel_nm], [y, y], color="white", lw=2, solid_capstyle="butt", path_effects=[around]
    )
    axes.annotate(
        length_text(length), (x, y), (0, 1.8), "data", "offset points", color="white", ha="left", va="bottom",
        fontsize=settings.size_pt - 1, fontweight="bold", path_effects=[edge],
    )  # fmt: skip


def _plain(axes: Axes, shape: tuple[int, ...]) -> None:
    axes.set_axis_off()
    axes.set_xlim(-0.5, shape[1] - 0.5)
    axes.set_ylim(shape[0] - 0.5, -0.5)


def montage(found: data.Picture, settings: FigureSettings) -> Any:
    """A row of frames for each stack; the areas below, with a mark at every moment shown."""
    rows = list(dict.fromkeys(shot.row for shot in found.shots))
    count = max(sum(shot.row == row for shot in found.shots) for row in rows)
    width = settings.width_in(ONE_COLUMN_MM if count <= FEW_SHOTS else TWO_COLUMNS_MM)
    areas = [lane for lane in found.lanes if lane.kind == "area"]
    aspect = max(shot.image.shape[0] / shot.image.shape[1] for shot in found.shots)
    each = (width - 0.05 * count) / count * aspect + 0.16
    figure = new_figure(width, each * len(rows) + (1.45 if areas else 0.02))
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0.01)
    ratios = [each] * len(rows) + ([1.35] if areas else [])
    grid = figure.add_gridspec(len(ratios), count, height_ratios=ratios)
    for number, row in enumerate(rows):
        shots = [shot for shot in found.shots if shot.row == row]
        low, high = np.nanpercentile(shots[0].image[::2, ::2], [0.5, 99.5])
        titles = _times(shots)
        for column, shot in enumerate(shots):
            axes = figure.add_subplot(grid[number, column])
            _frame(axes, shot, (low, high), titles[column], settings, with_bar=column == 0)
            if column == 0 and len(rows) > 1:
                axes.annotate(
                    row,
                    (0, 0.5),
                    (-3, 0),
                    "axes fraction",
                    "offset points",
                    rotation=90,
                    ha="right",
                    va="center",
                )
    if areas:
        axes = figure.add_subplot(grid[-1, :])
        found = replace(found, span=_seen_of(areas[0], found.span))
        draw_lane(axes, areas[0], found, settings.size_pt)
        time, unit = time_unit(found)
        axes.set_xlabel(f"Time ({unit})")
        for shot in found.shots:
            axes.plot(
                shot.t * time,
                1.0,
                "v",
                ms=3,
                color="black",
                transform=axes.get_xaxis_transform(),
                clip_on=False,
            )
    return figure


def _seen_of(area: data.Lane, span: tuple[float, float] | None) -> tuple[float, float] | None:
    """The time axis under a montage: of the span in view, what the areas and a tenth around them fill."""
    moments = np.concatenate([curve.x for curve in area.curves]) if area.curves else np.zeros(0)
    if span is None or not len(moments):
        return span
    low, high = float(moments.min()), float(moments.max())
    room = 0.1 * (high - low)
    seen = max(span[0], low - room), min(span[1], high + room)
    return seen if seen[1] > seen[0] else span


def _times(shots: list[data.Shot]) -> list[str]:
    """Moments with the same number of decimals: 0.0 s, 29.9 s; 0 s, 16 s where all are whole; far from 0 since the first."""
    first = shots[0].t if max(abs(shot.t) for shot in shots) > FAR_S else 0.0
    times, sign = [shot.t - first for shot in shots], "+" if first else ""
    decimals = 0 if all(abs(t - round(t)) < 0.05 for t in times) else 1
    return [f"{round(t, decimals) + 0.0:{sign}.{decimals}f} s".replace("-", "−") for t in times]


def _frame(
    axes: Axes,
    shot: data.Shot,
    levels: tuple[float, float],
    title: str,
    settings: FigureSettings,
    *,
    with_bar: bool,
) -> None:
    axes.imshow(shot.image, cmap="gray", vmin=levels[0], vmax=levels[1], interpolation="antialiased")
    for colour, shape in shot.outlines:
        closed = np.vstack([shape, shape[:1]])
        axes.plot(closed[:, 0], closed[:, 1], color=colour, lw=0.9)
    axes.set_title(title, pad=2)
    axes.set_anchor("S")
    _plain(axes, shot.image.shape)
    if with_bar:
        scale_bar(axes, shot.image.shape, shot.pixel_nm, settings)


def maps(found: data.Picture, settings: FigureSettings) -> Any:
    """A row a state, a column an edge: one colour scale a column, so that states compare."""
    edges = list(dict.fromkeys(each.edge for image in found.maps for each in image.maps))
    has_adf = any(image.adf is not None for image in found.maps)
    has_rgb = any(image.rgb is not None for image in found.maps)
    columns = len(edges) + has_adf + has_rgb
    width = settings.width_in(TWO_COLUMNS_MM)
    first = found.maps[0].maps[0].counts.shape
    cell = (width - 0.2) / columns
    figure = new_figure(width, cell * first[0] / first[1] * len(found.maps) + 0.54)
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01)
    small = cell < SMALL_IN
    ratios = [cell * first[0] / first[1]] * len(found.maps) + [0.07]
    grid = figure.add_gridspec(len(ratios), columns, height_ratios=ratios)
    for column in range(columns):
        edge = edges[column - has_adf] if has_adf <= column < has_adf + len(edges) else None
        for row, image in enumerate(found.maps):
            axes = figure.add_subplot(grid[row, column])
            axes.set_axis_off()
            if column == 0:
                _name_row(axes, image, settings, small)
            if edge is not None:
                shown = _element(axes, found, image, edge)
                if row == 0:
                    axes.set_title(lettered(edge), pad=3)
                if shown is not None and row == len(found.maps) - 1:
                    _colour_bar(figure, shown, figure.add_subplot(grid[-1, column]), settings)
            elif column == 0:
                _survey(axes, image, settings, with_sites=not small)
                axes.set_title("ADF" if row == 0 else "", pad=3)
            elif image.rgb is not None:
                _mixed(axes, image, settings, named=row == 0, short=small)
            if column == 0 and row == 0 and axes.get_images():
                _bar_of_maps(axes, image, settings)
    return figure


def _bar_of_maps(axes: Axes, image: data.MapSet, settings: FigureSettings) -> None:
    """The scale bar of all maps, on the picture drawn here (whose pixels may be finer than those of the maps)."""
    shape = axes.get_images()[0].get_size()
    across = image.pixel_nm[0] * image.maps[0].counts.shape[1] if image.pixel_nm else None
    scale_bar(axes, shape, across / shape[1] if across else None, settings)


def _mixed(axes: Axes, image: data.MapSet, settings: FigureSettings, named: bool, short: bool) -> None:
    """The edges of one state in their colours, in one picture."""
    axes.imshow(image.rgb)
    if named:
        _legend(axes, image, settings, short=short)


def _name_row(axes: Axes, image: data.MapSet, settings: FigureSettings, small: bool) -> None:
    """The state of a row, upright beside its first picture."""
    axes.text(
        -0.04, 0.5, image.state or image.name, transform=axes.transAxes, rotation=90, ha="right", va="center",
        fontsize=settings.size_pt - (1.5 if small else 0),
    )  # fmt: skip


def _colour_bar(figure: Figure, shown: AxesImage, below: Axes, settings: FigureSettings) -> None:
    """What the colours of a column mean."""
    bar = figure.colorbar(shown, cax=below, orientation="horizontal")
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=settings.size_pt - 1, width=0.4, length=1.5, pad=1.5)
    bar.locator = _few_ticks()
    bar.set_label("net counts", fontsize=settings.size_pt - 1, labelpad=1)


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(3, steps=[1, 2, 5, 10])


def _element(axes: Axes, found: data.Picture, image: data.MapSet, edge: str) -> Any:
    from matplotlib.colors import ListedColormap

    counts = next((each.counts for each in image.maps if each.edge == edge), None)
    if counts is None:
        return None
    same = [each.counts for other in found.maps for each in other.maps if each.edge == edge]
    finite = np.concatenate([each[np.isfinite(each)].ravel() for each in same])
    low, high = np.percentile(finite, [2, 98]) if finite.size else (0.0, 1.0)
    return axes.imshow(counts, cmap=ListedColormap(found.lithium / 255), vmin=low, vmax=high)


def _survey(axes: Axes, image: data.MapSet, settings: FigureSettings, *, with_sites: bool) -> None:
    if image.adf is None:
        return
    low, high = np.nanpercentile(image.adf, [0.5, 99.5])
    axes.imshow(image.adf, cmap="gray", vmin=low, vmax=high)
    step = image.adf.shape[1] / image.maps[0].counts.shape[1]
    for name, colour, (x, y), _radius in image.sites if with_sites else ():
        axes.text(
            (x + 0.5) * step - 0.5, (y + 0.5) * step - 0.5, name.split()[-1], ha="center", va="center", color="white",
            fontsize=settings.size_pt - 2.5,
            bbox={"boxstyle": "circle,pad=0.18", "fc": ink(colour), "ec": "white", "lw": 0.4},
        )  # fmt: skip


def _legend(axes: Axes, image: data.MapSet, settings: FigureSettings, *, short: bool) -> None:
    """The edges of the composite in their colours, above it."""
    given = [(each.edge, each.channel) for each in image.maps if each.channel in CHANNEL_INKS]
    for number, (edge, channel) in enumerate(given):
        axes.annotate(
            edge.split()[0] if short else lettered(edge),
            ((number + 0.5) / len(given), 1.0), (0, 3), "axes fraction", "offset points", ha="center",
            color=CHANNEL_INKS[channel], fontsize=settings.size_pt - 0.5,
        )  # fmt: skip
