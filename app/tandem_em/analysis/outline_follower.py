"""One particle on its way through a movie: walks between its key outlines, joined, reviewed and measured."""

from __future__ import annotations

import numpy as np

from tandem_em.analysis.outline_confidence import Evidence, confidences
from tandem_em.analysis.outline_crops import Crops
from tandem_em.analysis.outline_locate import Found
from tandem_em.analysis.outline_result import FollowedOutline, FollowOptions, TrackResult
from tandem_em.analysis.outline_review import Look, Review, Silhouettes
from tandem_em.analysis.outline_walk import Walk
from tandem_em.analysis.polygon import Array, Polygon, area, resampled

AHEAD = 8  # frames read before one is decided


class Follower:
    """State of one particle. Frames are handed to `crops`; `forward` and `backward` walk as far as those reach."""

    def __init__(self, keys: dict[int, Polygon], drift_px: Array, options: FollowOptions) -> None:
        self.keys = dict(sorted(keys.items()))
        self.options = options
        self.crops = Crops.around(self.keys.items(), drift_px)
        self.lead = Walk(self.crops)  # forward from each key
        self.back: dict[int, Walk] = {}  # backward from a key, by its frame
        self.stopped: list[int] = []
        self._doubts = 0
        self._given_up = False

    @property
    def first_key(self) -> int:
        return next(iter(self.keys))

    def forward(self, frame: int, usable: list[int], ahead: list[int]) -> FollowedOutline | None:
        """Walk one frame on from the last key outline; returns a first outline for the screen."""
        walk = self.lead
        if frame in self.keys:
            walk.start(frame, self.keys[frame], usable, exact=frame in self.options.exact_keys)
            self._doubts, self._given_up = 0, False
        elif self._given_up or walk.look is None:
            return None
        else:
            walk.step(frame, 1, ahead)
            self._doubt(walk, frame)
        return self._preview(walk, frame)

    def backward(self, frame: int, usable: list[int], ahead: list[int]) -> FollowedOutline | None:
        """Walk one frame back from the next key outline."""
        key = min((k for k in self.keys if k > frame), default=None)
        if key is None or frame in self.keys:
            return None
        if key not in self.back:
            self.back[key] = Walk(self.crops)
            self.back[key].start(key, self.keys[key], usable, exact=key in self.options.exact_keys)
            self._doubts, self._given_up = 0, False
        if self._given_up:
            return None
        walk = self.back[key]
        walk.step(frame, -1, ahead)
        self._doubt(walk, frame)
        return self._preview(walk, frame)

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
        return FollowedOutline(polygon, first_confidence(walk.found[frame]), size, 0.95 * size, 1.05 * size)

    def result(self, blank: frozenset[int]) -> Look[TrackResult]:
        """All outlines, reviewed together, with confidence and error band."""
        shapes, found = self._joined()
        if not shapes:
            return TrackResult(blank=blank, stopped=tuple(self.stopped))
        walk = self.lead if self.lead.look is not None else next(iter(self.back.values()))
        assert walk.look is not None
        pinned = frozenset(self.options.exact_keys & self.keys.keys())
        review = Review(
            self.crops, walk.look.polarity, walk.width, walk.reach_mean, shapes, found, pinned, walk.lobed
        )
        yield from review.steady()
        yield from review.improve()
        return self._measured(review, (yield from review.silhouettes()), blank)

    def _joined(self) -> tuple[dict[int, Polygon], dict[int, Found]]:
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
            exact = frame in review.pinned
            polygon = self.keys[frame] if exact else self.crops.to_frame(final[frame], frame)
            size, square = area(polygon), self.crops.side**2
            wide = (low * square, high * square)
            outlines[frame] = FollowedOutline(
                polygon, 1.0 if exact else confidence, size, size + wide[0], size + wide[1], is_key
            )
        return TrackResult(outlines, blank, tuple(self.stopped))


def first_confidence(found: Found) -> float:
    """A quick guess while walking: the share of the outline where the expected edge was found."""
    share = float(np.mean(found.strength > 0.4 * found.expected))
    return float(np.clip(1.4 * share - 0.35, 0, 1))


def blended(one: Polygon, other: Polygon, share: float) -> Polygon:
    """Between two outlines of the same particle: `share` of the other."""
    other = resampled(other, len(one))
    stride = max(1, len(one) // 90)
    turns = range(0, len(one), stride)
    costs = [float(((np.roll(other, -k, axis=0) - one) ** 2).sum()) for k in turns]
    matched = np.roll(other, -turns[int(np.argmin(costs))], axis=0)
    return np.asarray((1 - share) * one + share * matched)


def _same_count(
    shapes: dict[int, Polygon], found: dict[int, Found]
) -> tuple[dict[int, Polygon], dict[int, Found]]:
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
            shapes[frame] = blended(base, shapes[frame], 1.0)
        base = shapes[frame]
    return shapes, found
