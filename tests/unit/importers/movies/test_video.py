"""Films with frames out of order, lost or cut off: each frame that can be read is the one its stamp says."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from microscope_reading import opened, stack_in
from numpy.typing import NDArray

from tandem_em.importers.movies.h264 import Pictures

HEIGHT, WIDTH, BITS = 64, 96, 8
COUNT = 80
STEADY = [40 * number for number in range(COUNT)]
UNEVEN = np.cumsum([0] + [40 if number % 7 else 115 for number in range(COUNT - 1)]).tolist()


def picture(number: int) -> NDArray[np.uint8]:
    """The number as eight bright or dark fields above something that changes."""
    image = np.full((HEIGHT, WIDTH), 128, np.uint8)
    for bit in range(BITS):
        image[:32, bit * 12 : (bit + 1) * 12] = 220 if number >> bit & 1 else 40
    image[32:] = np.random.default_rng(number).integers(100, 160, (32, WIDTH))
    return image


def number_in(image: Any) -> int:
    fields = image[8:24].reshape(16, BITS, 12)[:, :, 3:9].mean(axis=(0, 2))
    assert np.all((fields > 170) | (fields < 90)), "not legible"
    return int(sum(1 << bit for bit in range(BITS) if fields[bit] > 130))


X264 = "b-adapt=0:scenecut=0:bframes={b}:b-pyramid={pyramid}:open-gop={open}:keyint={key}:min-keyint=4"
KINDS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "pyramid.avi": ("libx264", "yuv420p", "", {"b": "3", "pyramid": "normal", "open": "0", "key": "12"}),
    "bframes.avi": ("libx264", "yuv420p", "", {"b": "2", "pyramid": "none", "open": "0", "key": "12"}),
    "one_key.avi": ("libx264", "yuv420p", "", {"b": "2", "pyramid": "none", "open": "0", "key": "250"}),
    "one_key.mkv": ("libx264", "yuv420p", "", {"b": "2", "pyramid": "none", "open": "0", "key": "250"}),
    "open.avi": ("libx264", "yuv420p", "", {"b": "3", "pyramid": "normal", "open": "1", "key": "12"}),
    "open.mkv": ("libx264", "yuv420p", "", {"b": "3", "pyramid": "normal", "open": "1", "key": "12"}),
    "bframes.mp4": ("libx264", "yuv420p", "", {"b": "2", "pyramid": "normal", "open": "0", "key": "12"}),
    "bframes.mkv": ("libx264", "yuv420p", "", {"b": "2", "pyramid": "normal", "open": "0", "key": "12"}),
    "deep.avi": ("libx264", "yuv420p10le", "", {"b": "3", "pyramid": "normal", "open": "0", "key": "12"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", "bf", {}),
    "mpeg4.mp4": ("mpeg4", "yuv420p", "bf", {}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", "", {}),
    "ffv1.mkv": ("ffv1", "gray", "", {}),
    "vp8.webm": ("libvpx", "yuv420p", "alt", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", "", {}),
    "hevc.mp4": ("libx265", "yuv420p", "", {}),
}


def film(path: Path, stamps: list[int] = STEADY) -> Path:
    codec, pixels, more, x264 = KINDS[path.name]
    options = {
        "bf": {"bf": "2", "g": "12", "qscale": "3"},
        "alt": {"auto-alt-ref": "1", "lag-in-frames": "10"},
    }.get(more, {})
    if x264:
        options = {"x264-params": X264.format(**x264)}
    elif codec == "libx265":
        options = {"x265-params": "log-level=none:keyint=12"}
    tick = 40 if path.suffix == ".avi" else 1
    try:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
            stream.codec_context.time_base = Fraction(tick, 1000)
            for number, stamp in enumerate(stamps):
                frame = av.VideoFrame.from_ndarray(picture(number), format="gray").reformat(format=pixels)
                frame.pts, frame.time_base = stamp // tick, Fraction(tick, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except (av.error.FFmpegError, ValueError) as error:
        pytest.skip(f"{codec} cannot be written here: {error}")
    return path


def torn(path: Path, number: int) -> Path:
    """Random bytes over the end of a packet and what follows: the file has lost its thread there."""
    content, packet = bytearray(path.read_bytes()), packets(path)[number]
    at = content.index(packet) + len(packet) - 4
    content[at : at + 60] = random.Random(number).randbytes(60)
    path.write_bytes(content)
    return path


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def damaged(path: Path, number: int, part: str = "all") -> Path:
    """Random bytes over a packet, or over its head or its middle."""
    content, packet = bytearray(path.read_bytes()), packets(path)[number]
    at = content.index(packet)
    first, last = {
        "all": (0, len(packet)),
        "head": (0, min(60, len(packet))),
        "middle": (len(packet) // 2, min(len(packet), len(packet) // 2 + 60)),
    }[part]
    content[at + first : at + last] = random.Random(number).randbytes(last - first)
    path.write_bytes(content)
    return path


def check_each(stack: Any, stamps: list[int], *, shuffled: bool = True) -> set[int]:
    """Every frame carries the number its stamp belongs to, in any order of reading; returns the numbers."""
    order = list(range(len(stack)))
    straight = [np.array(stack.frame(number)) for number in order]
    found = set()
    for number, image in zip(order, straight, strict=True):
        shown = number_in(image >> 8 if image.dtype == np.uint16 else image)
        assert stack.times[number] * 1e3 == pytest.approx(stamps[shown], abs=1.5)
        found.add(shown)
    if shuffled:
        random.Random(1).shuffle(order)
        for number in order:
            assert np.array_equal(stack.frame(number), straight[number]), number
    stack.source.close()
    return found


@pytest.mark.parametrize("name", KINDS)
def test_sound_films_give_every_frame_at_its_time(tmp_path: Path, name: str) -> None:
    imported = opened(film(tmp_path / name))
    stack: Any = imported.items[0]
    assert not [said for said in imported.problems if "pixel size" not in said]
    assert stack.times[0] == 0.0
    assert check_each(stack, STEADY) == set(range(COUNT))


@pytest.mark.parametrize("name", ["bframes.mp4", "bframes.mkv", "mpeg4.mp4", "open.mkv"])
def test_uneven_films_give_every_frame_at_its_time(tmp_path: Path, name: str) -> None:
    stack = stack_in(film(tmp_path / name, UNEVEN))
    assert stack.times_from == "file"
    assert check_each(stack, UNEVEN) == set(range(COUNT))


@pytest.mark.parametrize(
    "name",
    ["bframes.avi", "pyramid.avi", "bframes.mp4", "bframes.mkv", "mpeg4.avi", "mjpeg.avi", "one_key.avi"],
)
@pytest.mark.parametrize("number", [0, 1, 5, 37, 40, 41, 42, 79])
@pytest.mark.parametrize("part", ["all", "head"])
def test_one_damaged_packet_leaves_the_others_at_their_times(
    tmp_path: Path, name: str, number: int, part: str
) -> None:
    if (name, part) == ("mjpeg.avi", "head"):
        pytest.skip("nothing is noticed")
    if number == 0 and KINDS[name][0] == "libx264" and name.endswith("avi"):
        pytest.skip("FFmpeg does not open it: the description of the film was in there")
    imported = opened(damaged(film(tmp_path / name), number, part))
    stack: Any = imported.items[0]
    found = check_each(stack, STEADY)
    assert len(found) == len(stack) < COUNT
    assert any("could not be decoded" in said for said in imported.problems)
    counted = sum(int(said.split()[0]) for said in imported.problems if "left out" in said)
    assert counted == COUNT - len(stack)
    if name != "one_key.avi":
        assert len(stack) >= COUNT - 16  # a group of pictures and what is shown before the next one


@pytest.mark.parametrize("name", ["bframes.avi", "bframes.mp4", "one_key.avi", "mpeg4.avi"])
def test_a_lost_frame_that_no_other_is_built_on_costs_one(tmp_path: Path, name: str) -> None:
    codec_says = {"mpeg4.avi": 41}.get(name)
    path = film(tmp_path / name)
    reader = Pictures(_extradata(path))
    pictures = [reader.read(packet) for packet in packets(path)]
    number = codec_says or next(
        n for n in range(30, COUNT) if (found := pictures[n]) is not None and not found.is_reference
    )
    imported = opened(damaged(path, number))
    assert len(check_each(imported.items[0], STEADY)) == COUNT - 1
    assert f"1 frame of {name} could not be decoded and is left out." in imported.problems


def _extradata(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def test_several_damaged_packets(tmp_path: Path) -> None:
    path = film(tmp_path / "bframes.avi")
    for number in (20, 45, 46, 66):
        damaged(path, number)
    stack = stack_in(path)
    assert len(check_each(stack, STEADY)) >= 40


@pytest.mark.parametrize("name", ["bframes.avi", "bframes.mkv", "mpeg4.avi", "mjpeg.avi", "vp9.webm"])
@pytest.mark.parametrize("number", [24, 50, 75])
def test_cut_films_play_as_far_as_they_go(tmp_path: Path, name: str, number: int) -> None:
    path = film(tmp_path / name)
    content, packet = path.read_bytes(), packets(path)[number]
    path.write_bytes(content[: content.index(packet) + len(packet) // 2])
    imported = opened(path)
    found = check_each(imported.items[0], STEADY)
    assert number - 16 <= len(found) <= number + 1
    assert any("cut off" in said or "could not be decoded" in said for said in imported.problems)


@pytest.mark.parametrize("name", ["bframes.avi", "bframes.mkv", "mpeg4.avi", "mjpeg.avi"])
@pytest.mark.parametrize("number", [1, 20, 37, 64])
def test_a_torn_file_goes_on_behind_the_tear(tmp_path: Path, name: str, number: int) -> None:
    imported = opened(torn(film(tmp_path / name), number))
    assert len(check_each(imported.items[0], STEADY)) >= number - 16


def test_a_film_that_never_decodes_is_refused_in_a_sentence(tmp_path: Path) -> None:
    from tandem_em.core.notices import UserError

    path = film(tmp_path / "one_key.mkv")
    with pytest.raises(UserError, match="no frame"):
        opened(damaged(path, 0))


def test_heads_of_pictures_tell_order_and_use(tmp_path: Path) -> None:
    for name in ("pyramid.avi", "bframes.mp4", "deep.avi"):
        path = film(tmp_path / name)
        reader = Pictures(_extradata(path))
        pictures = [reader.read(packet) for packet in packets(path)]
        orders = reader.orders(pictures)
        assert all(order is not None for order in orders)
        assert sum(each is not None and each.is_key for each in pictures) == 7
        assert 0 < sum(each is not None and each.is_reference for each in pictures) < COUNT
        assert sorted(order for order in orders[:12] if order is not None) == list(range(0, 24, 2))
        assert Pictures(b"").read(random.Random(3).randbytes(500)) is None
