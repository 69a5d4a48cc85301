"""Carrying out one save inside the file: items that changed, data that arrived, groups for other programs.

Runs on the storage thread within one edit: if anything goes wrong, the file and the file_index stay as they were.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File, H5Group
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack, Preview
from tandem_em.model.items import Item
from tandem_em.model.provenance import ResultSet
from tandem_em.model.session import SessionInfo
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Particle
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Record, Written, remove, set_attr, write_record
from tandem_em.storage.codec.nexus import ensure_group, link, not_nxdata, set_text
from tandem_em.storage.codec.records import write_records
from tandem_em.storage.codec.tracks import gather, write_tracks
from tandem_em.storage.file_index import FileIndex
from tandem_em.storage.save_plan import Plan
from tandem_em.storage.write.root import choose_default, write_info
from tandem_em.storage.write.streams import show_map, show_result, show_run, show_stack


def apply_plan(h5: H5File, plan: Plan, file_index: FileIndex, staged: dict[str, str]) -> None:
    """Bring the file up to date. `staged`: item id -> path of its complete data below `_incoming`."""
    for item_id in plan.removed:
        throw_away(h5, item_id, file_index)
    for record in plan.records:
        _write_item(h5, record, plan, file_index)
    _place_data(h5, plan, file_index, staged)
    for kind, items in plan.tables.items():
        write_records(h5, kind, items, plan.start_iso, file_index.protected)
        file_index.records[kind] = plan.marks[kind]
    _show(h5, plan, file_index)
    if plan.is_complete:
        _write_order(h5, plan, file_index)
    if plan.unsaved:
        set_text(ensure_group(h5, layout.FORMAT_GROUP), layout.UNSAVED, plan.unsaved)
    choose_default(h5)


def _write_item(h5: H5File, record: Record, plan: Plan, file_index: FileIndex) -> None:
    """The fields of one item, and what other programs look at where that follows from the fields alone."""
    group = h5[home_of(h5, record, file_index)]
    place = layout.place_of(record.kind)
    target = ensure_group(group, layout.ITEM) if place.has_item_group else group
    write_record(target, record, file_index.written.setdefault(record.id, Written()))
    if place.has_item_group:
        set_attr(group, layout.KIND_ATTR, record.kind)
        set_attr(group, layout.ID_ATTR, record.id)
    if record.id in plan.marks:
        file_index.saved[record.id] = plan.marks[record.id]
    if isinstance(record.item, SessionInfo):
        write_info(h5, record.item)
    elif isinstance(record.item, ResultSet):
        show_result(group, record.item)


def _place_data(h5: H5File, plan: Plan, file_index: FileIndex, staged: dict[str, str]) -> None:
    """Give data that were written beforehand to their items; note of linked data what they look like."""
    for item_id, path in staged.items():
        take_in(h5, item_id, path, file_index)
    changed = {record.id for record in plan.records}
    for item_id, source in plan.linked.items():
        if item_id in changed:
            _note_link(h5, h5[file_index.group_paths[item_id]], source.shape, source.dtype)
    if layout.INCOMING in h5 and len(h5[layout.INCOMING]) == 0:
        del h5[layout.INCOMING]


def home_of(h5: H5File, record: Record, file_index: FileIndex) -> str:
    """The group of an item: where it is, or back from the deleted, or a new one."""
    home = file_index.group_paths.get(record.id)
    if home is not None and home in h5:
        return home
    place = layout.place_of(record.kind)
    folder = ensure_group(h5, place.folder)
    if record.kind == SessionInfo.kind:
        home = layout.SESSION_HOME
        ensure_group(h5, home)
    else:
        home = (
            f"{place.folder}/{layout.numbered(place.stem, _free_number(h5, folder, place.stem, file_index))}"
        )
        if record.id in file_index.deleted:
            h5.move(file_index.deleted.pop(record.id), home)
        else:
            # it becomes an NXdata when its data are there: one without a signal troubles readers
            ensure_group(h5, home, place.nx_class if place.nx_class != "NXdata" else "NXcollection")
            file_index.written.setdefault(record.id, Written()).marks.clear()
    file_index.group_paths[record.id] = home
    return home


def _free_number(h5: H5File, folder: H5Group, stem: str, file_index: FileIndex) -> int:
    """One more than any in use, also among the deleted: a number is never given twice while the file is open."""
    taken = [layout.number_of(name) for name in folder if name.startswith(f"{stem}_")]
    taken += [int(h5[path].attrs.get("number", 0)) for path in file_index.deleted.values() if path in h5]
    return max(taken, default=0) + 1


def throw_away(h5: H5File, item_id: str, file_index: FileIndex) -> None:
    """Move an item's group out of sight; its data stay until the file is closed, so that undo can bring them back."""
    home = file_index.group_paths.pop(item_id, None)
    file_index.saved.pop(item_id, None)
    if home is None or home not in h5:
        return
    # copies for show are not worth keeping: an undo makes them anew
    for companion in companions(h5, home):
        del h5[companion]
    file_index.exported.pop(item_id, None)
    path = f"{layout.DELETED}/{item_id}"
    ensure_group(h5, layout.DELETED)
    remove(h5, path)
    h5.move(home, path)
    # its number stays taken while it can come back
    h5[path].attrs["number"] = layout.number_of(home)
    file_index.deleted[item_id] = path


def companions(h5: H5File, home: str) -> list[str]:
    """Groups beside an item's own that only show its data."""
    stem, number = home.rsplit("/", 1)[-1], layout.number_of(home)
    if home.startswith(f"{layout.INSTRUMENT}/bias_"):
        return [f"{layout.ENTRY}/{name}" for name in h5[layout.ENTRY] if name.startswith(f"{stem}_")]
    if stem.startswith("eels_"):
        names = (f"{layout.ENTRY}/adf_{number:03d}", f"{layout.ENTRY}/sum_{number:03d}")
        return [name for name in names if name in h5]
    return []


def take_in(h5: H5File, item_id: str, staged: str, file_index: FileIndex) -> None:
    """Link complete data to their place; older data of the item go to the deleted."""
    group, incoming = h5[file_index.group_paths[item_id]], h5[staged]
    own = ensure_group(group, layout.ITEM)
    if "data" in group:
        replaced = ensure_group(h5, f"{layout.DELETED}/replaced")
        replaced[f"{item_id}_{len(replaced)}"] = group["data"]
    for name in ("data", layout.CRC, "data_sum"):
        target = group if name == "data" else own
        remove(target, name)
        if name in incoming:
            link(target, name, incoming[name])
    for name in (layout.LINKED_ATTR, layout.DTYPE_ATTR):
        if name in group.attrs:
            del group.attrs[name]
    del h5[staged]
    file_index.exported.pop(item_id, None)


def _note_link(h5: H5File, group: H5Group, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """The data are in another file: keep only what they look like."""
    if "data" in group:
        replaced = ensure_group(h5, f"{layout.DELETED}/replaced")
        replaced[f"{group.attrs[layout.ID_ATTR]}_{len(replaced)}"] = group["data"]
        remove(group, "data")
    group.attrs[layout.LINKED_ATTR] = np.array(shape, np.int64)
    set_attr(group, layout.DTYPE_ATTR, np.dtype(dtype).str)
    not_nxdata(group)


def _show(h5: H5File, plan: Plan, file_index: FileIndex) -> None:
    """Bring the groups for other programs up to date where what they are made from changed."""
    entry = ensure_group(h5, layout.ENTRY)
    for item in plan.snapshot.values():
        home = file_index.group_paths.get(item.id)
        if home is None or home not in h5 or item.id in plan.recording:
            continue
        if not isinstance(item, (FrameStack, SpectrumImage, BiasRun)):
            continue
        group = h5[home]
        if isinstance(item, Preview):
            # an NXdata that shows nothing is left alone by programs that read every large array they find
            set_attr(group, "NX_class", "NXdata")
            continue
        mark = looks(group, item, plan.start_iso)
        if file_index.exported.get(item.id) == mark:
            continue
        if isinstance(item, FrameStack):
            show_stack(group, item, plan.start_iso)
        elif isinstance(item, SpectrumImage):
            show_map(entry, group, item)
        else:
            show_run(entry, group, item, _times_of(group, item), plan.start_iso)
        file_index.exported[item.id] = mark
        # shown and complete: its recording has ended
        if layout.RECORDING_ATTR in group.attrs:
            del group.attrs[layout.RECORDING_ATTR]
    _show_tracks(h5, entry, plan, file_index)


def looks(group: H5Group, item: FrameStack | SpectrumImage | BiasRun, start_iso: str) -> tuple[object, ...]:
    """Everything the groups of a stream are made from."""
    stored = group.get("data")
    length = tuple(stored.shape) if stored is not None else sample_count(group)
    return (item.revision, start_iso, length, item.clock.id, item.clock.offset_s, item.clock.rate_ppm)


def note_exported(h5: H5File, items: list[Item], file_index: FileIndex, start_iso: str) -> None:
    """After reading: what the file shows is what its items say, except where a recording was cut short."""
    for item in items:
        home = file_index.group_paths.get(item.id, "")
        if not isinstance(item, (FrameStack, SpectrumImage, BiasRun)) or home not in h5:
            continue
        if layout.RECORDING_ATTR not in h5[home].attrs:
            file_index.exported[item.id] = looks(h5[home], item, start_iso)
    particles = [item for item in items if isinstance(item, Particle) and item.id in file_index.group_paths]
    entry = h5[layout.ENTRY]
    for name in [name for name in entry if name.startswith("particles_")]:
        stack_id = str(entry[name].attrs.get("stack_id", ""))
        group = [
            (layout.number_of(file_index.group_paths[p.id]), p) for p in particles if p.stack_id == stack_id
        ]
        file_index.exported[name] = _tracks_mark(group, stack_id, file_index, start_iso)


def _tracks_mark(
    particles: list[tuple[int, Particle]], stack_id: str, file_index: FileIndex, start_iso: str
) -> Any:
    rows = [(number, particle.id, particle.revision) for number, particle in particles]
    return sorted(rows), file_index.exported.get(stack_id), start_iso


def prepare_tracks(plan: Plan, file_index: FileIndex) -> None:
    """Gather the outlines that will have to be written, so that the storage thread need not."""
    touched = {record.id for record in plan.records} | set(plan.removed)
    by_stack: dict[str, list[Particle]] = {}
    for item in plan.snapshot.values():
        if isinstance(item, Particle) and (item.id in file_index.group_paths or item.id in touched):
            by_stack.setdefault(item.stack_id, []).append(item)
    for stack_id, particles in by_stack.items():
        if stack_id in touched or touched & {particle.id for particle in particles}:
            plan.tracks[stack_id] = gather(stack_id, particles)


def _times_of(group: H5Group, run: BiasRun) -> Any:
    """Device times of the samples in the file; from memory where the model has them."""
    count = sample_count(group)
    if len(run.times) >= count:
        return run.times.view[:count]
    return group["times"][...]


def sample_count(group: H5Group) -> int:
    """Samples of a run that are in the file."""
    times = group.get("times")
    return int(times.shape[0]) if times is not None and len(getattr(times, "shape", "")) else 0


def _show_tracks(h5: H5File, entry: H5Group, plan: Plan, file_index: FileIndex) -> None:
    """One group of outlines for each stack that has particles."""
    by_stack: dict[str, list[tuple[int, Particle]]] = {}
    for item in plan.snapshot.values():
        if isinstance(item, Particle) and item.id in file_index.group_paths:
            by_stack.setdefault(item.stack_id, []).append(
                (layout.number_of(file_index.group_paths[item.id]), item)
            )
    ours = [n for n in entry if n.startswith("particles_") and n not in file_index.protected]
    existing = {str(entry[n].attrs.get("stack_id", "")): n for n in ours}
    for stack_id, particles in by_stack.items():
        stack = plan.snapshot.get(stack_id)
        mark = _tracks_mark(particles, stack_id, file_index, plan.start_iso)
        name = existing.pop(stack_id, None)
        if name is not None and file_index.exported.get(name) == mark:
            continue
        # a save of other items must not rewrite the outlines of this stack
        if not plan.is_complete and not {r.id for r in plan.records} & {p.id for _, p in particles}:
            continue
        if name is None:
            taken = [layout.number_of(n) for n in entry if n.startswith("particles_")]
            name = layout.numbered("particles", max(taken, default=0) + 1)
        group = ensure_group(entry, name, "NXprocess")
        set_attr(group, "stack_id", stack_id)
        tracks = plan.tracks.get(stack_id) or gather(stack_id, [particle for _, particle in particles])
        numbers = [
            layout.number_of(file_index.group_paths[particle_id]) for particle_id in tracks.particle_ids
        ]
        write_tracks(group, tracks, numbers, stack if isinstance(stack, FrameStack) else None, plan.start_iso)
        file_index.exported[name] = mark
    for name in existing.values() if plan.is_complete else ():
        remove(entry, name)
        file_index.exported.pop(name, None)


def changes_order(plan: Plan, file_index: FileIndex) -> bool:
    """Whether the items stand in another order than in the file; a save of single items has no say in it."""
    return plan.is_complete and json.dumps(plan.order) != file_index.order


def _write_order(h5: H5File, plan: Plan, file_index: FileIndex) -> None:
    text = json.dumps(plan.order)
    if text != file_index.order:
        set_text(ensure_group(h5, layout.FORMAT_GROUP), layout.ORDER, text)
        file_index.order = text
