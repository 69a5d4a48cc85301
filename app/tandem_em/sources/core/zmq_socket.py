"""A ZeroMQ receiving socket that refuses oversized messages, closes without hanging, and listens only where it may."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from tandem_em.core.notices import UserError
from tandem_em.sources.core.addresses import host_port, is_loopback

Pattern = Literal["pull", "sub"]


def zmq_library() -> Any:
    """pyzmq, imported when it is needed."""
    import zmq

    return zmq


class ZmqReceiver:
    """Open, `receive` and close in one thread."""

    def __init__(
        self,
        address: str,
        pattern: Pattern,
        *,
        default_port: int,
        bind: bool = False,
        allow_network: bool = False,
        keys: Path | None = None,
        max_bytes: int = 256 << 20,
        queue_messages: int = 200,
        topics: tuple[str, ...] = ("",),
    ) -> None:
        self.host, self.port = host_port(address, default_port)
        self._pattern, self._bind, self._keys = pattern, bind, keys
        self._max_bytes, self._queue, self._topics = max_bytes, queue_messages, topics
        self._context: Any = None
        self._socket: Any = None
        self._guard: Any = None
        self._monitor: Any = None
        if bind and not is_loopback(self.host):
            if not allow_network:
                raise UserError(
                    f"Listening at {self.host} would open this computer to the network.",
                    "Listen at 127.0.0.1, or set allow_network and give keys.",
                )
            if keys is None:
                raise UserError(
                    f"Listening at {self.host} needs CURVE keys with an allow-list.",
                    "Give keys = a folder with server.key_secret and allowed/*.key.",
                )

    def open(self) -> None:
        """Bind or connect, closing what was open before; UserError when the port cannot be had."""
        zmq = zmq_library()
        # A ZeroMQ socket belongs to one thread: it is made anew by the one that receives.
        self.close()
        self._context = zmq.Context(1)
        self._socket = self._context.socket(zmq.PULL if self._pattern == "pull" else zmq.SUB)
        # Nothing of ours waits to be sent, and closing must not hang.
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, self._queue)
        # ZeroMQ cuts a sender off before such a message is in memory.
        self._socket.setsockopt(zmq.MAXMSGSIZE, self._max_bytes)
        # Milliseconds: quick at first, at most once a second later.
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        if self._pattern == "sub":
            for topic in self._topics:
                self._socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        if self._keys is not None:
            self._use_keys(self._keys)
        # The only way to hear of a connection that was closed or refused.
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        )
        where = f"tcp://{self.host}:{self.port}"
        if not self._bind:
            self._socket.connect(where)
            return
        try:
            self._socket.bind(where)
        except zmq.ZMQError as error:
            raise UserError(
                f"{self.host}:{self.port} cannot be opened for listening: {error}.",
                "Another program may use the port: choose another one.",
            ) from error

    def receive(self, timeout_s: float) -> list[bytes] | None:
        """The parts of the next message, copied; None when nothing came."""
        zmq = zmq_library()
        parts: list[bytes]
        try:
            # Asked without waiting first: while many wait, a poll before each would only cost time.
            parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=True)
        except zmq.Again:
            if not self._socket.poll(int(timeout_s * 1000)):
                return None
            parts = self._socket.recv_multipart(copy=True)
        return parts

    def news(self) -> list[str]:
        """What happened to connections since the last call: "disconnected", "refused"."""
        if self._monitor is None:
            return []
        zmq = zmq_library()
        from zmq.utils.monitor import recv_monitor_message

        found = []
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            found.append("disconnected" if event == zmq.EVENT_DISCONNECTED else "refused")
        return found

    def close(self) -> None:
        """Free socket and context; can be called twice."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            # Monitor and guard hold sockets of this context: while one is open, its end below would wait for
            # ever.
            self._socket.disable_monitor()
            monitor.close(0)
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.stop()
        if self._socket is not None:
            self._socket.close(0)
            self._socket = None
        if self._context is not None:
            self._context.term()
            self._context = None

    def _use_keys(self, folder: Path) -> None:
        """CURVE as a server (binding: only clients in `allowed/`) or as a client (`client.key_secret`, `server.key`)."""
        import zmq.auth

        try:
            if self._bind:
                from zmq.auth.thread import ThreadAuthenticator

                public, secret = zmq.auth.load_certificate(folder / "server.key_secret")
                if not any((folder / "allowed").glob("*.key")):
                    raise OSError("the folder allowed/ holds no client key")
                self._guard = ThreadAuthenticator(self._context)
                self._guard.start()
                self._guard.configure_curve(domain="*", location=str(folder / "allowed"))
                self._socket.curve_server = True
            else:
                public, secret = zmq.auth.load_certificate(folder / "client.key_secret")
                server, _ = zmq.auth.load_certificate(folder / "server.key")
                self._socket.curve_serverkey = server
        except (OSError, ValueError) as error:
            raise UserError(
                f"The CURVE keys in {folder.name} could not be used: {error}.", "Make new ones."
            ) from error
        self._socket.curve_publickey, self._socket.curve_secretkey = public, secret


def make_keys(folder: Path, client: str = "client") -> None:
    """A key pair for the receiver and one for a sender; the sender's public key goes onto the allow-list."""
    import zmq.auth

    folder.mkdir(parents=True, exist_ok=True)
    allowed = folder / "allowed"
    allowed.mkdir(exist_ok=True)
    if not (folder / "server.key_secret").exists():
        zmq.auth.create_certificates(folder, "server")
    zmq.auth.create_certificates(folder, client)
    (folder / f"{client}.key").replace(allowed / f"{client}.key")
