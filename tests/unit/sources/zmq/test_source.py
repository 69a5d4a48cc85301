"""The open ZeroMQ message, its sender, the DigitalMicrograph script and Impulse, over real sockets."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tandem_em.core.notices import UserError
from tandem_em.sources.core.base import Block, EventBlock, FrameBlock, SampleBlock
from tandem_em.sources.core.lz4_runs import bslz4_framed
from tandem_em.sources.core.threaded import ThreadedSource
from tandem_em.sources.core.zmq_socket import make_keys
from tandem_em.sources.impulse.settings import ImpulseTable
from tandem_em.sources.impulse.simulator import ImpulseSimulator
from tandem_em.sources.impulse.source import ImpulseSource, ask_impulse
from tandem_em.sources.zmq.sender import MessageSender
from tandem_em.sources.zmq.settings import ZmqTable
from tandem_em.sources.zmq.source import ZmqSource
from tandem_em.sources.zmq.wire import MessageError, read_message, write_message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def collect(
    source: ThreadedSource, is_enough: Callable[[list[Block]], bool], limit_s: float = 40.0
) -> list[Block]:
    blocks: list[Block] = []
    deadline = time.monotonic() + limit_s
    while not is_enough(blocks):
        assert time.monotonic() < deadline, (source.status(), blocks[-3:])
        block = source.read(0.2)
        if block is not None:
            blocks.append(block)
    return blocks


def of(kind: Any, blocks: list[Block]) -> list[Any]:
    return [block for block in blocks if isinstance(block, kind)]


def listen(**more: Any) -> ZmqSource:
    source = ZmqSource(ZmqTable(name="anything", address=f"127.0.0.1:{free_port()}", **more))
    source.start()
    return source


def sender_to(source: ZmqSource, name: str = "camera", **more: Any) -> MessageSender:
    return MessageSender(f"127.0.0.1:{source.port}", name, **more)


def test_frames_samples_and_events_arrive() -> None:
    source = listen()
    sender = sender_to(source)
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    for i in range(5):
        sender.frame(image + i, 100.0 + 0.1 * i, scale=0.05, unit="nm", exposure_s=0.1)
    sender.samples(np.array([[100.0, 3700.0], [100.5, 3701.0]]), ["voltage"], ["mV"])
    sender.values({"current": 250.0}, {"current": "pA"}, 101.0)
    sender.event("Beam on", category="beam")
    blocks = collect(source, lambda b: bool(of(EventBlock, b)))
    described = source.describe()
    sender.close()
    source.close()
    frames, samples = of(FrameBlock, blocks), of(SampleBlock, blocks)
    assert [f.frame[0, 0] for f in frames] == [0, 1, 2, 3, 4]
    assert [f.time for f in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert frames[0].info == {"pixel_nm": 0.05, "exposure_s": 0.1}
    assert samples[0].columns["voltage"] == pytest.approx([3.7, 3.701])
    assert samples[0].times == pytest.approx([0, 0.5])
    assert samples[1].columns["current"] == pytest.approx([2.5e-10])
    assert of(EventBlock, blocks)[0].category == "beam"
    assert (described.frame_shape, described.pixel_nm) == ((3, 4), 0.05)


def test_holes_ends_and_restarts() -> None:
    source = listen()
    sender = sender_to(source)
    image = np.zeros((2, 2), np.uint8)
    sender.frame(image, 0.0)
    sender._seq["frame"] += 3
    sender.frame(image, 4.0)
    sender.end()
    sender._seq["frame"] = 0
    sender.frame(image, 0.0)
    blocks = collect(source, lambda b: len(of(FrameBlock, b)) == 3)
    sender.close()
    source.close()
    frames = of(FrameBlock, blocks)
    assert source.status().missed == 3
    assert [f.new_segment for f in frames] == [False, False, True]
    assert frames[2].time >= frames[1].time


def test_the_port_is_open_on_this_computer_only() -> None:
    import psutil

    source = listen()
    seen: list[str] = []
    deadline = time.monotonic() + 3
    while not seen and time.monotonic() < deadline:
        connections = psutil.Process().net_connections(kind="tcp")
        seen = [c.laddr.ip for c in connections if c.status == "LISTEN" and c.laddr.port == source.port]
    source.close()
    assert seen == ["127.0.0.1"]


def test_the_network_needs_a_switch_and_keys() -> None:
    with pytest.raises(UserError, match="open this computer"):
        ZmqSource(ZmqTable(name="x", address="0.0.0.0:5555"))
    with pytest.raises(UserError, match="CURVE keys"):
        ZmqSource(ZmqTable(name="x", address="0.0.0.0:5555", allow_network=True))


def test_only_senders_on_the_list_are_heard(tmp_path: Path) -> None:
    make_keys(tmp_path / "ours")
    make_keys(tmp_path / "strangers")
    (tmp_path / "strangers" / "server.key").write_text((tmp_path / "ours" / "server.key").read_text())
    source = listen(keys=tmp_path / "ours")
    stranger = sender_to(source, keys=tmp_path / "strangers")
    stranger.closing.set()
    blocks = collect(source, lambda b: source.status().refused > 0)
    friend = sender_to(source, keys=tmp_path / "ours")
    friend.frame(np.ones((2, 2), np.uint8), 0.0)
    blocks += collect(source, lambda b: bool(of(FrameBlock, b)))
    friend.close()
    stranger.close()
    source.close()
    assert len(of(FrameBlock, blocks)) == 1
    assert any("allowed key" in e.text for e in of(EventBlock, blocks))


def test_an_oversized_message_costs_no_memory() -> None:
    source = listen(max_mebibytes=1)
    sender = sender_to(source)
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    huge = np.zeros((4096, 4096), np.uint8)
    sender.frame(huge, 0.0)
    del huge
    blocks = collect(source, lambda b: any("larger than 1 MiB" in e.text for e in of(EventBlock, b)))
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    sender.frame(np.zeros((2, 2), np.uint8), 1.0)
    blocks += collect(source, lambda b: bool(of(FrameBlock, b)))
    sender.close()
    source.close()
    assert after - base < 8 << 20
    assert of(FrameBlock, blocks)[0].frame.shape == (2, 2)


GOOD = {"v": 1, "source": "s", "shape": [2, 2], "dtype": "uint16", "encoding": "raw"}


def parts(kind: bytes = b"frame", raw: bytes | None = bytes(8), **facts: Any) -> list[bytes]:
    head = [kind, json.dumps({**GOOD, **facts}).encode()]
    return head if raw is None else [*head, raw]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ([b"frame"], "parts"),
        (parts(b"pickle"), "unknown kind"),
        ([b"frame", b"\x80\x04pickle", b""], "not valid JSON"),
        ([b"frame", b"[1]", b""], "not a JSON object"),
        ([b"frame", b"{" + b" " * 70000, b""], "64 KiB"),
        (parts(v=2), "version 2"),
        (parts(shape=[2, 2, 2]), "shape"),
        (parts(shape=[-1, 2]), "shape"),
        (parts(shape=[True, 2]), "shape"),
        (parts(dtype="object"), "number type"),
        (parts(shape=[100000, 100000]), "larger than"),
        (parts(shape=[3, 3]), "8 bytes where its shape needs 18"),
        (parts(encoding="pickle"), "encoding"),
        (parts(encoding="lz4", raw=b"\xff" * 20), "another size"),
        (parts(raw=None), "no raw"),
        (parts(b"sample", raw=None), "neither"),
        (parts(b"sample", columns=["a", "b", "c"]), "one column more"),
        (parts(b"sample", columns=["a"], dtype="uint16", shape=[2, 2], units={"a": "V"}, v=3), "version 3"),
        (parts(b"sample", raw=bytes(12), shape=[2, 3], columns=["a", "a"]), "twice"),
    ],
)
def test_malformed_messages_are_refused_with_a_sentence(message: list[bytes], words: str) -> None:
    with pytest.raises(MessageError) as caught:
        read_message(message)
    assert words in str(caught.value)


def test_refusals_are_told_once_and_counted() -> None:
    source = listen()
    sender = sender_to(source)
    for _ in range(5):
        sender._socket.send_multipart([b"frame", b"x"])
    sender.frame(np.zeros((2, 2), np.uint8), 0.0)
    blocks = collect(source, lambda b: bool(of(FrameBlock, b)))
    second = sender_to(source, "another camera")
    second.frame(np.zeros((2, 2), np.uint8), 0.0)
    blocks += collect(source, lambda b: bool(of(EventBlock, b)))
    second.close()
    sender.close()
    source.close()
    texts = [e.text for e in of(EventBlock, blocks)]
    assert source.status().refused == 6
    assert sum("not valid JSON" in text for text in texts) == 1
    assert any("second sender" in text for text in texts)


def test_compressed_and_big_endian_pixels() -> None:
    image = np.arange(64, dtype=">u2").reshape(8, 8)
    assert np.array_equal(read_message(write_message("frame", {}, image)).pixels, image)  # type: ignore[arg-type]
    little = image.astype("<u2")
    facts = {"v": 1, "shape": [8, 8], "dtype": "uint16", "encoding": "bslz4"}
    heard = read_message([b"frame", json.dumps(facts).encode(), bslz4_framed(little.tobytes(), 2)])
    assert np.array_equal(heard.pixels, image)  # type: ignore[arg-type]


class StandInImage:
    """What the sender script needs of an image of DigitalMicrograph."""

    def __init__(self) -> None:
        self.memory = np.zeros((32, 48), np.float32)

    def GetNumArray(self) -> Any:
        return self.memory

    def GetDimensionCalibration(self, _dimension: int, _format: int) -> tuple[float, float, bytes]:
        return 0.0, 0.21, b"nm"

    def GetID(self) -> int:
        return 7

    def GetName(self) -> str:
        return "Live"


class StandInDM:
    def __init__(self) -> None:
        self.image: StandInImage | None = StandInImage()
        self.said: list[str] = []

    def GetFrontImage(self) -> Any:
        return self.image

    def FindImageByID(self, number: int) -> Any:
        return self.image if number == 7 else None

    def Result(self, text: str) -> None:
        self.said.append(text)


def test_the_digitalmicrograph_script(monkeypatch: pytest.MonkeyPatch) -> None:
    from tandem_resources import dm_sender

    stand_in = StandInDM()
    source = listen()
    monkeypatch.setattr(dm_sender, "DM", stand_in)
    monkeypatch.setattr(dm_sender, "ADDRESS", f"127.0.0.1:{source.port}")
    script = threading.Thread(target=dm_sender.main)
    script.start()
    blocks: list[Block] = []
    image = stand_in.image
    assert image is not None
    for i in range(5):
        blocks += collect(source, lambda b: len(of(FrameBlock, b)) == 1)
        image.memory[:] = i + 1
    blocks += collect(source, lambda b: len(of(FrameBlock, b)) == 1)
    stand_in.image = None
    blocks += collect(source, lambda b: bool(of(EventBlock, b)))
    script.join(5.0)
    source.close()
    frames = of(FrameBlock, blocks)
    assert [f.frame[5, 5] for f in frames] == [0, 1, 2, 3, 4, 5]
    assert frames[0].info["pixel_nm"] == pytest.approx(0.21)
    assert source.describe().sync == "same host"
    assert "Stopped after 6 frames; 0 could not be sent." in stand_in.said[-1]


def test_the_script_is_quiet_outside_digitalmicrograph() -> None:
    import runpy

    from tandem_resources import dm_sender

    assert "DigitalMicrograph" not in sys.modules
    runpy.run_path(str(Path(str(dm_sender.__file__))), run_name="__main__")


def test_impulse() -> None:
    with ImpulseSimulator(rate_hz=100) as impulse:
        table = ImpulseTable(
            name="holder", address=impulse.address, control=impulse.control, topics=["heat", "bias"]
        )
        source = ImpulseSource(table)
        source.start()
        answer = ask_impulse(
            impulse.control,
            {"$type": "control.bias.applyConstantBias", "setpoint": 2.5e-10, "compliance": 4.0},
        )
        assert answer is not None
        assert answer["resultCode"] == "ok"
        refused = ask_impulse(impulse.control, {"$type": "control.bias.startSweepCycle"})
        assert refused is not None
        assert refused["resultCode"] == "error", "what is not simulated is not said to be done"

        def biased(b: list[Block]) -> bool:
            return any(2e-10 < s.columns["current"][0] < 3e-10 for s in of(SampleBlock, b))

        blocks = collect(source, biased)
        impulse.skip_next = True
        blocks += collect(source, lambda b: source.status().missed > 0)
        described = source.describe()
        source.close()
    samples = of(SampleBlock, blocks)
    assert set(described.units.items()) >= {
        ("temperature", "°C"),
        ("voltage", "V"),
        ("current", "A"),
        ("heat_power", "W"),
    }
    assert set(samples[0].columns) == set(described.units)
    volts = np.array([s.columns["voltage"][0] for s in samples])
    assert np.nanmin(volts) > 3.5
    assert np.isnan(volts).any(), "rows of the topic heat bring no voltage"
    times = [s.times[0] for s in samples]
    assert times == sorted(times)


def test_impulse_refuses_nonsense_and_survives_its_end() -> None:
    import zmq

    with zmq.Context() as context, context.socket(zmq.PUB) as fake:
        fake.setsockopt(zmq.LINGER, 0)
        port = fake.bind_to_random_port("tcp://127.0.0.1")
        source = ImpulseSource(ImpulseTable(name="holder", address=f"127.0.0.1:{port}", topics=["bias"]))
        source.start()
        sent = threading.Event()

        def send() -> None:
            while not sent.wait(0.01):
                for message in ([b"bias", b"{"], [b"bias", b"5"], [b"bias", b"{}", b"x"]):
                    fake.send_multipart(message)

        thread = threading.Thread(target=send)
        thread.start()
        collect(source, lambda b: len(of(EventBlock, b)) == 3)
        sent.set()
        thread.join()
    collect(source, lambda b: any("closed" in e.text for e in of(EventBlock, b)))
    assert source.status().state == "lost"
    source.close()
