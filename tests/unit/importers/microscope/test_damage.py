"""Damaged, cut, empty, hostile: a sentence or a shorter stack, never a traceback, a hang or absurd memory."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from microscope_reading import opened, stack_in, try_opening
from places import DATA

from tandem_em.core.notices import UserError
from tandem_em.model.frames import FrameStack

OWN = (
    "tem/Custom_movie.mrc", "tem/test_STEM_image.dm3", "tem/test1.blo", "tem/64x64x5_TEM_preview_1.ser",
    "tem/test_tvips_2233_000.tvips", "eels/ref_F_2_1.dm3", "eels/ref_F_2_1.dm4", "eels/line.msa", "eels/example2.msa",
    "tem/test_loading_image_saved_with_DM_stack.tif", "tem/example_image_2d.unf",
)  # fmt: skip
ALL = (*OWN, "eels/Cr_L_cl.hspy", "tem/fei_example_tem_stack.emd", "eels/ce3_edge.hdf5", "eels/EELS_SI.dm4")
MEMORY = 300 << 20


def try_everything(path: Path) -> str:
    """Open and read the first and last piece; the sentence when it was refused."""
    imported, refusal = try_opening(path)
    if imported is None:
        assert refusal.rstrip().endswith((".", ")"))
        return refusal
    assert imported.items
    for item in imported.items:
        source = item.source  # type: ignore[attr-defined]
        try:
            assert source.read(0).shape == source.shape[1:]
            source.read(-1)
        except UserError as error:
            refusal = error.title
        source.close()
    return refusal


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(ALL), part=st.floats(0.0, 1.0))
def test_cut_anywhere(tmp_path: Path, name: str, part: float) -> None:
    whole = (DATA / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(whole[: int(len(whole) * part)])
    tracemalloc.start()
    try_everything(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY


@example(
    name=OWN[-2], places=[(0.4837165044187651, b"\x00\x00\x13")], early=False
)  # a strip 318 MB farther on
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(OWN),
    places=st.lists(
        st.tuples(st.floats(0.0, 1.0), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
    ),
    early=st.booleans(),
)
def test_garbled_anywhere(tmp_path: Path, name: str, places: list[tuple[float, bytes]], early: bool) -> None:
    data = bytearray((DATA / name).read_bytes())
    reach = min(len(data), 1100) if early else len(data)
    for part, junk in places:
        at = int(part * (reach - 1))
        data[at : at + len(junk)] = junk
    path = tmp_path / Path(name).name
    path.write_bytes(bytes(data))
    tracemalloc.start()
    try_everything(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY


SUFFIXES = ("dm3", "dm4", "mrc", "ser", "emi", "mib", "tvips", "blo", "tif", "png", "avi", "mp4", "hspy", "emd", "nxs",
            "msa", "unf", "rpl", "zspy")  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_but_noise_or_nothing_at_all(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, 5000, np.uint8).tobytes()
    for content in (b"", b"\x00" * 5000, noise, b"hello, this is no image\n" * 20):
        path = tmp_path / f"odd.{suffix}"
        path.write_bytes(content)
        assert try_everything(path)


def test_a_cut_stack_opens_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "movie.mrc"
    whole = (DATA / "tem/Custom_movie.mrc").read_bytes()
    path.write_bytes(whole[: 1024 + 512 * 10 + 100])
    imported = opened(path)
    assert imported.items[0].shape == (10, 16, 16)  # type: ignore[attr-defined]
    assert any("10 of 30 frames" in problem for problem in imported.problems)


def test_a_file_that_shrinks_later_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "movie.mrc"
    path.write_bytes((DATA / "tem/Custom_movie.mrc").read_bytes())
    stack = stack_in(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"movie\.mrc"):
        stack.frame(20)
    with pytest.raises(UserError, match="shorter"):
        stack.source.read((slice(None), 3, 4))


def sparse_mrc(path: Path, frames: int) -> None:
    head = np.zeros(256, "<i4")
    head[:4] = 2048, 2048, frames, 6
    with path.open("wb") as file:
        file.write(head.tobytes())
        file.truncate(1024 + frames * 2048 * 2048 * 2)


def sparse_tiff(path: Path, frames: int) -> None:
    import tifffile

    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for _ in range(3):
            tif.write(np.zeros((4, 4), np.uint16))
    # one page per frame, written by hand so that no pixel has to be
    size = 2048 * 2048 * 2
    with path.open("wb") as file:
        file.write(b"II+\x00\x08\x00\x00\x00" + (16 + frames * size).to_bytes(8, "little"))
        file.truncate(16 + frames * size)
        file.seek(0, 2)
        for number in range(frames):
            tags = [(256, 4, 2048), (257, 4, 2048), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 16, 16 + number * size),
                    (277, 3, 1), (278, 4, 2048), (279, 16, size), (339, 3, 1)]  # fmt: skip
            entry = len(tags).to_bytes(8, "little") + b"".join(
                code.to_bytes(2, "little")
                + kind.to_bytes(2, "little")
                + (1).to_bytes(8, "little")
                + value.to_bytes(8, "little")
                for code, kind, value in tags
            )
            after = file.tell() + len(entry) + 8
            file.write(entry + (0 if number == frames - 1 else after).to_bytes(8, "little"))


@pytest.mark.parametrize("make", [sparse_mrc, sparse_tiff])
def test_twenty_gigabytes_open_at_once(tmp_path: Path, make: object) -> None:
    path = tmp_path / ("big.mrc" if make is sparse_mrc else "big.tif")
    make(path, 2400)  # type: ignore[operator]
    opened(DATA / "tem/test_loading_image_saved_with_DM_stack.tif")  # the library is loaded once
    tracemalloc.start()
    start = time.perf_counter()
    (stack,) = opened(path).items
    assert isinstance(stack, FrameStack)
    took = time.perf_counter() - start
    assert stack.shape == (2400, 2048, 2048)
    assert stack.frame(2399).shape == (2048, 2048)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 2.0
    assert peak < 200 << 20


def test_a_huge_promise_in_a_small_compressed_picture_is_refused(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    head = struct.pack(">IIBBBBB", 12000, 12000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(UserError, match="claims"):
        opened(path)
