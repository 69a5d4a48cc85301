"""One line of a lane, before anybody draws it: what it is called, what colours it, and where its samples are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem_em.core.numeric import Floats

if TYPE_CHECKING:
    from tandem_em.desk.lanes.derived import Derivation
    from tandem_em.model.curves import BiasRun

Interval = tuple[float, float]
ValueAt = Callable[[float], float]
"""The value of a series at a session second; NaN where it has none."""

ORDER = ("first", "second", "third", "fourth")
ROLES = (
    "voltage", "current", "charge", "resistance", "dose", "other", "neutral", "x", "y", *ORDER,
)  # fmt: skip
"""What a colour can stand for; window, figures and movie each have a table from these to their own colours."""
SPARE_COLOURS = ("#ffbf47", "#2fb36d", "#4a9eff", "#b98cff")
"""Colours in `ORDER`, for whoever has no table of roles."""


@dataclass(frozen=True, eq=False)
class Points:
    """Samples that are there already: session seconds in ascending order; NaN in `y` opens the line."""

    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None
    """Limits of an error band, both or none."""
    error: Floats | None = None
    """Half the width of a band, instead of limits."""


@dataclass(frozen=True, eq=False)
class OfRun:
    """A column of a run, or what is derived from its columns. Nothing is read or copied here: a run may have hours at
    1 kS/s, so the window reads it in jobs and as it grows, and exporters only the part they draw."""

    run: BiasRun
    what: str | Derivation


@dataclass(frozen=True)
class Scaling:
    """How a series reads that can only be scaled when its own values are known."""

    name: str
    factor: float
    shift: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Series:
    """One line of a lane; shown = sample × factor + shift, in the base unit of the lane."""

    key: str
    """Whose it is; stays the same while the session lives."""
    name: str
    colour: str
    """The colour of the item it belongs to."""
    role: str = ""
    """What the colour stands for, where it is not that of the item: one of `ROLES`."""
    samples: Points | OfRun
    factor: float = 1.0
    shift: float = 0.0
    scaling: Callable[[Interval, ValueAt], Scaling | None] | None = None
    """Asked with the extent and the values of the samples when they are known; None leaves the series out."""
    quantity: str = ""
    """Heading of its column in the table of the run."""
    hold_s: float = 1.0
    """How long the last sample counts after the end; of a run its gap limit says it."""
    is_linear: bool = False
    """Whether it is known between its samples too."""
    is_fit: bool = False
    """A model beside what it was fitted to: drawn thin, not read at the cursor."""
    has_marker: bool = False
    """Whether a dot marks it at the cursor."""
    is_stale: bool = False
    is_unplaced: bool = False
    """Nobody knows where its clock lies among the others."""


@dataclass(frozen=True)
class Limit:
    """A value not to be passed, as a dashed line: a budget, a safe window."""

    value: float
    name: str
    start: float = -math.inf
    end: float = math.inf
    """Where it holds (session seconds)."""
