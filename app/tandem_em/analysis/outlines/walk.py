"""One particle followed from frame to frame: first a walk from each key outline, then a look back over all frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from tandem_em.analysis.geometry.polygon import (
    Polygon,
    area,
    crosses_itself,
    has_fingers,
    normals,
    outer_outline,
    relaxed,
    resampled,
    smoothed,
)
from tandem_em.analysis.outlines.band import STEP, EdgeBand, as_nodes, read_band
from tandem_em.analysis.outlines.crops import Crops, Negative
from tandem_em.analysis.outlines.ground import Ground, lacking, side_cost, two_sides
from tandem_em.analysis.outlines.growth import is_lobed, pull_to_growth
from tandem_em.analysis.outlines.locate import (
    LocatedEdge,
    Search,
    expected_strength,
    find_edge,
    learn_polarity,
    usual_of,
)
from tandem_em.analysis.outlines.register import particle_shift
from tandem_em.analysis.outlines.result import LostError
from tandem_em.core.numeric import Floats

ENOUGH = 6.5  # deviations by which an edge should stand above the noise at each vertex
LONGEST_MEAN = 7  # frames on each side
UNSEEN = 8.0  # px beyond an edge that was not seen in which nothing is taken for background
LASTING = 0.9  # of a correction of the drift from frame to frame
THINNEST = 5.0  # px; no part of a particle is thinner
SMALLEST = 6.0  # px²; less is no particle any more
FAINTEST = 1e-3  # of the brightness outside
LEAST_VISIBLE = 0.35  # of an outline has to lie in the picture
OUTSIDE = "it lies outside the image"
LEFT = "it has left the field of view"
FADED = "its edge is no longer visible"


@dataclass
class Appearance:
    """What has been learned of an edge: which side is dark, how strong it is along the outline, how fast it moves."""

    polarity: float
    expected: Floats
    speed: Floats  # px per frame along the normals
    depth: Floats  # share of the background's brightness that is missing just inside the edge


@dataclass
class Walk:
    """State of one particle while it is followed in one direction; `shapes` in work pixels."""

    crops: Crops
    shapes: dict[int, Polygon] = field(default_factory=dict)
    found: dict[int, LocatedEdge] = field(default_factory=dict)
    look: Appearance | None = None
    width: float = 2.0
    enough: float = ENOUGH
    reach_mean: int = 0
    grown: Floats | None = None  # px along the normals since the start
    lobed: bool = False
    ground: Ground | None = None
    placed: set[int] = field(default_factory=set)  # frames in which the particle has been looked for
    off: Floats = field(default_factory=lambda: np.zeros(2))  # last correction of the drift, work px

    def start(self, frame: int, polygon: Polygon, usable: list[int], exact: bool = False) -> None:
        """Snap the first, imprecise outline to the edge (not an exact one) and learn what it looks like."""
        if frame not in self.crops.images:
            raise LostError("the frame of its outline was recorded without beam")
        points = as_nodes(self.crops.to_work(polygon, frame))
        if self.crops.visible(points, frame) < LEAST_VISIBLE:
            raise LostError(OUTSIDE)
        radius = math.sqrt(area(points) / math.pi)
        self.lobed = is_lobed(points)
        reach = float(np.clip(0.16 * radius, 5.0, 16.0))
        self._darken(points, frame, reach)
        contrast = self._choose_scale(points, frame, usable, reach)
        weights = self._window(frame, usable, min(4, max(self.reach_mean, 1)))
        around = dict.fromkeys(weights, points)
        band = read_band(self.crops, around, weights, points, reach + 3 * self.width)
        polarity, strength = learn_polarity(band, self.width)
        expected = np.full(len(points), max(strength, 0.2 * contrast))
        away = max(1.5, 0.045 * radius)
        # a drawn line is rough at first: looser, then firmer
        for turn, walk in enumerate((0.3, 0.25, 0.2, 0.15)):
            band = read_band(
                self.crops, dict.fromkeys(weights, points), weights, points, reach + 3 * self.width
            )
            sides = None
            if turn > 0:
                ground = Ground.empty(self.crops.shape)
                for number in sorted(weights)[:3] * 2:
                    ground.learn(self.crops, number, points)
                lack = lacking(band, ground, polarity)
                inner, _ = two_sides(lack, 3.0)
                depth = np.full(len(points), usual_of(inner[:, band.middle]))
                sides = side_cost(lack, depth, band.noise)
            search = Search(self.width, 1.5, walk, away / (1 + turn))
            found = find_edge(band, polarity, expected, search, sides=sides)
            expected = expected_strength(found.strength)
            if exact:
                break
            points = moved_outline(points, band.normals, found.moved)
        _check(points)
        self.off = np.zeros(2)
        self.placed = {frame}
        self.look = Appearance(
            polarity, expected, np.zeros(len(points)), np.full(len(points), 0.8 * contrast)
        )
        self.ground = Ground.empty(self.crops.shape)
        for _ in range(3):
            self.ground.learn(self.crops, frame, points)
        depth = self._depth(band)
        # thin places at the start must not accept plain film later
        self.look.depth = np.maximum(depth, 0.3 * float(np.median(depth)))
        self.grown = np.zeros(len(points))
        self.shapes[frame], self.found[frame] = points, found

    def _depth(self, band: EdgeBand) -> Floats:
        """Lack of brightness just inside the line a band lies along."""
        assert self.ground is not None
        assert self.look is not None
        inner, _ = two_sides(lacking(band, self.ground, self.look.polarity), 3.0)
        column = inner[:, band.middle]
        return np.where(np.isfinite(column), column, usual_of(column))

    def _darken(self, points: Polygon, frame: int, reach: float) -> None:
        """A particle that is brighter than its surroundings is looked at in the negative: there it is a dark one."""
        if self.crops.negative is not None:
            return
        band = read_band(self.crops, {frame: points}, {frame: 1.0}, points, reach + 6)
        polarity, strength = learn_polarity(band, self.width)
        if polarity < 0:
            inside, outside = _levels(band)
            self.crops.turn_negative(
                Negative.of(outside, outside + max(inside - outside, strength, FAINTEST))
            )

    def forget(self, frame: int) -> None:
        """What was begun in a frame is not to be trusted."""
        self.shapes.pop(frame, None)
        self.found.pop(frame, None)

    def _place(self, frame: int, guess: Polygon) -> None:
        """Look for the particle in a frame and correct the drift by what is found."""
        look = self.look
        assert look is not None
        if self.crops.visible(guess, frame) < LEAST_VISIBLE:
            return
        if frame not in self.placed:
            self.off = LASTING * self.off
            self.crops.correct(frame, self.off)
        moved, _ = particle_shift(
            self.crops,
            frame,
            guess,
            look.polarity,
            look.expected,
            self.width,
            9.0 if frame not in self.placed else 3.0,
        )
        self.crops.correct(frame, moved)
        self.off = self.off + moved if frame not in self.placed else self.off
        self.placed.add(frame)

    def _choose_scale(self, points: Polygon, frame: int, usable: list[int], reach: float) -> float:
        """Width of the edge filter and length of the temporal mean, from contrast against noise."""
        band = read_band(self.crops, {frame: points}, {frame: 1.0}, points, reach + 6)
        inside, outside = _levels(band)
        contrast = abs(outside - inside) + 1e-6
        ratio = 0.6 * contrast / (0.75 * band.noise)  # of one pixel
        # the noisier, the wider the edge is averaged across
        self.width = float(np.clip(2.6 - 0.8 * math.log2(max(ratio, 1e-3)), 1.5, 3.0))
        single = ratio * math.sqrt(self.width / 0.886) * 1.6
        self.reach_mean = int(np.clip(math.ceil(((self.enough / single) ** 2 - 1) / 2), 0, LONGEST_MEAN))
        return contrast

    def _window(self, frame: int, usable: list[int], reach: int) -> dict[int, float]:
        near = sorted(usable, key=lambda other: abs(other - frame))[: 2 * reach + 1]
        sigma = max(0.6, 0.6 * reach)
        return {k: math.exp(-0.5 * ((k - frame) / sigma) ** 2) for k in near if abs(k - frame) <= reach + 2}

    def step(self, frame: int, direction: int, ahead: list[int]) -> None:
        """Find the outline of the next frame, from the one before and what comes after. LostError where there is none."""
        look = self.look
        assert look is not None
        before = frame - direction
        while before not in self.shapes:
            before -= direction
        last = self.shapes[before]
        gap = abs(frame - before)
        # over a longer gap the speed is no longer that of the last frame
        ahead_by = look.speed * min(gap, 3)
        guess = moved_outline(last, None, ahead_by)
        for number in (frame, *ahead[: self.reach_mean]):
            if number not in self.placed or number == frame:
                self._place(number, guess)
        if self.crops.visible(guess, frame) < LEAST_VISIBLE:
            raise LostError(OUTSIDE)
        around, weights = self._recent(frame, direction, ahead, guess)
        reach = float(np.clip(0.1 * math.sqrt(area(guess) / math.pi), 5.0, 12.0)) + 3 * self.width
        search = Search(self.width, 1.5, 0.12, 1.2 + 0.3 * (gap - 1))
        band = read_band(self.crops, around, weights, guess, reach)
        assert self.ground is not None
        lack = lacking(band, self.ground, look.polarity)
        sides = side_cost(lack, look.depth, band.noise)
        assert self.grown is not None
        centre, away = pull_to_growth(self.grown, self.found[before].support, self.lobed)
        found = find_edge(
            band, look.polarity, look.expected, replace(search, away=away * search.away), centre, sides
        )
        points = moved_outline(guess, band.normals, found.moved)
        _check(points)
        if self.crops.visible(points, frame) < LEAST_VISIBLE:
            raise LostError(OUTSIDE)
        self.shapes[frame], self.found[frame] = points, found
        self.grown = self.grown + ahead_by + found.moved
        self._learn(found, gap)
        inner, _ = two_sides(lack, 3.0)
        nearest = np.clip(np.rint(found.moved / STEP).astype(int) + band.middle, 0, inner.shape[1] - 1)
        seen = inner[np.arange(len(points)), nearest]
        usual = usual_of(seen)
        rate = 0.1 * found.support
        # never so thin that plain film would do
        fresh = np.where(np.isfinite(seen), np.maximum(seen, 0.3 * usual), look.depth)
        look.depth = (1 - rate) * look.depth + rate * fresh
        unsure = np.maximum(0.0, centre) + UNSEEN * (1 - smoothed(found.support, 2.0))
        self.ground.learn(self.crops, frame, points, unsure)

    def _recent(
        self, frame: int, direction: int, ahead: list[int], guess: Polygon
    ) -> tuple[dict[int, Polygon], dict[int, float]]:
        """This frame and those after it around the guess, some before around their own outlines."""
        around, weights = {frame: guess}, {frame: 1.0}
        sigma = max(0.6, 0.7 * self.reach_mean)
        look = self.look
        assert look is not None
        for other in ahead[: self.reach_mean]:
            if self.crops.visible(guess, other) < LEAST_VISIBLE:
                continue
            far = abs(other - frame)
            around[other] = moved_outline(guess, None, look.speed * far) if far else guess
            weights[other] = math.exp(-0.5 * (far / sigma) ** 2)
        behind = [k for k in self.shapes if 0 < (frame - k) * direction <= self.reach_mean]
        for other in behind:
            around[other] = self.shapes[other]
            # a little less: past outlines already carry what those frames said
            weights[other] = 0.7 * math.exp(-0.5 * ((frame - other) / sigma) ** 2)
        return around, weights

    def _learn(self, found: LocatedEdge, gap: int) -> None:
        look = self.look
        assert look is not None
        seen = expected_strength(found.strength)
        rate = 0.12 * smoothed(found.support, 3.0)
        look.expected = np.asarray((1 - rate) * look.expected + rate * seen)
        drift = smoothed(found.moved, len(found.moved) / 30) / gap
        # one frame that leaps does not become a speed
        own = 0.92 * look.speed + 0.35 * np.clip(drift, -1.2, 1.2)
        trust = smoothed(found.support, 3.0)  # a stretch that is not seen moves like the rest
        look.speed = np.asarray(trust * own + (1 - trust) * 0.9 * float(np.median(own)))


def _levels(band: EdgeBand) -> tuple[float, float]:
    """Brightness inside and outside of a rough outline."""
    inside, outside = band.values[:, : band.middle - 4], band.values[:, band.middle + 5 :]
    if not np.isfinite(inside).any() or not np.isfinite(outside).any():
        raise LostError("there are no image data along its outline")
    return usual_of(inside), usual_of(outside)


def _check(points: Polygon) -> None:
    """Refuse what an outline has become when there was nothing to hold on to."""
    if not np.isfinite(points).all() or area(points) < SMALLEST:
        raise LostError(FADED)


def moved_outline(points: Polygon, directions: Floats | None, by: Floats) -> Polygon:
    """Vertices moved along their normals, spaced evenly again, loops cut away."""
    directions = normals(points) if directions is None else directions
    moved = relaxed(points + directions * np.asarray(by)[:, None], 1.0)
    if crosses_itself(moved) or has_fingers(moved, THINNEST):
        start = moved[0]
        moved = outer_outline(moved, len(points), THINNEST / 2)
        first = int(np.argmin(np.hypot(*(moved - start).T)))
        # the repair starts anywhere: vertices keep their numbers
        moved = np.roll(moved, -first, axis=0)
    return resampled(moved, len(points))
