"""Lazy views answer any index exactly as numpy would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_em.importers.core.sources import FramesAt, PositionedFile, RawArray
from tandem_em.importers.core.views import (
    Flattened,
    Flipped,
    GreyChannels,
    Reordered,
    Unflattened,
    grey,
    plain,
)
from tandem_em.model.arrays import MemoryArray

SHAPE = (3, 4, 5)
DATA = np.arange(60, dtype=np.int32).reshape(SHAPE)
VIEWS: dict[str, tuple[Any, np.ndarray[Any, Any]]] = {
    "turned": (Reordered(MemoryArray(DATA), (2, 0, 1)), DATA.transpose(2, 0, 1)),
    "padded": (Reordered(MemoryArray(DATA[0]), (-1, 0, 1)), DATA[0][None]),
    "line": (Reordered(MemoryArray(DATA[0]), (-1, 1, 0)), DATA[0].T[None]),
    "one pixel": (Reordered(MemoryArray(DATA[0, 0]), (-1, -1, 0)), DATA[0, 0][None, None]),
    "flat": (Flattened(MemoryArray(np.arange(120).reshape(2, 3, 4, 5)), 2), np.arange(120).reshape(6, 4, 5)),
    "folded": (Unflattened(MemoryArray(DATA.reshape(12, 5)), (3, 4)), DATA),
    "flipped rows": (Flipped(MemoryArray(DATA), 1), DATA[:, ::-1]),
    "flipped energies": (Flipped(MemoryArray(DATA), 2), DATA[:, :, ::-1]),
    "grey": (GreyChannels(MemoryArray(np.repeat(DATA[..., None], 3, -1))), DATA),
}


def parts(size: int) -> st.SearchStrategy[int | slice]:
    edge = st.one_of(st.none(), st.integers(-size - 1, size + 1))
    return st.one_of(
        st.integers(-size, size - 1), st.builds(slice, edge, edge, st.one_of(st.none(), st.integers(1, 3)))
    )


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    count = draw(st.integers(1, len(shape)))
    chosen = tuple(draw(parts(size)) for size in shape[:count])
    return chosen[0] if count == 1 and draw(st.booleans()) else chosen


@pytest.mark.parametrize("name", VIEWS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_views_are_numpy(name: str, data: st.DataObject) -> None:
    view, array = VIEWS[name]
    assert view.shape == array.shape
    index = data.draw(indices(array.shape))
    piece = view.read(index)
    assert piece.shape == array[index].shape
    assert np.array_equal(piece, array[index])


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), big=st.booleans())
def test_files_are_numpy(tmp_path: Path, data: st.DataObject, big: bool) -> None:
    path = tmp_path / "raw.bin"
    dtype = np.dtype(">i4" if big else "<i4")
    path.write_bytes(b"head" + DATA.astype(dtype).tobytes())
    index = data.draw(indices(SHAPE))
    whole = RawArray(path, 4, SHAPE, dtype)
    frames = FramesAt([PositionedFile(path)], np.array([4, 84, 164]), SHAPE[1:], dtype)
    for source in (whole, frames):
        assert source.dtype == np.int32
        piece = source.read(index)
        assert piece.shape == DATA[index].shape
        assert np.array_equal(piece, DATA[index])
        source.close()


def test_threads_read_different_frames_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "raw.bin"
    many = np.arange(200 * 64 * 64, dtype=np.uint32).reshape(200, 64, 64)
    many.tofile(path)
    source = RawArray(path, 0, many.shape, many.dtype)
    with ThreadPoolExecutor(4) as pool:
        for number, frame in enumerate(pool.map(source.read, range(200))):
            assert np.array_equal(frame, many[number])


def test_grey_keeps_what_was_grey_and_mixes_colours() -> None:
    same = np.full((2, 2, 4), 77, np.uint8)
    assert np.array_equal(grey(same), np.full((2, 2), 77, np.uint8))
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert grey(red)[0, 0] == 76


def test_plain_numbers_of_odd_kinds() -> None:
    for array, expected in (
        (np.array([3 + 4j], np.complex64), np.float32(5)),
        (np.array([True]), np.uint8(1)),
        (np.array([1.5], np.float16), np.float32(1.5)),
    ):
        source, _ = plain(MemoryArray(array))
        out = source.read((slice(None),))
        assert out.dtype == source.dtype == np.asarray(expected).dtype
        assert out[0] == expected
