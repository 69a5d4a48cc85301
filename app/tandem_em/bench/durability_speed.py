"""Durable throughput of camera frames: our transactions, plain h5py with fsync, and the bare disk, in turn."""

from __future__ import annotations

import os
import statistics
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

SHAPE = (2048, 2048)
FRAME_BYTES = 2 * SHAPE[0] * SHAPE[1]
# s between two syncs of the ways we compare with.
SYNC_EVERY_S = 0.5
QUEUE = 4  # frames on their way to the storage thread
ALIGNED: dict[str, Any] = {"alignment_threshold": 1 << 20, "alignment_interval": 2 << 20}


@dataclass(frozen=True)
class Speeds:
    """MB/s of frames that are safe at the end (medians), and the medians of the rounds' own ratios."""

    ours: float
    plain: float
    raw: float
    ours_to_plain: float
    ours_to_raw: float


@dataclass(frozen=True)
class Ages:
    """How old the newest unacknowledged data get while recording at a steady rate (s)."""

    worst_s: float
    median_s: float
    rate_MB_per_s: float


def compare(folder: Path, frames: int, rounds: int) -> Speeds:
    """Write the same frames in the three ways, round after round, so that a busy disk slows all alike.

    The clock runs from the first frame until the last one is safe, with the files open before.
    """
    pictures = some_frames()
    ways: dict[str, Callable[[Path, list[Any], int], float]] = {
        "raw": write_raw,
        "plain": _plain,
        "ours": _ours,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        # Each way begins a round in its turn, so that none is always the first.
        for name in list(ways)[turn % 3 :] + list(ways)[: turn % 3]:
            path = folder / f"{name}_{turn}.nxs"
            taken = ways[name](path, pictures, frames)
            if turn > 0:  # the first round warms up
                seconds[name].append(taken)
            path.unlink()
    megabytes = frames * FRAME_BYTES / 1e6
    ours, plain, raw = seconds["ours"], seconds["plain"], seconds["raw"]
    return Speeds(
        ours=megabytes / statistics.median(ours),
        plain=megabytes / statistics.median(plain),
        raw=megabytes / statistics.median(raw),
        ours_to_plain=statistics.median(theirs / own for theirs, own in zip(plain, ours)),
        ours_to_raw=statistics.median(theirs / own for theirs, own in zip(raw, ours)),
    )


def acknowledgement_ages(folder: Path, bytes_per_s: float, seconds: float) -> Ages:
    """Record at a steady rate, as the recorder does, and look how long each frame waits until it is safe."""
    pictures = some_frames()
    path = folder / "steady.nxs"
    waiting: list[tuple[int, float]] = []  # commit that will hold it, when it came
    ages: list[float] = []

    def safe(number: int) -> None:
        now = time.perf_counter()
        while waiting and waiting[0][0] <= number:
            ages.append(now - waiting.pop(0)[1])

    with Hdf5Store.create(path, prepare=make_movie, autocommit_s=0.3, on_durable=safe, **ALIGNED) as store:

        def take(h5: H5File, number: int, came: float) -> None:
            waiting.append((store.begun + 1, came))
            append(h5, pictures, number)

        begun = time.perf_counter()
        for number in range(round(seconds * bytes_per_s / FRAME_BYTES)):
            due = begun + number * FRAME_BYTES / bytes_per_s
            # If it is late already, the age counts from when the frame was due.
            time.sleep(max(0.0, due - time.perf_counter()))
            store.call(partial(take, number=number, came=due))
    path.unlink()
    return Ages(max(ages), statistics.median(ages), bytes_per_s / 1e6)


def some_frames() -> list[np.ndarray[Any, np.dtype[np.uint16]]]:
    """Four different frames of 2048 × 2048, uint16: noise, which no disk can compress."""
    rng = np.random.default_rng(1)
    return [rng.integers(0, 4000, SHAPE, np.uint16) for _ in range(4)]


def make_movie(h5: H5File) -> None:
    """An empty movie of such frames and their times, for `prepare`."""
    h5.create_dataset("movie", (0, *SHAPE), "u2", maxshape=(None, *SHAPE), chunks=(1, *SHAPE))
    h5.create_dataset("time", (0,), "f8", maxshape=(None,), chunks=(4096,))


def append(h5: H5File, pictures: list[Any], number: int) -> None:
    """Add frame `number` and its time; the pictures are shown in turn."""
    movie, stamps = h5["movie"], h5["time"]
    movie.resize(number + 1, axis=0)
    movie.id.write_direct_chunk((number, 0, 0), pictures[number % len(pictures)])
    stamps.resize((number + 1,))
    stamps[number] = number / 30


def _ours(path: Path, pictures: list[Any], frames: int) -> float:
    with Hdf5Store.create(path, prepare=make_movie, autocommit_s=SYNC_EVERY_S, **ALIGNED) as store:
        started = time.perf_counter()
        waiting: deque[Future[None]] = deque()
        for number in range(frames):
            waiting.append(store.call(partial(append, pictures=pictures, number=number)))
            if len(waiting) > QUEUE:
                waiting.popleft().result()
        store.commit(wait=True)
        return time.perf_counter() - started


def _plain(path: Path, pictures: list[Any], frames: int) -> float:
    import h5py

    with h5py.File(path, "x", libver=("v110", "v114"), **ALIGNED) as h5, path.open("rb+") as file:
        make_movie(h5)
        started = synced = time.perf_counter()
        for number in range(frames):
            append(h5, pictures, number)
            # As our own way is: every half second and at the end.
            if time.perf_counter() - synced > SYNC_EVERY_S or number == frames - 1:
                h5.flush()
                os.fsync(file.fileno())
                synced = time.perf_counter()
        return time.perf_counter() - started


def write_raw(path: Path, pictures: list[Any], frames: int) -> float:
    """Seconds to write the frames into a bare file with fsync every half second and at the end."""
    with path.open("xb", buffering=0) as file:
        started = synced = time.perf_counter()
        for number in range(frames):
            file.write(memoryview(pictures[number % len(pictures)]).cast("B"))
            if time.perf_counter() - synced > SYNC_EVERY_S or number == frames - 1:
                os.fsync(file.fileno())
                synced = time.perf_counter()
        return time.perf_counter() - started
