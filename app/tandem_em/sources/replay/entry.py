"""Replays for the registry."""

from __future__ import annotations

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.entry import SourceEntry, Surroundings
from tandem_em.sources.replay.settings import FORM, ReplayTable
from tandem_em.sources.replay.source import ReplaySource, RunTrack, StackTrack, clock_over, tracks_of


def _replay(table: ReplayTable, surroundings: Surroundings) -> Source:
    """The first run and the first stack of a file, as one source."""
    found = [track for _, track in tracks_of(surroundings.file_reader(table.name)(table.path))]
    chosen = [next((t for t in found if isinstance(t, kind)), None) for kind in (RunTrack, StackTrack)]
    tracks = [track for track in chosen if track is not None]
    if not tracks:
        raise UserError(
            f"There is nothing to replay in {table.path.name}.", "Give a file with a run or a movie."
        )
    return ReplaySource(table.name, tracks, clock_over(tracks, table.speed), table.path.name)


REPLAY = SourceEntry(kind="replay", settings=ReplayTable, form=FORM, make=_replay)
