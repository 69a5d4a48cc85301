"""DECTRIS streams of both versions over real sockets, and what is refused before it costs memory."""

from __future__ import annotations

import json
import struct
import time
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.sources.core.base import Block, EventBlock, FrameBlock
from tandem_em.sources.core.compressed import decompressed
from tandem_em.sources.core.lz4_runs import bslz4_framed, lz4_framed
from tandem_em.sources.dectris.settings import DectrisTable
from tandem_em.sources.dectris.simulator import DectrisSimulator
from tandem_em.sources.dectris.source import DectrisSource
from tandem_em.sources.dectris.wire import (
    DectrisFormatError,
    DectrisFrame,
    SeriesStart,
    read_v2,
    v1_pixels,
)


def collect(source: DectrisSource, frames: int) -> list[Block]:
    blocks: list[Block] = []
    deadline = time.monotonic() + 60
    while sum(isinstance(block, FrameBlock) for block in blocks) < frames:
        assert time.monotonic() < deadline, source.status()
        block = source.read(0.5)
        if block is not None:
            blocks.append(block)
    return blocks


def frames_of(blocks: list[Block]) -> list[FrameBlock]:
    return [block for block in blocks if isinstance(block, FrameBlock)]


def source_for(camera: DectrisSimulator, version: Any = "auto") -> DectrisSource:
    source = DectrisSource(DectrisTable(name="camera", address=camera.address, version=version))
    source.start()
    return source


@pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
@pytest.mark.parametrize(("version", "one_by_one"), [(1, False), (1, True), (2, False)])
def test_every_frame_arrives_as_it_was(version: Any, one_by_one: bool, compression: Any) -> None:
    with DectrisSimulator(
        version, (61, 47), frames=12, compression=compression, one_by_one=one_by_one, rate_hz=500
    ) as camera:
        source = source_for(camera)
        frames = frames_of(collect(source, 12))
        described = source.describe()
        source.close()
        for frame in frames:
            assert np.array_equal(frame.frame, camera.pixels(frame.frame_number))
    assert [f.frame_number for f in frames] == list(range(12))
    assert np.diff([f.time for f in frames]) == pytest.approx(0.002)
    assert described.label == "SIMULATED"
    assert described.frame_shape == (61, 47)


@pytest.mark.parametrize("version", [1, 2])
def test_512_compressed_loses_nothing_and_is_unpacked_in_a_fraction_of_2_ms(version: Any) -> None:
    with DectrisSimulator(version, frames=300) as camera:
        source = source_for(camera)
        frames = frames_of(collect(source, 300))
        source.close()
        message = camera.image_message(1, 0)
    assert [f.frame_number for f in frames] == list(range(300))
    assert (source.status().dropped, source.status().missed) == (0, 0)
    start = time.thread_time()
    for _ in range(50):
        assert v1_pixels(message[2], json.loads(message[1])).size if version == 1 else read_v2(message[0])
    assert (time.thread_time() - start) / 50 < 0.001


@pytest.mark.parametrize("version", [1, 2])
def test_joining_late_leftovers_holes_and_restarts(version: Any) -> None:
    helper = DectrisSimulator(version, (9, 8), frames=0)
    leftovers = (helper.image_message(4, 90), helper.image_message(4, 91))
    late = helper.image_message(3, 99)
    helper.close()
    with DectrisSimulator(
        version, (9, 8), frames=5, series=2, first_series=5, skip=(2,), before=(*leftovers, late)
    ) as camera:
        source = source_for(camera)
        blocks = collect(source, 10)
        source.close()
    frames = frames_of(blocks)
    assert [f.frame_number for f in frames] == [90, 91, 0, 1, 3, 4, 0, 1, 3, 4]
    assert [i for i, f in enumerate(frames) if f.new_segment] == [2, 6]
    assert source.status().missed == 2
    assert any("left over" in b.text for b in blocks if isinstance(b, EventBlock))
    times = [f.time for f in frames]
    assert times == sorted(times)


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=30_000), st.sampled_from([1, 2, 4]), st.booleans())
def test_what_the_simulator_packs_unpacks(data: bytes, item: int, zeros: bool) -> None:
    data = data[: len(data) // item * item] + bytes(item * 3000 if zeros else 0)
    if data:
        assert decompressed("bslz4", item, bslz4_framed(data, item), len(data)) == data
        assert decompressed("lz4", item, lz4_framed(data), len(data)) == data


GOOD = {"shape": [4, 4], "type": "uint16", "encoding": "bs16-lz4<", "size": 10}


@pytest.mark.parametrize(
    ("facts", "blob"),
    [
        ({"shape": [100000, 100000]}, struct.pack(">QI", 2 * 10**10, 8192)),
        ({}, struct.pack(">QI", 1 << 50, 8192) + b"x"),
        ({}, struct.pack(">QI", 32, 1 << 31) + b"x" * 9),
        ({}, struct.pack(">QI", 32, 8192) + b"\xff" * 9),
        ({}, b""),
        ({"encoding": "bs32-lz4<"}, b""),
        ({"encoding": "zip"}, b""),
        ({"encoding": "<"}, b"short"),
        ({"type": "float128"}, b""),
        ({"shape": "big"}, b""),
        ({"shape": [4]}, b""),
    ],
)
def test_version_1_refuses(facts: dict[str, Any], blob: bytes) -> None:
    with pytest.raises(DectrisFormatError):
        v1_pixels(blob, {**GOOD, **facts})


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_simulators_that_leave_the_sizes_in_front_of_the_planes_empty(bits: int) -> None:
    """LiberTEM's send twelve zero bytes there: the shape says the size, and the block has bitshuffle's usual one."""
    pixels = np.arange(130 * 257).reshape(130, 257).astype(f"u{bits // 8}")
    blob = bytes(12) + bslz4_framed(pixels.tobytes(), bits // 8)[12:]
    facts = {"shape": [257, 130], "type": f"uint{bits}", "encoding": f"bs{bits}-lz4<"}
    assert np.array_equal(v1_pixels(blob, facts), pixels)


def image(data: Any) -> bytes:
    return cbor2.dumps({"type": "image", "series_id": 1, "image_id": 0, "data": {"threshold_1": data}})


def array(shape: list[int], content: Any, tag: int = 69) -> Any:
    return cbor2.CBORTag(40, [shape, cbor2.CBORTag(tag, content)])


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\xff\xff", cbor2.dumps([1]), cbor2.dumps({"type": "image"}), image(5), image(array([4, 4], b"short")),
        image(array([10**6, 10**6], b"")), image(array([4, 4], bytes(32), tag=99)),
        image(array([4, 4], cbor2.CBORTag(56500, ["bslz4", 2, struct.pack(">QI", 1 << 50, 8192)]))),
        image(array([4, 4], cbor2.CBORTag(56500, ["zip", 2, bytes(40)]))),
        image(array([4, 4], cbor2.CBORTag(56500, "x"))), image(array([4, 4], "text")),
    ],
)  # fmt: skip
def test_version_2_refuses(message: bytes) -> None:
    with pytest.raises(DectrisFormatError):
        read_v2(message)


def test_nonsense_on_the_wire_is_told_and_survived() -> None:
    nonsense = ([b"{"], [b"not cbor at all"], [json.dumps({"htype": "dimage-1.0"}).encode()])
    with DectrisSimulator(2, (9, 8), frames=3, before=nonsense[1:2]) as camera:
        source = source_for(camera, 2)
        blocks = collect(source, 3)
        source.close()
    assert source.status().refused == 1
    assert any(
        "could not be read" in b.text or "no type" in b.text for b in blocks if isinstance(b, EventBlock)
    )


def test_a_start_message() -> None:
    start = read_v2(cbor2.dumps({"type": "start", "series_id": 7, "frame_time": 0.5, "pixel_mask": 1}))
    assert isinstance(start, SeriesStart)
    assert (start.series, start.facts) == (7, {"frame_time": 0.5})
    other = cbor2.CBORTag(1040, [[2, 3], cbor2.CBORTag(68, bytes(range(6)))])
    columns_first = read_v2(image(other))
    assert columns_first is not None
    assert columns_first.pixels.tolist() == [[0, 2, 4], [1, 3, 5]]  # type: ignore[union-attr]


def test_a_real_detector_wraps_every_message_in_the_tag_of_self_described_cbor() -> None:
    pixels = np.arange(12, dtype="<u2").reshape(3, 4)
    array = cbor2.CBORTag(40, [[3, 4], cbor2.CBORTag(69, pixels.tobytes())])
    facts = {"type": "image", "series_id": 4, "series_unique_id": "01HBV3", "image_id": 9, "user_data": None,
             "real_time": [899_000, 10**8], "start_time": [1, 4], "stop_time": [2, 4],
             "data": {"threshold_1": array, "threshold_2": array}}  # fmt: skip
    message = bytes.fromhex("d9d9f7") + cbor2.dumps(facts)
    found = read_v2(message, "threshold_2")
    assert isinstance(found, DectrisFrame)
    np.testing.assert_array_equal(found.pixels, pixels)
    assert (found.series, found.number, found.start_s, found.real_s) == (4, 9, 0.25, 0.00899)
    start = cbor2.dumps({"type": "start", "series_id": 4, "channels": ["threshold_1"], "image_size_x": 4})
    assert isinstance(read_v2(bytes.fromhex("d9d9f7") + start), SeriesStart)


@pytest.mark.parametrize(("tag", "kind"), [(75, ">i8"), (79, "<i8"), (80, ">f2"), (84, "<f2"), (86, "<f8")])
def test_all_kinds_of_typed_arrays_are_read(tag: int, kind: str) -> None:
    pixels = np.arange(6, dtype=kind).reshape(2, 3)
    facts = {"type": "image", "series_id": 1, "image_id": 0,
             "data": {"a": cbor2.CBORTag(40, [[2, 3], cbor2.CBORTag(tag, pixels.tobytes())])}}  # fmt: skip
    found = read_v2(cbor2.dumps(facts))
    assert isinstance(found, DectrisFrame)
    np.testing.assert_array_equal(found.pixels, pixels)
