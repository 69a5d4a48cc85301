"""A recording session played on a `LoggedDisk`, and the check that a file after a crash holds one whole committed state.

The session appends gzip-compressed curves, frames and events, edits with deletions, shrinks the file, overflows the
journal, and goes on recording while a commit is under way, all in one thread so that every run is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tandem_em.bench.crash_disk import Entry, LoggedDisk, promises
from tandem_em.core.hdf5_types import H5Dataset, H5File, H5Group
from tandem_em.storage.transaction import journal, recovery
from tandem_em.storage.transaction.opening import OPTIONS, create_file
from tandem_em.storage.transaction.paged_file import Snapshot

SHAPE = (40, 48)
State = dict[str, np.ndarray[Any, Any]]


def prepare(h5: H5File) -> None:
    """The data sets of an empty test file; state −1."""
    h5.attrs["state"] = -1
    h5.create_dataset("curve", (0,), "f8", maxshape=(None,), chunks=(512,), compression="gzip")
    h5.create_dataset("movie", (0, *SHAPE), "u2", maxshape=(None, *SHAPE), chunks=(1, *SHAPE))
    h5.create_dataset("plain", data=np.zeros(6000))


def new_file(folder: Path, journal_bytes: int = 96 << 10) -> bytes:
    """The bytes of an empty test file with a journal of this size, small so that it overflows."""
    path = folder / "start.nxs"
    create_file(path, prepare, overwrite=True, journal_bytes=journal_bytes)
    return path.read_bytes()


@dataclass
class Recording:
    """A played session: the disk's content before, the log with its promises, and what each state looks like."""

    start: bytes
    log: list[Entry]
    states: dict[int, State]


@dataclass
class _Player:
    disk: LoggedDisk
    rng: np.random.Generator
    states: dict[int, State] = field(default_factory=dict)
    now: State = field(default_factory=dict)
    serial: int = 0

    def __post_init__(self) -> None:
        self.file, _ = recovery.recover(self.disk, "test.nxs")
        self.h5 = h5py.File(self.file, "r+", driver="fileobj", **{**OPTIONS, "alignment_interval": 8192})
        self.now = read_state(self.h5)

    def record(self) -> None:
        self.serial += 1
        samples = self.rng.normal(size=int(self.rng.integers(20, 200)))
        _append(self.h5["curve"], samples)
        frame = self.rng.integers(0, 60000, SHAPE, "u2")
        movie = self.h5["movie"]
        movie.resize(movie.shape[0] + 1, axis=0)
        # As the recorder writes frames, past HDF5's chunk cache.
        movie.id.write_direct_chunk((movie.shape[0] - 1, 0, 0), frame)
        # Expected content is kept beside the file, by plain arrays.
        self.now["curve"] = np.concatenate([self.now["curve"], samples])
        self.now["movie"] = np.concatenate([self.now["movie"], frame[None]])

    def edit(self, kind: int) -> None:
        name = f"result_{self.serial}"
        if kind == 0:
            self._set(name, self.rng.normal(size=900))
        elif kind == 1:
            self._set(f"group_{self.serial}/{name}", self.rng.integers(0, 9, 20000))
        elif kind == 2:
            for old in [n for n in self.now if n.startswith(("result", "group", "big"))][:2]:
                del self.h5[old]
                del self.now[old]
        elif kind == 3:
            values = self.rng.normal(size=6000)
            self.h5["plain"][:] = values
            self.now["plain"] = values
        else:
            self._set(f"big_{self.serial}", self.rng.normal(size=30000))

    def _set(self, name: str, values: np.ndarray[Any, Any]) -> None:
        self.h5[name] = values
        self.now[name] = values

    def commit(self, number: int) -> None:
        self.h5.attrs["state"] = number
        self.h5.flush()
        shot = self.file.snapshot()
        self.states[number] = dict(self.now)
        self.disk.note("begun", number)
        # Which operations of the commit are interrupted by the recorder; drawn before, so that runs are the
        # same.
        steps = iter(self.rng.random(40) < 0.3)
        self.disk.before_each = lambda: self._meanwhile(shot, number, next(steps, False))
        self.file.commit(shot)
        self.disk.before_each = None
        self.disk.note("durable", number)

    def _meanwhile(self, shot: Snapshot, number: int, goes_on: bool) -> None:
        """Called at each operation of the commit: the promise holds from the commit point; the recorder goes on."""
        # Not called from within itself: what the recorder writes here is an operation too.
        hook, self.disk.before_each = self.disk.before_each, None
        if shot.is_durable:
            self.disk.note("durable", number)
        if goes_on:
            self.record()
            if self.rng.random() < 0.3:
                self.h5.flush()
        self.disk.before_each = hook


def play(start: bytes, commits: int = 24, seed: int = 1, forget: frozenset[str] = frozenset()) -> Recording:
    """Record and edit for a number of commits on a disk in memory."""
    player = _Player(LoggedDisk(bytearray(start), forget=forget), np.random.default_rng(seed))
    player.states[-1] = dict(player.now)
    player.disk.note("durable", -1)
    for number in range(commits):
        for _ in range(int(player.rng.integers(1, 4))):
            player.record()
        if number % 2:
            player.edit(int(player.rng.integers(0, 5)))
        player.commit(number)
    # Closing would write: the log must end with the last commit.
    player.file.is_abandoned = True
    player.h5.close()
    return Recording(start, player.disk.log, player.states)


def _append(dataset: H5Dataset, values: np.ndarray[Any, Any]) -> None:
    dataset.resize((dataset.shape[0] + len(values),))
    dataset[-len(values) :] = values


def read_state(h5: H5File) -> State:
    """Every data set of a file but the journal, read whole (checksums and compression included)."""
    found: State = {}

    def take(name: str, item: H5Dataset | H5Group) -> None:
        if isinstance(item, h5py.Dataset) and name != journal.DATASET:
            found[name] = item[()]

    h5.visititems(take)
    return found


def recover_and_read(disk: LoggedDisk) -> tuple[int, State]:
    """Open a crashed disk as the program would: its state number and content."""
    file, _ = recovery.recover(disk, "test.nxs")
    with h5py.File(file, "r+", driver="fileobj") as h5:
        answer = int(h5.attrs["state"]), read_state(h5)
        # Nothing may be written when the file is closed.
        file.is_abandoned = True
    return answer


def view_and_read(disk: LoggedDisk) -> tuple[int, State]:
    """The same through the eyes of a reader, who must not write."""
    with h5py.File(recovery.look(disk, "test.nxs"), "r", driver="fileobj") as h5:
        return int(h5.attrs["state"]), read_state(h5)


def fault(recording: Recording, log: list[Entry], number: int, state: State) -> str | None:
    """What is wrong with a recovered state, None if nothing: not older than promised, not invented, every byte right."""
    durable, begun = promises(log)
    # `durable` itself counts even when nothing had begun since.
    if not durable <= number <= begun and number != durable:
        return f"state {number}, promised {durable} to {begun}"
    expected = recording.states[number]
    if expected.keys() != state.keys():
        return f"state {number} has {sorted(expected.keys() ^ state.keys())} too much or too little"
    wrong = [name for name in expected if not np.array_equal(expected[name], state[name])]
    return f"state {number}: wrong values in {wrong}" if wrong else None


def check(
    recording: Recording,
    log: list[Entry],
    content: bytearray,
    read: Callable[[LoggedDisk], tuple[int, State]] = recover_and_read,
) -> str | None:
    """Recover a crashed content and judge it."""
    try:
        number, state = read(LoggedDisk(content))
    except Exception as error:  # noqa: BLE001  any failure to open is a finding
        return f"{type(error).__name__}: {error}"
    return fault(recording, log, number, state)
