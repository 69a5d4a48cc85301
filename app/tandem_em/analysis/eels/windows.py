"""Energy windows of an edge: what a person typed in eV, and the channels it means on a given energy axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tandem_em.core.notices import UserError

Background = Literal["power law", "power law lsq", "polynomial", "exponential", "log polynomial", "none"]
BACKGROUNDS: tuple[str, ...] = get_args(Background)
TWO_AREA = ("power law", "exponential")
NEEDS_POSITIVE_ENERGY = ("power law", "power law lsq", "log polynomial")


@dataclass(frozen=True)
class EdgeWindows:
    """How one edge is mapped: background model, its fit window and the signal window, both (low, high) in eV."""

    name: str
    background: Background = "power law"
    order: int = 2
    fit: tuple[float, float] = (0.0, 0.0)
    signal: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.background not in BACKGROUNDS:
            raise UserError(
                f"Edge {self.name}: “{self.background}” is not a background model.",
                f"Use one of: {', '.join(BACKGROUNDS)}.",
            )
        if not 0 <= self.order <= 8:
            raise UserError(
                f"Edge {self.name}: a background of order {self.order} cannot be fitted.", "Use 0 to 8."
            )
        windows = {"signal": self.signal} | ({} if self.background == "none" else {"fit": self.fit})
        for what, (low, high) in windows.items():
            if not (math.isfinite(low) and math.isfinite(high) and high > low):
                raise UserError(
                    f"Edge {self.name}: the {what} window {low:g}–{high:g} eV is empty.",
                    "The second energy must be higher than the first.",
                )


@dataclass(frozen=True)
class EnergyAxis:
    """An evenly spaced energy axis: centre of the first channel and channel width in eV, number of channels."""

    offset_eV: float
    step_eV: float
    size: int

    @classmethod
    def from_values(cls, energy_eV: ArrayLike | EnergyAxis) -> EnergyAxis:
        """The axis behind an array of channel centres; a sentence if they are not evenly spaced and rising."""
        if isinstance(energy_eV, EnergyAxis):
            return energy_eV
        values = np.asarray(energy_eV, dtype=np.float64).ravel()
        if values.size == 0 or not np.isfinite(values).all():
            raise UserError("The energy axis is empty or not finite.", "Calibrate the energy axis first.")
        if values.size == 1:
            return cls(float(values[0]), 1.0, 1)
        step = float(values[-1] - values[0]) / (values.size - 1)
        even = values[0] + step * np.arange(values.size)
        if step <= 0 or np.abs(values - even).max() > 0.02 * step:
            raise UserError(
                "The energy axis does not rise in even steps.", "Resample the spectra on an even axis first."
            )
        # the first difference is free of the rounding of n steps when both describe the same axis
        first = float(values[1] - values[0])
        rounded = float(np.format_float_positional(step, precision=12, unique=False, fractional=False))
        if abs(rounded - step) <= 1e-12 * max(abs(step), abs(values[0])) and abs(first - rounded) < 1e-9:
            step = rounded
        return cls(float(values[0]), step, values.size)

    @property
    def values(self) -> NDArray[np.float64]:
        """Energy loss (eV) at the centre of every channel."""
        return np.asarray(self.offset_eV + self.step_eV * np.arange(self.size), dtype=np.float64)

    @property
    def last_eV(self) -> float:
        """Energy loss (eV) at the centre of the last channel."""
        return self.offset_eV + self.step_eV * (self.size - 1)

    def at(self, channel: float) -> float:
        """Energy of a channel's centre; channels past the end are extrapolated."""
        return self.offset_eV + self.step_eV * channel

    def channel(self, energy_eV: float) -> int:
        """The nearest channel, ties and the twelfth digit treated as HyperSpy does, clipped to the axis."""
        place = math.trunc((energy_eV - self.offset_eV) / self.step_eV * 1e12) / 1e12
        toward_zero = energy_eV >= 0
        if toward_zero:
            rounded = math.ceil(place - 0.5) if place >= 0 else math.floor(place + 0.5)
        else:
            rounded = math.floor(place + 0.5) if place >= 0 else math.ceil(place - 0.5)
        return min(max(rounded, 0), self.size - 1)


@dataclass(frozen=True)
class Channels:
    """The windows in channels: background areas [fit_start, fit_mid) and [fit_mid, fit_stop), signal [start, stop)."""

    fit_start: int
    fit_mid: int
    fit_stop: int
    signal_start: int
    signal_stop: int
    clipped: bool = False
    """A window reached over the end of the spectrum and was cut there."""

    @property
    def low(self) -> int:
        """First channel that is needed; without a background window that of the signal."""
        return min(self.fit_start, self.signal_start) if self.fit_stop else self.signal_start

    @property
    def high(self) -> int:
        """Channel after the last one that is needed."""
        return max(self.fit_stop, self.signal_stop)

    def shifted(self, by: int) -> Channels:
        """The same windows on data that begin at another channel."""
        fit = (self.fit_start + by, self.fit_mid + by, self.fit_stop + by) if self.fit_stop else (0, 0, 0)
        return Channels(*fit, self.signal_start + by, self.signal_stop + by, self.clipped)


def _overlap(edge: EdgeWindows, what: str, window: tuple[float, float], axis: EnergyAxis) -> bool:
    """Whether the window had to be cut; a sentence when nothing of it lies on the axis."""
    low, high = axis.at(-0.5), axis.at(axis.size - 0.5)
    if window[1] <= low or window[0] >= high:
        raise UserError(
            f"Edge {edge.name}: the {what} window {window[0]:g}–{window[1]:g} eV lies outside the spectrum, "
            f"which covers {axis.offset_eV:g}–{axis.last_eV:g} eV.",
            "Move the window, or check the energy calibration and its unit.",
        )
    return window[0] < low or window[1] > high


def find_channels(edge: EdgeWindows, axis: EnergyAxis) -> Channels:
    """Channels of the windows of an edge. A window over the end is cut; one that misses the axis is a UserError."""
    clipped = _overlap(edge, "signal", edge.signal, axis)
    first, stop = (axis.channel(energy) for energy in edge.signal)
    if edge.signal[1] > axis.at(axis.size - 0.5):
        stop = axis.size
    stop = max(stop, first + 1)
    if edge.background == "none":
        return Channels(0, 0, 0, first, stop, clipped)
    clipped |= _overlap(edge, "fit", edge.fit, axis)
    return Channels(*_fit_channels(edge, axis), first, stop, clipped)


def _fit_channels(edge: EdgeWindows, axis: EnergyAxis) -> tuple[int, int, int]:
    low, high = (axis.channel(energy) for energy in edge.fit)
    if edge.background in TWO_AREA:
        # two halves of equal width, as HyperSpy makes them
        high -= (low + high) % 2
        if high == low:
            high += 2
        needed = 2
    elif edge.background == "power law lsq":
        high += 1  # HyperSpy's full fit includes the last channel of its range
        needed = 2
    else:
        needed = edge.order + 1
    if high - low < needed or high > axis.size:
        raise UserError(
            f"Edge {edge.name}: the fit window {edge.fit[0]:g}–{edge.fit[1]:g} eV holds too few channels "
            f"for a {edge.background} background.",
            f"It needs at least {needed} channels of {axis.step_eV:g} eV.",
        )
    if edge.background in NEEDS_POSITIVE_ENERGY and min(axis.at(low), edge.signal[0]) <= 0:
        raise UserError(
            f"Edge {edge.name}: a {edge.background} background cannot start at {axis.at(low):g} eV.",
            "Keep the windows above 0 eV, or choose polynomial or exponential.",
        )
    return low, (low + high) // 2, high
