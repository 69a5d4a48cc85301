"""Figures of a session for print: lanes, capacity, montage, maps, spectra, profiles; PDF, SVG and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.exporters import figures_data as data
from tandem_em.exporters.figure_style import ONE_COLUMN, RC, TWO_COLUMNS, ink, lettered, save
from tandem_em.jobs import Job, Progress
from tandem_em.texts import prefix_for


def write_figures(folder: Path, found: data.Picture) -> Job[list[Path]]:
    """Every figure there are data for."""
    import matplotlib as mpl

    written: list[Path] = []
    plans = (
        ("lanes", found.lanes, lanes), ("capacity", found.capacity, capacity), ("montage", found.shots, montage),
        ("maps", found.maps, maps), ("spectra", found.spectra, spectra), ("profiles", found.profiles, profiles),
    )  # fmt: skip
    for number, (stem, content, draw) in enumerate(plans):
        yield Progress(number, len(plans), f"Drawing {stem}")
        if content:
            with mpl.rc_context(RC):
                written += save(draw(found), folder, stem, found.simulated)
    return written


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _lane(axes: Any, lane: data.Lane, found: data.Picture) -> None:
    top = max((float(np.nanmax(np.abs(c.y), initial=0)) for c in lane.curves), default=0.0)
    factor, unit = prefix_for(top, lane.unit)
    for curve in lane.curves:
        colour = ink(curve.colour)
        axes.plot(curve.x, factor * curve.y, color=colour, label=curve.name)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, factor * curve.low, factor * curve.high, color=colour, alpha=0.2, lw=0)
    axes.set_ylabel(f"{lane.label} ({unit})")
    if len(lane.curves) > 1:
        axes.legend(ncols=len(lane.curves), loc="best")
    for flag in found.flags:
        axes.axvline(flag.t, color="#777777", lw=0.5, ls=(0, (3, 2)))
    for band in found.bands:
        axes.axvspan(band.start, band.end, color="#888888", alpha=0.15, lw=0)
    if found.span:
        axes.set_xlim(*found.span)
    axes.margins(y=0.1)


def lanes(found: data.Picture) -> Any:
    figure = _figure(ONE_COLUMN, 0.35 + 0.95 * len(found.lanes))
    rows = figure.subplots(len(found.lanes), 1, sharex=True, squeeze=False)[:, 0]
    for axes, lane in zip(rows, found.lanes):
        _lane(axes, lane, found)
    low, high = found.span or (-np.inf, np.inf)
    for flag in found.flags:
        if low <= flag.t <= high:
            rows[0].annotate(
                flag.name, (flag.t, 1.02), xycoords=("data", "axes fraction"), fontsize=6, ha="left"
            )
    rows[-1].set_xlabel("Time (s)")
    figure.align_ylabels(rows)
    return figure


def capacity(found: data.Picture) -> Any:
    """One panel a run: their capacities can differ by orders of magnitude."""
    names = list(dict.fromkeys(curve.name for curve in found.capacity))
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = _figure(TWO_COLUMNS if columns > 1 else ONE_COLUMN, 1.9 * rows + 0.2)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    for axes, name in zip(grid, names):
        curves = [curve for curve in found.capacity if curve.name == name]
        top = max((float(np.nanmax(np.abs(c.x), initial=0)) for c in curves), default=0.0)
        factor, unit = prefix_for(top, curves[0].unit)
        for curve in curves:
            axes.plot(factor * curve.x, curve.y, color=ink(curve.colour), ls=curve.style)
        axes.set_title(f"{name} (solid: charge, dashed: discharge)")
        axes.set_xlabel(f"Capacity ({unit})")
        axes.set_ylabel("Voltage (V)")
    return figure


def _bar(axes: Any, shape: tuple[int, ...], pixel_nm: float | None) -> None:
    """A scale bar of a round length, about a quarter of the image."""
    if not pixel_nm:
        return
    wanted = 0.3 * shape[1] * pixel_nm
    power = 10.0 ** np.floor(np.log10(wanted))
    length = max(step * power for step in (1, 2, 5) if step * power <= wanted)
    y, x = 0.93 * shape[0], 0.05 * shape[1]
    axes.plot([x, x + length / pixel_nm], [y, y], color="white", lw=2, solid_capstyle="butt")
    axes.text(
        x + length / pixel_nm / 2,
        y - 0.03 * shape[0],
        f"{length:g} nm",
        color="white",
        ha="center",
        va="bottom",
        fontsize=6,
    )


def _plain(axes: Any, title: str) -> None:
    axes.set_title(lettered(title), pad=2)
    axes.set_axis_off()


def montage(found: data.Picture) -> Any:
    count = len(found.shots)
    area = [lane for lane in found.lanes if lane.label == "Area"]
    figure = _figure(TWO_COLUMNS, TWO_COLUMNS / count + 0.2 + (1.4 if area else 0))
    grid = figure.add_gridspec(2 if area else 1, count, height_ratios=[1.35, 1.2] if area else None)
    low, high = np.percentile(np.stack([s.image for s in found.shots[:1]]), [0.5, 99.5])
    for number, shot in enumerate(found.shots):
        axes = figure.add_subplot(grid[0, number])
        axes.imshow(shot.image, cmap="gray", vmin=low, vmax=high)
        for colour, shape in shot.outlines:
            closed = np.vstack([shape, shape[:1]])
            axes.plot(closed[:, 0], closed[:, 1], color=colour, lw=0.9)
        _plain(axes, f"{shot.t:.0f} s")
        axes.set_xlim(-0.5, shot.image.shape[1] - 0.5)
        axes.set_ylim(shot.image.shape[0] - 0.5, -0.5)
        if number == 0:
            _bar(axes, shot.image.shape, found.shot_pixel_nm)
    if area:
        axes = figure.add_subplot(grid[1, :])
        _lane(axes, area[0], found)
        axes.set_xlabel("Time (s)")
        for shot in found.shots:
            axes.plot(
                shot.t,
                1.0,
                marker="v",
                ms=3,
                color="black",
                transform=axes.get_xaxis_transform(),
                clip_on=False,
            )
    return figure


def maps(found: data.Picture) -> Any:
    columns = max(len(each.maps) for each in found.maps) + 1
    first = found.maps[0].maps[0].counts.shape
    height = TWO_COLUMNS / columns * first[0] / first[1] * 0.8 + 0.25
    figure = _figure(TWO_COLUMNS, min(height * len(found.maps) + 0.2, 9.0))
    grid = figure.subplots(len(found.maps), columns, squeeze=False)
    for row, image in zip(grid, found.maps):
        for axes in row:
            axes.set_axis_off()
        for axes, each in zip(row, image.maps):
            low, high = np.nanpercentile(each.counts, [1, 99])
            shown = axes.imshow(each.counts, cmap="viridis", vmin=low, vmax=high)
            _plain(axes, f"{each.edge}, {image.state or image.name}")
            figure.colorbar(shown, ax=axes, fraction=0.035, pad=0.02).ax.set_title("counts", fontsize=5.5)
            _bar(axes, each.counts.shape, image.pixel_nm[0] if image.pixel_nm else None)
        if image.rgb is not None:
            row[-1].imshow(image.rgb)
            names = ", ".join(f"{m.channel}: {m.edge}" for m in image.maps if m.channel)
            _plain(row[-1], names)
            row[-1].title.set_fontsize(5.5)
            _bar(row[-1], image.rgb.shape, image.pixel_nm[0] if image.pixel_nm else None)
    return figure


def spectra(found: data.Picture) -> Any:
    figure = _figure(TWO_COLUMNS, 1.9 * len(found.spectra))
    rows = figure.subplots(len(found.spectra), 1, squeeze=False)[:, 0]
    for axes, each in zip(rows, found.spectra):
        start = min((fit.fit[0] for fit in each.fits), default=float(each.energy[0])) - 5
        end = max((fit.signal[1] for fit in each.fits), default=float(each.energy[-1])) + 10
        part = (each.energy >= start) & (each.energy <= end)
        for site in each.sites:
            axes.semilogy(
                site.x[part], np.maximum(site.y[part], 1e-3), color=ink(site.colour), lw=0.5, label=site.name
            )
        axes.semilogy(each.energy[part], each.mean[part], color="black", label="mean of map")
        for fit in each.fits:
            axes.semilogy(fit.energy, fit.background, color=ink(fit.colour), ls="--")
            axes.axvspan(*fit.fit, color="#888888", alpha=0.12, lw=0)
            axes.axvspan(*fit.signal, color=fit.colour, alpha=0.25, lw=0)
            axes.text(
                np.mean(fit.signal),
                0.97,
                lettered(fit.edge),
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
            )
        axes.set_xlim(start, end)
        axes.set_ylabel(f"{each.name}\nCounts per pixel")
        if each.sites:
            axes.legend(ncols=3, loc="lower left")
    rows[-1].set_xlabel(
        "Energy loss (eV); grey: background window, dashed: background, coloured: signal window"
    )
    return figure


def profiles(found: data.Picture) -> Any:
    edge = found.profiles[0].edges[0].name
    figure = _figure(ONE_COLUMN, 2.4)
    axes = figure.subplots()
    for number, each in enumerate(found.profiles):
        curve = next((c for c in each.edges if c.name == edge), each.edges[0])
        colour = ("#0072b2", "#e69f00", "#b3261e", "#009e73", "#444444")[number % 5]
        axes.plot(curve.x, curve.y, color=colour, label=each.state)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
    for name, start, end in found.profiles[0].layers:
        axes.axvline(end, color="#999999", lw=0.4, ls=":")
        axes.text(
            (start + end) / 2, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=6
        )
    axes.margins(x=0)
    axes.set_xlabel(f"Distance ({found.profiles[0].unit}); layers of the {found.profiles[0].state} state")
    axes.set_ylabel(f"{lettered(edge)} (counts per pixel)")
    axes.legend()
    return figure
