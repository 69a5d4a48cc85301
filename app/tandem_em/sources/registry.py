"""All kinds of sources: a new one is its folder, and its line here. `register` takes one from outside.

Nothing is opened before `start`. This module brings pydantic: whoever needs no source yet does not import it.
"""

from __future__ import annotations

from typing import Any

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import Source
from tandem_em.sources.core.entry import ReadFile, SourceEntry, Surroundings
from tandem_em.sources.core.ownership import Owner, require_free
from tandem_em.sources.core.tables import LimitsTable, SourceTable
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.dectris.entry import DECTRIS
from tandem_em.sources.files.entry import FOLDER, TEXT
from tandem_em.sources.guardian.entry import SCPI
from tandem_em.sources.impulse.entry import IMPULSE
from tandem_em.sources.merlin.entry import MERLIN
from tandem_em.sources.replay.entry import REPLAY
from tandem_em.sources.zmq.entry import ZMQ

_BUILT_IN: tuple[SourceEntry[Any], ...] = (
    SCPI,
    TEXT,
    FOLDER,
    MERLIN,
    DECTRIS,
    ZMQ,
    IMPULSE,
    REPLAY,
)
_ENTRIES = {each.kind: each for each in _BUILT_IN}


def entries() -> dict[str, SourceEntry[Any]]:
    """Every kind there is, in the order of menus."""
    return dict(_ENTRIES)


def entry(kind: str) -> SourceEntry[Any]:
    """UserError when there is no such kind."""
    found = _ENTRIES.get(kind)
    if found is None:
        raise UserError(f'The kind of source "{kind}" is not known.', f"Write one of {' | '.join(_ENTRIES)}.")
    return found


def register(added: SourceEntry[Any]) -> None:
    """Add a kind from outside, before set-ups with it are read; ValueError when it does not fit in."""
    if added.kind in _ENTRIES:
        raise ValueError(f"there is a source of the kind {added.kind!r} already")
    # A blank table is what a new source in the window begins with: it has to work and be of its own kind.
    if added.blank("new").kind != added.kind:
        raise ValueError(f"the table {added.settings.__name__} is not of the kind {added.kind!r}")
    strange = {field.key for field in added.form.fields} - set(added.settings.model_fields)
    if strange:
        raise ValueError(f"the form has fields that the table has not: {', '.join(sorted(strange))}")
    _ENTRIES[added.kind] = added


def unregister(kind: str) -> None:
    """Take back what `register` added."""
    del _ENTRIES[kind]


def create_source(
    table: SourceTable,
    limits: LimitsTable | None = None,
    read_file: ReadFile | None = None,
    owner: Owner | None = None,
) -> Source:
    """`limits` are those of the cell; `read_file` reads a finished file (watched folders, replay). An instrument that
    is not `owner`'s to take is refused."""
    kind, address = entry(table.kind), table.owned_address() if owner is not None else ""
    # Refused here already, so that the window tells before a recording begins.
    if owner is not None:
        require_free(owner, address)
    source = kind.make(table, Surroundings(limits=limits or LimitsTable(), owner=owner, read_file=read_file))
    # The guardian's process holds the lock itself: taken here, it would refuse its own.
    if owner is not None and address and isinstance(source, ThreadedSource) and not kind.holds_itself:
        source.own(owner, address)
    return source
