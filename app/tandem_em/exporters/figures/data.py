"""What is drawn: plain numbers with names, units and colours, collected from a session by the desk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import Floats

Image = NDArray[Any]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Track:
    """A particle through a movie, one entry per frame; NaN where it is lost. Lengths in `unit` (nm or px)."""

    name: str
    colour: str
    frame: NDArray[np.int64]
    t: Floats
    area: Floats
    low: Floats
    high: Floats
    perimeter: Floats
    centre: Floats
    """(N, 2): x and y."""
    confidence: Floats
    is_key: NDArray[np.bool_]
    unit: str = "nm"
    polygons: dict[int, Floats] = field(default_factory=dict)
    """Vertices in pixels of their frame."""
    stack: str = ""
    """Id of the stack it was followed through."""
    visible: bool = True
    """Whether it is drawn; tables hold it all the same."""

    @property
    def relative(self) -> Floats:
        """Area over the first known area."""
        known = self.area[np.isfinite(self.area)]
        return self.area / known[0] if len(known) else self.area


@dataclass(frozen=True)
class Curve:
    """One line; `low` and `high` bound its error band."""

    name: str
    colour: str
    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    kind: str = ""
    """charge or discharge, of half cycles; fit, of a model beside what it was fitted to."""
    unit: str = ""
    """Of the capacity or the current, where the curves of a figure differ."""
    exact: tuple[Floats, Floats] | None = None
    """Every sample, where x and y are thinned for drawing."""
    hold_s: float = 1.0
    """How long the last sample holds."""
    marker: bool = False
    """Whether a movie marks the curve at the cursor."""
    is_step: bool = False
    """Whether a value holds until the next one."""
    is_linear: bool = False
    """Whether it is known between its points too."""
    role: str = ""
    """What its colour stands for (`voltage`), where that is not the item it is of."""


@dataclass(frozen=True)
class Lane:
    """Curves of one quantity over session time."""

    label: str
    unit: str
    curves: list[Curve]
    limits: tuple[tuple[float, str], ...] = ()
    """Dashed lines across the lane, with their names."""
    title: str = ""
    """Short, where there is little room."""
    kind: str = ""
    """Which lane of the pane it is."""
    y: Interval | None = None
    """The chosen limits, in the base unit; None: what is in view."""
    from_zero: bool = False
    """Whether the axis shows how far the values are from nothing."""


@dataclass(frozen=True)
class Flag:
    """An event."""

    t: float
    name: str
    colour: str


@dataclass(frozen=True)
class MapSpan:
    """The time an EELS map took."""

    start: float
    end: float
    name: str
    colour: str


@dataclass(frozen=True)
class Shot:
    """One frame of the montage."""

    t: float
    image: Image
    outlines: list[tuple[str, Floats]]
    row: str = ""
    """The stack it is of."""
    pixel_nm: float | None = None


@dataclass(frozen=True)
class ElementMap:
    """Net counts of one edge."""

    edge: str
    colour: str
    channel: str
    counts: Image
    error: Image | None


@dataclass(frozen=True)
class MapSet:
    """All element maps of one spectrum image."""

    name: str
    state: str
    pixel_nm: tuple[float, float] | None
    interval: Interval | None
    maps: list[ElementMap]
    rgb: Image | None
    adf: Image | None = None
    colour: str = "#4a9eff"
    sites: list[tuple[str, str, tuple[float, float], float]] = field(default_factory=list)
    """name, colour, centre and radius in pixels."""


@dataclass(frozen=True)
class Fit:
    """A background under an edge."""

    edge: str
    colour: str
    energy: Floats
    background: Floats
    fit: Interval
    signal: Interval


@dataclass(frozen=True)
class SpectrumSet:
    """Spectra of the sites of one map and the fits on their mean."""

    name: str
    energy: Floats
    mean: Floats
    fits: list[Fit]
    sites: list[Curve]


@dataclass(frozen=True)
class ProfileSet:
    """One line across one map: counts of every edge."""

    name: str
    state: str
    unit: str
    edges: list[Curve]
    layers: list[tuple[str, float, float]]
    map_name: str = ""


@dataclass(frozen=True)
class Cycles:
    """Capacities of one run, cycle by cycle, in `unit`."""

    name: str
    colour: str
    unit: str
    number: NDArray[np.int64]
    charge: Floats
    discharge: Floats
    efficiency: Floats
    efficiency_error: Floats

    def sums(self) -> list[float]:
        """First and last charge, what is kept (%), loss per cycle (%), mean efficiency (%)."""
        known = self.charge[np.isfinite(self.charge)]
        if not len(known):
            return [float("nan")] * 5
        kept = 100 * known[-1] / known[0]
        loss = (100 - kept) / (len(known) - 1) if len(known) > 1 else float("nan")
        good = self.efficiency[np.isfinite(self.efficiency)]
        return [known[0], known[-1], kept, loss, 100 * float(good.mean()) if len(good) else float("nan")]


@dataclass
class Picture:
    """Everything a session has to show."""

    title: str
    simulated: bool = False
    lanes: list[Lane] = field(default_factory=list)
    span: Interval | None = None
    flags: list[Flag] = field(default_factory=list)
    bands: list[MapSpan] = field(default_factory=list)
    capacity: list[Curve] = field(default_factory=list)
    dqdv: list[Curve] = field(default_factory=list)
    crossing: list[Curve] = field(default_factory=list)
    """Current against voltage."""
    cycles: list[Cycles] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    maps: list[MapSet] = field(default_factory=list)
    spectra: list[SpectrumSet] = field(default_factory=list)
    profiles: list[ProfileSet] = field(default_factory=list)
    lithium: NDArray[np.uint8] = field(
        default_factory=lambda: np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    )
    """The colours of single maps (256, 3), little to much."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Names of what could not be read, and why."""
    guard: list[tuple[str, str]] = field(default_factory=list)
    """What the low-loss guard says of which map."""
