"""Pictures made of maps: RGB composites with a limit per channel, ratios with their error, limits from percentiles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.core.numeric import Floats

Limits = tuple[float, float]


def limits(image: ArrayLike, low_percent: float = 0.5, high_percent: float = 99.5) -> Limits:
    """Levels between which an image is shown; blank pixels do not count. (0, 1) for an image without any."""
    values = np.asarray(image, dtype=np.float64)
    good = values[np.isfinite(values)]
    if good.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(good, [low_percent, high_percent])
    # nearly all pixels are alike: the rest must still be seen
    if high <= low:
        low, high = float(good.min()), float(good.max())
    return float(low), float(high) if high > low else float(low) + 1.0


def common_limits(
    images: Sequence[ArrayLike], low_percent: float = 0.5, high_percent: float = 99.5
) -> Limits:
    """One pair of levels for several maps side by side: the widest of their own."""
    pairs = [limits(image, low_percent, high_percent) for image in images]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else (0.0, 1.0)


SAMPLED = 16384
"""The noise of a map is read from so many pixels at most."""


def channel_limits(image: ArrayLike, percent: float = 2.0) -> Limits:
    """Levels of a colour channel: what is only noise stays dark, so that an element shows where it is."""
    values = np.asarray(image, dtype=np.float64)
    low, high = limits(values.ravel()[:: max(1, values.size // SAMPLED)], percent, 100 - percent)
    rows = np.atleast_2d(values)
    steps = np.diff(rows[:: max(1, values.size // SAMPLED)], axis=-1)
    steps = np.abs(steps[np.isfinite(steps)])
    # differences of neighbours: a smooth map has none but its noise
    noise = 1.05 * float(np.median(steps)) if steps.size else 0.0
    low = max(low, noise)
    return low, max(high, low + 3 * noise, low + 1e-9)


def scaled(image: ArrayLike, levels: Limits, gamma: float = 1.0) -> Floats:
    """An image between 0 and 1; blank pixels stay NaN."""
    values = np.asarray(image, dtype=np.float64)
    low, high = levels
    with np.errstate(invalid="ignore"):
        share = np.clip((values - low) / (high - low if high > low else 1.0), 0.0, 1.0)
        return np.asarray(share**gamma if gamma != 1.0 else share)


def compose_rgb(
    red: ArrayLike | None,
    green: ArrayLike | None,
    blue: ArrayLike | None,
    levels: Sequence[Limits | None] = (None, None, None),
    gamma: Sequence[float] = (1.0, 1.0, 1.0),
    blank: tuple[int, int, int] = (40, 40, 40),
) -> NDArray[np.uint8]:
    """RGB picture (Y, X, 3) of up to three maps; a pixel that is blank in every given map gets the `blank` colour."""
    given = [None if image is None else np.asarray(image, np.float64) for image in (red, green, blue)]
    present = [image for image in given if image is not None]
    if not present:
        raise ValueError("an RGB picture needs at least one map")
    shape = present[0].shape
    if any(image.shape != shape for image in present):
        raise ValueError("the maps of an RGB picture must have one shape")
    picture = np.zeros((*shape, 3), dtype=np.uint8)
    for channel, image in enumerate(given):
        if image is not None:
            share = scaled(image, levels[channel] or limits(image), gamma[channel])
            picture[..., channel] = np.nan_to_num(255.0 * share + 0.5).astype(np.uint8)
    nowhere = np.all([~np.isfinite(image) for image in present], axis=0)
    # grey, so that a pixel without a fit does not look like one without the element
    picture[nowhere] = blank
    return picture


def ratio(
    above: ArrayLike,
    below: ArrayLike,
    above_error: ArrayLike | None = None,
    below_error: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """above / below and its error (NaN where unknown). Blank where the denominator is not clear of 0 by one error."""
    top, bottom = np.asarray(above, np.float64), np.asarray(below, np.float64)
    unknown = np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan)
    top_error = unknown if above_error is None else np.asarray(above_error, np.float64)
    bottom_error = unknown if below_error is None else np.asarray(below_error, np.float64)
    least = np.where(np.isfinite(bottom_error), bottom_error, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # a ratio to something within its own error says nothing
        clear = np.abs(bottom) > np.maximum(least, 1e-300)
        value = np.where(clear, top / bottom, np.nan)
        error = np.where(clear, np.hypot(top_error / bottom, top * bottom_error / bottom**2), np.nan)
    return np.asarray(value), np.asarray(error)


LITHIUM_STOPS = ((0.0, (10, 30, 110)), (0.33, (40, 170, 170)), (0.66, (230, 210, 70)), (1.0, (225, 40, 35)))
"""The four-colour lithium gradient, little (blue) to much (red)."""


def lithium_colours() -> NDArray[np.uint8]:
    """Its 256 colours (256, 3)."""
    places = [place for place, _ in LITHIUM_STOPS]
    channels = np.array([colour for _, colour in LITHIUM_STOPS], float).T
    position = np.linspace(0, 1, 256)
    mixed = [np.interp(position, places, channel) for channel in channels]
    return np.stack(mixed, axis=1).round().astype(np.uint8)
