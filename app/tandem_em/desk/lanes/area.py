"""The lane of particles: area relative to the start, in nm², as diameter, volume or shape; and kept fits beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from tandem_em.desk.lanes.numbers import (
    SHAPES,
    AreaTrack,
    area_track,
    in_mode,
    in_order,
    shape_track,
)
from tandem_em.desk.lanes.per_frame import usual_step
from tandem_em.desk.lanes.series import Interval, Points, Series
from tandem_em.desk.lanes.source import Heading, LaneSource
from tandem_em.desk.outlines import kinetics
from tandem_em.model.frames import FrameStack
from tandem_em.model.provenance import ResultSet
from tandem_em.model.results.of_stacks import Kinetics
from tandem_em.model.session import Session
from tandem_em.model.tracks import Particle

NOT_PLACED = "No particle has outlines with times and a calibration yet."
NO_PARTICLE = "Press N in the image stack to outline and follow a particle."


@dataclass(frozen=True)
class Mode:
    """One way to show a particle: its name in the menu, and how the lane is titled."""

    menu: str
    title: str
    label: str
    caption: str
    axis_unit: str


MODES = {
    "": Mode("Area relative to start", "Area", "Area", "× start", "× start"),
    "nm2": Mode("Area (nm²)", "Area", "Area", "nm²", "nm²"),
    "diameter": Mode("Equivalent diameter (nm)", "Diameter", "Equivalent diameter", "nm", "nm"),
    "volume": Mode("Volume ratio (A/A₀)^1.5", "Volume", "Volume", "× start", "× start"),
    "perimeter": Mode("Perimeter (nm)", "Perimeter", "Perimeter", "nm", "nm"),
    "circularity": Mode("Circularity 4πA/P²", "Circularity", "Circularity", "1 = disc", ""),
    "centroid": Mode("Path of the centroid (nm)", "Centroid", "Path of the centroid", "nm from start", "nm"),
}


class Area(LaneSource):
    """The lane of followed particles, in one of `MODES`."""

    kind, title, name, caption = "area", "Area", "Particle area", "× start"
    shows_each, has_table = True, False
    modes: Mapping[str, str] = MappingProxyType({key: mode.menu for key, mode in MODES.items()})

    def __init__(self, mode: str = "") -> None:
        self.mode = mode

    def in_mode(self, mode: str) -> Area:
        """A source for another mode; this one is shared and stays as it is."""
        return Area(mode)

    def heading(self, session: Session) -> Heading:
        """Title and unit of the mode; an unknown mode in a file reads as area relative to the start."""
        mode = MODES.get(self.mode, MODES[""])
        return Heading(mode.title, mode.label, "", mode.caption, mode.axis_unit)

    def curves(self, session: Session, span: Interval | None) -> list[Series]:
        """A series for each visible particle with times, then kept kinetics as lines beside them."""
        shown: dict[str, Series] = {}
        for particle in session.particles:
            stack = session.stacks.get(particle.stack_id)
            if particle.visible and particle.outlines and stack is not None and len(stack.times):
                series = sizes(session, particle, stack, self.mode)
                if series is not None:
                    shown[particle.id] = series
        fits = (
            []
            if self.mode in SHAPES
            else [self._fit(session, r) for r in kept_fits(session) if r.owner_id in shown]
        )
        return [*shown.values(), *(fit for fit in fits if fit is not None)]

    def missing(self, session: Session, *, asked: bool) -> str:
        """What is missing for particles that are there; how to make one only when the lane was switched on."""
        if len(session.particles):
            return NOT_PLACED
        return NO_PARTICLE if asked else ""

    def _fit(self, session: Session, result: ResultSet) -> Series | None:
        """The likeliest model of a particle whose kinetics are kept (nm², or px² where it was made uncalibrated)."""
        particle = session.particles[result.owner_id]
        pixel = session.stacks[particle.stack_id].pixel_nm
        found = Kinetics.of(result)
        in_nm = found is not None and found.unit == "nm²"
        # A fit in nm² cannot be put beside areas in px² once the calibration is gone.
        if found is None or not found.best or (in_nm and not pixel):
            return None
        square = pixel**2 if in_nm and pixel else 1.0
        fitted = np.asarray(found.fits[found.best], np.float64)
        y = in_mode(fitted / square, _track(session, particle).area, self.mode, pixel)
        if y is None:
            return None
        return Series(
            key=f"{result.id}:fit", name=f"{particle.name}, {found.best}", role="neutral", colour="#444444",
            samples=Points(np.asarray(found.t_s, np.float64), y), is_fit=True,
            is_stale=kinetics.is_stale(session, result),
        )  # fmt: skip


def kept_fits(session: Session) -> list[ResultSet]:
    """Results of kinetics whose particle is still there."""
    return [r for r in session.results if r.analysis == kinetics.KINETICS and r.owner_id in session.particles]


def sizes(session: Session, particle: Particle, stack: FrameStack, mode: str) -> Series | None:
    """A particle as the lane shows it; None where the pixel size is needed and unknown."""
    track = _shape(particle, stack, mode) if mode in SHAPES else _track(session, particle)
    if track is None:
        return None
    # Frames without a time, of a movie whose stamps are fewer, have no place in the lane.
    inside = track.frames < len(stack.times)
    t, order = in_order(stack.t[track.frames[inside]])
    rows = [values[inside][order] for values in (track.area, track.low, track.high)]
    made = [in_mode(row, rows[0], mode, stack.pixel_nm) for row in rows]
    if any(row is None for row in made) or not len(t):
        return None
    y, low, high = (row for row in made if row is not None)
    has_band = bool(np.any(high > low))
    return Series(
        key=particle.id, name=particle.name, colour=particle.colour, hold_s=usual_step(t), has_marker=True,
        samples=Points(t, y, low, high) if has_band else Points(t, y),
        is_stale=bool(particle.made_by) and session.is_stale(particle.made_by),
    )  # fmt: skip


# Weak: what was computed of a particle goes with it.
_tracks: WeakKeyDictionary[Particle, tuple[tuple[Any, ...], AreaTrack]] = WeakKeyDictionary()
_shapes: WeakKeyDictionary[Particle, tuple[tuple[Any, ...], AreaTrack]] = WeakKeyDictionary()
"""What was last made of a particle, as long as its outlines are the same: the window asks at every refresh."""


def _track(session: Session, particle: Particle) -> AreaTrack:
    """With what is being followed just now: the curve grows while somebody watches."""
    growing = session.growing
    fresh = growing.of(particle.id)
    # While following, outlines change without a new revision of the particle.
    key = (particle.revision, len(particle.outlines), id(particle.outlines), growing.revision if fresh else 0)
    kept = _tracks.get(particle)
    if kept is None or kept[0] != key:
        kept = _tracks[particle] = (key, area_track(particle.outlines | fresh))
    return kept[1]


def _shape(particle: Particle, stack: FrameStack, mode: str) -> AreaTrack | None:
    key = (particle.revision, len(particle.outlines), id(particle.outlines), stack.id, stack.revision, mode)
    kept = _shapes.get(particle)
    if kept is None or kept[0] != key:
        track = shape_track(particle, stack, mode)
        if track is None:
            return None
        kept = _shapes[particle] = (key, track)
    return kept[1]
