"""Lines to and from an instrument: sockets of our own, or VISA for serial, GPIB, USB and everything else.

Nothing is assumed of a link: a reply has a deadline; after a timeout the link is dirty (the late reply would answer the
next question) and must be reopened; what lies in the input before a question is thrown away.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from typing import Any, Protocol

from tandem_em.core.notices import UserError

# No reply of a source-meter comes near; an endless one is cut off here.
MAX_REPLY = 1 << 20
SOCKET_ADDRESS = re.compile(r"^TCPIP\d*::(?P<host>.+)::(?P<port>\d+)::SOCKET$", re.IGNORECASE)


class LinkError(Exception):
    """The instrument could not be talked to; the text is a sentence."""


class LinkTimeoutError(LinkError):
    """It did not answer in time."""


class LinkClosedError(LinkError):
    """It is not there, or went away."""


class BadReplyError(LinkError):
    """It answered something else than what was asked."""


class Link(Protocol):
    """A line to an instrument that takes SCPI; what goes wrong is a LinkError."""

    address: str

    def open(self) -> None:
        """Connect, closing what was open; LinkClosedError when nobody is there."""

    def write(self, command: str) -> None:
        """Send a command that has no answer."""

    def query(self, command: str, timeout_s: float | None = None) -> str:
        """The answer to a question, without its line end; `timeout_s` None: the link's own."""

    def close(self) -> None:
        """Give the line free; can be called twice."""


def number(value: float) -> str:
    """A number with enough digits: 250 pA arrives as 2.5e-10, never as 0."""
    return f"{value:.9e}"


def open_link(address: str, *, timeout_s: float = 0.8, backend: str = "auto", baud_rate: int = 9600) -> Link:
    """The link for a VISA address, not opened yet. Raw sockets do not need VISA unless it is asked for."""
    match = SOCKET_ADDRESS.match(address.strip())
    if match and backend != "visa":
        return SocketLink(match["host"], int(match["port"]), timeout_s)
    if backend == "socket":
        raise UserError(
            f"{address} is not a socket address.", "Write TCPIP::192.168.0.5::5025::SOCKET or use VISA."
        )
    return VisaLink(address.strip(), timeout_s, baud_rate)


class SocketLink:
    """SCPI over a plain TCP socket, without Nagle's delay."""

    def __init__(self, host: str, port: int, timeout_s: float = 0.8) -> None:
        self.address = f"TCPIP::{host}::{port}::SOCKET"
        self._where = (host, port)
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Connect, within the timeout; LinkClosedError when nobody is there."""
        self.close()
        try:
            self._socket = socket.create_connection(self._where, self._timeout_s)
        except OSError as error:
            raise LinkClosedError(f"{self.address} does not answer ({error}).") from error
        # Without this every short command waits for the acknowledgement of the one before.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def write(self, command: str) -> None:
        """Send one line; LinkTimeoutError when it is not taken."""
        try:
            self._opened().sendall(command.encode("ascii") + b"\n")
        except TimeoutError as error:
            raise LinkTimeoutError(f"{self.address} does not take {command!r}.") from error
        except OSError as error:
            raise LinkClosedError(f"{self.address} closed the connection ({error}).") from error

    def query(self, command: str, timeout_s: float | None = None) -> str:
        """Throw away what lies in the input, ask, and wait for one line."""
        # The answer to an earlier question would be taken for this one's.
        self._throw_away_input()
        self.write(command)
        # For the whole reply: an instrument that sends a byte now and then does not put it off.
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        reply = bytearray()
        opened = self._opened()
        while not reply.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                raise LinkTimeoutError(f"{self.address} did not answer {command!r} in time.")
            opened.settimeout(left)
            try:
                piece = opened.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                raise LinkClosedError(f"{self.address} closed the connection ({error}).") from error
            finally:
                opened.settimeout(self._timeout_s)
            if not piece:
                raise LinkClosedError(f"{self.address} closed the connection.")
            reply += piece
            # A reply without end may not fill the memory.
            if len(reply) > MAX_REPLY:
                raise BadReplyError(f"{self.address} sent an endless answer to {command!r}.")
        return reply.decode("ascii", "replace").strip()

    def close(self) -> None:
        """Close the socket; can be called twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LinkClosedError(f"{self.address} is not open.")
        return self._socket

    def _throw_away_input(self) -> None:
        opened = self._opened()
        opened.settimeout(0.0)
        try:
            while True:
                if not opened.recv(65536):
                    raise LinkClosedError(f"{self.address} closed the connection.")
        except (BlockingIOError, TimeoutError):
            pass
        except OSError as error:
            raise LinkClosedError(f"{self.address} closed the connection ({error}).") from error
        finally:
            with contextlib.suppress(OSError):
                opened.settimeout(self._timeout_s)


class VisaLink:
    """SCPI over PyVISA: NI or Keysight VISA when installed, else pyvisa-py."""

    def __init__(self, address: str, timeout_s: float = 0.8, baud_rate: int = 9600) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._baud_rate = baud_rate
        self._manager: Any = None
        self._resource: Any = None

    def open(self) -> None:
        """Open the resource; LinkClosedError when VISA cannot."""
        self.close()
        self._manager = visa_manager()
        try:
            self._resource = self._manager.open_resource(self.address)
        # VISA backends raise what they like: all of it means that it is not open.
        except Exception as error:
            self.close()
            raise LinkClosedError(f"{self.address} could not be opened ({error}).") from error
        self._resource.timeout = self._timeout_s * 1e3
        self._resource.read_termination = self._resource.write_termination = "\n"
        if self.address.upper().startswith("ASRL"):
            self._resource.baud_rate = self._baud_rate
        self._no_delay()

    def write(self, command: str) -> None:
        """Send one line through VISA."""
        try:
            self._opened().write(command)
        except Exception as error:
            raise self._translated(error, command) from error

    def query(self, command: str, timeout_s: float | None = None) -> str:
        """Ask through VISA and wait for one line; `timeout_s` for this question only."""
        resource = self._opened()
        try:
            if timeout_s is not None:
                resource.timeout = timeout_s * 1e3
            reply = str(resource.query(command)).strip()
        except Exception as error:
            raise self._translated(error, command) from error
        finally:
            if timeout_s is not None:
                with contextlib.suppress(Exception):
                    resource.timeout = self._timeout_s * 1e3
        if len(reply) > MAX_REPLY:
            raise BadReplyError(f"{self.address} sent an endless answer to {command!r}.")
        return reply

    def close(self) -> None:
        """Close resource and manager; what a driver raises then is of no interest."""
        resource, self._resource = self._resource, None
        manager, self._manager = self._manager, None
        for each in (resource, manager):
            if each is not None:
                with contextlib.suppress(Exception):
                    each.close()

    def _opened(self) -> Any:
        if self._resource is None:
            raise LinkClosedError(f"{self.address} is not open.")
        return self._resource

    def _translated(self, error: Exception, command: str) -> LinkError:
        if "VI_ERROR_TMO" in str(error):
            return LinkTimeoutError(f"{self.address} did not answer {command!r} in time.")
        if isinstance(error, UnicodeError):
            return BadReplyError(f"{self.address} answered {command!r} with bytes that are not text.")
        return LinkClosedError(f"{self.address} is disconnected ({error}).")

    def _no_delay(self) -> None:
        """pyvisa-py leaves Nagle's algorithm on: 22 instead of thousands of readings a second."""
        with contextlib.suppress(Exception):
            session = self._resource.visalib.sessions[self._resource.session]
            session.interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def visa_manager() -> Any:
    """A resource manager on the installed VISA, or on pyvisa-py."""
    import pyvisa

    # Looking for a library can fail in many ways; pyvisa-py is the answer to all of them.
    with contextlib.suppress(Exception):
        from pyvisa.ctwrapper.highlevel import IVIVisaLibrary

        if IVIVisaLibrary.get_library_paths():
            return pyvisa.ResourceManager("@ivi")
    return pyvisa.ResourceManager("@py")


def find_instruments() -> list[str]:
    """VISA addresses that could be opened here. pyvisa-py would look for LAN instruments by broadcasting from an open
    socket; nothing is sent to the network unasked, so there only serial, GPIB and USB are listed."""
    manager = visa_manager()
    try:
        if manager.visalib.library_path != "py":
            return sorted(str(name) for name in manager.list_resources("?*"))
    finally:
        manager.close()
    from pyvisa.constants import InterfaceType
    from pyvisa_py.sessions import Session

    found: set[str] = set()
    for kind, session in Session.iter_valid_session_classes():
        if kind[0] != InterfaceType.tcpip:
            with contextlib.suppress(Exception):
                found.update(map(str, session.list_resources()))
    return sorted(found)
