"""The figure of the lanes over time, and one lane for other figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.core import texts
from tandem_em.core.numeric import Floats
from tandem_em.core.texts import axis_unit
from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.style import (
    ONE_COLUMN_MM,
    ROLE_INKS,
    FigureSettings,
    figure_of,
    ink,
    lettered,
    name_ends,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "#666666"
LONG_LABEL = 13
"""More letters than these do not fit beside a lane in one line."""


def lanes(found: data.Picture, settings: FigureSettings) -> Any:
    """Every lane over one time axis, event flags named above and bands below; one column wide."""
    figure = new_figure(settings.width_in(ONE_COLUMN_MM), 0.45 + 0.8 * len(found.lanes))
    rows = figure.subplots(len(found.lanes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, lane in zip(rows, found.lanes):
        draw_lane(axes, lane, found, settings.size_pt)
    _name_flags(rows[0], found, settings)
    _name_bands(rows[-1], found, settings)
    rows[-1].set_xlabel(f"Time ({time_unit(found)[1]})")
    figure.align_ylabels(rows)
    return figure


def draw_lane(axes: Axes, lane: data.Lane, found: data.Picture, size_pt: float) -> None:
    """Curves of one quantity with their error bands; events and maps behind them."""
    low, high = found.span or (-np.inf, np.inf)
    seen = [c.y[(c.x >= low) & (c.x <= high)] for c in lane.curves]
    top = max((float(np.nanmax(np.abs(y), initial=0)) for y in seen), default=0.0)
    factor, unit = axis_unit(max(map(abs, lane.y)) if lane.y else top, lane.unit)
    time = time_unit(found)[0]
    for curve in lane.curves:
        _draw_curve(axes, curve, factor, time)
    joint = "\n" if len(lane.label) + len(unit) > LONG_LABEL else " "
    axes.set_ylabel(lettered(f"{lane.label}{joint}({unit})" if unit else lane.label))
    for flag in found.flags:
        axes.axvline(flag.t * time, color=GREY, lw=0.5, ls=(0, (3, 2)), zorder=0)
    for band in found.bands:
        axes.axvspan(band.start * time, band.end * time, color=band.colour, alpha=0.12, lw=0, zorder=0)
    if found.span:
        axes.set_xlim(low * time, high * time)
        _fit_y(axes, [*(factor * y for y in seen), *([np.zeros(1)] if lane.from_zero else [])])
    if lane.y is not None:
        axes.set_ylim(factor * lane.y[0], factor * lane.y[1])
    _draw_limits(axes, lane, factor)
    axes.locator_params(axis="y", nbins=4)
    ends = [
        (curve.name, factor * _last(y), _own_ink(curve))
        for curve, y in zip(lane.curves, seen)
        if curve.kind != "fit" and np.isfinite(y).any()
    ]
    if len(ends) > 1:
        name_ends(axes, ends, size_pt)


def _draw_curve(axes: Axes, curve: data.Curve, factor: float, time: float) -> None:
    if curve.kind == "fit":
        axes.plot(time * curve.x, factor * curve.y, color="black", lw=0.6, ls=(0, (4, 1.5)), zorder=3)
        return
    colour = _own_ink(curve)
    how = "steps-post" if curve.is_step else "default"
    axes.plot(time * curve.x, factor * curve.y, color=colour, label=curve.name, drawstyle=how)
    if curve.low is not None and curve.high is not None:
        axes.fill_between(
            time * curve.x, factor * curve.low, factor * curve.high, color=colour, alpha=0.2, lw=0
        )


def _draw_limits(axes: Axes, lane: data.Lane, factor: float) -> None:
    low, high = axes.get_ylim()
    for value, name in lane.limits:
        if not low < factor * value < high:
            continue
        axes.axhline(factor * value, color="#b3261e", lw=0.6, ls=(0, (4, 2)))
        up = factor * value < (low + high) / 2
        axes.annotate(
            name, (0.01, factor * value), (0, 1.5 if up else -1.5), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", va="bottom" if up else "top", color="#b3261e", fontsize="small",
        )  # fmt: skip


def time_unit(found: data.Picture) -> tuple[float, str]:
    """Factor and unit of the time axis of a figure."""
    ends = [
        each
        for curve in (c for lane in found.lanes for c in lane.curves)
        for each in (curve.x[0], curve.x[-1])
    ]
    low, high = found.span or ((min(ends), max(ends)) if ends else (0.0, 1.0))
    return texts.time_unit(high - low)


def _last(y: Floats) -> float:
    return float(y[np.flatnonzero(np.isfinite(y))[-1]])


def _own_ink(curve: data.Curve) -> str:
    return ROLE_INKS.get(curve.role) or ink(curve.colour)


def _fit_y(axes: Axes, seen: list[Floats]) -> None:
    """What is in view decides the height."""
    values = np.concatenate([y[np.isfinite(y)] for y in seen]) if seen else np.zeros(0)
    if values.size:
        low, high = float(values.min()), float(values.max())
        edge = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_ylim(low - edge, high + edge)


def _name_flags(axes: Axes, found: data.Picture, settings: FigureSettings) -> None:
    low, high = found.span or (-np.inf, np.inf)
    seen = sorted((flag for flag in found.flags if low <= flag.t <= high), key=lambda flag: flag.t)
    free = [-np.inf, -np.inf]
    width = figure_of(axes).get_figwidth() * 72
    time = time_unit(found)[0]
    for flag in seen:
        start = (flag.t - low) / (high - low) * width if found.span else 0.0
        row = 0 if start >= free[0] else 1
        free[row] = start + 0.55 * settings.size_pt * len(flag.name)
        axes.annotate(
            flag.name, (flag.t * time, 1.0), (0, 2 + row * (settings.size_pt + 1)), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=settings.size_pt - 1, color=GREY,
        )  # fmt: skip


def _name_bands(axes: Axes, found: data.Picture, settings: FigureSettings) -> None:
    low, high = found.span or (-np.inf, np.inf)
    for band in found.bands:
        start, end = max(band.start, low), min(band.end, high)
        if end - start > 0.05 * (high - low):
            axes.text(
                (start + end) / 2 * time_unit(found)[0], 0.03, band.name, transform=axes.get_xaxis_transform(), ha="center",
                fontsize=settings.size_pt - 1.5, color=ink(band.colour),
            )  # fmt: skip
