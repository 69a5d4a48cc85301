"""A large frame to the screen beside a plain copy of it and pyqtgraph's ImageItem; and scrubbing under a watchdog."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.benchmark import Figure, time_pair

Frame = NDArray[np.uint16]
Reader = Callable[[int], Frame]
SIZES = (800, 1024, 1600)
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
    for size in SIZES[1:2] if quick else SIZES:
        figures += painting(frame, size, 3 if quick else 9)
    figures.append(scrubbing(app, "300 frames of 2048²", 2048, 20 if quick else 300, compressed=False))
    if not quick:
        figures.append(scrubbing(app, "40 frames of 4096²", 4096, 40, compressed=False))
        figures.append(scrubbing(app, "300 frames of 2048², gzip", 2048, 300, compressed=True))
    return figures


def painting(frame: Frame, size: int, runs: int) -> list[Figure]:
    """Our canvas against memcpy and both ways of pyqtgraph, in turn."""
    side = frame.shape[0]
    target = np.empty_like(frame)

    def copy() -> None:
        np.copyto(target, frame)

    ours = our_painter(frame, size)
    us, plain = time_pair(ours, copy, runs)
    what = f"{side}² uint16 to {size} px"
    ratio = us.wall_ms / plain.wall_ms
    figures = [
        Figure(
            what,
            us.wall_ms,
            "ms",
            "memcpy of the frame",
            plain.wall_ms,
            ratio,
            "at most 2.5x memcpy",
            ratio <= 2.5,
        )
    ]
    for name, automatic, wanted in (
        ("pyqtgraph autoDownsample", True, 50.0),
        ("pyqtgraph skipping pixels", False, 2.5),
    ):
        theirs = pyqtgraph_painter(frame, size, automatic)
        us, them = time_pair(ours, theirs, max(2, runs // 3))
        gain = them.wall_ms / us.wall_ms
        figures.append(
            Figure(
                what,
                us.wall_ms,
                "ms",
                name,
                them.wall_ms,
                gain,
                f"at least {wanted:g}x faster",
                gain >= wanted,
            )
        )
    return figures


def our_painter(frame: Frame, size: int) -> Callable[[], None]:
    """render and drawImage, as the canvas does at every new frame."""
    from PyQt6.QtGui import QImage, QPainter

    from tandem_widgets.parts import image_render

    side = frame.shape[0]
    screen = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    view = image_render.fitting(side, side, size, size)
    table = image_render.colour_table()

    def paint() -> None:
        pixels = image_render.render(frame, view, size, size, (0.0, 4000.0), table)
        image = QImage(pixels.data, size, size, 4 * size, QImage.Format.Format_ARGB32_Premultiplied)  # type: ignore[call-overload]
        painter = QPainter(screen)
        painter.drawImage(0, 0, image)
        painter.end()

    return paint


def pyqtgraph_painter(frame: Frame, size: int, automatic: bool) -> Callable[[], None]:
    """A new frame in an ImageItem, painted at once."""
    import pyqtgraph as pg

    view = pg.GraphicsView()
    view.resize(size, size)
    box = pg.ViewBox()
    view.setCentralItem(box)
    item = pg.ImageItem(axisOrder="row-major", autoDownsample=automatic)
    box.addItem(item)
    item.setImage(frame, levels=(0, 4000))
    box.autoRange(padding=0)
    view.show()
    view.grab()

    def paint() -> None:
        item.setImage(frame, autoLevels=False)
        view.viewport().grab()

    return paint


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
