"""A DECTRIS detector that counts: a real PUSH socket on 127.0.0.1, version 1 or 2, compressed like the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.lz4_runs import bslz4_framed, lz4_block, lz4_framed
from tandem_em.sources.core.zmq_socket import zmq_library

Compression = Literal["bslz4", "lz4", "none"]
DISTINCT = 8
# Tags of typed arrays (RFC 8746), little-endian, by bytes of a pixel.
TAGS = {1: 68, 2: 69, 4: 70}


class DectrisSimulator:
    """Sends series of frames; frame n shows pattern n modulo 8, so that compression costs nothing while sending."""

    def __init__(
        self,
        version: Literal[1, 2] = 2,
        shape: tuple[int, int] = (512, 512),
        *,
        frames: int = 100,
        series: int = 1,
        first_series: int = 1,
        rate_hz: float | None = None,
        compression: Compression = "bslz4",
        item_bytes: int = 2,
        header: bool = True,
        one_by_one: bool = False,
        skip: tuple[int, ...] = (),
        before: tuple[list[bytes], ...] = (),
    ) -> None:
        """`one_by_one`: version 1 parts as single messages. `before`: messages sent first, e.g. leftovers."""
        self.version, self.shape, self.frames, self.rate_hz = version, shape, frames, rate_hz
        self.compression, self.item_bytes, self.header = compression, item_bytes, header
        self.one_by_one, self.skip, self.before = one_by_one, set(skip), before
        self.series = range(first_series, first_series + series)
        self._blobs = [self._packed(self.pixels(number)) for number in range(DISTINCT)]
        self._closing = threading.Event()
        self._ready = threading.Event()
        self.port = 0
        self.sent = 0
        self._thread = threading.Thread(target=self._run, name="dectris simulator", daemon=True)
        self._thread.start()
        # The port is known once the thread has bound it.
        self._ready.wait(5.0)

    @property
    def address(self) -> str:
        """Where it sends from, host:port."""
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        """End the sending thread; what was not pulled is dropped."""
        self._closing.set()
        self._thread.join(5.0)

    def __enter__(self) -> DectrisSimulator:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def pixels(self, number: int) -> NDArray[Any]:
        """What frame `number` looks like, as it has to arrive."""
        rng = np.random.default_rng(number % DISTINCT)
        return rng.poisson(3 + number % DISTINCT, self.shape).astype(f"u{self.item_bytes}")

    def image_message(self, series: int, number: int) -> list[bytes]:
        """The parts of one frame's message, in the version of the stream that is simulated."""
        start = round(number / (self.rate_hz or 1000.0) * 1e9)
        blob = self._blobs[number % DISTINCT]
        return (
            self._image_v1(series, number, start, blob)
            if self.version == 1
            else self._image_v2(series, number, start, blob)
        )

    def _packed(self, pixels: NDArray[Any]) -> bytes:
        data = pixels.tobytes()
        if self.compression == "bslz4":
            return bslz4_framed(data, self.item_bytes)
        if self.compression == "lz4":
            # Version 1 sends a bare LZ4 block: its size is in the description.
            return lz4_block(data) if self.version == 1 else lz4_framed(data)
        return data

    def _image_v1(self, series: int, number: int, start: int, blob: bytes) -> list[bytes]:
        encoding = {"bslz4": f"bs{8 * self.item_bytes}-lz4<", "lz4": "lz4<", "none": "<"}[self.compression]
        described = {"htype": "dimage_d-1.0", "shape": list(self.shape[::-1]), "type": f"uint{8 * self.item_bytes}",
                     "encoding": encoding, "size": len(blob)}  # fmt: skip
        times = {
            "htype": "dconfig-1.0",
            "start_time": start,
            "stop_time": start + 900_000,
            "real_time": 900_000,
        }
        image = {"htype": "dimage-1.0", "series": series, "frame": number, "hash": ""}
        return [_json(image), _json(described), blob, _json(times)]

    def _image_v2(self, series: int, number: int, start: int, blob: bytes) -> list[bytes]:
        import cbor2

        content: Any = blob
        if self.compression != "none":
            content = cbor2.CBORTag(56500, [self.compression, self.item_bytes, blob])
        array = cbor2.CBORTag(40, [list(self.shape), cbor2.CBORTag(TAGS[self.item_bytes], content)])
        facts = {"type": "image", "series_id": series, "series_unique_id": f"s{series}", "image_id": number,
                 "start_time": [start, 10**9], "stop_time": [start + 900_000, 10**9], "real_time": [900_000, 10**9],
                 "data": {"threshold_1": array}}  # fmt: skip
        return [cbor2.dumps(cbor2.CBORTag(55799, facts))]

    def _start_message(self, series: int) -> list[bytes]:
        facts = {"count_time": 0.0009, "frame_time": 0.001, "description": "SIMULATED"}
        if self.version == 1:
            head = {"htype": "dheader-1.0", "series": series, "header_detail": "basic"}
            return [_json(head), _json(facts)]
        import cbor2

        height, width = self.shape
        start = {"type": "start", "series_id": series, "series_unique_id": f"s{series}", "image_size_x": width,
                 "image_size_y": height, "detector_description": "SIMULATED", "channels": ["threshold_1"], **facts}  # fmt: skip
        return [cbor2.dumps(cbor2.CBORTag(55799, start))]

    def _end_message(self, series: int) -> list[bytes]:
        if self.version == 1:
            return [_json({"htype": "dseries_end-1.0", "series": series})]
        import cbor2

        end = {"type": "end", "series_id": series, "series_unique_id": f"s{series}"}
        return [cbor2.dumps(cbor2.CBORTag(55799, end))]

    def _run(self) -> None:
        zmq = zmq_library()
        with zmq.Context(1) as context, context.socket(zmq.PUSH) as push:
            push.setsockopt(zmq.LINGER, 0)
            push.setsockopt(zmq.SNDHWM, 100)
            self.port = push.bind_to_random_port("tcp://127.0.0.1")
            self._ready.set()

            def send(parts: list[bytes]) -> None:
                pieces = [[part] for part in parts] if self.one_by_one else [parts]
                for piece in pieces:
                    while not self._closing.is_set():
                        # Without waiting, so that closing is noticed while nobody pulls.
                        try:
                            push.send_multipart(piece, zmq.NOBLOCK, copy=True)
                            break
                        except zmq.Again:
                            push.poll(50, zmq.POLLOUT)

            for message in self.before:
                send(message)
            for series in self.series:
                self._send_series(series, send)
            # The context may not end before the receiver has pulled the last messages.
            self._closing.wait()

    def _send_series(self, series: int, send: Callable[[list[bytes]], None]) -> None:
        if self.header:
            send(self._start_message(series))
        begun = host_now()
        for number in range(self.frames):
            if self.rate_hz:
                self._closing.wait(max(begun + number / self.rate_hz - host_now(), 0.0))
            if self._closing.is_set():
                return
            if number not in self.skip:
                send(self.image_message(series, number))
                self.sent += 1
        send(self._end_message(series))


def _json(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts).encode()
