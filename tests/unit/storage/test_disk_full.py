"""A disk that fills up: HDF5 never notices, nothing saved is hurt, and all goes on when there is room again."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tandem_em.bench import crash_recorder
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import raw_file
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.raw_file import DiskFile

pytestmark = pytest.mark.expects_log


class SmallDisk(DiskFile):
    """A disk with so many bytes left; it writes what fits and refuses the rest, as real ones do."""

    room: int | None = None
    refused = 0
    error = errno.ENOSPC

    def write_at(self, data: Any, offset: int) -> None:
        end = offset + len(data)
        limit = type(self).room
        if limit is not None and end > max(limit, self.size()):
            fits = max(0, limit - offset)
            super().write_at(memoryview(data)[:fits], offset)
            type(self).refused += 1
            raise OSError(type(self).error, os.strerror(type(self).error))
        super().write_at(data, offset)


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> type[SmallDisk]:
    class Disk(SmallDisk):
        pass

    monkeypatch.setattr(
        raw_file, "open_raw", lambda path, writable, create=False: Disk(path, writable, create)
    )
    return Disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.nxs"


def record(store: Hdf5Store, steps: range) -> None:
    for step in steps:
        work = crash_recorder.edit if crash_recorder.is_edit(step) else crash_recorder.record
        store.call(lambda h5, step=step, work=work: work(h5, 5, step)).result()


def fault(path: Path, least: int) -> str | None:
    with h5py.File(path, "r") as h5:  # any reader, without our code
        return crash_recorder.fault(h5, 5, least)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_recording_goes_on_in_memory_and_is_written_when_there_is_room(
    path: Path, small_disk: type[SmallDisk], error: int
) -> None:
    said: list[UserError | None] = []
    store = Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None, on_trouble=said.append)
    record(store, range(12))
    store.commit(wait=True)
    small_disk.room, small_disk.error = store.size + 40_000, error
    record(store, range(12, 30))
    assert store.trouble is not None
    assert [word is None for word in said] == [False]
    with pytest.raises(UserError, match=r"session\.nxs"):
        store.commit(wait=True)
    assert fault(path, 11) is None
    small_disk.room = None
    store.commit(wait=True)
    assert store.trouble is None
    assert said[-1] is None
    assert fault(path, 29) is None
    record(store, range(30, 34))
    store.close()
    assert fault(path, 33) is None


@pytest.mark.parametrize("room", [0, 4096, 30_000, 200_000])
def test_new_objects_on_a_full_disk(path: Path, small_disk: type[SmallDisk], room: int) -> None:
    """Plain HDF5 crashes when data sets are created on a full disk."""
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=0.02) as store:
        record(store, range(6))
        store.commit(wait=True)
        small_disk.room = store.size + room
        for number in range(30):
            store.edit(lambda h5, n=number: h5.create_dataset(f"new_{n}", data=np.full(4000, n))).result()
        with pytest.raises(UserError):
            store.commit(wait=True)
        small_disk.room = None
    with h5py.File(path) as h5:
        assert crash_recorder.fault(h5, 5, 5) is None
        assert all(np.all(h5[f"new_{n}"][:] == n) for n in range(30))


def test_closing_on_a_full_disk_can_be_tried_again(path: Path, small_disk: type[SmallDisk]) -> None:
    store = Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None)
    record(store, range(5))
    store.commit(wait=True)
    small_disk.room = store.size
    record(store, range(5, 9))
    with pytest.raises(UserError, match="full"):
        store.close()
    small_disk.room = None
    store.close()
    assert fault(path, 8) is None


def test_abandoning_on_a_full_disk_leaves_the_last_commit(path: Path, small_disk: type[SmallDisk]) -> None:
    store = Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None)
    record(store, range(5))
    store.commit(wait=True)
    small_disk.room = store.size + 5000
    record(store, range(5, 9))
    store.abandon()
    with Hdf5Store.open(path) as again:
        assert again.call(lambda h5: int(h5.attrs["step"])).result() == 4
    assert fault(path, 4) is None


def test_a_big_change_that_finds_no_room_for_its_journal(path: Path, small_disk: type[SmallDisk]) -> None:
    with Hdf5Store.create(
        path,
        prepare=lambda h5: h5.create_dataset("big", data=np.zeros(100_000)),
        journal_bytes=64 << 10,
        autocommit_s=None,
    ) as store:
        small_disk.room = store.size

        def change(h5: Any) -> None:
            h5["big"][:] = 1.0

        store.edit(change).result()
        with pytest.raises(UserError):
            store.commit(wait=True)
        with h5py.File(path) as h5:
            assert not h5["big"][:].any()
        small_disk.room = None
    with h5py.File(path) as h5:
        assert h5["big"][:].all()


def test_after_a_failed_sync_nothing_is_promised_any_more(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None)
    record(store, range(5))
    store.commit(wait=True)
    durable = store.durable

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(raw_file, "_sync", fail)
    record(store, range(5, 6))
    with pytest.raises(UserError):
        store.commit(wait=True)
    monkeypatch.undo()
    with pytest.raises(UserError, match="cannot be saved any more"):
        store.commit(wait=True)
    with pytest.raises(UserError, match="cannot be saved any more"):
        record(store, range(6, 7))
    assert store.durable == durable
    store.abandon()
    assert fault(path, 4) is None


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_real_limit_of_the_system(path: Path) -> None:
    """The kernel itself refuses (RLIMIT_FSIZE): the child goes on, says so, and its file holds what was promised."""
    script = f"""
import resource
from pathlib import Path
from tandem_em.bench import crash_recorder as r
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
store = Hdf5Store.create(Path({str(path)!r}), prepare=r.prepare, autocommit_s=None)
resource.setrlimit(resource.RLIMIT_FSIZE, (store.size + 300_000, resource.RLIM_INFINITY))
promised = -1
for step in range(40):
    store.call(lambda h5: (r.edit if r.is_edit(step) else r.record)(h5, 5, step)).result()
    try:
        store.commit(wait=True)
        promised = step
    except UserError:
        pass
assert 0 <= promised < 39
assert "full" in str(store.trouble)
store.abandon()
print(promised)
"""
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert child.returncode == 0, child.stderr.decode()
    assert fault(path, int(child.stdout)) is None
