"""Watched folders: every complete file once, no half-written one, nothing but the newest folders of a long film."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import wait_until

from tandem_em.core.notices import UserError
from tandem_em.formats.frame_names import frame_times
from tandem_em.model.arrays import MemoryArray
from tandem_em.model.frames import FrameStack
from tandem_em.model.items import Item
from tandem_em.model.spectra import SpectrumImage
from tandem_em.sources.core.base import Block, EventBlock, FrameBlock
from tandem_em.sources.files import folder_watch
from tandem_em.sources.files.folder_scan import FolderScan, gatan_seconds, natural
from tandem_em.sources.files.folder_watch import FolderSource, is_filled, own_time
from tandem_em.sources.files.settings import FolderTable
from tandem_em.sources.files.tail_simulator import FolderWriter


def image(number: int) -> np.ndarray[Any, Any]:
    return np.full((16, 24), number + 1, np.uint16)


def tiff(number: int) -> bytes:
    import tifffile

    stream = io.BytesIO()
    tifffile.imwrite(stream, image(number))
    return stream.getvalue()


def read_tiff(path: Path) -> Sequence[Item]:
    import tifffile

    if path.suffix == ".bad":
        raise UserError(f"{path.name} is damaged.", "Copy it again.")
    if path.suffix == ".map":
        return [SpectrumImage(name=path.stem)]
    return [FrameStack(name=path.stem, source=MemoryArray(tifffile.imread(path)[None]), pixel_nm=0.5)]


def watch(folder: Path, read_file: Any = read_tiff, **more: Any) -> FolderSource:
    source = FolderSource(FolderTable(name="camera", path=folder, poll_s=0.02, **more), read_file)
    source.start()
    return source


def collect(
    source: FolderSource, is_enough: Callable[[list[Block]], bool], limit_s: float = 60.0
) -> list[Block]:
    blocks: list[Block] = []
    deadline = time.monotonic() + limit_s
    while not is_enough(blocks):
        assert time.monotonic() < deadline, (source.status(), blocks[-3:])
        block = source.read(0.2)
        if block is not None:
            blocks.append(block)
    return blocks


def frames_of(blocks: list[Block]) -> list[FrameBlock]:
    return [block for block in blocks if isinstance(block, FrameBlock)]


def seen(source: FolderSource, wait_s: float = 2.0) -> None:
    """The folder was looked at once."""
    wait_until(lambda: not source._scan._skip_present, wait_s)


@pytest.mark.parametrize(
    ("way", "count", "pause_s"), [("plain", 40, 0.01), ("preallocated", 20, 0.07), ("renamed", 40, 0.01)]
)
def test_every_frame_once_and_none_empty(tmp_path: Path, way: str, count: int, pause_s: float) -> None:
    source = watch(tmp_path, pattern="*.tif")
    seen(source)
    writer = FolderWriter(tiff, lambda n: tmp_path / f"film_{n:04d}.tif", count, way=way, pause_s=pause_s)
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == count))
    writer.close()
    described = source.describe()
    source.close()
    assert [f.frame_number for f in frames] == list(range(count))
    assert all(np.array_equal(f.frame, image(f.frame_number)) for f in frames)
    assert source.status().missed == source.status().refused == 0
    assert frames[3].info["file"] == "film_0003.tif"
    assert (described.pixel_nm, described.frame_shape) == (0.5, (16, 24))
    times = [f.time for f in frames]
    assert times == sorted(times)


def test_the_files_own_time_counts(tmp_path: Path) -> None:
    for number in range(3):
        path = tmp_path / f"film_{number}.tif"
        path.write_bytes(tiff(number))
        os.utime(path, (1_700_000_000 + 10 * number,) * 2)
    source = watch(tmp_path, from_start=True)
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == 3))
    source.close()
    assert [f.time for f in frames] == pytest.approx([0, 10, 20])
    assert source.clock_fit().origin == "file time"
    assert source.clock_fit().uncertainty_s >= 1.0
    stack = FrameStack(times=np.array([2.5]))
    stack.clock.start_iso = "2024-03-01T12:00:00+00:00"
    scan = FolderScan(tmp_path, from_start=True)
    scan.poll(0.0)
    candidate = scan.poll(0.1)[0]
    assert own_time(stack, 0, candidate) == 1709294402.5
    stack.times = np.array([np.nan])
    assert own_time(stack, 0, candidate) == pytest.approx(1_700_000_000)


def test_what_was_there_before_is_left_alone_and_holes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "film_1.tif").write_bytes(tiff(1))
    source = watch(tmp_path)
    seen(source)
    for number in (2, 3, 6):
        (tmp_path / f"film_{number}.tif").write_bytes(tiff(number))
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == 3))
    source.close()
    assert [f.frame_number for f in frames] == [2, 3, 6]
    assert source.status().missed == 2


def test_other_files_are_announced_and_broken_ones_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tandem_em.sources.files.folder_watch.GIVE_UP_S", 0.1)
    source = watch(tmp_path)
    seen(source)
    (tmp_path / "a.bad").write_bytes(b"x")
    (tmp_path / "b.map").write_bytes(b"x")
    events = [b for b in collect(source, lambda b: len(b) == 2) if isinstance(b, EventBlock)]
    source.close()
    assert "a.bad is damaged" in events[0].text
    assert events[1].data["file"] == str(tmp_path / "b.map")
    assert events[1].data["kinds"] == ["map"]
    assert source.status().refused == 1


def test_an_empty_file_is_never_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tandem_em.sources.files.folder_watch.GIVE_UP_S", 0.1)
    source = watch(tmp_path)
    seen(source)
    blank = FrameStack(source=MemoryArray(np.zeros((1, 4, 4), np.uint8)))
    source._read_file = lambda _path: [blank]
    (tmp_path / "a.tif").write_bytes(b"x")
    blocks = collect(source, lambda b: len(b) == 1)
    source.close()
    assert "is empty" in blocks[0].text  # type: ignore[union-attr]
    assert is_filled(np.eye(3), 0.0)
    assert not is_filled(np.array([[1, 1], [0, 0]]), 1.0)
    assert is_filled(np.array([[1, 1], [0, 0]]), 11.0)


def gatan(root: Path, hour: int, minute: int, second: int, number: int) -> Path:
    return (
        root
        / f"Hour_{hour:02d}"
        / f"Minute_{minute:02d}"
        / f"Second_{second:02d}"
        / f"film_Frame_{number:04d}.tif"
    )


def test_the_gatan_layout(tmp_path: Path) -> None:
    root = tmp_path / "film"
    order = [
        gatan(root, 0, 59 if n < 4 else 0, 58 + n // 2 if n < 4 else n // 2 - 2, n % 2) for n in range(8)
    ]
    order[4:] = [gatan(root, 1, 0, n // 2, n % 2) for n in range(4)]
    source = watch(tmp_path, layout="gatan")
    seen(source)
    writer = FolderWriter(tiff, lambda n: order[n], 8, way="plain", pause_s=0.02)
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == 8))
    writer.close()
    source.close()
    assert [int(f.frame[0, 0]) - 1 for f in frames] == list(range(8))
    assert [f.frame_number for f in frames] == list(range(8))


@pytest.mark.parametrize(("rate", "begin_s"), [(4.0, 0.0), (4.0, 1.5), (5.5, 0.0)])
def test_live_frames_of_one_second_have_the_times_of_the_import(
    tmp_path: Path, rate: float, begin_s: float
) -> None:
    true = begin_s + np.arange(int(5 * rate)) / rate
    seconds = np.floor(true).astype(int)
    numbers = np.arange(len(true)) - np.searchsorted(seconds, seconds)
    order = [gatan(tmp_path / "film", 0, 0, s, n) for s, n in zip(seconds.tolist(), numbers.tolist())]

    def read_stamped(path: Path) -> Sequence[Item]:
        stack = read_tiff(path)[0]
        assert isinstance(stack, FrameStack)
        stack.clock.start_iso = (
            f"2024-03-01T12:00:{int(path.parent.name[-2:]):02d}+00:00"  # whole seconds only
        )
        stack.times, stack.exposure_s = np.zeros(1), 1 / rate
        return [stack]

    source = watch(tmp_path, read_stamped, layout="gatan")
    seen(source)
    writer = FolderWriter(tiff, lambda n: order[n], len(order), way="plain", pause_s=0.01)
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == len(order)))
    writer.close()
    source.close()
    wanted, _ = frame_times(np.column_stack([seconds, numbers]), 1 / rate)
    times = np.array([f.time for f in frames])
    assert np.all(np.diff(times) > 0)
    np.testing.assert_allclose(times, wanted - wanted[0], atol=1e-6 if rate == 4.0 else 1 / rate)


def test_only_the_newest_folders_of_a_long_film_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(5):
        for second in range(60):
            gatan(tmp_path, 0, minute, second, 0).parent.mkdir(parents=True)
    newest = gatan_seconds(tmp_path)
    assert [f"{p.parent.name}/{p.name}" for p in newest] == [f"Minute_04/Second_{s}" for s in (57, 58, 59)]
    (tmp_path / "Hour_01" / "Minute_00" / "Second_00").mkdir(parents=True)
    assert [p.name for p in gatan_seconds(tmp_path)] == ["Second_58", "Second_59", "Second_00"]
    assert len(gatan_seconds(tmp_path, None)) == 301
    scan = FolderScan(tmp_path)
    looked: list[Path] = []
    monkeypatch.setattr(scan, "_look_into", lambda folder, now: looked.append(folder))
    scan.poll(0.0)
    assert len(looked) == 3


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    source = watch(tmp_path / "gone")
    block = source.read(2.0)
    source.close()
    assert isinstance(block, EventBlock)
    assert "gone" in block.text


def test_people_count_naturally() -> None:
    assert sorted(["f10", "f2", "f1"], key=natural) == ["f1", "f2", "f10"]


def slow_watch(folder: Path) -> FolderSource:
    """A source that has looked once and will not look again for a minute."""
    source = FolderSource(FolderTable(name="camera", path=folder, pattern="*.tif", poll_s=60), read_tiff)
    source.start()
    seen(source)
    return source


def test_files_that_lie_there_when_the_source_is_stopped_still_count(tmp_path: Path) -> None:
    source = slow_watch(tmp_path)
    for number in range(5):
        (tmp_path / f"film_{number:04d}.tif").write_bytes(tiff(number))
    source.stop()
    frames = frames_of(list(iter(lambda: source.read(0.1), None)))
    assert [f.frame_number for f in frames] == list(range(5))


def test_files_for_which_there_was_no_time_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "LAST_LOOK_S", 0.0)
    source = slow_watch(tmp_path)
    for number in range(5):
        (tmp_path / f"film_{number:04d}.tif").write_bytes(tiff(number))
    source.stop()
    said = [b.text for b in iter(lambda: source.read(0.1), None) if isinstance(b, EventBlock)]
    assert len(said) == 1
    assert "5 files" in said[0]


def test_all_files_of_a_folder_that_is_made_later_are_new(tmp_path: Path) -> None:
    """A camera program makes the folder of a series and its first files in one moment."""
    source = watch(tmp_path / "series", pattern="*.tif")
    collect(source, lambda b: source.status().state == "lost")
    made = tmp_path / "made"
    made.mkdir()
    for number in range(3):
        (made / f"film_{number:04d}.tif").write_bytes(tiff(number))
    made.rename(tmp_path / "series")
    frames = frames_of(collect(source, lambda b: len(frames_of(b)) == 3))
    source.close()
    assert [f.frame_number for f in frames] == [0, 1, 2]
