"""What following gives: an outline per frame with its confidence and the range of its area."""

from __future__ import annotations

from dataclasses import dataclass, field

from tandem_em.analysis.geometry.polygon import Polygon


@dataclass(frozen=True)
class FollowOptions:
    """How to follow. Without `stop_below` every frame is tried; with it a doubtful stretch ends the walk."""

    stop_below: float | None = None
    """Confidence; after `stop_after` frames below it a direction is given up, so that a person can be asked."""
    stop_after: int = 4
    exact_keys: frozenset[int] = frozenset()
    """Key frames whose outline is kept as drawn; the other keys are rough and snap to the edge."""
    frames: tuple[int, int] | None = None
    """First and last frame to compute; None for the whole movie."""


class LostError(Exception):
    """A particle cannot be followed in a frame; the words complete "P1 is lost: ..."."""


@dataclass(frozen=True)
class Failure:
    """An error that ended the following of one particle; `frame` is None when it came in the look back."""

    frame: int | None
    error: Exception


@dataclass(frozen=True)
class FollowedOutline:
    """An outline in pixels of its frame. Below a confidence of 0.5 it should not be trusted. Areas in px², 95 %."""

    polygon: Polygon
    confidence: float
    area_px: float
    area_low_px: float
    area_high_px: float
    is_key: bool = False


@dataclass
class TrackResult:
    """One particle through a movie. Frames that are neither in `outlines` nor blank were lost or not asked for."""

    outlines: dict[int, FollowedOutline] = field(default_factory=dict)
    blank: frozenset[int] = frozenset()
    stopped: tuple[int, ...] = ()
    """Frames at which following gave up and a person should look."""
    lost: dict[int, str] = field(default_factory=dict)
    """Frames in which the particle cannot be seen, and why."""
    failure: Failure | None = None
