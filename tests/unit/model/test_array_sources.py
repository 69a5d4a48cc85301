"""Big numbers are asked like numpy arrays: by index, as an array, and what there is to be read."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tandem_em.model.arrays import ArrayBase, ArraySource, FrameByFrame, GrowingArray, MemoryArray, full_index

PROPERTIES = ("shape", "dtype", "ready", "is_growing", "is_packed")
DATA = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


class Pages(FrameByFrame):
    def __init__(self) -> None:
        super().__init__(3, (4, 5), np.int16)
        self.asked: list[int] = []

    def one(self, number: int) -> NDArray[Any]:
        self.asked.append(number)
        return DATA[number]


KINDS = {
    "memory": (MemoryArray(DATA), DATA),
    "growing": (GrowingArray(np.arange(7.0)), np.arange(7.0)),
    "frame by frame": (Pages(), DATA),
}


def test_the_base_answers_all_that_the_protocol_asks() -> None:
    asked = [name for name in vars(ArraySource) if callable(getattr(ArraySource, name)) or name in PROPERTIES]
    assert {"ready", "is_growing", "is_packed", "__getitem__", "__array__", "read"} <= set(asked)
    for name in PROPERTIES:
        assert isinstance(inspect.getattr_static(ArrayBase, name), property)
    for name in ("read", "close", "__len__", "__getitem__", "__array__"):
        assert inspect.signature(getattr(ArrayBase, name)) == inspect.signature(getattr(ArraySource, name))


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_takes_it(kind: str) -> None:
    source, array = KINDS[kind]
    assert np.asarray(source).dtype == array.dtype
    np.testing.assert_array_equal(np.asarray(source), array)
    assert np.asarray(source, np.float32).dtype == np.float32
    assert np.sum(source) == array.sum()
    assert (len(source), source.ready, source.shape) == (len(array), len(array), array.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "index",
    [0, -1, np.int64(1), slice(1, None), slice(None, None, -1), slice(5, 2), (), ..., (..., -1)],
    ids=str,
)
def test_an_index_means_what_it_means_to_numpy(kind: str, index: Any) -> None:
    source, array = KINDS[kind]
    np.testing.assert_array_equal(source[index], array[index])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_said(kind: str) -> None:
    source, array = KINDS[kind]
    for index in (len(array), -len(array) - 1, (0,) * (array.ndim + 1)):
        with pytest.raises(IndexError):
            source[index]
    with pytest.raises(TypeError):
        source[0.5]
    assert len(list(source)) == len(array)  # a loop ends


@given(st.data())
def test_any_index_of_frames_is_numpys(data: st.DataObject) -> None:
    parts = tuple(
        data.draw(st.one_of(st.integers(-size, size - 1), st.slices(size)))
        for size in DATA.shape[: data.draw(st.integers(1, 3))]
    )
    np.testing.assert_array_equal(Pages()[parts], DATA[parts])


def test_a_frame_by_its_number_reads_no_other_one() -> None:
    pages = Pages()
    pages[-1, 2:, 3], pages[1:2, :, 0]
    assert pages.asked == [2, 1]


def test_a_copy_is_made_only_where_one_is_asked_for() -> None:
    source = MemoryArray(DATA)
    assert np.asarray(source) is DATA
    assert not np.shares_memory(np.array(source), DATA)
    grown = GrowingArray(np.arange(4.0))
    assert np.shares_memory(np.asarray(grown), grown.view)
    assert not np.shares_memory(np.array(grown), grown.view)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        assert np.array(source, copy=False) is DATA
        for impossible in (
            lambda: np.array(source, np.float32, copy=False),
            lambda: np.array(Pages(), copy=False),
        ):
            with pytest.raises(ValueError, match="copy"):
                impossible()


def test_of_a_recording_numpy_gets_what_can_be_read() -> None:
    source = _Recording()
    assert (source.ready, source.is_growing, source.shape) == (2, True, (3, 4, 5))
    np.testing.assert_array_equal(np.asarray(source), DATA[:2])


class _Recording(Pages):
    @property
    def ready(self) -> int:
        return 2

    @property
    def is_growing(self) -> bool:
        return True


def test_growing_numbers_are_longer_the_next_time() -> None:
    grown = GrowingArray(np.arange(3.0))
    before = np.asarray(grown)
    grown.append(np.array([9.0]))
    assert (before.tolist(), np.asarray(grown).tolist(), grown[-1]) == ([0, 1, 2], [0, 1, 2, 9], 9.0)
    assert (grown.is_growing, grown.is_packed, grown.ready, grown.shape) == (True, False, 4, (4,))
    assert not np.asarray(grown).flags.writeable


def test_one_number_is_no_list() -> None:
    one = MemoryArray(np.array(5.0))
    assert (one.ready, np.asarray(one).item(), one[()].item()) == (1, 5.0, 5.0)
    with pytest.raises(TypeError):
        len(one)


def test_a_written_out_index_names_every_axis() -> None:
    assert full_index((..., -1), (3, 4, 5)) == (slice(None), slice(None), 4)
    assert full_index(1, (3, 4)) == (1, slice(None))
