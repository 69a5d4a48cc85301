"""Movies of discs whose place and size in every frame are known: darker or brighter than the ground, with noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Disc = Callable[[int], tuple[float, float, float]]
"""Where a disc is in a frame, in sample coordinates: x, y, radius."""


def circle(x: float, y: float, radius: float, count: int = 60) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def disc_frames(
    discs: Sequence[Disc],
    frames: int,
    *,
    ground: float = 200.0,
    inside: float = 110.0,
    shape: tuple[int, int] = (160, 160),
    drift: np.ndarray | None = None,
    seed: int = 0,
    dtype: type = np.uint16,
) -> np.ndarray:
    """Counts (frames, rows, columns) with soft edges; discs do not add up where they overlap."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    drift = np.zeros((frames, 2)) if drift is None else drift
    movie = np.empty((frames, *shape))
    for k in range(frames):
        cover = np.zeros(shape)
        for disc in discs:
            cx, cy, radius = disc(k)
            far = np.hypot(x - cx - drift[k, 0], y - cy - drift[k, 1]) - radius
            cover = np.maximum(cover, 1 / (1 + np.exp(np.clip(far / 0.75, -50, 50))))
        movie[k] = rng.poisson(ground + (inside - ground) * cover)
    return movie.astype(dtype)


def true_outline(disc: Disc, frame: int, drift: np.ndarray | None = None) -> np.ndarray:
    x, y, radius = disc(frame)
    return circle(x, y, radius) + (0 if drift is None else drift[frame])
