"""A compact copy of a session: everything that is linked, once, chunk by chunk as it is; deleted data stay behind."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group, H5Object
from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import create_dataset, pack
from tandem_em.storage.codec.fields import set_attr
from tandem_em.storage.codec.read_fields import children
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.write.frames import require_room

BIG = 1 << 20
"""Data sets from this size on are copied in batches; smaller ones with the tree, in one consistent look."""
# recordings get their turn between two batches
BATCH_BYTES = 32 << 20
Origin = tuple[int, ...]


@dataclass
class _Tree:
    """The structure of a file at one moment."""

    groups: list[str] = field(default_factory=list)
    small: list[tuple[str, bytes | None]] = field(default_factory=list)
    big: list[tuple[str, tuple[int, ...], int]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    """(new name, first name) of things that have more than one."""
    seen: dict[tuple[int, int], str] = field(default_factory=dict)


def copy_session(source: Hdf5Store, path: Path, compress: bool) -> Job[Path]:
    """Write the copy beside `path` and return its temporary name. Stopped half-way, nothing is left."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.copy")
    is_complete = False
    target: Hdf5Store | None = None
    try:
        source.commit().result() if source.is_writable else None
        tree = source.call(_survey).result()
        target = Hdf5Store.create(temporary, alignment_threshold=1, alignment_interval=1, autocommit_s=None)
        content = source.call(lambda h5: _read_small(h5, tree)).result()
        target.call(lambda h5: _write_tree(h5, tree, content, path.name)).result()
        yield from _copy_big(source, target, tree, compress)
        target.call(lambda h5: _write_links(h5, tree)).result()
        target.close()
        is_complete = True
        return temporary
    finally:
        if not is_complete:
            if target is not None:
                target.abandon()
            temporary.unlink(missing_ok=True)


def _survey(h5: H5File) -> _Tree:
    tree = _Tree()
    _survey_group(h5, "", tree, 0)
    return tree


def _survey_group(group: H5Group, path: str, tree: _Tree, depth: int) -> None:
    import h5py

    if depth > 32:
        raise UserError("The session file is nested too deeply.", "Run tandem check on it.")
    for name, member in children(group):
        if depth == 0 and name in layout.PRIVATE_ROOTS:
            continue
        here = f"{path}/{name}"
        info = h5py.h5o.get_info(member.id)
        known = tree.seen.get((info.fileno, info.addr))
        if known is not None:
            tree.links.append((here, known))
            continue
        tree.seen[info.fileno, info.addr] = here
        if isinstance(member, h5py.Group):
            tree.groups.append(here)
            _survey_group(member, here, tree, depth + 1)
        elif isinstance(member, h5py.Dataset):
            is_big = member.chunks is not None and not member.dtype.hasobject and member.nbytes >= BIG
            if is_big:
                tree.big.append(
                    (here, tuple(int(n) for n in member.shape), int(member.id.get_storage_size()))
                )
            else:
                tree.small.append((here, None))


def _read_small(h5: H5File, tree: _Tree) -> dict[str, Any]:
    """Values, types, chunks and attributes of everything small, and the attributes of everything."""
    found: dict[str, Any] = {"/": (None, None, _attributes(h5))}
    for path in tree.groups:
        found[path] = (None, None, _attributes(h5[path]))
    for path, _ in tree.small:
        dataset = h5[path]
        found[path] = (dataset[()], _form(dataset), _attributes(dataset))
    for path, _shape, _size in tree.big:
        found[path] = (None, _form(h5[path]), _attributes(h5[path]))
    return found


def _form(dataset: H5Dataset) -> dict[str, Any]:
    return {
        "dtype": dataset.dtype, "chunks": dataset.chunks, "maxshape": dataset.maxshape, "shuffle": dataset.shuffle,
        "compression": dataset.compression, "compression_opts": dataset.compression_opts,
    }  # fmt: skip


def _attributes(owner: H5Object) -> list[tuple[str, Any, Any]]:
    import h5py

    found = []
    for name in owner.attrs:
        kind = h5py.h5a.open(owner.id, name.encode()).dtype
        found.append((name, owner.attrs[name], kind if h5py.check_string_dtype(kind) is not None else None))
    return found


def _write_tree(h5: H5File, tree: _Tree, content: dict[str, Any], file_name: str) -> None:
    for path in ("/", *tree.groups):
        group = h5 if path == "/" else h5.create_group(path, track_order=True)
        _set_attributes(group, content[path][2])
    for path, _ in tree.small:
        value, form, attributes = content[path]
        # HDF5 has no chunked scalars
        if form["chunks"] is None or np.ndim(value) == 0:
            made = h5.create_dataset(path, data=value, dtype=form["dtype"])
        else:
            made = h5.create_dataset(path, data=value, **form)
        _set_attributes(made, attributes)
    set_attr(h5, "file_name", file_name)


def _set_attributes(owner: H5Object, attributes: list[tuple[str, Any, Any]]) -> None:
    for name, value, text_type in attributes:
        if text_type is not None and np.ndim(value):
            owner.attrs.create(name, value, dtype=text_type)
        else:
            owner.attrs[name] = value


def _copy_big(
    source: Hdf5Store, target: Hdf5Store, tree: _Tree, compress: bool
) -> Generator[Progress, None, None]:
    total, done = float(sum(size for _, _, size in tree.big)), 0.0
    for path, shape, _size in tree.big:
        form, attributes, origins = source.call(partial(_look_at_big, path=path, shape=shape)).result()
        packs = compress and form["compression"] is None and form["dtype"].kind in "biufc"
        made = partial(_create_like, path=path, shape=shape, form=form, attributes=attributes, compress=packs)
        target.call(made).result()
        for batch in _batches(origins):
            chunks = source.call(partial(_read_chunks, path=path, origins=batch)).result()
            size = sum(len(content) for _origin, _mask, content in chunks)
            require_room(target.path, size)
            done += size
            if packs:
                chunks = [_packed(origin, content, form) for origin, _mask, content in chunks]
            target.call(partial(_write_chunks, path=path, chunks=chunks)).result()
            yield Progress(min(done, total), total, f"Writing {path.strip('/').split('/')[-2]}")


def _create_like(
    h5: H5File, path: str, shape: tuple[int, ...], form: dict[str, Any], attributes: Any, compress: bool
) -> None:
    if compress:
        parent, name = h5.require_group(path.rpartition("/")[0]), path.rpartition("/")[2]
        made = create_dataset(
            parent, name, shape, form["dtype"], form["chunks"], compressed=True, maxshape=form["maxshape"]
        )
    else:
        made = h5.create_dataset(path, shape=shape, **form)
    _set_attributes(made, attributes)


def _look_at_big(
    h5: H5File, path: str, shape: tuple[int, ...]
) -> tuple[dict[str, Any], Any, list[tuple[Origin, int]]]:
    """Form, attributes and chunks (origin, bytes) within a shape, in order."""
    dataset = h5[path]
    found: list[tuple[Origin, int]] = []
    # chunks that a recording adds meanwhile lie outside the shape that was surveyed
    dataset.id.chunk_iter(lambda info: found.append((tuple(info.chunk_offset), int(info.size))))
    inside = sorted(each for each in found if all(at < size for at, size in zip(each[0], shape)))
    return _form(dataset), _attributes(dataset), inside


def _batches(origins: list[tuple[Origin, int]]) -> Iterator[list[Origin]]:
    batch: list[Origin] = []
    size = 0
    for origin, count in origins:
        batch.append(origin)
        size += count
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_chunks(h5: H5File, path: str, origins: list[Origin]) -> list[tuple[Origin, int, bytes]]:
    dataset = h5[path]
    return [(origin, *dataset.id.read_direct_chunk(origin)) for origin in origins]


def _packed(origin: Origin, content: bytes, form: dict[str, Any]) -> tuple[Origin, int, bytes]:
    shape = tuple(int(n) for n in form["chunks"])
    return (
        origin,
        0,
        bytes(pack(np.frombuffer(content, form["dtype"]).reshape(shape), origin, shape, True).content),
    )


def _write_chunks(h5: H5File, path: str, chunks: list[tuple[Origin, int, bytes]]) -> None:
    dataset = h5[path]
    for origin, mask, content in chunks:
        dataset.id.write_direct_chunk(origin, content, filter_mask=mask)


def _write_links(h5: H5File, tree: _Tree) -> None:
    for new, first in tree.links:
        h5[new] = h5[first]
