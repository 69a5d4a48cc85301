"""Figures of a cell's cycles: voltage against capacity, V–I, dQ/dV, and capacity cycle by cycle."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core.texts import axis_unit, reading_unit
from tandem_em.core.texts import figure as figures_of
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.style import (
    ONE_COLUMN_MM,
    TWO_COLUMNS_MM,
    FigureSettings,
    figure_of,
    ink,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW_IN = 5.0


def shade(colour: str, share: float) -> tuple[float, float, float]:
    """From pale (0) to the full ink (1): the order of cycles."""
    dark = ink(colour)
    red, green, blue = (int(dark[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    return colorsys.hls_to_rgb(hue, light + (0.8 - light) * (1 - share) * 0.75, strength)


def capacity(found: data.Picture, settings: FigureSettings) -> Any:
    """One panel a run: their capacities can differ by orders of magnitude."""

    def draw(axes: Axes, curves: list[data.Curve]) -> None:
        across, unit = reading_unit(_largest(curves, "x"), curves[0].unit)
        up, volts = axis_unit(_largest(curves, "y"), "V")
        _half_cycles(axes, curves, across, up)
        axes.set_title(f"{curves[0].name}, {len(curves)} half cycles" if len(curves) > 1 else curves[0].name)
        axes.set_xlabel(f"Capacity ({unit})")
        axes.set_ylabel(f"Voltage ({volts})")

    return _panels(found.capacity, settings, draw)


def dqdv(found: data.Picture, settings: FigureSettings) -> Any:
    """Incremental capacity, discharge downwards; one panel a run."""

    def draw(axes: Axes, curves: list[data.Curve]) -> None:
        up, unit = reading_unit(_largest(curves, "y"), curves[0].unit)
        _half_cycles(axes, curves, 1.0, up)
        axes.axhline(0, color="#999999", lw=0.4, zorder=0)
        axes.set_title(curves[0].name)
        axes.set_xlabel("Voltage (V)")
        axes.set_ylabel(f"dQ/dV ({unit})")

    return _panels(found.dqdv, settings, draw)


def crossing(found: data.Picture, settings: FigureSettings) -> Any:
    """Current against voltage, in order of time; one panel a run."""

    def draw(axes: Axes, curves: list[data.Curve]) -> None:
        across, volts = axis_unit(_largest(curves, "x"), "V")
        up, unit = reading_unit(_largest(curves, "y"), curves[0].unit)
        for curve in curves:
            axes.plot(across * curve.x, up * curve.y, color=ink(curve.colour), lw=0.7)
        axes.set_title(curves[0].name)
        axes.set_xlabel(f"Voltage ({volts})")
        axes.set_ylabel(f"Current ({unit})")

    return _panels(found.crossing, settings, draw)


def _largest(curves: list[data.Curve], which: str) -> float:
    return max((float(np.nanmax(np.abs(getattr(c, which)), initial=0)) for c in curves), default=0.0)


def _panels(
    curves: list[data.Curve], settings: FigureSettings, draw: Callable[[Any, list[data.Curve]], None]
) -> Any:
    names = list(dict.fromkeys(curve.name for curve in curves))
    width = settings.width_in(TWO_COLUMNS_MM if len(names) > 1 else ONE_COLUMN_MM)
    columns = min(len(names), max(1, int(width / 2.1)))
    rows = -(-len(names) // columns)
    figure = new_figure(width, (1.75 if columns > 1 else 2.2) * rows + 0.15)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names):
        axes.locator_params(axis="x", nbins=5)
        draw(axes, [curve for curve in curves if curve.name == name])
    return figure


def _half_cycles(axes: Axes, curves: list[data.Curve], across: float, up: float) -> None:
    """Charge solid, discharge dashed; later cycles darker."""
    kinds = [kind for kind in ("charge", "discharge") if any(curve.kind == kind for curve in curves)]
    for kind in kinds:
        same = [curve for curve in curves if curve.kind == kind]
        for number, curve in enumerate(same):
            colour = shade(curve.colour, number / max(len(same) - 1, 1) if len(same) > 1 else 1.0)
            axes.plot(
                across * curve.x, up * curve.y, color=colour, ls="-" if kind == "charge" else (0, (3, 1)), lw=0.7,
                label=kind if number == len(same) - 1 else None,
            )  # fmt: skip
    if len(kinds) > 1:
        axes.legend(loc="best")


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
    left.set_ylim(0, 1.08 * left.dataLim.ymax or 1.0)
    right.set_ylabel("Coulombic efficiency (%)")
    for axes in (left, right):
        axes.set_xlabel("Cycle")
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.legend(loc="best", title="filled: charge, open: discharge", title_fontsize=settings.size_pt - 1)
    _cycle_table(below, found.cycles, settings)
    return figure


def _cycle_table(axes: Axes, runs: list[data.Cycles], settings: FigureSettings) -> None:
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
    if figure_of(axes).get_figwidth() < NARROW_IN:  # one column has room for less
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
