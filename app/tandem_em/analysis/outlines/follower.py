"""One particle on its way through a movie: walks between its key outlines, joined, reviewed and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tandem_em.analysis.geometry.polygon import Polygon, area, resampled
from tandem_em.analysis.outlines.confidence import Evidence, confidences
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.analysis.outlines.locate import LocatedEdge
from tandem_em.analysis.outlines.result import (
    Failure,
    FollowedOutline,
    FollowOptions,
    LostError,
    TrackResult,
)
from tandem_em.analysis.outlines.review import RefineStep, Review, Silhouettes
from tandem_em.analysis.outlines.walk import FADED, LEFT, SMALLEST, Walk
from tandem_em.core.numeric import Floats

AHEAD = 8  # frames read before one is decided
HOPELESS = 0.05  # confidence
MOSTLY_VISIBLE = 0.6  # of an outline; with less, a hopeless stretch is that of a particle that has left
DOUBTED = 0.4  # confidence, at most, of what could not be looked at again


class Follower:
    """State of one particle. Frames are handed to `crops`; `forward` and `backward` walk as far as those reach."""

    def __init__(self, keys: dict[int, Polygon], drift_px: Floats, options: FollowOptions) -> None:
        self.keys = dict(sorted(keys.items()))
        self.options = options
        self.crops = Crops.around(self.keys.items(), drift_px)
        self.lead = Walk(self.crops)  # forward from each key
        self.back: dict[int, Walk] = {}  # backward from a key, by its frame
        self.stopped: list[int] = []
        self.lost: dict[int, str] = {}
        self.failure: Failure | None = None
        self._first: dict[int, FollowedOutline] = {}
        self._doubts = 0
        self._given_up = False

    @property
    def first_key(self) -> int:
        """Earliest frame whose outline was given; what comes before it is walked backward."""
        return next(iter(self.keys))

    def forward(self, frame: int, usable: list[int], ahead: list[int]) -> FollowedOutline | None:
        """Walk one frame on from the last key outline; returns a first outline for the screen."""
        walk = self.lead
        if frame in self.keys:
            self._doubts, self._given_up = 0, False
            return self._tried(walk, frame, lambda: self._start(walk, frame, usable))
        if self._given_up or walk.look is None:
            return None
        return self._tried(walk, frame, lambda: self._step(walk, frame, 1, ahead))

    def backward(self, frame: int, usable: list[int], ahead: list[int]) -> FollowedOutline | None:
        """Walk one frame back from the next key outline."""
        key = min((k for k in self.keys if k > frame), default=None)
        if key is None or frame in self.keys:
            return None
        if key not in self.back:
            walk = self.back[key] = Walk(self.crops)
            self._doubts, self._given_up = 0, False
            self._tried(walk, key, lambda: self._start(walk, key, usable))
        walk = self.back[key]
        if self._given_up or walk.look is None:
            return None
        return self._tried(walk, frame, lambda: self._step(walk, frame, -1, ahead))

    def _start(self, walk: Walk, frame: int, usable: list[int]) -> None:
        walk.start(frame, self.keys[frame], usable, exact=frame in self.options.exact_keys)

    def _step(self, walk: Walk, frame: int, direction: int, ahead: list[int]) -> None:
        walk.step(frame, direction, ahead)
        self._doubt(walk, frame)

    def _tried(self, walk: Walk, frame: int, work: Callable[[], None]) -> FollowedOutline | None:
        """A first outline; None in a frame where the particle is lost."""
        try:
            work()
            return self._preview(walk, frame)
        except LostError as lost:
            self.lost[frame] = str(lost)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  an edge: what breaks for one particle does not end the others
            # a half-made frame must not be what the next step starts from
            walk.forget(frame)
            self.fail(frame, error)
        return None

    def fail(self, frame: int | None, error: Exception) -> None:
        """Go on without this particle, as far as the next key outline; the first reason is kept."""
        self.failure = self.failure or Failure(frame, error)
        self._given_up = True
        if frame is not None:
            self.stopped.append(frame)

    def _doubt(self, walk: Walk, frame: int) -> None:
        """Give up a direction when following becomes guessing, if asked to."""
        if self.options.stop_below is None:
            return
        sure = first_confidence(walk.found[frame]) >= self.options.stop_below
        self._doubts = 0 if sure else self._doubts + 1
        if self._doubts >= self.options.stop_after:
            self._given_up = True
            self.stopped.append(frame)

    def _preview(self, walk: Walk, frame: int) -> FollowedOutline:
        polygon = self.crops.to_frame(walk.shapes[frame], frame)
        size = area(polygon)
        # 5 % either way stands for limits that only the look back can tell
        first = FollowedOutline(polygon, first_confidence(walk.found[frame]), size, 0.95 * size, 1.05 * size)
        self._first[frame] = first
        return first

    def unreviewed(self, blank: frozenset[int]) -> TrackResult:
        """The first outlines, none of them to be relied on: the look back has failed."""
        doubted = {
            frame: replace(first, confidence=min(first.confidence, DOUBTED), is_key=frame in self.keys)
            for frame, first in self._first.items()
        }
        return self._told(doubted, blank)

    def _told(self, outlines: dict[int, FollowedOutline], blank: frozenset[int]) -> TrackResult:
        lost = {frame: why for frame, why in sorted(self.lost.items()) if frame not in outlines}
        return TrackResult(outlines, blank, tuple(self.stopped), lost, self.failure)

    def result(self, blank: frozenset[int]) -> RefineStep[TrackResult]:
        """All outlines, reviewed together, with confidence and error band."""
        shapes, found = self._joined()
        if not shapes:
            return self._told({}, blank)
        # the lead may have failed at once where a walk back has not
        walk = next(walk for walk in (self.lead, *self.back.values()) if walk.look is not None)
        assert walk.look is not None
        fixed = frozenset(self.options.exact_keys & self.keys.keys())
        review = Review(
            self.crops, walk.look.polarity, walk.width, walk.reach_mean, shapes, found, fixed, walk.lobed
        )
        yield from review.correct_drift()
        yield from review.improve()
        return self._measured(review, (yield from review.silhouettes()), blank)

    def _joined(self) -> tuple[dict[int, Polygon], dict[int, LocatedEdge]]:
        """Forward and backward walks between two keys, blended by the distance to each."""
        shapes, found = dict(self.lead.shapes), dict(self.lead.found)
        keys = list(self.keys)
        for key, walk in self.back.items():
            before = max((k for k in keys if k < key), default=None)
            for frame, shape in walk.shapes.items():
                if frame == key:
                    shapes.setdefault(frame, shape)
                    found.setdefault(frame, walk.found[frame])
                elif before is None or frame not in shapes:
                    shapes[frame], found[frame] = shape, walk.found[frame]
                else:
                    # between two keys each walk counts more the nearer its own key is
                    share = (frame - before) / (key - before)
                    shapes[frame] = blended(shapes[frame], shape, share)
                    found[frame] = walk.found[frame] if share > 0.5 else found[frame]
        return _same_count(shapes, found)

    def _measured(self, review: Review, ends: Silhouettes, blank: frozenset[int]) -> TrackResult:
        outlines: dict[int, FollowedOutline] = {}
        final = ends.outlines
        evidence = Evidence(review, final, ends.fits, ends.places)
        for frame, (confidence, low, high) in zip(review.frames, confidences(evidence)):
            is_key = frame in self.keys
            exact = frame in review.fixed
            # exact to the last digit: not through crop pixels and back
            polygon = self.keys[frame] if exact else self.crops.to_frame(final[frame], frame)
            size, square = area(polygon), self.crops.side**2
            wide = (low * square, high * square)
            outlines[frame] = FollowedOutline(
                polygon, 1.0 if exact else confidence, size, size + wide[0], size + wide[1], is_key
            )
        for frame, why in self._gone(outlines, final).items():
            del outlines[frame]
            self.lost[frame] = why
        return self._told(outlines, blank)

    def _gone(self, outlines: dict[int, FollowedOutline], final: dict[int, Polygon]) -> dict[int, str]:
        """Frames in which there is no particle any more, and why."""
        gone: dict[int, str] = {}
        for stretch in self._hopeless(outlines):
            if any(self.crops.visible(final[frame], frame) < MOSTLY_VISIBLE for frame in stretch):
                gone.update(dict.fromkeys(stretch, LEFT))
            else:
                gone.update({frame: FADED for frame in stretch if area(final[frame]) < SMALLEST})
        return gone

    def _hopeless(self, outlines: dict[int, FollowedOutline]) -> list[list[int]]:
        """Frames one after another, keys apart, in which nothing speaks for the outlines."""
        stretches: list[list[int]] = [[]]
        for frame, outline in outlines.items():
            if outline.confidence > HOPELESS or outline.is_key:
                stretches.append([])
            else:
                stretches[-1].append(frame)
        return stretches


def first_confidence(found: LocatedEdge) -> float:
    """A quick guess while walking: the share of the outline where the expected edge was found."""
    share = float(np.mean(found.strength > 0.4 * found.expected))
    return float(np.clip(1.4 * share - 0.35, 0, 1))


def blended(one: Polygon, other: Polygon, share: float) -> Polygon:
    """Between two outlines of the same particle: `share` of the other."""
    other = resampled(other, len(one))
    # four degrees are near enough to find which vertex belongs to which
    stride = max(1, len(one) // 90)
    turns = range(0, len(one), stride)
    costs = [float(((np.roll(other, -k, axis=0) - one) ** 2).sum()) for k in turns]
    matched = np.roll(other, -turns[int(np.argmin(costs))], axis=0)
    return np.asarray((1 - share) * one + share * matched)


def _same_count(
    shapes: dict[int, Polygon], found: dict[int, LocatedEdge]
) -> tuple[dict[int, Polygon], dict[int, LocatedEdge]]:
    """All outlines with as many vertices as the longest, so that they can be averaged over time."""
    if not shapes:
        return shapes, found
    count = max(len(shape) for shape in shapes.values())
    base: Polygon | None = None
    for frame in sorted(shapes):
        if len(shapes[frame]) != count:
            shapes[frame] = resampled(shapes[frame], count)
        if len(found[frame].moved) != count:  # that of the walk from the other key
            found[frame] = found[frame].resampled(count)
        if base is not None:
            # only its vertices are turned, so that they correspond from frame to frame
            shapes[frame] = blended(base, shapes[frame], 1.0)
        base = shapes[frame]
    return shapes, found
