"""A camera script that sends a movie over and over, as a source of the open ZeroMQ message."""

from __future__ import annotations

import threading

from tandem_em.core.numeric import AnyArray
from tandem_em.sources.core.base import host_now
from tandem_em.sources.zmq.sender import MessageSender


class MovieSender:
    """Sends a movie over and over with the open ZeroMQ message, like a camera script would."""

    def __init__(self, address: str, source: str, movie: AnyArray, rate_hz: float) -> None:
        self._sender = MessageSender(address, source, bind=True, facts={"simulated": True})
        self._thread = threading.Thread(
            target=self._send, args=(movie, rate_hz), name="movie sender", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop sending, in mid-movie if need be."""
        # First: a send may be waiting for a receiver that is gone.
        self._sender.closing.set()
        self._thread.join(5.0)
        self._sender.close()

    def _send(self, movie: AnyArray, rate_hz: float) -> None:
        begun, number = host_now(), 0
        while not self._sender.closing.wait(max(begun + number / rate_hz - host_now(), 0.0)):
            self._sender.frame(movie[number % len(movie)], host_now(), t_clock="host", scale=0.5, unit="nm")
            number += 1
