"""Recording into the session file: blocks and frames go through a bounded queue to the storage thread, are committed
once a second, and are acknowledged when they are safely on disk.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import GrowingArray
from tandem_em.model.clock import Clock
from tandem_em.model.items import Item
from tandem_em.storage.codec import layout
from tandem_em.storage.codec.compress import Chunk, create_dataset, pack
from tandem_em.storage.codec.fields import set_attr
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

log = logging.getLogger(__name__)
QUEUE_BYTES = 512 << 20
"""Data that may wait for the disk: 2 s at 200 MB/s and more."""
DRAIN_BYTES = 64 << 20
DRAIN_FRAMES = 1024
"""Small frames may come as fast as they are written: others want their turn, and a commit has to come."""
FRAME_OVERHEAD = 1024
"""What a waiting frame weighs beside its pixels (bytes): a queue of tiny frames is bounded too."""
PACKED_ASIDE_BYTES = 256 << 10
"""Smaller plain frames are packed by the storage thread itself: handing them over would take longer."""
COMMIT_S = 0.3
"""A sample waits for the commit at work and then for its own; so it is safe well within 1.5 s."""
ASKED = 4
"""Chunks of a movie for which HDF5 is asked where they lie, to see that we saw it rightly."""


class Stream(Protocol):
    """One stream that is being recorded. Everything but `put` runs on the storage thread."""

    written: int
    put_bytes: int
    """Only the thread that puts counts this up; `drained_bytes` only the storage thread: no lock is needed."""
    drained_bytes: int

    def drain(self, h5: H5File) -> int:
        """Write what waits, at most DRAIN_BYTES; return the bytes written. Consistent at the end of each call."""


@dataclass
class RunStream:
    """Samples of one biasing run on their way into its columns."""

    home: str
    columns: dict[str, np.dtype[Any]]
    """Name of the column's group -> type."""
    keys: dict[str, str]
    """Key in the run -> name of the column's group."""
    clock: Clock
    has_host_times: bool
    show: Callable[[Any], None]
    """Make the groups for other programs; called once, when there is something to see."""
    written: int = 0
    put_bytes: int = 0
    drained_bytes: int = 0
    _is_shown: bool = False
    _blocks: deque[tuple[AnyArray, dict[str, AnyArray], AnyArray | None]] = field(default_factory=deque)

    def put(self, times: AnyArray, columns: dict[str, AnyArray], host_times: AnyArray | None) -> int:
        """Queue samples (device s, columns by key) without waiting; returns the bytes that now wait."""
        count = len(times)
        for key, values in columns.items():  # an instrument waits for this: no generators, no sets
            if key not in self.keys:
                raise KeyError(f"this run has no column {key}")
            if len(values) != count:
                raise ValueError("columns and times must have the same length")
        self._blocks.append((times, columns, host_times))
        return self._bytes(count)

    def _bytes(self, samples: int) -> int:
        return samples * 8 * (2 + len(self.columns))

    def drain(self, h5: H5File) -> int:
        """Write all samples that wait into the columns; returns their bytes."""
        blocks = [self._blocks.popleft() for _ in range(len(self._blocks))]
        if not blocks:
            return 0
        group = h5[self.home]
        # blocks are few and small: one write for each column instead of one for each block
        times = np.concatenate([np.asarray(block[0], np.float64) for block in blocks])
        is_first = "times" not in group or not self._is_shown
        extend(group, "times", times, "s")
        for key, name in self.keys.items():
            parts = [block[1].get(key, np.full(len(block[0]), np.nan)) for block in blocks]
            values = np.concatenate(parts).astype(self.columns[name])
            extend(group["columns"][name], "values", values, "")
        if self.has_host_times:
            hosts = [
                np.full(len(b[0]), np.nan) if b[2] is None else np.asarray(b[2], np.float64) for b in blocks
            ]
            extend(group, "host_times", np.concatenate(hosts), "s")
        if is_first:
            self.show(h5)
            self._is_shown = True
        elif self.columns:
            stem = self.home.rsplit("/", 1)[-1]
            stamps = h5[layout.ENTRY][f"{stem}_{next(iter(self.columns))}"].get("timestamp")
            if stamps is not None and stamps != group["times"]:
                extend_dataset(stamps, self.clock.to_session(times))
        self.written += len(times)
        return self._bytes(len(times))


@dataclass
class StackStream:
    """Frames of one movie on their way into the file: one frame, one chunk (large frames: one chunk a band of rows)."""

    home: str
    frame_shape: tuple[int, int]
    dtype: np.dtype[Any]
    chunks: tuple[int, int, int]
    compressed: bool
    clock: Clock
    has_numbers: bool
    show: Callable[[Any], None]
    place_of: Callable[[Callable[[], None], int], int | None]
    """`Hdf5Store.place_of`"""
    written: int = 0
    put_bytes: int = 0
    drained_bytes: int = 0
    offsets: GrowingArray = field(default_factory=lambda: GrowingArray(dtype=np.int64))
    sizes: GrowingArray = field(default_factory=lambda: GrowingArray(dtype=np.int64))
    _is_seen: bool = True
    _frames: deque[tuple[Future[list[Chunk]] | AnyArray, float, int]] = field(default_factory=deque)
    """Frames, or their chunks once they are packed; with their time and number."""

    @property
    def placed(self) -> int:
        """Frames that can be read from the file, also those of a `drain` that is still at work."""
        bands = -(-self.frame_shape[0] // self.chunks[1])
        return len(self.sizes) // bands

    def put(self, frame: AnyArray, time_s: float, number: int, submit: Callable[..., Future[Any]]) -> int:
        """Queue a frame with its device time (s), packed aside where that pays; returns its weight in bytes."""
        if frame.shape != self.frame_shape or frame.dtype != self.dtype:
            raise ValueError(
                f"a frame of {frame.shape} {frame.dtype} in a stack of {self.frame_shape} {self.dtype}"
            )
        index = number if number >= 0 else -1
        is_quick = not self.compressed and frame.nbytes < PACKED_ASIDE_BYTES
        self._frames.append((frame if is_quick else submit(self._pack, frame), time_s, index))
        return frame.nbytes + FRAME_OVERHEAD

    def _pack(self, frame: AnyArray) -> list[Chunk]:
        rows, width = self.chunks[1], self.chunks[2]
        return [
            pack(frame[None, y : y + rows], (0, y, 0), (1, rows, width), self.compressed)
            for y in range(0, frame.shape[0], rows)
        ]

    def drain(self, h5: H5File) -> int:
        """Write the frames that are packed, in order, and extend their stamps; returns the bytes written."""
        group = h5[self.home]
        times: list[float] = []
        numbers: list[int] = []
        crcs: list[int] = []
        done = 0
        data = group.get("data")
        is_first = "timestamp" not in group  # frames may still be packed when their data set is made
        if data is None and self._frames:
            data = self._create(group)
        count = self.written
        # frames are written in order: one that is not packed yet holds those behind it back
        while self._is_next_ready() and done < DRAIN_BYTES and len(times) < DRAIN_FRAMES:
            packed, time_s, number = self._frames.popleft()
            # one by one: `written` and the index never speak of frames that are not there
            data.resize(count + 1, axis=0)
            for chunk in packed.result() if isinstance(packed, Future) else self._pack(packed):
                origin = (count, *chunk.origin[1:])
                self.offsets.append(np.array([self._write(data, origin, chunk.content)]))
                self.sizes.append(np.array([len(chunk.content)]))
                crcs.append(chunk.crc)
            done += self.frame_shape[0] * self.frame_shape[1] * self.dtype.itemsize + FRAME_OVERHEAD
            times.append(time_s)
            numbers.append(number)
            count += 1
        if times:
            self._extend_stamps(h5, group, times, numbers, crcs, is_first)
            self.written = count
        return done

    def _is_next_ready(self) -> bool:
        if not self._frames:
            return False
        packed = self._frames[0][0]
        return not isinstance(packed, Future) or packed.done()

    def _write(self, data: H5Dataset, origin: tuple[int, ...], content: bytes | memoryview) -> int:
        """Write a chunk and say where it lies. HDF5 is asked for the first ones only: it takes longer for each more."""
        place = self.place_of(lambda: data.id.write_direct_chunk(origin, content), len(content))
        if place is None or len(self.offsets) < ASKED or not self._is_seen:
            asked = int(data.id.get_chunk_info_by_coord(origin).byte_offset)
            self._is_seen = self._is_seen and place == asked
            return asked
        return place

    def _create(self, group: H5Group) -> H5Dataset:
        shape = (0, *self.frame_shape)
        return create_dataset(
            group,
            "data",
            shape,
            self.dtype,
            self.chunks,
            compressed=self.compressed,
            maxshape=(None, *self.frame_shape),
        )

    def _extend_stamps(
        self,
        h5: H5File,
        group: H5Group,
        times: list[float],
        numbers: list[int],
        crcs: list[int],
        is_first: bool,
    ) -> None:
        own = group[layout.ITEM]
        stamps = np.array(times, np.float64)
        extend(own, "times", stamps, "s")
        if self.has_numbers:
            extend(own, "frame_numbers", np.array(numbers, np.int64), "")
        extend(own, layout.CRC, np.array(crcs, np.uint32), "")
        if is_first:
            self.show(h5)
        elif group["timestamp"] != own["times"]:
            extend_dataset(group["timestamp"], self.clock.to_session(stamps))


def make_room(group: H5Group, item: Item, recorded: frozenset[str]) -> None:
    """Make what was saved of a stream before its recording ready to grow."""
    is_stack = "item" in group and item.kind == "stack"
    if is_stack and "data" in group and group["data"].shape[0]:
        raise UserError(f"{item.name or item.id} has frames already.", "Record into a new stack.")
    for name in (layout.LINKED_ATTR, layout.DTYPE_ATTR):
        if name in group.attrs:
            del group.attrs[name]
    owner = group[layout.ITEM] if is_stack else group
    for path in recorded:
        stored = owner.get(path.strip("/"))
        if stored is None:
            continue
        parent, name = stored.parent, stored.name.rpartition("/")[2]
        values = stored[...] if stored.shape and stored.maxshape[0] is not None else None
        if stored.shape == () or values is not None:
            unit = str(stored.attrs.get("units", ""))
            del parent[name]
            if values is not None and len(values):
                extend(parent, name, values, unit)


def extend(group: H5Group, name: str, values: AnyArray, unit: str) -> None:
    """Append to a one-dimensional data set, made on the first call."""
    if name in group:
        extend_dataset(group[name], values)
        return
    made = create_dataset(
        group, name, (len(values),), values.dtype, (layout.CURVE_CHUNK,), compressed=False, maxshape=(None,)
    )
    made[...] = values
    if unit:
        set_attr(made, "units", unit)


def extend_dataset(dataset: H5Dataset, values: AnyArray) -> None:
    """Append values to a one-dimensional data set that can grow."""
    start = dataset.shape[0]
    dataset.resize(start + len(values), axis=0)
    dataset[start:] = values


class Recording:
    """All streams being recorded into one file: the queue, the commits, the acknowledgements."""

    def __init__(self, store: Hdf5Store) -> None:
        self._store = store
        self._streams: dict[str, Stream] = {}
        self._acknowledged: dict[str, int] = {}
        self._room = threading.Condition()
        self._wake = threading.Event()
        self._pool: Any = None
        self._thread: threading.Thread | None = None
        self._draining: Future[Any] | None = None
        self._committing: Future[Any] | None = None
        self._is_full = False
        self.trouble: BaseException | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the runs and stacks being recorded."""
        return frozenset(self._streams)

    @property
    def waiting_bytes(self) -> int:
        """Data that wait for the disk."""
        return sum(stream.put_bytes - stream.drained_bytes for stream in list(self._streams.values()))

    def acknowledged(self) -> dict[str, int]:
        """Samples or frames of each stream that no crash can take away."""
        return dict(self._acknowledged)

    def stream(self, item_id: str) -> Any:
        """The stream of an item; KeyError when it is not being recorded."""
        found = self._streams.get(item_id)
        if found is None:
            raise KeyError(f"{item_id} is not being recorded")
        return found

    def add(self, item_id: str, stream: Stream) -> None:
        """Begin to move a stream's data; the first one starts the threads."""
        self._streams[item_id] = stream
        self._acknowledged[item_id] = 0
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(2, thread_name_prefix="frame")
            self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
            self._thread.start()

    def put_samples(
        self, item_id: str, times: AnyArray, columns: dict[str, AnyArray], host_times: AnyArray | None
    ) -> None:
        """Queue samples of a run; waits while the queue is full, raises when the disk takes nothing."""
        stream = self.stream(item_id)
        if self._is_full:
            self._wait_for_room()
        stream.put_bytes += stream.put(times, columns, host_times)  # the thread looks ten times a second

    def put_frame(self, item_id: str, frame: AnyArray, time_s: float, number: int) -> None:
        """Queue a frame of a stack; waits while the queue is full, raises when the disk takes nothing."""
        stream = self.stream(item_id)
        if self._look_for_room():
            self._wait_for_room()
        stream.put_bytes += stream.put(frame, time_s, number, self._pool.submit)
        self._wake.set()

    def finish(self, item_id: str) -> int:
        """Write and commit what waits of a stream and let it go. Returns its number of samples or frames."""
        stream = self.stream(item_id)
        # the caller writes along with the thread: both go through the storage thread's queue
        while stream.put_bytes > stream.drained_bytes:
            self._drain_once()
        # the samples count as acknowledged only once this commit is safe
        self._store.commit().result()
        self._acknowledged[item_id] = stream.written
        del self._streams[item_id]
        if not self._streams:
            self._stop()
        return int(stream.written)

    def drop_all(self) -> None:
        """Let go without writing (the store is being abandoned)."""
        self._streams.clear()
        self._stop()

    # ---- the thread that keeps things moving ----------------------------------------------------------------------

    def _look_for_room(self) -> bool:
        """Whether the queue is full. Samples go by the last look: they are few beside frames, and their sources wait."""
        self._is_full = self.waiting_bytes > QUEUE_BYTES
        return self._is_full

    def _wait_for_room(self) -> None:
        """Hold the caller back while the queue is full; raise when the disk takes nothing at all."""
        with self._room:
            while self._look_for_room():
                if self.trouble is not None:
                    raise self.trouble
                self._room.wait(0.5)

    def _run(self) -> None:
        last_commit = time.monotonic()
        while self._streams:
            self._wake.wait(0.1)
            self._wake.clear()
            try:
                self._drain_once()
            except Exception as error:
                # an edge: whatever it is, the recorder hears of it and the other streams go on
                if not isinstance(error, UserError):
                    log.exception("recording failed")
                self.trouble = error
                self._wake.wait(0.2)
            self._look_for_room()
            now = time.monotonic()
            is_free = self._committing is None or self._committing.done()
            if now - last_commit >= COMMIT_S and is_free:
                last_commit = now
                # counted on the storage thread, between two drains: the numbers belong to one commit
                self._committing = self._store.call(self._commit_and_count)

    def _drain_once(self) -> None:
        for stream in list(self._streams.values()):
            if stream.put_bytes > stream.drained_bytes:
                self._store.call(partial(self._drain, stream=stream)).result()

    def _drain(self, h5: H5File, stream: Stream) -> None:
        done = stream.drain(h5)
        self.trouble = None
        stream.drained_bytes += done
        with self._room:
            self._room.notify_all()
        # the next frame is still being packed: do not spin
        if not done:
            time.sleep(0.001)

    def _commit_and_count(self, _h5: H5File) -> None:
        """On the storage thread: what is written now is safe when this commit is."""
        counts = {item_id: stream.written for item_id, stream in self._streams.items()}
        if counts == {key: self._acknowledged.get(key) for key in counts}:
            return
        future = self._store.commit()
        future.add_done_callback(lambda done: self._acknowledge(done, counts))

    def _acknowledge(self, done: Future[Any], counts: dict[str, int]) -> None:
        if done.exception() is None:
            self._acknowledged.update(counts)
        else:
            self.trouble = done.exception()

    def _stop(self) -> None:
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
