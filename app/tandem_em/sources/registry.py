"""From a table of SETUP.toml to a source: nothing is opened before `start`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tandem_em.core.notices import UserError
from tandem_em.model.items import Item
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.ownership import Owner, require_free
from tandem_em.sources.core.setup import (
    AnySource,
    DectrisTable,
    FolderTable,
    ImpulseTable,
    MerlinTable,
    ReplayTable,
    ScpiTable,
    Setup,
    TextTable,
    ZmqTable,
)
from tandem_em.sources.dectris.source import DectrisSource
from tandem_em.sources.files.folder_watch import FolderSource
from tandem_em.sources.files.tdms_tail import TdmsTailSource
from tandem_em.sources.files.text_tail import TextTailSource
from tandem_em.sources.guardian.source import GuardedSource, limits_from
from tandem_em.sources.impulse.source import ImpulseSource
from tandem_em.sources.merlin.source import MerlinSource
from tandem_em.sources.replay.source import ReplaySource, RunTrack, StackTrack, clock_over, tracks_of
from tandem_em.sources.zmq.source import ZmqSource

ReadFile = Callable[[Path], Sequence[Item]]


def create_source(
    table: AnySource,
    setup: Setup | None = None,
    read_file: ReadFile | None = None,
    owner: Owner | None = None,
) -> Source:
    """`setup` gives the limits for a source-meter; `read_file` reads a finished file (watched folders, replay). A
    source-meter that is not `owner`'s to take is refused."""
    if isinstance(table, ScpiTable):
        if owner is not None:
            require_free(owner, table.address)
        return GuardedSource(table, limits_from((setup or Setup()).limits), owner)
    if isinstance(table, TextTable):
        return _text(table)
    if isinstance(table, MerlinTable):
        return MerlinSource(table)
    if isinstance(table, DectrisTable):
        return DectrisSource(table)
    if isinstance(table, ZmqTable):
        return ZmqSource(table)
    if isinstance(table, ImpulseTable):
        return ImpulseSource(table)
    if read_file is None:
        raise UserError(
            f'The source "{table.name}" needs a reader of files.',
            "Record it in the window or with tandem record.",
        )
    if isinstance(table, FolderTable):
        return FolderSource(table, read_file)
    return _replay(table, read_file)


def _text(table: TextTable) -> Source:
    if table.path.suffix.lower() == ".tdms":
        return TdmsTailSource(table)
    return TextTailSource(table)


def _replay(table: ReplayTable, read_file: ReadFile) -> Source:
    """The first run and the first stack of a file, as one source."""
    found = [track for _, track in tracks_of(read_file(table.path))]
    chosen = [next((t for t in found if isinstance(t, kind)), None) for kind in (RunTrack, StackTrack)]
    tracks = [track for track in chosen if track is not None]
    if not tracks:
        raise UserError(f"{table.path.name} has nothing to replay.", "Give a file with a run or a movie.")
    return ReplaySource(table.name, tracks, clock_over(tracks, table.speed), table.path.name)
