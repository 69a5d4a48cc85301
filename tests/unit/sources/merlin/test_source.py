"""Merlin over real sockets: every frame arrives once, holes are counted, nonsense is refused without taking memory."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.sources.core.base import Block, EventBlock, FrameBlock
from tandem_em.sources.core.timeline import Numbers, Timeline
from tandem_em.sources.merlin.settings import MerlinTable
from tandem_em.sources.merlin.simulator import MerlinSimulator
from tandem_em.sources.merlin.source import MerlinSource
from tandem_em.sources.merlin.wire import MerlinFormatError, MerlinStream, command, read_frame

REAL_HEADER = (
    b"MQ1,000001,00384,01,0256,0256,U08,   1x1,01,2021-05-07 18:51:10.905800,0.100000,0,0,0,4.000000E+1,5.110000E+2,"
    b"0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,3RX,068,511,000,000,000,000,000,000,"
    b"100,255,100,125,100,100,080,100,090,030,128,004,255,126,128,174,172,511,511,MQ1A,2021-05-07T16:51:10.905800928Z,"
    b"100000000ns,6,"
)


def collect(source: MerlinSource, frames: int, limit_s: float = 40.0) -> list[Block]:
    blocks: list[Block] = []
    start = time.monotonic()
    count = 0
    while count < frames:
        assert time.monotonic() - start < limit_s, source.status()
        block = source.read(0.5)
        if block is not None:
            blocks.append(block)
            count += isinstance(block, FrameBlock)
    return blocks


def frames_of(blocks: list[Block]) -> list[FrameBlock]:
    return [block for block in blocks if isinstance(block, FrameBlock)]


def test_1500_frames_none_lost() -> None:
    with MerlinSimulator(frames=1500) as camera:
        source = MerlinSource(MerlinTable(name="camera", address=camera.address))
        source.start()
        frames = frames_of(collect(source, 1500, 60.0))
        for frame in frames[::100]:
            assert np.array_equal(frame.frame, camera.pixels(frame.frame_number))
        source.close()
    assert [f.frame_number for f in frames] == list(range(1, 1501))
    assert (source.status().dropped, source.status().missed) == (0, 0)
    assert np.diff([f.time for f in frames]) == pytest.approx(1e-3, abs=2e-6)


def test_a_frame_costs_a_fraction_of_a_millisecond() -> None:
    camera = MerlinSimulator()
    message = camera.message(5)
    camera.close()
    stream = MerlinStream()
    start = time.thread_time()
    for _ in range(200):
        room = stream.room()
        room[: len(message)] = message
        stream.received(len(message))
        for payload in stream.messages():
            assert read_frame(payload).number == 5
    assert (time.thread_time() - start) / 200 < 0.0005, "1000 frames a second must leave room for others"


def test_started_through_the_command_socket() -> None:
    with MerlinSimulator((16, 16), frames=5, wait_for_start=True, kind="U08") as camera:
        table = MerlinTable(name="camera", address=camera.address, control=camera.control, trigger=True)
        source = MerlinSource(table)
        source.start()
        frames = frames_of(collect(source, 5))
        assert frames[0].frame.dtype == np.uint8
        described = source.describe()
        source.close()
        assert (described.frame_shape, described.frame_dtype) == ((16, 16), "uint8")
        assert described.instrument["Chip ID"] == "SIMULATED"
        assert "CMD,STARTACQUISITION,0" in camera.commands


def test_holes_are_counted_and_a_new_series_is_a_new_stretch() -> None:
    with MerlinSimulator((8, 8), frames=6, skip=(3, 4), endless=True, rate_hz=200) as camera:
        source = MerlinSource(MerlinTable(name="camera", address=camera.address))
        source.start()
        frames = frames_of(collect(source, 8))
        source.close()
    assert [f.frame_number for f in frames] == [1, 2, 5, 6, 1, 2, 5, 6]
    assert [f.new_segment for f in frames] == [False] * 4 + [True] + [False] * 3
    assert source.status().missed >= 4
    times = [f.time for f in frames]
    assert times == sorted(times)


def test_leftovers_and_oversized_messages_are_refused() -> None:
    real = MerlinSimulator((8, 8), kind="U16")
    leftover = real.message(77)[100:]
    real.close()
    noise = (
        b"GARBAGE" * 50
        + leftover
        + b"MPX,9999999999,HDR"
        + b"MPX,0000000012,MQ1,000001,9"
        + b"MPX,000000000x,"
    )
    tracemalloc.start()
    with MerlinSimulator((8, 8), frames=3, noise_before=noise) as camera:
        source = MerlinSource(MerlinTable(name="camera", address=camera.address))
        source.start()
        blocks = collect(source, 3)
        source.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [f.frame_number for f in frames_of(blocks)] == [1, 2, 3]
    assert any(isinstance(b, EventBlock) and b.category == "warning" for b in blocks)
    assert source.status().refused >= 1
    assert peak < 64 << 20


def test_nobody_there_is_said_and_tried_again() -> None:
    source = MerlinSource(MerlinTable(name="camera", address="127.0.0.1:9"))
    source.start()
    block = source.read(3.0)
    assert isinstance(block, EventBlock)
    assert "does not answer" in block.text
    source.close()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(1, 97))
def test_any_cutting_of_the_stream_gives_the_same_messages(sizes: list[int], piece: int) -> None:
    sent = [bytes([i % 251]) * size for i, size in enumerate(sizes)]
    data = b"".join(b"MPX,%010d," % (len(p) + 1) + p for p in sent)
    stream = MerlinStream(256)
    got = []
    for start in range(0, len(data), piece):
        part = data[start : start + piece]
        while part:
            room = stream.room()
            count = min(len(room), len(part))
            room[:count] = part[:count]
            stream.received(count)
            part = part[count:]
            got += [bytes(message) for message in stream.messages()]
    assert got == sent
    assert stream.skipped == 0


def test_a_real_header() -> None:
    frame = read_frame(REAL_HEADER.ljust(384) + bytes(range(256)) * 256)
    assert (frame.number, frame.bit_depth, frame.exposure_s) == (1, 6, 0.1)
    assert frame.stamp == pytest.approx(1620406270.9058, abs=1e-5)
    assert frame.pixels.shape == (256, 256)
    assert frame.pixels[3, 200] == 200


@pytest.mark.parametrize(("depth", "dtype"), [(1, np.uint8), (6, np.uint8), (12, np.uint16), (24, np.uint32)])
def test_raw_readout(depth: int, dtype: Any) -> None:
    rng = np.random.default_rng(depth)
    wanted = rng.integers(0, 2**depth, (256, 256)).astype(dtype)
    if depth == 1:
        data = np.packbits(wanted.reshape(-1, 64)[:, ::-1], axis=1).tobytes()
    elif depth == 6:
        data = wanted.reshape(-1, 8)[:, ::-1].tobytes()
    else:
        parts = [wanted] if depth == 12 else [wanted >> 12, wanted & 4095]
        data = b"".join(p.astype(">u2").reshape(-1, 4)[:, ::-1].tobytes() for p in parts)
    header = REAL_HEADER.replace(b"U08", b"R64").replace(b"ns,6,", f"ns,{depth},".encode()).ljust(384)
    assert np.array_equal(read_frame(header + data).pixels, wanted)


@pytest.mark.parametrize(
    "payload",
    [
        b"MQ1,1", b"MQ1,x,00384,", REAL_HEADER.ljust(384),
        REAL_HEADER.replace(b"0256,0256", b"9999,9999").ljust(384) + bytes(99),
        REAL_HEADER.replace(b"U08", b"F32").ljust(384) + bytes(65536), b"MQ1,000001,00384,01,,".ljust(500),
    ],
)  # fmt: skip
def test_broken_frames_are_refused(payload: bytes) -> None:
    with pytest.raises(MerlinFormatError):
        read_frame(payload)


def test_small_parts() -> None:
    assert command("SET", "NUMFRAMESTOACQUIRE", 5) == b"MPX,0000000025,SET,NUMFRAMESTOACQUIRE,5"
    line = Timeline()
    assert line.place(100.0, 0.0) == (0.0, False)
    assert line.place(101.0, 1.0) == (1.0, False)
    assert line.place(3.0, 2.5) == (2.5, True)
    assert line.place(4.0, 3.5) == (3.5, False)
    numbers = Numbers()
    assert [numbers.take(n) for n in (5, 6, 9, 1)] == [(0, False), (0, False), (2, False), (0, True)]


@pytest.mark.parametrize("depth", [1, 6, 12])
def test_raw_frames_of_four_chips_are_put_together(depth: int) -> None:
    """Rows of four chips in turn, [4 | 3 | 2 | 1]; 3 and 4 are mounted upside down (as LiberTEM describes it)."""
    rng = np.random.default_rng(depth)
    image = rng.integers(0, 1 << depth, (128, 128)).astype(np.uint16)
    one, two, three, four = image[:64, :64], image[:64, 64:], image[64:, :64], image[64:, 64:]
    rows = np.hstack([four[::-1, ::-1], three[::-1, ::-1], two, one])
    if depth == 1:
        raw = np.packbits(rows.reshape(-1, 64)[:, ::-1].astype(np.uint8), axis=1).tobytes()
    elif depth == 6:
        raw = rows.reshape(-1, 8)[:, ::-1].astype(np.uint8).tobytes()
    else:
        raw = rows.reshape(-1, 4)[:, ::-1].astype(">u2").tobytes()
    fields = [
        "MQ1",
        "000001",
        "00768",
        "04",
        "0256",
        "0064",
        "R64",
        "  2x2",
        "0F",
        "2026-01-01 10:00:00.0",
        "0.001",
    ]
    tail = ["MQ1A", "2026-01-01T10:00:00.000000000Z", "1000000ns", str(depth)]
    head = ",".join([*fields, *["0"] * 30, *tail, ""]).encode().ljust(768, b"\0")
    found = read_frame(head + raw)
    np.testing.assert_array_equal(found.pixels, image)
    assert found.bit_depth == depth
