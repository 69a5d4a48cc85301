"""Figures of curves: lanes over time, voltage against capacity, cycles."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from tandem_em.exporters import figures_data as data
from tandem_em.exporters.figure_style import (
    ONE_COLUMN_MM,
    QUANTITY_INKS,
    TWO_COLUMNS_MM,
    FigureSettings,
    ink,
    lettered,
    name_ends,
    new_figure,
)
from tandem_em.texts import figure as figures_of
from tandem_em.texts import prefix_for

GREY = "#666666"
NARROW_IN = 5.0


def lanes(found: data.Picture, settings: FigureSettings) -> Any:
    figure = new_figure(settings.width_in(ONE_COLUMN_MM), 0.45 + 0.8 * len(found.lanes))
    rows = figure.subplots(len(found.lanes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, lane in zip(rows, found.lanes):
        draw_lane(axes, lane, found, settings.size_pt)
    _name_flags(rows[0], found, settings)
    _name_bands(rows[-1], found, settings)
    rows[-1].set_xlabel("Time (s)")
    figure.align_ylabels(rows)
    return figure


def draw_lane(axes: Any, lane: data.Lane, found: data.Picture, size_pt: float) -> None:
    """Curves of one quantity with their error bands; events and maps behind them."""
    low, high = found.span or (-np.inf, np.inf)
    seen = [c.y[(c.x >= low) & (c.x <= high)] for c in lane.curves]
    top = max((float(np.nanmax(np.abs(y), initial=0)) for y in seen), default=0.0)
    factor, unit = prefix_for(top, lane.unit)
    for curve in lane.curves:
        colour = _own_ink(lane, curve)
        axes.plot(curve.x, factor * curve.y, color=colour, label=curve.name)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, factor * curve.low, factor * curve.high, color=colour, alpha=0.2, lw=0)
    axes.set_ylabel(lettered(f"{lane.label} ({unit})" if unit else lane.label))
    for flag in found.flags:
        axes.axvline(flag.t, color=GREY, lw=0.5, ls=(0, (3, 2)), zorder=0)
    for band in found.bands:
        axes.axvspan(band.start, band.end, color=band.colour, alpha=0.12, lw=0, zorder=0)
    if found.span:
        axes.set_xlim(*found.span)
        _fit_y(axes, [factor * y for y in seen])
    if lane.limit is not None and axes.get_ylim()[0] < factor * lane.limit[0] < axes.get_ylim()[1]:
        axes.axhline(factor * lane.limit[0], color="#b3261e", lw=0.6, ls=(0, (4, 2)))
        axes.text(
            0.01, factor * lane.limit[0], lane.limit[1], transform=axes.get_yaxis_transform(), ha="left", va="bottom",
            color="#b3261e", fontsize="small",
        )  # fmt: skip
    axes.locator_params(axis="y", nbins=4)
    if len(lane.curves) > 1:
        ends = [(c.name, factor * _last(c.y), c.colour) for c in lane.curves if np.isfinite(c.y).any()]
        name_ends(axes, ends, size_pt)


def _last(y: data.Floats) -> float:
    return float(y[np.flatnonzero(np.isfinite(y))[-1]])


def _own_ink(lane: data.Lane, curve: data.Curve) -> str:
    alone = len(lane.curves) == 1 and not curve.marker
    return QUANTITY_INKS.get(lane.label, ink(curve.colour)) if alone else ink(curve.colour)


def _fit_y(axes: Any, seen: list[data.Floats]) -> None:
    """What is in view decides the height."""
    values = np.concatenate([y[np.isfinite(y)] for y in seen]) if seen else np.zeros(0)
    if values.size:
        low, high = float(values.min()), float(values.max())
        edge = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - edge, high + edge)


def _name_flags(axes: Any, found: data.Picture, settings: FigureSettings) -> None:
    low, high = found.span or (-np.inf, np.inf)
    seen = sorted((flag for flag in found.flags if low <= flag.t <= high), key=lambda flag: flag.t)
    free = [-np.inf, -np.inf]
    width = axes.figure.get_figwidth() * 72
    for flag in seen:
        start = (flag.t - low) / (high - low) * width if found.span else 0.0
        row = 0 if start >= free[0] else 1
        free[row] = start + 0.55 * settings.size_pt * len(flag.name)
        axes.annotate(
            flag.name, (flag.t, 1.0), (0, 2 + row * (settings.size_pt + 1)), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=settings.size_pt - 1, color=GREY,
        )  # fmt: skip


def _name_bands(axes: Any, found: data.Picture, settings: FigureSettings) -> None:
    low, high = found.span or (-np.inf, np.inf)
    for band in found.bands:
        start, end = max(band.start, low), min(band.end, high)
        if end - start > 0.05 * (high - low):
            axes.text(
                (start + end) / 2, 0.03, band.name, transform=axes.get_xaxis_transform(), ha="center",
                fontsize=settings.size_pt - 1.5, color=ink(band.colour),
            )  # fmt: skip


def shade(colour: str, share: float) -> tuple[float, float, float]:
    """From pale (0) to the full ink (1): the order of cycles."""
    dark = ink(colour)
    red, green, blue = (int(dark[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    return colorsys.hls_to_rgb(hue, light + (0.8 - light) * (1 - share) * 0.75, strength)


def capacity(found: data.Picture, settings: FigureSettings) -> Any:
    """One panel a run: their capacities can differ by orders of magnitude."""
    names = list(dict.fromkeys(curve.name for curve in found.capacity))
    width = settings.width_in(TWO_COLUMNS_MM if len(names) > 1 else ONE_COLUMN_MM)
    columns = min(len(names), max(1, int(width / 2.1)))
    rows = -(-len(names) // columns)
    figure = new_figure(width, 1.75 * rows + 0.15)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names):
        curves = [curve for curve in found.capacity if curve.name == name]
        top = max((float(np.nanmax(np.abs(c.x), initial=0)) for c in curves), default=0.0)
        factor, unit = prefix_for(top, curves[0].unit)
        kinds = [c for c in ("charge", "discharge") if any(curve.kind == c for curve in curves)]
        for kind in kinds:
            same = [curve for curve in curves if curve.kind == kind]
            for number, curve in enumerate(same):
                colour = shade(curve.colour, number / max(len(same) - 1, 1) if len(same) > 1 else 1.0)
                axes.plot(
                    factor * curve.x, curve.y, color=colour, ls="-" if kind == "charge" else (0, (3, 1)), lw=0.7,
                    label=kind if number == len(same) - 1 else None,
                )  # fmt: skip
        axes.set_title(f"{name}, {len(curves)} half cycles" if len(curves) > 1 else name)
        axes.set_xlabel(f"Capacity ({unit})")
        axes.set_ylabel("Voltage (V)")
        if len(kinds) > 1:
            axes.legend(loc="best")
    return figure


def cycles(found: data.Picture, settings: FigureSettings) -> Any:
    """Capacity and efficiency cycle by cycle, and the sum of it as a table."""
    figure = new_figure(settings.width_in(TWO_COLUMNS_MM), 2.0 + 0.17 * (len(found.cycles) + 1))
    grid = figure.add_gridspec(2, 2, height_ratios=[1.7, 0.17 * (len(found.cycles) + 1)])
    left, right, below = (figure.add_subplot(part) for part in (grid[0, 0], grid[0, 1], grid[1, :]))
    for each in found.cycles:
        colour = ink(each.colour)
        left.plot(each.number, each.charge, "o-", ms=2.6, color=colour, label=each.name)
        left.plot(each.number, each.discharge, "s--", ms=2.6, mfc="white", mew=0.7, color=colour)
        right.errorbar(
            each.number, 100 * each.efficiency, 100 * each.efficiency_error, fmt="o-", ms=2.6, elinewidth=0.5, color=colour,
        )  # fmt: skip
    left.set_ylabel(f"Capacity ({found.cycles[0].unit})")
    left.set_ylim(0, None)
    right.set_ylabel("Coulombic efficiency (%)")
    for axes in (left, right):
        axes.set_xlabel("Cycle")
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.legend(loc="best", title="filled: charge, open: discharge", title_fontsize=settings.size_pt - 1)
    _cycle_table(below, found.cycles, settings)
    return figure


def _cycle_table(axes: Any, runs: list[data.Cycles], settings: FigureSettings) -> None:
    axes.set_axis_off()
    unit = runs[0].unit
    head = [
        "", "cycles", f"first charge ({unit})", f"last charge ({unit})", "kept (%)", "loss per cycle (%)",
        "mean efficiency (%)",
    ]  # fmt: skip
    rows = [
        [each.name, str(len(each.number)), *(figures_of(value, 3) for value in each.sums())] for each in runs
    ]
    places: tuple[float, ...] = (0.0, 0.20, 0.38, 0.56, 0.66, 0.83, 1.0)
    if axes.figure.get_figwidth() < NARROW_IN:  # one column has room for less
        head = ["", f"first ({unit})", "kept (%)", "loss/cycle (%)", "efficiency (%)"]
        rows = [[row[0], row[2], *row[4:]] for row in rows]
        places = (0.0, 0.38, 0.55, 0.78, 1.0)
    step = 1 / (len(rows) + 1)
    for number, row in enumerate([head, *rows]):
        y = 1 - (number + 0.5) * step
        for place, text in zip(places, row):
            axes.text(
                place,
                y,
                text,
                ha="left" if place == 0 else "right",
                va="center",
                fontsize=settings.size_pt - 0.5,
            )
    for y, width in ((1.0, 0.8), (1 - step, 0.5), (0.0, 0.8)):
        axes.plot([0, 1], [y, y], color="black", lw=width, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
