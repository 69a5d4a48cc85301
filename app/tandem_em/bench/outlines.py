"""Outlines followed through generated movies of four difficulties, against their truth and beside two simple trackers.

The first outline is drawn as a hand does: few corners, some per cent too large or too small, a little off. The drift is
the one we find ourselves. Frames that are blanked, or in which a cluster has come apart, ask for nothing; every other
frame without an outline is lost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.drift.measure import estimate_drift
from tandem_em.analysis.geometry.polygon import (
    Polygon,
    area,
    centroid,
    overlap,
    perimeter,
    resampled,
)
from tandem_em.analysis.outlines.follow import follow
from tandem_em.bench.outlines_peers import threshold_and_link, watershed_from_last
from tandem_em.core.benchmark import Figure
from tandem_em.core.jobs import run_to_end
from tandem_em.simulation.movie_levels import LEVELS, SCENES, Level, Scene, level_recipe
from tandem_em.simulation.movie_physics import in_one_piece, movie, render_frame, truth
from tandem_em.simulation.movie_recipe import MovieRecipe

SIZES = ("frames", "seeds")
"""What the command line may set."""
LOST_BELOW = 0.5
"""An outline that shares less than this with the particle follows something else (IoU)."""
WRONG = 0.1
"""Area error from which a frame should be flagged."""
DOUBT = 0.5
"""Confidence below which a frame is flagged."""
GOALS: dict[Level, tuple[float, float, float, float]] = {
    "easy": (0.985, 0.7, 2.5, 0.0),
    "medium": (0.975, 1.5, 4.0, 0.0),
    "hard": (0.955, 2.0, 8.0, 2.0),
    "brutal": (0.88, 5.0, 18.0, 8.0),
}
"""Mean IoU, median and 95th percentile of the area error (%), lost frames (%)."""
TRACKERS = ("ours", "watershed", "threshold-and-link")


@dataclass(frozen=True)
class Scores:
    """One row per frame with beam: IoU (0 where lost), relative area error (NaN where lost), flagged, truth in the band."""

    iou: NDArray[np.float64]
    error: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    held: NDArray[np.bool_]

    @property
    def lost(self) -> NDArray[np.bool_]:
        """Frames whose outline follows something else or is not there."""
        return self.iou < LOST_BELOW

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Frames that a person would want to look at: lost, or the area off by more than 10 %."""
        return self.lost | (np.nan_to_num(np.abs(self.error)) > WRONG)

    @property
    def known(self) -> NDArray[np.float64]:
        """Relative area errors of the frames that have an outline."""
        return self.error[np.isfinite(self.error)]


def run(quick: bool, frames: int = 0, seeds: int = 0) -> list[Figure]:
    """All figures. `frames` a movie and `seeds` a scene; 100 and 3 unless told, quick 50 and 1."""
    frames, seeds = frames or (50 if quick else 100), seeds or (1 if quick else 3)
    figures = speed(*((40, 256) if quick else (300, 1024)))
    for level in LEVELS:
        figures += _of_level(level, frames, seeds)
    return figures


def _of_level(level: Level, frames: int, seeds: int) -> list[Figure]:
    rows: dict[str, list[Scores]] = {name: [] for name in TRACKERS}
    for scene in SCENES:
        for seed in range(1, seeds + 1):
            for name, scores in one_movie(level, seed, scene, frames).items():
                rows[name].append(scores)
    all_rows = {name: _together(scores) for name, scores in rows.items()}
    return _figures(level, all_rows)


def one_movie(level: Level, seed: int, scene: Scene, frames: int, size: int = 256) -> dict[str, Scores]:
    """Follow the target of one movie with every tracker."""
    recipe = level_recipe(level, seed, scene, frames=frames, size=size)
    images = movie(recipe)
    name = next(iter(recipe.target_members))
    shown = [k for k in range(frames) if k not in recipe.blanked and in_one_piece(recipe, k, name)]
    true = {k: truth(recipe, k)[name] for k in shown}
    drawn = drawn_by_hand(true[0], seed)
    drift = np.asarray(run_to_end(estimate_drift(lambda k: images[k], frames)))
    ours = run_to_end(follow(lambda k: images[k], frames, {0: drawn}, drift)).outlines
    polygons = {k: outline.polygon for k, outline in ours.items()}
    confident = {k for k, outline in ours.items() if outline.confidence >= DOUBT}
    within = {
        k for k, outline in ours.items() if k in true and outline.area_low_px <= area(true[k]) <= outline.area_high_px
    }  # fmt: skip
    scored = {"ours": _scores(true, polygons, confident, within)}
    for tracker, call in zip(TRACKERS[1:], (watershed_from_last, threshold_and_link)):
        # Trackers that know no confidence are never flagged and have no band.
        scored[tracker] = _scores(true, call(images, drawn, drift), set(true), set())
    return scored


def drawn_by_hand(true: Polygon, seed: int, sloppy: float = 0.04) -> Polygon:
    """A true outline as a person draws it: a corner every 9 px, some per cent too large or small, uneven, a little aside."""
    rng = np.random.default_rng([seed, 99])
    corners, middle = resampled(true, max(24, round(perimeter(true) / 9))), centroid(true)
    radius = float(np.sqrt(area(true) / np.pi))
    angle = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    size = 1 + rng.uniform(-sloppy, sloppy) / 2
    for waves in (2, 3):
        size = size + rng.normal(0, sloppy / 2.5) * np.cos(waves * angle + rng.uniform(0, 6.3))
    aside, shaky = rng.normal(0, 0.012 * radius, 2), rng.normal(0, 0.008 * radius, corners.shape)
    return np.asarray(middle + (corners - middle) * np.reshape(size, (-1, 1)) + aside + shaky)


def _scores(
    true: dict[int, Polygon], found: dict[int, Polygon], confident: set[int], within: set[int]
) -> Scores:
    iou = [overlap(found[k], polygon) if k in found else 0.0 for k, polygon in true.items()]
    error = [area(found[k]) / area(polygon) - 1 if k in found else np.nan for k, polygon in true.items()]
    flagged = [k not in confident for k in true]
    return Scores(np.array(iou), np.array(error), np.array(flagged), np.array([k in within for k in true]))


def _together(rows: list[Scores]) -> Scores:
    columns = ("iou", "error", "flagged", "held")
    return Scores(*(np.concatenate([getattr(row, name) for row in rows]) for name in columns))


def _figures(level: Level, rows: dict[str, Scores]) -> list[Figure]:
    iou, median, p95, lost = GOALS[level]
    ours = rows["ours"]
    percent = {name: 100 * np.abs(scores.known) for name, scores in rows.items()}
    bias = {name: 100 * float(scores.known.mean()) for name, scores in rows.items()}
    most_bias = 1.0 if level in ("easy", "medium") else np.inf
    remark = f"{len(ours.iou)} frames"
    return [
        _beside(f"{level}: mean IoU", {n: float(s.iou.mean()) for n, s in rows.items()}, "", iou, least=True, remark=remark),
        _beside(f"{level}: median area error", {n: float(np.median(e)) for n, e in percent.items()}, "%", median),
        _beside(f"{level}: 95th percentile", {n: float(np.quantile(e, 0.95)) for n, e in percent.items()}, "%", p95),
        _beside(f"{level}: lost frames", {n: 100 * float(s.lost.mean()) for n, s in rows.items()}, "%", lost),
        _beside(f"{level}: mean area error (bias)", bias, "%", most_bias),
        _share(f"{level}: bad frames that are flagged", ours.flagged[ours.bad], 80, least=True),
        _share(f"{level}: good frames that are flagged", ours.flagged[~ours.bad], 5),
        _share(f"{level}: truth inside the 95 % band", ours.held[np.isfinite(ours.error)], 90, least=True),
    ]  # fmt: skip


def _beside(
    what: str, values: dict[str, float], unit: str, limit: float, *, least: bool = False, remark: str = ""
) -> Figure:
    """Ours with its goal; the worse peer is named in words, the better in figures."""
    ours, watershed, threshold = (values[name] for name in TRACKERS)
    peer = f"threshold-and-link {threshold:.4g} {unit}".rstrip() + "; watershed"
    if not np.isfinite(limit):
        return Figure(what, ours, unit, peer, watershed, remark=remark)
    met = ours >= limit if least else abs(ours) <= limit
    return Figure(
        what, ours, unit, peer, watershed, None, f"{'>=' if least else '<='} {limit:g}", met, remark
    )


def _share(what: str, said: NDArray[np.bool_], limit: float, *, least: bool = False) -> Figure:
    if not len(said):
        return Figure(what, np.nan, "%", remark="there were none")
    value = 100 * float(said.mean())
    met = value >= limit if least else value <= limit
    return Figure(
        what, value, "%", goal=f"{'>=' if least else '<='} {limit:g}", met=met, remark=f"{len(said)} frames"
    )


def speed(frames: int, size: int) -> list[Figure]:
    """One particle through a movie in memory, nothing warmed up but the compiled code on disk."""
    recipe = level_recipe("medium", 1, "single", frames=frames, size=size)
    images = _rendered(recipe)
    drawn = drawn_by_hand(next(iter(truth(recipe, 0).values())), 1)
    drift = np.array(recipe.drift_px)
    started = time.perf_counter()
    job = follow(lambda k: images[k], frames, {0: drawn}, drift)
    # The first partial answer is what a person waits for.
    while not next(job).partial:
        pass
    first_s = time.perf_counter() - started
    count = len(run_to_end(job).outlines)
    seconds = time.perf_counter() - started
    name = f"{frames} × {size}², one particle"
    return [
        Figure(f"followed through {name}", seconds, "s", goal="<= 10", met=seconds <= 10, remark=f"{count} outlines"),
        Figure(f"first outline to be drawn, {name}", first_s, "s", goal="<= 0.5", met=first_s <= 0.5),
    ]  # fmt: skip


def _rendered(recipe: MovieRecipe) -> NDArray[np.uint16]:
    """All frames, written in place: a large movie is never in memory twice."""
    images = np.empty(recipe.shape, np.uint16)
    for frame in range(len(images)):
        images[frame] = render_frame(recipe, frame)
    return images
