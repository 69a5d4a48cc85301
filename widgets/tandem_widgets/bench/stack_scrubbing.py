"""Scrubbing through movies in the real window, under a watchdog that measures how long nothing else could run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEventLoop, QTimer

from tandem_em.core.benchmark import Figure
from tandem_em.desk.settings import Settings
from tandem_em.model.arrays import ArrayBase
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.session import Session
from tandem_em.storage.codec import compress
from tandem_widgets.panes.stack.pane import StackPane
from tandem_widgets.shell.application import make_window, settle

if TYPE_CHECKING:
    from tandem_widgets.shell.window.main_window import MainWindow

Frame = NDArray[np.uint16]
Reader = Callable[[int], Frame]
WATCHDOG_MS = 50.0
CURSOR_MS = 8
SLOW_DISK_S = 0.12


class Frames(ArrayBase):
    """A movie whose frames come from a function: from memory, unpacked, or late."""

    def __init__(self, read: Reader, count: int, side: int) -> None:
        super().__init__((count, side, side), np.uint16)
        self._read = read

    def read(self, index: Any) -> NDArray[Any]:
        """One frame, after as long as the slow disk takes."""
        return self._read(int(index))


def run(quick: bool) -> list[Figure]:
    """Uncompressed, as a session packs them, and from a disk that takes its time."""
    counts = (20, 10) if quick else (300, 40)
    plain, packed = _plain_reader(2048, 12), _packed_reader(2048, 12)
    figures = [
        _scrub("300 frames of 2048²", Frames(plain, counts[0], 2048)),
        _scrub("300 frames of 2048², gzip", Frames(packed, counts[0], 2048)),
        _scrub("300 frames of 2048², slow disk", Frames(_late(plain), counts[0], 2048)),
    ]
    plain, packed = _plain_reader(4096, 4), _packed_reader(4096, 4)
    return [
        *figures,
        _scrub("40 frames of 4096²", Frames(plain, counts[1], 4096)),
        _scrub("40 frames of 4096², gzip", Frames(packed, counts[1], 4096)),
        _scrub("40 frames of 4096², gzip, preview", Frames(packed, counts[1], 4096), _packed_reader(1024, 4)),
    ]


def _plain_reader(side: int, kept: int) -> Reader:
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 4000, (side, side), dtype=np.uint16) for _ in range(kept)]
    return lambda index: frames[index % kept].copy()


def _packed_reader(side: int, kept: int) -> Reader:
    """Frames as a session keeps them: gzip with byte shuffle, unpacked by the reader of sessions."""
    rng = np.random.default_rng(2)
    shape = (side, side)
    frames = [rng.poisson(40, shape).astype(np.uint16) for _ in range(kept)]
    chunks = [compress.pack(frame, (0, 0), shape, True) for frame in frames]

    def read(index: int) -> Frame:
        """One frame, after as long as the slow disk takes."""
        chunk = chunks[index % kept]
        plain = compress.unpack(bytes(chunk.content), np.dtype(np.uint16), chunk.plain_bytes, True, True)
        return np.asarray(plain.reshape(shape))

    return read


def _late(read: Reader) -> Reader:
    def late(index: int) -> Frame:
        time.sleep(SLOW_DISK_S)
        return read(index)

    return late


def _scrub(what: str, source: Frames, preview: Reader | None = None) -> Figure:
    """The longest the window stood still while the cursor ran through a movie (ms), beside the same window at rest."""
    import tempfile

    count = source.shape[0]
    session = Session("scrubbing")
    stack = FrameStack(name="movie", source=source, times=np.arange(count) / 25.0, times_from="file")
    session.stacks.add(stack)
    if preview is not None:
        session.previews.add(Preview(of_id=stack.id, source=Frames(preview, count, source.shape[1] // 4)))
    with tempfile.TemporaryDirectory() as folder:
        window, bridge = make_window(Settings(Path(folder) / "preferences.json"))
        window.resize(1600, 1000)
        window.show_session(session)
        window.show()
        settle(window)
        pane = window.docks.stack.widget()
        assert isinstance(pane, StackPane)
        idle = _longest_gap(count, lambda _index: None)
        before = pane.canvas.painted
        worst = _longest_gap(count, lambda index: setattr(session.focus, "t", stack.time_of(index)))
        shown = pane.canvas.painted - before
        _close(window)
        bridge.close()
    return Figure(
        f"scrubbing {what}", worst, "ms", "the window at rest", idle, goal=f"never over {WATCHDOG_MS:g} ms",
        met=worst <= WATCHDOG_MS, remark=f"painted {shown} times in {count} steps of {CURSOR_MS} ms",
    )  # fmt: skip


def _close(window: MainWindow) -> None:
    window.files.close()
    window.hide()
    window.docks.close_panes()
    window.services.runner.close()
    window.deleteLater()


def _longest_gap(count: int, go_to: Callable[[int], None]) -> float:
    """Call `go_to` with each number, one every few ms; a timer of 1 ms measures the gaps between its own calls (ms)."""
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
        go_to(at)
        at += 1

    watchdog, cursor = QTimer(), QTimer()
    watchdog.timeout.connect(tick)
    cursor.timeout.connect(step)
    watchdog.start(1)
    cursor.start(CURSOR_MS)
    last = time.perf_counter()
    loop.exec()
    watchdog.stop()
    cursor.stop()
    return max(gaps, default=0.0)
