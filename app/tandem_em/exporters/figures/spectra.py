"""Figures of spectra: fits with their windows, stacked sites, line profiles of several states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tandem_em.exporters.figures import data
from tandem_em.exporters.figures.style import (
    ONE_COLUMN_MM,
    TWO_COLUMNS_MM,
    FigureSettings,
    ink,
    lettered,
    name_ends,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STACK_STEP = 0.35
"""Decades between stacked spectra."""


def _window(each: data.SpectrumSet) -> tuple[float, float]:
    """The energies around the windows of all edges."""
    start = min((fit.fit[0] for fit in each.fits), default=float(each.energy[0])) - 4
    end = max((fit.signal[1] for fit in each.fits), default=float(each.energy[-1])) + 8
    return max(start, float(each.energy[0])), min(end, float(each.energy[-1]))


def spectra(found: data.Picture, settings: FigureSettings) -> Any:
    """The mean of each map with the fitted backgrounds; counts on a logarithmic axis."""
    many = len(found.spectra)
    width = settings.width_in(TWO_COLUMNS_MM if many > 1 else ONE_COLUMN_MM)
    columns = min(many, max(1, int(width / 2.1)))
    rows = -(-many // columns)
    figure = new_figure(width, 1.8 * rows + 0.25)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel()[many:]:
        axes.set_axis_off()
    for axes, each in zip(grid.ravel(), found.spectra):
        _fits(axes, each, settings)
    for axes in grid[:, 0]:
        axes.set_ylabel("Counts per pixel")
    figure.supxlabel("Energy loss (eV)", fontsize=settings.size_pt)
    return figure


def _fits(axes: Axes, each: data.SpectrumSet, settings: FigureSettings) -> None:
    start, end = _window(each)
    part = (each.energy >= start) & (each.energy <= end) & (each.mean > 0)
    axes.semilogy(each.energy[part], each.mean[part], color="black", lw=0.8)
    for fit in each.fits:
        colour = ink(fit.colour)
        axes.semilogy(fit.energy, fit.background, color=colour, ls=(0, (3, 1)), lw=0.8)
        axes.axvspan(*fit.fit, color=fit.colour, alpha=0.10, lw=0)
        axes.axvspan(*fit.signal, color=fit.colour, alpha=0.28, lw=0)
        axes.text(
            float(np.mean(fit.signal)), 0.97, lettered(fit.edge), transform=axes.get_xaxis_transform(), ha="center", va="top",
            color=colour, fontsize=settings.size_pt - 0.5,
        )  # fmt: skip
    axes.set_xlim(start, end)
    axes.set_title(each.name)
    _plain_decades(axes)


def _plain_decades(axes: Axes) -> None:
    """1, 2, 5 of every decade as plain numbers, the rest as marks only."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def sites(found: data.Picture, settings: FigureSettings) -> Any:
    """Spectra of the sites one above the other, each at the height of the first where the windows begin."""
    shown = [each for each in found.spectra if each.sites]
    width = settings.width_in(ONE_COLUMN_MM if len(shown) == 1 else TWO_COLUMNS_MM)
    figure = new_figure(width, 1.0 + 0.24 * max(len(each.sites) for each in shown))
    grid = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, each in zip(grid, shown):
        start, end = _window(each)
        part = (each.energy >= start) & (each.energy <= end)
        count = len(each.sites)
        ends: list[tuple[str, float, str]] = []
        for number, site in enumerate(each.sites):
            y = np.where(site.y[part] > 0, site.y[part], np.nan)
            level = np.nanmean(y[: max(3, len(y) // 40)])
            line = np.log10(y / level) + STACK_STEP * (count - 1 - number)
            axes.plot(each.energy[part], line, color=ink(site.colour), lw=0.7)
            ends.append((site.name, float(np.nanmean(line[np.isfinite(line)][-15:])), site.colour))
        for fit in each.fits:
            axes.axvspan(*fit.signal, color=fit.colour, alpha=0.15, lw=0)
            axes.text(
                np.mean(fit.signal), 1.0, lettered(fit.edge), transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                color=ink(fit.colour), fontsize=settings.size_pt - 0.5,
            )  # fmt: skip
        name_ends(axes, ends, settings.size_pt)
        axes.set_xlim(start, end)
        axes.set_yticks([])
        axes.set_xlabel("Energy loss (eV)")
        axes.set_ylabel(f"Intensity, {each.name} (log., shifted)")
    return figure


def profiles(found: data.Picture, settings: FigureSettings) -> Any:
    """The first edge along the line in every state, with the error; layers of the first state named above."""
    edge = found.profiles[0].edges[0].name
    figure = new_figure(settings.width_in(ONE_COLUMN_MM), 2.1)
    axes = figure.subplots()
    colours = {image.name: image.colour for image in found.maps}
    for each in found.profiles:
        curve = next((c for c in each.edges if c.name == edge), each.edges[0])
        colour = ink(colours.get(each.map_name, curve.colour))
        axes.plot(curve.x, curve.y, color=colour, label=each.state)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
    for name, start, end in found.profiles[0].layers:
        axes.axvline(end, color="#999999", lw=0.4, ls=":")
        axes.text(
            (start + end) / 2, 1.01, lettered(name), transform=axes.get_xaxis_transform(), ha="center",
            fontsize=settings.size_pt - 1,
        )  # fmt: skip
    axes.margins(x=0)
    axes.set_xlabel(f"Distance ({found.profiles[0].unit}); layers: {found.profiles[0].state}")
    axes.set_ylabel(f"{lettered(edge)} (counts per pixel)")
    axes.legend(loc="best")
    return figure
