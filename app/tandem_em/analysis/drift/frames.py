"""Frames made small and flat for the drift estimate: block means without hot pixels, illumination divided out."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import Floats

ReadFrame = Callable[[int], NDArray[np.generic]]
Region = tuple[int, int, int, int]
BINNED_SIDE = 512
STACK_BYTES = 500e6
CONTRAST = 0.8  # range of relative contrast that is kept
USUAL_CONTRAST = 0.5  # stronger contrast is cut off
NEEDLE_SHARE = 0.7  # of the darkest contrast: a needle is that dark and comes from outside the frame
NEEDLE_RIM = 5  # blocks, dilation
SURROUNDINGS = 0.1  # of the side of a frame
COARSE = 4  # bins a side, of a block
BLANK_LEVEL = 0.3  # of the usual brightness


@dataclass(frozen=True)
class SmallFrames:
    """All frames as relative contrast in bins of `side` pixels, one byte each, and their brightness."""

    stack: NDArray[np.uint8]
    levels: Floats
    side: int
    hides_needles: bool = True

    def image(self, frame: int) -> NDArray[np.float32]:
        """Contrast of a frame relative to its illumination."""
        image = (self.stack[frame].astype(np.float32) - 127) * np.float32(CONTRAST / 127)
        return np.asarray(np.clip(image, -USUAL_CONTRAST, USUAL_CONTRAST))

    def without_needle(self, frame: int) -> NDArray[np.float32] | np.float32:
        """Weight that hides what is as dark as anything and reaches in from outside the frame; it moves by itself."""
        from scipy.ndimage import gaussian_filter, label, maximum_filter

        if not self.hides_needles:
            return np.float32(1)
        dark = self._coarse(frame) < NEEDLE_SHARE * self._darkest
        if not dark.any():
            return np.float32(1)
        parts, _ = label(dark)
        hidden = np.isin(parts, _reaching_in(parts))
        # more than half of the frame is no needle
        if not hidden.any() or hidden.mean() > 0.5:
            return np.float32(1)
        soft = gaussian_filter(maximum_filter(hidden.astype(np.float32), NEEDLE_RIM), 1.0)
        whole = np.pad(
            soft.repeat(COARSE, axis=0).repeat(COARSE, axis=1),
            ((0, COARSE - 1), (0, COARSE - 1)),
            mode="edge",
        )
        return np.asarray(1 - whole[: self.stack.shape[1], : self.stack.shape[2]], np.float32)

    def _coarse(self, frame: int) -> NDArray[np.float32]:
        """A frame's contrast in blocks, a little smoothed."""
        from scipy.ndimage import gaussian_filter

        rows, columns = (n // COARSE for n in self.stack.shape[1:])
        blocks = self.stack[frame, : rows * COARSE, : columns * COARSE].reshape(rows, COARSE, columns, COARSE)
        coarse = (blocks.mean(axis=(1, 3), dtype=np.float32) - 127) * np.float32(CONTRAST / 127)
        return np.asarray(gaussian_filter(coarse, 0.7))

    @cached_property
    def _darkest(self) -> float:
        """Contrast of the darkest thing in the movie; how dark a needle is depends on the offset of the camera."""
        seen = np.flatnonzero(self.seen)
        # twenty frames tell how dark the movie gets
        sample = seen[:: max(1, len(seen) // 20)]
        return min((float(np.quantile(self._coarse(int(k)), 0.004)) for k in sample), default=-1.0)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Frames with beam. The camera offset is the darkest frame when that stands far below the rest."""
        usual, darkest = float(np.median(self.levels)), float(self.levels.min())
        limit = max(BLANK_LEVEL * usual, darkest + 0.15 * (usual - darkest) if darkest < 0.7 * usual else 0.0)
        return np.asarray(self.levels >= limit)


def _reaching_in(parts: NDArray[np.integer]) -> list[int]:
    """Labels of the parts that come in from outside and end in the frame; a layer that crosses it is the sample."""
    top, bottom, left, right = (
        set(side.tolist()) for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1])
    )
    return sorted((top | bottom | left | right) - (top & bottom) - (left & right) - {0})


def around(image: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Brightness of the wider surroundings; less it, a mask has no edge of its own that would move with the needle."""
    from scipy.ndimage import gaussian_filter, zoom

    over = [(0, -n % COARSE) for n in image.shape]
    total, mass = (
        np.pad(a, over).reshape(-1, COARSE, (image.shape[1] + over[1][1]) // COARSE, COARSE).sum(axis=(1, 3))
        for a in (image * weight, weight)
    )
    sigma = SURROUNDINGS * min(total.shape)
    smooth = gaussian_filter(total, sigma) / (gaussian_filter(mass, sigma) + 1e-3)
    wide = zoom(smooth, COARSE, order=1, grid_mode=True, mode="nearest")
    return np.asarray(wide[: image.shape[0], : image.shape[1]], np.float32)


def read_small(read_frame: ReadFrame, n_frames: int, region: Region | None, share: float) -> Job[SmallFrames]:
    """Read the whole movie once; reading is done here, the arithmetic on a second core. `share` of the progress."""
    first = np.asarray(read_frame(0))
    x0, y0, x1, y1 = region or (0, 0, first.shape[1], first.shape[0])
    if min(x1 - x0, y1 - y0) < 16:
        raise UserError(
            "The region for the drift is too small.", "Choose a region of at least 16 × 16 pixels."
        )
    side = bin_side(y1 - y0, x1 - x0, n_frames)
    stack = np.zeros((n_frames, (y1 - y0) // side, (x1 - x0) // side), np.uint8)
    levels = np.zeros(n_frames)

    def fill(number: int, frame: NDArray[np.generic]) -> None:
        stack[number], levels[number] = prepare(frame, (x0, y0, x1, y1), side)

    with ThreadPoolExecutor(1) as pool:
        # one frame is prepared while the next one is read; no more are kept in memory
        waiting = pool.submit(fill, 0, first)
        for number in range(1, n_frames):
            frame = np.asarray(read_frame(number))
            waiting.result()
            waiting = pool.submit(fill, number, frame)
            yield Progress(share * number, n_frames, "Reading frames")
        waiting.result()
    return SmallFrames(stack, levels, side)


def bin_side(rows: int, columns: int, n_frames: int) -> int:
    """Pixels per bin: about 512 bins across, fewer for long movies."""
    # bins up to a quarter finer than asked for are left so
    wanted = math.ceil(min(rows, columns) / (1.25 * BINNED_SIDE))
    affordable = math.ceil(math.sqrt(rows * columns * n_frames / STACK_BYTES))
    # memory never takes the frame below 64 bins
    return max(1, wanted, min(affordable, min(rows, columns) // 64))


def prepare(frame: NDArray[np.generic], region: Region, side: int) -> tuple[NDArray[np.uint8], float]:
    """One frame as relative contrast in bins of `side` pixels, and its brightness."""
    from tandem_em.analysis.drift import kernels

    x0, y0, x1, y1 = region
    # one pixel in 49 tells the spread as well
    sample = np.asarray(frame[y0:y1:7, x0:x1:7], float)
    spread = float(np.median(np.abs(sample - np.median(sample)))) * 1.4826
    # the compiled loops take native numbers only
    if frame.dtype.kind not in "uif" or not frame.dtype.isnative:
        frame = np.asarray(frame, np.float32)
    binned = kernels.block_means(frame, x0, y0, x1, y1, side, 6 * spread + 1)
    rows, columns = binned.shape
    background = _illumination(binned, max(2, min(8, rows // 32)), max(2, min(8, columns // 32)))
    return kernels.flatten_to_bytes(binned, background, CONTRAST), float(np.median(binned[::3, ::3]))


def _illumination(binned: NDArray[np.float32], ny: int, nx: int) -> Floats:
    """Brightness without the objects as a smooth bowl on a coarse grid, robust against dark objects."""
    rows, columns = binned.shape
    tall, wide = rows // ny, columns // nx
    blocks = binned[: ny * tall, : nx * wide].reshape(ny, tall, nx, wide).swapaxes(1, 2).reshape(ny * nx, -1)
    # rather bright: particles are darker than the light that is looked for
    level = np.quantile(blocks[:, :: max(1, blocks.shape[1] // 400)], 0.6, axis=1)
    y, x = (a.ravel() for a in np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij"))
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)[:, : 6 if ny * nx > 16 else 3]
    weight, fit = np.ones_like(level), level
    for _ in range(5):
        fit = terms @ np.linalg.lstsq(terms * weight[:, None], level * weight, rcond=None)[0]
        off = level - fit
        scale = np.median(np.abs(off)) * 1.4826 + 1e-9
        # dark blocks, those with particles, count less than bright ones
        weight = 1 / (1 + np.where(off < 0, 2.0, 1.0) * (off / (2 * scale)) ** 2)
    # frames are divided by it: it must not come near zero anywhere
    return np.asarray(np.maximum(fit, 1e-3 + 0.2 * np.median(fit)).reshape(ny, nx))
