"""Streams that are being recorded into a session: how they begin, how they are shown meanwhile, how they end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.model.curves import BiasRun
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.model.snapshot import frozen
from tandem_em.storage.arrays import ChunkIndex
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.fields import Branch, Written, branch_names, encode_item, run_marks
from tandem_em.storage.file_index import FileIndex, SaveState
from tandem_em.storage.recording.streams import Recording, RunStream, StackStream, make_room
from tandem_em.storage.save_plan import Plan
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.write.root import choose_default
from tandem_em.storage.write.session import apply_plan, sample_count
from tandem_em.storage.write.streams import show_run, show_stack

PATIENCE_S = 2.0
"""How long a reader waits for a frame that is queued."""


class LiveStreams:
    """The recordings of one open session file."""

    def __init__(self, store: Hdf5Store, save_state: SaveState) -> None:
        self.recording = Recording(store)
        self.stacks: dict[str, StackStream] = {}
        self._store = store
        self._save_state = save_state
        self._finished: dict[str, int] = {}

    def start_run(self, run: BiasRun) -> None:
        """Write the fields of a run and let its columns grow. Samples it has already are continued."""
        # the run goes on growing while its groups are made on the storage thread
        run = frozen(run)
        columns = encode_item(run).fields["columns"]
        names = branch_names(columns) if isinstance(columns, Branch) else {}
        keys = {key: name for name, (key, _) in names.items()}
        recorded = {"/times", *(f"/columns/{name}/values" for name in names)}
        if run.host_times is not None:
            recorded.add("/host_times")
        home = self._begin(run, frozenset(recorded))
        types = {name: run.columns[key].values.view.dtype for key, name in keys.items()}
        has_host_times = run.host_times is not None
        stream = RunStream(home, types, keys, run.clock, has_host_times, lambda h5: _show_run(h5, home, run))
        stream.written = self._store.call(lambda h5: sample_count(h5[home])).result()
        self.recording.add(run.id, stream)

    def start_stack(
        self, stack: FrameStack, shape: tuple[int, int], dtype: np.dtype[Any], compress: bool
    ) -> None:
        """Write the fields of an empty stack and let it grow by frames of (height, width)."""
        stack = frozen(stack)
        has_numbers = stack.frame_numbers is not None
        home = self._begin(stack, frozenset({"/times"} | ({"/frame_numbers"} if has_numbers else set())))
        size = int(shape[0]), int(shape[1])
        chunks = layout.frame_chunks((1, *size), dtype.itemsize)
        stream = StackStream(
            home,
            size,
            dtype,
            chunks,
            compress,
            stack.clock,
            has_numbers,
            lambda h5: _show_stack(h5, home, stack),
            self._store.place_of,
        )
        self.stacks[stack.id] = stream
        self.recording.add(stack.id, stream)

    def finish(self, item_id: str) -> int:
        """Write and commit what waits of a stream, and let it go. Returns its number of samples or frames."""
        count = self.recording.finish(item_id)
        self.stacks.pop(item_id, None)
        with self._save_state.saving:
            file_index = self._save_state.file_index.copy()
            # what was shown and saved is behind the file now: the next save writes it anew
            file_index.exported.pop(item_id, None)
            file_index.saved.pop(item_id, None)
            self._save_state.file_index = file_index
            self._finished[item_id] = count
        return count

    def hand_over(self, session: Session) -> None:
        """Recorded stamps and columns belong to the model again once it has as many as the file: never fewer."""
        for item_id, count in list(self._finished.items()):
            item = session.find(item_id)
            if isinstance(item, (BiasRun, FrameStack)) and len(item.times) == count:
                written = self._save_state.file_index.written[item_id]
                written.recorded = frozenset()
                if isinstance(item, BiasRun):
                    written.marks.update(run_marks(item))
                del self._finished[item_id]

    def wait_for(self, stack_id: str, frame: int) -> None:
        """Wait until a frame that is on its way is in the file: whoever looks at a recording is sometimes ahead of it."""
        stream = self.stacks.get(stack_id)
        deadline = time.monotonic() + PATIENCE_S
        while stream is not None and stream.placed <= frame and time.monotonic() < deadline:
            time.sleep(0.002)

    def index(self, stack_id: str) -> ChunkIndex | None:
        """The chunks of a movie that is being recorded, as far as they are written."""
        stream = self.stacks[stack_id]
        count = stream.placed
        if count == 0:
            return None
        chunks = count * -(-stream.frame_shape[0] // stream.chunks[1])
        filters = {"shuffle": 0, "deflate": 1} if stream.compressed else {}
        offsets, sizes = stream.offsets.view[:chunks], stream.sizes.view[:chunks]
        shape = (count, *stream.frame_shape)
        none_skipped = np.broadcast_to(
            np.uint32(0), chunks
        )  # asked for with every frame that is shown: costs nothing
        return ChunkIndex(shape, stream.dtype, stream.chunks, offsets, sizes, none_skipped, **filters)

    def _begin(self, item: BiasRun | FrameStack, recorded: frozenset[str]) -> str:
        """Write the fields of a stream that is going to grow; returns its group."""
        with self._save_state.saving:
            file_index = self._save_state.file_index.copy()
            file_index.written[item.id] = Written(recorded=recorded)
            file_index.exported.pop(item.id, None)
            self._store.edit(lambda h5: _begin_stream(h5, item, file_index)).result()
            self._save_state.file_index = file_index
        return file_index.group_paths[item.id]


def _begin_stream(h5: H5File, item: BiasRun | FrameStack, file_index: FileIndex) -> None:
    """The item, its clock, and the mark that it is being recorded."""
    records = [encode_item(item)]
    if item.clock.id not in file_index.group_paths:
        records.insert(0, encode_item(item.clock))
        records[0].listed = False
    plan = Plan(records=records, is_complete=False, recording=frozenset({item.id}))
    apply_plan(h5, plan, file_index, {})
    group = h5[file_index.group_paths[item.id]]
    group.attrs[layout.RECORDING_ATTR] = np.bool_(True)
    make_room(group, item, file_index.written[item.id].recorded)


def _show_run(h5: H5File, home: str, run: BiasRun) -> None:
    show_run(h5[layout.ENTRY], h5[home], run, h5[home]["times"][...], _start(h5), live=True)
    choose_default(h5)


def _show_stack(h5: H5File, home: str, stack: FrameStack) -> None:
    stack.times = h5[home][layout.ITEM]["times"][...]
    show_stack(h5[home], stack, _start(h5), live=True)
    choose_default(h5)


def _start(h5: H5File) -> str:
    stored = h5[layout.ENTRY].get("start_time")
    return str(stored.asstr()[()]) if stored is not None else ""
