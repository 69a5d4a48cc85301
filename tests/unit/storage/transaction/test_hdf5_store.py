"""What the store promises its callers: order, whole edits, tickets, and no surprises from other threads."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tandem_em.bench import crash_recorder
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import hdf5_store
from tandem_em.storage.transaction.hdf5_store import Hdf5Store

COLLECTING = """
import gc, sys
from pathlib import Path
from tandem_em.bench import crash_recorder
from tandem_em.storage.transaction import paged_file
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
gc.set_threshold(10**9)
plain = paged_file.TransactionalFile._write
def write(self, data, at):
    if gc.isenabled():
        gc.collect()  # as an unlucky allocation would
    plain(self, data, at)
paged_file.TransactionalFile._write = write
class Knot: ...
def work(h5, step):
    knot = Knot()
    knot.itself, knot.held = knot, [h5["curve"], h5["movie"]]
    (crash_recorder.edit if crash_recorder.is_edit(step) else crash_recorder.record)(h5, 5, step)
with Hdf5Store.create(Path(sys.argv[1]), prepare=crash_recorder.prepare, autocommit_s=None) as store:
    for step in range(30):
        store.call(lambda h5: work(h5, step)).result()
        store.commit(wait=True)
    assert store.call(lambda h5: crash_recorder.fault(h5, 5, 29)).result() is None
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.nxs"


def test_a_garbage_collection_inside_hdf5_does_not_happen(path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", COLLECTING, str(path)], capture_output=True, check=False)
    assert child.returncode == 0, child.stderr.decode()


def test_an_edit_that_fails_is_taken_back_whole(path: Path) -> None:
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None) as store:
        for step in range(7):
            store.call(lambda h5, step=step: crash_recorder.record(h5, 5, step)).result()
        recorded = store.call(lambda h5: h5["curve"][:]).result()
        before = store.epoch

        def spoil(h5: Any) -> None:
            del h5["movie"]
            h5["curve"][:] = 0
            h5["big"] = np.ones(3_000_000)
            crash_recorder.record(h5, 5, 7)

        with pytest.raises(KeyError):
            store.edit(spoil).result()
        assert store.epoch == before + 1
        assert np.array_equal(store.call(lambda h5: h5["curve"][:]).result(), recorded)
        store.call(lambda h5: crash_recorder.record(h5, 5, 7)).result()
    with h5py.File(path) as h5:
        assert len(h5["movie"]) == 8
        assert "big" not in h5


def test_an_edit_that_fails_while_a_commit_is_under_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    plain = hdf5_store.TransactionalFile.commit

    def slow(self: Any, shot: Any) -> None:
        begun.set()
        go_on.wait(10)
        plain(self, shot)

    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None) as store:
        store.call(lambda h5: crash_recorder.record(h5, 5, 0)).result()
        monkeypatch.setattr(hdf5_store.TransactionalFile, "commit", slow)
        saved = store.commit()
        begun.wait(10)
        store.call(lambda h5: crash_recorder.record(h5, 5, 1)).result()
        with pytest.raises(ZeroDivisionError):
            store.edit(lambda h5: [crash_recorder.record(h5, 5, 2), 1 / 0]).result()
        go_on.set()
        assert saved.result() == store.durable
        for step in (2, 3):
            store.call(lambda h5, step=step: crash_recorder.record(h5, 5, step)).result()
    with h5py.File(path) as h5:
        assert [np.array_equal(h5["movie"][i], crash_recorder.frame(5, i)) for i in range(4)] == [True] * 4
        assert np.array_equal(
            h5["curve"][:], np.concatenate([crash_recorder.samples(5, i) for i in range(4)])
        )


def test_a_commit_covers_everything_handed_in_before(path: Path) -> None:
    told: list[int] = []
    with Hdf5Store.create(
        path, prepare=crash_recorder.prepare, autocommit_s=None, on_durable=told.append
    ) as store:
        tickets = []
        for step in range(12):
            store.call(lambda h5, step=step: crash_recorder.record(h5, 5, step))
            tickets.append(store.commit())
        numbers = [ticket.result(10) for ticket in tickets]
        assert numbers == sorted(numbers)
        assert store.durable == numbers[-1] == told[-1]
        with h5py.File(path) as h5:
            assert int(h5.attrs["step"]) == 11
        assert store.commit(wait=True).result() == numbers[-1]  # nothing new: nothing written


def test_commits_come_by_themselves_while_there_is_something_new(path: Path) -> None:
    done = threading.Event()
    with Hdf5Store.create(
        path, prepare=crash_recorder.prepare, autocommit_s=0.01, on_durable=lambda number: done.set()
    ) as store:
        done.clear()
        store.call(lambda h5: crash_recorder.record(h5, 5, 0)).result()
        assert done.wait(10)


def test_bytes_of_a_frame_can_be_read_beside_the_storage_thread(path: Path) -> None:
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=0.01) as store:
        for step in range(25):

            def work(h5: Any, step: int = step) -> tuple[int, int]:
                crash_recorder.edit(h5, 5, step) if step % 3 == 0 else crash_recorder.record(h5, 5, step)
                chunk = h5["movie"].id.get_chunk_info(step)
                return chunk.byte_offset, chunk.size

            offset, size = store.call(work).result()
            content = bytearray(size)
            store.read_at(memoryview(content), offset)
            assert content == crash_recorder.frame(5, step).tobytes()


def test_a_closed_store_says_so(path: Path) -> None:
    store = Hdf5Store.create(path)
    store.close()
    store.close()
    store.abandon()
    with pytest.raises(RuntimeError, match="closed"):
        store.call(lambda h5: None)


def test_creating_never_leaves_half_a_file(path: Path) -> None:
    def fail(h5: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Hdf5Store.create(path, prepare=fail)
    assert list(path.parent.iterdir()) == []
    Hdf5Store.create(path).close()
    with pytest.raises(UserError, match="exists already"):
        Hdf5Store.create(path)
    with Hdf5Store.create(path, overwrite=True), pytest.raises(UserError, match="written to"):
        Hdf5Store.create(path, overwrite=True)
    assert list(path.parent.iterdir()) == [path]
