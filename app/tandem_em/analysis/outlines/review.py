"""The look back: with all frames walked, each outline is found again between its past and its future.

Each step is a generator that yields after every frame, so that it can be left at any time. The bands of neighbouring
frames are averaged along the outlines they belong to, so that a swelling particle is not blurred by the mean. Then the
mean edge profile tells how far outside the steepest line the silhouette ends.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.geometry.polygon import Polygon, area, bulge_radius, centroid, normals
from tandem_em.analysis.outlines.band import STEP, read_band
from tandem_em.analysis.outlines.crops import Crops
from tandem_em.analysis.outlines.ground import DARKEST, Ground, behind
from tandem_em.analysis.outlines.growth import growth_since_start, pull_to_growth
from tandem_em.analysis.outlines.locate import LocatedEdge, Search, expected_strength, find_edge
from tandem_em.analysis.outlines.notches import cut_notches
from tandem_em.analysis.outlines.precise import (
    INSIDE,
    LOOSE,
    Comparer,
    Places,
    comparer,
    find_places,
    rigid_part,
    surface,
)
from tandem_em.analysis.outlines.profile import EdgeFit, EdgeProfile, edge_profile, fit_edges
from tandem_em.analysis.outlines.register import particle_shift
from tandem_em.analysis.outlines.walk import moved_outline
from tandem_em.core.numeric import Floats

Answer = TypeVar("Answer")

RefineStep = Generator[None, None, Answer]
"""A step of the look back: yields after every frame and returns its answer."""
LOOKS = 5
"""Times that every frame is looked at; a sixth for clusters."""
PROFILE_GROUPS = 8
PROFILE_REACH = 12.0
NOTCH_BLUR = 0.8  # px
TINY = 1e-9
CLEAR_NOTCH = 0.12  # of the depth: more noise would be cut, too


@dataclass(frozen=True)
class Silhouettes:
    """Final outlines (work pixels), the fits of their edges, and what speaks for and against each vertex."""

    outlines: dict[int, Polygon]
    fits: dict[int, EdgeFit]
    places: dict[int, Places] = field(default_factory=dict)


@dataclass
class Review:
    """Outlines of one particle in all walked frames (work pixels), to be improved together."""

    crops: Crops
    polarity: float
    width: float
    reach_mean: int
    shapes: dict[int, Polygon]
    found: dict[int, LocatedEdge]
    fixed: frozenset[int] = frozenset()  # kept as they are
    lobed: bool = False  # a cluster

    @property
    def frames(self) -> list[int]:
        """Numbers of the frames that have an outline, ascending."""
        return sorted(self.shapes)

    def improve(self, turns: int = 2) -> RefineStep[None]:
        """Find every outline again around the mean of its neighbours."""
        for _ in range(turns):
            expected = self._expected()
            calm, centres, scales = self._calm_shapes(1.0 + 0.7 * self.reach_mean)
            frames = self.frames
            for place, frame in enumerate(frames):
                if frame not in self.fixed:
                    self._improve_one(frames, place, calm, expected[frame], centres[place], scales[place])
                yield

    def _improve_one(
        self,
        frames: list[int],
        place: int,
        calm: dict[int, Polygon],
        expected: Floats,
        centre: Floats,
        scale: float,
    ) -> None:
        frame = frames[place]
        weights = self.weights(place)
        guess = calm[frame]
        span = float(np.clip(0.05 * math.sqrt(area(guess) / math.pi), 3.0, 6.0)) + 3 * self.width
        band = read_band(self.crops, calm, weights, guess, span)
        search = Search(self.width, 1.0, 0.1, 1.2 * max(1.0, scale))
        found = find_edge(band, self.polarity, expected, search, centre)
        self.found[frame] = found
        self.shapes[frame] = moved_outline(guess, band.normals, found.moved)

    def _expected(self) -> dict[int, Floats]:
        """Strength of the edge at each vertex, learned over the frames around each."""
        frames = self.frames
        table = np.stack([expected_strength(self.found[k].strength) for k in frames])
        return dict(zip(frames, _time_mean(table, 6.0)))

    def _calm_shapes(self, sigma: float) -> tuple[dict[int, Polygon], list[Floats], list[float]]:
        """Outlines averaged over neighbouring frames, where growth in one piece would put them, and how loosely."""
        frames = self.frames
        table = _matched(np.stack([self.shapes[k] for k in frames]))
        calm = _shape_mean(table, sigma)
        for place, frame in enumerate(frames):
            if frame in self.fixed:
                # a fixed outline is not averaged with its neighbours
                calm[place] = table[place]
        grown = growth_since_start(calm)
        centres, scales = [], []
        for place, frame in enumerate(frames):
            centre, scale = pull_to_growth(grown[place], self.found[frame].support, self.lobed)
            centres.append(centre)
            scales.append(scale)
        return dict(zip(frames, calm)), centres, scales

    def correct_drift(self) -> RefineStep[None]:
        """Look for each calm outline in its own frame once more and correct what is left of the drift."""
        expected = self._expected()
        calm, _, _ = self._calm_shapes(1.0 + 0.7 * self.reach_mean)
        frames = [frame for frame in self.frames if frame not in self.fixed]
        grown = np.zeros(len(frames))
        for place, frame in enumerate(frames):
            moved, grown[place] = particle_shift(
                self.crops, frame, calm[frame], self.polarity, expected[frame], self.width, 2.0
            )
            self.crops.correct(frame, moved)
            yield
        if self.reach_mean > 0:  # one frame alone is not quite to be believed
            grown = _time_mean(_middling(grown, self.reach_mean), 0.7 * self.reach_mean)
        for frame, by in zip(frames, grown):
            self.shapes[frame] = moved_outline(calm[frame], None, np.full(len(calm[frame]), by))

    def silhouettes(self) -> RefineStep[Silhouettes]:
        """Where the particle ends in each frame, to a fraction of a pixel; without a fit the lines stay."""
        final, fits = dict(self.shapes), dict[int, EdgeFit]()
        places: dict[int, Places] = {}
        for _ in range(2):  # the profile is measured again around the first answer, whose shape is truer
            found = self.edge_fits(final)
            if not found:
                break
            for frame, fit in found.items():
                if frame not in self.fixed:
                    final[frame] = moved_outline(final[frame], None, np.full(len(final[frame]), fit.outward))
            fits = found
            final, places = yield from self._precise(final, fits)
        if fits and self.lobed:
            yield from self._cut_notches(final, fits)
        return Silhouettes(final, fits, places)

    def _precise(
        self, shapes: dict[int, Polygon], fits: dict[int, EdgeFit]
    ) -> RefineStep[tuple[dict[int, Polygon], dict[int, Places]]]:
        """Each outline moved to where the model of the edge fits best, smoothly in time and around."""
        frames = self.frames
        table = _matched(np.stack([shapes[k] for k in frames]))
        calm = dict(zip(frames, _shape_mean(table, 0.7 + 0.5 * self.reach_mean)))
        for frame in self.fixed & calm.keys():
            calm[frame] = shapes[frame]
        comparers: dict[tuple[int, int], tuple[Comparer, Comparer]] = {}
        rows: list[Places] = []
        ground = Ground.empty(self.crops.shape)
        for frame in frames[: 2 + 2 * self.reach_mean]:
            ground.learn(self.crops, frame, calm[frame])
        for place, frame in enumerate(frames):
            weights = self.weights(place)
            band = read_band(self.crops, calm, weights, calm[frame], INSIDE + STEP)
            form = fits[frame].form
            # frames of nearly the same noise share a comparer: making one is slow
            key = id(form), round(8 * math.log2(max(1e-4, band.noise)))
            if key not in comparers:
                comparers[key] = comparer(form, band.noise), comparer(form, band.noise, loose=LOOSE)
            rows.append(find_places(band.values, behind(band, ground), form, comparers[key]))
            ground.learn(self.crops, frame, calm[frame])
            yield
        moved, spread, misfit = (
            np.stack([getattr(r, name) for r in rows]) for name in ("moved", "spread", "misfit")
        )
        trust = (
            1
            / spread**2
            / (1 + (np.maximum(0, misfit / max(float(np.median(misfit)), TINY) - 1.3) / 0.7) ** 2)
        )
        trust *= 0.03 + 0.97 * np.stack([self.found[k].support for k in frames])
        outward = np.stack([normals(calm[k]) for k in frames])
        whole = rigid_part(moved, outward, trust)
        smooth = whole + surface(moved - whole, trust)
        # what stands off from the rest counts less the second time
        trust = trust / (1 + ((moved - smooth) / (2.5 * spread)) ** 2)
        whole = rigid_part(moved, outward, trust)
        smooth = whole + surface(moved - whole, trust)
        final = dict(shapes)
        for place, frame in enumerate(frames):
            if frame not in self.fixed:
                final[frame] = moved_outline(calm[frame], None, smooth[place])
        left = {
            k: replace(row, moved=row.moved - smooth[place])
            for place, (k, row) in enumerate(zip(frames, rows))
        }
        return final, left

    def _cut_notches(self, outlines: dict[int, Polygon], fits: dict[int, EdgeFit]) -> RefineStep[None]:
        """Notches of a cluster, which a line along normals rounds off, are read from the picture itself."""
        ground = Ground.empty(self.crops.shape)
        # a dozen frames over the movie show the film well enough
        for frame in self.frames[:: max(1, len(self.frames) // 12)]:
            ground.learn(self.crops, frame, outlines[frame])
        # frames are divided by it
        smooth = np.maximum(ground.smooth(), DARKEST)
        for place, frame in enumerate(self.frames):
            yield
            if frame in self.fixed:
                continue
            mean, noise = self._mean_image(self.weights(place), frame)
            depth, share = fits[frame].form.lack()
            if noise < CLEAR_NOTCH * depth:
                lack = (self.polarity * (1 - mean / smooth)).astype(np.float32)
                outlines[frame] = cut_notches(outlines[frame], lack, depth, self.crops.shift(frame), share)

    def _mean_image(self, weights: dict[int, float], frame: int) -> tuple[NDArray[np.float32], float]:
        """Crop of a frame averaged with its neighbours in its own pixels, a little smoothed, and its noise."""
        from scipy.ndimage import gaussian_filter, shift

        total, mass, noise = np.zeros(self.crops.shape, np.float32), 0.0, 0.0
        for number, weight in weights.items():
            image = np.nan_to_num(self.crops.image(number), nan=1.0)
            if number != frame:
                by = self.crops.shift(frame) - self.crops.shift(number)
                image = shift(image, by[::-1], order=1, mode="nearest")
            total += np.float32(weight) * image
            mass += weight
            noise += (weight * self.crops.noise(number)) ** 2
        return gaussian_filter(total / np.float32(mass), NOTCH_BLUR), math.sqrt(noise) / mass / (
            3.5 * NOTCH_BLUR
        )

    def weights(self, place: int) -> dict[int, float]:
        """How much each neighbouring frame counts in the mean around one, given by its place in `frames`."""
        frames, reach = self.frames, self.reach_mean
        sigma = max(0.5, 0.7 * reach)
        near = frames[max(0, place - 2 * reach) : place + 2 * reach + 1]
        weights = {k: math.exp(-0.5 * ((k - frames[place]) / sigma) ** 2) for k in near}
        # reading a frame that counts so little costs as much as any
        return {k: w for k, w in weights.items() if w > 0.05}

    def edge_fits(self, shapes: dict[int, Polygon]) -> dict[int, EdgeFit]:
        """How far outside of these lines the silhouettes end: fits of groups of frames, interpolated to each frame."""
        frames = self.frames
        groups = np.array_split(frames, min(PROFILE_GROUPS, max(1, len(frames) // 4)))
        profiles: list[EdgeProfile] = []
        middles: list[float] = []
        radius = float(np.median([bulge_radius(shapes[int(group[len(group) // 2])]) for group in groups]))
        for group in groups:
            profile = self._group_profile([int(k) for k in group], shapes, radius)
            if profile is not None:
                profiles.append(profile)
                middles.append(float(group.mean()))
        if not profiles:
            return {}
        fits = fit_edges(profiles)
        outward = np.interp(frames, middles, [fit.outward for fit in fits])
        nearest = [int(np.argmin(np.abs(np.array(middles) - k))) for k in frames]
        return {k: replace(fits[n], outward=float(o)) for k, o, n in zip(frames, outward, nearest)}

    def _group_profile(
        self, group: list[int], shapes: dict[int, Polygon], radius: float
    ) -> EdgeProfile | None:
        middle = group[len(group) // 2]
        band = read_band(self.crops, shapes, dict.fromkeys(group, 1.0), shapes[middle], PROFILE_REACH)
        expected = self.found[middle].expected
        return edge_profile(band, radius, expected)


def _time_mean(table: Floats, sigma: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(table, sigma, axis=0, mode="nearest"))


def _middling(values: Floats, reach: int) -> Floats:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, 2 * min(reach, 3) + 1, mode="nearest"))


def _shape_mean(table: Floats, sigma: float) -> Floats:
    """Outlines whose shape is averaged over neighbouring frames; each keeps its own place and size."""
    middles = np.stack([centroid(row) for row in table])[:, None, :]
    sizes = np.sqrt([max(area(row), TINY) for row in table])[:, None, None]
    calm = _time_mean((table - middles) / sizes, sigma)
    # averaging shapes takes area away: it is given back
    own = np.sqrt([max(area(row), TINY) for row in calm])[:, None, None]
    return np.asarray(middles + calm * (sizes / own))


def _matched(table: Floats, reach: int = 3) -> Floats:
    """Outlines whose first vertices correspond from frame to frame (they slide a little when spaced anew)."""
    out = table.copy()
    count = table.shape[1]
    for k in range(1, len(out)):
        # only a few vertices of turn are tried: frames follow each other closely
        around = np.concatenate([table[k, -reach:], table[k], table[k, :reach]])
        alike = [float(np.vdot(around[start : start + count], out[k - 1])) for start in range(2 * reach + 1)]
        start = int(np.argmax(alike))
        out[k] = around[start : start + count]
    return out
