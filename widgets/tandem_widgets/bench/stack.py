"""A large frame to the screen, from memory and from a file, beside a plain copy of it and pyqtgraph's ImageItem."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtWidgets import QApplication

from tandem_em.core.benchmark import Figure, time_pair
from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document.files import open_linked_array
from tandem_widgets.bench import stack_scrubbing
from tandem_widgets.parts.image import render
from tandem_widgets.parts.image.canvas import ImageCanvas
from tandem_widgets.shell.application import make_application

Frame = NDArray[np.uint16]
WIDGET_PX = (800, 1024, 1280, 1600)


def run(quick: bool = False) -> list[Figure]:
    """Painting of a 4096² frame at several widget sizes, then scrubbing."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = make_application()  # lives as long as it is held
    run_to_end(render.warm_up())
    side = 2048 if quick else 4096
    rng = np.random.default_rng(1)
    frame: Frame = rng.integers(0, 4000, (side, side), dtype=np.uint16)
    figures = []
    for size in WIDGET_PX[1:2] if quick else WIDGET_PX:
        figures += painting(frame, size, 3 if quick else 9)
    figures.append(from_file(side, 1024, 3 if quick else 9))
    figures += stack_scrubbing.run(quick)
    app.processEvents()
    return figures


def painting(frame: Frame, size: int, runs: int) -> list[Figure]:
    """A new frame in our canvas against memcpy and both ways of pyqtgraph, in turn; each paints its window at once."""
    side = frame.shape[0]
    target = np.empty_like(frame)
    what = f"{side}² uint16 to {size} px"
    ours = our_painter(size)
    peers: list[tuple[str, Callable[[], object], float]] = [
        ("pyqtgraph autoDownsample", partial(pyqtgraph_painter(size, True), frame), 50.0),
        ("pyqtgraph skipping pixels", partial(pyqtgraph_painter(size, False), frame), 2.5),
    ]
    us, plain = time_pair(lambda: ours(frame), lambda: np.copyto(target, frame), runs)
    ratio = us.wall_ms / plain.wall_ms
    figures = [
        Figure(
            what, us.wall_ms, "ms", "memcpy of the frame", plain.wall_ms, ratio, "at most 2.5x memcpy", ratio <= 2.5
        )
    ]  # fmt: skip
    for name, theirs, wanted in peers:
        figures.append(_faster(what, name, lambda: ours(frame), theirs, wanted, runs))
    return figures


def _faster(
    what: str, name: str, ours: Callable[[], object], theirs: Callable[[], object], wanted: float, runs: int
) -> Figure:
    us, them = time_pair(ours, theirs, runs)
    gain = them.wall_ms / us.wall_ms
    goal = f"at least {wanted:g}x faster"
    return Figure(what, us.wall_ms, "ms", name, them.wall_ms, gain, goal, gain >= wanted)


def our_painter(size: int) -> Callable[[Frame], None]:
    """The canvas of the stack pane, painted at every new frame."""
    canvas = ImageCanvas()
    canvas.resize(size, size)
    canvas.levels = (0.0, 4000.0)
    canvas.show()
    QApplication.processEvents()

    def paint(frame: Frame) -> None:
        canvas.show_frame(frame)
        canvas.repaint()

    return paint


def pyqtgraph_painter(size: int, automatic: bool) -> Callable[[Frame], None]:
    """A new frame in an ImageItem, painted at once."""
    view = pg.GraphicsView()
    view.resize(size, size)
    box = pg.ViewBox()
    view.setCentralItem(box)
    item = pg.ImageItem(axisOrder="row-major", autoDownsample=automatic)
    box.addItem(item)
    view.show()
    fitted = False

    def paint(frame: Frame) -> None:
        nonlocal fitted
        item.setImage(frame, levels=(0, 4000))
        if not fitted:
            box.autoRange(padding=0)
            QApplication.processEvents()
            fitted = True
        view.viewport().repaint()

    return paint


# --- from a file ----------------------------------------------------------------------------------------------------


def from_file(side: int, size: int, runs: int) -> Figure:
    """Frames of an uncompressed HDF5 file in the disk cache: our importer and canvas, h5py and pyqtgraph."""
    import tempfile

    import h5py

    count = 6
    rng = np.random.default_rng(4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "movie.h5"
        with h5py.File(path, "w") as made:
            data = made.create_dataset("data", (count, side, side), np.uint16, chunks=(1, side, side))
            for index in range(count):
                data[index] = rng.integers(0, 4000, (side, side), dtype=np.uint16)
        ours = open_linked_array(path, "")
        with h5py.File(path) as theirs:
            show, show_theirs = our_painter(size), pyqtgraph_painter(size, False)
            mine, other = cycle(range(count)), cycle(range(count))
            return _faster(
                f"{side}² from a file to {size} px", "h5py and pyqtgraph", lambda: show(ours.read(next(mine))),
                lambda: show_theirs(theirs["data"][next(other)]), 3.0, runs,
            )  # fmt: skip
