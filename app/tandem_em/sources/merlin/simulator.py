"""A Merlin that counts: real data and command sockets on 127.0.0.1, frames whose content tells their number."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tandem_em.sources.core.base import host_now

START = datetime(2024, 3, 1, 12, 0, 0, tzinfo=UTC)
HEADER_BYTES = 384


class MerlinSimulator:
    """`rate_hz` None: as fast as the receiver takes. With `wait_for_start` frames flow after STARTACQUISITION."""

    def __init__(
        self,
        shape: tuple[int, int] = (256, 256),
        *,
        frames: int = 100,
        rate_hz: float | None = None,
        kind: str = "U16",
        wait_for_start: bool = False,
        skip: tuple[int, ...] = (),
        noise_before: bytes = b"",
        endless: bool = False,
        movie: NDArray[Any] | None = None,
    ) -> None:
        """`movie` (N, Y, X), uint16: shown over and over instead of the counting pattern."""
        if movie is not None:
            shape, kind = (movie.shape[1], movie.shape[2]), "U16"
        self._movie = movie
        self.shape, self.frames, self.rate_hz, self.kind = shape, frames, rate_hz, kind
        self.skip, self.noise_before, self.endless = set(skip), noise_before, endless
        self.commands: list[str] = []
        self.sent = 0
        self._started = threading.Event()
        if not wait_for_start:
            self._started.set()
        self._closing = threading.Event()
        self._data = socket.create_server(("127.0.0.1", 0))
        self._control = socket.create_server(("127.0.0.1", 0))
        self._threads = [
            threading.Thread(
                target=self._accept, args=(listener, serve), name="merlin simulator", daemon=True
            )
            for listener, serve in ((self._data, self._serve_data), (self._control, self._serve_control))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def address(self) -> str:
        """The data socket, host:port."""
        return f"127.0.0.1:{self._data.getsockname()[1]}"

    @property
    def control(self) -> str:
        """The command socket, host:port."""
        return f"127.0.0.1:{self._control.getsockname()[1]}"

    def close(self) -> None:
        """End its threads and close both sockets."""
        self._closing.set()
        # Its thread may still wait for the start.
        self._started.set()
        for thread in self._threads:
            thread.join(5.0)
        self._data.close()
        self._control.close()

    def __enter__(self) -> MerlinSimulator:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def pixels(self, number: int) -> NDArray[Any]:
        """What frame `number` (from 1) looks like."""
        if self._movie is not None:
            return np.asarray(self._movie[(number - 1) % len(self._movie)], np.uint16)
        dtype = {"U08": np.uint8, "U16": np.uint16, "U32": np.uint32}[self.kind]
        base = np.arange(self.shape[0] * self.shape[1], dtype=np.uint32).reshape(self.shape) % 251
        # The frame number lies in the first pixels, so that a test sees which frame it has got.
        base[0, :4] = [number % 256, number // 256 % 256, number // 65536 % 256, 7]
        return base.astype(dtype)

    def message(self, number: int) -> bytes:
        """Frame `number` (from 1) as it goes over the wire, MPX prefix included."""
        return _message(self._frame_header(number) + self._bytes(number))

    def _bytes(self, number: int) -> bytes:
        pixels = self.pixels(number)
        return pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()

    def _frame_header(self, number: int) -> bytes:
        when = START + timedelta(seconds=(number - 1) / (self.rate_hz or 1000.0))
        height, width = self.shape
        plain = when.strftime("%Y-%m-%d %H:%M:%S.%f")
        text = (
            f"MQ1,{number:06d},{HEADER_BYTES:05d},01,{width:04d},{height:04d},{self.kind},   1x1,01,{plain},"
            f"0.000500,0,0,0,4.000000E+1,5.110000E+2,MQ1A,{when.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z,500000ns,12,"
        )
        return text.encode("ascii").ljust(HEADER_BYTES)

    def _accept(self, listener: socket.socket, serve: Any) -> None:
        listener.settimeout(0.05)
        while not self._closing.is_set():
            try:
                client, _where = listener.accept()
            except TimeoutError:
                continue
            with client, contextlib.suppress(OSError):
                client.settimeout(0.1)
                serve(client)

    def _serve_data(self, client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        if self.noise_before:
            self._send(client, self.noise_before)
        while not self._started.wait(0.05):
            if self._closing.is_set():
                return
        while not self._closing.is_set():
            self._send_series(client)
            if not self.endless:
                break
        # The connection stays until the client goes: closing it would count as a loss.
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                if not client.recv(64):
                    return

    def _send_series(self, client: socket.socket) -> None:
        header = f"HDR,\t\r\nFrames in Acquisition (Number):\t{self.frames}\r\nChip ID:\tSIMULATED\r\nEnd\t"
        self._send(client, _message(header.encode("ascii").ljust(2048)))
        begun = host_now()
        pattern = bytearray(self._bytes(1))
        size = self.pixels(1).dtype.itemsize
        for number in range(1, self.frames + 1):
            if self.rate_hz:
                self._closing.wait(max(begun + (number - 1) / self.rate_hz - host_now(), 0.0))
            if self._closing.is_set():
                return
            if number in self.skip:
                continue
            if self._movie is not None:
                pattern = bytearray(self._bytes(number))
            else:
                # Only the pixels of the number change: making each frame anew would be the slowest part.
                for place, digit in enumerate((number % 256, number // 256 % 256, number // 65536 % 256)):
                    pattern[place * size : (place + 1) * size] = digit.to_bytes(size, "big")
            self._send(client, _message(self._frame_header(number) + pattern))
            self.sent += 1

    def _send(self, client: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view and not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                view = view[client.send(view) :]

    def _serve_control(self, client: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                received = client.recv(4096)
            except TimeoutError:
                continue
            if not received:
                return
            for part in received.split(b"MPX,")[1:]:
                text = part.decode("ascii", "replace").split(",", 1)[1]
                self.commands.append(text)
                if "STARTACQUISITION" in text:
                    self._started.set()
                client.sendall(_message(f"{text.rsplit(',', 1)[0]},0".encode("ascii")))


def _message(payload: bytes | bytearray) -> bytes:
    return b"MPX,%010d," % (len(payload) + 1) + payload
