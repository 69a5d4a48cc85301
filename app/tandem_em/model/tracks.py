"""Particles and what follows them: outlines frame by frame, with the confidence and the error of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.model.items import ColouredItem, MadeItem

Polygon = NDArray[np.float64]
"""(N, 2) vertices x, y in pixels of that frame; pixel centres are integers, y down, not closed."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The shape of a particle in one frame. Key outlines were drawn or corrected by a person."""

    polygon: Polygon
    confidence: float = 1.0
    is_key: bool = False
    area_px: float = float("nan")
    area_low_px: float = float("nan")
    area_high_px: float = float("nan")


@dataclass(eq=False, kw_only=True)
class Particle(ColouredItem, MadeItem):
    """One particle or cluster of one stack. Frames that are not in `outlines` are lost or not yet followed."""

    kind: ClassVar[str] = "particle"
    stored_before: ClassVar[dict[str, str]] = {"made_by": "provenance_id"}

    stack_id: str = ""
    outlines: dict[int, Outline] = field(default_factory=dict)
    reference_frames: list[int] = field(default_factory=list)
    """Shapes that stay on screen as dotted ghosts."""
    followed: tuple[int, int] | None = None
    """First and last frame the follower has been through; gaps inside are lost frames."""

    @property
    def keys(self) -> dict[int, Polygon]:
        """Outlines drawn or corrected by a person, by frame."""
        return {frame: outline.polygon for frame, outline in self.outlines.items() if outline.is_key}
