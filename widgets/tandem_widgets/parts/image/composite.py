"""Three maps as one colour picture, and single maps in colours that mean something."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import AnyArray

CHANNELS = ("red", "green", "blue")

SAMPLED = 16384
"""Limits are read from so many pixels at most, evenly spread: half a millisecond, and within a fraction of a per cent."""


def limits(image: AnyArray, percent: float = 2.0) -> tuple[float, float]:
    """Levels that leave `percent` of the finite pixels dark and bright."""
    finite = image.ravel()[:: max(1, image.size // SAMPLED)]
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, [percent, 100 - percent])
    return float(low), float(high if high > low else low + 1.0)


class Limits:
    """Limits of the last few maps, by the array itself: while one edge is dragged the others are not read again."""

    def __init__(
        self, find: Callable[[AnyArray, float], tuple[float, float]] = limits, remembered: int = 8
    ) -> None:
        self._find = find
        self._known: list[tuple[AnyArray, float, tuple[float, float]]] = []
        self._remembered = remembered

    def of(self, image: AnyArray, percent: float) -> tuple[float, float]:
        """Limits of a map; found once per array object and percentage, whatever its values do later."""
        for known, its_percent, found in self._known:
            if known is image and its_percent == percent:
                return found
        found = self._find(image, percent)
        # with the new one there are `remembered` of them
        self._known = [*self._known[1 - self._remembered :], (image, percent, found)]
        return found


def common_limits(images: list[AnyArray], percent: float = 2.0) -> tuple[float, float]:
    """One pair of levels for several maps side by side."""
    pairs = [limits(image, percent) for image in images]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else (0.0, 1.0)


def smoothed(image: AnyArray) -> AnyArray:
    """The mean of 2 × 2 pixels at every pixel, for display only; blank pixels do not count and stay blank."""
    # the last row and column have no neighbours: they are their own
    padded = np.pad(np.asarray(image, np.float64), ((0, 1), (0, 1)), mode="edge")
    good = np.isfinite(padded)
    filled = np.where(good, padded, 0.0)
    corners = ((slice(None, -1), slice(1, None)),) * 2
    total = sum(filled[y, x] for y in corners[0] for x in corners[1])
    count = sum(good[y, x].astype(np.int64) for y in corners[0] for x in corners[1])
    # `maximum`: where nothing counts the pixel is blank anyway
    return np.where(np.isfinite(image), total / np.maximum(count, 1), np.nan)


SAFE_COLOURS = {"red": (213, 94, 0), "green": (240, 228, 66), "blue": (0, 114, 178)}
"""Vermilion, yellow and blue: told apart by colour-blind eyes."""


def composite_safe(maps: dict[str, AnyArray], levels: dict[str, tuple[float, float]]) -> NDArray[np.uint8]:
    """The same picture mixed of vermilion, yellow and blue."""
    rgb = composite(maps, levels).astype(np.float64) / 255
    colours = np.array([SAFE_COLOURS[channel] for channel in CHANNELS], float)
    # sums above one are scaled back: else mixtures would all end up saturated
    mixed = rgb @ colours / np.maximum(rgb.sum(axis=2, keepdims=True), 1.0)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def composite(maps: dict[str, AnyArray], levels: dict[str, tuple[float, float]]) -> NDArray[np.uint8]:
    """An RGB picture; `maps` by channel (red, green, blue), each between its own levels. Blank pixels are black."""
    shape = next(iter(maps.values())).shape
    picture = np.zeros((*shape, 3), np.uint8)
    for index, channel in enumerate(CHANNELS):
        if channel in maps:
            picture[..., index] = _plane(maps[channel], levels[channel])
    return picture


def _plane(image: AnyArray, levels: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = levels
    value = np.subtract(image, low, dtype=np.float32)
    # the limits may coincide
    value *= 255.0 / max(high - low, 1e-30)
    # blank pixels are NaN: black, and no reason for a warning
    with np.errstate(invalid="ignore"):
        np.clip(value, 0, 255, out=value)
    return np.nan_to_num(value, copy=False).astype(np.uint8)


class Mixer:
    """Composites that follow a drag: a channel whose map and limits are the same as before is not made again."""

    def __init__(self) -> None:
        self._planes: dict[str, tuple[AnyArray, tuple[float, float], NDArray[np.uint8]]] = {}

    def mix(
        self, maps: dict[str, AnyArray], levels: dict[str, tuple[float, float]], *, safe: bool = False
    ) -> NDArray[np.uint8]:
        """An RGB picture (Y, X, 3); `safe`: in colours that colour-blind eyes tell apart."""
        if safe:
            return composite_safe(maps, levels)
        picture = np.zeros((*next(iter(maps.values())).shape, 3), np.uint8)
        for index, channel in enumerate(CHANNELS):
            if channel in maps:
                picture[..., index] = self._of(channel, maps[channel], levels[channel])
        return picture

    def _of(self, channel: str, image: AnyArray, levels: tuple[float, float]) -> NDArray[np.uint8]:
        known = self._planes.get(channel)
        if known is None or known[0] is not image or known[1] != levels:
            known = self._planes[channel] = image, levels, _plane(image, levels)
        return known[2]
