"""Which outlines are shown on a frame, and what is written beside them; painted by `outline_overlay`. Without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tandem_em.core.texts import figure
from tandem_em.desk.outlines.following import DOUBT
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.tracks import Outline, Particle

NOTHING: Mapping[int, Outline] = MappingProxyType({})


@dataclass
class ShownOutlines:
    """The particles of one stack at one of its frames."""

    session: Session
    stack: FrameStack
    frame: int = 0
    selected: str = ""
    hidden_id: str = ""
    """The particle that a tool is drawing itself."""
    with_ghosts: bool = True
    reach: int = 0
    """While filming: an outline that is so many frames old at most is shown for one that is not there yet."""

    def particles(self) -> list[Particle]:
        """The visible particles of this stack, in the order of the session."""
        return [p for p in self.session.particles if p.stack_id == self.stack.id and p.visible]

    def newest(self, particle: Particle) -> int | None:
        """The frame that following has reached just now."""
        return self.session.growing.newest(particle.id)

    def outline_of(self, particle: Particle) -> Outline | None:
        """What is shown of a particle in this frame: what is being followed wins over what was kept."""
        fresh = self.session.growing.of(particle.id).get(self.frame)
        return fresh if fresh is not None else particle.outlines.get(self.frame)

    def latest(self, particle: Particle) -> tuple[Outline | None, int]:
        """The outline to show in this frame, and how many frames old it is."""
        for age in range(self.reach + 1):
            outline = particle.outlines.get(self.frame - age) if age else self.outline_of(particle)
            if outline is not None:
                return outline, age
        return None, 0

    def newest_followed(self, frame: int, reach: int) -> int:
        """The newest frame up to this one that has every outline, at most `reach` frames older; else the frame itself."""
        followed = [particle for particle in self.particles() if particle.outlines]
        for age in range(reach + 1 if followed else 0):
            if all(frame - age in particle.outlines for particle in followed):
                return frame - age
        return frame

    def between(self, reference: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """How far frame `reference` lies from the shown one (image pixels): ghosts stay on the sample."""
        return np.subtract(self.stack.drift_at(reference), self.stack.drift_at(self.frame))

    def words(self, particle: Particle, outline: Outline, age: int) -> str:
        """Name and change of a particle, and what should be known of this outline."""
        growing = self.session.growing.of(particle.id)
        text = f"{particle.name}{change_text(particle, outline, particle.id == self.selected, growing)}"
        if self.stack.axis0_is_time is False or len(self.stack) == 1:
            return f"{text} {self._area_text(outline)}"
        if age:
            return f"{text} · {age} frame{'s' if age > 1 else ''} ago"
        newest = self.newest(particle)
        if newest is not None and outline.is_key:
            change = change_text(particle, growing[newest], growing=growing)
            return f"{particle.name} · frame {newest + 1}:{change}"
        if newest is not None:
            return f"{text} …"
        if outline.confidence < DOUBT:
            return f"{text} ?"
        if particle.made_by and self.session.is_stale(particle.made_by):
            return f"{text} · stale"
        return text

    def _area_text(self, outline: Outline) -> str:
        """Where nothing is followed the area itself is what was asked for."""
        pixel = self.stack.pixel_nm
        return f"{figure(outline.area_px * pixel**2)} nm²" if pixel else f"{figure(outline.area_px)} px²"


def change_text(
    particle: Particle, outline: Outline, with_ghost: bool = False, growing: Mapping[int, Outline] = NOTHING
) -> str:
    """` +41 %`: the area against the first outline, as in the lane; with a later ghost also ` (+12 % vs frame 120)`."""
    known = particle.outlines | dict(growing) if growing else particle.outlines
    start = min(known, default=-1)
    ghosts = [frame for frame in particle.reference_frames if frame != start]
    text = _percent(known.get(start), outline)
    if with_ghost and ghosts:
        change = _percent(known.get(ghosts[-1]), outline)
        text += f" ({change.strip()} vs frame {ghosts[-1] + 1})" if change else ""
    return text


def _percent(first: Outline | None, outline: Outline) -> str:
    # the first outline has no change against itself
    if first is None or first is outline or not first.area_px > 0 or not np.isfinite(outline.area_px):
        return ""
    return f" {100 * (outline.area_px / first.area_px - 1):+.0f} %".replace("-", "−")
