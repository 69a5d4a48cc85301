"""What is read off followed outlines: area, diameter, volume, perimeter, circularity, centroid; each with its error.

Everything is an array over frames, NaN where there is no outline. Low and high are 95 % limits: the edge is as
uncertain as the area says, everywhere around the outline alike; for the circularity, from side to side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon, area, centroid, perimeter
from tandem_em.core.numeric import Floats

UNEVEN = 0.7
"""Of the error of the edge all round: so much may differ from side to side (movies of known truth)."""


class Outlined(Protocol):
    """Anything with an outline and the limits of its area (px²)."""

    @property
    def polygon(self) -> Polygon:
        """Corners (n, 2) as x, y in px."""

    @property
    def area_low_px(self) -> float:
        """Lower limit of the area (px²)."""

    @property
    def area_high_px(self) -> float:
        """Upper limit of the area (px²)."""


@dataclass(frozen=True)
class Range:
    """A quantity over frames with its limits."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Measured:
    """Sizes of one particle over frames. The volume assumes swelling alike in all directions."""

    area_nm2: Range
    relative_area: Range
    diameter_nm: Range
    volume_ratio: Range
    perimeter_nm: Range
    circularity: Range
    centroid_nm: Floats  # (T, 2) in sample coordinates
    centroid_error_nm: Floats


def measure(
    outlines: Mapping[int, Outlined],
    n_frames: int,
    pixel_nm: float = 1.0,
    drift_px: Floats | None = None,
    reference_frame: int | None = None,
) -> Measured:
    """Measure all outlines of one particle; relative to the reference frame, or to the first outline."""
    drift = np.zeros((n_frames, 2)) if drift_px is None else drift_px
    columns = np.full((n_frames, 4), np.nan)  # area, low, high, perimeter in px
    middle = np.full((n_frames, 2), np.nan)
    for frame, outline in outlines.items():
        inside = area(outline.polygon)
        # outlines drawn by hand have no limits
        limits = (v if math.isfinite(v) else inside for v in (outline.area_low_px, outline.area_high_px))
        columns[frame] = inside, *limits, perimeter(outline.polygon)
        # in sample coordinates, else the drift would look like motion
        middle[frame] = centroid(outline.polygon) - drift[frame]
    size, low, high, around = columns.T
    with np.errstate(invalid="ignore", divide="ignore"):
        areas = Range(size * pixel_nm**2, low * pixel_nm**2, high * pixel_nm**2)
        relative = _relative(areas, outlines, reference_frame)
        edge = 0.5 * (high - low) / around  # px, by which the edge may lie elsewhere
        rims = Range(around * pixel_nm, *((around + s * 2 * np.pi * edge) * pixel_nm for s in (-1, 1)))
        round_ = 4 * np.pi * size / around**2
        off = UNEVEN * 2 * np.pi * edge / around
        discs = Range(round_, round_ - off, np.minimum(1.0, round_ + off))
    return Measured(
        areas,
        relative,
        _power(areas, 0.5, 2 / math.sqrt(math.pi)),
        _power(relative, 1.5, 1.0),
        rims,
        discs,
        middle * pixel_nm,
        0.5 * edge * pixel_nm,
    )


def _relative(areas: Range, outlines: Mapping[int, Outlined], reference_frame: int | None) -> Range:
    """Areas over that of the reference; the errors of both, which are alike in part, are added in quadrature."""
    known = sorted(outlines)
    if not known:
        return areas
    frame = reference_frame if reference_frame in outlines else known[0]
    start = areas.value[frame]
    own = (areas.high[frame] - areas.low[frame]) / 2 / start
    wide = [np.abs(edge - areas.value) / areas.value for edge in (areas.low, areas.high)]
    ratio = areas.value / start
    low, high = (ratio * np.hypot(w, own) for w in wide)
    # the reference is 1 by definition
    low[frame] = high[frame] = 0.0
    return Range(ratio, ratio - low, ratio + high)


def _power(values: Range, exponent: float, factor: float) -> Range:
    columns = (factor * np.maximum(v, 0) ** exponent for v in (values.value, values.low, values.high))
    return Range(*columns)
