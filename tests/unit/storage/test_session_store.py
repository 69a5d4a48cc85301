"""Saving only what changed, deleting, embedding, linking, recording, copying: the verbs of the session file."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tandem_em.core.file_hash import file_hash
from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.core.numeric import AnyArray
from tandem_em.model.arrays import GrowingArray, MemoryArray
from tandem_em.model.clock import Clock
from tandem_em.model.curves import BiasRun, Column
from tandem_em.model.frames import FrameStack
from tandem_em.model.marks import Event
from tandem_em.model.provenance import SourceFile
from tandem_em.model.session import Session
from tandem_em.model.spectra import SpectrumImage
from tandem_em.model.tracks import Outline, Particle
from tandem_em.storage.session_store import SessionStore


def movie(count: int = 6, name: str = "movie", **fields: Any) -> FrameStack:
    frames = np.random.default_rng(3).poisson(100, (count, 32, 24)).astype(np.uint16)
    return FrameStack(
        name=name, source=MemoryArray(frames), times=np.arange(count) * 0.5, pixel_nm=0.5, **fields
    )


def session_with(*items: Any) -> Session:
    session = Session("test")
    for item in items:
        session.collection_of(item).add(item)
    return session


def loaded(path: Path, **options: Any) -> Session:
    with SessionStore.open(path, readonly=True, **options) as store:
        session = run_to_end(store.load())
        for item in [*session.stacks, *session.maps]:
            if type(item.source).__name__ == "StoredArray":
                item.source = MemoryArray(item.source.read(slice(None)))
        assert store.problems == []
        return session


class Counting(MemoryArray):
    """Counts how often it is read; fails at a frame if told to."""

    def __init__(self, array: AnyArray, fail_at: int | None = None) -> None:
        super().__init__(array)
        self.reads, self.fail_at = 0, fail_at

    def read(self, index: Any) -> AnyArray:
        self.reads += 1
        if self.fail_at is not None and self.reads > self.fail_at:
            raise UserError("The original cannot be read.", "Look for it.")
        return super().read(index)


def test_a_second_save_writes_only_what_changed(tmp_path: Path) -> None:
    source = Counting(movie().source.read(slice(None)))
    stack = movie()
    stack.source = source
    session = session_with(stack, Event(name="a", t=1.0), Particle(name="P1", stack_id=stack.id))
    with SessionStore.create(tmp_path / "a.nxs", session) as store:
        reads = source.reads
        size = (tmp_path / "a.nxs").stat().st_size
        assert run_to_end(store.save(session)).items == 0
        session.change(stack, name="cluster")
        assert run_to_end(store.save(session)).items == 1
        assert source.reads == reads
        assert (tmp_path / "a.nxs").stat().st_size - size < 64 << 10
    assert loaded(tmp_path / "a.nxs").stacks[stack.id].name == "cluster"


def test_the_snapshot_is_taken_when_save_is_called(tmp_path: Path) -> None:
    event = Event(name="before")
    session = session_with(event)
    with SessionStore.create(tmp_path / "a.nxs") as store:
        job = store.save(session)
        session.change(event, name="after")
        run_to_end(job)
    assert loaded(tmp_path / "a.nxs").events[event.id].name == "before"


def test_removing_is_saved_and_undo_brings_the_data_back(tmp_path: Path) -> None:
    stack = movie()
    session = session_with(stack)
    expected = stack.source.read(slice(None))
    with SessionStore.create(tmp_path / "a.nxs") as store:
        stack.source = run_to_end(store.save(session)).embedded[stack.id]
        session.stacks.remove(stack.id)
        run_to_end(store.save(session))
        np.testing.assert_array_equal(stack.frame(3), expected[3])  # an undo may still show it
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert "movie_001" not in other["entry"]
        session.stacks.add(stack)
        run_to_end(store.save(session))
        np.testing.assert_array_equal(stack.frame(5), expected[5])
    np.testing.assert_array_equal(
        loaded(tmp_path / "a.nxs").stacks[stack.id].source.read(slice(None)), expected
    )


def test_deleted_data_leave_with_save_as(tmp_path: Path) -> None:
    big = FrameStack(
        name="big", source=MemoryArray(np.random.default_rng(0).integers(0, 60000, (8, 256, 256), np.uint16))
    )
    session = session_with(movie(), big)
    with SessionStore.create(tmp_path / "a.nxs", session) as store:
        before = store.size_report()
        session.stacks.remove(big.id)
        run_to_end(store.save(session))
        report = store.size_report()
        assert report.deleted > 500_000
        assert big.id in before.by_item
        assert big.id not in report.by_item
        run_to_end(store.save_as(tmp_path / "b.nxs"))
        run_to_end(store.save_as(tmp_path / "a.nxs"))
        assert store.size_report().deleted == 0
        session.change(session.info, name="still alive")
        run_to_end(store.save(session))
    for name in ("a.nxs", "b.nxs"):
        assert (tmp_path / name).stat().st_size < before.total - 500_000
        assert len(loaded(tmp_path / name).stacks) == 1
    assert loaded(tmp_path / "a.nxs").info.name == "still alive"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nxs", "b.nxs"]


def test_a_copy_keeps_hard_links_and_never_stores_a_movie_twice(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 60000, (10, 256, 256), np.uint16)
    session = session_with(FrameStack(name="big", source=MemoryArray(frames), times=np.arange(10.0)))
    with SessionStore.create(tmp_path / "a.nxs", session) as store:
        run_to_end(store.save_as(tmp_path / "b.nxs"))
    with h5py.File(tmp_path / "b.nxs") as h5:
        assert h5["entry/movie_001/data"] == h5["Experiments/big/data"]
        assert (
            h5["entry/movie_001/time"] == h5["entry/movie_001/timestamp"] or "time" in h5["entry/movie_001"]
        )
    assert (tmp_path / "b.nxs").stat().st_size < frames.nbytes * 1.1 + (3 << 20)


def test_embedding_that_fails_leaves_nothing(tmp_path: Path) -> None:
    good, bad = movie(name="good"), movie(name="bad")
    bad.source = Counting(bad.source.read(slice(None)), fail_at=3)
    with SessionStore.create(tmp_path / "a.nxs") as store:
        with pytest.raises(UserError, match="cannot be read"):
            run_to_end(store.save(session_with(good, bad)))
        store._store.commit(wait=True)
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert not [n for n in other["entry"] if n.startswith("movie")]
            assert "_incoming" not in other


def test_embedding_that_is_cancelled_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    session = session_with(movie(40))
    with SessionStore.create(tmp_path / "a.nxs") as store:
        job = store.save(session)
        for _ in range(5):
            next(job)
        job.close()
        store._store.commit(wait=True)
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert "_incoming" not in other
        assert run_to_end(store.save(session)).embedded
    assert len(loaded(tmp_path / "a.nxs").stacks.first or ()) == 40


def test_a_disk_too_small_for_a_movie_keeps_the_session_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, stack = Event(name="a"), movie(40)
    session = session_with(event, stack)
    with SessionStore.create(tmp_path / "a.nxs") as store:
        free = iter([10**9] * 2)
        monkeypatch.setattr("tandem_em.storage.write.frames.BATCH_BYTES", 2000)
        monkeypatch.setattr("tandem_em.storage.gate.disk_space.free_bytes", lambda _path: next(free, 0))
        with pytest.raises(UserError, match=r"disk with a\.nxs is full"):
            run_to_end(store.save(session))
        store._store.commit(wait=True)
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert "_incoming" not in other
        monkeypatch.undo()
        run_to_end(store.save(session))
    assert len(loaded(tmp_path / "a.nxs").stacks[stack.id]) == 40


@pytest.mark.expects_log
def test_saving_on_a_full_disk_is_made_up_for_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tandem_em.storage.transaction import raw_file

    is_full = [False]

    class Disk(raw_file.DiskFile):
        def write_at(self, data: Any, offset: int) -> None:
            if is_full[0]:
                raise OSError(28, "No space left on device")
            super().write_at(data, offset)

    monkeypatch.setattr(
        raw_file, "open_raw", lambda path, writable, create=False: Disk(path, writable, create)
    )
    path = tmp_path / "a.nxs"
    session = session_with(Event(name="a"))
    with SessionStore.create(path, session) as store:
        is_full[0] = True
        run = empty_run()
        run.append(np.arange(5.0), {"voltage": np.arange(5.0)})
        session.runs.add(run)
        with pytest.raises(UserError, match="full"):
            run_to_end(store.save(session))
        session.change(run, name="renamed")
        with pytest.raises(UserError, match="full"):
            run_to_end(store.save(session))
        is_full[0] = False
        session.events.add(Event(name="b"))
        run_to_end(store.save(session))
    again = loaded(path)
    assert [each.name for each in again.runs] == ["renamed"]
    assert len(again.events) == 2


def test_an_edit_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event, stack = Event(name="a"), movie()
    session = session_with(event, stack)
    with SessionStore.create(tmp_path / "a.nxs", session) as store:
        session.change(stack, name="new name")
        session.change(event, name="b")

        def fail(*_args: object) -> None:
            raise RuntimeError("in the middle")

        monkeypatch.setattr("tandem_em.storage.write.session.write_records", fail)
        with pytest.raises(RuntimeError):
            run_to_end(store.save(session))
        monkeypatch.undo()
        name = store._store.call(lambda h5: h5["entry/movie_001/item/name"].asstr()[()]).result()
        assert name == "movie"
        run_to_end(store.save(session))
    again = loaded(tmp_path / "a.nxs")
    assert (again.stacks[stack.id].name, again.events[event.id].name) == ("new name", "b")


def test_a_second_program_reads_and_is_told_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with SessionStore.create(path, session_with(movie())) as store:
        code = (
            "import sys; from pathlib import Path; from tandem_em.core.jobs import run_to_end\n"
            "from tandem_em.storage.session_store import SessionStore\n"
            "s = SessionStore.open(Path(sys.argv[1])); n = len(run_to_end(s.load()).stacks)\n"
            "print(s.is_readonly, s.holder.pid, n)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
        import os

        assert done.stdout.split() == ["True", str(os.getpid()), "1"], done.stderr
        with SessionStore.open(path) as same, pytest.raises(UserError, match="reading only"):
            run_to_end(same.save(Session()))
        assert not store.is_readonly


def test_long_curves_are_written_in_pieces_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tandem_em.storage.write.big.BIG_BYTES", 100_000)
    monkeypatch.setattr("tandem_em.storage.write.big.BATCH_BYTES", 20_000)
    run = empty_run()
    values = np.random.default_rng(6).normal(size=90_000)
    run.append(np.arange(90_000.0), {"voltage": values})
    session = session_with(run)
    with SessionStore.create(tmp_path / "a.nxs") as store:
        job = store.save(session)
        for _ in range(4):
            assert next(job).message.startswith("Storing bias")
        job.close()
        store._store.commit(wait=True)
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert "_incoming" not in other
            assert "bias_001" not in other["entry/instrument"]
        run_to_end(store.save(session))
        run.append(np.arange(90_000.0, 90_010.0), {"voltage": np.ones(10)})
        run_to_end(store.save(session))
        with h5py.File(tmp_path / "a.nxs", "r") as other:
            assert "_incoming" not in other
            assert other["entry/bias_001_voltage/voltage"].attrs["units"] == "V"
    again = loaded(tmp_path / "a.nxs").runs[run.id]
    np.testing.assert_array_equal(again.values("voltage"), np.append(values, np.ones(10)))
    np.testing.assert_array_equal(again.times.view, np.arange(90_010.0))


def test_unknown_groups_and_fields_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    stack = movie()
    session = session_with(stack, Event(name="e"))
    with SessionStore.create(path, session) as store:

        def add(h5: Any) -> None:
            h5["entry/movie_001/item/tomorrow"] = 5
            h5.create_group("entry/plugin_x")["a"] = 1

        store._store.call(add).result()
        session.change(stack, name="x")
        run_to_end(store.save(session))
        run_to_end(store.save_as(tmp_path / "b.nxs"))
    for name in ("a.nxs", "b.nxs"):
        with h5py.File(tmp_path / name) as h5:
            assert h5["entry/movie_001/item/tomorrow"][()] == 5
            assert h5["entry/plugin_x/a"][()] == 1


def test_moving_a_clock_moves_the_axes_of_its_streams(tmp_path: Path) -> None:
    clock = Clock(name="camera")
    stack = movie(clock=clock)
    session = session_with(clock, stack)
    with SessionStore.create(tmp_path / "a.nxs", session) as store:
        session.change(clock, offset_s=100.0)
        run_to_end(store.save(session))
    with h5py.File(tmp_path / "a.nxs") as h5:
        np.testing.assert_allclose(h5["entry/movie_001/time"][:], 100 + np.arange(6) * 0.5)
        np.testing.assert_allclose(h5["entry/movie_001/item/times"][:], np.arange(6) * 0.5)


def test_areas_of_outlines_are_shown(tmp_path: Path) -> None:
    stack = movie()
    square = np.array([[0, 0], [4, 0], [4, 3], [0, 3.0]])
    particle = Particle(name="P1", stack_id=stack.id, outlines={1: Outline(square), 4: Outline(square * 2)})
    with SessionStore.create(tmp_path / "a.nxs", session_with(stack, particle)):
        pass
    with h5py.File(tmp_path / "a.nxs") as h5:
        areas = h5["entry/particles_001/area_vs_time/particle_1"][:]
        np.testing.assert_allclose(areas, [np.nan, 3.0, np.nan, np.nan, 12.0, np.nan])
        table = h5["entry/particles_001/table"]
        np.testing.assert_allclose(table["centroid_x"][:], [1.0, 2.0])
        polygons = h5["entry/particles_001/outlines/polygons"]
        np.testing.assert_array_equal(polygons["frame_first_row"][:], [0, 0, 1, 1, 1, 2])
        np.testing.assert_array_equal(polygons["vertices"][4:], square * 2)


# ---- linked data ------------------------------------------------------------------------------------------------------


def linked_session(tmp_path: Path, whole_below: int = 1 << 28) -> tuple[Session, AnyArray]:
    frames = np.asarray(movie().source.read(slice(None)))
    np.save(tmp_path / "camera.npy", frames)
    stack = movie()
    session = session_with(stack)
    with SessionStore.create(tmp_path / "s.nxs") as store:
        known = file_hash(tmp_path / "camera.npy", whole_below)
        origin = session.sources.add(
            SourceFile(name="camera.npy", path="camera.npy", sha256=known, linked=True)
        )
        stack.source_id = origin.id
        stack.source = MemoryArray(frames)
        run_to_end(store.save(session))
    return session, frames


def open_npy(path: Path, dataset: str) -> MemoryArray:
    return MemoryArray(np.load(path))


def test_linked_data_stay_outside(tmp_path: Path) -> None:
    _, frames = linked_session(tmp_path)
    again = loaded(tmp_path / "s.nxs", open_link=open_npy)
    stack = again.stacks.first
    assert stack is not None
    np.testing.assert_array_equal(stack.source.read(slice(None)), frames)
    with h5py.File(tmp_path / "s.nxs") as h5:
        assert "data" not in h5["entry/movie_001"]


@pytest.mark.parametrize("whole_below", [1 << 28, 0], ids=["small", "known by its ends"])
def test_a_moved_linked_file_is_named_and_found_again(tmp_path: Path, whole_below: int) -> None:
    _, frames = linked_session(tmp_path, whole_below)
    (tmp_path / "elsewhere").mkdir()
    moved = (tmp_path / "camera.npy").rename(tmp_path / "elsewhere" / "camera2.npy")
    with SessionStore.open(tmp_path / "s.nxs", open_link=open_npy) as store:
        session = run_to_end(store.load())
        assert "camera.npy" in store.problems[0]
        stack, origin = session.stacks.first, session.sources.first
        assert stack is not None
        assert isinstance(origin, SourceFile)
        assert origin.problems
        assert stack.source.shape == frames.shape
        with pytest.raises(UserError, match=r"camera\.npy"):
            stack.frame(0)
        run_to_end(store.save(session))  # saving it meanwhile loses nothing
        np.save(tmp_path / "wrong.npy", frames + 1)
        with pytest.raises(UserError, match="not the file"):
            run_to_end(store.relink(session, origin.id, tmp_path / "wrong.npy"))
        with pytest.raises(UserError, match="cannot be read"):
            run_to_end(store.relink(session, origin.id, tmp_path / "nowhere.npy"))
        assert run_to_end(store.relink(session, origin.id, moved)) == [stack.id]
        assert (origin.path, origin.size) == ("elsewhere/camera2.npy", moved.stat().st_size)
        np.testing.assert_array_equal(stack.frame(2), frames[2])
        session.change(origin)
        run_to_end(store.save(session))
    assert loaded(tmp_path / "s.nxs", open_link=open_npy).sources.first.path == "elsewhere/camera2.npy"  # type: ignore[union-attr]


# ---- recording --------------------------------------------------------------------------------------------------------


def empty_run(clock: Clock | None = None) -> BiasRun:
    columns = {
        "voltage": Column("voltage", "V", GrowingArray()),
        "current": Column("current", "A", GrowingArray()),
    }
    return BiasRun(name="bias", clock=clock or Clock(), columns=columns, host_times=GrowingArray())


@pytest.mark.parametrize("compress", [False, True])
def test_recorded_streams_come_back(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "a.nxs"
    clock = Clock(name="host", offset_s=5.0)
    run, stack = empty_run(clock), FrameStack(name="camera", clock=clock, frame_numbers=np.zeros(0, np.int64))
    session = session_with(clock, run, stack)
    frames = np.random.default_rng(2).integers(0, 4000, (30, 48, 64), np.uint16)
    with SessionStore.create(path, for_recording=True) as store:
        store.start_run(run)
        stack.source = store.start_stack(stack, (48, 64), np.uint16, compress=compress)
        for number, frame in enumerate(frames):
            times = np.arange(10) * 0.01 + number * 0.1
            values = {"voltage": times * 2, "current": times * 1e-9}
            store.append_samples(run.id, times, values, times + 0.5)
            run.append(times, values, times + 0.5)
            store.append_frame(stack.id, frame, number * 0.1, number + 7)
            stack.append(np.array([number * 0.1]))
            stack.frame_numbers = np.append(stack.frame_numbers, number + 7)  # type: ignore[arg-type]
            stack.source.grow(number + 1)  # type: ignore[attr-defined]
            if number == 20:
                session.change(stack, name="renamed while recording")
                run_to_end(store.save(session))
        assert store.finish_run(run) == 300
        assert store.finish_stack(stack) == 30
        assert store.acknowledged() == {run.id: 300, stack.id: 30}
        np.testing.assert_array_equal(stack.frame(29), frames[29])
        run_to_end(store.save(session))
        assert run_to_end(store.save(session)).items == 0
    again = loaded(path)
    stored_run, stored = again.runs[run.id], again.stacks[stack.id]
    np.testing.assert_array_equal(stored.source.read(slice(None)), frames)
    np.testing.assert_array_equal(stored.times, np.arange(30) * 0.1)
    np.testing.assert_array_equal(stored.frame_numbers, np.arange(30) + 7)
    np.testing.assert_array_equal(stored_run.times.view, run.times.view)
    np.testing.assert_array_equal(stored_run.values("current"), run.values("current"))
    np.testing.assert_array_equal(stored_run.host_times.view, run.host_times.view)  # type: ignore[union-attr]
    assert stored.name == "renamed while recording"
    with h5py.File(path) as h5:
        np.testing.assert_allclose(h5["entry/movie_001/timestamp"][:], 5 + np.arange(30) * 0.1)
        assert "tandem_recording" not in h5["entry/movie_001"].attrs


def test_other_programs_read_while_recording_and_a_crash_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    run, stack = empty_run(), FrameStack(name="camera")
    frames = np.random.default_rng(2).integers(0, 4000, (12, 32, 32), np.uint16)
    store = SessionStore.create(path)
    store.start_run(run)
    stack.source = store.start_stack(stack, (32, 32), np.uint16)
    for number, frame in enumerate(frames):
        store.append_samples(run.id, np.array([number * 0.1]), {"voltage": np.array([1.0 * number])})
        store.append_frame(stack.id, frame, number * 0.1)
    done = threading.Event()
    while store.acknowledged() != {run.id: 12, stack.id: 12}:
        assert not done.wait(0.02)
    with h5py.File(path, "r") as other:
        group = other["entry/movie_001"]
        assert [str(a) for a in group.attrs["axes"]] == ["time", "y", "x"]
        np.testing.assert_array_equal(group["data"][:], frames)
        assert len(group["time"]) == 12
        assert other["entry"].attrs["default"] == "movie_001"
        np.testing.assert_array_equal(other["entry/bias_001_voltage/voltage"][:], np.arange(12.0))
    store.abandon()  # as after a crash: only what was committed is there
    again = loaded(path)
    np.testing.assert_array_equal(again.stacks[stack.id].source.read(slice(None)), frames)
    np.testing.assert_array_equal(again.stacks[stack.id].times, np.arange(12) * 0.1)
    assert len(again.runs[run.id]) == 12


def test_a_recording_of_which_the_model_missed_the_end_keeps_its_end(tmp_path: Path) -> None:
    run = empty_run()
    session = session_with(run)
    with SessionStore.create(tmp_path / "a.nxs") as store:
        store.start_run(run)
        store.append_samples(run.id, np.arange(5.0), {"voltage": np.arange(5.0)})
        run.append(np.arange(3.0), {"voltage": np.arange(3.0)})
        assert store.finish_run(run) == 5
        run_to_end(store.save(session))
    assert len(loaded(tmp_path / "a.nxs").runs[run.id]) == 5


def test_streams_that_were_saved_before_go_on(tmp_path: Path) -> None:
    """A run with samples is continued; an empty stack is filled; a stack with frames is left alone."""
    run, empty, full = empty_run(), FrameStack(name="camera"), movie()
    run.append(np.arange(3.0), {"voltage": np.arange(3.0)})
    with SessionStore.create(tmp_path / "a.nxs", session_with(run, empty, full)) as store:
        store.start_run(run)
        store.start_stack(empty, (8, 8), np.uint16)
        with pytest.raises(UserError, match="frames already"):
            store.start_stack(full, (32, 24), np.uint16)
        store.append_samples(run.id, np.arange(3.0, 6.0), {"voltage": np.arange(3.0, 6.0)})
        store.append_frame(empty.id, np.ones((8, 8), np.uint16), 1.5)
        assert (store.finish_run(run), store.finish_stack(empty)) == (6, 1)
    again = loaded(tmp_path / "a.nxs")
    np.testing.assert_array_equal(again.runs[run.id].values("voltage"), np.arange(6.0))
    assert again.stacks[empty.id].shape == (1, 8, 8)
    assert again.stacks[full.id].shape == (6, 32, 24)


def test_wrong_frames_and_columns_are_refused(tmp_path: Path) -> None:
    run, stack = empty_run(), FrameStack()
    with SessionStore.create(tmp_path / "a.nxs") as store:
        store.start_run(run)
        store.start_stack(stack, (4, 4), np.uint16)
        with pytest.raises(ValueError, match="stack of"):
            store.append_frame(stack.id, np.zeros((4, 5), np.uint16), 0.0)
        with pytest.raises(KeyError, match="column"):
            store.append_samples(run.id, np.zeros(1), {"colour": np.zeros(1)})
        with pytest.raises(ValueError, match="length"):
            store.append_samples(run.id, np.zeros(1), {"voltage": np.zeros(2)})
        with pytest.raises(KeyError, match="not being recorded"):
            store.append_frame("nobody", np.zeros((4, 4), np.uint16), 0.0)


def test_regions_are_read_like_numpy(tmp_path: Path) -> None:
    cube = np.random.default_rng(4).normal(size=(19, 21, 40)).astype(np.float32)
    item = SpectrumImage(name="map", source=MemoryArray(cube), energy_eV=np.arange(40.0))
    indices: list[Any] = [
        3, -1, slice(None), slice(2, 17, 3), slice(15, 2, -4), (4, 5), (slice(1, 3), -2), (..., 7),
        (slice(None), slice(None), slice(5, 9)), (slice(5, 5),), (slice(3, 18), slice(None, None, -1), slice(39, None, -7)),
    ]  # fmt: skip
    with SessionStore.create(tmp_path / "a.nxs") as store:
        stored = run_to_end(store.save(session_with(item))).embedded[item.id]
        for index in indices:
            np.testing.assert_array_equal(stored.read(index), cube[index], err_msg=str(index))
        with pytest.raises(IndexError):
            stored.read(19)
