"""Outlines: drawing, following, correcting; and the drift they are followed in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tandem_em.jobs import Job
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Outline, Particle, Polygon


def polygon_area(polygon: Polygon) -> float:
    """Area inside a polygon (px²)."""
    x, y = polygon.T
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def key_outline(polygon: Polygon) -> Outline:
    """An outline that a person has drawn."""
    area = polygon_area(polygon)
    return Outline(
        polygon=np.asarray(polygon, np.float64),
        is_key=True,
        area_px=area,
        area_low_px=area,
        area_high_px=area,
    )


def find_drift(
    stack: FrameStack, region: tuple[int, int, int, int] | None = None
) -> Job[NDArray[np.float64]]:
    """Drift of every frame against frame 0 (px)."""
    from tandem_em.analysis.drift import estimate_drift

    found = yield from estimate_drift(stack.frame, len(stack), region=region)
    return np.asarray(found)


def follow(stack: FrameStack, drawn: list[Particle]) -> Job[list[dict[int, Outline]]]:
    """Follow particles from their key outlines through the whole stack."""
    raise NotImplementedError
    yield
