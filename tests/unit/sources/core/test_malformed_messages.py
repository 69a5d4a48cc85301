"""Whatever arrives over a wire or stands in a file: a sentence at most, never a crash, never memory for a mere claim."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_em.core.notices import UserError
from tandem_em.sources.dectris.simulator import DectrisSimulator
from tandem_em.sources.dectris.wire import DectrisFormatError, Version1, read_v2
from tandem_em.sources.files.text_tail import RowTail
from tandem_em.sources.guardian.guardian import GuardianCore
from tandem_em.sources.guardian.wire import Answer, GuardConfig, order_from
from tandem_em.sources.impulse import source as impulse
from tandem_em.sources.impulse.settings import ImpulseTable
from tandem_em.sources.impulse.source import ImpulseSource
from tandem_em.sources.merlin.simulator import MerlinSimulator
from tandem_em.sources.merlin.wire import MerlinFormatError, MerlinStream, read_frame
from tandem_em.sources.programs.reader import parse_program
from tandem_em.sources.scpi.link import open_link
from tandem_em.sources.scpi.simulator import SimulatedMeter
from tandem_em.sources.setup import parse_setup
from tandem_em.sources.zmq.wire import MessageError, read_message, write_message

FUZZ = settings(deadline=None, max_examples=60)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**320)
    | st.floats()
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NESTED = b'{"a":' + b"[" * 60_000


@contextmanager
def little_memory(limit: int = 48 << 20) -> Iterator[None]:
    """No message here is larger than a few kilobytes."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit


def damaged(message: bytes, place: int, value: int, cut: int) -> bytes:
    """A good message with one byte changed and the end cut off."""
    data = bytearray(message)
    data[place % len(data)] = value
    return bytes(data[: len(data) - cut % 200])


DAMAGE = (st.integers(0, 2**20), st.integers(0, 255), st.one_of(st.just(0), st.integers(0, 199)))


# --- Merlin -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def merlin_message() -> bytes:
    with MerlinSimulator((8, 8), frames=1) as camera:
        return camera.message(1)


@FUZZ
@given(*DAMAGE)
def test_merlin_frames(merlin_message: bytes, place: int, value: int, cut: int) -> None:
    payload = damaged(merlin_message[15:], place % 400, value, cut)
    try:
        frame = read_frame(payload)
    except MerlinFormatError:
        return
    assert frame.pixels.size <= len(payload)


@FUZZ
@given(st.lists(st.binary(max_size=300), max_size=12))
def test_merlin_streams(pieces: list[bytes]) -> None:
    stream = MerlinStream(4096)
    with little_memory(4 << 20):
        for piece in (*pieces, b"MPX,0099999999,", b"MPX,9999999999,HDR", *pieces):
            room = stream.room()
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            del room
            stream.received(count)
            for payload in stream.messages():
                if bytes(payload[:3]) == b"MQ1":
                    with pytest.raises(MerlinFormatError):
                        read_frame(payload)


# --- DECTRIS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dectris_messages() -> dict[int, list[bytes]]:
    found = {}
    for version in (1, 2):
        with DectrisSimulator(version, (16, 16), frames=0) as camera:  # type: ignore[arg-type]
            found[version] = camera.image_message(1, 3)
    return found


@FUZZ
@given(*DAMAGE, st.integers(0, 3))
def test_dectris_version_1(
    dectris_messages: dict[int, list[bytes]], place: int, value: int, cut: int, part: int
) -> None:
    parts = list(dectris_messages[1])
    parts[part] = damaged(parts[part], place, value, cut)
    with little_memory():
        try:
            Version1().take(parts)
        except DectrisFormatError:
            return


@FUZZ
@given(JSON, st.sampled_from(["series", "frame", "shape", "type", "encoding", "start_time", "real_time"]))
def test_dectris_version_1_facts(dectris_messages: dict[int, list[bytes]], odd: Any, key: str) -> None:
    parts = list(dectris_messages[1])
    for place in (0, 1, 3):
        facts = json.loads(parts[place])
        if key in facts:
            parts[place] = json.dumps({**facts, key: odd}).encode()
    try:
        Version1().take([json.dumps({"htype": "dheader-1.0", "series": 1}).encode()])
        Version1().take(parts)
    except DectrisFormatError:
        return


@FUZZ
@given(*DAMAGE)
def test_dectris_version_2(
    dectris_messages: dict[int, list[bytes]], place: int, value: int, cut: int
) -> None:
    with little_memory():
        try:
            read_v2(damaged(dectris_messages[2][0], place, value, cut))
        except DectrisFormatError:
            return


@FUZZ
@given(JSON, st.sampled_from(["type", "series_id", "image_id", "start_time", "real_time", "data"]))
def test_dectris_version_2_facts(dectris_messages: dict[int, list[bytes]], odd: Any, key: str) -> None:
    facts = cbor2.loads(dectris_messages[2][0])
    try:
        read_v2(cbor2.dumps({**facts, key: odd}))
    except DectrisFormatError:
        return


def test_dectris_sizes_that_are_claimed_cost_nothing() -> None:
    huge = {"type": "image", "series_id": 1, "image_id": 1}
    arrays = [
        cbor2.CBORTag(40, [[30_000, 30_000], cbor2.CBORTag(69, b"1234")]),
        cbor2.CBORTag(40, [[16, 16], cbor2.CBORTag(69, cbor2.CBORTag(56500, ["bslz4", 2, b"\xff" * 40]))]),
        cbor2.CBORTag(40, [[2, 2**62], cbor2.CBORTag(69, b"1")]),
        cbor2.CBORTag(40, [[], cbor2.CBORTag(69, b"1")]),
        cbor2.CBORTag(40, ["a", cbor2.CBORTag(69, b"1")]),
    ]
    with little_memory():
        for array in arrays:
            with pytest.raises(DectrisFormatError):
                read_v2(cbor2.dumps({**huge, "data": {"t": array}}))
        claim = b"\x5b" + struct.pack(">Q", 1 << 40) + b"abc"  # a byte string of a terabyte
        with pytest.raises(DectrisFormatError):
            read_v2(claim)
        with pytest.raises(DectrisFormatError):
            read_v2(b"\x81" * 50_000)


# --- the open message -------------------------------------------------------------------------------------------------


@FUZZ
@given(
    st.sampled_from(["frame", "sample", "event"]),
    st.sampled_from(
        [
            "v",
            "seq",
            "t",
            "shape",
            "dtype",
            "encoding",
            "scale",
            "unit",
            "columns",
            "units",
            "values",
            "source",
        ]
    ),
    JSON,
)
def test_the_open_message(kind: str, key: str, odd: Any) -> None:
    table = np.arange(12.0).reshape(4, 3)
    parts = write_message(kind, {"source": "x", "t": 1.0, "columns": ["a", "b"], "units": ["V", "A"]}, table)
    parts[1] = json.dumps({**json.loads(parts[1]), key: odd}).encode()
    for chosen in (parts, parts[:2]):
        try:
            read_message(chosen, 1 << 20)
        except MessageError:
            continue


@FUZZ
@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_parts(parts: list[bytes]) -> None:
    for chosen in (parts, [b"frame", *parts], [b"sample", *parts]):
        try:
            read_message(chosen)
        except MessageError:
            continue


@pytest.mark.parametrize(
    "facts",
    [
        b'{"shape": [100000, 100000], "dtype": "uint16"}',
        b'{"shape": [4611686018427387904, 4], "dtype": "float64"}',
        b'{"shape": [4, 4], "dtype": "uint16", "encoding": "bslz4"}',
        b'{"shape": [4, 4], "dtype": "O"}',
        NESTED,
        b"9" * 5000,
    ],
)
def test_claims_of_the_open_message_cost_nothing(facts: bytes) -> None:
    with little_memory(), pytest.raises(MessageError):
        read_message([b"frame", facts, b"\x00" * 40])


# --- Impulse ----------------------------------------------------------------------------------------------------------


@FUZZ
@given(st.dictionaries(st.sampled_from([*impulse.QUANTITIES, *impulse.NOT_VALUES, "channels", "x"]), JSON))
def test_impulse(facts: dict[str, Any]) -> None:
    source = ImpulseSource(ImpulseTable(name="holder"))
    for parts in ([b"bias", json.dumps(facts).encode()], [b"events", json.dumps(facts).encode()]):
        source.hear(parts, 1.0)
    source.close()


@pytest.mark.parametrize("part", [b"", b"\xff\xfe", b"[]", b"7", b'{"data": 4}', NESTED])
def test_impulse_nonsense_is_counted(part: bytes) -> None:
    source = ImpulseSource(ImpulseTable(name="holder"))
    source.hear([b"bias", part], 1.0)
    source.hear([part], 1.0)
    assert source.status().refused >= 1
    source.close()


# --- orders, programs, set-ups, logs, instruments ---------------------------------------------------------------------


ORDERS = ["program", "pause", "resume", "skip", "abort", "apply", "limits", "rearm", "beat", "nonsense"]


@FUZZ
@given(
    st.sampled_from(ORDERS),
    st.dictionaries(st.sampled_from(["json", "mode", "level", "limits", "name"]), JSON),
)
def test_orders_to_the_guardian(do: str, more: dict[str, Any]) -> None:
    said: list[Answer] = []
    config = GuardConfig(name="bias", model="2400", address="TCPIP::127.0.0.1::9::SOCKET")
    core = GuardianCore(config, open_link(config.address), said.append)
    core.command(order_from({"do": do, **more}))


STEPS = st.fixed_dictionaries(
    {
        "step": st.sampled_from(
            ["constant_current", "constant_voltage", "open_circuit_voltage", "loop", "tag", "pulse"]
        )
    },
    optional=dict.fromkeys(
        (
            "current_mA",
            "rate_C",
            "voltage_V",
            "until_time_s",
            "until_voltage_V",
            "loop_to",
            "cycle_count",
            "tag",
        ),
        JSON,
    ),
)


@FUZZ
@given(
    st.fixed_dictionaries(
        {"method": st.lists(STEPS | JSON, max_size=4)},
        optional={
            "sample": st.dictionaries(st.just("capacity_mAh"), JSON) | JSON,
            "safety": st.dictionaries(st.sampled_from(["max_voltage_V", "max_capacity_mAh"]), JSON) | JSON,
            "record": st.dictionaries(st.just("time_s"), JSON) | JSON,
        },
    ),
    st.text(max_size=30),
)
def test_programs(raw: Any, text: str) -> None:
    for source in (json.dumps(raw), text, NESTED.decode()):
        try:
            parse_program(source)
        except UserError:
            continue


@FUZZ
@given(st.text(max_size=60))
def test_set_ups(text: str) -> None:
    for source in (
        text,
        f"[[source]]\nkind = {json.dumps(text)}\nname = 1",
        f"[limits]\nlow_V = {json.dumps(text)}",
    ):
        try:
            parse_setup(source)
        except UserError:
            continue


@FUZZ
@given(st.lists(st.binary(max_size=200), max_size=12))
def test_growing_files(pieces: list[bytes]) -> None:
    for head in (
        b"",
        b"EC-Lab ASCII FILE\r\nNb header lines : 4\r\n\r\ntime/s\tEwe/V\r\n",
        b"a,b\n1,2\n2,3\n",
    ):
        tail = RowTail()
        try:
            for piece in (head, *pieces):
                tail.feed(piece)
                tail.take_last()
        except UserError:
            continue


@FUZZ
@given(st.text(alphabet=st.characters(codec="ascii"), max_size=80))
def test_lines_to_a_simulated_meter(line: str) -> None:
    for model in ("2400", "2450"):
        meter = SimulatedMeter(model)
        for text in (line, f":SOUR:CURR {line}", f":TRAC:DATA? {line}", f":{line}?"):
            meter.handle(text)
