"""One particle followed on frames as they come in: no look ahead, and the same memory after a minute and after a day.

Frames may be left out when there is no time for all of them; those that are seen count as neighbours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, area, as_polygon
from tandem_em.analysis.outlines.confidence import Evidence, confidences
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.analysis.outlines.follower import first_confidence
from tandem_em.analysis.outlines.levels import FrameLevel
from tandem_em.analysis.outlines.profile import EdgeFit
from tandem_em.analysis.outlines.result import FollowedOutline, LostError
from tandem_em.analysis.outlines.review import Review
from tandem_em.analysis.outlines.walk import Walk, moved_outline
from tandem_em.core.numeric import Floats

WIDEST_GAP = 4  # frames; a particle is not expected to do more than in as many
KEPT = 48  # frames whose surroundings are remembered
FITTED = 12  # frames from which the way from the edge to the silhouette is measured
REFIT = 8  # frames after which that is measured again, with a look back: what is a little off would run away
UNSEEN = 0.35  # px by which the edge may be off for want of a look back
ENOUGH_NOW = 5.0  # deviations; a longer mean, of past frames alone, would lag behind
SURE = 0.5  # confidence
GIVEN_UP = 25  # doubtful frames in a row
NEAR_BORDER = 8.0  # work pixels; closer to the end of the crop it is cut out anew


class LiveFollower:
    """Give it the frame of the drawn outline first, then each newer one; `is_lost` when a person has to look."""

    def __init__(self, polygon: Polygon, drift: Floats, *, exact: bool = False) -> None:
        self._key = as_polygon(polygon, "The outline")
        self._exact = exact
        self._count = 0
        self._doubts = 0
        self._fit: EdgeFit | None = None
        self._fitted_at = 0
        self._begin(self._key, drift)

    @property
    def is_lost(self) -> bool:
        """Following has been guessing for too long."""
        return self._doubts >= GIVEN_UP

    def take(
        self, frame: NDArray[np.generic], drift: Floats, level: FrameLevel, gap: int = 1
    ) -> FollowedOutline:
        """The outline in a frame that is `gap` frames newer and whose content has drifted by (x, y) px.

        LostError where it cannot be seen; it is looked for in later frames all the same.
        """
        number = self._add(frame, drift, level, min(max(gap, 1), WIDEST_GAP))
        try:
            if self._walk.look is None:
                start = self._start + (drift - self._start_drift)
                self._walk.start(number, start, [number], exact=self._exact and self._count == 1)
            else:
                self._walk.step(number, 1, [])
        except LostError:
            self._forget_images(number)
            raise
        sure = first_confidence(self._walk.found[number])
        self._doubts = 0 if sure >= SURE else self._doubts + 1
        self._measure_edge(number)
        outline = self._outline(number)
        self._forget(number)
        # it grows or drifts out of its crop: a new one is cut around it
        if self._is_near_border(number):
            self._begin(self._crops.to_frame(self._walk.shapes[number], number), drift)
        return outline

    def _begin(self, polygon: Polygon, drift: Floats) -> None:
        """Cut out anew around an outline of a frame with this drift."""
        self._number = -1
        # the length of a recording is not known: doubled when it is reached
        self._crops = Crops.around([(0, polygon)], np.tile(drift, (256, 1)))
        self._walk = Walk(self._crops, enough=ENOUGH_NOW)
        self._start, self._start_drift = polygon, np.array(drift, float)

    def _add(self, frame: NDArray[np.generic], drift: Floats, level: FrameLevel, gap: int) -> int:
        # skipped frames count, so that speeds stay those per frame
        self._number += gap if self._walk.look is not None else 1
        self._count += 1
        if self._number >= len(self._crops.drift_px):
            self._crops.drift_px = np.concatenate([self._crops.drift_px, self._crops.drift_px])
        self._crops.drift_px[self._number] = drift
        self._crops.add(self._number, frame, level)
        return self._number

    def _measure_edge(self, number: int) -> None:
        """How far outside the steepest line the silhouette ends: early, and now and then again."""
        if self._count not in (1, FITTED) and self._count - self._fitted_at < REFIT:
            return
        recent = [k for k in sorted(self._walk.shapes)[-FITTED:] if k in self._crops.images]
        review = self._review({k: self._walk.shapes[k] for k in recent})
        if len(recent) > 2:
            # a generator that yields between frames; here nobody waits for the words
            for _ in review.improve(1):
                pass
            self._walk.shapes.update(review.shapes)
            self._walk.found.update(review.found)
        fits = review.edge_fits(review.shapes)
        if fits:
            found, self._fitted_at = fits[number], self._count
            self._fit = replace(found, error=max(found.error, UNSEEN))

    def _outline(self, number: int) -> FollowedOutline:
        shape = self._walk.shapes[number]
        final, fits = shape, {}
        if self._exact and self._count == 1:
            # drawn to be kept: neither moved nor given limits
            size = area(self._key)
            return FollowedOutline(self._key, 1.0, size, size, size, True)
        if self._fit is not None:
            final, fits = (
                moved_outline(shape, None, np.full(len(shape), self._fit.outward)),
                {number: self._fit},
            )
        evidence = Evidence(self._review({number: shape}), {number: final}, fits)
        ((sure, low, high),) = confidences(evidence)
        polygon, square = self._crops.to_frame(final, number), self._crops.side**2
        size = area(polygon)
        return FollowedOutline(
            polygon, sure, size, size + low * square, size + high * square, self._count == 1
        )

    def _review(self, shapes: dict[int, Polygon]) -> Review:
        walk = self._walk
        assert walk.look is not None
        found = {k: walk.found[k] for k in shapes}
        return Review(
            self._crops, walk.look.polarity, walk.width, walk.reach_mean, shapes, found, lobed=walk.lobed
        )

    def _forget(self, number: int) -> None:
        """Let go of what is too old to matter."""
        self._forget_images(number)
        _drop_before(self._walk.shapes, number - KEPT)
        _drop_before(self._walk.found, number - KEPT)

    def _forget_images(self, number: int) -> None:
        for by_number in (self._crops.images, self._crops.noises, self._crops.cut_at):
            _drop_before(by_number, number - KEPT)

    def _is_near_border(self, number: int) -> bool:
        points, (rows, columns) = self._walk.shapes[number], self._crops.shape
        low, high = points.min(axis=0), points.max(axis=0)
        return bool(min(*low, columns - 1 - high[0], rows - 1 - high[1]) < NEAR_BORDER)


def _drop_before(by_number: dict[int, Any], last: int) -> None:
    for old in [number for number in by_number if number <= last]:
        del by_number[old]
