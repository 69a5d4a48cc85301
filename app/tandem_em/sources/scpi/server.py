"""Puts a simulated source-meter onto a real TCP socket (127.0.0.1) or a serial line (pty), with faults on demand."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from typing import Any, Literal

from tandem_em.sources.scpi.simulator import SimulatedMeter

Fault = Literal["", "hang", "garbage", "refuse"]
GARBAGE = b"\x00\xff?!garbage,,;\n"


class ScpiServer:
    """Serves one instrument to any number of TCP clients.

    `fault = "hang"`: takes lines and never answers. "garbage": answers nonsense. "refuse": closes new connections.
    `disconnect()`: cuts all connections now.
    """

    def __init__(self, meter: SimulatedMeter, port: int = 0) -> None:
        self.meter = meter
        self.fault: Fault = ""
        self.lines: list[str] = []
        """What came in, newest last (the last thousand)."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(0.1)
        self._clients: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name="scpi simulator", daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The TCP port it listens at, on this computer only."""
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        """Its VISA address as a raw socket."""
        return f"TCPIP::127.0.0.1::{self.port}::SOCKET"

    def disconnect(self) -> None:
        """Cut all connections now; clients may connect again."""
        for client in list(self._clients):
            # Shut down, not closed: the thread that reads from it closes it.
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all threads and stop listening."""
        self._closing.set()
        self.disconnect()
        self._accepting.join(2.0)
        for thread in self._threads:
            thread.join(2.0)
        self._listener.close()

    def __enter__(self) -> ScpiServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _where = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self.fault == "refuse":
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(0.1)
            self._clients.add(client)
            thread = threading.Thread(
                target=self._serve, args=(client,), name="scpi simulator client", daemon=True
            )
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        pending = b""
        with client:
            while not self._closing.is_set():
                try:
                    piece = client.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    break
                if not piece:
                    break
                pending = self.answer_lines(pending + piece, client.sendall)
        self._clients.discard(client)

    def answer_lines(self, received: bytes, send: Any) -> bytes:
        """Handle the complete lines in `received`; returns the rest."""
        *lines, rest = received.split(b"\n")
        for line in lines:
            text = line.decode("ascii", "replace").strip()
            self.lines = [*self.lines[-999:], text]
            reply = self.meter.handle(text)
            if reply is None or self.fault == "hang":
                continue
            with contextlib.suppress(OSError):
                send(GARBAGE if self.fault == "garbage" else reply.encode("ascii") + b"\n")
        return rest


class SerialServer(ScpiServer):
    """The same on a pseudo terminal: `device` is what a serial client opens. Not on Windows."""

    def __init__(self, meter: SimulatedMeter) -> None:
        import tty  # there is none on Windows

        self._master, slave = os.openpty()
        # Raw: a terminal would else echo what is sent and change line ends.
        tty.setraw(self._master)
        tty.setraw(slave)
        self.device = os.ttyname(slave)
        self._slave = slave
        super().__init__(meter)
        self._serial = threading.Thread(target=self._serve_serial, name="scpi simulator serial", daemon=True)
        self._serial.start()

    @property
    def address(self) -> str:
        """Its VISA address as a serial line."""
        return f"ASRL{self.device}::INSTR"

    def close(self) -> None:
        """End all threads and close both ends of the pseudo terminal."""
        super().close()
        self._serial.join(2.0)
        for handle in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(handle)

    def _serve_serial(self) -> None:
        pending = b""
        while not self._closing.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if not ready:
                continue
            try:
                piece = os.read(self._master, 4096)
            except OSError:
                return
            pending = self.answer_lines(pending + piece, lambda data: os.write(self._master, data))
