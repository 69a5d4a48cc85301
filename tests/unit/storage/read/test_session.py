"""Other programs read the last commit at any time, also while one records."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import h5py
import pytest

from tandem_em.bench import crash_recorder
from tandem_em.core.notices import UserError
from tandem_em.storage.transaction import opening
from tandem_em.storage.transaction.hdf5_store import Hdf5Store
from tandem_em.storage.transaction.opening import who_writes
from tandem_em.storage.transaction.recovery import Overlay

READER = """
import sys, h5py
from tandem_em.bench import crash_recorder
good = retried = last = 0
for _ in range(int(sys.argv[2])):
    try:
        with h5py.File(sys.argv[1], "r") as h5:
            found = crash_recorder.fault(h5, 5, 0)
            step = int(h5.attrs["step"])
    except (OSError, KeyError, RuntimeError, ValueError):
        found, step = "retry", last
    if found is None:
        assert step >= last, (step, last)
        good, last = good + 1, step
    else:
        retried += 1
print(good, retried)
"""


def _record_until(store: Hdf5Store, enough: threading.Event) -> None:
    step = store.call(lambda h5: int(h5.attrs["step"])).result() + 1
    while not enough.is_set() and step < 400:
        work = crash_recorder.edit if crash_recorder.is_edit(step) else crash_recorder.record
        store.call(lambda h5, step=step, work=work: work(h5, 5, step)).result()
        step += 1
        if step % 4 == 0:
            store.commit(wait=True)
            enough.wait(0.1)


def test_a_plain_reader_in_a_loop(tmp_path: Path) -> None:
    path, enough = tmp_path / "live.nxs", threading.Event()
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None) as store:
        recorder = threading.Thread(target=_record_until, args=(store, enough))
        recorder.start()
        command = [sys.executable, "-c", READER, str(path), "25"]
        reader = subprocess.run(command, capture_output=True, check=False)
        enough.set()
        recorder.join()
        assert reader.returncode == 0, reader.stderr.decode()
        good, retried = map(int, reader.stdout.split())
        assert good >= 5
        assert good + retried == 25


def test_a_second_tandem_reads_whole_commits_and_says_who_writes(tmp_path: Path) -> None:
    path, enough = tmp_path / "live.nxs", threading.Event()
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None) as store:
        store.call(lambda h5: crash_recorder.record(h5, 5, 0)).result()
        store.commit(wait=True)
        with pytest.raises(UserError, match="TandEM of"):
            Hdf5Store.open(path)
        holder = who_writes(path)
        assert holder is not None
        assert holder.program == "TandEM"
        recorder = threading.Thread(target=_record_until, args=(store, enough))
        recorder.start()
        with Hdf5Store.open(path, "r") as view:
            for _ in range(15):
                assert view.call(lambda h5: crash_recorder.fault(h5, 5, 0)).result() is None
            with pytest.raises(UserError, match="reading only"):
                view.edit(lambda h5: None).result()
        enough.set()
        recorder.join()
    assert who_writes(path) is None


def test_a_commit_between_looking_and_opening_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "live.nxs"
    with Hdf5Store.create(path, prepare=crash_recorder.prepare, autocommit_s=None) as store:
        step = iter(range(100))
        plain = opening.open_to_read

        def commit_after(path: Path) -> Overlay:
            view, number = plain(path), next(step)
            if number % 3 != 2:
                store.call(lambda h5: crash_recorder.record(h5, 5, number - number // 3)).result()
                store.commit(wait=True)
            return view

        monkeypatch.setattr(opening, "open_to_read", commit_after)
        with Hdf5Store.open(path, "r") as view:
            assert view.call(lambda h5: crash_recorder.fault(h5, 5, 1)).result() is None


def test_reading_needs_no_permission_to_write(tmp_path: Path) -> None:
    path = tmp_path / "mine.nxs"
    Hdf5Store.create(path, prepare=crash_recorder.prepare).close()
    before = path.read_bytes()
    path.chmod(0o444)
    with Hdf5Store.open(path, "r") as view:
        assert view.call(lambda h5: int(h5.attrs["step"])).result() == -1
    assert path.read_bytes() == before


def test_a_plain_program_cannot_write_beside_us(tmp_path: Path) -> None:
    path = tmp_path / "mine.nxs"
    with Hdf5Store.create(path, prepare=crash_recorder.prepare):
        if sys.platform.startswith("linux"):
            with pytest.raises(BlockingIOError):
                h5py.File(path, "r+")
