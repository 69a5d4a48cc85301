"""A session that stands still: what an export in a job looks at while people go on working."""

from __future__ import annotations

from copy import copy
from typing import Any

from tandem_em.model.items import Item
from tandem_em.model.session import Session


def snapshot(session: Session) -> Session:
    """A copy of every item and the choices of the focus; the arrays are shared, they only grow."""
    still = Session(session.info.name)
    still.infos.remove(still.info.id)
    for kind, collection in session.collections.items():
        for item in collection:
            still.collections[kind].add(_copied(item))
    still.info = still.infos[session.info.id]
    for kind in session.collections:
        still.focus.select(kind, session.focus.selected(kind))
    still.focus.span, still.focus.t = session.focus.span, session.focus.t
    return still


def _copied(item: Item) -> Any:
    """Lists and dictionaries too, so that nothing changes size while somebody counts it."""
    made = copy(item)
    for name, value in vars(item).items():
        if isinstance(value, dict | list):
            setattr(made, name, copy(value))
    return made
