"""The child process of `repair`: `python -m tandem_em.storage.check.repair_child FILE OUT [PATH…]` copies every object of a
damaged file that can still be read, one by one, into a clean file; what leads out of the file is left behind.

A process of its own because HDF5 may crash or hang on damaged files. It prints a JSON line before it touches an object, so
that the next attempt can leave that one alone: those are the PATHs.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tandem_em.core.hdf5_types import H5Dataset, H5Group, H5Object
from tandem_em.core.texts import counted
from tandem_em.storage.codec import layout

_nowhere = open(os.devnull, "w")  # noqa: SIM115  kept open: the watchdog writes there at the very end
# no readable object takes as long between two signs of life: HDF5 hangs (s)
PATIENCE_S = 10.0
DEEPEST = 32
# twice the largest chunk we write (layout.MAX_FRAME_CHUNK)
LARGEST_CHUNK = 256 << 20
# data sets up to here are unpacked in memory as a whole
LARGEST_WHOLE = 64 << 20
MOST_CHUNKS = 20_000_000
# places tried where the index of the chunks is gone: each one asks HDF5
MOST_GUESSES = 200_000
# gzip reaches about 1000 to 1: what claims more is not in the file
HIGHEST_RATIO = 2000
ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


@dataclass
class Salvage:
    """What was copied and what was lost. `known`: object address -> its place in the new file."""

    copied: int = 0
    lost: list[str] = field(default_factory=list)
    known: dict[tuple[int, int], str] = field(default_factory=dict)
    bytes_done: int = 0
    skipped: frozenset[str] = frozenset()

    def lose(self, where: str) -> None:
        """Note a thing that could not be copied."""
        self.lost.append(where)

    def tell(self, path: str) -> None:
        """Say what comes next; whatever takes longer than PATIENCE_S ends this process."""
        _say({"at": path, "bytes": self.bytes_done})
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True, file=_nowhere)


def main(arguments: list[str]) -> int:
    """Copy FILE into OUT, leaving the given paths alone; always 0 when it comes to its end."""
    import h5py

    source_path, target_path = Path(arguments[0]), Path(arguments[1])
    salvage = Salvage(skipped=frozenset(arguments[2:]))
    with (
        h5py.File(source_path, "r") as source,
        h5py.File(target_path, "x", libver=("v110", "v114")) as target,
    ):
        copy_group(source, target, "", salvage, 0)
    faulthandler.cancel_dump_traceback_later()
    _say({"copied": salvage.copied, "lost": salvage.lost[:200], "done": True})
    return 0


def _say(what: dict[str, Any]) -> None:
    """To the descriptor, not sys.stdout: a windowed program has none even when it was given a pipe."""
    with open(1, "w", encoding="ascii", closefd=False) as answer:
        answer.write(json.dumps(what) + "\n")


def copy_group(source: H5Group, target: H5Group, path: str, salvage: Salvage, depth: int) -> None:
    """Everything readable below a group."""
    salvage.tell(f"{path}@")
    if f"{path}@" not in salvage.skipped:
        copy_attributes(source, target, path, salvage)
    if depth >= DEEPEST:
        salvage.lose(path)
        return
    for name in names_of(source, path, salvage):
        # the old journal: the repaired session gets one of its own
        if depth == 0 and name == "_journal":
            continue
        salvage.tell(f"{path}/{name}")
        if f"{path}/{name}" in salvage.skipped:
            salvage.lose(f"{path}/{name} (HDF5 cannot read it)")
            continue
        copy_object(source, target, name, f"{path}/{name}", salvage, depth)


def names_of(group: H5Group, path: str, salvage: Salvage) -> list[str]:
    """The names in a group; where its list is damaged, those that can still be found by asking for them."""
    try:
        return list(group)
    except ERRORS:
        salvage.lose(f"the list of {path or '/'}")
    found: list[str] = []
    failures = 0
    for name in likely_names():
        try:
            if name in group:
                found.append(name)
        except ERRORS:
            failures += 1
            if failures > 10 and not found:
                break  # nothing of the list is left
    return found


def likely_names() -> Iterator[str]:
    """Names that our own layout gives to groups, for a group whose list of names is gone."""
    fixed = {
        "item",
        "data",
        "columns",
        "times",
        "values",
        "order",
        "name",
        "version",
        "min_reader_version",
        "polygons",
    }
    for place in layout.PLACES.values():
        fixed |= set(place.folder.split("/"))
        yield from (layout.numbered(place.stem, number) for number in range(1, 100))
    yield from (layout.numbered("particles", number) for number in range(1, 30))
    yield from sorted(fixed | {"session", "outlines", layout.RECORDS, layout.CRC, "voltage", "current"})


def copy_object(source: H5Group, target: H5Group, name: str, path: str, salvage: Salvage, depth: int) -> None:
    """Copy one member of a group, whatever it is; losses go into `salvage`."""
    import h5py

    try:
        if not isinstance(source.get(name, getlink=True), h5py.HardLink):
            salvage.lose(f"{path} (it links to another place)")
            return
        item = source[name]
        info = h5py.h5o.get_info(item.id)
    except ERRORS:
        salvage.lose(path)
        return
    # two names of one object stay two names: its data are copied once
    key = (info.fileno, info.addr)
    if key in salvage.known:
        _link(target, name, salvage.known[key])
        return
    if isinstance(item, h5py.Group):
        group = target.create_group(name)
        salvage.known[key] = group.name
        copy_group(item, group, path, salvage, depth + 1)
    elif isinstance(item, h5py.Dataset):
        made = copy_dataset(item, target, name, path, salvage)
        if made is not None:
            salvage.known[key] = made.name
    salvage.copied += 1


def _link(target: H5Group, name: str, known: str) -> None:
    """A second name, unless it would make a circle."""
    if not f"{target.name}/".startswith(f"{known}/") and known in target.file:
        target[name] = target.file[known]


def copy_dataset(
    item: H5Dataset, target: H5Group, name: str, path: str, salvage: Salvage
) -> H5Dataset | None:
    """A copy of a data set; None when it is lost."""
    try:
        if not is_plain(item):
            salvage.lose(path)
            return None
        # large data keep their packed chunks: damaged ones are lost alone, and nothing is unpacked
        if item.chunks is not None and item.nbytes > LARGEST_CHUNK // 256 and item.dtype.kind in "biufc":
            made = copy_chunks(item, target, name, path, salvage)
        elif item.nbytes <= LARGEST_WHOLE or item.chunks is None:
            options: dict[str, Any] = {}
            if item.chunks is not None:
                options = {"chunks": item.chunks, "maxshape": item.maxshape}
            made = target.create_dataset(name, data=item[()], dtype=item.dtype, **options)
        else:
            salvage.lose(path)
            return None
    except ERRORS:
        salvage.lose(path)
        return None
    copy_attributes(item, made, path, salvage)
    return made


def is_plain(item: H5Dataset) -> bool:
    """Its values are in this file, in a form that needs no foreign code and no absurd memory."""
    import h5py

    plan = item.id.get_create_plist()
    known = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
    if plan.get_external_count() or plan.get_layout() == h5py.h5d.VIRTUAL:
        return False
    if any(plan.get_filter(number)[0] not in known for number in range(plan.get_nfilters())):
        return False
    if item.chunks is None:
        return bool(item.nbytes <= 1 << 34 and item.dtype.itemsize <= 1 << 20)
    # a data set that claims far more than it stores would fill the disk
    if item.nbytes > LARGEST_WHOLE and item.nbytes > HIGHEST_RATIO * item.id.get_storage_size():
        return False
    size, count = item.dtype.itemsize, 1
    for chunk, whole in zip(item.chunks, item.shape):
        size, count = size * chunk, count * -(-whole // chunk)
    return bool(size <= LARGEST_CHUNK and count <= MOST_CHUNKS)


def copy_chunks(item: H5Dataset, target: H5Group, name: str, path: str, salvage: Salvage) -> H5Dataset:
    """Chunk by chunk as they are; those that cannot be found stay empty. Their content is checked later."""
    made = target.create_dataset(
        name, shape=item.shape, dtype=item.dtype, chunks=item.chunks, maxshape=item.maxshape, shuffle=item.shuffle,
        compression=item.compression, compression_opts=item.compression_opts,
    )  # fmt: skip
    missing = 0
    for number, origin in enumerate(chunk_origins(item)):
        try:
            mask, content = item.id.read_direct_chunk(origin)
            made.id.write_direct_chunk(origin, content, filter_mask=mask)
            salvage.bytes_done += len(content)
        except ERRORS:
            missing += 1
        # the watchdog starts anew, so that a long movie is not taken for a hang
        if number % 64 == 0:
            salvage.tell(path)
    if missing:
        salvage.lose(f"{counted(missing, 'part')} of {path}")
    return made


def chunk_origins(item: H5Dataset) -> Iterator[tuple[int, ...]]:
    """Where chunks are, from their index; where that is damaged, everywhere one could be."""
    try:
        found = [item.id.get_chunk_info(number).chunk_offset for number in range(item.id.get_num_chunks())]
    except ERRORS:
        axes = [range(0, whole, chunk) for whole, chunk in zip(item.shape, item.chunks or item.shape)]
        yield from itertools.islice(itertools.product(*axes), MOST_GUESSES)
        return
    yield from (tuple(origin) for origin in found)


def copy_attributes(source: H5Object, target: H5Object, path: str, salvage: Salvage) -> None:
    """Copy attributes one by one; where their list is damaged, those that we write ourselves."""
    import h5py

    try:
        names = list(source.attrs)
    except ERRORS:
        salvage.lose(f"the attributes of {path or '/'}")
        names = [
            n
            for n in ("tandem_kind", "tandem_id", "tandem_revision", "tandem_none", "tandem_keys")
            if _has(source, n)
        ]
    for name in names:
        try:
            attribute = h5py.h5a.open(source.id, name.encode())
            # 16 MB: no attribute of ours is nearly as large
            if attribute.get_storage_size() > 1 << 24:
                continue
            value = source.attrs[name]
            # arrays of texts need their type said: h5py would store others
            if h5py.check_string_dtype(attribute.dtype) is not None and getattr(value, "shape", ()) != ():
                target.attrs.create(name, value, dtype=attribute.dtype)
            else:
                target.attrs[name] = value
        except ERRORS:
            salvage.lose(f"{path}@{name}")


def _has(source: H5Object, name: str) -> bool:
    try:
        return name in source.attrs
    except ERRORS:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
