"""How much room each item takes in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.read_fields import children
from tandem_em.storage.file_index import FileIndex


@dataclass(frozen=True)
class SizeReport:
    """Bytes. `free` is what `save_as` would give back: deleted data and gaps."""

    total: int
    by_item: dict[str, int] = field(default_factory=dict)
    deleted: int = 0
    free: int = 0


def size_report(h5: H5File, file_index: FileIndex, path: Path) -> SizeReport:
    """Bytes of each item and of all, from what HDF5 has allocated (packed sizes)."""
    by_item = {
        item_id: stored_bytes(h5[home]) for item_id, home in file_index.group_paths.items() if home in h5
    }
    deleted = stored_bytes(h5[layout.DELETED]) if layout.DELETED in h5 else 0
    total = path.stat().st_size
    return SizeReport(total, by_item, deleted, deleted + max(0, int(h5.id.get_freespace())))


def stored_bytes(group: H5Group, seen: set[Any] | None = None) -> int:
    """Bytes of all data sets below a group, each counted once."""
    import h5py

    seen = set() if seen is None else seen
    total = 0
    for _name, member in children(group):
        info = h5py.h5o.get_info(member.id)
        if (info.fileno, info.addr) in seen:
            continue
        seen.add((info.fileno, info.addr))
        if isinstance(member, h5py.Group):
            total += stored_bytes(member, seen)
        elif isinstance(member, h5py.Dataset):
            total += int(member.id.get_storage_size())
    return total
