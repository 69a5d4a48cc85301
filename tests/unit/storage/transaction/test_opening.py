"""What opening and creating do to the disk: order of syncs, recovery, changes by strangers, the lock."""

from __future__ import annotations

import os
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tandem_em.bench import crash_recorder
from tandem_em.bench.crash_disk import LoggedDisk
from tandem_em.core.notices import UserError
from tandem_em.storage.gate import disk_space
from tandem_em.storage.transaction import journal, lock, opening, raw_file, recovery, superblock
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.raw_file import DiskFile, SeekingFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.nxs"


def test_a_new_file_is_synced_before_it_gets_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Watched(DiskFile):
        def write_at(self, data: Any, offset: int) -> None:
            order.append("write")
            super().write_at(data, offset)

        def sync(self, point: Any) -> None:
            order.append("sync")
            super().sync(point)

    replace, folder = os.replace, raw_file.sync_folder
    monkeypatch.setattr(
        raw_file, "open_raw", lambda path, writable, create=False: Watched(path, writable, create)
    )
    monkeypatch.setattr(os, "replace", lambda a, b: [order.append("replace"), replace(a, b)])
    monkeypatch.setattr(raw_file, "sync_folder", lambda f: [order.append("folder"), folder(f)])
    opening.create_file(path, None, overwrite=False, journal_bytes=64 << 10)
    assert order[-3:] == ["sync", "replace", "folder"]
    assert "write" in order[:-3]


def _interrupted(path: Path) -> bytes:
    """A file whose last commit is in the journal only, as after a crash between its two halves."""
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, journal_bytes=256 << 10) as store:
        store.call(lambda h5: crash_recorder.record(h5, 5, 0)).result()
    raw = LoggedDisk(bytearray(path.read_bytes()))
    file, _ = recovery.recover(raw, path.name)
    h5 = h5py.File(file, "r+", driver="fileobj")
    crash_recorder.record(h5, 5, 1)
    h5.flush()
    shot = file.snapshot()
    after_journal: list[bytes] = []

    def stop_at(point: str) -> None:
        if point == "journal":
            after_journal.append(bytes(raw.content))

    raw.sync = stop_at  # type: ignore[method-assign,assignment]
    file.commit(shot)
    file.is_abandoned = True
    h5.close()
    path.write_bytes(after_journal[0])
    return after_journal[0]


def test_opening_finishes_an_interrupted_commit(path: Path) -> None:
    content = _interrupted(path)
    with Hdf5Store.open(path, "r") as view:
        assert view.call(lambda h5: crash_recorder.fault(h5, 5, 1)).result() is None
    assert path.read_bytes() == content
    with Hdf5Store.open(path) as store:
        assert store.recovery.was_needed
        assert store.recovery.pages > 0
        assert store.call(lambda h5: crash_recorder.fault(h5, 5, 1)).result() is None
    with Hdf5Store.open(path) as store:
        assert not store.recovery.was_needed


def test_a_change_by_another_program_is_not_overwritten_by_the_journal(path: Path) -> None:
    _interrupted(path)
    with h5py.File(path, "r+") as h5:
        h5["by_a_stranger"] = np.arange(5000)
    for mode in ("r", "rw"):
        with Hdf5Store.open(path, mode) as store:
            assert store.call(lambda h5: h5["by_a_stranger"][-1]).result() == 4999
            assert store.call(lambda h5: crash_recorder.fault(h5, 5, 0)).result() is None
            assert store.recovery.kept_foreign_change == (mode == "rw")


def test_a_tail_that_was_never_committed_is_cut_off(path: Path) -> None:
    Hdf5Store.create(path, prepare=crash_recorder.prepare).close()
    content = path.read_bytes()
    path.write_bytes(content + b"lost frames" * 1000)
    with Hdf5Store.open(path) as store:
        assert store.recovery.cut_bytes == 11_000
    assert len(path.read_bytes()) < len(content) + 11_000


def test_files_that_cannot_be_changed_safely_are_refused_and_left_alone(path: Path) -> None:
    with h5py.File(path, "w") as h5:
        h5["x"] = np.arange(100_000)
    foreign = path.read_bytes()
    with pytest.raises(UserError, match="not written by TandEM"):
        Hdf5Store.open(path)
    assert path.read_bytes() == foreign
    path.unlink()
    with Hdf5Store.create(path, prepare=crash_recorder.prepare) as store:
        store.call(lambda h5: h5.create_dataset("more", data=np.arange(1000))).result()
    with h5py.File(path, "r+") as h5:
        del h5["_journal"]
    rearranged = path.read_bytes()
    with pytest.raises(UserError, match="rearranged"):
        Hdf5Store.open(path)
    assert path.read_bytes() == rearranged
    with Hdf5Store.open(path, "r") as view:
        assert view.call(lambda h5: "movie" in h5).result()


def test_a_program_that_died_while_writing_leaves_a_file_we_only_read(path: Path) -> None:
    Hdf5Store.create(path, prepare=crash_recorder.prepare).close()
    content = bytearray(path.read_bytes())
    content[11] |= 1
    struct.pack_into("<I", content, 44, superblock.lookup3(bytes(content[:44])))
    path.write_bytes(content)
    with pytest.raises(UserError, match="left open by another program"):
        Hdf5Store.open(path)
    with Hdf5Store.open(path, "r") as view:
        assert view.call(lambda h5: int(h5.attrs["step"])).result() == -1
    assert path.read_bytes() == content


def test_paths_that_lead_nowhere_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        Hdf5Store.open(tmp_path / "no.nxs")
    with pytest.raises(UserError, match="is a folder"):
        Hdf5Store.open(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        Hdf5Store.create(tmp_path / "no" / "such.nxs")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="locks of the open file exist on Linux")
def test_reading_the_same_file_elsewhere_does_not_drop_the_lock(path: Path) -> None:
    with Hdf5Store.create(path):
        with h5py.File(path, "r"):
            pass
        with path.open("rb"):
            pass
        with pytest.raises(UserError, match="written to"):
            Hdf5Store.open(path)


def test_a_holder_that_makes_no_sense_is_nobody() -> None:
    holder = lock.this_program()
    assert lock.read_note(lock.note(holder)) == holder
    for nonsense in (
        b"",
        b"{",
        b"[]",
        b'{"program": 1}',
        b"\xff\xfe",
        b'{"program":"a","user":"b","host":"c","pid":"x","since":""}',
    ):
        assert lock.read_note(nonsense) is None


def test_a_system_that_knows_neither_locks_nor_users_opens_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    for module in ("pwd", "fcntl", "msvcrt"):
        monkeypatch.setitem(sys.modules, module, None)
    assert lock.this_program().user == "unknown user"
    with (tmp_path / "file").open("wb") as file:
        assert lock.take(file.fileno()) is False


@pytest.mark.parametrize("kind", [DiskFile, SeekingFile])
def test_positioned_access_works_alike_with_and_without_pread(
    tmp_path: Path, kind: type[DiskFile] | type[SeekingFile]
) -> None:
    raw = kind(tmp_path / "raw", writable=True, create=True)
    raw.write_at(b"abc" * 1000, 5000)
    assert raw.size() == 8000

    def elsewhere() -> None:
        raw.write_at(b"other thread", 0)
        raw.sync("data")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    into = bytearray(b"x" * 9000)
    assert raw.read_at(memoryview(into), 0) == 8000
    assert into[:12] == b"other thread"
    assert into[5000:8000] == b"abc" * 1000
    assert into[8000:] == b"x" * 1000
    raw.truncate(10)
    assert raw.size() == 10
    raw.close()
    with pytest.raises(FileExistsError):
        kind(tmp_path / "raw", writable=True, create=True)


def test_a_session_on_the_way_of_windows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_file, "open_raw", SeekingFile)
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=0.01) as store:
        for step in range(30):
            store.call(lambda h5, step=step: crash_recorder.record(h5, 5, step)).result()
    with h5py.File(path) as h5:
        for step in range(30):
            assert np.array_equal(h5["movie"][step], crash_recorder.frame(5, step))


@pytest.mark.parametrize("libver", [("v110", "v114"), ("earliest", "v108"), ("v108", "v110")])
def test_the_superblock_is_understood(tmp_path: Path, libver: tuple[str, str]) -> None:
    path = tmp_path / "any.h5"
    with h5py.File(path, "w", libver=libver) as h5:
        h5["x"] = np.arange(1000)
    content = path.read_bytes()
    block = superblock.parse(content)
    assert block is not None
    assert block.end == len(content)
    assert superblock.settled(content, block.end) == content
    longer = superblock.settled(content, block.end + 8)
    assert superblock.parse(longer) == superblock.Superblock(block.version, block.end + 8, 0)


def test_the_journal_belongs_to_its_place(path: Path) -> None:
    Hdf5Store.create(path, journal_bytes=100_000).close()
    with h5py.File(path) as h5:
        assert h5["_journal"].id.get_offset() == journal.REGION_AT
        assert h5["_journal"].shape == (102_400,)


def test_the_reserve_follows_the_rate() -> None:
    assert disk_space.reserve_bytes(10e6) == 1_000_000_000
    assert disk_space.reserve_bytes(210e6) == 2_100_000_000
    assert disk_space.outlook(100_000_000_000, 100e6).verdict == "fine"
    assert disk_space.outlook(6_000_000_000, 100e6).verdict == "warn"
    assert disk_space.outlook(6_000_000_000, 100e6).seconds_left == pytest.approx(50)
    assert disk_space.outlook(900_000_000, 0).verdict == "stop"
    assert disk_space.outlook(2_000_000_000, 0).seconds_left == float("inf")


def test_the_disk_is_spoken_of_in_words(tmp_path: Path) -> None:
    assert disk_space.sentence(disk_space.outlook(10**12, 1e6), "a.nxs") is None
    assert (
        "full in 50 s" in (disk_space.sentence(disk_space.outlook(6_000_000_000, 100e6), "a.nxs") or ("",))[0]
    )
    assert "stopped" in (disk_space.sentence(disk_space.outlook(0, 100e6), "a.nxs") or ("",))[0]
    assert disk_space.free_bytes(tmp_path / "not" / "there") > 0
