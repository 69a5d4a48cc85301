"""Brightness and noise of whole frames, and which of them were taken without beam."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

BLOCKS = 12
DARK = 0.35  # of the usual counts: certainly no beam
DIMMER = 0.93  # of the usual counts: no beam if the picture is gone as well
ALIKE = 0.35  # correlation of two pictures of the same place
REMEMBERED = 15
EMPTY = 0.1  # of the brightness of what there is: what stands for that of a background without any counts


@dataclass(frozen=True)
class FrameLevel:
    """Brightness of a frame, the deviation of its pixels from noise, and a coarse picture of it; in counts."""

    level: float
    noise: float
    bright: float
    picture: Floats

    @classmethod
    def of(cls, frame: NDArray[np.generic]) -> FrameLevel:
        """Measures a frame by a sample of its pixels; pixels that are not finite are left out."""
        # some 16 000 pixels tell level and noise of a frame
        stride = max(1, math.isqrt(frame.size // 16384))
        sample = np.asarray(frame[stride // 2 :: stride, ::stride], float)
        # differences of neighbours: what the picture shows cancels, noise stays
        beside = np.asarray(frame[stride // 2 :: stride, 1:][:, ::stride], float)
        width = min(sample.shape[1], beside.shape[1])
        with np.errstate(invalid="ignore"):
            steps = _finite(np.abs(sample[:, :width] - beside[:, :width]))
        noise = float(np.median(steps)) * 1.4826 / math.sqrt(2) if steps.size else 0.0
        if noise == 0 and steps.size:  # most pixels have counted the same, which is not to be without noise
            noise = math.sqrt(float((np.minimum(steps, np.quantile(steps, 0.9)) ** 2).mean()) / 2)
        sample = _finite(sample)
        if not sample.size:
            return cls(math.nan, 1e-6, math.nan, _picture(np.zeros_like(frame, np.float32), 0.0))
        # rather bright than middle: particles are dark
        level, bright = (float(q) for q in np.quantile(sample, [0.6, 0.9]))
        if level <= 0:  # a dark field with nothing between its particles
            level = EMPTY * _brightness(sample)
        return cls(level, max(noise, 1e-3 * abs(level), 1e-6), bright, _picture(frame, bright + 6 * noise))


def _finite(values: Floats) -> Floats:
    """All values of a frame that has no gaps; what is known of one that has."""
    known = np.isfinite(values)
    return values if known.all() else values[known]


def _brightness(sample: Floats) -> float:
    """Of what stands before a black background, however much of it there is."""
    counts = np.clip(sample, 0, max(0.0, float(np.quantile(sample, 0.9995))))  # without X-rays
    total = float(counts.sum())
    return float((counts**2).sum()) / total if total > 0 else 0.0


def _picture(frame: NDArray[np.generic], highest: float) -> Floats:
    """Block means without hot pixels, less their mean."""
    stride = max(1, math.isqrt(frame.size) // 768)
    small = np.minimum(np.asarray(frame[::stride, ::stride], np.float32), highest)
    small = np.nan_to_num(small, copy=False, nan=highest, neginf=0.0)
    tall, wide = (max(1, n // BLOCKS) for n in small.shape)
    rows, columns = min(BLOCKS, small.shape[0]), min(BLOCKS, small.shape[1])
    blocks = small[: rows * tall, : columns * wide].reshape(rows, tall, columns, wide).mean(axis=(1, 3))
    return np.asarray(blocks - blocks.mean(), float)


class BeamWatch:
    """Tells frames without beam from dim ones: they are darker and show nothing of the usual picture."""

    def __init__(self) -> None:
        self._levels: list[float] = []
        self._usual: Floats | None = None

    def is_blank(self, level: FrameLevel) -> bool:
        """Judge a frame; one with beam is remembered."""
        if not np.isfinite(level.level) or level.level <= 0:
            return True
        if self._levels and self._usual is not None:
            # of the last frames only: the beam may change slowly
            share = level.level / float(np.median(self._levels[-REMEMBERED:]))
            if share < DARK or (share < DIMMER and _alike(level.picture, self._usual) < ALIKE):
                return True
        self._levels.append(level.level)
        known = self._usual
        # a running mean, which follows the drift of the picture
        self._usual = level.picture if known is None else 0.8 * known + 0.2 * level.picture
        return False


def _alike(one: Floats, other: Floats) -> float:
    scale = math.sqrt(float((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale > 0 else 0.0
