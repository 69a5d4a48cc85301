"""Sends the open message over ZeroMQ: used by replay, by the simulators, and as the pattern for other programs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from tandem_em.sources.core.addresses import host_port
from tandem_em.sources.core.base import host_now
from tandem_em.sources.core.zmq_socket import zmq_library
from tandem_em.sources.zmq.wire import write_message


class MessageSender:
    """PUSH for recording (waits for the receiver), PUB for viewing (never waits). Use from one thread."""

    def __init__(
        self,
        address: str,
        source: str,
        *,
        pattern: Literal["push", "pub"] = "push",
        bind: bool = False,
        t_clock: str = "device",
        facts: dict[str, Any] | None = None,
        keys: Path | None = None,
        max_waiting: int = 100,
    ) -> None:
        zmq = zmq_library()
        self._zmq = zmq
        self._facts = {"source": source, "t_clock": t_clock, **(facts or {})}
        self._seq = {"frame": 0, "sample": 0}
        self._context = zmq.Context(1)
        self._socket = self._context.socket(zmq.PUSH if pattern == "push" else zmq.PUB)
        self._socket.setsockopt(zmq.LINGER, 500)
        self._socket.setsockopt(zmq.SNDHWM, max_waiting)
        if keys is not None:
            from zmq.auth import load_certificate

            public, secret = load_certificate(keys / "client.key_secret")
            server, _ = load_certificate(keys / "server.key")
            self._socket.curve_publickey, self._socket.curve_secretkey = public, secret
            self._socket.curve_serverkey = server
        host, port = host_port(address, 5555)
        if bind:
            self._socket.bind(f"tcp://{host}:{port}")
        else:
            self._socket.connect(f"tcp://{host}:{port}")
        self.closing = threading.Event()
        """Set from another thread: a send that waits for the receiver gives up."""

    def frame(self, pixels: NDArray[Any], t: float, **facts: Any) -> bool:
        """Send one picture taken at `t` (s); False when it was given up because `closing` was set."""
        return self._send("frame", {"t": t, "seq": self._next("frame"), **facts}, pixels)

    def samples(self, table: NDArray[Any], columns: list[str], units: list[str], **facts: Any) -> bool:
        """Rows whose first column is the time."""
        first = float(table[0, 0]) if len(table) else 0.0
        named = {"t": first, "seq": self._next("sample"), "columns": columns, "units": units, **facts}
        return self._send("sample", named, table)

    def values(self, values: dict[str, float], units: dict[str, str], t: float) -> bool:
        """One sample without raw bytes: the simplest message."""
        return self._send("sample", {"t": t, "seq": self._next("sample"), "values": values, "units": units})

    def event(self, text: str, t: float | None = None, category: str = "note") -> bool:
        """Send a sentence; `t` None: now, by the host's clock."""
        return self._send("event", {"t": host_now() if t is None else t, "text": text, "category": category})

    def end(self) -> bool:
        """Say that this sender stops; what comes later is a new stretch."""
        return self._send("end", {})

    def close(self) -> None:
        """Free the socket; what is still queued gets half a second."""
        self._socket.close()
        self._context.term()

    def _next(self, kind: str) -> int:
        number, self._seq[kind] = self._seq[kind], self._seq[kind] + 1
        return number

    def _send(self, kind: str, facts: dict[str, Any], array: NDArray[Any] | None = None) -> bool:
        """False when it was given up."""
        parts = write_message(kind, {**self._facts, **facts}, array)
        while not self.closing.is_set():
            try:
                # Without waiting in ZeroMQ, so that `closing` is noticed.
                self._socket.send_multipart(parts, self._zmq.NOBLOCK, copy=True)
                return True
            except self._zmq.Again:
                self._socket.poll(50, self._zmq.POLLOUT)
        return False
