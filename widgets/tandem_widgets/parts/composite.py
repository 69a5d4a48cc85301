"""Three maps as one colour picture, and single maps in colours that mean something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LITHIUM_STOPS = ((0.0, (10, 30, 110)), (0.33, (40, 170, 170)), (0.66, (230, 210, 70)), (1.0, (225, 40, 35)))
"""The four-colour lithium gradient, little (blue) to much (red)."""


def lithium_colours() -> NDArray[np.uint8]:
    places = [place for place, _ in LITHIUM_STOPS]
    channels = np.array([colour for _, colour in LITHIUM_STOPS], float).T
    position = np.linspace(0, 1, 256)
    return (
        np.stack([np.interp(position, places, channel) for channel in channels], axis=1)
        .round()
        .astype(np.uint8)
    )


def limits(image: Array, percent: float = 2.0) -> tuple[float, float]:
    """Levels that leave `percent` of the finite pixels dark and bright."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, [percent, 100 - percent])
    return float(low), float(high if high > low else low + 1.0)


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
