"""A child process that records as the program does, so that it can be killed.

`python -m tandem_em.bench.crash_recorder FILE SEED`

Every step's content follows from its number alone. "durable N" on the standard output promises the steps up to N.
Environment: CRASH_AT_WRITE=n kills itself at the n-th write; STEPS ends it by itself; AUTOCOMMIT_S the period.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tandem_em.core.hdf5_types import H5File
from tandem_em.storage.transaction import opening, raw_file
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Ends a process at once; on Windows, where there is no SIGKILL, os.kill does so with any number."""
SHAPE = (96, 128)
KEPT_EDITS = 3


def samples(seed: int, step: int) -> np.ndarray[Any, Any]:
    """The samples of a step (arbitrary units), from its number alone."""
    return np.random.default_rng((seed, step, 1)).normal(size=50 + step % 90).round(3)


def frame(seed: int, step: int) -> np.ndarray[Any, Any]:
    """The frame of a step, from its number alone."""
    return np.random.default_rng((seed, step, 2)).integers(0, 4000, SHAPE, "u2")


def result(seed: int, step: int) -> np.ndarray[Any, Any]:
    """The result that an edit in this step writes, from its number alone."""
    return np.random.default_rng((seed, step, 3)).integers(0, 99, 3000 + 37 * (step % 500))


def is_edit(step: int) -> bool:
    """Whether this step edits instead of only recording: every fifth."""
    return step % 5 == 4


def prepare(h5: H5File) -> None:
    """The data sets of an empty file; step −1."""
    h5.attrs["step"] = -1
    h5.create_dataset("curve", (0,), "f8", maxshape=(None,), chunks=(4096,), compression="gzip", shuffle=True)
    h5.create_dataset("movie", (0, *SHAPE), "u2", maxshape=(None, *SHAPE), chunks=(1, *SHAPE))
    h5.create_group("results")


def record(h5: H5File, seed: int, step: int) -> None:
    """Append the samples and the frame of a step."""
    curve, movie, values = h5["curve"], h5["movie"], samples(seed, step)
    curve.resize((curve.shape[0] + len(values),))
    curve[-len(values) :] = values
    movie.resize(step + 1, axis=0)
    movie.id.write_direct_chunk((step, 0, 0), frame(seed, step))
    h5.attrs["step"] = step


def edit(h5: H5File, seed: int, step: int) -> None:
    """Write a result, delete the oldest, and record like any step."""
    results = h5["results"]
    results[f"{step:06d}"] = result(seed, step)
    for name in sorted(results)[:-KEPT_EDITS]:
        del results[name]
    record(h5, seed, step)


def fault(h5: H5File, seed: int, promised: int) -> str | None:
    """What is wrong with a recovered file; None when every byte is right and nothing promised is missing."""
    step = int(h5.attrs["step"])
    if step < promised:
        return f"step {step}, promised {promised}"
    curve = np.concatenate([samples(seed, i) for i in range(step + 1)] or [np.empty(0)])
    if not np.array_equal(h5["curve"][:], curve):
        return f"the curve differs at step {step}"
    movie = h5["movie"]
    if len(movie) != step + 1 or any(not np.array_equal(movie[i], frame(seed, i)) for i in range(step + 1)):
        return f"the movie differs at step {step}"
    kept = [i for i in range(step + 1) if is_edit(i)][-KEPT_EDITS:]
    if sorted(h5["results"]) != [f"{i:06d}" for i in kept]:
        return f"{sorted(h5['results'])} instead of {kept}"
    if any(not np.array_equal(h5["results"][f"{i:06d}"][:], result(seed, i)) for i in kept):
        return f"a result differs at step {step}"
    return None


class _SuicidalFile:
    """A RawFile that kills its process in the middle of the n-th write."""

    def __init__(self, raw: raw_file.RawFile, count: int) -> None:
        self._raw = raw
        self._left = itertools.count(count, -1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def write_at(self, data: raw_file.Bytes, offset: int) -> None:
        if next(self._left) <= 0:
            # Half of the pages: the write is torn as a crash tears it.
            self._raw.write_at(memoryview(data)[: len(data) // 2 // 4096 * 4096], offset)
            os.kill(os.getpid(), KILL)
        self._raw.write_at(data, offset)


def main(path: Path, seed: int) -> None:
    """Record on where the file ends, promising on standard output what is durable."""
    if not path.exists():
        opening.create_file(path, prepare, overwrite=False, journal_bytes=256 << 10)
    at_write = int(os.environ.get("CRASH_AT_WRITE", "0"))
    if at_write:
        plain = raw_file.open_raw
        raw_file.open_raw = lambda *a, **k: _SuicidalFile(plain(*a, **k), at_write)  # type: ignore
    store = Hdf5Store.open(path, autocommit_s=float(os.environ.get("AUTOCOMMIT_S", "1.0")))
    # The number of the last step in the file, so that a killed recording goes on.
    first = int(store.call(lambda h5: int(h5.attrs["step"])).result()) + 1
    for step in range(first, first + int(os.environ.get("STEPS", "1000000"))):
        work = edit if is_edit(step) else record
        run = store.edit if is_edit(step) else store.call
        run(partial(work, seed=seed, step=step)).result()
        if step % 3 == 0:
            store.commit().add_done_callback(partial(_promise, step=step))
    store.close()


def _promise(done: Future[int], step: int) -> None:
    if done.exception() is None:
        # Written without a buffer: a promise must be out before the next kill.
        os.write(1, f"durable {step}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
