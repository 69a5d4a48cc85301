"""The drift that is found is the drift that was made, through noise, jumps, swelling, blanking and light steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as moved

from tandem_em.analysis.drift.measure import drift_rms, estimate_drift
from tandem_em.analysis.drift.spectra import Grid, coarse_shift
from tandem_em.core.jobs import Progress, run_to_end
from tandem_em.core.notices import UserError
from tandem_em.simulation.movie_levels import level_recipe
from tandem_em.simulation.movie_physics import movie
from tandem_em.simulation.movie_recipe import Camera, Film, Light, MovieRecipe, Needle

FRAMES = 24


def filmed(**changes: object) -> MovieRecipe:
    """Swelling particles on grainy carbon, drifting with two jumps."""
    recipe = level_recipe("medium", 3, "cluster", frames=FRAMES, size=256)
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 0.4, (FRAMES, 2))
    steps[0], steps[9], steps[17] = 0, (11.3, -6.2), (-4.7, 8.1)
    path = tuple((float(x), float(y)) for x, y in np.cumsum(steps, axis=0))
    film = Film(absorption=0.08, hole_radius_px=40, grain=0.05)
    recipe = replace(recipe, drift_px=path, film=film, needle=None, exposure_s=0.1)
    return replace(recipe, camera=Camera(electrons=40, hot_pixels=30, spikes=2), **changes)  # type: ignore[arg-type]


def found(recipe: MovieRecipe, region: tuple[int, int, int, int] | None = None) -> np.ndarray:
    frames = movie(recipe)
    return run_to_end(estimate_drift(lambda k: frames[k], len(frames), region))


def test_jumps_are_found_to_a_fraction_of_a_pixel_while_the_particles_swell() -> None:
    recipe = filmed()
    drift = found(recipe)
    assert drift.shape == (FRAMES, 2)
    assert np.all(drift[0] == 0)
    assert drift_rms(drift, np.array(recipe.drift_px)) < 0.3


def test_blanked_frames_and_light_steps_do_not_disturb() -> None:
    light = Light(tilt_x=0.3, bowl=0.2, steps=((40.0, 0.6), (80.0, 1.5)))
    recipe = filmed(blanked=frozenset({5, 12, 13}), light=light)
    drift, true = found(recipe), np.array(recipe.drift_px)
    seen = [k for k in range(FRAMES) if k not in recipe.blanked]
    assert drift_rms(drift[seen], true[seen]) < 0.35
    assert np.abs(drift[12] - drift[11]).max() < 1.5


def test_a_needle_that_moves_is_not_followed() -> None:
    needle = Needle(128, 100, 1.57, 12, 0.2, 2.0, 50, 80, 90, 2.0)
    recipe = filmed(needle=needle)
    assert drift_rms(found(recipe), np.array(recipe.drift_px)) < 0.35


def test_a_needle_is_hidden_however_high_the_offset_of_the_camera_makes_its_counts() -> None:
    recipe = level_recipe("hard", 3, "cluster", frames=85, size=256)
    assert recipe.needle is not None
    seen = [k for k in range(85) if k not in recipe.blanked]
    assert drift_rms(found(recipe)[seen], np.array(recipe.drift_px)[seen]) < 0.8


@pytest.mark.parametrize("kind", ["layer at a side", "layer across", "particle at the border"])
def test_what_is_dark_and_reaches_the_border_is_not_always_a_needle(kind: str) -> None:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:360, :360]
    rough = gaussian_filter(rng.normal(size=360), 4)[:, None] * 12
    dark = {
        "layer at a side": x < 130 + rough,
        "layer across": np.abs(x - 180 + rough) < 40,
        "particle at the border": np.hypot(y - 180, x - 60) < 50,
    }[kind]
    sample = gaussian_filter(1 - 0.65 * dark, 1.0)
    path = np.cumsum(rng.normal(0, 0.6, (FRAMES, 2)), axis=0)
    path -= path[0]
    frames = [rng.poisson(40 * moved(sample, (dy, dx), order=1)[52:308, 52:308]) for dx, dy in path]
    drift = run_to_end(estimate_drift(lambda k: frames[k], FRAMES))
    assert drift_rms(drift, path) < 0.4


def test_a_region_gives_the_same_drift() -> None:
    recipe = filmed()
    assert drift_rms(found(recipe, (10, 10, 250, 130)), np.array(recipe.drift_px)) < 0.4


def test_progress_grows_and_a_stopped_job_lets_go() -> None:
    frames = movie(filmed())[:6]
    seen = []
    job = estimate_drift(lambda k: frames[k], 6)
    for _ in range(4):
        step = next(job)
        assert isinstance(step, Progress)
        seen.append(step.done)
    job.close()
    assert seen == sorted(seen)


def test_one_frame_does_not_drift_and_a_tiny_region_is_refused() -> None:
    frame = np.full((40, 50), 100, np.uint16)
    np.testing.assert_array_equal(run_to_end(estimate_drift(lambda k: frame, 1)), [[0, 0]])
    with pytest.raises(UserError, match="too small"):
        run_to_end(estimate_drift(lambda k: frame, 1, (0, 0, 5, 5)))


def test_all_frames_blank_gives_no_drift() -> None:
    frame = np.full((64, 64), 100, np.uint16)
    drift = run_to_end(estimate_drift(lambda k: frame, 5))
    assert np.isfinite(drift).all()


def test_one_ball_in_vacuum_is_enough() -> None:
    rng = np.random.default_rng(0)
    true = np.cumsum(rng.normal(0, 0.4, (FRAMES, 2)), axis=0)
    true -= true[0]
    y, x = np.mgrid[:256, :256]
    hot = rng.integers(0, 256, (2, 12))

    def frame(number: int) -> np.ndarray:
        away = np.hypot(x - 120 - true[number, 0], y - 135 - true[number, 1]) / 40
        light = 200 * np.exp(-0.6 * np.sqrt(1 - np.minimum(away, 1) ** 2))
        counts = np.random.default_rng(number).poisson(light).astype(np.uint16) * 8
        counts[hot[0], hot[1]] += 5000
        return counts

    assert drift_rms(run_to_end(estimate_drift(frame, FRAMES)), true) < 0.25


@pytest.mark.parametrize(("far", "expected"), [(1.05, 0.0), (3.0, 40.0)])
def test_a_place_far_away_must_be_clearly_better(far: float, expected: float) -> None:
    rng = np.random.default_rng(5)
    scene = gaussian_filter(rng.normal(size=(128, 128)), 3, mode="wrap").astype(np.float32)
    frame = scene + np.float32(far) * np.roll(scene, 40, axis=1)
    grid = Grid.of(128, 128, 0.3)
    shift, quality = coarse_shift(grid, grid.spectrum(frame) * np.conj(grid.spectrum(scene)))
    assert abs(shift[0] - expected) < 1.0
    assert abs(shift[1]) < 1.0
    assert quality > 5
