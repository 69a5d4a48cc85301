"""The demo's movie: a cluster of Si nanoparticles on the edge of a lacy film, biased through a needle.

Swelling starts with a delay that differs from particle to particle, is fast for about 40 s and slow after that; when
the needle is retracted the particles shrink. The field of view is always the same 215 nm, whatever the number of
pixels: lengths are given in units of its width.
"""

from __future__ import annotations

import math

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

FIELD_NM = 215.0
BIAS_ON_S, RETRACT_S, END_S = 6.0, 80.0, 120.0
DOSE_RATE_E_A2S = 10.0
ELECTRON_GAIN = 12.0
FULL_WELL = 65_535.0
"""Counts at which the camera saturates; coarse pixels and long exposures are filmed with less gain."""
SPREAD = 0.8
"""How far the particles lie apart; 1 leaves gaps between them."""
MIDDLE_Y = 0.545
"""Of the cluster: what is followed fits a wide pane that shows the middle of the frame."""

CLUSTER = (
    # name, x, y, radius (of the width), onset after bias (s), fast gain of the area
    ("P1", 0.36, 0.22, 0.088, 1.5, 0.72),
    ("P2", 0.60, 0.66, 0.098, 5.0, 0.42),
    ("P3", 0.77, 0.38, 0.070, 8.0, 0.24),
    ("N1", 0.55, 0.34, 0.102, 3.0, 0.30),
    ("N2", 0.40, 0.48, 0.112, 6.5, 0.34),
    ("N3", 0.21, 0.40, 0.072, 9.0, 0.20),
    ("N4", 0.33, 0.73, 0.086, 12.0, 0.26),
)
"""P1 to P3 are what the demo follows; the N particles are their neighbours."""


def swelling(onset_s: float, gain: float) -> Swelling:
    """How a demo particle grows: `onset_s` counts from the bias step, `gain` is the fast part of the area."""
    return Swelling(
        onset_s=BIAS_ON_S + onset_s,
        fast_gain=gain,
        fast_tau_s=13.0,
        slow_per_s=gain / 500,
        loss_s=RETRACT_S + 1.0,
        kept_after_loss=0.62,
        loss_tau_s=12.0,
    )


def demo_recipe(frames: int = 300, size: int = 512, seed: int = 7) -> MovieRecipe:
    """Frames at irregular times over two minutes, a few of them dropped, drift with two jumps."""
    rng = np.random.default_rng(seed)
    pixel_nm = FIELD_NM / size
    times, exposure_s = frame_times(frames, rng)
    electrons = DOSE_RATE_E_A2S * (10 * pixel_nm) ** 2 * exposure_s
    particles = tuple(_particle(rng, size, *row) for row in CLUSTER)
    return MovieRecipe(
        shape=(len(times), size, size),
        pixel_nm=pixel_nm,
        times_s=tuple(times),
        particles=particles,
        targets=(
            *((p.name, (p.name,)) for p in particles[:3]),
            ("cluster", tuple(p.name for p in particles)),
        ),
        drift_px=drift(times, size, rng),
        film=Film(
            absorption=0.12,
            hole_radius_px=0.5 * size,
            coverage=0.28,
            edge_px=0.006 * size,
            rim=0.3,
            grain=0.035,
        ),
        needle=_needle(size),
        optics=Optics(
            blur_px=0.0024 * size,
            blur_change_px=0.0006 * size,
            fringe=0.55,
            fringe_change=0.2,
            fringe_px=0.006 * size,
        ),
        camera=Camera(
            electrons=electrons,
            # half the full well is headroom
            gain=min(ELECTRON_GAIN, FULL_WELL / 2 / electrons),
            offset=100.0,
            read_noise=6.0,
            spread_px=0.35,
            hot_pixels=12,
            spikes=0.3,
        ),
        light=Light(tilt_x=0.04, tilt_y=-0.03, bowl=0.05, steps=((47.0, 0.94),), wobble=0.01),
        blanked=frozenset({len(times) * 2 // 3}),
        exposure_s=exposure_s,
        seed=seed,
    )


def _needle(size: int) -> Needle:
    """Comes from the left and touches the outermost neighbour, N3."""
    return Needle(
        x_px=0.192 * size,
        y_px=(MIDDLE_Y - 0.05) * size,
        angle=-0.35,
        radius_px=0.02 * size,
        half_angle=0.2,
        absorption=2.2,
        touch_s=3.0,
        leave_s=RETRACT_S,
        travel_px=0.3 * size,
        speed_px_s=0.14 * size,
    )


def frame_times(frames: int, rng: np.random.Generator) -> tuple[list[float], float]:
    """Session seconds of the frames that were kept: jitter of a few per cent, one in sixty dropped."""
    # longer than the kept frames need: some of the planned ones are dropped below
    step = END_S / (frames * 61 / 60)
    planned = max(frames + max(1, frames // 60), 2)
    times = np.arange(planned) * step + np.abs(rng.normal(0, 0.03 * step, planned))
    # never the first or the last, so that the length stays
    dropped = rng.choice(np.arange(1, planned - 1), planned - frames, replace=False)
    return [float(t) for t in np.delete(np.sort(times), dropped)], 0.9 * step


def drift(times: list[float], size: int, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """A slow walk with two jumps: when the bias comes on and when the needle leaves."""
    t = np.array(times)
    walk = np.cumsum(rng.normal(0, 0.0003 * size, (len(t), 2)), axis=0)
    slow = np.stack([0.018 * size * np.sin(t / 70), -0.012 * size * t / END_S], axis=1)
    jumps = np.zeros_like(walk)
    jumps[t >= BIAS_ON_S] += (0.006 * size, 0.004 * size)
    jumps[t >= RETRACT_S] += (-0.011 * size, 0.007 * size)
    total = walk + slow + jumps
    # drift counts from frame 0
    total -= total[0]
    return tuple((float(x), float(y)) for x, y in total)


def _particle(
    rng: np.random.Generator,
    size: int,
    name: str,
    x: float,
    y: float,
    radius: float,
    onset_s: float,
    gain: float,
) -> Particle:
    harmonics = tuple(
        # order 1 would only move the particle: the shape starts at 2
        (order, float(rng.normal(0, 0.05 / order)), float(rng.uniform(0, 2 * math.pi)))
        for order in (2, 3, 4, 5)
    )
    later = ((3, float(rng.uniform(0.02, 0.06)), float(rng.uniform(0, 2 * math.pi))),)
    domains = tuple(
        Diffraction(
            strength=float(rng.uniform(0.12, 0.3)),
            waves=float(rng.uniform(1.5, 3.5)),
            direction=float(rng.uniform(0, math.pi)),
            flicker_s=float(rng.uniform(8, 25)),
            phase=float(rng.uniform(0, 2 * math.pi)),
        )
        for _ in range(2)
    )
    return Particle(
        name=name,
        x_px=(0.5 + SPREAD * (x - 0.5)) * size,
        y_px=(MIDDLE_Y + SPREAD * (y - 0.5)) * size,
        radius_px=radius * size,
        absorption=float(rng.uniform(0.5, 0.62)),
        harmonics=harmonics,
        later_harmonics=later,
        swelling=swelling(onset_s, gain),
        domains=domains,
        push_px=(float(rng.normal(0, 0.0015)) * size, float(rng.normal(0, 0.0015)) * size),
        grain=0.06,
    )
