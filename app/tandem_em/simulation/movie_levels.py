"""Movies of four difficulties with wide random variety, for tests and benchmarks of drift and outlines."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tandem_em.simulation.movie_recipe import (
    Camera,
    Diffraction,
    Film,
    Light,
    MovieRecipe,
    Needle,
    Optics,
    Particle,
    Swelling,
)

Level = Literal["easy", "medium", "hard", "brutal"]
Scene = Literal["single", "touching", "cluster"]
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard", "brutal")
SCENES: tuple[Scene, ...] = ("single", "touching", "cluster")
Rng = np.random.Generator


@dataclass(frozen=True)
class Difficulty:
    """The knobs of a level; each movie draws its own values around them."""

    electrons: float
    absorption: float
    blur_px: float
    overlap: float  # of neighbours, relative to the radius
    crystal: float
    drift_px: float  # per frame
    jumps: int
    light_steps: int
    tilt: float
    blanked: int
    spikes: float
    fringe: float
    fringe_change: float


DIFFICULTIES: dict[Level, Difficulty] = {
    "easy": Difficulty(200, 0.55, 0.7, 0.03, 0.2, 0.05, 0, 0, 0.03, 0, 0.0, 0.3, 0.0),
    "medium": Difficulty(60, 0.45, 1.1, 0.10, 0.6, 0.15, 1, 1, 0.1, 0, 0.5, 0.5, 0.2),
    "hard": Difficulty(20, 0.38, 1.5, 0.22, 1.0, 0.3, 2, 2, 0.2, 2, 1.5, 0.3, 0.6),
    "brutal": Difficulty(5, 0.35, 1.8, 0.35, 1.0, 0.4, 3, 3, 0.25, 5, 3.0, 0.2, 0.8),
}


def level_recipe(
    level: Level,
    seed: int,
    scene: Scene = "single",
    frames: int = 100,
    size: int = 256,
    length_s: float = 120.0,
) -> MovieRecipe:
    """A movie of a level and scene; the same arguments give the same movie."""
    # level and scene are in the seed: the same seed gives other particles for each
    rng = np.random.default_rng([seed, LEVELS.index(level), SCENES.index(scene)])
    hard = DIFFICULTIES[level]
    times_s = _times(rng, frames, length_s)
    particles, targets = _scene(rng, hard, scene, size, length_s)
    recipe = MovieRecipe(
        shape=(frames, size, size),
        pixel_nm=float(rng.uniform(0.3, 1.5)),
        times_s=times_s,
        particles=particles,
        targets=targets,
        drift_px=_drift(rng, hard, frames),
        film=_film(rng, level, size),
        optics=_optics(rng, hard, length_s),
        camera=_camera(rng, hard),
        light=_light(rng, hard, length_s),
        blanked=frozenset(
            int(k) for k in rng.choice(np.arange(1, frames), min(hard.blanked, frames // 8), replace=False)
        ),
        exposure_s=length_s / frames * float(rng.uniform(0.3, 1.0)),
        seed=int(rng.integers(2**31)),
    )
    # drawn last, so that the rest of a movie is the same with and without a needle
    if level in ("hard", "brutal") or (level == "medium" and rng.random() < 0.5):
        recipe = replace(recipe, needle=_needle(rng, particles, length_s))
    return recipe


def _times(rng: Rng, frames: int, length_s: float) -> tuple[float, ...]:
    """Nominal frame times with jitter and a few dropped frames."""
    slots = np.sort(rng.choice(frames + frames // 15 + 1, frames, replace=False))
    step = length_s / slots[-1]
    times = slots * step + rng.normal(0, 0.03 * step, frames)
    # jitter can swap neighbours; a movie starts at 0 s
    return tuple(float(t) for t in np.sort(times - times.min()))


def _scene(
    rng: Rng, hard: Difficulty, scene: Scene, size: int, length_s: float
) -> tuple[tuple[Particle, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    if scene == "single":
        radius = size * rng.uniform(0.13, 0.2)
        only = _particle(
            rng, hard, "P1", size * rng.uniform(0.42, 0.58), size * rng.uniform(0.42, 0.58), radius, length_s
        )
        return (only,), ()
    if scene == "touching":
        return _touching(rng, hard, size, length_s), (("P1", ("P1",)),)
    members = _heap(rng, hard, size, length_s)
    return members, (("C1", tuple(member.name for member in members)),)


def _touching(rng: Rng, hard: Difficulty, size: int, length_s: float) -> tuple[Particle, ...]:
    """A particle in the middle with one or two neighbours that it touches or overlaps."""
    radius = size * rng.uniform(0.12, 0.17)
    first = _particle(rng, hard, "P1", size * 0.5, size * 0.5, radius, length_s)
    found = [first]
    start = rng.uniform(0, 2 * math.pi)
    for k in range(int(rng.integers(1, 3))):
        other = radius * rng.uniform(0.7, 1.1)
        apart = (radius + other) * (1 - hard.overlap * rng.uniform(0.3, 1.0))
        angle = start + k * rng.uniform(1.8, 3.5)
        push = 0.2 * radius * np.array([math.cos(angle), math.sin(angle)])
        x, y = size * 0.5 + apart * math.cos(angle), size * 0.5 + apart * math.sin(angle)
        neighbour = _particle(rng, hard, f"P{k + 2}", x, y, other, length_s)
        found.append(replace(neighbour, push_px=(float(push[0]), float(push[1]))))
    return tuple(found)


def _heap(rng: Rng, hard: Difficulty, size: int, length_s: float) -> tuple[Particle, ...]:
    """A cluster of three to seven particles, each resting on an earlier one."""
    unit = size * rng.uniform(0.075, 0.1)
    spots = [(0.0, 0.0, unit * rng.uniform(0.9, 1.3))]
    for _ in range(int(rng.integers(2, 7))):
        # a crowded heap may have no free place: then it stays smaller
        for _attempt in range(40):
            x0, y0, r0 = spots[int(rng.integers(len(spots)))]
            r, angle = unit * rng.uniform(0.7, 1.3), rng.uniform(0, 2 * math.pi)
            apart = (r + r0) * (0.93 - 0.5 * hard.overlap * rng.random())
            x, y = x0 + apart * math.cos(angle), y0 + apart * math.sin(angle)
            if (
                all(math.hypot(x - a, y - b) > 0.7 * (r + c) for a, b, c in spots)
                and math.hypot(x, y) < 0.26 * size
            ):
                spots.append((x, y, r))
                break
    # swelling pushes the members outwards from here
    middle = np.mean([(x, y) for x, y, _ in spots], axis=0)
    members = []
    for k, (x, y, r) in enumerate(spots):
        push = 0.35 * (np.array([x, y]) - middle)
        cx, cy = size / 2 + x - middle[0], size / 2 + y - middle[1]
        member = _particle(rng, hard, f"M{k + 1}", cx, cy, r, length_s)
        members.append(replace(member, push_px=(float(push[0]), float(push[1]))))
    return tuple(members)


def _particle(
    rng: Rng, hard: Difficulty, name: str, x_px: float, y_px: float, radius_px: float, length_s: float
) -> Particle:
    harmonics = tuple(
        (k, float(rng.normal(0, 0.16 / k**1.3)), float(rng.uniform(0, 2 * math.pi))) for k in range(2, 8)
    )
    later = tuple((k, float(rng.normal(0, 0.04)), float(rng.uniform(0, 2 * math.pi))) for k in (2, 3))
    domains = tuple(
        Diffraction(
            strength=hard.crystal * float(rng.uniform(0.2, 1.2)),
            waves=float(rng.uniform(0.5, 3)),
            direction=float(rng.uniform(0, math.pi)),
            flicker_s=float(rng.uniform(0.5, 6)),
            phase=float(rng.uniform(0, 6)),
        )
        for _ in range(int(rng.integers(1, 4)))
    )
    return Particle(
        name=name,
        x_px=float(x_px),
        y_px=float(y_px),
        radius_px=float(radius_px),
        absorption=hard.absorption * float(rng.uniform(0.85, 1.2)),
        harmonics=harmonics,
        later_harmonics=later,
        # mostly balls, some flatter bodies
        power=float(rng.choice([0.5, 0.5, 0.4, 0.3])),
        flatness=float(rng.choice([2.0, 2.0, 3.0, 4.0])),
        swelling=_swelling(rng, length_s),
        thinning=float(rng.uniform(0.3, 0.7)),
        domains=domains,
        grain=float(rng.uniform(0, 0.08)),
    )


def _swelling(rng: Rng, length_s: float) -> Swelling:
    onset = float(rng.uniform(0.04, 0.2)) * length_s
    return Swelling(
        onset_s=onset,
        fast_gain=float(rng.uniform(0.2, 0.8)),
        fast_tau_s=float(rng.uniform(0.08, 0.18)) * length_s,
        slow_per_s=float(rng.uniform(0, 0.15)) / length_s,
        loss_s=float(rng.uniform(0.65, 0.9)) * length_s if rng.random() < 0.6 else math.inf,
        kept_after_loss=float(rng.uniform(0.5, 0.85)),
        loss_tau_s=0.1 * length_s,
    )


def _drift(rng: Rng, hard: Difficulty, frames: int) -> tuple[tuple[float, float], ...]:
    steps = rng.normal(0, hard.drift_px, (frames, 2)) + rng.normal(0, hard.drift_px / 2, 2)
    steps[0] = 0
    for when in rng.integers(min(5, frames - 1), frames, hard.jumps):
        steps[when] += rng.normal(0, 6, 2)
    path = np.cumsum(steps, axis=0)
    # at most 25 px, else the particles would leave the frame
    path *= min(1.0, 25.0 / (np.abs(path).max() + 1e-9))
    return tuple((float(x), float(y)) for x, y in path)


def _film(rng: Rng, level: Level, size: int) -> Film:
    if level == "easy":
        return Film()
    if level == "medium":
        return Film(absorption=0.05, grain=float(rng.uniform(0.01, 0.03)), slope=0.5)
    strength = 0.12 if level == "hard" else 0.18
    return Film(
        absorption=strength * float(rng.uniform(0.6, 1.2)),
        hole_radius_px=size * float(rng.uniform(0.12, 0.3)),
        coverage=float(rng.uniform(0.35, 0.65)),
        edge_px=float(rng.uniform(1, 3)),
        rim=float(rng.uniform(0, 0.6)),
        grain=float(rng.uniform(0.02, 0.05)),
        bar=1.5 if level == "brutal" and rng.random() < 0.5 else 0.0,
    )


def _optics(rng: Rng, hard: Difficulty, length_s: float) -> Optics:
    return Optics(
        blur_px=hard.blur_px * float(rng.uniform(0.8, 1.2)),
        blur_change_px=hard.blur_px * float(rng.uniform(0, 0.3)),
        fringe=hard.fringe * float(rng.uniform(0.5, 1.5)),
        fringe_change=hard.fringe_change,
        fringe_px=float(rng.uniform(1.5, 3)),
        period_s=length_s * float(rng.uniform(0.4, 1.5)),
    )


def _camera(rng: Rng, hard: Difficulty) -> Camera:
    return Camera(
        electrons=hard.electrons,
        gain=float(rng.choice([4.0, 12.0, 40.0])),
        offset=100.0,
        read_noise=float(rng.uniform(2, 12)),
        spread_px=float(rng.choice([0.0, 0.0, 0.5])),
        hot_pixels=0 if hard.electrons > 150 else 20,
        spikes=hard.spikes,
    )


def _light(rng: Rng, hard: Difficulty, length_s: float) -> Light:
    steps = sorted(
        (float(rng.uniform(0.1, 0.95)) * length_s, float(rng.uniform(0.8, 1.2)))
        for _ in range(hard.light_steps)
    )
    return Light(
        tilt_x=hard.tilt * float(rng.normal()),
        tilt_y=hard.tilt * float(rng.normal()),
        bowl=hard.tilt * float(rng.random()),
        steps=tuple(steps),
        wobble=0.02 * float(rng.random()),
    )


def _needle(rng: Rng, particles: tuple[Particle, ...], length_s: float) -> Needle:
    """A tip that touches the outer side of the first particle from a random direction."""
    touched = particles[0]
    angle = float(rng.uniform(0, 2 * math.pi))
    reach = 1.35 * touched.radius_px
    return Needle(
        x_px=touched.x_px - reach * math.cos(angle),
        y_px=touched.y_px - reach * math.sin(angle),
        angle=angle,
        radius_px=touched.radius_px * float(rng.uniform(0.15, 0.4)),
        half_angle=float(rng.uniform(0.1, 0.3)),
        absorption=1.6,
        touch_s=float(rng.uniform(0.03, 0.1)) * length_s,
        leave_s=float(rng.uniform(0.6, 0.9)) * length_s,
        travel_px=3 * touched.radius_px,
        speed_px_s=12.0 * touched.radius_px / length_s,
    )
