"""A large frame to the screen beside a plain copy of it and pyqtgraph's ImageItem; and scrubbing under a watchdog."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.benchmark import Figure, time_pair

Frame = NDArray[np.uint16]
Reader = Callable[[int], Frame]
WIDGET_PX = (800, 1024, 1280, 1600)
WATCHDOG_MS = 50.0


def run(quick: bool = False) -> list[Figure]:
    """Painting of a 4096² frame at several widget sizes, then scrubbing."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PyQt6.QtWidgets import QApplication

    from tandem_widgets.parts import image_render

    app = QApplication.instance() or QApplication([])
    image_render.warm_up()
    side = 2048 if quick else 4096
    rng = np.random.default_rng(1)
    frame: Frame = rng.integers(0, 4000, (side, side), dtype=np.uint16)
    figures = []
    for size in WIDGET_PX[1:2] if quick else WIDGET_PX:
        figures += painting(frame, size, 3 if quick else 9)
    figures.append(from_file(side, 1024, 3 if quick else 9))
    figures.append(scrubbing(app, "300 frames of 2048²", 2048, 20 if quick else 300, compressed=False))
    if not quick:
        figures.append(scrubbing(app, "40 frames of 4096²", 4096, 40, compressed=False))
        figures.append(scrubbing(app, "300 frames of 2048², gzip", 2048, 300, compressed=True))
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
    from PyQt6.QtWidgets import QApplication

    from tandem_widgets.parts.image_canvas import ImageCanvas

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
    import pyqtgraph as pg
    from PyQt6.QtWidgets import QApplication

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
    from itertools import cycle
    from pathlib import Path

    import h5py

    from tandem_em.desk.files import open_linked_array

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


# --- scrubbing ------------------------------------------------------------------------------------------------------


def scrubbing(app: Any, what: str, side: int, count: int, *, compressed: bool) -> Figure:
    """The longest the event loop stood still while the cursor ran through a stack (ms), beside a loop with nothing to do."""
    read = (
        _packed_reader(side, min(count, 24)) if compressed else _plain_reader(side, 24 if side < 3000 else 6)
    )
    idle, _ = _scrub(app, None, count)
    worst, shown = _scrub(app, read, count)
    return Figure(
        f"scrubbing {what}", worst, "ms", "idle event loop", idle, goal=f"never over {WATCHDOG_MS:g} ms",
        met=worst <= WATCHDOG_MS, remark=f"{shown} of {count} frames shown",
    )  # fmt: skip


def _plain_reader(side: int, kept: int) -> Reader:
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 4000, (side, side), dtype=np.uint16) for _ in range(kept)]
    return lambda index: frames[index % kept].copy()


def _packed_reader(side: int, kept: int) -> Reader:
    """Frames as a session keeps them: gzip with byte shuffle, unpacked by the reader of sessions."""
    from tandem_em.storage import compress

    rng = np.random.default_rng(2)
    shape = (side, side)
    chunks = [
        compress.pack(rng.poisson(40, shape).astype(np.uint16), (0, 0), shape, True) for _ in range(kept)
    ]

    def read(index: int) -> Frame:
        chunk = chunks[index % kept]
        plain = compress.unpack(bytes(chunk.content), np.dtype(np.uint16), chunk.plain_bytes, True, True)
        return np.asarray(plain.reshape(shape))

    return read


def _nothing(_index: int) -> Frame:
    return np.zeros((1, 1), np.uint16)


def _scrub(app: Any, read: Reader | None, count: int) -> tuple[float, int]:
    """Move a cursor every 8 ms through the stack; a timer of 1 ms measures how long nothing else could run."""
    from PyQt6.QtCore import QEventLoop, QTimer

    from tandem_widgets.parts.bridge import Bridge
    from tandem_widgets.parts.frame_loader import FrameLoader
    from tandem_widgets.parts.image_canvas import ImageCanvas

    canvas = ImageCanvas()
    canvas.resize(1024, 1024)
    canvas.levels = (0.0, 4000.0)
    canvas.show()
    bridge = Bridge()
    shown = 0

    def show(frame: Frame) -> None:
        nonlocal shown
        shown += 1
        canvas.show_frame(frame)

    reading: Callable[[int], NDArray[Any]] = _nothing if read is None else read
    loader = FrameLoader(
        reading,
        lambda: count,
        lambda _index, frame: bridge.post(lambda: show(frame)),
        lambda _index, _error: None,
    )
    gaps: list[float] = []
    last = time.perf_counter()
    at = 0
    loop = QEventLoop()

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append((now - last) * 1e3)
        last = now

    def step() -> None:
        nonlocal at
        if at >= count:
            loop.quit()
            return
        found = loader.want(at) if read is not None else None
        if found is not None:
            show(found)
        at += 1

    watchdog, cursor = QTimer(), QTimer()
    watchdog.timeout.connect(tick)
    cursor.timeout.connect(step)
    app.processEvents()
    last = time.perf_counter()
    watchdog.start(1)
    cursor.start(8)
    loop.exec()
    watchdog.stop()
    cursor.stop()
    bridge.close()
    loader.close(wait_s=5.0)
    canvas.close()
    return max(gaps, default=0.0), shown
