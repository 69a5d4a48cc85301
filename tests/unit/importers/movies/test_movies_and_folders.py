"""TIFF stacks, films, pictures and folders of frames: right pixels, true stamps, one frame at a time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from microscope_reading import importer_of, opened, stack_in
from PIL import Image
from places import DATA

from tandem_em.core.notices import UserError
from tandem_em.importers.core.base import ImportOptions
from tandem_em.importers.core.companion import table_times
from tandem_em.importers.folders.images import natural
from tandem_em.model.frames import FrameStack

RNG = np.random.default_rng(5)
FRAMES = RNG.integers(0, 60000, (6, 20, 30)).astype(np.uint16)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bigtiff": True, "byteorder": ">"},
        {"compression": "zlib"},
        {"tile": (16, 16)},
        {"rowsperstrip": 7},
        {"compression": "zlib", "predictor": True},
    ],
)
def test_tiff_pages_however_they_are_stored(tmp_path: Path, options: dict[str, object]) -> None:
    import tifffile

    path = tmp_path / "stack.tif"
    try:
        tifffile.imwrite(path, FRAMES, photometric="minisblack", metadata=None, **options)
    except (ImportError, ValueError) as error:
        pytest.skip(f"cannot be written here: {error}")
    stack = stack_in(path)
    assert stack.shape == FRAMES.shape
    assert stack.source.dtype == np.uint16
    for number in (0, 5, 2):
        assert np.array_equal(stack.frame(number), FRAMES[number])
    assert np.array_equal(stack.source.read((slice(1, 3), 4)), FRAMES[1:3, 4])
    stack.source.close()


def test_imagej_movies_have_times_and_pixel_sizes(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "ij.tif"
    metadata = {"axes": "TYX", "unit": "nm", "finterval": 0.5, "fps": 2.0}
    tifffile.imwrite(path, FRAMES, imagej=True, resolution=(5.0, 5.0), metadata=metadata)
    stack = stack_in(path)
    assert stack.pixel_nm == pytest.approx(0.2)
    assert stack.times == pytest.approx(np.arange(6) * 0.5)
    assert (stack.times_from, stack.axis0_is_time) == ("nominal", True)


def test_frame_stamps_in_the_description_are_kept(tmp_path: Path) -> None:
    import json

    import tifffile

    path = tmp_path / "stamped.tif"
    info = {"FrameInfo": [{"t": t} for t in (10.0, 10.1, 10.2, 10.2, 10.6, 10.5)]}
    tifffile.imwrite(path, FRAMES, photometric="minisblack", description=json.dumps(info), metadata=None)
    imported = opened(path)
    stack = imported.items[0]
    assert stack.times == pytest.approx([0.0, 0.1, 0.2, 0.2, 0.6, 0.5])  # type: ignore[attr-defined]
    assert stack.times_from == "file"  # type: ignore[attr-defined]
    said = " ".join(imported.problems)
    assert "duplicated" in said
    assert "backwards" in said
    assert "dropped" in said


def test_digitalmicrograph_tiffs_bring_their_own_calibration() -> None:
    stack = stack_in(DATA / "tem/test_loading_image_saved_with_DM_stack.tif")
    assert stack.times == pytest.approx([0.0, 2.5])
    assert stack.pixel_nm == pytest.approx(168.674, abs=1e-3)


def test_images_of_another_size_are_counted_and_left_out(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "mixed.tif"
    with tifffile.TiffWriter(path) as tif:
        for shape in ((20, 30), (20, 30), (8, 8), (20, 30)):
            tif.write(np.ones(shape, np.uint16), photometric="minisblack", metadata=None)
    imported = opened(path)
    assert imported.items[0].shape == (3, 20, 30)  # type: ignore[attr-defined]
    assert any("1 image of another size" in problem for problem in imported.problems)


def film(path: Path, codec: str, pixels: str, stamps: list[int], colour: bool = False) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, stamp in enumerate(stamps):
            image = np.full((48, 64, 3), 30, np.uint8)
            image[:16] = number * 6
            if colour:
                image[:16, :, 2] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


STAMPS = np.cumsum([0] + [40 if i % 7 else 115 for i in range(29)]).tolist()


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "tolerance"),
    [("a.mp4", "libx264", "yuv420p", 4), ("b.mkv", "ffv1", "gray", 0), ("c.mkv", "ffv1", "bgr0", 0)],
)
def test_films_keep_variable_stamps_and_give_any_frame(
    tmp_path: Path, name: str, codec: str, pixels: str, tolerance: int
) -> None:
    import av

    path = tmp_path / name
    try:
        film(path, codec, pixels, STAMPS)
    except (av.error.FFmpegError, ValueError) as error:
        pytest.skip(f"{codec} cannot be written here: {error}")
    stack = stack_in(path)
    assert stack.shape == (30, 48, 64)
    assert stack.source.dtype == np.uint8
    assert stack.times == pytest.approx(np.array(STAMPS) / 1e3, abs=2e-3)
    assert stack.times_from == "file"
    for number in (0, 7, 29, 3, 4, 28, 5):
        assert abs(int(stack.frame(number)[5, 5]) - number * 6) <= tolerance
    stack.source.close()


def test_coloured_films_become_grey(tmp_path: Path) -> None:
    film(tmp_path / "c.mkv", "ffv1", "bgr0", [0, 40, 80], colour=True)
    stack = stack_in(tmp_path / "c.mkv")
    assert stack.frame(0)[5, 5] == round(0.114 * 255)
    stack.source.close()


def test_a_film_with_one_rate_for_all_is_nominal(tmp_path: Path) -> None:
    film(tmp_path / "a.avi", "mjpeg", "yuvj420p", [40 * i for i in range(5)])
    stack = stack_in(tmp_path / "a.avi")
    assert stack.times_from == "nominal"
    assert stack.times == pytest.approx(np.arange(5) * 0.04, abs=1e-3)
    stack.source.close()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_cut_film_plays_as_far_as_it_goes(tmp_path: Path, part: float) -> None:
    path = tmp_path / "a.mkv"
    film(path, "ffv1", "gray", STAMPS)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    stack = stack_in(path)
    assert 0 < len(stack) < 30
    assert stack.frame(0)[5, 5] == 0
    stack.source.close()


def pictures(folder: Path, numbers: range, name: str = "image_{}.png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        rgba = np.full((10, 12, 4), 255, np.uint8)
        rgba[..., :3] = number
        Image.fromarray(rgba).save(folder / name.format(number))


def test_natural_order() -> None:
    assert sorted(["a10.png", "a2.png", "A1.png"], key=natural) == ["A1.png", "a2.png", "a10.png"]
    assert sorted(["image_10", "image_9", "image_100"], key=natural) == ["image_9", "image_10", "image_100"]


def test_grey_rgba_pictures_in_a_folder(tmp_path: Path) -> None:
    pictures(tmp_path / "film", range(8, 13))
    (tmp_path / "film" / "notes.txt").write_text("hello")
    (tmp_path / "film" / ".hidden.png").write_bytes(b"x")
    imported = opened(tmp_path / "film")
    stack = imported.items[0]
    assert stack.shape == (5, 10, 12)  # type: ignore[attr-defined]
    assert [int(stack.frame(i)[0, 0]) for i in range(5)] == [8, 9, 10, 11, 12]  # type: ignore[attr-defined]
    assert stack.name == "film"  # type: ignore[attr-defined]
    assert [question.key for question in imported.questions] == ["axis0_is_time"]
    timed = stack_in(tmp_path / "film", ImportOptions(frame_interval_s=0.2, axis0_is_time=True))
    assert timed.times == pytest.approx(np.arange(5) * 0.2)


def test_a_log_in_the_folder_gives_the_times(tmp_path: Path) -> None:
    pictures(tmp_path / "film", range(4))
    rows = [
        "2024-05-06 10:00:00.000",
        "2024-05-06 10:00:00.500",
        "2024-05-06 10:00:01.000",
        "2024-05-06 10:00:03.000",
    ]
    (tmp_path / "film" / "log.csv").write_text("file,timestamp\n" + "\n".join(f"x,{row}" for row in rows))
    stack = stack_in(tmp_path / "film")
    assert stack.times == pytest.approx([0.0, 0.5, 1.0, 3.0])
    assert stack.times_from == "companion log"
    assert stack.clock.start_iso.startswith("2024-05-06T10:00:00")


def test_odd_pictures_are_named_and_the_movie_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    pictures(folder, range(6))
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "image_2.png")
    (folder / "image_4.png").write_bytes((folder / "image_4.png").read_bytes()[:10])
    imported = opened(folder)
    stack = imported.items[0]
    assert stack.bad_frames == [2, 4]  # type: ignore[attr-defined]
    assert any("image_2.png" in problem for problem in imported.problems)
    assert stack.frame(5)[0, 0] == 5  # type: ignore[attr-defined]
    for bad in (2, 4):
        with pytest.raises(UserError, match=f"image_{bad}.png"):
            stack.frame(bad)  # type: ignore[attr-defined]


def test_a_folder_without_images_is_nobodys(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        opened(tmp_path)


def test_gatan_recordings_take_times_from_their_names(tmp_path: Path) -> None:
    frame = (DATA / "tem/test_STEM_image.dm3").read_bytes()
    for second, numbers in ((7, range(2, 4)), (8, range(4)), (9, (0, 1, 3)), (10, range(4))):
        folder = tmp_path / "Rec" / "Hour_00" / "Minute_00" / f"Second_{second:02d}"
        folder.mkdir(parents=True)
        for number in numbers:
            name = f"Rec_Hour_00_Minute_00_Second_{second:02d}_Frame_{number:04d}.dm3"
            (folder / name).write_bytes(frame)
    imported = opened(tmp_path / "Rec")
    stack = imported.items[0]
    assert stack.shape == (13, 68, 68)  # type: ignore[attr-defined]
    assert stack.times[:4] == pytest.approx([7.5, 7.75, 8.0, 8.25])  # type: ignore[attr-defined]
    assert stack.times_from == "frame files"  # type: ignore[attr-defined]
    assert stack.pixel_nm == pytest.approx(0.2485, abs=1e-4)  # type: ignore[attr-defined]
    assert any("1 frame missing" in problem for problem in imported.problems)
    assert stack.frame(12).shape == (68, 68)  # type: ignore[attr-defined]


@pytest.mark.parametrize("rate", [4.0, 5.5])
def test_gatan_frames_of_one_second_are_told_apart_though_their_stamps_are_not(
    tmp_path: Path, rate: float
) -> None:
    frame = (DATA / "tem/test_STEM_image.dm3").read_bytes()
    stamp = "4:26:37 PM".encode("utf-16-le")
    assert stamp in frame
    true = 2.6 + np.arange(int(6 * rate)) / rate
    seconds = np.floor(true).astype(int)
    for number, second in enumerate(seconds):
        folder = tmp_path / "Rec" / "Hour_00" / "Minute_00" / f"Second_{second:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        name = (
            f"Rec_Hour_00_Minute_00_Second_{second:02d}_Frame_{number - np.argmax(seconds == second):04d}.dm3"
        )
        own = f"4:26:{37 + second} PM".encode("utf-16-le")
        (folder / name).write_bytes(frame.replace(stamp, own))
    imported = opened(tmp_path / "Rec")
    stack = imported.items[0]
    assert isinstance(stack, FrameStack)
    assert len(np.unique(stack.times)) == len(true)
    assert np.ptp(np.diff(stack.times)) < 0.02 / rate
    assert np.abs(stack.times - true).max() < 1.001 / rate
    assert "T16:26:37" in stack.clock.start_iso or "T16:26:36.9" in stack.clock.start_iso
    assert not any("missing" in problem or "share one" in problem for problem in imported.problems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0\n0.5\n1.5\n", [0.0, 0.5, 1.5]),
        ("frame,t_ms\n1,0\n2,500\n3,1500\n", [0.0, 0.5, 1.5]),
        ("frame\ttime [ms]\n1\t0\n2\t500\n3\t1500\n", [0.0, 0.5, 1.5]),
        ("# a comment\nframe;Time (s)\n1;0,0\n2;0,5\n3;1,5\n", [0.0, 0.5, 1.5]),
        ("timestamp\n1700000000.0\n1700000000.5\n1700000001.5\n", [0.0, 0.5, 1.5]),
        ("a,b\n1,2\n3,4\n5,6\n", None),
    ],
)
def test_time_tables(text: str, expected: list[float] | None) -> None:
    read = table_times(text, 3)
    if expected is None:
        assert read is None
    else:
        assert read is not None
        assert read[0] == pytest.approx(expected)


def test_sixteen_bit_and_animated_pictures(tmp_path: Path) -> None:
    deep = RNG.integers(0, 65535, (9, 11)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(stack_in(tmp_path / "deep.png").frame(0), deep)
    frames = [Image.fromarray(np.full((9, 11), 40 * i, np.uint8)) for i in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=200)
    stack = stack_in(tmp_path / "a.gif")
    assert stack.shape == (4, 9, 11)
    assert stack.times == pytest.approx(np.arange(4) * 0.2)
    assert stack.frame(3)[0, 0] == 120


def test_long_imports_tell_how_far_they_are(tmp_path: Path) -> None:
    pictures(tmp_path / "film", range(3))
    importer = importer_of(tmp_path / "film")
    assert importer is not None
    job = importer.read(tmp_path / "film", ImportOptions())
    steps = [next(job) for _ in range(2)]
    assert "film" in steps[-1].message
    job.close()


def test_all_files_that_were_read_are_named() -> None:
    names = {path.name for path in opened(DATA / "tem/64x64x5_TEM_preview.emi").files}
    assert names == {"64x64x5_TEM_preview.emi", "64x64x5_TEM_preview_1.ser"}
