"""Chunks packed here are what HDF5 itself would write and read; damage is found, and nothing grows without limit."""

from __future__ import annotations

import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tandem_em.storage.codec import compress

TYPES = st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64, np.complex64])
ARRAYS = TYPES.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(max_dims=3, max_side=7)))


@given(ARRAYS)
def test_shuffled_bytes_are_put_back(array: np.ndarray) -> None:
    plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8).tobytes()
    size = array.dtype.itemsize
    mixed = bytes(compress.shuffled(memoryview(plain), size))
    assert mixed == np.frombuffer(plain, np.uint8).reshape(-1, size).T.tobytes()
    assert bytes(memoryview(compress.unshuffled(mixed, size))) == plain


@given(ARRAYS, st.booleans(), st.tuples(*[st.integers(0, 2)] * 3))
def test_a_packed_block_is_unpacked_with_zeros_at_the_edge(
    array: np.ndarray, compressed: bool, more: tuple[int, int, int]
) -> None:
    shape = tuple(size + extra for size, extra in zip(array.shape, more))
    chunk = compress.pack(array, (0,) * array.ndim, shape, compressed)
    full = np.zeros(shape, array.dtype)
    full[tuple(slice(0, size) for size in array.shape)] = array
    found = compress.unpack(bytes(chunk.content), array.dtype, chunk.plain_bytes, compressed, compressed)
    assert found.tobytes() == full.tobytes()
    assert chunk.crc == zlib.crc32(full.tobytes())
    assert chunk.plain_bytes == full.nbytes


@given(st.data(), ARRAYS)
def test_blocks_cover_an_array_once_in_the_order_of_its_grid(data: st.DataObject, array: np.ndarray) -> None:
    chunks = tuple(data.draw(st.integers(1, size)) for size in array.shape)
    seen = np.zeros(array.shape, int)
    origins = []
    for origin, block in compress.blocks_of(array, chunks):
        at = tuple(slice(start, start + size) for start, size in zip(origin, chunks))
        seen[at] += 1
        assert np.array_equal(block, array[at], equal_nan=array.dtype.kind in "fc")
        origins.append(origin)
    assert (seen == 1).all()
    assert origins == sorted(origins)
    assert len(origins) == int(np.prod(compress.chunk_grid(array.shape, chunks)))


@pytest.mark.parametrize("change", ["cut", "flip", "bomb", "wrong size"])
def test_a_damaged_chunk_is_found(change: str) -> None:
    array = np.arange(1000, dtype=np.uint16)
    chunk = compress.pack(array, (0,), (1000,), True)
    content, plain_bytes = bytearray(chunk.content), chunk.plain_bytes
    if change == "cut":
        content = content[: len(content) // 2]
    elif change == "flip":
        content[2] ^= 0xFF
    elif change == "bomb":
        content = bytearray(zlib.compress(b"\0" * 10_000_000))
    else:
        plain_bytes -= 2
    with pytest.raises(ValueError, match="a damaged chunk"):
        compress.unpack(content, array.dtype, plain_bytes, True, True)


@settings(max_examples=25)
@given(
    TYPES,
    st.sampled_from([(3,), (5000,), (40_000,), (3, 50, 70), (30, 40, 50), (200, 300), (1, 1, 3)]),
    st.booleans(),
    st.booleans(),
)
def test_hdf5_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, kind: type, shape: tuple[int, ...], grows: bool, signal: bool
) -> None:
    array = np.random.default_rng(len(shape)).integers(0, 200, shape).astype(kind)
    path = tmp_path_factory.mktemp("h5") / "a.h5"
    with h5py.File(path, "w") as h5:
        compress.write_array(h5, "x", array, grows=grows, signal=signal)
    with h5py.File(path) as h5:
        stored = h5["x"]
        np.testing.assert_array_equal(stored[()], array)
        assert stored.dtype == array.dtype
        assert (stored.maxshape[0] is None) is grows
        assert stored.compression == ("gzip" if array.nbytes > compress.SMALL_BYTES else None)
        if signal or grows or array.ndim > 1:
            assert stored.chunks is not None


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=3), st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_chunks_are_pieces_of_about_a_megabyte(shape: list[int], itemsize: int, grows: bool) -> None:
    array = np.lib.stride_tricks.as_strided(np.zeros(1, f"V{itemsize}"), shape, [0] * len(shape))
    chunks = compress.chunks_for(array, grows)
    assert len(chunks) == len(shape)
    assert all(chunk >= 1 for chunk in chunks)
    assert grows or all(chunk <= size for chunk, size in zip(chunks, shape))
    if len(shape) > 1:
        assert int(np.prod(chunks)) * itemsize <= compress.CHUNK_BYTES


def test_packing_in_threads_keeps_the_order_and_stops_when_it_is_closed(tmp_path: Path) -> None:
    blocks = [((index,), np.full(10, index, np.int32)) for index in range(50)]
    made = list(compress.packed(iter(blocks), (10,), True))
    assert [chunk.origin for chunk in made] == [(index,) for index in range(50)]
    asked = []

    def endless():
        for index in range(1_000_000):
            asked.append(index)
            yield (index,), np.zeros(10, np.int32)

    packing = compress.packed(endless(), (10,), True)
    next(packing)
    packing.close()
    assert len(asked) < 100
