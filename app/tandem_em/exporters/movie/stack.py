"""The stack in a movie: each frame between fixed levels, drift taken off, with outlines, scale bar and its own time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats
from tandem_em.core.scale_bar import bar_length_nm, length_text
from tandem_em.exporters.figures.data import Track
from tandem_em.exporters.movie.canvas import Bytes, Canvas, Rect
from tandem_em.exporters.movie.look import Colours, MovieSettings
from tandem_em.model.frames import FrameStack

OUTSIDE_DIMMED = 0.45


class StackPainter:
    """Paints the frame to show at t into its rectangle."""

    def __init__(
        self, stack: FrameStack, tracks: list[Track], settings: MovieSettings, colours: Colours, rect: Rect, unit: float
    ) -> None:  # fmt: skip
        self._stack, self._settings = stack, settings
        self._tracks = [each for each in tracks if each.visible and each.stack in ("", stack.id)]
        self._colours, self._unit = colours, unit
        self._frames, self._times = in_order(stack)
        usual = float(np.median(np.diff(self._times))) if len(self._times) > 1 else 1.0
        self._ends = (self._times[0], self._times[-1] + 1.5 * usual) if len(self._times) else (0.0, 0.0)
        _, height, width = stack.shape
        x, y, w, h = rect
        self._scale = min(w / width, h / height)
        shown = max(1, round(width * self._scale)), max(1, round(height * self._scale))
        self._place = round(x + (w - shown[0]) / 2), round(y + (h - shown[1]) / 2), *shown
        self._table = _levels(stack, self._frames)
        self._known: tuple[int, Bytes] | None = None

    def frame_at(self, t: float) -> int:
        """The newest frame that is not later than t."""
        at = int(np.searchsorted(self._times, t + 1e-9, side="right")) - 1
        return int(self._frames[max(at, 0)])

    def paint(self, canvas: Canvas, t: float) -> None:
        """Paints the frame of `t`, dimmed where `t` lies before or after the stack."""
        index = self.frame_at(t)
        picture = self._picture(index)
        outside = not self._ends[0] - 1e-6 <= t <= self._ends[1]
        x, y, _w, _h = self._place
        canvas.picture((picture * OUTSIDE_DIMMED).astype(np.uint8) if outside else picture, x, y)
        if self._settings.outlines:
            self._outlines(canvas, index)
        if self._settings.stamp:
            self._stamps(canvas, index, t, outside)

    def _picture(self, index: int) -> Bytes:
        if self._known is None or self._known[0] != index:
            try:
                grey = self._grey(self._stack.frame(index))
            except (
                UserError
            ):  # a frame nobody can read: the one before stays, its time stamp says which it is
                grey = self._known[1] if self._known is not None else self._blank()
            else:
                grey = self._placed(grey, self._stack.drift_at(index))
            self._known = index, grey
        return self._known[1]

    def _blank(self) -> Bytes:
        return np.full((self._place[3], self._place[2]), 24, np.uint8)

    def _grey(self, frame: NDArray[Any]) -> Bytes:
        if isinstance(self._table, tuple):
            low, high = self._table
            share = np.clip((frame.astype(np.float32) - low) * (255.0 / (high - low)), 0, 255)
            return np.nan_to_num(share).astype(np.uint8)
        return self._table[frame]

    def _placed(self, grey: Bytes, drift: tuple[float, float]) -> Bytes:
        """The part of the frame that lies where frame 0 lay, resampled to the pane."""
        from PIL import Image

        height, width = grey.shape
        _, _, w, h = self._place
        # one to one the pixels stay those of the camera: whole shifts only
        dx, dy = drift if self._scale != 1 else (round(drift[0]), round(drift[1]))
        left, right = _cut(dx, width, w)
        top, bottom = _cut(dy, height, h)
        out = self._blank()
        if right > left and bottom > top:
            per_x, per_y = width / w, height / h
            box = (dx + left * per_x, dy + top * per_y, dx + right * per_x, dy + bottom * per_y)
            # smaller: every camera pixel counts; larger: none is repeated
            how = Image.Resampling.BOX if self._scale < 1 else Image.Resampling.BILINEAR
            part = Image.fromarray(grey).resize((right - left, bottom - top), how, box)
            out[top:bottom, left:right] = np.asarray(part)
        return out

    def _outlines(self, canvas: Canvas, index: int) -> None:
        x, y, w, h = self._place
        clip = (float(x), float(y), float(w), float(h))
        for track in self._tracks:
            shape = track.polygons.get(index)
            if shape is None:
                continue
            # pixel centres lie at whole numbers, the canvas begins at their corner
            points = (shape - np.array(self._stack.drift_at(index)) + 0.5) * self._scale + (x, y)
            canvas.line(points, "#000000", 3.4 * self._unit, alpha=0.35, closed=True, clip=clip)
            canvas.line(points, track.colour, 1.8 * self._unit, closed=True, clip=clip)
            if self._settings.stamp:
                self._label(canvas, track, index, points, clip)

    def _label(self, canvas: Canvas, track: Track, index: int, points: Floats, clip: Rect) -> None:
        grown = 100 * (float(track.relative[index]) - 1)
        text = f"{track.name} {grown:+.0f} %".replace("-", "−") if np.isfinite(grown) else track.name
        size = 12.5 * self._unit
        wide = canvas.text_width(text, size, bold=True)
        left = float(points[:, 0].max()) + 5 * self._unit
        if left + wide > clip[0] + clip[2] - 4:
            left = float(points[:, 0].min()) - wide - 5 * self._unit
        canvas.text(left, float(points[:, 1].mean()), text, size, track.colour, bold=True, shadow="#000000")

    def _stamps(self, canvas: Canvas, index: int, t: float, outside: bool) -> None:
        x, y, w, h = self._place
        unit, size = self._unit, 15 * self._unit
        if np.isfinite(self._stack.t[index]):
            text = f"{self._stack.time_of(index):.2f} s".replace("-", "−")
            wide = canvas.text_width(text, size, bold=True)
            self._plate(canvas, x + w - wide - 16 * unit, y + 6 * unit, wide + 10 * unit, 22 * unit)
            canvas.text(x + w - 11 * unit, y + 22 * unit, text, size, "#ffffff", bold=True, align="right")
        if outside:
            text = "before the movie" if t < self._ends[0] else "after the movie"
            canvas.text(x + 10 * unit, y + 22 * unit, text, size, "#ffffff", shadow="#000000")
        pixel = self._stack.pixel_nm
        if pixel:
            length = bar_length_nm(w / self._scale * pixel)
            long = length / pixel * self._scale
            left, bottom = x + 14 * unit, y + h - 14 * unit
            text = length_text(length)
            wide = max(long, canvas.text_width(text, size, bold=True))
            middle = left + wide / 2
            self._plate(canvas, left - 6 * unit, bottom - 26 * unit, wide + 12 * unit, 33 * unit)
            canvas.box((middle - long / 2, bottom - 4 * unit, long, 4 * unit), "#ffffff")
            canvas.text(middle, bottom - 9 * unit, text, size, "#ffffff", bold=True, align="centre")

    def _plate(self, canvas: Canvas, x: float, y: float, wide: float, tall: float) -> None:
        """What makes white letters readable on any image."""
        canvas.box((x, y, wide, tall), "#000000", alpha=0.45, radius=3 * self._unit)


def in_order(stack: FrameStack) -> tuple[NDArray[np.intp], Floats]:
    """Frames with a time, by time; all of them, a second each, when none has one."""
    times = np.asarray(stack.t[: len(stack)], np.float64)
    if not np.isfinite(times).any():
        return np.arange(len(stack)), np.arange(len(stack), dtype=np.float64)
    order = np.argsort(times, kind="stable")[: int(np.isfinite(times).sum())]
    return order, times[order]


def _cut(shift: float, length: int, shown: int) -> tuple[int, int]:
    """First and last pixel of the pane that the shifted frame covers."""
    per = length / shown
    return max(0, int(np.ceil(-shift / per))), min(shown, int(np.floor((length - shift) / per)))


def _levels(stack: FrameStack, frames: NDArray[np.intp]) -> Bytes | tuple[float, float]:
    """Between percentiles of a few frames: a table for whole numbers of two bytes, else the two levels."""
    samples = []
    for index in frames[np.unique(np.linspace(0, len(frames) - 1, 7).astype(int))] if len(frames) else []:
        try:
            samples.append(stack.frame(int(index))[::3, ::3].ravel())
        except UserError:
            continue
    values = np.concatenate(samples) if samples else np.zeros(1)
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, high = np.percentile(values, [0.3, 99.7]) if values.size else (0.0, 1.0)
    high = max(float(high), float(low) + 1e-9)
    if stack.source.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        return float(low), high
    share = (np.arange(np.iinfo(stack.source.dtype).max + 1) - low) * (255.0 / (high - low))
    return np.clip(share, 0, 255).astype(np.uint8)
