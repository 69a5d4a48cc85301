"""The numbers of the lanes: areas and shapes of particles, and what they are in the unit of a mode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry import polygon
from tandem_em.core.numeric import Floats
from tandem_em.desk.outlines import table as particles_table
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Outline, Particle

SHAPES = ("perimeter", "circularity", "centroid")
"""Modes that need the outlines themselves; the others are made of areas."""


@dataclass(frozen=True)
class AreaTrack:
    """Area and its limits (px²) by frame; NaN where the particle was lost."""

    frames: NDArray[np.intp]
    area: Floats
    low: Floats
    high: Floats


def area_track(outlines: Mapping[int, Outline]) -> AreaTrack:
    """Every frame from the first outline to the last; lost frames, and those not to be trusted, are NaN: gaps."""
    if not outlines:
        none = np.zeros(0)
        return AreaTrack(np.zeros(0, np.intp), none, none, none)
    first, last = min(outlines), max(outlines)
    frames = np.arange(first, last + 1)
    values = np.full((3, len(frames)), np.nan)
    for frame, outline in outlines.items():
        if outline.confidence >= DOUBT:
            values[:, frame - first] = _areas(outline)
    return AreaTrack(frames, *values)


def _areas(outline: Outline) -> tuple[float, float, float]:
    area = outline.area_px if math.isfinite(outline.area_px) else polygon.area(outline.polygon)
    low = outline.area_low_px if math.isfinite(outline.area_low_px) else area
    high = outline.area_high_px if math.isfinite(outline.area_high_px) else area
    return area, low, high


def shape_track(particle: Particle, stack: FrameStack, mode: str) -> AreaTrack | None:
    """Perimeter, circularity or path of the centroid with its limits; None when the pixel size is needed and unknown."""
    rows = shape_rows(particle, stack, mode)
    return None if rows is None else AreaTrack(np.arange(len(rows[0])), *rows)


def shape_rows(particle: Particle, stack: FrameStack, mode: str) -> tuple[Floats, Floats, Floats] | None:
    """Value, lower and upper limit in every frame; None when the pixel size is needed and unknown."""
    if mode != "circularity" and not stack.pixel_nm:
        return None
    sure = {frame: outline for frame, outline in particle.outlines.items() if outline.confidence >= DOUBT}
    found = particles_table.measured(stack, replace(particle, outlines=sure))
    if mode == "centroid":
        start = found.centroid_nm[min(sure, default=0)]
        far = np.hypot(*(found.centroid_nm - start).T)
        return far, np.maximum(0, far - found.centroid_error_nm), far + found.centroid_error_nm
    shown = found.perimeter_nm if mode == "perimeter" else found.circularity
    return shown.value, shown.low, shown.high


def in_mode(values: Floats, areas: Floats, mode: str, pixel_nm: float | None) -> Floats | None:
    """Areas (px²) as the lane shows them; None when the pixel size is needed and unknown."""
    if mode in SHAPES:
        return values
    if mode in ("nm2", "diameter"):
        if not pixel_nm:
            return None
        nm2 = values * pixel_nm**2
        return nm2 if mode == "nm2" else np.asarray(2 * np.sqrt(nm2 / np.pi))
    # The start is the first area that is known: the first frame may be lost.
    known = areas[np.isfinite(areas)]
    if not len(known) or known[0] <= 0:
        return None
    ratio = values / known[0]
    return np.asarray(ratio**1.5 if mode == "volume" else ratio)


def in_order(t: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Times in ascending order, and how to sort what belongs to them; those without a time are left out."""
    order = np.argsort(t, kind="stable")
    # argsort puts NaN last.
    order = order[: int(np.count_nonzero(np.isfinite(t)))]
    return t[order], order
