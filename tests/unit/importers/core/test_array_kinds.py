"""Whatever a file keeps its numbers in: numpy gets the same array, whole and by index."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

import tandem_em.importers
from tandem_em.core.jobs import run_to_end
from tandem_em.importers.core import map as maps
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.sources import FramesAt, PositionedFile, RawArray
from tandem_em.importers.core.views import (
    Converted,
    Flattened,
    Flipped,
    GreyChannels,
    Reordered,
    Unflattened,
    View,
)
from tandem_em.importers.folders.images import FileFrames
from tandem_em.importers.hdf5.foreign import Hdf5Array
from tandem_em.importers.microscope.rosetta import DaskArray
from tandem_em.importers.microscope.zspy import ZarrArray
from tandem_em.importers.movies import video
from tandem_em.importers.movies.images import PictureFrames
from tandem_em.importers.movies.tiff import PageFrames
from tandem_em.model.arrays import ArrayBase, MemoryArray

DATA = np.random.default_rng(1).integers(0, 250, (3, 16, 32), np.uint16)
BYTES = DATA.astype(np.uint8)
INDICES: list[Any] = [
    1, -1, slice(1, None), (-1, slice(2, 9)), (..., -1), (slice(None), 2, slice(None, None, 2))
]  # fmt: skip
Made = tuple[ArrayBase, NDArray[Any]]


def raw(folder: Path) -> Made:
    DATA.astype(">u2").tofile(folder / "a.raw")
    return RawArray(folder / "a.raw", 0, DATA.shape, ">u2"), DATA


def at_places(folder: Path) -> Made:
    DATA.tofile(folder / "a.raw")
    places = np.arange(3)[::-1] * DATA[0].nbytes
    return FramesAt([PositionedFile(folder / "a.raw")], places, DATA.shape[1:], np.uint16), DATA[::-1]


def pictures(folder: Path) -> Made:
    from PIL import Image

    first, *others = (Image.fromarray(frame) for frame in BYTES)
    first.save(folder / "a.tif", save_all=True, append_images=others)
    return PictureFrames(folder / "a.tif", 3, (16, 32), np.uint8), BYTES


def pages(folder: Path) -> Made:
    import tifffile

    tifffile.imwrite(folder / "a.tif", DATA, compression="zlib", photometric="minisblack")
    return PageFrames(folder / "a.tif", [0, 1, 2], (16, 32), np.uint16), DATA


def film(folder: Path) -> Made:
    import av

    with av.open(str(folder / "a.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "gray"
        for frame in BYTES:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())
    (found,) = run_to_end(video.read(folder / "a.mkv", ImportOptions()))
    return found.source, BYTES


def files(folder: Path) -> Made:
    for number, frame in enumerate(DATA):
        np.save(folder / f"{number}.npy", frame)
    return FileFrames(sorted(folder.glob("*.npy")), np.load, (16, 32), np.uint16), DATA


def hdf5(folder: Path) -> Made:
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("movie", data=DATA, compression="gzip")
    return Hdf5Array(folder / "a.h5", "movie", DATA.shape, DATA.dtype), DATA


def dask(_folder: Path) -> Made:
    import dask.array

    return DaskArray(dask.array.from_array(DATA, chunks=(1, 16, 32))), DATA


def zarr(folder: Path) -> Made:
    import zarr

    array = zarr.create_array(str(folder / "a.zarr"), data=DATA)
    return ZarrArray(folder / "a.zarr", array), DATA


def memory() -> MemoryArray:
    return MemoryArray(DATA)


KINDS: dict[type[ArrayBase], Callable[[Path], Made]] = {
    RawArray: raw,
    FramesAt: at_places,
    PictureFrames: pictures,
    PageFrames: pages,
    video.VideoFrames: film,
    FileFrames: files,
    Hdf5Array: hdf5,
    DaskArray: dask,
    ZarrArray: zarr,
    Reordered: lambda _: (Reordered(memory(), (2, 0, 1)), DATA.transpose(2, 0, 1)),
    Flattened: lambda _: (Flattened(MemoryArray(DATA[None]), 2), DATA),
    Unflattened: lambda _: (Unflattened(MemoryArray(DATA.reshape(48, 32)), (3, 16)), DATA),
    Flipped: lambda _: (Flipped(memory(), 2), DATA[:, :, ::-1]),
    Converted: lambda _: (Converted(memory(), np.negative, DATA.dtype), np.negative(DATA)),
    GreyChannels: lambda _: (GreyChannels(MemoryArray(np.repeat(DATA[..., None], 3, -1))), DATA),
    maps._Fixed: lambda _: (maps._Fixed(MemoryArray(np.stack([DATA, DATA + 1], 1)), {1: 1}), DATA + 1),
}


def all_kinds(kind: type = ArrayBase) -> set[type]:
    own = {each for each in kind.__subclasses__() if each.__module__.startswith("tandem_em.importers")}
    return own.union(*(all_kinds(each) for each in kind.__subclasses__())) - {View}


def test_every_kind_of_the_importers_is_asked_below() -> None:
    for module in pkgutil.walk_packages(tandem_em.importers.__path__, "tandem_em.importers."):
        importlib.import_module(module.name)
    assert all_kinds() == set(KINDS)


@pytest.fixture
def zarr_ends() -> Iterator[None]:
    """Zarr keeps a thread of its own until the program ends."""
    yield
    from zarr.core.sync import cleanup_resources

    cleanup_resources()


@pytest.mark.usefixtures("zarr_ends")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_numpy_gets_the_numbers_of_any_kind(kind: type[ArrayBase], tmp_path: Path) -> None:
    source, array = KINDS[kind](tmp_path)
    assert type(source) is kind
    assert (source.shape, source.dtype) == (array.shape, array.dtype)
    assert (len(source), source.ready, source.is_growing, source.is_packed) == (
        len(array),
        len(array),
        False,
        False,
    )
    np.testing.assert_array_equal(np.asarray(source), array)
    for index in INDICES:
        np.testing.assert_array_equal(source[index], array[index])
    with pytest.raises(IndexError):
        source[len(array)]
    source.close()


def test_a_view_is_as_packed_as_what_it_shows() -> None:
    class Packed(MemoryArray):
        @property
        def is_packed(self) -> bool:
            return True

    assert Flipped(Packed(DATA), 0).is_packed
