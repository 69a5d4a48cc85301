"""Outlines that are being followed just now: every pane shows them before they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psygnal import Signal

from tandem_em.model.tracks import Outline


class OutlinesInProgress:
    """By particle and frame, the newest last. Nothing here is stored or undone."""

    changed = Signal()

    def __init__(self) -> None:
        self._found: dict[str, dict[int, Outline]] = {}
        self.revision = 0

    def of(self, particle_id: str) -> dict[int, Outline]:
        """Outlines found so far by frame, the newest last; empty when the particle is not being followed."""
        return self._found.get(particle_id, {})

    def newest(self, particle_id: str) -> int | None:
        """The frame that following has reached."""
        return next(reversed(self.of(particle_id)), None)

    def add(self, found: Mapping[str, Mapping[int, Outline]]) -> None:
        """Add outlines by particle and frame; a frame found again takes the new outline."""
        for particle_id, outlines in found.items():
            grown = self._found.setdefault(particle_id, {})
            for frame, outline in outlines.items():
                grown.pop(frame, None)  # the newest is the last one
                grown[frame] = outline
        self._tell()

    def drop(self, particle_ids: Iterable[str]) -> None:
        """Forget particles that are done, kept or given up; ids that are not here do no harm."""
        gone = [self._found.pop(each, None) for each in particle_ids]
        if any(each is not None for each in gone):
            self._tell()

    def _tell(self) -> None:
        self.revision += 1
        self.changed.emit()
