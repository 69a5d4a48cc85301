"""Where recorded frames lie in the file: seen while they are written, the same as HDF5 says, and never slower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from waiting import wait_until

from tandem_em.core.jobs import run_to_end
from tandem_em.desk.document import files
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.storage.codec import layout
from tandem_em.storage.recording import streams


@pytest.fixture
def store(tmp_path: Path):
    opened = run_to_end(files.create_session(tmp_path / "film.nxs", Session("film"), for_recording=True))
    yield opened.store
    opened.store.close()


def film(store, frames: int, side: int, compress: bool):
    stack = FrameStack(name="camera", frame_numbers=np.zeros(0, np.int64))
    stack.source = store.start_stack(stack, (side, side), np.uint16, compress=compress)
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 400, (side, side), np.uint16) for _ in range(7)]
    for number in range(frames):
        store.append_frame(stack.id, pictures[number % 7], 0.01 * number, number)
    return stack, pictures


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("side", "frames"), [(24, 300), (512, 24)])
def test_every_frame_lies_where_hdf5_says(store, monkeypatch, compress: bool, side: int, frames: int) -> None:
    monkeypatch.setattr(layout, "MAX_FRAME_CHUNK", 1 << 17)
    stack, pictures = film(store, frames, side, compress)
    stream = store._live.stacks[stack.id]
    store.finish_stack(stack)
    home = stream.home

    def asked(h5):
        data = h5[home]["data"]
        return [data.id.get_chunk_info(n).byte_offset for n in range(data.id.get_num_chunks())]

    assert sorted(stream.offsets.view) == sorted(store._store.call(asked).result())
    for number in (0, 5, frames - 1):
        np.testing.assert_array_equal(stack.frame(number), pictures[number % 7])


def test_when_the_place_is_not_seen_hdf5_is_asked(store, monkeypatch) -> None:
    monkeypatch.setattr(type(store._store), "place_of", lambda _self, write, _size: write())
    stack, pictures = film(store, 20, 16, False)
    wait_until(lambda: store.acknowledged()[stack.id] >= 20)
    stack.source.grow(20)
    np.testing.assert_array_equal(stack.frame(13), pictures[13 % 7])
    store.finish_stack(stack)


def test_a_wrong_guess_is_not_trusted(store, monkeypatch) -> None:
    def wrong(_self, write, _size):
        write()
        return 4096

    monkeypatch.setattr(type(store._store), "place_of", wrong)
    stack, pictures = film(store, 12, 16, False)
    stream = store._live.stacks[stack.id]
    store.finish_stack(stack)
    assert not stream._is_seen
    np.testing.assert_array_equal(stack.frame(11), pictures[11 % 7])


def test_hdf5_is_asked_for_a_few_frames_only(store) -> None:
    """It goes through all chunks before the one it is asked for: minutes into a recording that would take too long."""
    stack, _ = film(store, 200, 16, False)
    stream = store._live.stacks[stack.id]
    asked = []
    write = stream._write

    def counted(data, origin, content):
        class Counting:
            write_direct_chunk = staticmethod(data.id.write_direct_chunk)

            @staticmethod
            def get_chunk_info_by_coord(where):
                asked.append(where)
                return data.id.get_chunk_info_by_coord(where)

        class Shown:
            id = Counting

        return write(Shown, origin, content)

    stream._write = counted
    for number in range(200, 400):
        store.append_frame(stack.id, np.zeros((16, 16), np.uint16), 0.01 * number, number)
    store.finish_stack(stack)
    assert len(stream.offsets) == 400
    assert len(asked) <= streams.ASKED


def test_frames_that_come_as_fast_as_they_are_written_leave_others_their_turn(store, monkeypatch) -> None:
    """A drain that never ends never lets a commit through: nothing would be safe."""
    monkeypatch.setattr(streams, "DRAIN_FRAMES", 5)
    stack, _ = film(store, 3, 16, False)
    stream = store._live.stacks[stack.id]
    drained: list[int] = []
    drain = type(stream).drain

    def seen(self, h5):
        before = self.written
        done = drain(self, h5)
        drained.append(self.written - before)
        return done

    monkeypatch.setattr(type(stream), "drain", seen)
    for number in range(3, 60):
        store.append_frame(stack.id, np.zeros((16, 16), np.uint16), 0.01 * number, number)
    assert store.finish_stack(stack) == 60
    assert sum(drained) <= 60
    assert max(drained) <= 5
    assert stream.put_bytes == stream.drained_bytes


def test_waiting_frames_are_bounded_however_small_they_are(store, monkeypatch) -> None:
    monkeypatch.setattr(streams, "QUEUE_BYTES", 40 * streams.FRAME_OVERHEAD)
    stack, _ = film(store, 200, 4, False)
    assert store.waiting_bytes <= 41 * (streams.FRAME_OVERHEAD + 32)
    assert store.finish_stack(stack) == 200


def test_a_recording_that_broke_off_before_its_first_frame_is_an_empty_one(tmp_path: Path) -> None:
    opened = run_to_end(files.create_session(tmp_path / "s.nxs", Session("s"), for_recording=True))
    stack = FrameStack(name="camera", frame_numbers=np.zeros(0, np.int64))
    stack.source = opened.store.start_stack(stack, (8, 8), np.uint16)
    opened.store._store.commit(wait=True)
    opened.store.abandon()
    again = run_to_end(files.open_session(tmp_path / "s.nxs"))
    assert again.store.problems == []
    assert len(again.session.stacks.first) == 0
    run_to_end(again.store.save(again.session))
    again.store.close()
