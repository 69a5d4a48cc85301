"""Outlines: drawing, following, correcting; and the drift they are followed in."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import area
from tandem_em.core.jobs import Job
from tandem_em.core.notices import UserError
from tandem_em.desk import cluster
from tandem_em.desk.outlines import shape as particles_shape
from tandem_em.model.frames import FrameStack
from tandem_em.model.tracks import Outline, Particle, Polygon

if TYPE_CHECKING:
    from tandem_em.analysis.outlines.result import Failure, FollowedOutline, TrackResult

log = logging.getLogger(__name__)
DOUBT = 0.5
"""Below this confidence an outline is not to be trusted."""


def polygon_area(polygon: Polygon) -> float:
    """Area inside a polygon (px²)."""
    return area(polygon)


def key_outline(polygon: Polygon) -> Outline:
    """An outline that a person has drawn."""
    inside = polygon_area(polygon)
    return Outline(
        polygon=np.asarray(polygon, np.float64),
        is_key=True,
        area_px=inside,
        area_low_px=inside,
        area_high_px=inside,
    )


def find_drift(
    stack: FrameStack, region: tuple[int, int, int, int] | None = None
) -> Job[NDArray[np.float64]]:
    """Drift of every frame against frame 0 (px)."""
    from tandem_em.analysis.drift.measure import estimate_drift

    found = yield from estimate_drift(stack.frame, len(stack), region=region)
    return np.asarray(found)


@dataclass(frozen=True)
class Followed:
    """Outlines of one particle by frame; `stopped`: frames where following gave up, `blank`: frames without beam.

    `lost`: frames in which it cannot be seen, and why; `outside`: those of them in which it is not in the picture.
    """

    outlines: dict[int, Outline]
    stopped: tuple[int, ...] = ()
    blank: frozenset[int] = frozenset()
    lost: dict[int, str] = field(default_factory=dict)
    outside: frozenset[int] = frozenset()
    failure: Failure | None = None


def follow(
    stack: FrameStack,
    drawn: list[Particle],
    *,
    exact_keys: frozenset[int] = frozenset(),
    span: tuple[int, int] | None = None,
    stop_below: float | None = None,
    scheduler: str = "",
) -> Job[list[Followed]]:
    """Follow particles from their key outlines; returns what was found of each.

    What goes wrong with one of them does not end the others. Progress carries {particle id: {frame: Outline}} of what is
    new, to be drawn while it works. `exact_keys` stay as
    drawn, other keys snap to the edge. `span`: only these frames; outlines outside stay as they are. `stop_below`:
    confidence below which a direction is given up rather than guessed on. `scheduler`: a Dask cluster, whose workers
    are sent the whole movie and a particle each.
    """
    from tandem_em.analysis.outlines.follow import follow_apart, follow_many
    from tandem_em.analysis.outlines.result import FollowOptions

    keys = {particle.id: particle.keys for particle in drawn}
    before = [dict(particle.outlines) for particle in drawn]
    options = FollowOptions(exact_keys=exact_keys, frames=span, stop_below=stop_below)
    if scheduler:
        # The workers may not see the file: the whole movie travels.
        frames = np.stack([stack.frame(number) for number in range(len(stack))])
        calls = ((frames, each, stack.drift_px, options) for each in keys.values())
        found_there = yield from cluster.run(scheduler, follow_apart, calls, len(keys), "Following")
        return _answers(drawn, before, found_there, span or (0, len(stack) - 1))
    job = follow_many(stack.frame, len(stack), keys, stack.drift_px, options)
    try:
        while True:
            progress = next(job)
            partial = {name: _outlines(found) for name, found in (progress.partial or {}).items()}
            yield replace(progress, partial=partial or None)
    except StopIteration as stop:
        results = stop.value
    finally:
        # When this job is cancelled the inner one has to clean up too.
        job.close()
    found_here = [results[particle.id] for particle in drawn]
    return _answers(drawn, before, found_here, span or (0, len(stack) - 1))


def _answers(
    drawn: list[Particle],
    before: list[dict[int, Outline]],
    results: list[TrackResult],
    span: tuple[int, int],
) -> list[Followed]:
    """What was found of each particle together with what stays: keys, and outlines outside of the span."""
    from tandem_em.analysis.outlines.walk import LEFT, OUTSIDE

    answer = []
    for particle, outlines, result in zip(drawn, before, results):
        failure = result.failure
        # A UserError says what to do; only what nobody expected belongs into the log.
        if failure is not None and not isinstance(failure.error, UserError):
            log.error("following %s failed (frame %s)", particle.name, failure.frame, exc_info=failure.error)
        keys = {frame for frame, outline in outlines.items() if outline.is_key}
        kept = {
            frame: outline
            for frame, outline in outlines.items()
            if frame in keys or not span[0] <= frame <= span[1]
        }
        found = {
            frame: replace(outline, is_key=frame in keys)
            for frame, outline in _outlines(result.outlines).items()
        }
        lost = {frame: why for frame, why in result.lost.items() if frame not in kept}
        outside = frozenset(frame for frame, why in lost.items() if why in (OUTSIDE, LEFT))
        stopped, blank = tuple(result.stopped), frozenset(result.blank)
        answer.append(Followed(kept | found, stopped, blank, lost, outside, failure))
    return answer


def where_lost(name: str, followed: Followed, first: int = 0) -> list[str]:
    """Sentences about the frames in which a particle cannot be seen; frames are counted from `first`."""
    stretches: list[tuple[int, int, str]] = []
    for frame, why in sorted(followed.lost.items()):
        if stretches and stretches[-1][1:] == (frame - 1, why):
            stretches[-1] = (stretches[-1][0], frame, why)
        else:
            stretches.append((frame, frame, why))
    places = ((_frames(low + first, high + first), why) for low, high, why in stretches)
    return [f"{name} is lost in {frames}: {why}." for frames, why in places]


def _frames(low: int, high: int) -> str:
    return f"frame {low}" if low == high else f"frames {low} to {high}"


def failed(name: str, followed: Followed, first: int = 0) -> UserError | None:
    """What to say when an error has ended the following of a particle."""
    failure = followed.failure
    if failure is None:
        return None
    if isinstance(failure.error, UserError):
        return failure.error
    what = f"{type(failure.error).__name__}: {failure.error}"
    if failure.frame is None:
        title = f"The outlines of {name} could not be refined ({what})."
        return UserError(title, "They are only a first estimate; check them. The log file has the details.")
    title = f"{name} is lost in frame {failure.frame + first}: something unexpected happened ({what})."
    return UserError(title, "Correct its outline there and follow it again. The log file has the details.")


def _outlines(found: dict[int, FollowedOutline]) -> dict[int, Outline]:
    return {int(frame): as_outline(outline) for frame, outline in found.items()}


def as_outline(found: FollowedOutline) -> Outline:
    """What the follower has found, as it is kept."""
    return Outline(
        found.polygon, found.confidence, found.is_key, found.area_px, found.area_low_px, found.area_high_px
    )


def propose(stack: FrameStack, frame: int, x: float, y: float) -> Polygon:
    """The outline of what lies under a click, to be accepted or corrected."""
    return propose_in(stack.frame(frame), x, y)


def propose_in(image: NDArray[np.generic], x: float, y: float) -> Polygon:
    """The same in a picture that has been read."""
    from tandem_em.analysis.outlines.propose import propose_outline

    return np.asarray(propose_outline(image, x, y))


def propose_more(stack: FrameStack, frame: int, proposal: Polygon, x: float, y: float) -> Polygon:
    """A larger proposal: the cluster of what has been proposed when the click is inside it, else the particle there too."""
    from tandem_em.analysis.outlines.propose import propose_outline
    from tandem_em.analysis.outlines.propose_cluster import propose_cluster

    image = stack.frame(frame)
    if particles_shape.contains(proposal, x, y):
        return propose_cluster(image, proposal)
    one_more = propose_outline(image, x, y)
    gap_px = 0.3 * min(area(proposal), area(one_more)) ** 0.5
    joined = particles_shape.union(proposal, one_more, gap_px)
    if joined is None:
        raise UserError("The particle there does not touch the proposed outline.", "Outline it on its own.")
    return joined
