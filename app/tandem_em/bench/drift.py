"""Drift: how far the answer lies from the truth of the demo's movie, and how long a large movie takes."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.analysis.drift.measure import drift_rms, estimate_drift
from tandem_em.core.benchmark import Figure
from tandem_em.core.jobs import run_to_end
from tandem_em.simulation.demo_movie import demo_recipe
from tandem_em.simulation.movie_physics import render_frame

# What was asked for: px of the rms distance, s for 300 frames of 2048².
LIMIT_PX, LIMIT_S = 0.3, 30.0
LARGE = 4
"""How many times more pixels a side the timed movie has."""
KEPT = 16
"""Different frames of the timed movie: more would not fit in memory."""


def run(quick: bool = False) -> list[Figure]:
    """Accuracy on the demo's movie (512², jumps included), then the time of 300 frames of 2048²."""
    count = 60 if quick else 300
    figures = []
    frames = np.zeros((0, 1, 1), np.uint16)
    for seed in (7,) if quick else (7, 8, 9):
        recipe = demo_recipe(count, 512, seed)
        frames = np.empty(recipe.shape, np.uint16)
        with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
            for number, frame in enumerate(
                pool.map(render_frame, [recipe] * len(frames), range(len(frames)))
            ):
                frames[number] = frame
        found = run_to_end(estimate_drift(frames.__getitem__, len(frames)))
        # Frames without beam have no drift that could be found.
        lit = np.array([number not in recipe.blanked for number in range(len(frames))])
        off = drift_rms(found[lit], np.array(recipe.drift_px)[lit])
        what = f"drift of the demo's movie, seed {seed}: rms distance from the truth"
        figures.append(Figure(what, off, "px", goal=f"within {LIMIT_PX} px", met=off <= LIMIT_PX))
    return [*figures, _time(frames, count)]


def _time(frames: NDArray[Any], count: int) -> Figure:
    kept = [
        frame.repeat(LARGE, axis=0).repeat(LARGE, axis=1) for frame in frames[:: max(1, count // KEPT)][:KEPT]
    ]
    began = time.perf_counter()
    run_to_end(estimate_drift(lambda index: kept[index % len(kept)].copy(), count))
    took = time.perf_counter() - began
    goal, met = (f"under {LIMIT_S:g} s", took < LIMIT_S) if count == 300 else ("", None)
    return Figure(f"drift of {count} frames of {kept[0].shape[0]}²", took, "s", goal=goal, met=met)
