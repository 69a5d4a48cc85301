"""Spectrum images and what is asked of them: edges, sites, profile lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import ArraySource, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.items import ColouredItem, MadeItem

BackgroundModel = Literal["power law", "power law lsq", "polynomial", "exponential", "log polynomial", "none"]
BACKGROUND_TITLES: dict[str, str] = {"power law lsq": "power law (least squares)"}
"""How people write the models whose names in files are shorter."""


@dataclass(eq=False, kw_only=True)
class SpectrumImage(ColouredItem, MadeItem):
    """An EELS map (Y, X, E), line scan (1, X, E) or spectrum (1, 1, E). It lasted from `start` to `end` (device s)."""

    kind: ClassVar[str] = "map"
    not_stored: ClassVar[frozenset[str]] = frozenset({"source"})
    stored_before: ClassVar[dict[str, str]] = {"made_by": "extra.step_id"}

    source: ArraySource = field(default_factory=lambda: MemoryArray(np.zeros((1, 1, 1), np.float32)))
    energy_eV: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    pixel_nm: tuple[float, float] | None = None
    """Step in x and y."""
    clock: Clock = field(default_factory=Clock)
    start: float | None = None
    end: float | None = None
    adf: AnyArray | None = None
    """Survey image on the same field of view; any number of pixels."""
    beam_kV: float | None = None
    convergence_mrad: float | None = None
    collection_mrad: float | None = None
    dwell_s: float | None = None
    counts_per_electron: float | None = None
    state: str = ""
    """State of charge in words: pristine, charged, overcharged."""
    axis0: Literal["y", "time"] = "y"
    low_loss_id: str = ""
    energy_shift_eV: NDArray[np.float64] | None = None
    """(Y, X) zero-loss shift found by alignment, applied on view only."""
    layers: list[dict[str, Any]] = field(default_factory=list)
    anchor_px: float | None = None
    source_id: str = ""
    instrument: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.source.shape
        return height, width, channels

    @property
    def interval(self) -> tuple[float, float] | None:
        """Session seconds from first to last pixel, None when nobody knows."""
        if self.start is None:
            return None
        # nobody knows when it ended: the moment of its start
        end = self.start if self.end is None else self.end
        return float(self.clock.to_session(self.start)), float(self.clock.to_session(end))


@dataclass(eq=False, kw_only=True)
class Edge(ColouredItem):
    """One ionisation edge: where its background is fitted and its signal counted (eV). Shared by all maps."""

    kind: ClassVar[str] = "edge"

    onset_eV: float = 0.0
    background: BackgroundModel = "power law"
    order: int = 2
    fit: tuple[float, float] = (0.0, 0.0)
    signal: tuple[float, float] = (0.0, 0.0)
    channel: Literal["red", "green", "blue", ""] = ""


@dataclass(eq=False, kw_only=True)
class Site(ColouredItem):
    """A numbered place of interest on a map: a disc, rectangle or polygon in map pixels (x, y)."""

    kind: ClassVar[str] = "site"

    map_id: str = ""
    number: int = 0
    shape: Literal["disc", "rectangle", "polygon"] = "disc"
    points: list[tuple[float, float]] = field(default_factory=list)
    """disc: the centre; rectangle: two corners; polygon: its vertices."""
    radius_px: float = 1.5
    particle_id: str = ""


@dataclass(eq=False, kw_only=True)
class ProfileLine(ColouredItem):
    """A line with width across a map or a stack, in its pixels."""

    kind: ClassVar[str] = "profile"

    owner_id: str = ""
    """The map or stack it is drawn on."""
    start: tuple[float, float] = (0.0, 0.0)
    end: tuple[float, float] = (1.0, 0.0)
    via: list[tuple[float, float]] = field(default_factory=list)
    """Corners between start and end: then it is a polyline."""
    width_px: float = 1.0

    @property
    def points(self) -> list[tuple[float, float]]:
        """From start to end with every corner."""
        return [self.start, *self.via, self.end]
