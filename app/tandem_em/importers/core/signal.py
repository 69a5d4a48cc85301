"""What a reader found in a file, before it is decided whether that is a movie, an image or a spectrum image."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import ArraySource
from tandem_em.model.frames import TimesFrom

SignalType = Literal["", "EELS", "EDS", "other"]


@dataclass
class Axis:
    """One axis of an array: uniform (offset + scale · i) or with its own values."""

    size: int
    scale: float = 1.0
    offset: float = 0.0
    units: str = ""
    name: str = ""
    values: NDArray[np.float64] | None = None

    def at(self) -> NDArray[np.float64]:
        """The value of every entry, in `units`."""
        if self.values is not None:
            return self.values
        return self.offset + self.scale * np.arange(self.size, dtype=np.float64)


@dataclass
class Facts:
    """What the metadata say, in our units. None: they do not say."""

    title: str = ""
    start_iso: str = ""
    """Acquisition start, ISO 8601, with its zone when the file states one."""
    zone: str = ""
    beam_kV: float | None = None
    convergence_mrad: float | None = None
    collection_mrad: float | None = None
    dwell_s: float | None = None
    exposure_s: float | None = None
    frame_interval_s: float | None = None
    magnification: float | None = None
    counts_per_electron: float | None = None
    counts_offset: float = 0.0
    unit: str = ""
    duration_s: float | None = None
    instrument: dict[str, Any] = field(default_factory=dict)


@dataclass
class Found:
    """One array of a file with its axes (in the order of the array) and what is known about it."""

    source: ArraySource
    axes: list[Axis]
    type: SignalType = ""
    energy_axis: int | None = None
    """Which axis is energy; None: decided from units and names."""
    facts: Facts = field(default_factory=Facts)
    times_s: NDArray[np.float64] | None = None
    """True stamps of axis 0 after `facts.start_iso` (or after the first one)."""
    times_from: TimesFrom = "file"
    axis0_is_time: bool | None = None
    """True or False where the format itself says so; None: decided from units and names."""
    frame_numbers: NDArray[np.int64] | None = None
    bad_frames: list[int] = field(default_factory=list)
    survey: bool = False
    adf: AnyArray | None = None
    problems: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    """Further files that were read: partners, parts, logs."""
