"""Electron dose over time and over the sample: beam-off frames are found, the field of view moves with the drift."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

MAP_SIDE = 512
"""Bins along the longer side of a dose map, about."""


@dataclass(frozen=True)
class DoseMap:
    """Dose (e/Å²) in bins of `step_px` pixels; the middle of the first bin lies at `origin_px` (x, y) of frame 0."""

    dose: NDArray[np.float32]
    origin_px: tuple[float, float]
    step_px: float


def beam_is_on(levels: Floats, fraction: float, offset: float | None = None) -> NDArray[np.bool_]:
    """Frames brighter than a fraction of the usual brightness (counts without beam: `offset`, else the darkest frame,
    when that stands far below the rest). Frames that could not be read (NaN) had the beam of their neighbours: on."""
    known = levels[np.isfinite(levels)]
    if not len(known):
        return np.ones(len(levels), bool)
    usual, darkest = float(np.median(known)), float(known.min())
    if not offset:
        offset = darkest if 0 < darkest < 0.7 * usual else 0.0
    return ~(levels < offset + fraction * (usual - offset))


def over_time(t: Floats, rate: Floats) -> Floats:
    """Dose at each frame (e/Å²) from the rates (e/Å²s): the beam stays on between frames, dark frames count nothing."""
    steps = increments(t, rate)
    order = _in_time(t)
    total = np.empty_like(rate)
    total[order] = np.cumsum(steps[order])
    return total


def increments(t: Floats, rate: Floats) -> Floats:
    """What each frame adds to the dose of the frame before it in time: the smaller of both rates, and half their
    difference."""
    order = _in_time(t)
    known = np.nan_to_num(rate[order])
    gaps = np.clip(np.nan_to_num(np.diff(t[order], prepend=t[order][:1])), 0, None)
    before = np.concatenate([known[:1], known[:-1]])
    steps = np.empty_like(rate)
    steps[order] = gaps * np.minimum(before, known) + gaps * np.abs(known - before) / 2
    return steps


def _in_time(t: Floats) -> NDArray[np.intp]:
    return np.argsort(np.where(np.isfinite(t), t, np.inf), kind="stable")


def over_sample(dose: Floats, drift_px: Floats, shape: tuple[int, int]) -> DoseMap:
    """Sum of what each frame adds (e/Å²) at every place of the sample that was in its field of view (height, width).

    `drift_px` (T, 2): how far the content of each frame lies from where it is in frame 0. Places are as good as a bin.
    """
    height, width = shape
    step = max(1.0, math.ceil(max(shape) / MAP_SIDE))
    corners = np.round(-(drift_px - drift_px.min(axis=0)) / step).astype(int)  # of the field, on the sample
    corners -= corners.min(axis=0)
    rows, columns = math.ceil(height / step), math.ceil(width / step)
    most = corners.max(axis=0)
    edges = np.zeros((rows + int(most[1]) + 1, columns + int(most[0]) + 1))
    for (x, y), amount in zip(corners, np.nan_to_num(dose)):
        edges[y, x] += amount
        edges[y + rows, x] -= amount
        edges[y, x + columns] -= amount
        edges[y + rows, x + columns] += amount
    total = np.maximum(edges.cumsum(axis=0).cumsum(axis=1)[:-1, :-1], 0)
    first = -drift_px.max(axis=0) + (step - 1) / 2
    return DoseMap(total.astype(np.float32), (float(first[0]), float(first[1])), step)
