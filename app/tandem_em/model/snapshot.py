"""What stands still while people go on working: copies of items for a save, of a whole session for a job."""

from __future__ import annotations

import copy
from typing import TypeVar

from tandem_em.model.arrays import HeldArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage

ItemT = TypeVar("ItemT", bound=Item)


def frozen(item: ItemT) -> ItemT:
    """A copy whose lists, dictionaries and clock nobody changes any more; arrays by reference."""
    made = copy.copy(item)
    for name, value in vars(item).items():
        if isinstance(value, Clock):
            setattr(made, name, frozen(value))
        elif isinstance(value, dict | list):
            setattr(made, name, copy.copy(value))
    return made


def snapshot(session: Session) -> Session:
    """A copy of every item and the choices of the focus. Numbers are shared; what is recorded meanwhile is not in it."""
    still = Session(session.info.name)
    # a new session brings an info of its own; the copy of the real one takes its place
    still.infos.remove(still.info.id)
    # one clock for all streams that share it, whether it is listed or not
    clocks: dict[str, Clock] = {}
    for kind, collection in session.collections.items():
        for item in collection:
            still.collections[kind].add(_held(item, clocks))
    still.info = still.infos[session.info.id]
    for kind in session.collections:
        still.focus.select(kind, session.focus.selected(kind))
    still.focus.span, still.focus.t = session.focus.span, session.focus.t
    return still


def _held(item: Item, clocks: dict[str, Clock]) -> Item:
    """Streams keep the length they have; those that went by one clock still do."""
    made = frozen(item)
    if isinstance(made, Clock):
        return clocks.setdefault(made.id, made)
    if isinstance(made, BiasRun | FrameStack | SpectrumImage):
        made.clock = clocks.setdefault(made.clock.id, made.clock)
    if isinstance(made, BiasRun):
        _hold_samples(made)
    elif isinstance(made, FrameStack) and made.source.is_growing:
        made.source = HeldArray(made.source)
    return made


def _hold_samples(run: BiasRun) -> None:
    run.retime()
    run.times = run.times.still()
    run.host_times = None if run.host_times is None else run.host_times.still()
    run.columns = {key: _still(column) for key, column in run.columns.items()}


def _still(column: Column) -> Column:
    made = copy.copy(column)
    made.values = column.values.still()
    return made
