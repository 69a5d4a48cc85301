"""Host and port as a user types them."""

from __future__ import annotations

from tandem_em.core.notices import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def host_port(address: str, default_port: int) -> tuple[str, int]:
    """("127.0.0.1", 6342) from "127.0.0.1:6342", "tcp://…", or a host alone."""
    text = address.strip().removeprefix("tcp://").rstrip("/")
    # From the right: an IPv6 host has colons of its own.
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, str(default_port)
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise UserError(f'"{address}" is not an address.', f"Write it like 192.168.0.5:{default_port}.")
    return host, int(port)


def one_spelling(address: str, default_port: int) -> str:
    """The same text for every way to write an address of a port."""
    host, port = host_port(address, default_port)
    # Two names of this computer must count as one address.
    return f"{LOOPBACK[0] if is_loopback(host) else host.lower()}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this computer, so that nothing leaves it."""
    return host in LOOPBACK or host.startswith("127.")
