"""Long curves beside pyqtgraph: first display, panning, spikes, live append. 36 million samples, 1600 × 500 pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget

from tandem_em.core.benchmark import Figure, Timing, time_pair
from tandem_em.core.jobs import run_to_end
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.focus import Focus
from tandem_widgets.panes.biasing.series import RunSeries
from tandem_widgets.parts.basic import theme
from tandem_widgets.parts.lanes import levels
from tandem_widgets.parts.lanes.curves import Curve
from tandem_widgets.parts.lanes.model import Lane, LanesContent
from tandem_widgets.parts.lanes.widget import Lanes

SIZE = (1600, 500)
RATE_HZ = 1000
SPIKES = 8
DRAG = 5
FULL = 36_000_000
"""The goals that depend on the length are judged at this one."""
PYQTGRAPH = "pyqtgraph PlotWidget, peak, clipToView"
EMPTY = "empty pyqtgraph PlotWidget"


Shown = TypeVar("Shown", bound=QWidget)


def run(quick: bool = False) -> list[Figure]:
    """Measure everything in one process, ours and theirs in turn. `quick` takes a tenth of the samples."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, theme.DARK)
    count = FULL // 10 if quick else FULL
    x, y, at = samples(count)
    figures = first_display(x, y)
    series = recorded(x, y)
    figures += panning(series, x, y, runs=5 if quick else 11)
    figures += [*spikes(series, x, y, at), *live(series, x, redraws=20 if quick else 60)]
    return figures


def samples(count: int) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.intp]]:
    """Hours of a slow cycle with noise, and eight single samples that stand out."""
    rng = np.random.default_rng(4)
    x = np.arange(count) / RATE_HZ
    y = rng.normal(0, 0.01, count).astype(np.float32)
    for start in range(0, count, 1 << 22):
        part = slice(start, min(start + (1 << 22), count))
        y[part] += np.sin(x[part] * (2 * np.pi * 6 / x[-1])).astype(np.float32)
    at = np.linspace(0.04, 0.97, SPIKES) * count
    where = at.astype(np.intp) + 17
    y[where] = 2.5
    return x, y, where


# --- widgets -------------------------------------------------------------------------------------------------------


def lanes_with(
    x: NDArray[Any], y: NDArray[Any], span: tuple[float, float], ready: levels.Levels | None
) -> Lanes:
    """Our lanes on screen with one curve whose extremes are ready, or not yet."""
    focus = Focus()
    focus.span = span
    lanes = _shown(Lanes(focus))
    lanes.show_content(_content(x, y, ready))
    return lanes


def recorded(x: NDArray[Any], y: NDArray[Any]) -> RunSeries:
    """The samples as a run, made ready as the pane does it."""
    run = BiasRun(
        name="run",
        times=GrowingArray(x),
        columns={"voltage": Column("voltage", "V", GrowingArray(y, np.float32))},
    )
    series = RunSeries(run)
    series.take(run_to_end(series.job()))
    return series


def lanes_of(series: RunSeries, span: tuple[float, float]) -> Lanes:
    """Our lanes on screen with the voltage of a run that grows."""
    focus = Focus()
    focus.span = span
    lanes: Lanes = _shown(Lanes(focus))
    curve = series.curve("voltage", "V", theme.active().voltage)
    lanes.show_content(LanesContent([Lane("voltage", "Voltage", "V", [curve])]))
    return lanes


def _content(x: NDArray[Any], y: NDArray[Any], ready: levels.Levels | None) -> LanesContent:
    return LanesContent(
        [Lane("voltage", "Voltage", "V", [Curve("v", "V", theme.active().voltage, x, y, ready)])]
    )


def _shown(widget: Shown) -> Shown:
    widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.resize(*SIZE)
    widget.show()
    QApplication.processEvents()
    return widget


def plot_widget() -> Any:
    """A plot of pyqtgraph with what it offers for long curves switched on."""
    plot = _shown(pg.PlotWidget())
    plot.setDownsampling(auto=True, mode="peak")
    plot.setClipToView(True)
    return plot


def _repaint(widget: QWidget) -> None:
    widget.repaint()
    QApplication.processEvents()


def _redraw_plot(plot: pg.PlotWidget) -> None:
    plot.viewport().repaint()
    QApplication.processEvents()


# --- figures -------------------------------------------------------------------------------------------------------


def first_display(x: NDArray[Any], y: NDArray[Any]) -> list[Figure]:
    """From the arrays to pixels. Ours goes through every sample for it: each column shows its exact extremes.

    numba is loaded before, as it is while a session opens; without it a coarse picture is first."""
    span = (float(x[0]), float(x[-1]))
    lanes = lanes_with(x[:10], y[:10], span, None)
    plot = plot_widget()

    def ours() -> None:
        lanes.show_content(_content(x, y, None))
        _repaint(lanes)

    def theirs() -> None:
        plot.clear()
        plot.plot(x, y)
        plot.setXRange(*span, padding=0)
        _redraw_plot(plot)

    levels.forget_kernels()
    coarse, _ = time_pair(ours, lambda: None, runs=5)
    levels.warm()
    mine, other = time_pair(ours, theirs, runs=7)
    prepared, _ = time_pair(partial(recorded, x, y), lambda: None, runs=3)
    plot.close()
    lanes.close()
    return [
        _against(
            f"first picture of {_millions(x)} samples, exact", mine, PYQTGRAPH, other, 20 if len(x) >= FULL else None
        ),
        _against("first picture while numba is not loaded, coarse", coarse, PYQTGRAPH, other, None),
        Figure("order, gaps and levels of the run, in a job", prepared.wall_ms, "ms",
               remark="for panning and zooming; with copying the samples into the run"),
    ]  # fmt: skip


def panning(series: RunSeries, x: NDArray[Any], y: NDArray[Any], runs: int) -> list[Figure]:
    """CPU time of one step of a pan: at full view, one tenth of it, and ten seconds."""
    whole = float(x[-1])
    plot, empty = plot_widget(), plot_widget()
    plot.plot(x, y)
    empty.setYRange(-1.2, 2.6)
    figures = []
    for name, width in (("full view", whole), ("a tenth in view", whole / 10), ("10 s in view", 10.0)):
        start = 0.0 if width == whole else 0.4 * whole
        lanes = lanes_of(series, (start, start + width))
        mine, other = time_pair(
            _panner(start, width, partial(_pan_lanes, lanes)),
            _panner(start, width, partial(_pan_plot, plot)),
            runs,
        )
        mine_again, limit = time_pair(
            _panner(start, width, partial(_pan_lanes, lanes)),
            _panner(start, width, partial(_pan_plot, empty)),
            runs,
        )
        lanes.close()
        least = (8.0 if len(x) >= FULL else None) if name == "full view" else 1.0
        most = {"full view": 2.5, "10 s in view": 1.5}.get(name)
        figures.append(_against(f"pan, {name}", _per_step(mine), PYQTGRAPH, _per_step(other), least))
        figures.append(_limit(f"pan, {name}", _per_step(mine_again), _per_step(limit), most))
    plot.close()
    empty.close()
    return figures


def _panner(start: float, width: float, pan: Callable[[tuple[float, float]], None]) -> Callable[[], None]:
    """A drag: DRAG steps of a fiftieth of the view, one after the other as the hand makes them."""
    count = 0

    def drag() -> None:
        nonlocal count
        for _ in range(DRAG):
            count += 1
            shift = (count % 7 - 3) * width / 50
            pan((start + shift, start + width + shift))

    return drag


def _per_step(timing: Timing) -> Timing:
    return Timing(timing.wall_ms / DRAG, timing.cpu_ms / DRAG, timing.worst_wall_ms / DRAG)


def _pan_lanes(lanes: Lanes, span: tuple[float, float]) -> None:
    lanes.focus_model.span = span
    _repaint(lanes)


def _pan_plot(plot: pg.PlotWidget, span: tuple[float, float]) -> None:
    plot.setXRange(*span, padding=0)
    _redraw_plot(plot)


def spikes(series: RunSeries, x: NDArray[Any], y: NDArray[Any], where: NDArray[np.intp]) -> list[Figure]:
    """How many of the single-sample spikes have pixels in the picture of everything."""
    lanes = lanes_of(series, (float(x[0]), float(x[-1])))
    lanes.focus_model.t = -1e9
    image = lanes.grab().toImage()
    up, plain = lanes.ups[0], theme.colour(theme.active().plot)
    seen = 0
    for index in where:
        column, row = round(lanes.scale.x(float(x[index]))), round(up.y(float(y[index])))
        near = [image.pixelColor(column + dx, row + dy) for dx in (-1, 0, 1) for dy in (1, 3, 6)]
        seen += any(colour.green() - plain.green() > 60 for colour in near)
    lanes.close()
    return [
        Figure(
            "single-sample spikes seen at full view",
            seen,
            f"of {SPIKES}",
            goal=f"{SPIKES}",
            met=seen == SPIKES,
        )
    ]


def live(series: RunSeries, x: NDArray[Any], redraws: int) -> list[Figure]:
    """One step of a live recording: 33 samples appended to hours of them, everything drawn anew, against an empty plot."""
    record = series.run
    block = RATE_HZ // 30

    def append() -> None:
        last = float(record.times.view[-1])
        record.append(last + np.arange(1, block + 1) / RATE_HZ, {"voltage": np.zeros(block, np.float32)})
        series.catch_up()

    append()  # the store doubles here once in hours
    figures = []
    for name, width in (("whole history", float(x[-1])), ("last 60 s", 60.0)):
        focus = Focus()
        lanes: Lanes = _shown(Lanes(focus))
        empty = plot_widget()
        empty.setYRange(-1.2, 2.6)

        def ours(lanes: Lanes = lanes, width: float = width) -> None:
            append()
            newest = float(record.times.view[-1])
            lanes.focus_model.span = (newest - width, newest)
            curve = series.curve("voltage", "V", theme.active().voltage)
            lanes.show_content(LanesContent([Lane("voltage", "Voltage", "V", [curve])]))
            _repaint(lanes)

        def theirs(empty: pg.PlotWidget = empty, width: float = width) -> None:
            newest = float(record.times.view[-1])
            _pan_plot(empty, (newest - width, newest))

        mine, limit = time_pair(ours, theirs, redraws, warmup=3)
        figures.append(_limit(f"live append, {_hours(x)} behind, {name}", mine, limit, 2.2))
        rate = min(30.0, 1000.0 / mine.wall_ms)
        figures.append(
            Figure(f"redraws a second, {name}", rate, "Hz", goal="30 Hz", met=mine.wall_ms <= 1000 / 30,
                   remark=f"median {mine.wall_ms:.1f} ms, worst {mine.worst_wall_ms:.1f} ms")
        )  # fmt: skip
        lanes.close()
        empty.close()
    return figures


def _against(
    what: str, mine: Timing, peer: str, other: Timing, least: float | None, remark: str = ""
) -> Figure:
    ratio = other.cpu_ms / mine.cpu_ms
    return Figure(
        what, mine.cpu_ms, "ms CPU", peer, other.cpu_ms, ratio, f">= {least:g} × faster" if least else "",
        ratio >= least if least else None,
        remark or f"wall {mine.wall_ms:.1f} against {other.wall_ms:.1f} ms",
    )  # fmt: skip


def _limit(what: str, mine: Timing, limit: Timing, most: float | None) -> Figure:
    share = mine.cpu_ms / limit.cpu_ms
    return Figure(
        f"{what}, against the limit", mine.cpu_ms, "ms CPU", EMPTY, limit.cpu_ms, limit.cpu_ms / mine.cpu_ms,
        f"<= {most:g} × empty" if most else "", share <= most if most else None, f"{share:.2f} × empty",
    )  # fmt: skip


def _millions(x: NDArray[Any]) -> str:
    return f"{len(x) / 1e6:g} M"


def _hours(x: NDArray[Any]) -> str:
    return f"{len(x) / RATE_HZ / 3600:g} h"
