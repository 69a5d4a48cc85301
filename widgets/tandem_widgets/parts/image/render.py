"""From a frame and a view to the pixels of the screen, with numba once it is warm and with numpy until then."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.desk import compiled

TABLE_STEPS = 1024
BLANK = np.uint32(0x00000000)
STRIPES = 8
MANY_PIXELS = 1 / 200
"""Zoomed out as far as this, a pixel of the screen is the mean of tens of thousands."""


@dataclass(frozen=True)
class View:
    """Which part of an image is seen: image point (x, y) at the middle, screen pixels per image pixel."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0

    def to_screen(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """An image point in pixels of a widget of this size; whole numbers are pixel centres."""
        return (x - self.x) * self.zoom + width / 2, (y - self.y) * self.zoom + height / 2

    def to_image(self, sx: float, sy: float, width: float, height: float) -> tuple[float, float]:
        """The image point under a place of a widget of this size."""
        return (sx - width / 2) / self.zoom + self.x, (sy - height / 2) / self.zoom + self.y

    def zoomed(self, factor: float, sx: float, sy: float, width: float, height: float) -> View:
        """Zoom about a screen point: what is under the pointer stays there."""
        x, y = self.to_image(sx, sy, width, height)
        zoom = min(max(self.zoom * factor, 1e-3), 64.0)
        return View(x - (sx - width / 2) / zoom, y - (sy - height / 2) / zoom, zoom)

    def moved(self, dx: float, dy: float) -> View:
        """Moved by screen pixels, as a hand moves paper."""
        return replace(self, x=self.x - dx / self.zoom, y=self.y - dy / self.zoom)


def fitting(image_width: int, image_height: int, width: int, height: int, *, fill: bool = False) -> View:
    """The whole image in the middle; `fill` covers the widget instead."""
    ratios = width / max(image_width, 1), height / max(image_height, 1)
    return View((image_width - 1) / 2, (image_height - 1) / 2, (max if fill else min)(ratios))


def colour_table(
    colours: NDArray[np.uint8] | None = None, gamma: float = 1.0, *, invert: bool = False
) -> NDArray[np.uint32]:
    """TABLE_STEPS + 1 ARGB values; colours (n, 3) default to grey."""
    position = np.linspace(0.0, 1.0, TABLE_STEPS + 1) ** gamma
    if invert:
        position = 1.0 - position
    source = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1) if colours is None else colours
    rgb = source[np.round(position * (len(source) - 1)).astype(int)].astype(np.uint32)
    table: NDArray[np.uint32] = np.uint32(0xFF000000) | (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]
    return table


USUAL = tuple(np.dtype(kind) for kind in (np.uint8, np.uint16, np.float32))
"""Pixel types that have kernels of their own; others are made float32 first."""
_kernels: Any = None
_ready: frozenset[np.dtype[Any]] = frozenset()
_begun: set[np.dtype[Any]] = set()


def warm_up(pixels: DTypeLike = np.uint16) -> Job[None]:
    """Load the kernels and compile them for one type of pixels; run it in a worker.

    Where that has begun already nobody waits for it: it takes seconds once in an environment, and threads are few.
    """
    global _kernels, _ready
    wanted = np.dtype(pixels)
    wanted = wanted if wanted in USUAL else np.dtype(np.float32)
    yield Progress(0, 0, "Preparing")
    if wanted in _begun:
        return
    _begun.add(wanted)
    try:
        from tandem_widgets.parts.image import kernels as image_kernels

        compiled.ahead("image", [image_kernels.shrink, image_kernels.magnify])
        frame, out = np.zeros((8, 8), wanted), np.empty((4, 4), np.uint32)
        # one of each kernel
        for zoom in (0.5, 2.0):
            _run(image_kernels, frame, View(3.5, 3.5, zoom), out, (0.0, 1.0), colour_table())
    except BaseException:
        # cancelled or failed: the next one may try again
        _begun.discard(wanted)
        raise
    # at the very end: the GUI thread paints with numpy until it sees them
    _kernels, _ready = image_kernels, _ready | {wanted}


def types_ready() -> frozenset[np.dtype[Any]]:
    """The types of pixels whose kernels are ready; numpy does the work until then."""
    return _ready


def render(
    frame: NDArray[Any],
    view: View,
    width: int,
    height: int,
    levels: tuple[float, float],
    table: NDArray[np.uint32],
    into: NDArray[np.uint32] | None = None,
) -> NDArray[np.uint32]:
    """ARGB pixels (height, width) of the part of the frame that `view` shows; nothing outside the frame.

    `into`: the pixels of an earlier call, to be overwritten. New memory costs as much as filling it.
    """
    if into is None or into.shape != (height, width):
        into = np.empty((height, width), np.uint32)
    kernels, frame = _prepared(frame, view.zoom)
    _run(kernels, frame, view, into, levels, table)
    return into


def _prepared(frame: NDArray[Any], zoom: float) -> tuple[Any, NDArray[Any]]:
    """The kernels, and the frame as something they are compiled for: compiling would stop the window for seconds."""
    if not _ready:
        return None, frame
    many = frame.dtype.kind in "ui" and zoom <= MANY_PIXELS  # sums of so many do not fit into 32 bits
    if frame.dtype not in _ready or many:
        frame = frame.astype(np.float32)
    if frame.dtype not in _ready:
        return None, frame
    plain = frame.flags.c_contiguous and frame.flags.writeable and frame.flags.aligned
    # another layout is another type to numba
    return _kernels, frame if plain else frame.copy()


def _edges(middle: float, zoom: float, count: int, limit: int) -> NDArray[np.int64]:
    """Pixel edges of the screen in whole image pixels, held inside the image."""
    screen = (np.arange(count + 1) - count / 2) / zoom + middle + 0.5
    # 1e-9: an edge that is on a pixel's edge but for rounding stays there
    return np.clip(np.floor(screen + 1e-9), 0, limit).astype(np.int64)


def _rounded(columns: NDArray[np.int64], zoom: float, limit: int) -> NDArray[np.int64]:
    """Strongly shrunk: edges on even pixels (or every fourth). No pixel is lost, and none lies off by half a screen pixel."""
    step = 4 if zoom <= 1 / 8 else 2 if zoom <= 1 / 4 else 1
    if step == 1:
        return columns
    return np.where(columns >= limit, limit, (columns + step // 2) // step * step).clip(0, limit)


def _shrink_fast(
    kernels: Any,
    frame: NDArray[Any],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    low: float,
    scale: float,
    table: NDArray[np.uint32],
    zero: Any,
    out: NDArray[np.uint32],
) -> None:
    seen = np.flatnonzero(np.diff(columns))
    first, last = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, 0)
    out[:, :first] = out[:, last:] = BLANK
    if last > first:
        part = columns[first : last + 1]
        group = _group(part)
        left = part[0]
        edges = ((part - left + group - 1) // group).astype(np.uint32)
        weights = (1 / np.diff(part)).astype(np.float32)
        least, extra = _widths(edges)
        kernels.shrink(
            frame, rows, int(left), int(part[-1]), edges, least, extra, weights, group, zero, np.float32(low),
            np.float32(scale), table, out, first, BLANK, STRIPES,
        )  # fmt: skip


def _widths(edges: NDArray[np.uint32]) -> tuple[int, NDArray[np.uint32]]:
    """The width of the narrower boxes, and for the wider ones (one more) where that lies: see `_add_boxes`."""
    widths = np.diff(edges)
    least = int(widths.min())
    if least > 3 or int(widths.max()) > least + 1:
        return 0, edges[:-1]
    return least, np.where(widths > least, edges[:-1] + least, edges[-1]).astype(np.uint32)


def _group(columns: NDArray[np.int64]) -> int:
    inner = columns[:-1]
    if not (inner % 4).any():
        return 4
    return 2 if not (inner % 2).any() else 1


def _zero(dtype: np.dtype[Any]) -> Any:
    """Sums of small integers stay exact in 32 bits; everything else is summed as float32."""
    return np.int32(0) if dtype.kind in "ui" and dtype.itemsize <= 2 else np.float32(0)


def _run(
    kernels: Any,
    frame: NDArray[Any],
    view: View,
    out: NDArray[np.uint32],
    levels: tuple[float, float],
    table: NDArray[np.uint32],
) -> None:
    low, high = float(levels[0]), float(levels[1])
    # levels may coincide
    scale = (len(table) - 1) / max(high - low, 1e-12)
    height, width = out.shape
    rows_all, columns_all = frame.shape
    if view.zoom < 1:
        columns = _rounded(_edges(view.x, view.zoom, width, columns_all), view.zoom, columns_all)
        rows = _edges(view.y, view.zoom, height, rows_all)
        if kernels is None:
            out[:] = _shrink_numpy(frame, columns, rows, low, scale, table)
        else:
            zero = _zero(frame.dtype)
            _shrink_fast(kernels, frame, columns, rows, low, scale, table, zero, out)
        return
    x = np.floor((np.arange(width) + 0.5 - width / 2) / view.zoom + view.x + 0.5).astype(np.int64)
    y = np.floor((np.arange(height) + 0.5 - height / 2) / view.zoom + view.y + 0.5).astype(np.int64)
    if kernels is None:
        out[:] = _magnify_numpy(frame, x, y, low, scale, table)
    else:
        kernels.magnify(frame, x, y, low, scale, table, out, BLANK)


def _look_up(values: NDArray[Any], low: float, scale: float, table: NDArray[np.uint32]) -> NDArray[np.uint32]:
    place = (values.astype(np.float32) - low) * scale
    good = np.isfinite(place)
    index = np.clip(np.where(good, place, 0), 0, len(table) - 1).astype(np.intp)
    return np.where(good, table[index], BLANK)


def _shrink_numpy(
    frame: NDArray[Any],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    low: float,
    scale: float,
    table: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    out = np.full((len(rows) - 1, len(columns) - 1), BLANK, np.uint32)
    # reduceat gives a sample for an empty range: only ranges with pixels
    across, down = np.flatnonzero(np.diff(columns)), np.flatnonzero(np.diff(rows))
    if not len(across) or not len(down):
        return out
    part = frame[: rows[-1], : columns[-1]].astype(np.float32)
    sums = np.add.reduceat(np.add.reduceat(part, columns[across], axis=1), rows[down], axis=0)
    counts = np.diff(rows)[down][:, None] * np.diff(columns)[across][None, :]
    out[np.ix_(down, across)] = _look_up(sums / counts, low, scale, table)
    return out


def _magnify_numpy(
    frame: NDArray[Any],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    low: float,
    scale: float,
    table: NDArray[np.uint32],
) -> NDArray[np.uint32]:
    inside = ((y >= 0) & (y < frame.shape[0]))[:, None] & ((x >= 0) & (x < frame.shape[1]))[None, :]
    picked = frame[np.clip(y, 0, frame.shape[0] - 1)][:, np.clip(x, 0, frame.shape[1] - 1)]
    return np.where(inside, _look_up(picked, low, scale, table), BLANK)


def auto_levels(frame: NDArray[Any], percent: float = 0.2) -> tuple[float, float]:
    """Levels that leave `percent` of the pixels dark and bright; from a sample of about 100 000 of them."""
    step = max(1, math.isqrt(frame.size // 100_000))
    sample = np.asarray(frame[::step, ::step], np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = np.percentile(sample, [percent, 100 - percent])
    # flat but for a few pixels: show these
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    return float(low), float(high if high > low else low + 1.0)
