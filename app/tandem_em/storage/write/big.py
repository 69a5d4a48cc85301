"""Long curves on their way into the file: written in pieces with progress before the one step that gives them their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tandem_em.core.hdf5_types import H5File
from tandem_em.core.jobs import Job, Progress
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import Chunk, blocks_of, chunks_for, create_dataset, packed
from tandem_em.storage.codec.fields import (
    Array,
    Branch,
    Encoded,
    Written,
    branch_names,
    is_longer,
    mark_of,
)
from tandem_em.storage.file_index import FileIndex
from tandem_em.storage.save_plan import Plan
from tandem_em.storage.write.frames import Call, discard, require_room

# smaller arrays are written within the edit: they hold up the storage thread only shortly
BIG_BYTES = 32 << 20
# so much between two chances for others to use the storage thread
BATCH_BYTES = 16 << 20


def stage_arrays(
    call: Call, file: Path, plan: Plan, file_index: FileIndex, staged: dict[str, str]
) -> Job[None]:
    """Write the big arrays of a plan's records that the file does not have yet below `_incoming`; `staged` learns their
    paths, so that they can be thrown away when the save fails."""
    for record in plan.records:
        written = file_index.written.setdefault(record.id, Written())
        for path, array in _big_arrays(record.fields, ""):
            mark, old = mark_of(array), written.marks.get(path)
            if path in written.recorded or mark == old or is_longer(old, mark):
                continue
            place = f"{layout.INCOMING}/{record.id}{path.replace('/', '-')}"
            staged[f"{record.id}{path}"] = place
            yield from _write(
                call, file, place, array, f"Storing {getattr(record.item, 'name', '') or record.id}"
            )
            written.staged[path] = place


def _big_arrays(fields: dict[str, Encoded], path: str) -> Iterator[tuple[str, Array]]:
    for name, value in fields.items():
        if isinstance(value, Array) and value.values.nbytes >= BIG_BYTES:
            yield f"{path}/{name}", value
        elif isinstance(value, Branch):
            children = {child: each for child, (_key, each) in branch_names(value).items()}
            yield from _big_arrays(children, f"{path}/{name}")


def _write(call: Call, file: Path, place: str, array: Array, label: str) -> Job[None]:
    values, grows = array.values, array.grower is not None
    chunks = chunks_for(values, grows)
    maxshape = (None, *values.shape[1:]) if grows else None

    def create(h5: H5File) -> None:
        # a save that failed may have left it half written
        discard(h5, place)
        folder, _, name = place.rpartition("/")
        create_dataset(
            h5.require_group(folder),
            name,
            values.shape,
            values.dtype,
            chunks,
            compressed=True,
            maxshape=maxshape,
        )

    call(create).result()
    done, batch = 0.0, list[Chunk]()
    pieces = packed(blocks_of(values, chunks), chunks, True)
    try:
        for chunk in pieces:
            batch.append(chunk)
            done += chunk.plain_bytes
            if (size := sum(len(each.content) for each in batch)) >= BATCH_BYTES:
                require_room(file, size)
                call(_writing(place, batch)).result()
                batch = []
            yield Progress(min(done, values.nbytes), values.nbytes, label)
    finally:
        # a stopped job must not leave packing threads behind
        pieces.close()
    call(_writing(place, batch)).result()


def _writing(place: str, batch: list[Chunk]) -> Any:
    def work(h5: H5File) -> None:
        dataset = h5[place]
        for chunk in batch:
            dataset.id.write_direct_chunk(chunk.origin, chunk.content)

    return work
