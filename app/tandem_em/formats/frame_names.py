"""When the frames of a Gatan in-situ recording were taken: NAME/Hour_00/Minute_00/Second_07/NAME_…_Frame_0003.dm4.

The folders say the second of the recording, the number in the name the frame within this second. A camera does not stop
between two seconds: the frames lie on one even grid, also when the rate is no whole number and some seconds have a frame
more than others, and when the recording began within its first second.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

_FRAME = re.compile(r"(?:^|[^a-z])Frame_(\d+)", re.IGNORECASE)
_LEVELS = [re.compile(rf"(?:^|[^a-z]){name}_(\d+)", re.IGNORECASE) for name in ("Hour", "Minute", "Second")]
Place = tuple[int, int]
"""Second of the recording and number of the frame within it, as the names count them."""


def place_of(path: Path) -> Place | None:
    """The place of a frame by its name, or by the folders it lies in; None for files of another kind."""
    number = _FRAME.search(path.stem)
    if number is None:
        return None
    found = [level.search(path.stem) for level in _LEVELS]
    if not all(found):
        found = [level.search(each.name) for level, each in zip(_LEVELS, (*path.parents[2::-1],))]
    if len(found) < 3 or not all(found):
        return None
    hour, minute, second = (int(match[1]) for match in found if match)
    return hour * 3600 + minute * 60 + second, int(number[1])


def frame_times(places: NDArray[np.int64], exposure_s: float | None = None) -> tuple[Floats, float]:
    """(seconds since the beginning of the recording, frames per second) of sorted places (second, number)."""
    seconds, numbers = places[:, 0], places[:, 1] - places[:, 1].min()
    there, where = np.unique(seconds, return_inverse=True)
    counts = np.zeros(len(there), np.int64)
    np.maximum.at(counts, where, numbers + 1)
    rate = _rate(there, counts, exposure_s)
    step = 1.0 / rate
    starts = np.zeros(len(there))
    begin = 0
    for end in range(1, len(there) + 1):
        # a pause, or frames lost at the end of a second: what follows begins at its own second
        if end == len(there) or there[end] != there[end - 1] + 1 or _is_short(counts, end - 1, begin, rate):
            starts[begin:end] = _on_one_grid(there[begin:end], counts[begin:end], step, begin == 0)
            begin = end
    return starts[where] + numbers * _steps(starts, counts, step)[where], rate


def _rate(seconds: NDArray[np.int64], counts: NDArray[np.int64], exposure_s: float | None) -> float:
    """Frames per second from the numbers in whole seconds; the exact one of the exposure where it can be this one."""
    if len(counts) < 3:
        fullest = float(counts.max())
        return 1.0 / exposure_s if exposure_s and fullest <= 1.0 / exposure_s + 1 else fullest
    seconds, counts = seconds[1:-1], counts[1:-1]  # the first and the last second are rarely whole
    mean = float(counts[np.abs(counts - np.median(counts)) <= 1].mean())
    top = float(counts.max())
    doubt = 1.0 / len(counts) + 1e-6  # so many seconds have one frame more or less than the rate says
    if exposure_s and mean - doubt <= 1.0 / exposure_s <= max(top, mean + doubt):
        return 1.0 / exposure_s
    # where few seconds have less than the others these lost frames, unless the short ones come regularly
    return mean if np.mean(counts == top) < 0.7 or _is_regular(seconds, counts, mean) else top


def _is_regular(seconds: NDArray[np.int64], counts: NDArray[np.int64], rate: float) -> bool:
    """Whether many short seconds lie as a rate that is no whole number puts them."""
    short = int(np.count_nonzero(counts < counts.max()))
    if short <= 2 or np.ptp(counts) > 1 or np.any(np.diff(seconds) != 1):
        return False
    before = np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.float64)
    step = _fitting_step(seconds.astype(np.float64), before, 1.0 / rate)
    return float(np.ptp(seconds - before * step)) < 1.001 * step


def _is_short(counts: NDArray[np.int64], second: int, begin: int, rate: float) -> bool:
    return bool(counts[second] < math.floor(rate + 1e-6)) and not second == begin == 0


def _on_one_grid(
    seconds: NDArray[np.int64], counts: NDArray[np.int64], step: float, is_first: bool
) -> Floats:
    """When the first frame of each of these seconds was taken, frames following each other without a break."""
    before = np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.float64)
    whole = slice(1, None) if is_first and len(seconds) > 1 and counts[0] < 1.0 / step else slice(None)
    step = _fitting_step(seconds[whole].astype(np.float64), before[whole], step)
    begins = seconds[whole] - before[whole] * step
    if float(np.ptp(begins)) >= step * 1.001:
        return seconds.astype(np.float64)  # no even grid: each second by itself
    return float(begins.max()) + before * step


def _fitting_step(seconds: Floats, before: Floats, step: float) -> float:
    """The step near this one with which the first frames lie closest behind the beginnings of their seconds."""

    def spread(each: float) -> float:
        return float(np.ptp(seconds - before * each))

    if len(seconds) < 3 or spread(step) < step:
        return step
    low, high = 0.9 * step, 1.1 * step
    for _ in range(80):
        third = (high - low) / 3
        low, high = (low, high - third) if spread(low + third) < spread(high - third) else (low + third, high)
    return (low + high) / 2


def _steps(starts: Floats, counts: NDArray[np.int64], step: float) -> Floats:
    """The time between two frames in each second: up to the next second where that follows without a break."""
    steps = np.full(len(starts), step)
    steps[:-1] = np.minimum(step, np.diff(starts) / counts[:-1])
    return steps


class FrameClock:
    """The same times for a recording that is still being written: places are noted first, then asked for in order."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._last: Place | None = None
        self._last_s = 0.0

    def note(self, place: Place) -> None:
        """A file is there; it need not be complete."""
        second, number = place
        self._counts[second] = max(self._counts.get(second, 0), number + 1)

    @property
    def is_settled(self) -> bool:
        """Whether whole seconds were seen, so that the rate and the beginning within the first second are known."""
        return self._last is not None or len(self._counts) > 2

    def time(self, place: Place, exposure_s: float | None = None) -> float:
        """Seconds since the beginning of the recording."""
        second, number = place
        self.note(place)
        there = sorted(self._counts)
        rate = self._guess(there, exposure_s)
        step = 1.0 / rate
        if self._last is None:
            is_partial = self._counts[second] < rate - 1e-6 and second == there[0] and len(there) > 1
            begin = second + 1 - self._counts[second] * step if is_partial else float(second)
            found = begin + number * step
        elif second == self._last[0]:
            found = self._last_s + (number - self._last[1]) * step
        else:
            follows = second == self._last[0] + 1
            first = self._last_s + (self._counts[self._last[0]] - self._last[1]) * step if follows else second
            found = min(max(first, second), second + 0.999 * step) + number * step
        if self._last is not None and place > self._last:
            found = max(found, self._last_s + 0.2 * step)  # the rate is known better now than a moment ago
        self._last, self._last_s = place, found
        for old in there[:-100]:
            del self._counts[old]
        return found

    def _guess(self, there: list[int], exposure_s: float | None) -> float:
        counts = np.array([self._counts[second] for second in there], np.int64)
        return _rate(np.array(there, np.int64), counts, exposure_s)
