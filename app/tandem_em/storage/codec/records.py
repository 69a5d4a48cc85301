"""Many small items (events, steps of work): one JSON record each in a scalar, with a table for other programs."""

from __future__ import annotations

import json

import numpy as np

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.model.items import Item
from tandem_em.model.marks import Event
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import hints_of, remove, set_attr, stored_fields
from tandem_em.storage.codec.json_values import Json, dump, plain
from tandem_em.storage.codec.nexus import ensure_group, set_text

EVENT_TABLE = np.dtype([("time", "<f8"), ("value", "S256"), ("category", "S16"), ("author", "S32")])


def record_of(item: Item) -> dict[str, Json]:
    """An item as a plain JSON object, exact."""
    hints = hints_of(type(item))
    return {name: plain(getattr(item, name), hints[name]) for name in stored_fields(type(item))}


def write_records(
    h5: H5File, kind: str, items: list[Item], start_iso: str, protected: frozenset[str] = frozenset()
) -> None:
    """Replace the list of all items of a kind. Fields of newer versions in the old records stay, and so do records that
    could not be understood (`protected`)."""
    place = layout.place_of(kind)
    group = ensure_group(h5, place.folder)
    set_attr(group, layout.KIND_ATTR, kind)
    old = {record.get("id"): record for record in old_records(group)}
    # an older TandEM must not lose what a newer one keeps in the same record
    records: list[Json] = [{**old.get(item.id, {}), **record_of(item)} for item in items]
    records += [record for record_id, record in old.items() if record_id in protected]
    if not records:
        for name in (layout.RECORDS, layout.TABLE):
            remove(group, name)
        return
    remove(group, layout.RECORDS)
    group[layout.RECORDS] = dump(records)
    group[layout.RECORDS].attrs[layout.ENCODING_ATTR] = "json"
    if kind == Event.kind:
        _write_event_table(group, [item for item in items if isinstance(item, Event)], start_iso)


def old_records(group: H5Group) -> list[dict[str, Json]]:
    """The stored JSON objects; empty when there are none or they make no sense."""
    stored = group.get(layout.RECORDS)
    if stored is None or getattr(stored, "shape", None) != ():
        return []
    try:
        records = json.loads(stored.asstr()[()])
    except (ValueError, TypeError):
        return []
    return [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []


def _write_event_table(group: H5Group, events: list[Event], start_iso: str) -> None:
    rows = np.zeros(len(events), EVENT_TABLE)
    for row, event in enumerate(sorted(events, key=lambda e: e.t)):
        rows[row] = (event.t, _cut(event.name, 256), _cut(event.category, 16), _cut(event.author, 32))
    remove(group, layout.TABLE)
    table = group.create_dataset(layout.TABLE, data=rows, chunks=(256,), maxshape=(None,))
    table.attrs["time_units"] = "s"
    set_attr(table, "time_start", start_iso)
    set_text(group, "description", "Events on the session's time axis; texts are UTF-8.")


def _cut(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, never half a character."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").encode("utf-8")
