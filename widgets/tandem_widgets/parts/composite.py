"""Three maps as one colour picture, and single maps in colours that mean something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

def limits(image: Array, percent: float = 2.0) -> tuple[float, float]:
    """Levels that leave `percent` of the finite pixels dark and bright."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, [percent, 100 - percent])
    return float(low), float(high if high > low else low + 1.0)


def common_limits(images: list[Array], percent: float = 2.0) -> tuple[float, float]:
    """One pair of levels for several maps side by side."""
    pairs = [limits(image, percent) for image in images]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else (0.0, 1.0)


def smoothed(image: Array) -> Array:
    """The mean of 2 × 2 pixels at every pixel, for display only; blank pixels do not count and stay blank."""
    padded = np.pad(np.asarray(image, np.float64), ((0, 1), (0, 1)), mode="edge")
    good = np.isfinite(padded)
    filled = np.where(good, padded, 0.0)
    corners = ((slice(None, -1), slice(1, None)),) * 2
    total = sum(filled[y, x] for y in corners[0] for x in corners[1])
    count = sum(good[y, x].astype(np.int64) for y in corners[0] for x in corners[1])
    return np.where(np.isfinite(image), total / np.maximum(count, 1), np.nan)


SAFE_COLOURS = {"red": (213, 94, 0), "green": (240, 228, 66), "blue": (0, 114, 178)}
"""Vermilion, yellow and blue: told apart by colour-blind eyes."""


def composite_safe(maps: dict[str, Array], levels: dict[str, tuple[float, float]]) -> NDArray[np.uint8]:
    """The same picture mixed of vermilion, yellow and blue."""
    rgb = composite(maps, levels).astype(np.float64) / 255
    colours = np.array([SAFE_COLOURS[channel] for channel in ("red", "green", "blue")], float)
    mixed = rgb @ colours / np.maximum(rgb.sum(axis=2, keepdims=True), 1.0)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def composite(maps: dict[str, Array], levels: dict[str, tuple[float, float]]) -> NDArray[np.uint8]:
    """An RGB picture; `maps` by channel (red, green, blue), each between its own levels. Blank pixels are black."""
    shape = next(iter(maps.values())).shape
    picture = np.zeros((*shape, 3), np.uint8)
    for index, channel in enumerate(("red", "green", "blue")):
        if channel in maps:
            low, high = levels[channel]
            value = (maps[channel] - low) / max(high - low, 1e-30)
            picture[..., index] = np.clip(np.nan_to_num(value), 0, 1) * 255
    return picture
