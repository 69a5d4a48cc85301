"""Movies in a session file are asked like numpy arrays: while they are recorded, packed, damaged and out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tandem_em.core.jobs import run_to_end
from tandem_em.core.notices import UserError
from tandem_em.desk.document import files
from tandem_em.desk.stacks.previews import Shrunk
from tandem_em.model.arrays import ArrayBase, ArraySource, MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.session import Session
from tandem_em.storage.arrays import StoredArray, UnavailableArray, index_of, normalised
from tandem_em.storage.check.repair import MendedArray
from tandem_em.storage.session_store import SessionStore

DATA = np.random.default_rng(1).integers(0, 400, (5, 24, 40), np.uint16)
INDICES: list[Any] = [
    0, -1, np.int64(2), slice(1, 4), slice(None, None, -2), slice(4, 1), ..., (..., -1), (-2, slice(3, 9)),
    (slice(None), 3, slice(None, None, 7)), (1, 2, 3),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    opened = run_to_end(files.create_session(tmp_path / "film.nxs", Session("film"), for_recording=True))
    yield opened.store
    opened.store.close()


def recorded(store: SessionStore, compress: bool, frames: NDArray[Any] = DATA) -> FrameStack:
    stack = FrameStack(name="camera", frame_numbers=np.zeros(0, np.int64))
    stack.source = store.start_stack(stack, frames.shape[1:], frames.dtype, compress=compress)
    for number, frame in enumerate(frames):
        store.append_frame(stack.id, frame, 0.1 * number, number)
    return stack


def finished(store: SessionStore, compress: bool) -> StoredArray:
    stack = recorded(store, compress)
    store.finish_stack(stack)
    assert isinstance(stack.source, StoredArray)
    stack.source.grow(len(DATA))
    return stack.source


@pytest.mark.parametrize("compress", [False, True])
def test_a_stored_movie_is_a_numpy_array(store: SessionStore, compress: bool) -> None:
    source: ArraySource = finished(store, compress)
    np.testing.assert_array_equal(np.asarray(source), DATA)
    for index in INDICES:
        np.testing.assert_array_equal(source[index], DATA[index])
    assert (len(source), source.ready, source.is_growing, source.is_packed) == (5, 5, False, compress)
    for outside in (5, -6, (0, 24)):
        with pytest.raises(IndexError):
            source[outside]


def test_of_a_recording_numpy_gets_what_is_in_the_file(store: SessionStore) -> None:
    stack = recorded(store, False, DATA[:0])
    source = stack.source
    assert isinstance(source, StoredArray)
    assert (source.ready, source.is_growing) == (0, True)
    assert np.asarray(source).shape == (0, 24, 40)
    source.grow(1)
    with pytest.raises(UserError, match="No frame has come"):
        source[:1]
    for number in range(3):
        store.append_frame(stack.id, DATA[number], 0.1 * number, number)
    source.grow(5)  # two more are still on their way
    store._live.wait_for(stack.id, 2)
    assert (len(source), source.ready) == (5, 3)
    np.testing.assert_array_equal(np.asarray(source), DATA[:3])


@pytest.mark.parametrize("compress", [False, True])
def test_a_movie_that_is_saved_from_damage_is_asked_like_any_other(
    store: SessionStore, compress: bool
) -> None:
    finished(store, compress)

    def index(h5: Any) -> Any:
        found: list[Any] = []
        h5.visititems(lambda name, each: found.append(each) if name.endswith("/data") else None)
        return index_of(next(each for each in found if getattr(each, "shape", ()) == DATA.shape))

    table = store._store.call(index).result()
    assert table is not None
    source = MendedArray(store._store, table, None)
    np.testing.assert_array_equal(np.asarray(source), DATA)
    for each in INDICES:
        np.testing.assert_array_equal(source[each], DATA[each])
    assert source.lost == set()


def test_data_that_are_gone_say_so_to_numpy_too() -> None:
    source = UnavailableArray((3, 4, 5), np.dtype(np.uint16), "The drive is gone.", "Reconnect it.")
    assert (len(source), source.is_growing, source.is_packed) == (3, False, False)
    for ask in (lambda: np.asarray(source), lambda: source[0]):
        with pytest.raises(UserError, match="The drive is gone"):
            ask()


def test_a_preview_that_is_being_made_is_an_array() -> None:
    source: ArrayBase = Shrunk(MemoryArray(DATA), 4)
    means = DATA.reshape(5, 6, 4, 10, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(np.asarray(source), means, rtol=1e-3)
    np.testing.assert_array_equal(source[-1, 2:], np.asarray(source)[-1, 2:])
    assert source[3:1].shape == (0, 6, 10)


def test_an_index_is_one_range_for_each_axis() -> None:
    assert normalised((-1, slice(None, None, 2)), (3, 5)) == ((range(2, 3), range(0, 5, 2)), (True, False))
