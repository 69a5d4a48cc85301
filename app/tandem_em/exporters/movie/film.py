"""The movie: stack, maps and lanes in step, frame by frame into an MP4 (H.264) with a constant rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray, Floats
from tandem_em.core.texts import counted
from tandem_em.exporters.figures.data import Picture
from tandem_em.exporters.movie.canvas import Canvas, Rect
from tandem_em.exporters.movie.lanes import LanesPainter
from tandem_em.exporters.movie.look import DARK, LIGHT, MovieSettings, Pane, places
from tandem_em.exporters.movie.maps import MapsPainter
from tandem_em.exporters.movie.stack import StackPainter, in_order
from tandem_em.exporters.replacing import replacing
from tandem_em.model.frames import FrameStack

if TYPE_CHECKING:
    from av.container import OutputContainer

ABOUT_S = 20.0
MOST_FRAMES = 200_000
AHEAD = 3
"""Pictures that may wait for the encoder."""
Read = Callable[[float], list[str]]
"""What every stream says at a session second, as short texts for the header."""


class Scene:
    """Everything of the movie that does not change, ready to paint any moment."""

    def __init__(self, found: Picture, stack: FrameStack | None, settings: MovieSettings, read: Read) -> None:
        self.found, self.stack, self.settings, self._read = found, stack, settings, read
        self.panes = available(found, stack, settings)
        self.span = settings.span or default_span(found, stack, self.panes)
        self.size = self._size()
        self.colours = LIGHT if settings.light else DARK
        # everything is laid out for 720 lines and scaled from there
        self._unit = self.size[1] / 720
        self._alone = self.panes == ("stack",)
        self._ground = Canvas(*self.size)
        self._painters = self._make()
        # painted once: only what changes is drawn for each frame
        self._ground_painted()

    def _size(self) -> tuple[int, int]:
        """Even numbers: the encoder halves the colour."""
        size = self.settings.size
        if size is None and self.stack is not None:
            size = self.stack.shape[2], self.stack.shape[1]
        width, height = size or (1280, 720)
        # yuv420p halves the colours both ways: odd sides cannot be encoded
        return max(2, width - width % 2), max(2, height - height % 2)

    def times(self) -> Floats:
        """The session seconds of every frame of the movie."""
        low, high = self.span
        if self.settings.every_frame and self.stack is not None:
            times = in_order(self.stack)[1]
            return times[(times >= low - 1e-9) & (times <= high + 1e-9)]
        step = self.speed / self.settings.rate
        # a hair more, or rounding would lose the last frame
        count = int(np.floor((high - low) / step + 1e-9)) + 1
        if count > MOST_FRAMES:
            raise UserError(
                f"That would be a movie of {counted(count, 'frame')}.",
                "Choose a higher speed or a shorter time range.",
            )
        return np.asarray(low + step * np.arange(count))

    @property
    def speed(self) -> float:
        """Session seconds per second of the movie; chosen, or such that it lasts about `ABOUT_S`."""
        low, high = self.span
        return self.settings.speed or max((high - low) / ABOUT_S, 1e-6)

    def _make(self) -> list[Any]:
        settings, unit = self.settings, self._unit
        if self._alone:
            assert self.stack is not None
            rect = (0.0, 0.0, float(self.size[0]), float(self.size[1]))
            if settings.size is None:  # one to one; an odd last row or column is cut
                rect = (0.0, 0.0, float(self.stack.shape[2]), float(self.stack.shape[1]))
            return [StackPainter(self.stack, self.found.tracks, settings, self.colours, rect, unit)]
        _, height, width = self.stack.shape if self.stack is not None else (0, 1, 1)
        self._rects: dict[Pane, Rect] = places(self.panes, self.size, width / height, unit)
        painters: list[Any] = []
        for pane, rect in self._rects.items():
            if pane == "stack" and self.stack is not None:
                x, y, w, h = rect
                inner = (x + 1, y + 28 * unit, w - 2, h - 29 * unit)
                painters.append(
                    StackPainter(self.stack, self.found.tracks, settings, self.colours, inner, unit)
                )
            elif pane == "eels":
                painters.append(MapsPainter(self.found, self.colours, rect, unit))
            elif pane == "biasing":
                painters.append(LanesPainter(self.found, self.span, self.colours, rect, unit))
        return painters

    def _ground_painted(self) -> None:
        canvas, c, unit = self._ground, self.colours, self._unit
        canvas.fill(c.window)
        if self._alone:
            return
        x = 12 * unit
        x += (
            canvas.text(x, 25 * unit, self.found.title or "session", 14 * unit, c.text, bold=True) + 14 * unit
        )
        if self.found.simulated and "simulated" not in self.found.title.lower():
            canvas.dot(x + 4 * unit, 20 * unit, 4 * unit, c.mark, c.window)
            canvas.text(x + 13 * unit, 25 * unit, "simulated", 12.5 * unit, c.mark, bold=True)
        if "stack" in self._rects and self.stack is not None:
            x, y, w, h = self._rects["stack"]
            canvas.box((x, y, w, h), c.pane, radius=5 * unit)
            wide = canvas.text(x + 10 * unit, y + 19 * unit, "Image stack", 12.5 * unit, c.text, bold=True)
            canvas.text(x + 22 * unit + wide, y + 19 * unit, self.stack.name, 11 * unit, c.quiet)

    def paint(self, canvas: Canvas, t: float) -> None:
        """Paints the moment `t` (session seconds) over whatever the canvas held."""
        np.copyto(canvas.pixels, self._ground.pixels)
        for painter in self._painters:
            painter.paint(canvas, t)
        unit = self._unit
        if not self._alone:
            text = "  ·  ".join(self._read(t))
            canvas.text(
                self.size[0] - 14 * unit,
                25 * unit,
                text,
                14 * unit,
                self.colours.text,
                bold=True,
                align="right",
            )
        elif self.found.simulated and self.settings.stamp:
            canvas.text(
                self.size[0] - 10 * unit,
                self.size[1] - 12 * unit,
                "simulated",
                13 * unit,
                "#ffffff",
                align="right",
                shadow="#000000",
            )


def _has(found: Picture, stack: FrameStack | None) -> dict[Pane, bool]:
    has_stack = stack is not None and len(stack) > 0
    return {"stack": has_stack, "eels": bool(found.maps), "biasing": bool(found.lanes)}


def can_film(found: Picture, stack: FrameStack | None, settings: MovieSettings) -> bool:
    """Whether any of the chosen panes has something to show; else there is no movie to be made."""
    has = _has(found, stack)
    return any(has[pane] for pane in settings.panes)


def available(found: Picture, stack: FrameStack | None, settings: MovieSettings) -> tuple[Pane, ...]:
    """The wanted panes there are data for."""
    if not can_film(found, stack, settings):
        raise UserError("There are no data for a movie.", "It needs a stack, element maps or biasing curves.")
    has = _has(found, stack)
    return tuple(pane for pane in settings.panes if has[pane])


def default_span(found: Picture, stack: FrameStack | None, panes: tuple[Pane, ...]) -> tuple[float, float]:
    """The stack and the maps recorded around it; without a stack all that is known."""
    if stack is not None and "stack" in panes:
        times = in_order(stack)[1]
        low, high = float(times[0]), float(times[-1])
        if "eels" in panes:
            # maps that are far from the movie in time would make most of it a still
            length = max(high - low, 1e-9)
            near = [b for b in found.bands if b.start <= high + length and b.end >= low - length]
            low, high = min([low, *(b.start for b in near)]), max([high, *(b.end for b in near)])
    else:
        low, high = found.span or (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


class _File:
    """A file for the encoder, which says only that writing failed: this keeps why."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None
        self.seek, self.tell = file.seek, file.tell

    def write(self, part: bytes) -> int:
        try:
            return self._file.write(part)
        except OSError as error:
            self.error = error
            raise


@contextmanager
def _encoder(path: Path, size: tuple[int, int], rate: int) -> Iterator[Callable[[AnyArray], None]]:
    """Takes pictures (height, width, 4) one after the other. They are packed in a thread while the next is painted."""
    import av

    with path.open("wb") as raw:
        file = _File(raw)
        try:
            with av.open(file, "w", format="mp4") as container, ThreadPoolExecutor(1) as packer:
                yield from _packing(container, packer, size, rate)
        except av.error.FFmpegError as error:
            # FFmpeg only says that writing failed; the file knows why (disk full)
            raise file.error or OSError(str(error)) from error


def _packing(
    container: OutputContainer, packer: ThreadPoolExecutor, size: tuple[int, int], rate: int
) -> Iterator[Callable[[AnyArray], None]]:
    import av

    stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "21"})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    # MPEG range
    stream.codec_context.color_range = 1
    for name in ("colorspace", "color_primaries", "color_trc"):
        setattr(stream.codec_context, name, 1)  # BT.709, as players expect of this size
    waiting: deque[Future[None]] = deque()
    numbers = count()

    def pack(number: int, pixels: AnyArray) -> None:
        frame = av.VideoFrame.from_ndarray(pixels, format="rgba")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts = number
        container.mux(stream.encode(frame))

    def put(pixels: AnyArray) -> None:
        waiting.append(packer.submit(pack, next(numbers), pixels))
        # no more frames in memory than this when encoding is slower than painting
        if len(waiting) > AHEAD:
            waiting.popleft().result()

    try:
        yield put
        while waiting:
            waiting.popleft().result()
        container.mux(stream.encode())
    finally:
        # before the container closes under a frame that is still being packed
        packer.shutdown(wait=True, cancel_futures=True)


def write_movie(
    path: Path, found: Picture, stack: FrameStack | None, settings: MovieSettings, read: Read
) -> Job[Path]:  # fmt: skip
    """Write the movie; the file is there whole at the end or not at all."""
    yield Progress(0, 0, "Preparing the movie")
    scene = Scene(found, stack, settings, read)
    times = scene.times()
    if not len(times):
        raise UserError("The chosen time range contains no frame.", "Choose a longer time range.")
    canvas = Canvas(*scene.size)
    with replacing(path) as temporary, _encoder(temporary, scene.size, settings.rate) as put:
        for number, t in enumerate(times):
            yield Progress(number, len(times), "Rendering")
            scene.paint(canvas, float(t))
            # the canvas is painted over while the frame is being packed
            put(canvas.pixels.copy())
    return path


@dataclass(frozen=True)
class Still:
    """One frame of the movie as it would be, and what the whole would be."""

    pixels: AnyArray
    """(height, width, 4)"""
    frames: int
    seconds: float
    span: tuple[float, float]
    panes: tuple[Pane, ...]


def still(found: Picture, stack: FrameStack | None, settings: MovieSettings, read: Read, t: float) -> Still:
    """For a preview."""
    scene = Scene(found, stack, settings, read)
    canvas = Canvas(*scene.size)
    scene.paint(canvas, min(max(t, scene.span[0]), scene.span[1]))
    frames = len(scene.times())
    return Still(canvas.pixels.copy(), frames, frames / settings.rate, scene.span, scene.panes)
